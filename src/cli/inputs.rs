//! Which files `digest` reads: those that are named, those of a directory, those that a pattern matches.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files of one directory or pattern; a log directory has fewer.
const MAX_FILES: usize = 10_000;

/// What was asked for, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Inputs {
    /// Files that were named: each must be a log.
    pub(super) named: Vec<PathBuf>,
    /// Files of directories: what is no log among them is passed over.
    pub(super) found: Vec<PathBuf>,
}

impl Inputs {
    /// Takes apart what was asked for.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read.
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, InputError> {
        let mut inputs = Self::default();
        for path in paths {
            if path.is_dir() {
                inputs.found.extend(files(path, |_| true)?);
            } else if let Some((folder, pattern)) = pattern_of(path) {
                let matching = files(&folder, |name| is_match(&pattern, name.as_bytes()))?;
                if matching.is_empty() {
                    return Err(InputError::NoMatch(path.clone()));
                }
                inputs.named.extend(matching);
            } else {
                inputs.named.push(path.clone());
            }
        }
        Ok(inputs)
    }
}

/// Why the files cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    /// A directory cannot be read.
    #[error("cannot read the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing fits a pattern.
    #[error("no file matches {}", .0.display())]
    NoMatch(PathBuf),
}

/// The regular files of a directory whose names are wanted, by name.
fn files(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, InputError> {
    let failed = |source| InputError::Directory {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let is_named = entry.file_name().to_str().is_some_and(&is_wanted);
        if is_named && path.is_file() && files.len() < MAX_FILES {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The directory and the pattern of a path whose last part holds `*` or `?`; `None` when there is such a file.
fn pattern_of(path: &Path) -> Option<(PathBuf, Vec<u8>)> {
    let name = path.file_name()?.to_str()?;
    if !name.contains(['*', '?']) || path.exists() {
        return None;
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    Some((folder.to_owned(), name.as_bytes().to_vec()))
}

/// Whether a name is like a pattern: `*` stands for any text, `?` for one byte.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // the last `*`, and where what it stands for ends
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, end)) = star else { return false };
                star = Some((at, end + 1));
                p = at + 1;
                n = end + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for name in ["slow.log", "slow.log.1", "slow.log.2.gz"] {
            assert!(is_match(b"slow.log*", name.as_bytes()), "{name}");
        }
        assert!(is_match(b"*.lo?", b"a.b.log"));
        assert!(is_match(b"*a*b", b"xaxbxb"));
        assert!(!is_match(b"slow.log.?", b"slow.log.10"));
        assert!(!is_match(b"*.gz", b"slow.log"));
    }

    #[test]
    fn a_directory_gives_its_files_and_a_pattern_those_that_match() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.log", "a.log", "notes.txt"] {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        fs::create_dir(dir.path().join("deeper")).unwrap();
        let file = |name: &str| dir.path().join(name);
        let whole = Inputs::of(&[dir.path().to_owned()]).unwrap();
        assert_eq!(
            whole.found,
            [file("a.log"), file("b.log"), file("notes.txt")]
        );
        let some = Inputs::of(&[file("*.log"), PathBuf::from("-")]).unwrap();
        assert_eq!(
            some.named,
            [file("a.log"), file("b.log"), PathBuf::from("-")]
        );
        assert!(Inputs::of(&[file("*.gz")]).is_err());
    }
}

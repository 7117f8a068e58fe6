//! Which files `digest` reads: those that are named, those of a directory, those that a pattern matches.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::copies::{Copy, Distinct};
use crate::cli::twins::{Twin, Twins};
use crate::ingest::slow_log::Options;
use crate::ingest::tail::pattern::Pattern;

/// Files of one directory or pattern; a log directory has fewer.
const MAX_FILES: usize = 10_000;

/// What was asked for, taken apart.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// The files in their order; none has the same content as another one.
    pub(super) files: Vec<Input>,
    /// What was left out for that.
    pub(super) copies: Vec<Copy>,
    /// What could not be taken apart.
    pub(super) failures: Vec<InputError>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// Where it is; `-` is the standard input.
    pub(super) path: PathBuf,
    /// It was named, hence it must be a log; what is no log in a directory is passed over.
    pub(super) is_named: bool,
    /// Another file has its records from some time on.
    pub(super) twin: Option<Twin>,
}

impl Inputs {
    /// Takes apart what was asked for; the logs are read with these options.
    pub(super) fn of(paths: &[PathBuf], options: &Options) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            inputs.expand(path);
        }
        if inputs.files.len() > 1 {
            inputs.leave_out_copies();
            inputs.find_twins(options);
        }
        inputs
    }

    fn expand(&mut self, path: &Path) {
        let is_folder = path.is_dir();
        let found = match Pattern::of(path) {
            _ if is_folder => files(path, |_| true),
            Some(pattern) => files(&pattern.folder, |name| pattern.fits(name)),
            None => Ok((vec![path.to_owned()], 0)),
        };
        match found {
            Ok((found, _)) if found.is_empty() => {
                self.failures.push(InputError::NoFile(path.to_owned()));
            }
            Ok((found, left_out)) => {
                if left_out > 0 {
                    let path = path.to_owned();
                    self.failures.push(InputError::TooMany { path, left_out });
                }
                let is_named = !is_folder;
                self.files.extend(found.into_iter().map(|path| Input {
                    path,
                    is_named,
                    twin: None,
                }));
            }
            Err(error) => self.failures.push(error),
        }
    }

    fn find_twins(&mut self, options: &Options) {
        let twins = Twins::among(self.files.iter().map(|file| file.path.as_path()));
        let twins: Vec<_> = self
            .files
            .iter()
            .map(|file| twins.of(&file.path, options))
            .collect();
        let mut kept = Vec::new();
        for (mut file, twin) in self.files.drain(..).zip(twins) {
            match twin {
                Some(Twin { path, from: None }) => self.copies.push(Copy {
                    path: file.path,
                    of: path,
                }),
                twin => {
                    file.twin = twin;
                    kept.push(file);
                }
            }
        }
        self.files = kept;
    }

    fn leave_out_copies(&mut self) {
        let mut distinct = Distinct::default();
        let mut kept: Vec<Input> = Vec::new();
        for file in self.files.drain(..) {
            let Some(copy) = distinct.note(&file.path) else {
                kept.push(file);
                continue;
            };
            // This one may have all of one before, and more.
            if copy.of == file.path
                && copy.path != file.path
                && let Some(before) = kept.iter_mut().find(|f| f.path == copy.path)
            {
                *before = file;
            }
            self.copies.push(copy);
        }
        self.files = kept;
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
    /// Nothing fits a pattern, or nothing is in a directory.
    #[error("no file in {} (directories in it are not looked into)", .0.display())]
    NoFile(PathBuf),
    /// More files than are read.
    #[error("{}: {left_out} files are left out, of one directory {MAX_FILES} are read", path.display())]
    TooMany {
        /// The directory or pattern.
        path: PathBuf,
        /// Files that are not read.
        left_out: usize,
    },
}

/// The regular files of a directory whose names are wanted, by name, and how many more there are.
fn files(
    folder: &Path,
    is_wanted: impl Fn(&OsStr) -> bool,
) -> Result<(Vec<PathBuf>, usize), InputError> {
    let failed = |source| InputError::Directory {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    let mut left_out = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if !is_wanted(&entry.file_name()) || !path.is_file() {
            continue;
        }
        if files.len() < MAX_FILES {
            files.push(path);
        } else {
            left_out += 1;
        }
    }
    files.sort();
    Ok((files, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_its_files_and_a_pattern_those_that_match() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.log", "a.log", "notes.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::create_dir(dir.path().join("deeper")).unwrap();
        let file = |name: &str| dir.path().join(name);
        let given = |paths: &[PathBuf]| -> Vec<_> {
            let files = Inputs::of(paths, &Options::default()).files;
            files.into_iter().map(|f| (f.path, f.is_named)).collect()
        };
        let whole = ["a.log", "b.log", "notes.txt"].map(|name| (file(name), false));
        assert_eq!(given(&[dir.path().to_owned()]), whole);
        let some = [file("a.log"), file("b.log"), PathBuf::from("-")].map(|path| (path, true));
        assert_eq!(given(&[file("*.log"), PathBuf::from("-")]), some);
    }

    #[test]
    fn a_name_need_be_no_text() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(OsStr::from_bytes(b"sl\xe9w.log"));
        fs::write(&file, "x").unwrap();
        for given in [dir.path().to_owned(), dir.path().join("*.log")] {
            let inputs = Inputs::of(&[given], &Options::default());
            assert_eq!(inputs.files[0].path, file);
        }
    }

    #[test]
    fn what_holds_no_file_is_told_beside_what_does() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("slow.log");
        fs::write(&log, "x").unwrap();
        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let inputs = Inputs::of(&[empty, log, dir.path().join("*.gz")], &Options::default());
        assert_eq!(inputs.files.len(), 1);
        let told: Vec<String> = inputs.failures.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("no file in ") && told[0].contains("empty"),
            "{told:?}"
        );
        assert!(told[1].contains("*.gz"), "{told:?}");
    }

    #[test]
    fn a_log_that_has_all_of_one_before_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let long = b"SELECT 1;\n".repeat(20_000);
        let early = write("early", &long[..100_000]);
        let other = write("other", b"SELECT 2;\n");
        let late = write("late", &long);
        let given = [early.clone(), other.clone(), late.clone(), late.clone()];
        let inputs = Inputs::of(&given, &Options::default());
        let paths: Vec<_> = inputs.files.into_iter().map(|f| f.path).collect();
        assert_eq!(paths, [late.clone(), other]);
        let left_out: Vec<_> = inputs.copies.into_iter().map(|c| c.path).collect();
        assert_eq!(left_out, [early, late]);
    }
}

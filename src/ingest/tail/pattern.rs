//! A log whose server gives each new file a name of its own: `postgresql-*.log`, of which the newest is written to.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ingest::tail::file::Stat;
use crate::ingest::tail::siblings::{MAX_LISTED, Sibling, is_compressed};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The file that a path, or a pattern, stands for now: the one that was written last.
pub fn current(path: &Path) -> PathBuf {
    let Some(pattern) = Pattern::of(path) else {
        return path.to_owned();
    };
    let files = pattern.files();
    let plain = files.into_iter().filter(|file| !file.compressed);
    let newest = plain.max_by(|a, b| (a.stat.modified, &a.path).cmp(&(b.stat.modified, &b.path)));
    newest.map_or_else(|| path.to_owned(), |file| file.path)
}

/// The name of a file has a date, so that the server will go on in another: `postgresql-2026-11-21_000000.log`,
/// `postgresql-Sat.log`.
pub fn is_dated(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| {
        let digits =
            word.len() >= 8 && word.starts_with("20") && word.bytes().all(|b| b.is_ascii_digit());
        digits || DAYS.contains(&word)
    }) || has_date(name.as_bytes())
}

/// Whether `2026-11-21` stands in a name.
fn has_date(name: &[u8]) -> bool {
    name.windows(10).any(|window| {
        let is_right = |(at, byte): (usize, &u8)| match at {
            4 | 7 => matches!(byte, b'-' | b'_'),
            _ => byte.is_ascii_digit(),
        };
        window.iter().enumerate().all(is_right)
    })
}

/// A pattern of names in one directory.
#[derive(Debug)]
pub struct Pattern {
    /// The directory.
    pub folder: PathBuf,
    name: Vec<u8>,
}

impl Pattern {
    /// The pattern of a path whose last part holds `*` or `?`; `None` when there is such a file.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.as_encoded_bytes();
        if memchr::memchr2(b'*', b'?', name).is_none() || path.exists() {
            return None;
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        Some(Self {
            folder: folder.unwrap_or_else(|| Path::new(".")).to_owned(),
            name: name.to_vec(),
        })
    }

    /// Whether a name is like it.
    pub fn fits(&self, name: &OsStr) -> bool {
        is_match(&self.name, name.as_encoded_bytes())
    }

    /// The regular files with such names; links are not followed, for whoever may write there must not choose what
    /// is read.
    pub(super) fn files(&self) -> Vec<Sibling> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut files = Vec::new();
        for entry in entries.take(MAX_LISTED).flatten() {
            let name = entry.file_name();
            if self.fits(&name)
                && entry.file_type().is_ok_and(|kind| kind.is_file())
                && let Ok(stat) = Stat::of(&entry.path())
            {
                let compressed = name.to_str().is_some_and(is_compressed);
                files.push(Sibling {
                    path: entry.path(),
                    stat,
                    rotated: true,
                    compressed,
                });
            }
        }
        files
    }
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
    fn a_name_with_a_date_is_told_from_one_that_stays() {
        for dated in [
            "postgresql-2026-11-21_000000.log",
            "postgresql-Sat.log",
            "postgresql.log.2026-11-21-10",
            "postgresql-20261121.log",
        ] {
            assert!(is_dated(Path::new(dated)), "{dated}");
        }
        for stays in [
            "slow.log",
            "postgresql-15-main.log",
            "Saturn.log",
            "db-2026.log",
        ] {
            assert!(!is_dated(Path::new(stays)), "{stays}");
        }
    }
}

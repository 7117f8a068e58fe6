//! The files beside a log that a rotation may have made of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ingest::IngestError;
use crate::ingest::tail::file::{FileId, HEAD, LogFile, Place, Stat};

/// More entries of a directory than this are not looked at.
pub(super) const MAX_LISTED: usize = 65_536;

/// Endings of what rotation tools compress.
const COMPRESSED: [&str; 5] = [".gz", ".xz", ".zst", ".bz2", ".lz4"];

/// Whether a name is that of a packed file.
pub(super) fn is_compressed(name: &str) -> bool {
    COMPRESSED.iter().any(|ending| name.ends_with(ending))
}

/// A file beside the log.
#[derive(Debug, Clone)]
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
    /// The name is the log's with a number or a date: a rotation made it, not a person.
    pub(super) rotated: bool,
    /// Its bytes are not those of the log.
    pub(super) compressed: bool,
}

/// Files beside `log`, and beside what it links to, whose names begin like it.
pub(super) fn list(log: &Path) -> Result<Vec<Sibling>, IngestError> {
    let target = fs::canonicalize(log).unwrap_or_else(|_| log.to_owned());
    let mut found = Vec::new();
    for name in BTreeSet::from([log.to_owned(), target]) {
        beside(&name, &mut found)?;
    }
    // a link and its target may live in one directory
    found.sort_by(|a: &Sibling, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

fn beside(log: &Path, found: &mut Vec<Sibling>) -> Result<(), IngestError> {
    let Some(name) = log.file_name().and_then(|n| n.to_str()) else {
        return Ok(());
    };
    let directory = match log.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    let entries = fs::read_dir(directory).map_err(|e| IngestError::at(directory, e))?;
    for entry in entries.take(MAX_LISTED).flatten() {
        let file_name = entry.file_name();
        let Some((mark, compressed)) = file_name.to_str().and_then(|other| mark(name, other))
        else {
            continue;
        };
        // a link beside the log is not followed: whoever may write there must not choose what is read
        if entry.file_type().is_ok_and(|t| t.is_file())
            && let Ok(stat) = Stat::of(&entry.path())
        {
            found.push(Sibling {
                path: entry.path(),
                stat,
                rotated: is_rotation_mark(mark),
                compressed,
            });
        }
    }
    Ok(())
}

/// What was put into the name, `.1` in `slow.log.1.gz` and `-20261121` in `slow-20261121.log`, and whether the
/// file is compressed.
fn mark<'a>(log: &str, other: &'a str) -> Option<(&'a str, bool)> {
    let plain = COMPRESSED.iter().find_map(|c| other.strip_suffix(c));
    let (name, compressed) = (plain.unwrap_or(other), plain.is_some());
    if name == log {
        return compressed.then_some(("", compressed));
    }
    if let Some(mark) = name.strip_prefix(log) {
        return Some((mark, compressed));
    }
    let (stem, extension) = log.rsplit_once('.')?;
    let middle = name.strip_prefix(stem)?.strip_suffix(extension)?;
    Some((middle.strip_suffix('.')?, compressed))
}

/// `.1`, `-20261121`, `.2026-11-21_03`, `-old`: what logrotate, cronolog and the manuals append.
fn is_rotation_mark(mark: &str) -> bool {
    let Some(mark) = mark.strip_prefix(['.', '-', '_']) else {
        return false;
    };
    mark == "old"
        || (mark.starts_with(|c: char| c.is_ascii_digit())
            && mark
                .bytes()
                .all(|b| b.is_ascii_digit() || b"-_.:TZ".contains(&b)))
}

/// What the files of one log are named after, before and after rotations: `slow.log.1.gz` and `slow.log`,
/// `slow-20261121.log`.
pub fn log_of(path: &Path) -> Option<PathBuf> {
    let name = unmarked(path.file_name()?.to_str()?);
    Some(path.with_file_name(name))
}

/// A name without the mark of a rotation and the ending of a packer.
fn unmarked(name: &str) -> String {
    let plain = COMPRESSED.iter().find_map(|c| name.strip_suffix(c));
    let plain = plain.unwrap_or(name);
    for (at, _) in plain.match_indices(['.', '-', '_']) {
        let (before, rest) = plain.split_at(at);
        if is_rotation_mark(rest) {
            return before.to_owned();
        }
        if let Some((mark, ending)) = rest.rsplit_once('.')
            && is_rotation_mark(mark)
        {
            return format!("{before}.{ending}");
        }
    }
    plain.to_owned()
}

/// The oldest rotated file with something new.
pub(super) fn next(siblings: &[Sibling], is_new: impl Fn(&Sibling) -> bool) -> Option<&Sibling> {
    siblings
        .iter()
        .filter(|s| s.rotated && s.stat.len > 0)
        .filter(|s| is_new(s))
        .min_by(|a, b| (a.stat.modified, &a.path).cmp(&(b.stat.modified, &b.path)))
}

/// Whether a sibling is a copy of what is at the path still: made by a person, or by a copytruncate that has not truncated
/// yet. What is in it is read from the path.
pub(super) fn is_copy(sibling: &Sibling, log: &Path) -> bool {
    // The sibling first: were it the other way round, the log could be copied and truncated in between.
    head(&sibling.path)
        .is_some_and(|copied| head(log).is_some_and(|head| is_beginning(&copied, &head)))
}

/// Whether what a log begins with is what a sibling, maybe a copy that is still being made, begins with.
pub(super) fn begins(sibling: &Sibling, log_head: &[u8]) -> bool {
    head(&sibling.path).is_some_and(|copied| is_beginning(&copied, log_head))
}

fn head(path: &Path) -> Option<Vec<u8>> {
    LogFile::open(path).ok()?.read(0, HEAD).ok()
}

fn is_beginning(copied: &[u8], head: &[u8]) -> bool {
    !head.is_empty() && head.starts_with(copied)
}

/// The sibling that is the file `id`, if it still holds what was read.
pub(super) fn renamed(
    siblings: &[Sibling],
    id: FileId,
    place: &Place,
) -> Result<Option<LogFile>, IngestError> {
    first_holding(siblings.iter().filter(|s| s.stat.id == id), place)
}

/// The newest copy of what was read; `is_telling` must hold, or everything would be a copy.
pub(super) fn copied(
    siblings: &[Sibling],
    except: FileId,
    place: &Place,
) -> Result<Option<LogFile>, IngestError> {
    if !place.is_telling() {
        return Ok(None);
    }
    let mut plain: Vec<_> = siblings
        .iter()
        .filter(|s| !s.compressed && s.stat.id != except && s.stat.len >= place.offset)
        .collect();
    plain.sort_by_key(|s| std::cmp::Reverse(s.stat.modified));
    first_holding(plain.into_iter(), place)
}

fn first_holding<'a>(
    mut candidates: impl Iterator<Item = &'a Sibling>,
    place: &Place,
) -> Result<Option<LogFile>, IngestError> {
    candidates
        .find_map(|sibling| match LogFile::open(&sibling.path) {
            Ok(file) => match place.is_in(&file) {
                Ok(true) => Some(Ok(file)),
                Ok(false) => None,
                Err(e) => Some(Err(e)),
            },
            // renamed or deleted since the directory was listed, or not for our eyes: others may be
            Err(_) => None,
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotations_give_are_told_from_names_that_people_give() {
        for rotated in [
            "slow.log.1",
            "slow.log.12.gz",
            "slow.log-20261121",
            "slow.log.2026-11-21_03",
            "slow.log-old",
            "slow-20261121.log",
            "slow.1.log.xz",
        ] {
            let (mark, _) = mark("slow.log", rotated).unwrap();
            assert!(is_rotation_mark(mark), "{rotated}: {mark}");
        }
        for other in [
            "slow.log.bak",
            "slow.log.1.bak",
            "slow.log~",
            "slow.log.new",
        ] {
            let (mark, _) = mark("slow.log", other).unwrap();
            assert!(!is_rotation_mark(mark), "{other}");
        }
        let path = |name: &str| PathBuf::from("/var/log").join(name);
        for (other, is_sibling) in [
            ("slow.log.12.gz", true),
            ("slow.log-20261121", true),
            ("slow-20261121.log.xz", true),
            ("slow.log.bak", false),
            ("mysql-slow.log", false),
            ("error.log.1", false),
        ] {
            let found = log_of(&path("slow.log.1")) == log_of(&path(other));
            assert_eq!(found, is_sibling, "{other}");
        }
        assert_eq!(mark("slow.log", "slow.log.2.zst"), Some((".2", true)));
        assert_eq!(mark("slow.log", "slow.log"), None);
        assert_eq!(mark("slow.log", "error.log.1"), None);
    }
}

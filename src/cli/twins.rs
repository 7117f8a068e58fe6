//! One server that writes its log in two formats at once: `log_destination = 'stderr,csvlog'`.
//!
//! `postgresql-Sat.log`, `.csv` and `.json` have the same records. The most structured is read whole, and the others up
//! to where it begins: it may have been switched on later.

use std::path::{Path, PathBuf};

use crate::ingest::slow_log::{Format, offline, sniff};
use crate::model::time::Timestamp;

/// Endings of a log with the formats that PostgreSQL gives them, the most structured first.
const ENDINGS: [(&str, Format); 3] = [
    ("json", Format::PostgresJson),
    ("csv", Format::PostgresCsv),
    ("log", Format::PostgresStderr),
];

/// What has the same records as a file, from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twin {
    /// The file that is read instead.
    pub(super) path: PathBuf,
    /// The end of its first statement.
    pub(super) from: Timestamp,
}

/// The more structured one of two logs of one server, when `others` has one for `path`.
pub(super) fn of(path: &Path, others: &[PathBuf]) -> Option<Twin> {
    let rank = rank(path)?;
    let has_name = |other: &&PathBuf| {
        other.with_extension("") == path.with_extension("") && self::rank(other) < Some(rank)
    };
    let candidates = others
        .iter()
        .filter(has_name)
        .filter(|other| self::rank(other).is_some());
    let best = candidates.min_by_key(|other| self::rank(other))?;
    if !is_of_its_format(path) || !is_of_its_format(best) {
        return None;
    }
    let from = offline::first_end(best)?;
    let path = best.clone();
    Some(Twin { path, from })
}

fn rank(path: &Path) -> Option<usize> {
    let ending = path.extension()?;
    ENDINGS.iter().position(|(known, _)| ending == *known)
}

/// Whether a file holds what its name promises.
fn is_of_its_format(path: &Path) -> bool {
    let head = offline::head(path).unwrap_or_default();
    rank(path).is_some_and(|rank| sniff(&head) == Some(ENDINGS[rank].1))
}

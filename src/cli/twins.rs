//! One server that writes its log in two formats at once: `log_destination = 'stderr,csvlog'`.
//!
//! `postgresql-Sat.log`, `.csv` and `.json` have the same records. The most structured is read whole, and the others up
//! to where it begins: it may have been switched on later.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::ingest::slow_log::{Format, Options, offline, sniff};
use crate::model::time::Timestamp;

/// Endings of a log with the formats that PostgreSQL gives them, the most structured first.
const ENDINGS: [(&str, Format); 3] = [
    ("json", Format::PostgresJson),
    ("csv", Format::PostgresCsv),
    ("log", Format::PostgresStderr),
];

/// Endings of packed logs.
const PACKED: [&str; 3] = ["gz", "xz", "zst"];

/// What has the same records as a file, from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twin {
    /// The file that is read instead.
    pub(super) path: PathBuf,
    /// The end of its first statement, as exact as the times of the other file; `None` when that tells no times.
    pub(super) from: Option<Timestamp>,
}

/// Logs by their names, and for each name the most structured one.
#[derive(Debug)]
pub(super) struct Twins(HashMap<PathBuf, (usize, PathBuf)>);

impl Twins {
    /// Those among the files that are read.
    pub(super) fn among<'p>(paths: impl Iterator<Item = &'p Path>) -> Self {
        let mut best = HashMap::new();
        for path in paths {
            let Some(rank) = rank(path) else { continue };
            let known = best
                .entry(stem(path))
                .or_insert_with(|| (rank, path.to_owned()));
            if rank < known.0 {
                *known = (rank, path.to_owned());
            }
        }
        Self(best)
    }

    /// The most structured log of the server that wrote this one, too.
    pub(super) fn of(&self, path: &Path, options: &Options) -> Option<Twin> {
        let rank = rank(path)?;
        let (_, best) = self.0.get(&stem(path)).filter(|(best, _)| *best < rank)?;
        if !is_of_its_format(path) || !is_of_its_format(best) {
            return None;
        }
        let from = offline::first_end(best, options)?;
        let own = offline::first_end(path, options);
        Some(Twin {
            path: best.clone(),
            from: own.map(|own| as_exact_as(own, from)),
        })
    }
}

/// A time without its fraction where `sample` has none: times are cut, not rounded.
fn as_exact_as(sample: Timestamp, at: Timestamp) -> Timestamp {
    const SECOND: u64 = 1_000_000_000;
    let cut = |at: Timestamp| at.as_unix_nanos() / SECOND * SECOND;
    if sample.as_unix_nanos() == cut(sample) {
        return Timestamp::from_unix_nanos(cut(at));
    }
    at
}

fn rank(path: &Path) -> Option<usize> {
    let plain = unpacked(path);
    let ending = plain.extension()?;
    ENDINGS.iter().position(|(known, _)| ending == *known)
}

/// What the logs of one server have in common.
fn stem(path: &Path) -> PathBuf {
    unpacked(path).with_extension("")
}

/// The name without the ending of a packer.
fn unpacked(path: &Path) -> PathBuf {
    let is_packer = |ending: &std::ffi::OsStr| PACKED.iter().any(|packed| ending == *packed);
    if path.extension().is_some_and(is_packer) {
        path.with_extension("")
    } else {
        path.to_owned()
    }
}

/// Whether a file holds what its name promises.
fn is_of_its_format(path: &Path) -> bool {
    let head = offline::head(path).unwrap_or_default();
    rank(path).is_some_and(|rank| sniff(&head) == Some(ENDINGS[rank].1))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::tz::TimeZone;

    use super::*;

    /// What is told of `a.log` beside `a.csv`, whose records begin at 12:00:00.500.
    fn twin(zone: &str, prefixes: &[&str]) -> Twin {
        let dir = tempfile::tempdir().unwrap();
        let [log, csv] = ["a.log", "a.csv"].map(|name| dir.path().join(name));
        let line = |prefix: &&str| format!("{prefix}LOG:  duration: 1.0 ms  statement: SELECT 1\n");
        fs::write(&log, prefixes.iter().map(line).collect::<String>()).unwrap();
        let record = "2026-11-21 12:00:00.500 CST,\"app\",\"shop\",71,\"[local]\",6b01f082.47,1,\"SELECT\",\
                      2026-11-21 11:00:00 CST,3/7,0,LOG,00000,\"duration: 1.0 ms  statement: SELECT 1\",\
                      ,,,,,,,,\"psql\",\"client backend\",,0\n";
        fs::write(&csv, record).unwrap();
        let options = Options {
            time_zone: TimeZone::get(zone).unwrap(),
            is_zone_given: true,
            ..Options::default()
        };
        let twins = Twins::among([log.as_path(), csv.as_path()].into_iter());
        assert_eq!(twins.of(&csv, &options), None);
        let twin = twins.of(&log, &options).unwrap();
        assert_eq!(twin.path, csv);
        twin
    }

    #[test]
    fn the_time_of_a_twin_is_of_the_zone_in_which_it_is_read() {
        let lines = ["2026-11-21 08:00:00.123 CST [71] "];
        for (zone, hour) in [("America/Chicago", 18), ("Asia/Shanghai", 4)] {
            let from = twin(zone, &lines).from.unwrap();
            assert_eq!(from.to_string(), format!("2026-11-21T{hour:02}:00:00.5Z"));
        }
    }

    #[test]
    fn a_packed_log_is_a_twin_too() {
        let [log, json] = ["dir/a.log.gz", "dir/a.json"].map(Path::new);
        let twins = Twins::among([log, json].into_iter());
        assert_eq!(twins.0[Path::new("dir/a")].1, json);
        assert_eq!((rank(log), stem(log)), (Some(2), stem(json)));
        assert_eq!(rank(Path::new("a.txt.gz")), None);
    }

    #[test]
    fn times_are_compared_as_exactly_as_both_tell_them() {
        let from = twin("America/Chicago", &["2026-11-21 08:00:00 CST [71] "])
            .from
            .unwrap();
        assert_eq!(from.to_string(), "2026-11-21T18:00:00Z");
    }

    #[test]
    fn a_twin_that_tells_no_times_cannot_be_read_in_part() {
        assert_eq!(
            twin("America/Chicago", &["[71] app@shop ", "[72] app@shop "]).from,
            None
        );
    }
}

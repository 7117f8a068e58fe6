//! Logs that are given twice: under two names, as a link, or packed beside what was packed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::ingest::slow_log::offline::{self, Likeness};

/// Logs that begin alike for so many bytes are compared: beyond what every log of one server begins with.
const BEGINNING: usize = 512;

/// A file that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    /// Which.
    pub(super) path: PathBuf,
    /// What has all that it has.
    pub(super) of: PathBuf,
}

/// Files whose content differs.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    /// By device and number.
    files: HashMap<(u64, u64), PathBuf>,
    /// By how their content begins.
    beginnings: BTreeMap<Vec<u8>, Vec<PathBuf>>,
    /// Lengths of the beginnings.
    lengths: BTreeSet<usize>,
}

impl Distinct {
    /// Takes note of a file; tells which of two files that have the same content can be left out. What is no regular
    /// file can be read once only, hence it is not looked at; what cannot be read is told by whoever reads it.
    pub(super) fn note(&mut self, path: &Path) -> Option<Copy> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let file = (metadata.dev(), metadata.ino());
        if let Some(known) = self.files.get(&file) {
            return Some(Copy {
                path: path.to_owned(),
                of: known.clone(),
            });
        }
        self.files.insert(file, path.to_owned());
        let mut head = offline::head(path).ok().filter(|head| !head.is_empty())?;
        head.truncate(BEGINNING);
        let shorter = self
            .lengths
            .range(..head.len())
            .map(|length| &head[..*length]);
        let shorter = shorter.filter(|beginning| self.beginnings.contains_key(*beginning));
        let longer = self.beginnings.range(head.clone()..);
        let longer = longer.take_while(|(beginning, _)| beginning.starts_with(&head));
        let alike: Vec<Vec<u8>> = shorter
            .map(<[u8]>::to_vec)
            .chain(longer.map(|(beginning, _)| beginning.clone()))
            .collect();
        for beginning in alike {
            let known = self.beginnings.get_mut(&beginning)?;
            for known in known.iter_mut() {
                let (longer, shorter) = match offline::likeness(known, path).ok()? {
                    Likeness::Same | Likeness::FirstIsMore => (known.clone(), path.to_owned()),
                    Likeness::SecondIsMore => (path.to_owned(), known.clone()),
                    Likeness::Different => continue,
                };
                known.clone_from(&longer);
                return Some(Copy {
                    path: shorter,
                    of: longer,
                });
            }
        }
        self.lengths.insert(head.len());
        self.beginnings
            .entry(head)
            .or_default()
            .push(path.to_owned());
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LOG: &[u8] = b"# Time: 2026-11-21T10:00:00Z\nSELECT 1;\n";

    fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap()
    }

    #[test]
    fn a_file_under_another_name_is_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let log = file(&dir, "slow.log", LOG);
        let [soft, hard] = ["soft", "hard"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink(&log, &soft).unwrap();
        fs::hard_link(&log, &hard).unwrap();
        let gz = file(&dir, "slow.log.gz", &packed(LOG));
        let mut distinct = Distinct::default();
        assert_eq!(distinct.note(&log), None);
        for path in [log.clone(), soft, hard, gz] {
            let copy = distinct.note(&path).unwrap();
            assert_eq!((copy.path, copy.of), (path, log.clone()));
        }
    }

    #[test]
    fn of_a_log_and_an_earlier_state_of_it_the_longer_one_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let long = LOG.repeat(5_000);
        let late = file(&dir, "late", &long);
        for length in [100, 30_000, 150_000] {
            let early = file(&dir, "early.gz", &packed(&long[..length]));
            for files in [[&early, &late], [&late, &early]] {
                let mut distinct = Distinct::default();
                assert_eq!(distinct.note(files[0]), None);
                let copy = distinct.note(files[1]).unwrap();
                assert_eq!((&copy.path, &copy.of), (&early, &late), "{length}");
            }
        }
    }

    #[test]
    fn logs_that_only_begin_alike_are_two() {
        let dir = tempfile::tempdir().unwrap();
        let long = LOG.repeat(5_000);
        let mut distinct = Distinct::default();
        assert_eq!(distinct.note(&file(&dir, "a", &long)), None);
        let mut other = long;
        other.truncate(190_000);
        other.extend_from_slice(b"SELECT 2;\n");
        assert_eq!(distinct.note(&file(&dir, "b", &other)), None);
        for name in ["empty", "empty too"] {
            assert_eq!(
                distinct.note(&file(&dir, name, b"")),
                None,
                "nothing is no content"
            );
        }
    }
}

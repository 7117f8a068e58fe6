//! A format as small as can be, and a directory in which files are written, rotated and followed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::ingest::slow_log::{BYTE_ORDER_MARK, Entry, Next, Parser, Progress};
use crate::ingest::tail::reading::MakeParser;
use crate::ingest::tail::{Follower, Start};
use crate::ingest::{Checkpoint, IngestError, RawBatch, SourceMeta};
use crate::model::event::{Coverage, DbTarget};
use crate::model::id::{ServiceName, SourceId};
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;

/// An entry begins with a line that begins with `#` and goes on until the next one.
#[derive(Debug, Default)]
struct Hashes {
    /// Consumes lines of an entry before it is complete, and holds them.
    eager: bool,
    current: Option<Vec<u8>>,
}

impl Parser for Hashes {
    fn parse(&mut self, buffer: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Progress {
        let (mut consumed, mut whole) = (0, 0);
        for line in buffer.split_inclusive(|b| *b == b'\n') {
            if !line.ends_with(b"\n") && next != Next::End {
                break;
            }
            if line.starts_with(b"#") {
                self.tell(tell);
                self.current = Some(Vec::new());
                whole = consumed;
            }
            if let Some(entry) = &mut self.current {
                entry.extend_from_slice(line);
            }
            consumed += line.len();
        }
        if next != Next::More {
            self.tell(tell);
        } else if !self.eager && self.current.is_some() {
            self.current = None;
            consumed = whole;
        }
        Progress {
            consumed,
            held: self.current.as_ref().map_or(0, |e| e.len() as u64),
            unparsed: 0,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::default()
    }

    fn coverage(&self) -> Coverage {
        Coverage::default()
    }

    fn context(&self) -> String {
        String::new()
    }

    fn restore(&mut self, _: &str) {}
}

impl Hashes {
    fn tell(&mut self, tell: &mut dyn FnMut(Entry<'_>)) {
        if let Some(text) = self.current.take() {
            tell(Entry {
                sql: text.into(),
                ..Entry::default()
            });
        }
    }
}

/// Files, a writer and a follower.
pub(super) struct Rig {
    dir: tempfile::TempDir,
    pub(super) now: Timestamp,
    ticks: u64,
    pub(super) follower: Follower,
    start: Start,
    eager: bool,
    name: &'static str,
    pub(super) batches: Vec<RawBatch>,
}

impl Rig {
    pub(super) fn new(start: Start) -> Self {
        Self::with(start, false)
    }

    pub(super) fn with(start: Start, eager: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::following("slow.log", dir, (start, eager))
    }

    /// Follows the files that a pattern stands for.
    pub(super) fn of_pattern(name: &'static str, start: Start) -> Self {
        Self::following(name, tempfile::tempdir().unwrap(), (start, false))
    }

    fn following(
        name: &'static str,
        dir: tempfile::TempDir,
        (start, eager): (Start, bool),
    ) -> Self {
        let follower = follower(dir.path().join(name), start, None, eager);
        Self {
            dir,
            now: Timestamp::from_unix_secs(1_000),
            ticks: 0,
            follower,
            start,
            eager,
            name,
            batches: Vec::new(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Gives a file the next modification time: file systems are too coarse to tell two writes of a test apart.
    pub(super) fn touch(&mut self, file: &File) {
        self.ticks += 1;
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(self.ticks);
        file.set_modified(at).unwrap();
    }

    pub(super) fn open(&mut self, name: &str) -> File {
        let path = self.path(name);
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        if is_new {
            self.touch(&file);
        }
        file
    }

    pub(super) fn append(&mut self, name: &str, text: &str) {
        let file = self.open(name);
        self.write(&file, text.as_bytes());
    }

    pub(super) fn write(&mut self, mut file: &File, bytes: &[u8]) {
        file.write_all(bytes).unwrap();
        self.touch(file);
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn copytruncate(&mut self, to: &str) {
        fs::copy(self.path("slow.log"), self.path(to)).unwrap();
        let copy = self.open(to);
        self.touch(&copy);
        self.truncate();
    }

    pub(super) fn truncate(&mut self) {
        let log = self.open("slow.log");
        log.set_len(0).unwrap();
        self.touch(&log);
    }

    /// Polls until nothing comes; a millisecond passes.
    pub(super) fn poll(&mut self) {
        self.try_poll().unwrap();
    }

    pub(super) fn try_poll(&mut self) -> Result<(), IngestError> {
        self.now = self.now.plus(Duration::from_millis(1));
        while let Some(batch) = self.follower.poll(self.now)? {
            self.batches.push(batch);
        }
        Ok(())
    }

    /// Polls while enough time passes for everything that waits for it.
    pub(super) fn settle(&mut self) {
        for _ in 0..12 {
            self.now = self.now.plus(Duration::from_secs(1));
            drop(self.try_poll());
        }
    }

    /// Forgets all that came after batch `kept` and starts anew from its checkpoint.
    pub(super) fn crash(&mut self, kept: usize) {
        self.batches.truncate(kept);
        let last = self.batches.last().and_then(|b| b.mark.checkpoint.clone());
        self.follower = follower(self.path(self.name), self.start, last, self.eager);
    }

    pub(super) fn told(&self) -> Vec<String> {
        let entries = self.batches.iter().flat_map(|b| &b.entries);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        entries.map(|e| text(e.sql.reveal())).collect()
    }

    pub(super) fn gap(&self) -> u64 {
        self.batches.iter().map(|b| b.mark.gap_bytes).sum()
    }
}

fn follower(path: PathBuf, start: Start, resume: Option<Checkpoint>, eager: bool) -> Follower {
    let make: MakeParser = Box::new(move |head| {
        let known = [b"#".as_slice(), b"\0", BYTE_ORDER_MARK]
            .iter()
            .any(|sign| head.starts_with(sign));
        known.then(|| -> Box<dyn Parser> {
            Box::new(Hashes {
                eager,
                ..Hashes::default()
            })
        })
    });
    let source = Arc::new(SourceMeta {
        id: SourceId::new("slow_log:test"),
        service: ServiceName::default(),
        target: DbTarget::default(),
    });
    Follower::new(path, start, source, resume, make)
}

//! Decides which file to read next, so that a rotation neither loses nor repeats an entry.
//!
//! ```text
//!              ┌──────────── reading ◄──────────────────────────┐
//!              │ at its end, and the path leads elsewhere       │ oldest rotated file written after `horizon`,
//!              ▼                                                │ and if there is none, the path, from 0
//!   renamed ─► read on to the end ─► finish ────────────────────┤
//! truncated ─► copy that holds what was read? ─ read its rest ──┤
//!                                             └ none: gap ──────┘
//! ```
//!
//! `horizon` is when the last file that was read was last written. The path counts as rotated only once the new
//! file has bytes: until then the server may still write to the old one. The files of a pattern may all be written to:
//! a finished one is read on from where it ended.

mod choose;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ingest::tail::Start;
use crate::ingest::tail::file::{FileId, Place};
use crate::ingest::tail::gathered::Gathered;
use crate::ingest::tail::memory::Memory;
use crate::ingest::tail::pattern::Pattern;
use crate::ingest::tail::reading::{Look, MakeParser, Reading};
use crate::ingest::tail::siblings;
use crate::ingest::{Checkpoint, IngestError, Mark, RawBatch, SourceMeta};
use crate::model::time::Timestamp;

/// A batch is closed once it has read so much.
const BATCH_BYTES: u64 = 1 << 20;

/// A batch is closed once it has so many entries; a block may bring a few more.
const BATCH_ENTRIES: usize = 2_000;

/// An entry that looks complete is told when nothing followed it for so long.
const QUIET_AFTER: Duration = Duration::from_millis(500);

/// While nothing comes, time is told this often, so that windows close.
const IDLE_EVERY: Duration = Duration::from_secs(1);

/// Lost bytes are warned of at most this often; all of them are counted.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Finished files that are remembered, in case the server writes to one after all; of a pattern, one for each server
/// that writes to a file of its own.
const FINISHED: usize = 32;

/// Follows one log through its rotations. Sync and without a clock, so that every order of events can be tested.
pub struct Follower {
    path: PathBuf,
    source: Arc<SourceMeta>,
    start: Start,
    make: MakeParser,
    begin: Begin,
    reading: Option<Reading>,
    /// When the file was last written, if it had nothing in it when it was opened: a rotation since shows only here.
    opened_empty: Option<Timestamp>,
    horizon: Timestamp,
    finished: VecDeque<(FileId, Place)>,
    checkpoint: Option<Checkpoint>,
    grown_at: Timestamp,
    idle_at: Timestamp,
    warned_at: Option<Timestamp>,
    /// That several files of a pattern are written to was told.
    has_told_many: bool,
    /// A file was read to its end by this process, and the next one is to be read.
    has_read: bool,
}

/// How the next file is found.
#[derive(Debug, Clone)]
enum Begin {
    /// This log was never read.
    First,
    /// It was read up to here by an earlier run.
    Resume(Box<Checkpoint>),
    /// A file has ended, or none was there; with the parser's memory.
    Next(String),
}

/// What a step calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Tell what was gathered, or that the checkpoint has moved.
    Tell,
    /// Nothing came.
    Idle,
    /// Nothing came, but an entry waits for its end.
    Wait,
    /// The file has changed: look again.
    Again,
}

impl Follower {
    /// Follows `path` from the checkpoint, or as `start` says if there is none.
    pub fn new(
        path: PathBuf,
        start: Start,
        source: Arc<SourceMeta>,
        resume: Option<Checkpoint>,
        make: MakeParser,
    ) -> Self {
        let begin = match &resume {
            Some(checkpoint) => Begin::Resume(Box::new(checkpoint.clone())),
            None => Begin::First,
        };
        Self {
            path,
            source,
            start,
            make,
            begin,
            reading: None,
            opened_empty: None,
            horizon: Timestamp::EPOCH,
            finished: VecDeque::new(),
            checkpoint: resume,
            grown_at: Timestamp::EPOCH,
            idle_at: Timestamp::EPOCH,
            warned_at: None,
            has_told_many: false,
            has_read: false,
        }
    }

    /// Reads on by at most one batch. `None`: nothing to tell now; ask again later. An error heals by itself or by
    /// hand; asking again is always right.
    pub fn poll(&mut self, now: Timestamp) -> Result<Option<RawBatch>, IngestError> {
        // a clock that was set back must not make what is complete wait for hours
        self.grown_at = self.grown_at.min(now);
        self.idle_at = self.idle_at.min(now);
        let mut gathered = Gathered::default();
        let mut step = self.step(now, &mut gathered);
        while matches!(step, Ok(Step::Again)) {
            step = self.step(now, &mut gathered);
        }
        if let Some(reason) = gathered.lost_by {
            self.warn(now, reason, gathered.gap);
        }
        if gathered.is_empty() {
            let idle = now.since(self.idle_at) >= IDLE_EVERY;
            match step? {
                Step::Idle if idle => self.idle_at = now,
                Step::Tell => return Ok(Some(self.batch(gathered, None))),
                _ => return Ok(None),
            }
            return Ok(Some(self.batch(gathered, Some(now))));
        }
        // an error comes again at the next call, after what was read before it
        Ok(Some(self.batch(gathered, None)))
    }

    fn step(&mut self, now: Timestamp, into: &mut Gathered) -> Result<Step, IngestError> {
        if self.must_open()? {
            return self.open(into);
        }
        let look = if self.is_known_empty() {
            Look::AtEnd
        } else {
            self.read_on(into)?
        };
        match look {
            Look::Grew => {
                self.grown_at = now;
                Ok(Step::Tell)
            }
            Look::Replaced => self.replaced(into),
            Look::AtEnd | Look::Unknown if self.is_superseded()? => {
                // what was written before the new file had bytes is in the old one by now
                let last = self.read_on(into)?;
                if last != Look::Grew {
                    if last == Look::Unknown {
                        into.lost_by = Some("the format could not be told; set `format`");
                    }
                    self.finish(into);
                }
                Ok(Step::Tell)
            }
            Look::Unknown => Err(IngestError::UnknownFormat(self.path.clone())),
            Look::AtEnd => Ok(self.rest(now, into)),
        }
    }

    /// Reads until the batch is full or the file is at its end.
    fn read_on(&mut self, into: &mut Gathered) -> Result<Look, IngestError> {
        let Some(reading) = &mut self.reading else {
            return Ok(Look::AtEnd);
        };
        loop {
            let look = reading.look(&mut self.make, &mut self.horizon, into)?;
            let full = into.bytes >= BATCH_BYTES || into.entries.len() >= BATCH_ENTRIES;
            match look {
                Look::Grew if !full && !into.backlog => {}
                // what it means that it ended, the next call finds out
                _ if into.bytes > 0 => return Ok(Look::Grew),
                _ => return Ok(look),
            }
        }
    }

    /// The file was truncated: its rest is in the copy that `copytruncate` makes, or lost.
    fn replaced(&mut self, into: &mut Gathered) -> Result<Step, IngestError> {
        let siblings = self.siblings();
        let Some(reading) = &mut self.reading else {
            return Ok(Step::Again);
        };
        let copy = siblings::copied(&siblings, reading.file.id, &reading.place_read())?;
        match copy {
            Some(copy) if !reading.closed => {
                reading.move_to(copy);
                Ok(Step::Again)
            }
            _ => {
                into.lost_by = Some(
                    "the log was truncated and no plain copy of it is there; rotate by renaming, or with \
                     delaycompress",
                );
                self.finish(into);
                Ok(Step::Tell)
            }
        }
    }

    fn finish(&mut self, into: &mut Gathered) {
        let Some(mut reading) = self.reading.take() else {
            return;
        };
        reading.finish(into);
        self.has_read = true;
        self.begin = Begin::Next(reading.context());
        self.checkpoint = Some(reading.checkpoint(&self.source.id, self.memory()));
        self.remember(reading.file.id, reading.place_read());
        into.coverage = reading.coverage();
    }

    /// At the end of a file that is still written: entries that look complete are told after a while.
    fn rest(&mut self, now: Timestamp, into: &mut Gathered) -> Step {
        let Some(reading) = &mut self.reading else {
            return Step::Idle;
        };
        if reading.quieted || !reading.is_pending() {
            return Step::Idle;
        }
        if now.since(self.grown_at) < QUIET_AFTER {
            return Step::Wait;
        }
        reading.quiet(into);
        Step::Idle
    }

    fn batch(&mut self, gathered: Gathered, idle_at: Option<Timestamp>) -> RawBatch {
        let mut mark = Mark {
            checkpoint: None,
            backlog: gathered.backlog && !gathered.entries.is_empty(),
            coverage: gathered.coverage,
            idle_at,
            lateness: Duration::ZERO,
            bytes: gathered.bytes,
            lag_bytes: 0,
            unparsed: gathered.unparsed,
            gap_bytes: gathered.gap,
        };
        let memory = self.memory();
        if let Some(reading) = &mut self.reading {
            mark.lag_bytes = reading.lag();
            mark.coverage = reading.coverage();
            if let Some(dialect) = reading.dialect()
                && self.source.target.system != dialect
            {
                Arc::make_mut(&mut self.source).target.system = dialect;
            }
            // a file with nothing in it cannot be told from another: the place before it stays good
            let told = reading.position() > 0 || self.checkpoint.is_none();
            if told {
                self.checkpoint = Some(reading.checkpoint(&self.source.id, memory));
            }
        }
        mark.checkpoint.clone_from(&self.checkpoint);
        RawBatch::of_entries(Arc::clone(&self.source), gathered.entries, mark)
    }

    /// What a restart needs beside the place in the file.
    fn memory(&self) -> Memory {
        let others = match Pattern::of(&self.path) {
            Some(_) => self.finished.iter().copied().collect(),
            None => Vec::new(),
        };
        Memory {
            horizon: self.horizon,
            others,
            ..Memory::default()
        }
    }

    fn warn(&mut self, now: Timestamp, reason: &str, gap: u64) {
        let lately = |at| now.since(at) < WARN_EVERY;
        if !self.warned_at.is_some_and(lately) {
            self.warned_at = Some(now);
            tracing::warn!(
                path = %self.path.display(),
                at_least_bytes = gap,
                reason,
                "a part of the log may be lost"
            );
        }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("path", &self.path)
            .field("reading", &self.reading)
            .finish_non_exhaustive()
    }
}

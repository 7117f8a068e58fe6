//! One file while it is read: its unread end goes through the parser, and its place is kept.
//!
//! ```text
//!            history      pending
//! file  ───┬─────────┬───────────────┬──────────────► (not read yet)
//!        base    base+done       base+buffer.len()
//!                 └ minus held = offset of the checkpoint: the first entry not told
//! ```

use std::fmt;

use crate::ingest::slow_log::{BYTE_ORDER_MARK, MAX_STATEMENT_BYTES, Names, Next, Parser};
use crate::ingest::tail::file::{HEAD, LogFile, Place, Stat, TAIL, Trace};
use crate::ingest::tail::gathered::Gathered;
use crate::ingest::tail::memory::Memory;
use crate::ingest::{Checkpoint, IngestError};
use crate::model::event::Coverage;
use crate::model::id::SourceId;
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;

/// Makes the parser for a file with this head; `None` when the head does not tell the format.
pub type MakeParser = Box<dyn FnMut(&[u8]) -> Option<Box<dyn Parser>> + Send>;

/// Bytes read at once.
pub(super) const BLOCK: usize = 256 << 10;

/// Bytes of the head that a format may be recognised by.
const SNIFF: usize = 64 << 10;

/// Bytes already consumed that stay in memory, so that the place of an entry still held can be described.
const HISTORY: usize = 16 << 10;

/// A parser must have consumed something by then; one that has not loses the bytes, not the memory.
const MAX_PENDING: usize = MAX_STATEMENT_BYTES + (64 << 10) + BLOCK;

/// A file, its parser, and how far both got.
pub(super) struct Reading {
    pub(super) file: LogFile,
    parser: Option<Box<dyn Parser>>,
    names: Names,
    buffer: Vec<u8>,
    base: u64,
    done: usize,
    held: u64,
    head: Vec<u8>,
    /// Nothing will be appended any more: it is a rotated file or a copy.
    pub(super) closed: bool,
    /// Entries before this offset were there before the first start.
    backlog_until: u64,
    /// Length at the last look.
    known_len: u64,
    /// A zone that is not known was told of.
    has_told_zone: bool,
    /// The parser was told that nothing came for a while, and nothing has come since.
    pub(super) quieted: bool,
    context: String,
    last_place: Option<Place>,
}

/// What a look at the file brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// More bytes, which are parsed.
    Grew,
    /// Nothing more.
    AtEnd,
    /// The format is not known yet.
    Unknown,
    /// What was read is not in the file any more: it was truncated, or written anew.
    Replaced,
}

impl Reading {
    /// Starts at the beginning of a file, with what a parser remembered of the file before it.
    pub(super) fn from_start(file: LogFile, context: String) -> Self {
        Self {
            file,
            parser: None,
            names: Names::default(),
            buffer: Vec::new(),
            base: 0,
            done: 0,
            held: 0,
            head: Vec::new(),
            closed: false,
            backlog_until: 0,
            known_len: 0,
            has_told_zone: false,
            quieted: true,
            context,
            last_place: None,
        }
    }

    /// Starts at `offset`, which may be in the middle of an entry only at a first start.
    pub(super) fn from_offset(
        file: LogFile,
        offset: u64,
        context: String,
    ) -> Result<Self, IngestError> {
        let up_to = |limit: usize| usize::try_from(offset).map_or(limit, |o| o.min(limit));
        let base = offset - up_to(TAIL) as u64;
        let buffer = file.read(base, up_to(TAIL))?;
        let head = file.read(0, up_to(HEAD))?;
        Ok(Self {
            base,
            done: buffer.len(),
            buffer,
            head,
            ..Self::from_start(file, context)
        })
    }

    /// What the file began with when it was chosen: if it does not by the first look, it was truncated since.
    pub(super) fn with_head(mut self, head: Vec<u8>) -> Self {
        self.head = head;
        self
    }

    /// What stands before `offset` was there before the first start.
    pub(super) fn with_backlog(mut self, offset: u64) -> Self {
        self.backlog_until = offset;
        self
    }

    /// First byte not read yet.
    pub(super) fn position(&self) -> u64 {
        self.base + self.buffer.len() as u64
    }

    /// Bytes that wait behind it, as of the last look.
    pub(super) fn lag(&self) -> u64 {
        self.known_len.saturating_sub(self.position())
    }

    /// Something was read that has not been told.
    pub(super) fn is_pending(&self) -> bool {
        self.held > 0 || self.done < self.buffer.len()
    }

    /// Dialect of the server, once the format is known.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.parser.as_ref().map(|parser| parser.dialect())
    }

    /// What the parser knows of the log's coverage.
    pub(super) fn coverage(&self) -> Coverage {
        self.parser
            .as_ref()
            .map_or_else(Coverage::default, |p| p.coverage())
    }

    /// What the parser must remember.
    pub(super) fn context(&self) -> String {
        self.parser
            .as_ref()
            .map_or_else(|| self.context.clone(), |p| p.context())
    }

    /// Reads and parses at most one block. Advances `horizon` to when the file was last written, if it still is
    /// the file that was read.
    pub(super) fn look(
        &mut self,
        make: &mut MakeParser,
        horizon: &mut Timestamp,
        into: &mut Gathered,
    ) -> Result<Look, IngestError> {
        let stat = self.file.stat()?;
        if stat.len < self.position() {
            return Ok(Look::Replaced);
        }
        let block = self.file.read(self.position(), self.wanted(stat))?;
        // A file is never written back to what it was, so the block is good if all before it is good *after* it
        // was read.
        if !self.place_read().is_in(&self.file)? {
            return Ok(Look::Replaced);
        }
        // emptied by a truncation, it says nothing of when the last entry was written
        if stat.len > 0 {
            *horizon = stat.modified.max(*horizon);
        }
        self.known_len = stat.len;
        if block.is_empty() {
            return Ok(Look::AtEnd);
        }
        if !self.find_parser(make, &block)? {
            if block.len() < BLOCK {
                return Ok(Look::Unknown);
            }
            self.pass_over(&block[..BLOCK - SNIFF / 2], into);
            return Ok(Look::Grew);
        }
        into.bytes += block.len() as u64;
        self.take(&block);
        into.backlog |= self.position() <= self.backlog_until;
        self.quieted = false;
        self.parse(Next::More, into);
        Ok(Look::Grew)
    }

    /// Never across the end of the backlog, so that a batch is either or.
    fn wanted(&self, stat: Stat) -> usize {
        let position = self.position();
        let end = if position < self.backlog_until {
            stat.len.min(self.backlog_until)
        } else {
            stat.len
        };
        usize::try_from(end.saturating_sub(position)).map_or(BLOCK, |n| n.min(BLOCK))
    }

    /// Goes behind what is like no log: a hole that copytruncate left, or the rest of a large statement.
    fn pass_over(&mut self, block: &[u8], into: &mut Gathered) {
        into.bytes += block.len() as u64;
        if block.iter().any(|byte| *byte != 0) {
            into.gap += block.len() as u64;
            into.lost_by = Some("the format could not be told; set `format`");
        }
        self.take(block);
        self.done = self.buffer.len();
    }

    /// The head tells the format, or some part of what is new if the head is damaged.
    fn find_parser(&mut self, make: &mut MakeParser, new: &[u8]) -> Result<bool, IngestError> {
        if self.parser.is_none() {
            self.parser = make(&self.file.read(0, SNIFF)?).or_else(|| {
                let starts = (0..new.len()).step_by(SNIFF / 2);
                let mut parts = starts.map(|at| &new[at..new.len().min(at + SNIFF)]);
                parts.find_map(make)
            });
            if let Some(parser) = &mut self.parser {
                parser.restore(&self.context);
            }
        }
        Ok(self.parser.is_some())
    }

    fn take(&mut self, block: &[u8]) {
        if self.position() == 0 {
            self.head.clear();
        }
        if self.base == 0 && self.head.len() < HEAD {
            let at = self.head.len().min(self.buffer.len());
            let read = self.buffer[at..].iter().chain(block);
            self.head.extend(read.take(HEAD - at));
        }
        let past = self.done.saturating_sub(HISTORY);
        self.buffer.drain(..past);
        self.base += past as u64;
        self.done -= past;
        self.buffer.extend_from_slice(block);
        if self.base == 0 && self.done == 0 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.done = BYTE_ORDER_MARK.len();
        }
    }

    /// Shows the parser what it has not consumed.
    pub(super) fn parse(&mut self, next: Next, into: &mut Gathered) {
        let Some(parser) = &mut self.parser else {
            return;
        };
        let pending = &self.buffer[self.done..];
        let names = &mut self.names;
        let mut tell = |entry: crate::ingest::slow_log::Entry<'_>| {
            into.entries.push(entry.into_raw(names));
        };
        let progress = parser.parse(pending, next, &mut tell);
        if let Some(zone) = parser.unclear_zone().filter(|_| !self.has_told_zone) {
            self.has_told_zone = true;
            tracing::warn!(path = %self.file.path.display(), zone, "several zones have this name, or none is known; set the time_zone of the log's server");
        }
        into.unparsed += progress.unparsed;
        self.done += progress.consumed.min(pending.len());
        self.held = progress.held.min(self.base + self.done as u64);
        if next == Next::End {
            self.done = self.buffer.len();
            self.held = 0;
        }
        let stuck = self.buffer.len() - self.done;
        if stuck > MAX_PENDING {
            into.gap += stuck as u64;
            into.lost_by = Some("the parser found no entry in them");
            self.done = self.buffer.len();
        }
    }

    /// Tells what is complete when nothing came for a while.
    pub(super) fn quiet(&mut self, into: &mut Gathered) {
        into.backlog |= self.position() <= self.backlog_until;
        self.parse(Next::Quiet, into);
        self.quieted = true;
        self.buffer.shrink_to(BLOCK);
    }

    /// Tells all that is left. What could not be read is a gap.
    pub(super) fn finish(&mut self, into: &mut Gathered) {
        into.backlog |= self.position() <= self.backlog_until;
        into.gap += self.lag();
        self.parse(Next::End, into);
    }

    /// The place up to which the file was read; what a copy of it must hold.
    pub(super) fn place_read(&self) -> Place {
        let tail = self.buffer.len().saturating_sub(TAIL);
        Place {
            offset: self.position(),
            head: Trace::of(&self.head),
            tail: Trace::of(&self.buffer[tail..]),
        }
    }

    /// Goes on in a copy that was made of the file before it was truncated.
    pub(super) fn move_to(&mut self, copy: LogFile) {
        self.file = copy;
        self.closed = true;
    }

    /// Where to go on after a restart, with what the follower remembers.
    pub(super) fn checkpoint(&mut self, source: &SourceId, memory: Memory) -> Checkpoint {
        let place = self.place_told();
        self.last_place = Some(place);
        let memory = Memory {
            parser: self.context(),
            backlog_until: self.backlog_until,
            ..memory
        };
        Checkpoint {
            source: source.clone(),
            path: self.file.path.clone(),
            file: self.file.id,
            offset: place.offset,
            head_len: place.head.len,
            head_hash: place.head.hash,
            tail_len: place.tail.len,
            tail_hash: place.tail.hash,
            coverage: self.coverage(),
            context: memory.to_json(),
        }
    }

    fn place_told(&self) -> Place {
        let offset = self.base + self.done as u64 - self.held;
        let head = Trace::of(&self.head);
        if let Some(last) = self.last_place.filter(|last| last.offset == offset) {
            return Place { head, ..last };
        }
        let tail = match offset
            .checked_sub(self.base)
            .and_then(|i| usize::try_from(i).ok())
        {
            Some(end) => Trace::of(&self.buffer[end.saturating_sub(TAIL)..end]),
            None => self.tail_on_disk(offset),
        };
        Place { offset, head, tail }
    }

    /// For an entry held so long that what stands before it has left the memory.
    fn tail_on_disk(&self, offset: u64) -> Trace {
        let before = usize::try_from(offset).map_or(TAIL, |o| o.min(TAIL));
        Trace::of(
            &self
                .file
                .read(offset - before as u64, before)
                .unwrap_or_default(),
        )
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("file", &self.file)
            .field("position", &self.position())
            .field("pending", &(self.buffer.len() - self.done))
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

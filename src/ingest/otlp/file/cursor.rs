//! A window over a file that holds one request, however long the file is.

use std::ops::Range;

use crate::ingest::slow_log::offline::{OfflineError, Position, Source};

/// Bytes asked for at a time.
const BLOCK: usize = 128 << 10;

/// Where a file is being read.
pub(super) struct Cursor {
    source: Source,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    start: usize,
    /// Bytes before the buffer.
    before: u64,
    /// Lines before `start`.
    pub(super) lines: u64,
    ended: bool,
    fault: Option<OfflineError>,
    /// Most bytes of one request.
    pub(super) max: usize,
}

/// A line, its end included.
pub(super) enum Line {
    /// Bytes behind the start.
    Whole(Range<usize>),
    /// Longer than a request may be; it was passed over.
    TooLong,
    /// There is none.
    None,
}

impl Cursor {
    pub(super) fn new(source: Source, max: usize) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            before: 0,
            lines: 0,
            ended: false,
            fault: None,
            max,
        }
    }

    /// What is there behind the start.
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// A piece that was told, which may be done with by now.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Bytes that are done with.
    pub(super) fn consumed(&self) -> u64 {
        self.before + self.start as u64
    }

    pub(super) fn position(&self) -> Position {
        self.source.position(self.consumed())
    }

    /// Whether it was read to its end.
    pub(super) fn end(self) -> Result<(), OfflineError> {
        self.fault.map_or(Ok(()), Err)
    }

    /// Is done with so many bytes behind the start, which stay until more is read.
    pub(super) fn take(&mut self, length: usize) -> Range<usize> {
        let end = (self.start + length).min(self.buffer.len());
        let range = self.start..end;
        self.start = end;
        range
    }

    /// Reads more; false when there is none.
    fn fill(&mut self) -> bool {
        if self.ended || self.fault.is_some() {
            return false;
        }
        self.buffer.drain(..self.start);
        self.before += self.start as u64;
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + BLOCK, 0);
        let read = self
            .source
            .read(self.buffer.get_mut(held..).unwrap_or_default());
        match read {
            Ok(length) => {
                self.buffer.truncate(held + length);
                self.ended = length == 0;
            }
            Err(fault) => {
                self.buffer.truncate(held);
                self.fault = Some(fault);
            }
        }
        self.rest().len() > held
    }

    /// Reads until so many bytes are behind the start, or there are no more; how many there are.
    pub(super) fn need(&mut self, length: usize) -> usize {
        while self.rest().len() < length && self.fill() {}
        self.rest().len()
    }

    /// Passes over so many bytes, without holding them; false when there are fewer.
    pub(super) fn skip(&mut self, mut length: u64) -> bool {
        loop {
            let held = self.rest().len() as u64;
            if held >= length {
                self.start += usize::try_from(length).unwrap_or_default();
                return true;
            }
            length -= held;
            self.start = self.buffer.len();
            if !self.fill() {
                return false;
            }
        }
    }

    /// The line that begins `from` bytes behind the start.
    pub(super) fn line(&mut self, from: usize) -> Line {
        let mut searched = from;
        loop {
            let rest = self.rest();
            let unseen = rest.get(searched..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unseen) {
                return Line::Whole(from..searched + at + 1);
            }
            searched = rest.len();
            if searched > self.max {
                self.pass_line();
                return Line::TooLong;
            }
            if !self.fill() {
                return if searched > from {
                    Line::Whole(from..searched)
                } else {
                    Line::None
                };
            }
        }
    }

    /// Passes over what is held, and over what follows up to the end of a line.
    fn pass_line(&mut self) {
        loop {
            let rest = self.rest();
            if let Some(at) = memchr::memchr(b'\n', rest) {
                self.start += at + 1;
                return;
            }
            self.start = self.buffer.len();
            if !self.fill() {
                return;
            }
        }
    }
}

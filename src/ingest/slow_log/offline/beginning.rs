//! Finds where a log begins in a file that does not begin like one: behind a hole that copytruncate left, or behind the
//! rest of a large statement.

use std::path::Path;

use super::{Format, HEAD_BYTES, OfflineError, Options, Parser, Reader, Summary, TellProgress};
use crate::ingest::slow_log::BYTE_ORDER_MARK;
use crate::ingest::slow_log::format::{first_typical, open, sniff};

/// Text that is passed over: `max_allowed_packet` of MySQL 8, the largest statement that a log holds as a rule.
const MAX_PASSED_BYTES: u64 = 64 << 20;

/// Compared at once.
const NOTHING: [u8; 4096] = [0; 4096];

/// What a log tells when text was passed over before it: less could be said by some other file by chance.
const SIGNS: [&[u8]; 2] = [b"duration: ", b"# Query_time: "];

/// A log whose beginning was found.
pub(super) struct Begun {
    pub(super) format: Format,
    pub(super) parser: Box<dyn Parser>,
    /// What its content says of its format.
    pub(super) told: Option<Format>,
}

impl Begun {
    /// Whether the log at `path` was read, and was what it was said to be.
    pub(super) fn end(
        &self,
        done: Result<(), OfflineError>,
        path: &Path,
        summary: &Summary,
    ) -> Result<(), OfflineError> {
        done?;
        let is_other = |told: &Format| *told != self.format && summary.entries == 0;
        match self.told.filter(is_other) {
            Some(told) => Err(OfflineError::OtherFormat {
                path: path.to_owned(),
                named: self.format,
                told,
            }),
            None => Ok(()),
        }
    }
}

impl Reader {
    /// Finds the beginning of the log, and passes over what stands before it: text counts as one entry that could not
    /// be read. `None` when there is nothing at all.
    pub(super) fn begin(
        &mut self,
        (given, options): (Option<Format>, &Options),
        summary: &mut Summary,
        tell_progress: TellProgress<'_>,
    ) -> Result<Option<Begun>, OfflineError> {
        let mut passed = 0;
        loop {
            let goes_on = self.fill_head(summary, tell_progress);
            let is_empty = self.buffer.is_empty() && summary.bytes == 0;
            if is_empty && self.fault.is_none() {
                return Ok(None);
            }
            let start = if passed == 0 {
                Some(0)
            } else {
                self.late_start()
            };
            if let Some(start) = start
                && let Some((format, parser)) = open(&self.head()[start..], given, options)
            {
                summary.unparsed += u64::from(passed > 0);
                self.pass(start, summary);
                let told = sniff(self.head());
                return Ok(Some(Begun {
                    format,
                    parser,
                    told,
                }));
            }
            if !goes_on || self.fault.is_some() || passed > MAX_PASSED_BYTES {
                let unknown = || OfflineError::UnknownFormat(self.source.path.clone());
                return Err(self.fault.take().unwrap_or_else(unknown));
            }
            let half = self.buffer.len().min(HEAD_BYTES / 2);
            passed += half as u64;
            self.pass(half, summary);
        }
    }

    /// Reads until there is enough to tell a format by, without a hole before it; false when there is no more to come.
    fn fill_head(&mut self, summary: &mut Summary, tell_progress: TellProgress<'_>) -> bool {
        loop {
            self.pass(hole(&self.buffer), summary);
            if summary.bytes == 0 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.pass(BYTE_ORDER_MARK.len(), summary);
            }
            let is_enough = self.buffer.len() >= HEAD_BYTES;
            if is_enough || self.ended || self.fault.is_some() {
                return is_enough;
            }
            if tell_progress(self.position(summary.bytes)).is_break() {
                return false;
            }
            self.fill();
        }
    }

    fn head(&self) -> &[u8] {
        &self.buffer[..self.buffer.len().min(HEAD_BYTES)]
    }

    /// Where in the head an entry of some log may begin.
    fn late_start(&self) -> Option<usize> {
        let head = self.head();
        let is_sign = |sign: &&[u8]| memchr::memmem::find(head, sign).is_some();
        SIGNS.iter().find(|sign| is_sign(sign))?;
        first_typical(head)
    }

    fn pass(&mut self, bytes: usize, summary: &mut Summary) {
        self.buffer.consume(bytes);
        summary.bytes += bytes as u64;
    }
}

/// Length of the hole of NUL that `text` starts with.
fn hole(text: &[u8]) -> usize {
    let blocks = text.chunks_exact(NOTHING.len());
    let whole = blocks.take_while(|block| **block == NOTHING).count() * NOTHING.len();
    let rest = text[whole..].iter().take_while(|byte| **byte == 0);
    whole + rest.count()
}

//! Reads a whole log by several threads: one splits it, others read the parts.

use super::{
    BLOCK_BYTES, Format, Log, MAX_BUFFER_BYTES, OfflineError, Options, Reader, Source, Summary,
    TellProgress,
};
use crate::ingest::slow_log::parts::{Part, Piece, Whole};
use crate::ingest::slow_log::{Entry, Next};
use crate::model::sql::Dialect;

/// Threads that read parts of a log.
pub trait Crew {
    /// A log follows in pieces.
    fn begin(&mut self, dialect: Dialect, log: &Part);

    /// Room for a piece, which may have been used before.
    fn room(&mut self) -> Vec<u8>;

    /// Takes the next piece.
    fn take(&mut self, piece: Piece);

    /// There are no more pieces; waits until all are put together.
    fn end(&mut self) -> Option<Whole>;

    /// Takes the next entry of a log that must be read from its start.
    fn add(&mut self, dialect: Dialect, entry: Entry<'_>);
}

/// As [`read`](super::read), by several threads.
///
/// # Errors
///
/// As [`read`](super::read).
pub fn read_by_crew(
    source: Source<'_>,
    (format, options): (Option<Format>, &Options),
    summary: &mut Summary,
    tell_progress: TellProgress<'_>,
    crew: &mut dyn Crew,
) -> Result<(), OfflineError> {
    let Some(mut log) = Log::begin(source, (format, options), summary, tell_progress)? else {
        return Ok(());
    };
    let Some(part) = log.begun.parser.part() else {
        let tell = &mut |dialect, entry: &mut Entry<'_>| crew.add(dialect, std::mem::take(entry));
        let done = log.run(summary, tell_progress, tell);
        return log.end(done, summary);
    };
    crew.begin(log.begun.parser.dialect(), &part);
    let before = summary.bytes;
    let done = log.reader.split(summary, tell_progress, crew);
    if let Some(whole) = crew.end() {
        let [bytes, entries, unparsed] = whole.counts();
        summary.bytes = before + bytes;
        summary.entries += entries;
        summary.unparsed += unparsed;
        // What is left is an entry that was cut.
        summary.unparsed += u64::from(done.is_err() && whole.has_rest());
        summary.coverage = whole.coverage();
    }
    log.end(done, summary)
}

impl Reader<'_> {
    /// Splits the log into pieces.
    fn split(
        &mut self,
        summary: &mut Summary,
        tell_progress: TellProgress<'_>,
        crew: &mut dyn Crew,
    ) -> Result<(), OfflineError> {
        loop {
            let piece = self.piece(crew.room());
            let is_last = piece.next == Next::End;
            summary.bytes += piece.length as u64;
            crew.take(piece);
            if tell_progress(self.position(summary)).is_break() || is_last {
                return Ok(());
            }
            if self.buffer.is_empty()
                && let Some(fault) = self.fault.take()
            {
                return Err(fault);
            }
        }
    }

    /// The next piece, which uses the room of `spare`.
    fn piece(&mut self, mut spare: Vec<u8>) -> Piece {
        let mut wanted = BLOCK_BYTES;
        loop {
            while self.buffer.len() < wanted && !self.ended && self.fault.is_none() {
                self.fill();
            }
            if self.ended || self.fault.is_some() {
                spare.clear();
                let text = std::mem::replace(&mut self.buffer, spare);
                let next = if self.ended { Next::End } else { Next::More };
                let length = text.len();
                return Piece { text, length, next };
            }
            let is_full = wanted >= MAX_BUFFER_BYTES;
            match Piece::split(&mut self.buffer, spare, is_full) {
                Ok(piece) => return piece,
                Err(unused) => spare = unused,
            }
            wanted = (wanted + BLOCK_BYTES).min(MAX_BUFFER_BYTES);
        }
    }
}

//! Reads a whole log by several threads, each of which takes the next piece when it has nothing to do: what a core
//! has just read, it has at hand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    BLOCK_BYTES, Format, Log, MAX_BUFFER_BYTES, OfflineError, Options, Position, Reader, Source,
    Summary, TellProgress,
};
use crate::ingest::slow_log::buffer::Buffer;
use crate::ingest::slow_log::parts::{Part, Piece, Pieces, Whole};
use crate::ingest::slow_log::{Entry, Next};
use crate::model::sql::Dialect;

/// Threads that read parts of a log.
pub trait Crew {
    /// A log follows in pieces.
    fn begin(&mut self, dialect: Dialect, log: &Part, pieces: Arc<Mutex<dyn Pieces>>);

    /// Reads the next piece, as all others do; false when there are no more.
    fn read_next(&mut self) -> bool;

    /// There are no more pieces; waits until all are put together.
    fn end(&mut self) -> Option<Whole>;

    /// Takes the next entry of a log that must be read from its start.
    fn add(&mut self, dialect: Dialect, entry: &mut Entry<'_>);
}

/// As [`read`](super::read), by several threads.
///
/// # Errors
///
/// As [`read`](super::read).
pub fn read_by_crew(
    source: Source,
    (format, options): (Option<Format>, &Options),
    summary: &mut Summary,
    tell_progress: TellProgress<'_>,
    crew: &mut dyn Crew,
) -> Result<(), OfflineError> {
    let Some(mut log) = Log::begin(source, (format, options), summary, tell_progress)? else {
        return Ok(());
    };
    let Some(part) = log.begun.parser.part() else {
        let tell = &mut |dialect, entry: &mut Entry<'_>| crew.add(dialect, entry);
        let done = log.run(summary, tell_progress, tell);
        return log.begun.end(done, &log.reader.source.path, summary);
    };
    let Log { reader, begun } = log;
    let before = summary.bytes;
    let path = reader.source.path.clone();
    let splitter = Arc::new(Mutex::new(Splitter {
        reader,
        bytes: before,
        is_over: false,
    }));
    crew.begin(begun.parser.dialect(), &part, Arc::clone(&splitter) as _);
    while crew.read_next() {
        let position = lock(&splitter).position();
        if tell_progress(position).is_break() {
            break;
        }
    }
    let done = lock(&splitter).end();
    if let Some(whole) = crew.end() {
        let [bytes, entries, unparsed] = whole.counts();
        summary.bytes = before + bytes;
        summary.entries += entries;
        summary.unparsed += unparsed;
        // What is left is an entry that was cut.
        summary.unparsed += u64::from(done.is_err() && whole.has_rest());
        summary.coverage = whole.coverage();
    }
    begun.end(done, &path, summary)
}

/// Splits a log into pieces.
struct Splitter {
    reader: Reader,
    /// Bytes of the log that were passed over or are in pieces.
    bytes: u64,
    /// No more pieces are given.
    is_over: bool,
}

impl Pieces for Splitter {
    fn next_piece(&mut self, spare: Buffer) -> Option<Piece> {
        if self.is_over {
            return None;
        }
        let piece = self.reader.piece(spare);
        self.bytes += piece.length as u64;
        let has_failed = self.reader.buffer.is_empty() && self.reader.fault.is_some();
        self.is_over = piece.next == Next::End || has_failed;
        Some(piece)
    }
}

impl Splitter {
    fn position(&self) -> Position {
        self.reader.position(self.bytes)
    }

    /// Gives no more pieces; why the log could not be read any further.
    fn end(&mut self) -> Result<(), OfflineError> {
        self.is_over = true;
        self.reader.fault.take().map_or(Ok(()), Err)
    }
}

/// A panic goes on where the threads are joined.
fn lock(splitter: &Mutex<Splitter>) -> MutexGuard<'_, Splitter> {
    splitter.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reader {
    /// The next piece, which uses the room of `spare`.
    fn piece(&mut self, mut spare: Buffer) -> Piece {
        let mut wanted = BLOCK_BYTES;
        loop {
            while self.buffer.len() < wanted && !self.ended && self.fault.is_none() {
                self.fill();
            }
            if self.ended || self.fault.is_some() {
                spare.truncate(0);
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

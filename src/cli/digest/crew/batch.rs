//! Runs on their way from the log to the sums, with room that is used again.

use std::sync::Arc;

use crate::cli::digest::summing::NewText;
use crate::ingest::RawRun;
use crate::ingest::slow_log::parts::{Guess, Inherited, Outcome, Part, Piece};
use crate::ingest::slow_log::{Entry, Names};
use crate::model::sql::Dialect;
use crate::normalise::Text;

/// A batch is full with so much text or so many runs: some milliseconds of work, hence threads seldom meet.
const MAX_BYTES: usize = 256 << 10;
const MAX_RUNS: usize = 2_048;

/// Runs in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// How many batches came before.
    pub(super) number: u64,
    pub(super) dialect: Dialect,
    /// The texts, one after the other.
    sql: Vec<u8>,
    /// Where each text ends, and what was told of the run.
    runs: Vec<(usize, RawRun)>,
    /// What was found out of each text.
    pub(super) texts: Vec<(Text, Option<NewText>)>,
    /// The piece of the log that the runs are to be read from.
    piece: Option<(Arc<Part>, Piece)>,
    /// The same when they were read.
    read: Option<(Piece, Outcome)>,
    /// Runs that have the database of those before the piece.
    without_database: Vec<usize>,
    /// Runs that ended when those before the piece did.
    without_time: Vec<usize>,
    /// Room of a piece.
    room: Vec<u8>,
    /// Shared among the runs of this batch alone: threads that count references to the same name wait for each other.
    names: Names,
}

impl Batch {
    /// The same for texts of a dialect.
    pub(super) fn of(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// No more fits in, or not of that dialect.
    pub(super) fn is_full(&self, dialect: Dialect) -> bool {
        self.sql.len() >= MAX_BYTES || self.runs.len() >= MAX_RUNS || self.dialect != dialect
    }

    pub(super) fn push(&mut self, entry: Entry<'_>) {
        if entry.lacks_database {
            self.without_database.push(self.runs.len());
        }
        if entry.end.is_none() {
            self.without_time.push(self.runs.len());
        }
        let (sql, run) = entry.split(&mut self.names);
        self.sql.extend_from_slice(&sql);
        self.runs.push((self.sql.len(), run));
    }

    /// Room for a piece.
    pub(super) fn take_room(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.room)
    }

    /// Its runs are to be read from a piece of the log, by what the same `part` was made for.
    pub(super) fn be_of(&mut self, part: &Arc<Part>, piece: Piece) {
        self.piece = Some((Arc::clone(part), piece));
    }

    /// What its runs are still to be read by.
    pub(super) fn reader(&self) -> Option<&Arc<Part>> {
        self.piece.as_ref().map(|(part, _)| part)
    }

    /// Reads its runs.
    pub(super) fn read(&mut self, part: &mut Part, guess: Guess) {
        if let Some((_, piece)) = self.piece.take() {
            let outcome = part.read(&piece, guess, &mut |entry| self.push(entry));
            self.read = Some((piece, outcome));
        }
    }

    /// The piece that its runs were read from, and what that came to.
    pub(super) fn take_read(&mut self) -> Option<(Piece, Outcome)> {
        self.read.take()
    }

    /// Takes over the room of a piece that is done with, and gives back what a giant statement took.
    pub(super) fn reuse(&mut self, piece: Piece) {
        self.room = piece.text;
        self.room.clear();
        self.room.shrink_to(2 * MAX_BYTES);
    }

    /// Completes the runs by what was told before them.
    pub(super) fn inherit(&mut self, inherited: &Inherited) {
        for index in self.without_database.drain(..) {
            if let Some((_, run)) = self.runs.get_mut(index) {
                run.database = Arc::clone(&inherited.database);
            }
        }
        for index in self.without_time.drain(..) {
            if let Some((_, run)) = self.runs.get_mut(index) {
                run.end = inherited.time;
            }
        }
    }

    /// Each text and its run.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&[u8], &RawRun)> {
        let mut start = 0;
        self.runs.iter().map(move |(end, run)| {
            let sql = self.sql.get(start..*end).unwrap_or_default();
            start = *end;
            (sql, run)
        })
    }

    /// Empties it, and gives back what a giant statement took.
    pub(super) fn clear(&mut self) {
        self.sql.clear();
        self.sql.shrink_to(2 * MAX_BYTES);
        self.runs.clear();
        self.texts.clear();
        self.without_database.clear();
        self.without_time.clear();
        (self.piece, self.read) = (None, None);
    }
}

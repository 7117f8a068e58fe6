//! Runs on their way from the parser to the sums, with room that is used again.

use crate::ingest::RawRun;
use crate::ingest::slow_log::{Entry, Names};
use crate::model::sql::{Dialect, StatementRef};
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
    pub(super) texts: Vec<(Text, Option<StatementRef>)>,
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
        let (sql, run) = entry.split(&mut self.names);
        self.sql.extend_from_slice(&sql);
        self.runs.push((self.sql.len(), run));
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
    }
}

//! Reads slow-query logs of MySQL, MariaDB and PostgreSQL.
//!
//! A parser is fed the bytes of one file in order and never sees a byte twice, except those it has not consumed.
//! It is used by `ingest::tail` on live files and by `sqleuth digest` on whole ones.

pub mod buffer;
mod format;
mod mysql;
mod names;
pub mod offline;
pub mod parts;
mod postgres;
pub(in crate::ingest) mod scan;
mod threshold;
mod wrapped;
pub(in crate::ingest) mod zone;

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use crate::ingest::{RawEntry, RawError, RawRun};
use crate::model::event::{Access, Coverage, Nesting, Outcome, RowCounts};
use crate::model::sql::{Dialect, RawSql};
use crate::model::time::Timestamp;
use crate::model::upkeep::Upkeep;

pub(in crate::ingest) use self::format::{BYTE_ORDER_MARK, Carrier};
pub use self::format::{Format, Options, open, parser, sniff};
pub use self::names::Names;
pub use self::postgres::is_prefix;

use self::parts::Part;

/// Statement text beyond this is dropped and the entry is marked as truncated.
pub const MAX_STATEMENT_BYTES: usize = 1 << 20;

/// One logged run of one statement, borrowed from the buffer where that is possible.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    /// Statement text, literals and all, without the closing semicolon.
    pub sql: Cow<'a, [u8]>,
    /// The text was cut, by the server or at [`MAX_STATEMENT_BYTES`].
    pub truncated: bool,
    /// When it ended; `None` when the log does not tell.
    pub end: Option<Timestamp>,
    /// How long it ran.
    pub elapsed: Duration,
    /// Time waiting for locks.
    pub lock: Option<Duration>,
    /// Rows.
    pub rows: RowCounts,
    /// Bytes sent.
    pub bytes_sent: Option<u64>,
    /// How the server found the rows.
    pub access: Option<Box<Access>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Database or schema; empty when not told.
    pub database: Cow<'a, str>,
    /// Neither it nor an entry before it tells the database: that of the log is taken.
    pub lacks_database: bool,
    /// Database user; empty when not told.
    pub user: Cow<'a, str>,
    /// Client host; empty when not told.
    pub client: Cow<'a, str>,
    /// Stands for so many runs; at least 1.
    pub weight: u32,
    /// What ran inside it, and inside what it ran.
    pub nesting: Nesting,
    /// What the log says of its failure, or of an error that is no run at all; such an entry may have no text.
    pub error: Option<Box<RawError>>,
}

impl<'a> Entry<'a> {
    /// The same, owned.
    pub fn into_raw(self, names: &mut Names) -> RawEntry {
        let (sql, run) = self.split(names);
        RawEntry {
            sql: RawSql::new(sql.into_owned()),
            run,
        }
    }

    /// The text, which is not copied, and the rest, owned.
    pub fn split(mut self, names: &mut Names) -> (Cow<'a, [u8]>, RawRun) {
        let names = names.of(&self).clone();
        let run = self.take_run(names);
        (self.sql, run)
    }

    /// All but the text, its database, user and client by what stands for them.
    pub fn take_run<N>(&mut self, [database, user, client]: [N; 3]) -> RawRun<N> {
        RawRun {
            truncated: self.truncated,
            end: self.ended(),
            elapsed: self.elapsed,
            lock: self.lock,
            rows: self.believed_rows(),
            bytes_sent: self.believed_bytes(),
            access: self.access.take(),
            outcome: std::mem::take(&mut self.outcome),
            database,
            user,
            client,
            weight: self.weight.max(1),
            nesting: self.nesting,
            error: self.error.take(),
        }
    }

    /// When it ended, if that is a time at which a server can have written it: `SET timestamp` takes any number.
    pub fn ended(&self) -> Option<Timestamp> {
        self.end.filter(|end| LOG_TIMES.contains(end))
    }

    /// Its rows, without those that no server counted.
    pub fn believed_rows(&self) -> RowCounts {
        RowCounts {
            examined: believable(self.rows.examined),
            returned: believable(self.rows.returned),
            affected: believable(self.rows.affected),
        }
    }

    /// The bytes that it sent, if a server can have counted them.
    pub fn believed_bytes(&self) -> Option<u64> {
        believable(self.bytes_sent)
    }

    /// Whether it tells of an error.
    pub fn has_failed(&self) -> bool {
        self.error.is_some() || self.outcome != Outcome::Ok
    }

    /// Whether it is a run at all, and not an error alone.
    pub fn is_run(&self) -> bool {
        RawError::is_of_run(self.error.as_deref())
    }

    /// How many runs it stands for.
    pub fn runs(&self) -> u32 {
        RawRun::<()>::believed_weight(self.weight)
    }
}

/// From the year of the first MySQL to the end of this century.
const LOG_TIMES: Range<Timestamp> =
    Timestamp::from_unix_secs(788_918_400)..Timestamp::from_unix_secs(4_102_444_800);

/// A count that went below zero and came out at the other end is none.
fn believable(count: Option<u64>) -> Option<u64> {
    count.filter(|count| *count < 1 << 63)
}

/// What follows the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// More bytes are coming: an entry that may go on must wait.
    More,
    /// Nothing came for a while: an entry that looks complete may be told.
    Quiet,
    /// Nothing will ever come: everything must be told.
    End,
}

/// How far a parser got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of the buffer that need not be shown again.
    pub consumed: usize,
    /// Of all bytes consumed so far, so many at the end belong to an entry that has not been told yet.
    /// A checkpoint must be set before them.
    pub held: u64,
    /// Entries that could not be read, in this call.
    pub unparsed: u64,
}

/// Splits the bytes of one file into entries.
pub trait Parser: Send {
    /// Tells every entry that `buffer` completes, in the order of the file. With [`Next::More`] a parser that
    /// needs more than `buffer` consumes nothing and is called again with a longer one; it must consume once the
    /// buffer is larger than [`MAX_STATEMENT_BYTES`] plus 64 KiB.
    fn parse(&mut self, buffer: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Progress;

    /// Reads parts of the log beside each other; `None` for a log that must be read from its start.
    fn part(&self) -> Option<Part> {
        None
    }

    /// Dialect of the server that writes this format.
    fn dialect(&self) -> Dialect;

    /// What is known so far of the log's coverage.
    fn coverage(&self) -> Coverage;

    /// The same for all that was read, also where what is stated now was not so before.
    fn coverage_of_all(&self) -> Coverage {
        self.coverage()
    }

    /// A name of a zone in the dates that is not known, or that several zones have.
    fn unclear_zone(&self) -> Option<&str> {
        None
    }

    /// What the log told so far of the server itself.
    fn upkeep(&self) -> Upkeep {
        Upkeep::default()
    }

    /// What must be remembered at a checkpoint to go on from there, as JSON.
    fn context(&self) -> String;

    /// Goes on from a remembered context; one that cannot be read is ignored.
    fn restore(&mut self, context: &str);
}

#[cfg(test)]
mod tests;

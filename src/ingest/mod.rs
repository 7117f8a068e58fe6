//! Receives telemetry: tails logs, takes OTLP, and (later) asks probes.
//!
//! ```text
//! file ─► tail ─► slow_log parser ─► RawBatch { entries, mark } ─┬─► Intake ─► normalise
//! OTLP ─► otlp::server ────────────► RawBatch { spans, mark } ───┘
//! ```
//!
//! A batch carries the [`Checkpoint`] that is true once its entries are stored; the store commits both in
//! one transaction, so that a crash neither loses nor repeats an entry.

pub mod connection;
mod error;
pub mod intake;
pub mod otlp;
pub mod relay;
pub mod server_log;
pub mod slow_log;
pub mod tail;
pub mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::ingest::error::IngestError;

use crate::ingest::otlp::spans::SpanBatch;
use crate::model::error::{ErrorClass, PartyRole};
use crate::model::event::{Access, Coverage, DbTarget, Nesting, Outcome, RowCounts};
use crate::model::id::{ServiceName, SourceId};
use crate::model::sql::RawSql;
use crate::model::time::Timestamp;

/// One logged run of one statement, as the source tells it, literals and all.
#[derive(Debug, Clone)]
pub struct RawEntry {
    /// Statement text.
    pub sql: RawSql,
    /// All but the text.
    pub run: RawRun,
}

impl RawEntry {
    /// Bytes of its texts.
    fn size(&self) -> usize {
        let error = self.run.error.as_deref().map_or(0, RawError::size);
        self.sql.size() + error
    }
}

/// What a source tells of a run beside its text. Runs that are kept together for a moment leave out their names, `N`,
/// which so many of them share: to count who holds a name costs as much as a part of its sums.
#[derive(Debug, Clone)]
pub struct RawRun<N = Arc<str>> {
    /// The source had cut the text.
    pub truncated: bool,
    /// When it ended, by the server's clock; `None` when the log does not tell (yet).
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
    pub database: N,
    /// Database user; empty when not told.
    pub user: N,
    /// Client host; empty when not told.
    pub client: N,
    /// It stands for so many runs (log sampling); at least 1.
    pub weight: u32,
    /// What ran inside it, and inside what it ran.
    pub nesting: Nesting,
    /// What the source says of its failure, or of an error that is no run at all.
    pub error: Option<Box<RawError>>,
}

/// What a source tells of an error, literals and all.
#[derive(Debug, Clone, Default)]
pub struct RawError {
    /// Kind.
    pub class: ErrorClass,
    /// SQLSTATE or error number; empty when not told.
    pub code: Arc<str>,
    /// The message, which may quote data.
    pub message: RawSql,
    /// Who else had a part in it.
    pub parties: Vec<RawParty>,
    /// Time that it waited for a lock or a connection, when told.
    pub waited: Duration,
    /// No run stands behind it: the entry's time is not that of a statement.
    pub alone: bool,
    /// It was counted before: this only tells more of it.
    pub counted: bool,
}

impl RawError {
    /// Whether what tells of this error, or of none, is a run.
    fn is_of_run(error: Option<&Self>) -> bool {
        error.is_none_or(|error| !error.alone)
    }

    fn size(&self) -> usize {
        let parties = self.parties.iter().map(|p| p.sql.size() + p.lock.len());
        size_of::<Self>() + self.message.size() + parties.sum::<usize>()
    }
}

/// One transaction of a deadlock or of a queue for a lock, as the source tells it.
#[derive(Debug, Clone)]
pub struct RawParty {
    /// Part it plays.
    pub role: PartyRole,
    /// What it ran; empty when not told.
    pub sql: RawSql,
    /// The lock that it waits for, without values.
    pub lock: String,
}

impl<N> RawRun<N> {
    /// One logged entry stands for at most so many runs: a log that tells more is not believed.
    const MAX_WEIGHT: u32 = 1_000_000;

    /// Whether it is a run at all, and not an error alone.
    pub fn is_run(&self) -> bool {
        RawError::is_of_run(self.error.as_deref())
    }

    /// How many runs it stands for.
    pub fn runs(&self) -> u32 {
        Self::believed_weight(self.weight)
    }

    /// As many runs as an entry is believed to stand for.
    pub fn believed_weight(weight: u32) -> u32 {
        weight.clamp(1, Self::MAX_WEIGHT)
    }

    /// Whether it tells of an error.
    pub fn has_failed(&self) -> bool {
        self.error.is_some() || self.outcome != Outcome::Ok
    }

    /// The same of this database, user and client.
    pub fn named<M>(self, [database, user, client]: [M; 3]) -> RawRun<M> {
        RawRun {
            truncated: self.truncated,
            end: self.end,
            elapsed: self.elapsed,
            lock: self.lock,
            rows: self.rows,
            bytes_sent: self.bytes_sent,
            access: self.access,
            outcome: self.outcome,
            database,
            user,
            client,
            weight: self.weight,
            nesting: self.nesting,
            error: self.error,
        }
    }
}

/// Where a source's telemetry belongs; the same for every batch of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMeta {
    /// The source.
    pub id: SourceId,
    /// `general.service`, or who asks by other means.
    pub service: ServiceName,
    /// The server; an entry's own database name replaces `namespace`.
    pub target: DbTarget,
}

/// Entries of one source, in the order of the file, and what is true after them.
#[derive(Debug)]
pub struct RawBatch {
    /// Source.
    pub source: Arc<SourceMeta>,
    /// Entries; may be empty, when only the mark has moved.
    pub entries: Vec<RawEntry>,
    /// Spans of a request; `None` for sources that tell entries.
    pub spans: Option<Box<SpanBatch>>,
    /// State of the source after them.
    pub mark: Mark,
}

impl RawBatch {
    /// Entries alone.
    pub fn of_entries(source: Arc<SourceMeta>, entries: Vec<RawEntry>, mark: Mark) -> Self {
        Self {
            source,
            entries,
            spans: None,
            mark,
        }
    }
}

/// State of a source after a batch.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// Where to go on after a restart; `None` for sources that cannot be read again.
    pub checkpoint: Option<Checkpoint>,
    /// These entries were there before the first start: they are recorded, not alerted.
    pub backlog: bool,
    /// What is known of the log's coverage.
    pub coverage: Coverage,
    /// The source was looked at at this instant and had nothing more: idle time passes by it.
    pub idle_at: Option<Timestamp>,
    /// How much later than others of its time something of this source may come, beyond what windows allow anyway.
    pub lateness: Duration,
    /// Bytes read for this batch.
    pub bytes: u64,
    /// Bytes that wait in the file behind it.
    pub lag_bytes: u64,
    /// Entries of this batch that could not be parsed.
    pub unparsed: u64,
    /// Bytes lost to a truncation that left no copy.
    pub gap_bytes: u64,
}

/// Where a file is read on from. Stored in the same transaction as the entries before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Source.
    pub source: SourceId,
    /// File that was read, which a rotation may have renamed since.
    pub path: PathBuf,
    /// Device and inode of it.
    pub file: (u64, u64),
    /// First byte not yet accepted; always at the start of an entry.
    pub offset: u64,
    /// Length of the file's head that `head_hash` covers; identifies a file after its inode is reused.
    pub head_len: u32,
    /// Hash of that head.
    pub head_hash: u64,
    /// Length of the stretch before `offset` that `tail_hash` covers; identifies a copy made by copytruncate.
    pub tail_len: u32,
    /// Hash of that stretch.
    pub tail_hash: u64,
    /// What is known of the log's coverage here, for those who look.
    #[serde(default)]
    pub coverage: Coverage,
    /// What the parser must remember (current database, last time, coverage), as JSON of its own.
    pub context: String,
}

impl Checkpoint {
    /// That of a source which is never gone on with: it shows that it is one.
    pub fn nowhere(source: &SourceId) -> Self {
        Self {
            source: source.clone(),
            path: PathBuf::new(),
            file: (0, 0),
            offset: 0,
            head_len: 0,
            head_hash: 0,
            tail_len: 0,
            tail_hash: 0,
            coverage: Coverage::default(),
            context: String::new(),
        }
    }
}

//! One run of one statement, whoever told us.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::id::ServiceName;
use crate::model::sql::{Dialect, StatementRef};
use crate::model::time::Timestamp;

/// The database a statement ran on; `db.system.name`, `db.namespace`, `server.address`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct DbTarget {
    /// Dialect of the server.
    pub system: Dialect,
    /// Database or schema; empty when not told.
    pub namespace: Arc<str>,
    /// Host, or the configured name of the database; empty when not told.
    pub server: Arc<str>,
}

/// Row counts of one run. What the source does not tell is `None`, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows the server read to answer.
    pub examined: Option<u64>,
    /// Rows sent to the client.
    pub returned: Option<u64>,
    /// Rows written.
    pub affected: Option<u64>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It finished.
    #[default]
    Ok,
    /// It failed with this SQLSTATE or server error number; empty when not told.
    Error {
        /// SQLSTATE or error number.
        code: Arc<str>,
    },
    /// It was cut: a statement timeout, `KILL QUERY`, a cancelling client.
    Cancelled {
        /// SQLSTATE or error number.
        code: Arc<str>,
    },
}

/// What the server said about the way it found the rows; `None` means not told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// A table was read from end to end (`Full_scan: Yes`).
    pub full_scan: Option<bool>,
    /// A join had no usable index (`Full_join: Yes`).
    pub full_join: Option<bool>,
    /// An internal temporary table was made.
    pub tmp_table: Option<bool>,
    /// That table went to disk.
    pub tmp_table_on_disk: Option<bool>,
    /// Rows were sorted.
    pub filesort: Option<bool>,
    /// The sort went to disk.
    pub filesort_on_disk: Option<bool>,
    /// Merge passes of the sort.
    pub merge_passes: Option<u64>,
    /// Bytes written to temporary files (PostgreSQL `temporary file: size`).
    pub temp_bytes: Option<u64>,
    /// Rows of the plan (`# explain:` of MariaDB, `auto_explain` of PostgreSQL).
    pub plan: Option<Arc<[PlanRow]>>,
}

/// One step of an execution plan, with no literal in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PlanRow {
    /// `SIMPLE`, `PRIMARY`, `UNION`, `UNION RESULT`, or the node type of PostgreSQL.
    pub step: Arc<str>,
    /// Table, alias or `<union1,2>`; empty for none.
    pub table: Arc<str>,
    /// Access type: `ALL`, `ref`, `range`, `Seq Scan` ...
    pub access: Arc<str>,
    /// Index used; empty for none.
    pub key: Arc<str>,
    /// Estimated rows.
    pub rows: Option<u64>,
    /// Rows really read, per loop; those that a condition then removed included.
    pub actual_rows: Option<u64>,
    /// `Extra` of MySQL and MariaDB.
    pub extra: Arc<str>,
}

/// A function, a procedure or a trigger runs statements of its own, which a log may tell beside the one that called it
/// (`auto_explain.log_nested_statements`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Nesting {
    /// It ran inside another.
    pub is_inside: bool,
    /// Time of the runs inside it that are told by themselves: a part of its own run time that they count for.
    pub inner: Duration,
}

/// Who told us; windows are kept per origin and shares are formed within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A line of a slow-query or server log.
    Log,
    /// A client span.
    Span,
    /// The server's own statement statistics.
    Statistics,
}

/// A W3C trace context found in a comment of the statement or in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TraceRef {
    /// `trace_id`.
    pub trace: u128,
    /// `span_id`.
    pub span: u64,
}

/// One run of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryEvent {
    /// When it ended, by the server's clock: windows belong to the end of a statement.
    /// [`Timestamp::EPOCH`] when the source does not tell; `window` then takes the end of the entry before it.
    pub end: Timestamp,
    /// How long it ran, lock waits included.
    pub elapsed: Duration,
    /// Time spent waiting for locks, when told.
    pub lock: Option<Duration>,
    /// Who asked.
    pub service: ServiceName,
    /// Where it ran.
    pub target: DbTarget,
    /// Which statement.
    pub statement: StatementRef,
    /// Keyed hash of its literals, in order: tells equal parameters from different ones, and nothing else.
    /// 0 when the values are not told: the text has placeholders.
    pub parameters: u64,
    /// Rows that its text skips by OFFSET, rounded down to the first digit; `None` when the text does not tell.
    pub offset: Option<u64>,
    /// Rows.
    pub rows: RowCounts,
    /// Bytes sent to the client, when told.
    pub bytes_sent: Option<u64>,
    /// How the server found the rows; boxed because most sources do not tell.
    pub access: Option<Box<Access>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Database user; empty when not told.
    pub user: Arc<str>,
    /// Client host; empty when not told.
    pub client: Arc<str>,
    /// Trace context, when told.
    pub trace: Option<TraceRef>,
    /// This run stands for so many (log sampling); at least 1.
    pub weight: u32,
    /// What ran inside it, and inside what it ran.
    pub nesting: Nesting,
    /// Who told us.
    pub origin: Origin,
}

impl QueryEvent {
    /// When it started.
    pub fn start(&self) -> Timestamp {
        self.end.minus(self.elapsed)
    }
}

/// How much of what ran a log shows. Unknown is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Statements faster than this are not logged (`long_query_time`, `log_min_duration_statement`).
    pub slower_than: Option<Duration>,
    /// One statement in this many is logged (`log_slow_rate_limit`); counts are already multiplied back.
    pub one_in: Option<u32>,
    /// Where the threshold comes from.
    pub known_by: CoverageSource,
}

/// How the coverage of a log is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageSource {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// Guessed from the fastest statements seen.
    Observed,
    /// Written in the log (`SET GLOBAL long_query_time`, `log_slow_rate_limit` header) or in the configuration.
    Stated,
    /// Asked from the server.
    Server,
}

impl Coverage {
    /// A log of all runs slower than this shows nearly all of the load.
    pub const COMPLETE: Duration = Duration::from_millis(1);

    /// Whether nearly every statement is in the log, so that counts and shares speak of all of the load.
    pub fn is_complete(&self) -> bool {
        self.slower_than.is_some_and(|t| t <= Self::COMPLETE)
    }
}

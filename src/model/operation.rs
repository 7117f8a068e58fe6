//! One operation of a service, as its traces show it: what people wait for, and what the waiting is made of.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::event::DbTarget;
use crate::model::id::ServiceName;
use crate::model::sql::StatementRef;
use crate::model::subject::{Horizon, Latency};
use crate::model::time::{Interval, Timestamp};

/// One operation of one service over one interval, summed up from traces that have come to their end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationProfile {
    /// Whose operation.
    pub service: ServiceName,
    /// Method and route, or the name of what is handled.
    pub operation: Arc<str>,
    /// Whether somebody waits for it.
    pub role: Role,
    /// `telemetry.sdk.language`; empty when not told.
    pub language: Arc<str>,
    /// The interval that the sums are of.
    pub span: Interval,
    /// How long the interval is meant to be.
    pub horizon: Horizon,
    /// Its requests.
    pub load: OperationLoad,
    /// Statements that one request runs again and again, those that cost most first; at most 16.
    pub loops: Vec<StatementLoop>,
    /// Batches that are one span each; at most 16.
    pub batches: Vec<BatchLoad>,
    /// Connections that it waited for, by pool; at most 16.
    pub waits: Vec<ConnectionWait>,
    /// Whom else it asked; at most 16.
    pub peers: Vec<PeerLoad>,
    /// Counts beside pages of the same rows; at most 16.
    pub counts: Vec<PageCount>,
    /// Statements that failed after a time, as the client saw it; at most 16.
    pub cuts: Vec<StatementCut>,
    /// Statements that are known ones without their conditions; at most 16.
    pub dropped: Vec<DroppedPredicate>,
    /// The same asked for again within a short time.
    pub submissions: Submissions,
}

/// Whether somebody waits for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A request: somebody waits for the answer.
    Request,
    /// A message, a job, or whatever has no caller.
    Job,
}

/// Sums over the requests of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationLoad {
    /// Requests whose trace is complete.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// How long they took.
    pub elapsed: Latency,
    /// Run time of their statements, one after the other.
    pub database: Duration,
    /// Statements that they ran.
    pub statements: u64,
    /// Spans that are not kept, of traces with more than can be.
    pub left_out: u64,
}

/// How much something matters to the requests that show it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PatternLoad {
    /// Requests that show it.
    pub requests: u64,
    /// Time of these requests.
    pub elapsed: Duration,
    /// Runs in all of them.
    pub runs: u64,
    /// Runs in the request that had most of them.
    pub most: u64,
    /// Time of the runs, as if one after the other.
    pub busy: Duration,
    /// Part of the requests' critical path that nothing but the runs explains.
    pub critical: Duration,
    /// Part of it that one run in the place of many would save.
    pub saving: Duration,
    /// Requests that show it, the slowest first; at most 3.
    pub exemplars: Vec<TraceExemplar>,
}

/// A request worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceExemplar {
    /// `trace_id`.
    #[serde(with = "trace_id")]
    pub trace: u128,
    /// When the request ended.
    pub at: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// Runs in it.
    pub runs: u64,
}

/// A statement that one request runs again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementLoop {
    /// The statement.
    pub statement: StatementRef,
    /// Where it ran.
    pub target: DbTarget,
    /// How much it matters.
    pub load: PatternLoad,
    /// Every run of a request has the same values: it repeats itself, and is no loop over rows.
    pub same: bool,
    /// Runs whose values are told.
    pub told: u64,
    /// Sets of values among these, request by request.
    pub distinct: u64,
    /// Runs that the program calls part of a batch.
    pub batched: u64,
    /// Requests in which runs overlapped.
    pub parallel: u64,
    /// Requests before whose loop the statement below ran.
    pub sourced: u64,
    /// What ran right before the loop, and may have told the rows that it runs over.
    pub source: Option<StatementRef>,
    /// What a log of the server says of the same runs, where one is read.
    pub logged: Option<LoggedRuns>,
}

/// Batches that are one span each: what the server saw of them, only its log knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchLoad {
    /// The statement.
    pub statement: StatementRef,
    /// Where it ran.
    pub target: DbTarget,
    /// How much they matter; `runs` are batches.
    pub load: PatternLoad,
    /// Statements, or rows, that the program says are in them.
    pub statements: u64,
    /// What a log of the server says of them, where one is read.
    pub logged: Option<LoggedRuns>,
}

/// What a log of the server says of the runs that spans tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoggedRuns {
    /// Runs that the log shows in the same interval. They are the same ones, and never added to those of spans.
    pub runs: u64,
    /// Rows that they read, when told.
    pub rows_examined: Option<u64>,
    /// Time that they waited for locks, when told.
    pub lock: Option<Duration>,
    /// The log names a trace that shows it, by the statement's `traceparent`; else statement, database and time tell that
    /// they are the same runs.
    pub names_trace: bool,
}

/// Waiting for connections of one pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionWait {
    /// Pool or server; empty when not told.
    pub pool: Arc<str>,
    /// How much it matters; `runs` are connections asked for.
    pub load: PatternLoad,
    /// The statement that held connections of the service for longest in the interval.
    pub holder: Option<Holder>,
}

/// A statement that held connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The statement.
    pub statement: StatementRef,
    /// Where it ran.
    pub target: DbTarget,
    /// How long it ran in the interval.
    pub busy: Duration,
    /// Share of the run time of all statements of the service, 0 to 1.
    pub share: f64,
}

/// Somebody else who is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerLoad {
    /// Host, service or destination; empty when not told.
    pub name: Arc<str>,
    /// `http`, `rpc`, `messaging`, `redis` ...
    pub system: Arc<str>,
    /// How much it matters.
    pub load: PatternLoad,
    /// Runs that failed.
    pub failed: u64,
    /// Mean time of one run in the hour before, when it was asked then.
    pub before: Option<Duration>,
}

/// A count of all rows beside a page of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageCount {
    /// The count.
    pub count: StatementRef,
    /// Where it ran.
    pub target: DbTarget,
    /// The page.
    pub page: StatementRef,
    /// How much the count matters.
    pub load: PatternLoad,
    /// Time of the pages in the same requests.
    pub page_busy: Duration,
}

/// A statement whose runs failed after a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementCut {
    /// The statement.
    pub statement: StatementRef,
    /// Where it ran.
    pub target: DbTarget,
    /// How long the failed runs took.
    pub failed: Latency,
    /// How much they matter; `runs` are failed ones.
    pub load: PatternLoad,
}

/// A statement that is a known one without its conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedPredicate {
    /// What runs now.
    pub now: StatementRef,
    /// Where it ran.
    pub target: DbTarget,
    /// What the same operation ran before.
    pub before: StatementRef,
    /// How much the new one matters.
    pub load: PatternLoad,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// Requests that ran the old one before that.
    pub known_by: u64,
    /// Mean time of a run of the old one.
    pub usual: Duration,
}

/// Requests that ask for what the same caller has just asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Submissions {
    /// Requests that change something, and could be told apart: by caller, or by what they wrote.
    pub told: u64,
    /// Those that came again: same operation, same caller or same values written.
    pub repeated: u64,
    /// Those of them that wrote the very same values.
    pub same_values: u64,
    /// Those of them of which only the address of a browser is told: several people may share it.
    pub by_address: u64,
    /// Callers (or sets of values) that came again.
    pub callers: u64,
    /// Most repeats of one of them.
    pub most: u64,
    /// Shortest and longest time between a request and the one it repeats.
    pub gap: Option<(Duration, Duration)>,
    /// Time of the repeats.
    pub elapsed: Duration,
    /// A statement that both wrote with.
    pub statement: Option<StatementRef>,
    /// Where it ran.
    pub target: DbTarget,
    /// Repeats, the slowest first; at most 3.
    pub exemplars: Vec<TraceExemplar>,
}

impl PatternLoad {
    /// Requests that are kept as examples.
    pub const EXEMPLARS: usize = 3;

    /// Adds what others show of the same.
    pub fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
        self.runs = self.runs.saturating_add(other.runs);
        self.most = self.most.max(other.most);
        self.busy = self.busy.saturating_add(other.busy);
        self.critical = self.critical.saturating_add(other.critical);
        self.saving = self.saving.saturating_add(other.saving);
        keep_slowest(&mut self.exemplars, &other.exemplars);
    }
}

/// Keeps the slowest of both.
pub fn keep_slowest(kept: &mut Vec<TraceExemplar>, more: &[TraceExemplar]) {
    kept.extend_from_slice(more);
    // A replay must keep the same ones.
    kept.sort_by_key(|e| (std::cmp::Reverse(e.elapsed), e.at, e.trace));
    kept.dedup();
    kept.truncate(PatternLoad::EXEMPLARS);
}

/// A trace id as 32 hex digits: JSON numbers end at 53 bits.
mod trace_id {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{id:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

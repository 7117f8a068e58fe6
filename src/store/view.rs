//! What readers of the store get: rows ready to be shown.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::NoticeKind;
use crate::model::event::Coverage;
use crate::model::finding::{Severity, Slug};
use crate::model::id::{FingerprintId, IncidentId, ServiceName, SourceId};
use crate::model::incident::IncidentState;
use crate::model::sql::StatementRef;
use crate::model::subject::Load;
use crate::model::time::{Interval, Timestamp};
use crate::model::trace::{Trace, TraceSpan};

/// One page of a list; `next` continues it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Rows.
    pub items: Vec<T>,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Which incidents.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Started, or still open, in this interval.
    pub within: Option<Interval>,
    /// In one of these states; empty for any.
    pub states: Vec<IncidentState>,
    /// At most so many.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Which findings.
#[derive(Debug, Clone, Default)]
pub struct FindingFilter {
    /// Judged in this interval.
    pub within: Option<Interval>,
    /// By this detector.
    pub detector: Option<Slug>,
    /// At least so bad.
    pub at_least: Option<Severity>,
    /// Of this statement.
    pub fingerprint: Option<FingerprintId>,
    /// At most so many.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Which statements, by total time, the costliest first.
#[derive(Debug, Clone, Default)]
pub struct QueryFilter {
    /// Ran in this interval.
    pub within: Interval,
    /// Template or table contains this text, whatever its case.
    pub text: Option<String>,
    /// On this database.
    pub database: Option<Arc<str>>,
    /// At most so many.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// One statement over an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryRow {
    /// The statement.
    pub statement: StatementRef,
    /// What it did.
    pub load: Load,
    /// Share of all time in the interval, 0 to 1.
    pub share: f64,
    /// First run in the interval.
    pub first_seen: Timestamp,
    /// Last run in the interval.
    pub last_seen: Timestamp,
    /// Databases it ran on, sorted.
    pub databases: Vec<Arc<str>>,
}

/// One statement, in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryDetail {
    /// Sums over the interval.
    pub row: QueryRow,
    /// The same per step, oldest first.
    pub series: Vec<QueryPoint>,
}

/// What one statement did in one step of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryPoint {
    /// Start of the step.
    pub at: Timestamp,
    /// Sums.
    pub load: Load,
}

/// How much time each of the costliest statements took per step; the rest is under `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadPoint {
    /// Start of the step.
    pub at: Timestamp,
    /// Statement, or `None` for all others together.
    pub fingerprint: Option<FingerprintId>,
    /// Seconds of run time.
    pub seconds: f64,
    /// Runs.
    pub count: u64,
}

/// Where a source stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Source.
    pub source: SourceId,
    /// End of its last window.
    pub last_seen: Option<Timestamp>,
    /// Bytes read of the current file.
    pub offset: u64,
    /// How much of what runs it shows.
    #[serde(default)]
    pub coverage: Coverage,
    /// Of what something is missing, the newest first.
    #[serde(default)]
    pub gaps: Vec<SourceGap>,
}

/// A stretch of time of which something is missing that nobody sends again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceGap {
    /// Of which source.
    pub source: SourceId,
    /// From what was stored last, to when there was somebody to receive again.
    pub over: Interval,
    /// Why.
    pub why: GapReason,
}

/// Why something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The process ended without a stop, and with it the windows and traces that were open.
    Crash,
}

/// A message that is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Names it in `Change::OutboxResult`.
    pub id: i64,
    /// Incident to tell of; the message shows it as it is when it is sent.
    pub incident: IncidentId,
    /// Sink that is to tell it.
    pub sink: Arc<str>,
    /// Revision that must be told, at least.
    pub revision: u64,
    /// What changed.
    pub what: NoticeKind,
    /// How often it was tried.
    pub attempts: u32,
    /// When the oldest change in it was queued, by the clock of the data.
    pub first_queued_at: Timestamp,
    /// Not before this instant.
    pub next_try: Timestamp,
    /// How the sink addresses the incident's message, once there is one.
    pub remote: Option<String>,
}

/// Something that people want to see on the charts: a deploy, a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// When.
    pub at: Timestamp,
    /// What kind, for example `deploy`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// Whose, if it is not everybody's.
    #[serde(default)]
    pub service: Option<ServiceName>,
}

/// Which traces.
#[derive(Debug, Clone, Default)]
pub struct TraceFilter {
    /// That began in it.
    pub within: Option<Interval>,
    /// In which this service took part.
    pub service: Option<String>,
    /// In which it did this.
    pub operation: Option<String>,
    /// That took at least so long.
    pub shortest: Option<Duration>,
    /// That took at most so long.
    pub longest: Option<Duration>,
    /// A span of which has all of these tags.
    pub tags: Vec<(String, String)>,
    /// Most of them.
    pub limit: usize,
}

impl TraceFilter {
    /// Whether one span of the service and operation has all tags.
    pub(super) fn matches(&self, trace: &Trace) -> bool {
        let of_service = |span: &&TraceSpan| {
            self.service
                .as_deref()
                .is_none_or(|name| name == span.maker.service.as_str())
        };
        let of_operation = |span: &&TraceSpan| {
            self.operation
                .as_deref()
                .is_none_or(|name| name == &*span.name)
        };
        let spans = trace.spans.iter().filter(of_service).filter(of_operation);
        self.tags.is_empty()
            || spans.into_iter().any(|span| {
                let tags = trace.tags(span);
                let has = |(key, value): &(String, String)| {
                    tags.iter().any(|(k, v)| k == key && v.text() == *value)
                };
                self.tags.iter().all(has)
            })
    }
}

/// What a service did, as a span names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Name of the span.
    pub name: String,
    /// Its kind.
    pub kind: String,
}

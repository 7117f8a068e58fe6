//! What `sqleuth compare` says: what became of each operation, each statement and each finding.
//!
//! The JSON is a contract: fields may be added, none renamed.

mod page;
mod table;

use std::sync::Arc;

use serde::Serialize;

use crate::model::event::Origin;
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::{Dialect, StatementKind, Template};
use crate::report::Style;
use crate::report::digest::{Found, OperationTold, Query, Ran, Seconds, Source};
use crate::report::sentence::as_number;
use crate::window::sketch::Contest;

use self::page::Page;

/// Version of the document: fields may be added, none renamed.
const VERSION: u32 = 1;

/// Two recordings, or two sets of logs, held against each other.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Version of the document.
    pub version: u32,
    /// What was read of the time before.
    pub before: Source,
    /// What was read of the time after.
    pub after: Source,
    /// Operations of traces, the one that takes or took most time first.
    pub operations: Vec<OperationChange>,
    /// Statements, in the same order.
    pub statements: Vec<StatementChange>,
    /// Findings.
    pub findings: FindingChanges,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It takes less time than before, by more than chance.
    Better,
    /// It takes more.
    Worse,
    /// No difference that could not be chance, or that anybody would feel.
    Same,
    /// It ran too seldom to tell.
    Unclear,
    /// It did not run before.
    New,
    /// It does not run any more.
    Gone,
}

/// By what a statement was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// Time of one run.
    Run,
    /// Time that one request spends on all its runs, in the traces of operations: fewer and longer runs may be better.
    Request,
}

/// One thing on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sides<T> {
    /// Before; `None` when it was not there.
    pub before: Option<T>,
    /// After; `None` when it is not there any more.
    pub after: Option<T>,
}

/// One operation.
#[derive(Debug, Clone, Serialize)]
pub struct OperationChange {
    /// Whose.
    pub service: ServiceName,
    /// Method and route, or the name of what is handled.
    pub operation: Arc<str>,
    /// What became of the time that a request takes.
    pub change: Change,
    /// Figures.
    #[serde(flatten)]
    pub sides: Sides<OperationSide>,
    /// What its requests ran, or run.
    pub statements: Vec<RanChange>,
}

/// An operation on one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OperationSide {
    /// Requests.
    pub requests: u64,
    /// Requests in a second of the recording.
    pub requests_per_second: f64,
    /// Those that failed.
    pub failed: u64,
    /// Time of all of them.
    pub total_s: Seconds,
    /// Mean time of one.
    pub mean_s: f64,
    /// 95th percentile.
    pub p95_s: Seconds,
    /// The slowest.
    pub max_s: Seconds,
    /// Statements in a request, on average.
    pub statements_per_request: f64,
    /// Share of the requests' time that is waited for statements, 0 to 1.
    pub database_share: f64,
}

/// A statement of an operation.
#[derive(Debug, Clone, Serialize)]
pub struct RanChange {
    /// Identity.
    pub fingerprint: FingerprintId,
    /// Redacted text.
    pub template: Template,
    /// What it does.
    pub kind: StatementKind,
    /// Figures.
    #[serde(flatten)]
    pub sides: Sides<RanSide>,
}

/// A statement of an operation on one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RanSide {
    /// Runs in a request, on average over all requests of the operation.
    pub runs_per_request: f64,
    /// Runs in the request that had most of them.
    pub most: u64,
    /// Time of all runs in a request, as if one after the other, on average, in seconds.
    pub time_per_request_s: f64,
    /// Share of the operation's time that is waited for it and nothing else, 0 to 1.
    pub share: f64,
}

/// One statement.
#[derive(Debug, Clone, Serialize)]
pub struct StatementChange {
    /// Identity.
    pub fingerprint: FingerprintId,
    /// Redacted text.
    pub template: Template,
    /// Dialect.
    pub dialect: Dialect,
    /// What it does.
    pub kind: StatementKind,
    /// Who told of its runs.
    pub origin: Origin,
    /// What became of it.
    pub change: Change,
    /// By what.
    pub judged_by: JudgedBy,
    /// Figures.
    #[serde(flatten)]
    pub sides: Sides<StatementSide>,
}

/// A statement on one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StatementSide {
    /// Runs.
    pub count: u64,
    /// Runs in a second of the log or recording; `None` when that has no length.
    pub runs_per_second: Option<f64>,
    /// Runs that failed or were cut.
    pub errors: u64,
    /// Time of all of them.
    pub total_s: Seconds,
    /// Share of all run time that the same side was told of in the same way, 0 to 1.
    pub share: f64,
    /// Mean time of one.
    pub mean_s: f64,
    /// Median.
    pub p50_s: Seconds,
    /// 95th percentile.
    pub p95_s: Seconds,
    /// The slowest.
    pub max_s: Seconds,
    /// Rows that a run reads, on average, where told.
    pub rows_examined: Option<f64>,
    /// Rows that a run sends, on average, where told.
    pub rows_sent: Option<f64>,
}

/// What became of the findings; those of one statement, operation and detector are the same.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FindingChanges {
    /// Found before, and not after.
    pub gone: Vec<Found>,
    /// Found after, and not before.
    pub new: Vec<Found>,
    /// Found both times, as it is now.
    pub still: Vec<Found>,
}

/// How a comparison is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal of so many columns.
    Text {
        /// Columns.
        width: usize,
    },
    /// For a ticket.
    Markdown,
}

/// Renders a comparison; `top` is how many operations and statements are shown.
pub fn render(comparison: &Comparison, style: &Style, form: Form, top: usize) -> String {
    let page = Page::new(comparison, style, top);
    match form {
        Form::Text { width } => page.text(width),
        Form::Markdown => page.markdown(),
    }
}

impl Comparison {
    /// Both sides as they were read, and nothing held against each other yet.
    pub fn new(before: Source, after: Source) -> Self {
        Self {
            version: VERSION,
            before,
            after,
            operations: Vec::new(),
            statements: Vec::new(),
            findings: FindingChanges::default(),
        }
    }
}

impl Change {
    /// Of something that both sides have.
    pub fn of(contest: Contest) -> Self {
        match contest {
            Contest::Less => Self::Better,
            Contest::More => Self::Worse,
            Contest::Alike => Self::Same,
            Contest::Unclear => Self::Unclear,
        }
    }
}

impl<T> Sides<T> {
    /// What became of it: `contest` is asked when both sides have it.
    pub fn change(&self, contest: impl FnOnce() -> Contest) -> Change {
        match (&self.before, &self.after) {
            (None, _) => Change::New,
            (_, None) => Change::Gone,
            (Some(_), Some(_)) => Change::of(contest()),
        }
    }
}

impl OperationSide {
    /// An operation of a recording of so many seconds.
    pub fn new(told: &OperationTold, seconds: f64) -> Self {
        let per_second = as_number(told.requests) / seconds;
        Self {
            requests: told.requests,
            requests_per_second: if per_second.is_finite() {
                per_second
            } else {
                0.0
            },
            failed: told.failed,
            total_s: told.time_s.total,
            mean_s: told.time_s.mean,
            p95_s: told.time_s.p95,
            max_s: told.time_s.max,
            statements_per_request: told.statements_per_request,
            database_share: told.database_share,
        }
    }
}

impl RanSide {
    /// A statement of an operation with so many requests.
    pub fn new(ran: &Ran, requests: u64) -> Self {
        Self {
            runs_per_request: ran.runs_per_request,
            most: ran.most,
            time_per_request_s: ran.time_s.0.as_secs_f64() / as_number(requests.max(1)),
            share: ran.share,
        }
    }
}

impl StatementSide {
    /// A statement of a log or recording of so many seconds.
    pub fn new(query: &Query, seconds: f64) -> Self {
        let per_second = as_number(query.count) / seconds;
        Self {
            count: query.count,
            runs_per_second: per_second.is_finite().then_some(per_second),
            errors: query.errors,
            total_s: query.time_s.total,
            share: query.share,
            mean_s: query.time_s.mean,
            p50_s: query.time_s.p50,
            p95_s: query.time_s.p95,
            max_s: query.time_s.max,
            rows_examined: query.rows_examined.map(|rows| rows.mean),
            rows_sent: query.rows_sent.map(|rows| rows.mean),
        }
    }
}

//! What `sqleuth digest` says of a log: a document for programs and a page for people.
//!
//! The JSON is a contract: fields may be added, none renamed.

mod errors;
mod json;
mod text;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::model::error::{ErrorClass, ErrorFamily};
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Remedy, Severity, Slug};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, StatementKind, StatementRef, TableName, Template};
use crate::model::subject::{ErrorLoad, Latency, Load, RowLoad};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, sentence};

pub use json::write_json;
pub use text::render;

/// The report for people: what is worth a look. For programs, [`write_json`] tells all.
#[derive(Debug, Clone)]
pub struct Digest {
    /// What was read.
    pub source: Source,
    /// Statements by total time, the costliest first; of a very long list only those, and the worst.
    pub queries: Vec<Query>,
    /// What is wrong, the worst first; of a very long list the first.
    pub findings: Vec<Found>,
    /// Errors by family, the most frequent first.
    pub errors: Vec<Failed>,
    /// What those lists leave out.
    pub left_out: LeftOut,
}

/// What a report for people leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LeftOut {
    /// Statements.
    pub queries: usize,
    /// Their share of all run time, 0 to 1.
    pub share: f64,
    /// Statements with findings.
    pub sick: usize,
}

/// One family of errors.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    /// Kind.
    pub class: ErrorClass,
    /// SQLSTATE or error number; empty when not told.
    pub code: Arc<str>,
    /// The message of the first, without its values.
    pub message: Template,
    /// The statement that failed, when told.
    pub fingerprint: Option<FingerprintId>,
    /// Its redacted text.
    pub template: Option<Template>,
    /// Errors.
    pub count: u64,
    /// Time that was waited for locks, as far as it was told.
    pub waited_s: Seconds,
    /// The first of them.
    pub first_seen: Option<Timestamp>,
    /// The last of them.
    pub last_seen: Option<Timestamp>,
}

impl Failed {
    /// A family as it was summed up.
    pub fn new(family: &ErrorFamily, load: &ErrorLoad) -> Self {
        let statement = family.statement.as_ref();
        Self {
            class: family.class,
            code: Arc::clone(&family.code),
            message: family.message.clone(),
            fingerprint: statement.map(|s| s.fingerprint),
            template: statement.map(|s| s.template.clone()),
            count: load.count,
            waited_s: Seconds(load.waited),
            first_seen: load.seen.map(|seen| seen.from),
            last_seen: load.seen.map(|seen| seen.to),
        }
    }
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Files, as they were named.
    pub files: Vec<String>,
    /// Format, or `mixed`; empty for an empty log.
    pub format: String,
    /// Not all of the input was read: some of it could not be, or Ctrl-C came before.
    pub partial: bool,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Entries in the log.
    pub entries: u64,
    /// Runs that they stand for.
    pub statements: u64,
    /// Entries that could not be read.
    pub unparsed_entries: u64,
    /// Runs of statements that the parser could not read; they are grouped all the same.
    pub opaque_statements: u64,
    /// Runs faster than this are not in the log, in seconds, where that is known.
    pub slower_than_s: Option<Seconds>,
    /// Detectors that found too little in the log to judge any statement, with what they need.
    pub not_judged: Vec<NotJudged>,
    /// End of the first run.
    pub from: Option<Timestamp>,
    /// End of the last run.
    pub to: Option<Timestamp>,
}

/// A detector that was blind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotJudged {
    /// Which.
    pub detector: &'static str,
    /// What it needs to see.
    pub needs: &'static str,
}

/// A time in seconds, with the digits of a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

/// One statement.
#[derive(Debug, Clone, Serialize)]
pub struct Query {
    /// Identity.
    pub fingerprint: FingerprintId,
    /// Redacted text.
    pub template: Template,
    /// Dialect.
    pub dialect: Dialect,
    /// What it does.
    pub kind: StatementKind,
    /// Runs.
    pub count: u64,
    /// Runs that failed or were cut.
    pub errors: u64,
    /// Run time.
    pub time_s: Times,
    /// Share of all run time in the log, 0 to 1.
    pub share: f64,
    /// Time waiting for locks.
    pub lock_s: Option<Times>,
    /// Rows read.
    pub rows_examined: Option<Rows>,
    /// Rows sent.
    pub rows_sent: Option<Rows>,
    /// Rows written.
    pub rows_affected: Option<Rows>,
    /// Bytes sent.
    pub bytes_sent: Option<Rows>,
    /// Runs that scanned a table from end to end.
    pub full_scans: u64,
    /// End of the first run.
    pub first_seen: Option<Timestamp>,
    /// End of the last run.
    pub last_seen: Option<Timestamp>,
    /// Databases, sorted.
    pub databases: Vec<Arc<str>>,
    /// Database users, sorted.
    pub users: Vec<Arc<str>>,
    /// Client hosts, sorted.
    pub clients: Vec<Arc<str>>,
    /// Tables, sorted.
    pub tables: Vec<TableName>,
    /// Detectors that found something.
    pub findings: Vec<Slug>,
}

/// Statistics of times, in seconds; quantiles are within 1 %.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "each field is the statistic it is named after")]
pub struct Times {
    pub total: Seconds,
    pub min: Seconds,
    pub mean: f64,
    pub p50: Seconds,
    pub p95: Seconds,
    pub p99: Seconds,
    pub max: Seconds,
}

impl Times {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean needs no more than 53 bits"
    )]
    fn of(latency: &Latency, count: u64) -> Self {
        Self {
            total: Seconds(latency.total),
            min: Seconds(latency.min),
            mean: latency.total.as_secs_f64() / count.max(1) as f64,
            p50: Seconds(latency.p50),
            p95: Seconds(latency.p95),
            p99: Seconds(latency.p99),
            max: Seconds(latency.max),
        }
    }
}

/// Statistics of a count per run.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "each field is the statistic it is named after")]
pub struct Rows {
    pub total: u64,
    pub mean: f64,
    pub p95: u64,
    pub max: u64,
}

impl From<RowLoad> for Rows {
    fn from(rows: RowLoad) -> Self {
        Self {
            total: rows.total,
            mean: rows.mean(),
            p95: rows.p95,
            max: rows.max,
        }
    }
}

/// A finding, with its sentence.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Who found it.
    pub detector: Slug,
    /// How bad.
    pub severity: Severity,
    /// Which statement.
    pub fingerprint: Option<FingerprintId>,
    /// One sentence.
    pub summary: String,
    /// Facts, the one that crossed the line first.
    pub evidence: Vec<Evidence>,
    /// What may help, best first.
    pub remedies: Vec<Remedy>,
}

/// A statement as it was summed up.
#[derive(Debug, Clone)]
pub struct Summed {
    /// The statement.
    pub statement: StatementRef,
    /// Sums.
    pub load: Load,
    /// How long its runs waited for locks, where told.
    pub lock: Option<Latency>,
    /// First and last end.
    pub seen: Option<Interval>,
    /// Databases, users and client hosts, each sorted.
    pub names: [Vec<Arc<str>>; 3],
}

impl Found {
    /// A finding with its sentence.
    pub fn new(finding: Finding, style: &Style) -> Self {
        Self {
            summary: sentence::finding(&finding, style),
            detector: finding.detector,
            severity: finding.severity,
            fingerprint: finding.fingerprint,
            evidence: finding.evidence,
            remedies: finding.remedies,
        }
    }
}

impl Query {
    /// A statement of a log whose runs took `all` together.
    pub fn new(summed: Summed, all: Duration, findings: Vec<Slug>) -> Self {
        query(summed, all, findings)
    }
}

fn query(summed: Summed, all: Duration, findings: Vec<Slug>) -> Query {
    let Summed {
        statement,
        load,
        lock,
        seen,
        names: [databases, users, clients],
    } = summed;
    let share = load.elapsed.total.as_secs_f64() / all.as_secs_f64();
    Query {
        fingerprint: statement.fingerprint,
        template: statement.template.clone(),
        dialect: statement.dialect,
        kind: statement.kind(),
        count: load.count,
        errors: load.errors + load.cancelled,
        time_s: Times::of(&load.elapsed, load.count),
        share: if share.is_finite() { share } else { 0.0 },
        lock_s: lock.map(|lock| Times::of(&lock, load.count)),
        rows_examined: load.rows_examined.map(Rows::from),
        rows_sent: load.rows_returned.map(Rows::from),
        rows_affected: load.rows_affected.map(Rows::from),
        bytes_sent: load.bytes_sent.map(Rows::from),
        full_scans: load.full_scans,
        first_seen: seen.map(|s| s.from),
        last_seen: seen.map(|s| s.to),
        databases,
        users,
        clients,
        tables: statement.tables().to_vec(),
        findings,
    }
}

//! What `sqleuth digest` says of a log: a document for programs and a page for people.
//!
//! The JSON is a contract: fields may be added, none renamed.

mod attributes;
mod html;
mod json;
mod load;
mod markdown;
mod numbers;
pub(in crate::report) mod operation;
mod page;
mod server;
mod source;
pub(in crate::report) mod text;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::model::error::{ErrorClass, ErrorFamily};
use crate::model::event::Origin;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Remedy, Severity, Slug};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, StatementKey, StatementKind, StatementRef, TableName, Template};
use crate::model::subject::{ErrorLoad, Latency, Load};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, sentence};

pub use attributes::{Attributes, Lengths, Skipped, Tagged};
pub use json::{Body, write_json};
pub use load::{LoadCurve, LoadStep};
pub use numbers::{Rows, Seconds, Times};
pub use operation::{OperationTold, Ran};
pub use server::{CheckpointTimes, ChoreTimes, Server};
pub use source::{Asked, NotJudged, Readable, Seldom, Source};

/// The report for people: what is worth a look. For programs, [`write_json`] tells all.
#[derive(Debug, Clone)]
pub struct Digest {
    /// What was read.
    pub source: Source,
    /// Run time of all statements.
    pub elapsed: Duration,
    /// Statements by total time, the costliest first; of a very long list only those, and the worst.
    pub queries: Vec<Query>,
    /// So many of them are the costliest; what follows is told for its findings alone.
    pub ranked: usize,
    /// What is wrong, the worst first; of a very long list the first.
    pub findings: Vec<Found>,
    /// Errors by family, the most frequent first.
    pub errors: Vec<Failed>,
    /// What those lists leave out.
    pub left_out: LeftOut,
    /// Who told of the runs: shares are of what they told, whatever else is told of the same runs.
    pub origin: Origin,
    /// Operations of traces, the one that took most time first.
    pub operations: Vec<OperationTold>,
}

/// How a report is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal of so many columns, of which 80 to 120 are used.
    Text {
        /// Columns.
        width: usize,
    },
    /// For a ticket.
    Markdown,
    /// One file for a browser, which fetches nothing.
    Html,
}

/// Renders the reports, one for each way in which runs were told of; `top` is how many statements are shown.
pub fn render(digests: &[Digest], style: &Style, form: Form, top: Option<usize>) -> String {
    let pages = digests.iter().map(|d| page::Page::new(d, style, top));
    let pages: Vec<_> = pages.collect();
    match form {
        Form::Text { width } => told(&pages, |page| text::render(page, width)),
        Form::Markdown => told(&pages, markdown::render),
        Form::Html => html::render(&pages),
    }
}

/// One below the other.
fn told(pages: &[page::Page], render: impl Fn(&page::Page) -> String) -> String {
    pages.iter().map(render).collect::<Vec<_>>().join("\n")
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
    /// Who told of its runs; its share is of what they told.
    pub origin: Origin,
    /// Runs.
    pub count: u64,
    /// Runs that failed or were cut.
    pub errors: u64,
    /// Those of them whose run time nobody tells; they are part of no time.
    pub untimed: u64,
    /// Run time.
    pub time_s: Times,
    /// Time of it that other runs took inside these, as those of a function; their share has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_s: Option<Seconds>,
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
    /// Which of `databases`, `users` and `clients` are not all that there were.
    pub more: Vec<&'static str>,
    /// Tables, sorted.
    pub tables: Vec<TableName>,
    /// Detectors that found something.
    pub findings: Vec<Slug>,
    /// The parser does not know its text; it is grouped all the same.
    pub opaque: bool,
    /// The log had cut its text, and it may be the beginning of more than one statement, or of none.
    pub truncated: bool,
    /// What its texts have beside its identity.
    pub attributes: Attributes,
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
    /// Of what dialect that is.
    pub dialect: Option<Dialect>,
    /// The operation of traces that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Arc<str>>,
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
    /// Who told.
    pub origin: Origin,
    /// The statement.
    pub statement: StatementRef,
    /// Sums.
    pub load: Load,
    /// How long its runs waited for locks, where told.
    pub lock: Option<Latency>,
    /// First and last end.
    pub seen: Option<Interval>,
    /// What its texts have beside its identity, where that is anything.
    pub attributes: Option<Attributes>,
    /// Databases, users and client hosts, each sorted.
    pub names: [Vec<Arc<str>>; 3],
    /// Which of them are not all that there were.
    pub more: [bool; 3],
}

impl Found {
    /// The statement that it is about.
    pub fn about(&self) -> Option<StatementKey> {
        let (fingerprint, dialect) = self.fingerprint.zip(self.dialect)?;
        Some(StatementKey {
            fingerprint,
            dialect,
        })
    }

    /// A finding with its sentence, and the dialect of the statement that it is about.
    pub fn new(finding: Finding, dialect: Option<Dialect>, style: &Style) -> Self {
        Self {
            summary: sentence::finding(&finding, style),
            detector: finding.detector,
            severity: finding.severity,
            fingerprint: finding.fingerprint,
            dialect,
            operation: finding.operation,
            evidence: finding
                .evidence
                .into_iter()
                .filter_map(comparable)
                .collect(),
            remedies: finding.remedies,
        }
    }
}

/// A report is compared with that of another day, and handed on: what names a set of values by their hash is left out.
/// It would be of another key each time, or of a key that everybody knows.
fn comparable(evidence: Evidence) -> Option<Evidence> {
    match evidence {
        Evidence::Clause { role, .. } if &*role == "parameters" => None,
        Evidence::Exemplar {
            at,
            seconds,
            trace_id,
            ..
        } => Some(Evidence::Exemplar {
            at,
            seconds,
            parameters: None,
            trace_id,
        }),
        other => Some(other),
    }
}

impl Query {
    /// Whether anything is known of its run time.
    fn is_timed(&self) -> bool {
        self.untimed < self.count
    }

    /// What tells it from all others.
    pub fn key(&self) -> StatementKey {
        StatementKey {
            fingerprint: self.fingerprint,
            dialect: self.dialect,
        }
    }

    /// A statement of a log whose runs took `all` together.
    pub fn new(summed: Summed, all: Duration, findings: Vec<Slug>) -> Self {
        query(summed, all, findings)
    }
}

fn query(summed: Summed, all: Duration, findings: Vec<Slug>) -> Query {
    let Summed {
        origin,
        statement,
        load,
        lock,
        seen,
        attributes,
        names: [databases, users, clients],
        more,
    } = summed;
    let lists = ["databases", "users", "clients"].into_iter().zip(more);
    let share = load.own().as_secs_f64() / all.as_secs_f64();
    Query {
        fingerprint: statement.fingerprint,
        template: statement.template.clone(),
        dialect: statement.dialect,
        kind: statement.kind(),
        origin,
        count: load.count,
        errors: load.errors + load.cancelled,
        untimed: load.untimed,
        time_s: Times::of(&load.elapsed, load.count.saturating_sub(load.untimed)),
        inner_s: (!load.inner.is_zero()).then_some(Seconds(load.inner)),
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
        more: lists
            .filter_map(|(list, more)| more.then_some(list))
            .collect(),
        tables: statement.tables().to_vec(),
        findings,
        opaque: statement.shape().is_none(),
        truncated: statement.truncated,
        attributes: attributes.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;

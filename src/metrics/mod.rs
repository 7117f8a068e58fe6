//! What sqleuth counts about itself: one registry, typed methods, no metric name at a call site.
//!
//! Stages observe whole batches, so that a busy second costs a few atomic additions and not a lock for each run.
//! Every label is bounded: sources and detectors by configuration, statements by [`top::EXPORTED`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::model::event::QueryEvent;
use crate::model::finding::{Severity, Slug};
use crate::model::id::{FingerprintId, SourceId};
use crate::model::incident::IncidentState;
use crate::model::metric::Reading;
use crate::model::time::Timestamp;

mod exposition;
mod families;
mod process;
mod received;
mod statements;
mod top;

pub use exposition::Exposition;
use families::{Families, IngestLabels};
use process::ProcessUsage;
use received::Received;
use statements::StatementHistogram;
use top::TopStatements;

/// Handle on the process's metrics; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    statement_seconds: StatementHistogram,
    late_events: Counter,
    opaque_statements: Counter,
    otlp: Otlp,
    received: Received,
    store_commit: Histogram,
    store_degraded: Gauge,
    families: Families,
    top: Mutex<TopStatements>,
    process: Mutex<ProcessUsage>,
}

/// How much of its source a tailer has read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IngestLag {
    /// Bytes written by the server and not yet read.
    pub bytes: u64,
    /// Age of the newest entry that was read.
    pub age: Duration,
}

/// What came by OTLP, and what became of it.
#[derive(Debug, Default)]
struct Otlp {
    spans: Counter,
    rejected_spans: Counter,
    traces: Counter,
    log_records: Counter,
}

impl Otlp {
    fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        for (name, help, counter) in [
            ("sqleuth_spans", "Spans taken in by OTLP", &all.spans),
            (
                "sqleuth_rejected_spans",
                "Spans that belong nowhere, because they have no valid id",
                &all.rejected_spans,
            ),
            (
                "sqleuth_traces",
                "Traces that came to their end and were judged",
                &all.traces,
            ),
            (
                "sqleuth_log_records",
                "Log records taken in by OTLP; those that tell of no database are passed over",
                &all.log_records,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        all
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry with every metric at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let (late_events, opaque_statements) = (Counter::default(), Counter::default());
        let (store_commit, store_degraded) =
            (Histogram::new(STORE_COMMIT_SECONDS), Gauge::default());
        registry.register(
            "sqleuth_late_events",
            "Events that came after their window had closed",
            late_events.clone(),
        );
        registry.register(
            "sqleuth_opaque_statements",
            "Statements that the parser could not read; they are still counted and grouped",
            opaque_statements.clone(),
        );
        let otlp = Otlp::register(&mut registry);
        registry.register(
            "sqleuth_store_commit_seconds",
            "Time of one transaction of the store",
            store_commit.clone(),
        );
        registry.register(
            "sqleuth_store_degraded",
            "1 while the disk refuses to write: the logs wait, nothing is lost",
            store_degraded.clone(),
        );
        let received = Received::register(&mut registry);
        let families = Families::register(&mut registry);
        let top = TopStatements::register(&mut registry);
        let process = ProcessUsage::register(&mut registry);
        Self(Arc::new(Inner {
            registry,
            statement_seconds: StatementHistogram::default(),
            late_events,
            opaque_statements,
            otlp,
            received,
            store_commit,
            store_degraded,
            families,
            top: Mutex::new(top),
            process: Mutex::new(process),
        }))
    }

    /// Counts the runs of a batch, weighted as the log sampled them.
    pub fn observe_statements(&self, batch: &[QueryEvent]) {
        self.0.statement_seconds.observe(batch);
    }

    /// Adds the time of one window per statement; call once a window.
    pub fn observe_top(&self, window: &BTreeMap<FingerprintId, Duration>) {
        lock(&self.0.top).observe(window);
    }

    /// Counts statements that the parser could not read.
    pub fn count_opaque(&self, statements: u64) {
        self.0.opaque_statements.inc_by(statements);
    }

    /// Counts events that came after their window had closed.
    pub fn count_late(&self, events: u64) {
        self.0.late_events.inc_by(events);
    }

    /// Counts spans of a request: those that were taken, and those that were not.
    pub fn count_spans(&self, taken: u64, rejected: u64) {
        self.0.otlp.spans.inc_by(taken);
        self.0.otlp.rejected_spans.inc_by(rejected);
    }

    /// Counts traces that came to their end.
    pub fn count_traces(&self, closed: u64) {
        self.0.otlp.traces.inc_by(closed);
    }

    /// Counts log records of a request.
    pub fn count_log_records(&self, records: u64) {
        self.0.otlp.log_records.inc_by(records);
    }

    /// Shows what services sent of themselves, and counts the metrics that are not kept.
    pub fn take_readings(&self, readings: Vec<Reading>, passed_over: u64, now: Timestamp) {
        self.0.received.take(readings, passed_over, now);
    }

    /// Lets go of what no service sends any more.
    pub fn expire_readings(&self, now: Timestamp) {
        self.0.received.expire(now);
    }

    /// Counts bytes read from a source.
    pub fn count_ingested(&self, source: &SourceId, bytes: u64) {
        let labels = IngestLabels::of(source);
        self.0
            .families
            .ingest_bytes
            .get_or_create(&labels)
            .inc_by(bytes);
    }

    /// Sets how far behind a source is.
    pub fn set_lag(&self, source: &SourceId, lag: IngestLag) {
        let labels = IngestLabels::of(source);
        let families = &self.0.families;
        families
            .ingest_lag_bytes
            .get_or_create(&labels)
            .set(i64::try_from(lag.bytes).unwrap_or(i64::MAX));
        families
            .ingest_lag_seconds
            .get_or_create(&labels)
            .set(lag.age.as_secs_f64());
    }

    /// Bytes that wait in a source, as of its last batch.
    pub fn lag_bytes(&self, source: &SourceId) -> u64 {
        let lag = self
            .0
            .families
            .ingest_lag_bytes
            .get(&IngestLabels::of(source));
        lag.map_or(0, |bytes| u64::try_from(bytes.get()).unwrap_or(0))
    }

    /// Sets which share of the statements that ran the source shows, 0 to 1; `None` when nobody knows.
    pub fn set_coverage(&self, source: &SourceId, ratio: Option<f64>) {
        let labels = IngestLabels::of(source);
        let shown = &self.0.families.ingest_coverage;
        match ratio {
            Some(ratio) => {
                shown.get_or_create(&labels).set(ratio.clamp(0.0, 1.0));
            }
            None => {
                shown.remove(&labels);
            }
        }
    }

    /// Counts entries of a source that no parser could read.
    pub fn count_unparsed(&self, source: &SourceId, entries: u64) {
        let labels = IngestLabels::of(source);
        self.0
            .families
            .unparsed_entries
            .get_or_create(&labels)
            .inc_by(entries);
    }

    /// Counts a batch that was handed back to its sender.
    pub fn count_refused(&self, source: &SourceId) {
        let labels = IngestLabels::of(source);
        self.0.families.refused_batches.get_or_create(&labels).inc();
    }

    /// Counts what a stage had to drop.
    pub fn count_dropped(&self, stage: &'static str, reason: &'static str, items: u64) {
        self.0.families.count_dropped(stage, reason, items);
    }

    /// Replaces the number of problems that are sick now, per detector and severity.
    pub fn set_findings(&self, active: &[(Slug, Severity, u64)]) {
        self.0.families.set_findings(active);
    }

    /// Replaces the number of incidents per state and severity; what is not named becomes 0.
    pub fn set_incidents(&self, incidents: &[(IncidentState, Severity, u64)]) {
        self.0.families.set_incidents(incidents);
    }

    /// Shows what became of requests that are forwarded, how many of their items were rejected, and how many bytes wait.
    pub fn set_forwarded(
        &self,
        totals: &[(&'static str, u64)],
        (rejected, queue_bytes): (u64, u64),
    ) {
        self.0
            .families
            .set_forwarded(totals, (rejected, queue_bytes));
    }

    /// Sets the age of the oldest message that waits for a sink; zero when none waits.
    pub fn set_outbox_oldest(&self, sink: &str, age: Duration) {
        self.0.families.set_outbox_oldest(sink, age);
    }

    /// Brings the counts of a sink up to its own totals, per result; they never fall.
    pub fn set_notifications(&self, sink: &str, totals: &[(&'static str, u64)]) {
        self.0.families.set_notifications(sink, totals);
    }

    /// Counts one transaction of the store.
    pub fn observe_commit(&self, took: Duration) {
        self.0.store_commit.observe(took.as_secs_f64());
    }

    /// Says whether the disk refuses to write.
    pub fn set_store_degraded(&self, is_degraded: bool) {
        self.0.store_degraded.set(i64::from(is_degraded));
    }

    /// The text of every metric, in the given exposition format.
    pub fn render(&self, exposition: Exposition) -> String {
        lock(&self.0.process).refresh();
        exposition::render(&self.0.registry, &self.0.statement_seconds, exposition)
    }
}

/// Bounds of `sqleuth_store_commit_seconds`: from a fast disk's flush to a disk that is about to fail.
const STORE_COMMIT_SECONDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// A poisoned lock only means that another observer panicked; numbers are still numbers.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

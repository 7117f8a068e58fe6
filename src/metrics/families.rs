//! Metrics with labels: their names, help texts and label sets.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::metrics::lock;
use crate::model::finding::{Severity, Slug};
use crate::model::id::SourceId;
use crate::model::incident::IncidentState;

/// A gauge that holds fractions.
type FloatGauge = Gauge<f64, AtomicU64>;

/// `{source}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct IngestLabels {
    source: String,
}

impl IngestLabels {
    pub(super) fn of(source: &SourceId) -> Self {
        Self {
            source: source.as_str().to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct FindingLabels {
    detector: String,
    severity: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IncidentLabels {
    state: &'static str,
    severity: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    stage: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabels {
    sink: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotificationLabels {
    sink: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// Every metric that has labels, but the top statements.
#[derive(Debug, Default)]
pub(super) struct Families {
    pub(super) ingest_bytes: Family<IngestLabels, Counter>,
    pub(super) ingest_lag_bytes: Family<IngestLabels, Gauge>,
    pub(super) ingest_lag_seconds: Family<IngestLabels, FloatGauge>,
    pub(super) ingest_coverage: Family<IngestLabels, FloatGauge>,
    pub(super) unparsed_entries: Family<IngestLabels, Counter>,
    pub(super) refused_batches: Family<IngestLabels, Counter>,
    dropped: Family<DropLabels, Counter>,
    findings: Family<FindingLabels, Gauge>,
    known_findings: Mutex<BTreeSet<FindingLabels>>,
    incidents: Family<IncidentLabels, Gauge>,
    outbox_oldest: Family<SinkLabels, FloatGauge>,
    notifications: Family<NotificationLabels, Counter>,
    forwarded: Family<ResultLabels, Counter>,
    forward_rejected: Counter,
    forward_queue: Gauge,
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self::default();
        families.register_ingest(registry);
        registry.register(
            "sqleuth_dropped",
            "Items that a stage had to drop",
            families.dropped.clone(),
        );
        registry.register(
            "sqleuth_findings",
            "Problems that are sick now",
            families.findings.clone(),
        );
        registry.register(
            "sqleuth_incidents",
            "Incidents by state",
            families.incidents.clone(),
        );
        registry.register(
            "sqleuth_outbox_oldest_seconds",
            "Age of the oldest message that waits to be sent",
            families.outbox_oldest.clone(),
        );
        registry.register(
            "sqleuth_notifications",
            "Messages to a sink: sent, failed attempts, dead (given up), coalesced (a newer one said it all)",
            families.notifications.clone(),
        );
        registry.register(
            "sqleuth_forwarded_requests",
            "Requests of OTLP that are forwarded: sent, queued (written down first), busy (left with their sender), refused \
             (the backend never takes them), lost (unreadable in the queue)",
            families.forwarded.clone(),
        );
        registry.register(
            "sqleuth_forward_rejected_items",
            "Spans, data points and log records that the backend rejected of requests that it took",
            families.forward_rejected.clone(),
        );
        registry.register(
            "sqleuth_forward_queue_bytes",
            "Bytes that wait for the backend",
            families.forward_queue.clone(),
        );
        registry.register(
            "sqleuth_build",
            "Version of this program",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        families.set_incidents(&[]);
        families
    }

    fn register_ingest(&self, registry: &mut Registry) {
        registry.register(
            "sqleuth_ingest_bytes",
            "Bytes read from a source",
            self.ingest_bytes.clone(),
        );
        registry.register(
            "sqleuth_ingest_lag_bytes",
            "Bytes of a source that are not read yet",
            self.ingest_lag_bytes.clone(),
        );
        registry.register(
            "sqleuth_ingest_lag_seconds",
            "Age of the newest entry that was read from a source",
            self.ingest_lag_seconds.clone(),
        );
        registry.register(
            "sqleuth_ingest_coverage_ratio",
            "Share of the statements that ran which the source shows",
            self.ingest_coverage.clone(),
        );
        registry.register(
            "sqleuth_unparsed_entries",
            "Entries of a source that no parser could read",
            self.unparsed_entries.clone(),
        );
        registry.register(
            "sqleuth_refused_batches",
            "Batches handed back to their sender because the intake was full",
            self.refused_batches.clone(),
        );
    }

    pub(super) fn count_dropped(&self, stage: &'static str, reason: &'static str, items: u64) {
        self.dropped
            .get_or_create(&DropLabels { stage, reason })
            .inc_by(items);
    }

    /// Series that were exported once stay at 0, so that an alert on them can end.
    pub(super) fn set_findings(&self, active: &[(Slug, Severity, u64)]) {
        let mut known = lock(&self.known_findings);
        let mut silent = known.clone();
        for (detector, severity, count) in active {
            let labels = FindingLabels {
                detector: detector.to_string(),
                severity: severity.as_str(),
            };
            self.findings.get_or_create(&labels).set(gauge(*count));
            silent.remove(&labels);
            known.insert(labels);
        }
        for labels in &silent {
            self.findings.get_or_create(labels).set(0);
        }
    }

    pub(super) fn set_incidents(&self, incidents: &[(IncidentState, Severity, u64)]) {
        for state in [
            IncidentState::Pending,
            IncidentState::Firing,
            IncidentState::Recovering,
            IncidentState::Resolved,
        ] {
            for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
                let count = incidents
                    .iter()
                    .filter(|(s, v, _)| (*s, *v) == (state, severity))
                    .map(|(_, _, count)| *count)
                    .sum();
                let labels = IncidentLabels {
                    state: state.as_str(),
                    severity: severity.as_str(),
                };
                self.incidents.get_or_create(&labels).set(gauge(count));
            }
        }
    }

    pub(super) fn set_outbox_oldest(&self, sink: &str, age: Duration) {
        let labels = SinkLabels {
            sink: sink.to_owned(),
        };
        self.outbox_oldest
            .get_or_create(&labels)
            .set(age.as_secs_f64());
    }

    /// The same of requests that are forwarded; of their items that were rejected, and the bytes that wait.
    pub(super) fn set_forwarded(
        &self,
        totals: &[(&'static str, u64)],
        (rejected, queue_bytes): (u64, u64),
    ) {
        let counter = self.forward_rejected.inner();
        counter.fetch_max(rejected, Ordering::Relaxed);
        for (result, total) in totals {
            let counter = self.forwarded.get_or_create(&ResultLabels { result });
            counter.inner().fetch_max(*total, Ordering::Relaxed);
        }
        self.forward_queue.set(gauge(queue_bytes));
    }

    /// Whoever sends counts for himself; here his totals are shown.
    pub(super) fn set_notifications(&self, sink: &str, totals: &[(&'static str, u64)]) {
        for (result, total) in totals {
            let labels = NotificationLabels {
                sink: sink.to_owned(),
                result,
            };
            let counter = self.notifications.get_or_create(&labels);
            counter.inner().fetch_max(*total, Ordering::Relaxed);
        }
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

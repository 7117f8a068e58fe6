//! What services sent of their pools and their memory, shown as it came: the latest value of each series.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::metrics::lock;
use crate::model::metric::Reading;
use crate::model::time::Timestamp;

/// Series that are kept; a service has some dozens. Bounds memory, and what a scraper has to store.
const MAX_SERIES: usize = 2_048;
/// A series that nobody sends any more is not shown as if it were true; SDKs send once a minute.
const STALE_AFTER: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    metric: &'static str,
    service: String,
    pool: String,
    state: String,
}

/// The series, and when each was last told.
#[derive(Debug, Default)]
pub(super) struct Received {
    values: Family<Labels, Gauge<f64, AtomicU64>>,
    told_at: Mutex<HashMap<Labels, Timestamp>>,
    passed_over: Counter,
}

impl Received {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let received = Self::default();
        registry.register(
            "sqleuth_received",
            "What services sent by OTLP of their connection pools and memory: the latest value",
            received.values.clone(),
        );
        registry.register(
            "sqleuth_passed_over_metrics",
            "Metrics that were sent by OTLP and are not kept",
            received.passed_over.clone(),
        );
        received
    }

    pub(super) fn take(&self, readings: Vec<Reading>, passed_over: u64, now: Timestamp) {
        self.passed_over.inc_by(passed_over);
        let mut told_at = lock(&self.told_at);
        self.forget_stale(&mut told_at, now);
        for reading in readings {
            let labels = Labels {
                metric: reading.metric,
                service: reading.service,
                pool: reading.pool,
                state: reading.state,
            };
            let is_full = told_at.len() >= MAX_SERIES && !told_at.contains_key(&labels);
            if is_full {
                self.passed_over.inc();
                continue;
            }
            self.values.get_or_create(&labels).set(reading.value);
            told_at.insert(labels, now);
        }
    }

    /// Lets go of what nobody sends any more.
    pub(super) fn expire(&self, now: Timestamp) {
        self.forget_stale(&mut lock(&self.told_at), now);
    }

    fn forget_stale(&self, told_at: &mut HashMap<Labels, Timestamp>, now: Timestamp) {
        told_at.retain(|labels, at| {
            let is_fresh = now.since(*at) < STALE_AFTER;
            if !is_fresh {
                self.values.remove(labels);
            }
            is_fresh
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(pool: String, value: f64) -> Reading {
        Reading {
            metric: "db.client.connection.count",
            service: "shop".to_owned(),
            pool,
            state: "used".to_owned(),
            value,
        }
    }

    fn shown(registry: &Registry) -> Vec<String> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("sqleuth_received{"));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn the_latest_value_is_shown_until_nobody_sends_it() {
        let mut registry = Registry::default();
        let received = Received::register(&mut registry);
        let at = Timestamp::from_unix_secs;
        received.take(vec![reading("main".to_owned(), 4.0)], 0, at(100));
        received.take(vec![reading("main".to_owned(), 5.0)], 0, at(160));
        let lines = shown(&registry);
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].contains("pool=\"main\"") && lines[0].ends_with(" 5.0"),
            "{lines:?}"
        );
        received.expire(at(459));
        assert_eq!(shown(&registry).len(), 1);
        received.expire(at(460));
        assert!(shown(&registry).is_empty());
    }

    #[test]
    fn series_are_bounded() {
        let mut registry = Registry::default();
        let received = Received::register(&mut registry);
        let many = (0..MAX_SERIES + 3).map(|n| reading(n.to_string(), 1.0));
        received.take(many.collect(), 2, Timestamp::EPOCH);
        assert_eq!(shown(&registry).len(), MAX_SERIES);
        assert_eq!(received.passed_over.get(), 5);
    }
}

//! `sqleuth_top_statement_seconds_total{fingerprint}`: the costliest statements one by one, the rest as `other`.
//!
//! A statement earns its series by recent cost and loses it to one that costs clearly more. Its counter then
//! disappears, and begins at zero should it return; nothing is moved into `other`, which would look like load.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::model::id::FingerprintId;

/// Statements that have a series of their own.
pub(super) const EXPORTED: usize = 50;
/// Statements whose recent cost is remembered; the cheapest are forgotten first.
const REMEMBERED: usize = 1_000;
/// What is left of a statement's score after another window: half after about seven (a minute).
const DECAY: f64 = 0.9;
/// A newcomer must cost this many times what the cheapest exported statement costs, or series would flicker.
const CLEARLY_MORE: f64 = 2.0;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatementLabels {
    fingerprint: String,
}

#[derive(Debug)]
struct Recent {
    score: f64,
    exported: bool,
}

/// Which statements have a series, and why.
#[derive(Debug)]
pub(super) struct TopStatements {
    seconds: Family<StatementLabels, Counter<f64, AtomicU64>>,
    recent: BTreeMap<FingerprintId, Recent>,
}

impl TopStatements {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let seconds = Family::default();
        registry.register(
            "sqleuth_top_statement_seconds",
            "Run time of the costliest statements; of all others under other",
            seconds.clone(),
        );
        Self {
            seconds,
            recent: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, window: &BTreeMap<FingerprintId, Duration>) {
        for recent in self.recent.values_mut() {
            recent.score *= DECAY;
        }
        for (fingerprint, elapsed) in window {
            let recent = self.recent.entry(*fingerprint).or_insert(Recent {
                score: 0.0,
                exported: false,
            });
            recent.score += elapsed.as_secs_f64();
        }
        self.choose();
        for (fingerprint, elapsed) in window {
            let exported = self.recent.get(fingerprint).is_some_and(|r| r.exported);
            let series = if exported {
                label(*fingerprint)
            } else {
                other()
            };
            self.seconds
                .get_or_create(&series)
                .inc_by(elapsed.as_secs_f64());
        }
    }

    /// Gives series to the costliest, takes them from those clearly beaten, forgets the cheapest.
    fn choose(&mut self) {
        let mut ranked: Vec<(FingerprintId, f64, bool)> = self
            .recent
            .iter()
            .map(|(fingerprint, recent)| {
                let held = if recent.exported { CLEARLY_MORE } else { 1.0 };
                (*fingerprint, recent.score * held, recent.exported)
            })
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for (rank, (fingerprint, _, was_exported)) in ranked.iter().enumerate() {
            let earns = rank < EXPORTED;
            if *was_exported && !earns {
                self.seconds.remove(&label(*fingerprint));
            }
            if rank >= REMEMBERED {
                self.recent.remove(fingerprint);
            } else if let Some(recent) = self.recent.get_mut(fingerprint) {
                recent.exported = earns;
            }
        }
    }
}

fn label(fingerprint: FingerprintId) -> StatementLabels {
    StatementLabels {
        fingerprint: fingerprint.to_string(),
    }
}

fn other() -> StatementLabels {
    StatementLabels {
        fingerprint: "other".to_owned(),
    }
}

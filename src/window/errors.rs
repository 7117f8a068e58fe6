//! The errors of one window, or of several: a bounded map from family to sums.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::error::{ErrorClass, ErrorEvent, ErrorFamily};
use crate::model::event::{DbTarget, Origin};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::Template;
use crate::model::subject::ErrorLoad;
use crate::model::time::{Interval, Timestamp};
use crate::window::table::Scope;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Families of one window; what comes beyond is summed up as one. A server has some dozen on its worst day, unless
/// its messages hold what nobody knew to be data.
const MAX_FAMILIES: usize = 512;

/// Families of a window that are stored, those with the most errors.
const MAX_STORED: usize = 64;

/// Hosts that are kept of a family.
const MAX_CLIENTS: usize = 8;

/// Sums up the families for which there was no room.
const OTHER_ERRORS: FingerprintId = FingerprintId(0);

/// What sums are kept for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ErrorKey {
    pub(super) family: FingerprintId,
    pub(super) scope: Arc<Scope>,
}

/// What one family did.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorStats {
    /// The family.
    pub family: Arc<ErrorFamily>,
    /// Sums.
    pub load: ErrorLoad,
    /// The minute of the latest error, and the errors in it.
    minute: (Timestamp, u64),
    /// Time that these waited.
    waited: Duration,
    /// The hour of the latest error, and the errors in it.
    hour: (Timestamp, u64),
}

/// Families and their sums.
#[derive(Debug, Clone, Default)]
pub struct ErrorTable(BTreeMap<ErrorKey, ErrorStats>);

/// A family as it is stored: it names its statement in full, so that a window can be read without any other table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackedErrors {
    service: ServiceName,
    target: DbTarget,
    origin: Origin,
    family: ErrorFamily,
    load: ErrorLoad,
}

impl ErrorTable {
    /// Adds one error, which happened at `at`, which may differ from what the source says; see `watermark`.
    pub(super) fn observe(&mut self, event: &ErrorEvent, scope: &Arc<Scope>, at: Timestamp) {
        let load = ErrorLoad {
            count: u64::from(event.weight),
            busiest_minute: 0,
            busiest_hour: 0,
            busiest_waited: Duration::ZERO,
            waited: event.waited,
            seen: (at != Timestamp::EPOCH).then_some(Interval { from: at, to: at }),
            clients: Some(&event.client)
                .filter(|client| !client.is_empty())
                .map(Arc::clone)
                .into_iter()
                .collect(),
        };
        let stats = self.add(&event.family, scope, &load);
        stats.count(u64::from(event.weight), event.waited, at);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, stats) in &other.0 {
            self.add(&stats.family, &key.scope, &stats.load);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ErrorKey, &ErrorStats)> {
        self.0.iter()
    }

    pub(super) fn get(&self, key: &ErrorKey) -> Option<&ErrorStats> {
        self.0.get(key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(
        &mut self,
        family: &Arc<ErrorFamily>,
        scope: &Arc<Scope>,
        load: &ErrorLoad,
    ) -> &mut ErrorStats {
        let mut key = ErrorKey {
            family: family.id,
            scope: Arc::clone(scope),
        };
        let is_full = self.0.len() >= MAX_FAMILIES && !self.0.contains_key(&key);
        if is_full {
            key.family = OTHER_ERRORS;
        }
        let new = || ErrorStats {
            family: if is_full {
                Arc::new(other_errors())
            } else {
                Arc::clone(family)
            },
            load: ErrorLoad::default(),
            minute: (Timestamp::EPOCH, 0),
            waited: Duration::ZERO,
            hour: (Timestamp::EPOCH, 0),
        };
        let stats = self.0.entry(key).or_insert_with(new);
        if stats.family.parties.is_empty() && !family.parties.is_empty() && !is_full {
            // the first of them may have told less
            stats.family = Arc::clone(family);
        }
        merge(&mut stats.load, load);
        stats
    }

    /// What is stored, by family and scope.
    pub fn pack(&self) -> Vec<PackedErrors> {
        let mut most: Vec<_> = self.0.iter().collect();
        most.sort_by_key(|(key, stats)| (Reverse(stats.load.count), *key));
        most.truncate(MAX_STORED);
        let packed = most.into_iter().map(|(key, stats)| PackedErrors {
            service: key.scope.service.clone(),
            target: key.scope.target.clone(),
            origin: key.scope.origin,
            family: ErrorFamily::clone(&stats.family),
            load: stats.load.clone(),
        });
        packed.collect()
    }

    /// Adds what was stored.
    pub fn unpack(&mut self, packed: Vec<PackedErrors>) {
        for errors in packed {
            let scope = Scope {
                service: errors.service,
                target: errors.target,
                origin: errors.origin,
            };
            self.add(&Arc::new(errors.family), &Arc::new(scope), &errors.load);
        }
    }
}

impl ErrorStats {
    /// Finds the busiest minute and hour.
    fn count(&mut self, errors: u64, waited: Duration, at: Timestamp) {
        let (minute, hour) = (at.floor(MINUTE), at.floor(HOUR));
        if self.minute.0 != minute {
            self.minute = (minute, 0);
            self.waited = Duration::ZERO;
        }
        if self.hour.0 != hour {
            self.hour = (hour, 0);
        }
        self.minute.1 = self.minute.1.saturating_add(errors);
        self.hour.1 = self.hour.1.saturating_add(errors);
        self.waited = self.waited.saturating_add(waited);
        let load = &mut self.load;
        load.busiest_minute = load.busiest_minute.max(self.minute.1);
        load.busiest_hour = load.busiest_hour.max(self.hour.1);
        load.busiest_waited = load.busiest_waited.max(self.waited);
    }
}

/// Adds up two intervals of one family.
pub(super) fn merge(into: &mut ErrorLoad, more: &ErrorLoad) {
    into.count = into.count.saturating_add(more.count);
    into.busiest_minute = into.busiest_minute.max(more.busiest_minute);
    into.busiest_hour = into.busiest_hour.max(more.busiest_hour);
    into.busiest_waited = into.busiest_waited.max(more.busiest_waited);
    into.waited = into.waited.saturating_add(more.waited);
    into.seen = match (into.seen, more.seen) {
        (Some(a), Some(b)) => Some(a.hull(b)),
        (a, b) => a.or(b),
    };
    for client in &more.clients {
        let Err(at) = into.clients.binary_search(client) else {
            continue;
        };
        if into.clients.len() < MAX_CLIENTS {
            into.clients.insert(at, Arc::clone(client));
        }
    }
}

/// How often it happened per second.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 53 bits"
)]
pub(super) fn per_second(count: u64, over: Duration) -> f64 {
    let rate = count as f64 / over.as_secs_f64();
    if rate.is_finite() { rate } else { 0.0 }
}

fn other_errors() -> ErrorFamily {
    ErrorFamily {
        id: OTHER_ERRORS,
        class: ErrorClass::Other,
        code: Arc::from(""),
        message: Template::new("(other errors)"),
        statement: None,
        parties: Vec::new(),
        unknown_column: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(family: u64, client: &str) -> ErrorEvent {
        ErrorEvent {
            at: Timestamp::from_unix_secs(10),
            service: ServiceName::new("shop"),
            target: DbTarget::default(),
            family: Arc::new(ErrorFamily {
                id: FingerprintId(family),
                ..other_errors()
            }),
            weight: 1,
            waited: Duration::from_secs(1),
            user: Arc::from(""),
            client: Arc::from(client),
            origin: Origin::Log,
        }
    }

    fn scope() -> Arc<Scope> {
        Arc::new(Scope {
            service: ServiceName::new("shop"),
            target: DbTarget::default(),
            origin: Origin::Log,
        })
    }

    fn table(events: &[ErrorEvent]) -> ErrorTable {
        let mut table = ErrorTable::default();
        for event in events {
            table.observe(event, &scope(), event.at);
        }
        table
    }

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        let table = table(&[event(1, "a"), event(1, "b"), event(2, "a")]);
        let json = serde_json::to_vec(&table.pack()).unwrap();
        let mut read = ErrorTable::default();
        read.unpack(serde_json::from_slice(&json).unwrap());
        let sums = |table: &ErrorTable| -> Vec<_> {
            table
                .iter()
                .map(|(_, s)| (s.family.clone(), s.load.clone()))
                .collect()
        };
        assert_eq!(sums(&read), sums(&table));
    }

    #[test]
    fn a_line_that_tells_more_counts_nothing_and_adds_its_wait() {
        let more = ErrorEvent {
            weight: 0,
            ..event(1, "")
        };
        let table = table(&[event(1, ""), more]);
        let (_, stats) = table.iter().next().unwrap();
        assert_eq!((stats.load.count, stats.load.waited.as_secs()), (1, 2));
    }

    #[test]
    fn families_beyond_the_bound_are_one() {
        let many: Vec<_> = (1..=2_000).map(|family| event(family, "")).collect();
        let table = table(&many);
        let all: u64 = table.iter().map(|(_, stats)| stats.load.count).sum();
        assert_eq!(all, 2_000);
        assert!(table.iter().count() <= MAX_FAMILIES + 1);
    }
}

//! All of a file as one window (`sqleuth digest`).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::event::{Coverage, DbTarget, QueryEvent};
use crate::model::id::FingerprintId;
use crate::model::subject::{Horizon, Latency, QueryProfile};
use crate::model::time::{Interval, Timestamp};
use crate::window::facts::TableBook;
use crate::window::names::Role;
use crate::window::profile::{Frame, View};
use crate::window::query::{latency, nanos};
use crate::window::sketch::Sketch;
use crate::window::table::{OTHER_STATEMENTS, QueryTable, Ran, Scope};

/// Distinct statements that are kept apart; the rest is summed up as one.
const MAX_STATEMENTS: usize = 200_000;

/// Sums per statement over everything observed, whatever database it ran on.
#[derive(Debug, Clone)]
pub struct Totals {
    table: QueryTable,
    /// Waits for locks: windows keep their sum alone, a report shows how they are spread.
    locks: BTreeMap<FingerprintId, Sketch>,
    /// Of the first event, without its database.
    scope: Option<Arc<Scope>>,
    seen: Option<Interval>,
    previous: Timestamp,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            table: QueryTable::new(MAX_STATEMENTS),
            locks: BTreeMap::new(),
            scope: None,
            seen: None,
            previous: Timestamp::EPOCH,
        }
    }
}

impl Totals {
    /// Adds one run. One that does not tell its end takes that of the run before.
    pub fn observe(&mut self, event: &QueryEvent) {
        let end = match event.end {
            Timestamp::EPOCH => self.previous,
            told => told,
        };
        self.previous = end;
        if end != Timestamp::EPOCH {
            self.widen(Interval { from: end, to: end });
        }
        let scope = self.scope.get_or_insert_with(|| {
            let mut scope = Scope::of(event);
            scope.target.namespace = Arc::from("");
            Arc::new(scope)
        });
        let stats = self.table.observe(event, scope, end);
        stats.note_name(Role::Database, &event.target.namespace);
        self.observe_lock(event);
    }

    fn observe_lock(&mut self, event: &QueryEvent) {
        let Some(lock) = event.lock else { return };
        let mut key = event.statement.fingerprint;
        if self.locks.len() >= MAX_STATEMENTS && !self.locks.contains_key(&key) {
            key = OTHER_STATEMENTS;
        }
        let weight = u64::from(event.weight.max(1));
        let sketch = self.locks.entry(key).or_default();
        sketch.record(nanos(lock), weight);
    }

    /// Adds what was observed elsewhere, for example of another file.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.scope else { return };
        let scope = self.scope.get_or_insert_with(|| theirs.clone()).clone();
        for (_, ran) in other.table.iter() {
            self.table.add(&ran.statement, &scope, &ran.stats);
        }
        for (fingerprint, lock) in &other.locks {
            self.locks.entry(*fingerprint).or_default().merge(lock);
        }
        if let Some(seen) = other.seen {
            self.widen(seen);
        }
    }

    /// How long a statement's runs waited for locks; `None` when none told.
    pub fn lock(&self, fingerprint: FingerprintId) -> Option<Latency> {
        self.locks.get(&fingerprint).map(latency)
    }

    /// Statements and their sums, the costliest first.
    pub fn queries(&self) -> Vec<&Ran> {
        let mut queries: Vec<&Ran> = self.table.iter().map(|(_, ran)| ran).collect();
        queries.sort_by_key(|ran| (Reverse(ran.stats.elapsed()), ran.statement.fingerprint));
        queries
    }

    /// First and last end seen.
    pub fn seen(&self) -> Option<Interval> {
        self.seen
    }

    /// Runs, multiplied back where the log samples.
    pub fn count(&self) -> u64 {
        self.table.count()
    }

    /// What detectors judge, by fingerprint. Each is made when it is asked for: all at once take more memory than
    /// the sums.
    pub fn profiles(&self, coverage: Coverage) -> impl Iterator<Item = QueryProfile> {
        let mut book = TableBook::default();
        let span = self.seen.unwrap_or_default();
        for (key, ran) in self.table.iter() {
            let database = &key.scope.target.namespace;
            book.learn(database, &ran.statement, &ran.stats, span.to);
        }
        let view = View::of(vec![&self.table]);
        View::keys_of(&self.table).map(move |(key, ran)| {
            let frame = Frame {
                span,
                horizon: Horizon::Whole,
                coverage,
                book: &book,
            };
            let mut profile = view.profile(key, &ran.statement, &frame, None);
            profile.target = target(&profile.target, ran);
            profile
        })
    }

    fn widen(&mut self, seen: Interval) {
        self.seen = Some(self.seen.map_or(seen, |known| known.hull(seen)));
    }
}

/// The database is told when the statement ran on one only.
fn target(of_file: &DbTarget, ran: &Ran) -> DbTarget {
    let mut target = of_file.clone();
    if let [database] = ran.stats.names(Role::Database).as_slice() {
        target.namespace = database.clone();
    }
    target
}

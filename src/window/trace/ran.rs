//! All that the operations of a file ran, statement by statement: a file is read once, so that nobody has to be told of
//! loops alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::held::{Asked, Held};
use super::operations::Key;
use super::unit::{Scratch, Unit};
use crate::model::event::DbTarget;
use crate::model::sql::StatementRef;
use crate::window::sketch::Sketch;

/// Statements of one operation that are told apart, the first ones; an operation with more builds their texts.
const MAX_STATEMENTS: usize = 256;

/// What the requests of an operation ran of one statement.
#[derive(Debug, Clone)]
pub struct OperationStatement {
    /// The statement.
    pub statement: StatementRef,
    /// Where it ran first.
    pub target: DbTarget,
    /// Requests that ran it.
    pub requests: u64,
    /// Runs in all of them.
    pub runs: u64,
    /// Runs in the request that had most of them.
    pub most: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Time of the runs, as if one after the other.
    pub busy: Duration,
    /// Part of the requests' critical path that nothing but the runs explains.
    pub critical: Duration,
    /// Time of the runs of one request, in nanoseconds, over the requests that ran it.
    pub per_request: Sketch,
}

/// Statements by operation.
#[derive(Debug, Default)]
pub(super) struct Ran(BTreeMap<Key, BTreeMap<u64, OperationStatement>>);

/// What one unit ran of one statement.
#[derive(Debug)]
struct Tally<'a> {
    asked: &'a Asked,
    runs: u64,
    failed: u64,
    busy: u64,
    critical: u64,
}

impl Ran {
    /// Adds what a unit ran.
    pub(super) fn note(&mut self, key: &Key, unit: &Unit<'_>, scratch: &mut Scratch) {
        let asks = |(at, span): (u32, _)| Held::asked(span).map(|asked| (at, span, asked));
        if unit.members().find_map(asks).is_none() {
            return;
        }
        scratch.walk(unit);
        let mut tallies: BTreeMap<u64, Tally<'_>> = BTreeMap::new();
        for (at, span, asked) in unit.members().filter_map(asks) {
            let fingerprint = asked.statement.fingerprint.0;
            let tally = tallies.entry(fingerprint).or_insert(Tally {
                asked,
                runs: 0,
                failed: 0,
                busy: 0,
                critical: 0,
            });
            tally.runs += 1;
            tally.failed += u64::from(!asked.ok);
            tally.busy = tally.busy.saturating_add(span.elapsed());
            tally.critical = tally.critical.saturating_add(scratch.critical(at));
        }
        if !self.0.contains_key(key) {
            self.0.insert(key.clone(), BTreeMap::new());
        }
        let Some(known) = self.0.get_mut(key) else {
            return;
        };
        for (fingerprint, tally) in tallies {
            if known.len() < MAX_STATEMENTS || known.contains_key(&fingerprint) {
                let entry = known.entry(fingerprint);
                tally.add_to(entry.or_insert_with(|| tally.first()));
            }
        }
    }

    /// What an operation ran, what it waited longest for first.
    pub(super) fn take(&mut self, key: &Key) -> Vec<OperationStatement> {
        let known = self.0.remove(key).unwrap_or_default();
        let mut statements: Vec<_> = known.into_values().collect();
        statements.sort_by_key(|ran| std::cmp::Reverse((ran.critical, ran.busy)));
        statements
    }
}

impl Tally<'_> {
    fn first(&self) -> OperationStatement {
        OperationStatement {
            statement: Arc::clone(&self.asked.statement),
            target: self.asked.scope.target.clone(),
            requests: 0,
            runs: 0,
            most: 0,
            failed: 0,
            busy: Duration::ZERO,
            critical: Duration::ZERO,
            per_request: Sketch::default(),
        }
    }

    fn add_to(&self, known: &mut OperationStatement) {
        let add =
            |sum: &mut Duration, nanos| *sum = sum.saturating_add(Duration::from_nanos(nanos));
        known.requests += 1;
        known.runs = known.runs.saturating_add(self.runs);
        known.most = known.most.max(self.runs);
        known.failed = known.failed.saturating_add(self.failed);
        add(&mut known.busy, self.busy);
        add(&mut known.critical, self.critical);
        known.per_request.record(self.busy, 1);
    }
}

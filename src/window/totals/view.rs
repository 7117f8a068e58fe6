//! What was totalled, statement by statement: for the detectors, and for the report.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{Coverage, DbTarget, Origin};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::schema::Schema;
use crate::model::sql::{Statement, StatementKey, StatementRef};
use crate::model::subject::{Companion, Horizon, Load, QueryProfile, TotalLoad};
use crate::window::companions::{MAX_COMPANIONS, is_page, reads};
use crate::window::profile::declare;
use crate::window::table::{OTHER_STATEMENTS, Scope};
use crate::window::totals::shelf::Reader;
use crate::window::totals::tables::{self, Tables};
use crate::window::totals::{AttributeSums, Slot, Sums, Totals, hash};

/// Page queries of the same conditions that are looked at for a count.
const MAX_PAGES: usize = 64;

/// Totals that are complete.
#[derive(Debug)]
pub struct TotalView<'a> {
    totals: &'a Totals,
    shelf: RefCell<Reader<'a>>,
    coverage: Coverage,
    schema: Option<&'a Schema>,
    scope: Arc<Scope>,
    load: TotalLoad,
    tables: Tables,
    /// Page queries: hash of what they read, and their place; sorted.
    pages: Vec<(u64, u32)>,
    /// The costliest first.
    ranks: Vec<Rank>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    nanos: Reverse<u64>,
    fingerprint: FingerprintId,
    slot: u32,
}

/// One statement and what it did.
#[derive(Debug)]
pub struct Total<'a> {
    /// The statement.
    pub statement: StatementRef,
    /// What it did.
    pub sums: Cow<'a, Sums>,
    /// What its texts have beside its identity.
    pub attributes: Option<&'a AttributeSums>,
}

impl<'a> TotalView<'a> {
    pub(super) fn new(totals: &'a Totals, coverage: Coverage) -> Self {
        let mut view = Self {
            totals,
            shelf: RefCell::new(totals.shelf.reader()),
            coverage,
            schema: None,
            scope: totals.scope.clone().unwrap_or_else(nowhere),
            load: TotalLoad::default(),
            tables: Tables::default(),
            pages: Vec::new(),
            ranks: Vec::with_capacity(totals.slots.len()),
        };
        view.add_up();
        view.ranks.sort_unstable();
        view.pages.sort_unstable();
        view
    }

    /// How much of what ran the logs show.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Knows the tables by their DDL.
    #[must_use]
    pub fn declared_by(mut self, schema: &'a Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// What all statements did.
    pub fn load(&self) -> &TotalLoad {
        &self.load
    }

    /// Distinct statements.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// Nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.ranks.is_empty()
    }

    /// One statement.
    pub fn get(&self, key: StatementKey) -> Option<Total<'_>> {
        let slot = self.slot(key)?;
        Some(self.total(slot))
    }

    /// Time of all runs of a statement.
    pub fn elapsed(&self, key: StatementKey) -> Option<Duration> {
        let slot = self.slot(key)?;
        let sums = slot.runs.sums(&self.totals.names);
        Some(sums.stats.elapsed())
    }

    /// Every statement, the costliest first. Each is made when it is asked for.
    pub fn ranked(&self) -> impl ExactSizeIterator<Item = Total<'_>> {
        let slots = self.ranks.iter().map(|rank| rank.slot as usize);
        slots.map(|slot| self.total(&self.totals.slots[slot]))
    }

    /// What detectors judge, in the order of the log. Each is made when it is asked for.
    pub fn profiles(&self) -> impl Iterator<Item = QueryProfile> {
        let slots = self.totals.slots.iter();
        let judged = slots.filter(|slot| slot.fingerprint != OTHER_STATEMENTS);
        judged.map(|slot| self.profile_of(self.total(slot)))
    }

    /// What detectors judge of one statement.
    pub fn profile(&self, key: StatementKey) -> Option<QueryProfile> {
        Some(self.profile_of(self.get(key)?))
    }

    fn slot(&self, key: StatementKey) -> Option<&'a Slot> {
        let index = self.totals.by_key.get(&hash::of_key(key))?;
        self.totals.slots.get(*index as usize)
    }

    fn total(&self, slot: &'a Slot) -> Total<'a> {
        let mut shelf = self.shelf.borrow_mut();
        Total {
            statement: shelf.statement(slot.place, slot.fingerprint),
            sums: slot.runs.sums(&self.totals.names),
            attributes: slot.attributes.as_deref(),
        }
    }

    fn profile_of(&self, total: Total<'_>) -> QueryProfile {
        let Total {
            statement,
            sums,
            attributes,
        } = total;
        let stats = &sums.stats;
        let mut target: DbTarget = self.scope.target.clone();
        // Logs of several servers may be read together; what helps one is a syntax error to the other.
        target.system = statement.dialect;
        // The database is told when the statement ran on one only.
        target.namespace = tables::database(stats);
        let mut profile = QueryProfile {
            service: self.scope.service.clone(),
            target,
            origin: self.scope.origin,
            span: self.totals.seen.unwrap_or_default(),
            horizon: Horizon::Whole,
            load: Load {
                offsets: attributes.and_then(|sums| sums.offsets),
                ..sums.load()
            },
            total: self.load,
            baseline: None,
            coverage: self.coverage,
            tables: self.tables.facts(&statement, stats),
            parameters: stats.parameters(),
            plan: stats.plan(),
            exemplars: stats.exemplars().to_vec(),
            companions: self.companions(&statement),
            course: sums.course(),
            statement,
        };
        if let Some(schema) = self.schema {
            declare(&mut profile, schema);
        }
        profile
    }

    /// Of a count, the page queries that ran beside it.
    fn companions(&self, statement: &Statement) -> Vec<Companion> {
        let Some(shape) = statement.shape().filter(|shape| shape.counts) else {
            return Vec::new();
        };
        let key = reads(shape);
        let from = self.pages.partition_point(|(hash, _)| *hash < key);
        let alike = self
            .pages
            .iter()
            .skip(from)
            .take_while(|(hash, _)| *hash == key);
        let slots = alike
            .take(MAX_PAGES)
            .filter_map(|(_, slot)| self.totals.slots.get(*slot as usize));
        let mut pages: Vec<Companion> = slots
            .map(|slot| {
                let Total {
                    statement, sums, ..
                } = self.total(slot);
                Companion {
                    statement,
                    count: sums.stats.count(),
                    elapsed: sums.stats.elapsed(),
                }
            })
            .collect();
        pages.sort_by_key(|page| Reverse(page.count));
        pages.truncate(MAX_COMPANIONS);
        pages
    }

    fn add_up(&mut self) {
        let now = self.totals.seen.unwrap_or_default().to;
        for (index, slot) in (0..).zip(&self.totals.slots) {
            let Total {
                statement, sums, ..
            } = self.total(slot);
            let stats = &sums.stats;
            let time = stats.elapsed();
            self.load.count = self.load.count.saturating_add(stats.count());
            self.load.elapsed = self.load.elapsed.saturating_add(time);
            self.load.statements += 1;
            let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            if let Some(shape) = statement.shape().filter(|shape| is_page(shape)) {
                self.pages.push((reads(shape), index));
            }
            self.tables.learn(&statement, stats, now);
            self.ranks.push(Rank {
                nanos: Reverse(nanos),
                fingerprint: slot.fingerprint,
                slot: index,
            });
        }
    }
}

/// Nothing was observed, hence nobody will ask.
fn nowhere() -> Arc<Scope> {
    Arc::new(Scope {
        service: ServiceName::new(""),
        target: DbTarget::default(),
        origin: Origin::Log,
    })
}

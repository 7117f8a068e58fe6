//! The statements of one window, or of several: a bounded map from statement to sums.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::error::ErrorEvent;
use crate::model::event::{DbTarget, Origin, QueryEvent};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::{Dialect, Parsed, Statement, StatementKind, StatementRef, Template};
use crate::model::time::Timestamp;
use crate::window::errors::ErrorTable;
use crate::window::query::{Detail, QueryStats};

/// Sums up the statements for which a window had no room; never judged, never without its runs.
pub const OTHER_STATEMENTS: FingerprintId = FingerprintId(0);

/// Statements of a window whose parameter sets and exemplars are kept and stored: those with the most time.
const DETAILED: usize = 50;

/// From so many statements on, single runs of those that run rarely are not kept: memory.
pub(super) const SPARSE_FROM: usize = 8_192;

/// Who ran a statement where, as told by whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Who asked.
    pub service: ServiceName,
    /// Where it ran.
    pub target: DbTarget,
    /// Who told us.
    pub origin: Origin,
}

impl Scope {
    pub(super) fn of(event: &QueryEvent) -> Self {
        Self {
            service: event.service.clone(),
            target: event.target.clone(),
            origin: event.origin,
        }
    }

    /// Sorts before any other.
    fn first() -> Arc<Self> {
        Arc::new(Self {
            service: ServiceName::new(""),
            target: DbTarget {
                system: Dialect::Mysql,
                ..DbTarget::default()
            },
            origin: Origin::Log,
        })
    }

    /// Of an error.
    pub(super) fn of_error(event: &ErrorEvent) -> Self {
        Self {
            service: event.service.clone(),
            target: event.target.clone(),
            origin: event.origin,
        }
    }

    pub(super) fn holds(&self, event: &QueryEvent) -> bool {
        self.target == event.target && self.service == event.service && self.origin == event.origin
    }

    /// Same server and origin: shares are formed within these.
    pub(super) fn shares_load_with(&self, other: &Self) -> bool {
        self.origin == other.origin
            && self.target.system == other.target.system
            && self.target.server == other.target.server
    }
}

/// What sums are kept for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueryKey {
    pub(super) fingerprint: FingerprintId,
    pub(super) scope: Arc<Scope>,
}

impl QueryKey {
    /// The key of what found no room: one per server, whatever the number of databases.
    fn overflow(self) -> Self {
        let mut scope = (*self.scope).clone();
        scope.target.namespace = Arc::from("");
        Self {
            fingerprint: OTHER_STATEMENTS,
            scope: Arc::new(scope),
        }
    }
}

/// A statement and what it did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The statement.
    pub statement: StatementRef,
    /// What it did.
    pub stats: QueryStats,
}

/// Statements and what they did, at most `capacity` of them and one for the rest; and the errors beside them.
#[derive(Debug, Clone)]
pub(super) struct QueryTable {
    queries: BTreeMap<QueryKey, Box<Ran>>,
    pub(super) errors: ErrorTable,
    capacity: usize,
    overflowed: u64,
}

impl QueryTable {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            queries: BTreeMap::new(),
            errors: ErrorTable::default(),
            capacity,
            overflowed: 0,
        }
    }

    pub(super) fn observe(
        &mut self,
        event: &QueryEvent,
        scope: &Arc<Scope>,
        end: Timestamp,
    ) -> &mut QueryStats {
        let detail = if self.queries.len() < SPARSE_FROM {
            Detail::Full
        } else {
            Detail::Sparse
        };
        let stats = self.entry(&event.statement, scope);
        stats.observe(event, end, detail);
        stats.note_offset(event.offset, event.weight);
        stats
    }

    pub(super) fn add(&mut self, statement: &StatementRef, scope: &Arc<Scope>, stats: &QueryStats) {
        self.entry(statement, scope).merge(stats);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, ran) in other.iter() {
            self.add(&ran.statement, &key.scope, &ran.stats);
        }
        self.errors.merge(&other.errors);
    }

    pub(super) fn get(&self, key: &QueryKey) -> Option<&Ran> {
        self.queries.get(key).map(|ran| &**ran)
    }

    /// A statement, whoever ran it where.
    pub(super) fn of(&self, fingerprint: FingerprintId) -> impl Iterator<Item = (&QueryKey, &Ran)> {
        let first = QueryKey {
            fingerprint,
            scope: Scope::first(),
        };
        let own = self.queries.range(first..);
        own.map(|(key, ran)| (key, &**ran))
            .take_while(move |(key, _)| key.fingerprint == fingerprint)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&QueryKey, &Ran)> + Clone {
        self.queries.iter().map(|(key, ran)| (key, &**ran))
    }

    /// Runs in it.
    pub(super) fn count(&self) -> u64 {
        let counts = self.iter().map(|(_, ran)| ran.stats.count());
        counts.fold(0, u64::saturating_add)
    }

    /// Time of each statement, whoever ran it where.
    pub(super) fn times(&self) -> BTreeMap<FingerprintId, Duration> {
        let mut times: BTreeMap<_, Duration> = BTreeMap::new();
        for (key, ran) in self.iter() {
            let time = times.entry(key.fingerprint).or_default();
            *time = time.saturating_add(ran.stats.elapsed());
        }
        times
    }

    /// How often a statement found no room of its own.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// The least time with which a statement keeps its detail.
    pub(super) fn detail_from(&self) -> Duration {
        detail_from(self.iter().map(|(_, ran)| &ran.stats))
    }

    /// Drops parameter sets and exemplars of all but the costliest statements.
    pub(super) fn forget_cheap_detail(&mut self) {
        let detail_from = self.detail_from();
        for ran in self.queries.values_mut() {
            if ran.stats.elapsed() < detail_from {
                ran.stats.forget_detail();
            }
        }
    }

    fn entry(&mut self, statement: &StatementRef, scope: &Arc<Scope>) -> &mut QueryStats {
        let mut key = QueryKey {
            fingerprint: statement.fingerprint,
            scope: scope.clone(),
        };
        let full = self.queries.len() >= self.capacity;
        if full && !self.queries.contains_key(&key) {
            self.overflowed += 1;
            key = key.overflow();
            let other = || Box::new(Ran::new(other_statements()));
            return &mut self.queries.entry(key).or_insert_with(other).stats;
        }
        let new = || Box::new(Ran::new(statement.clone()));
        let ran = self.queries.entry(key).or_insert_with(new);
        ran.prefer(statement);
        &mut ran.stats
    }
}

impl Ran {
    pub(super) fn new(statement: StatementRef) -> Self {
        Self {
            statement,
            stats: QueryStats::default(),
        }
    }

    /// Of the texts of one statement, that which tells most of its values is the one worth knowing: what a wildcard or
    /// a number in the place of a string costs outweighs all other runs.
    #[inline]
    fn prefer(&mut self, other: &StatementRef) {
        let is_known = Arc::ptr_eq(&self.statement, other);
        if !is_known && tells(other) > tells(&self.statement) {
            self.statement = Arc::clone(other);
        }
    }
}

/// How much this text of a statement tells of its values: a pattern that begins with a wildcard most, then values that
/// are of a type of their own.
pub(super) fn tells(statement: &Statement) -> u32 {
    statement.shape().map_or(0, |shape| {
        let values = shape.predicates.iter().map(|p| p.value as u32);
        (u32::from(shape.leading_wildcard) << 16) + values.sum::<u32>()
    })
}

/// The least time that a statement must have taken to be among the [`DETAILED`] costliest.
pub(super) fn detail_from<'a>(stats: impl Iterator<Item = &'a QueryStats>) -> Duration {
    let mut times: Vec<Duration> = stats.map(QueryStats::elapsed).collect();
    if times.len() <= DETAILED {
        return Duration::ZERO;
    }
    let (_, least, _) = times.select_nth_unstable_by_key(DETAILED - 1, |&time| Reverse(time));
    *least
}

/// The statement that stands for [`OTHER_STATEMENTS`].
pub(super) fn other_statements() -> StatementRef {
    placeholder(OTHER_STATEMENTS, "(other statements)", "overflow")
}

/// Stands for a statement whose text the store has lost; its runs still count.
pub(super) fn lost_statement(fingerprint: FingerprintId) -> StatementRef {
    placeholder(fingerprint, "(statement text not stored)", "lost")
}

fn placeholder(fingerprint: FingerprintId, template: &str, why: &str) -> StatementRef {
    Arc::new(Statement {
        fingerprint,
        loose: fingerprint,
        template: Template::new(template),
        dialect: Dialect::Generic,
        parsed: Parsed::Opaque {
            why: why.to_owned(),
            kind: StatementKind::Utility,
            tables: Vec::new(),
        },
        truncated: false,
    })
}

//! Makes the subjects of detectors from the sums of several windows.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::Coverage;
use crate::model::schema::Schema;
use crate::model::sql::{Parsed, Statement, StatementKind, StatementRef, TableName};
use crate::model::subject::{
    Baseline, Companion, Horizon, Load, Peak, QueryProfile, TableFacts, TotalLoad,
};
use crate::model::time::Interval;
use crate::window::companions::Pages;
use crate::window::facts::TableBook;
use crate::window::query::QueryStats;
use crate::window::table::{OTHER_STATEMENTS, QueryKey, QueryTable, Ran, Scope, tells};

/// Several windows seen as one.
#[derive(Debug)]
pub(super) struct View<'a> {
    tables: Vec<&'a QueryTable>,
    totals: Vec<(&'a Scope, TotalLoad)>,
    table_sums: BTreeMap<(&'a str, &'a str), TableSums>,
    /// Made when a count first asks for them.
    pages: OnceCell<Pages<'a>>,
}

/// What statements did to one table.
#[derive(Debug, Clone, Copy, Default)]
struct TableSums {
    time: Duration,
    writes: u64,
}

/// What a statement costs its server.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    time: Duration,
    bytes: u64,
}

impl Cost {
    fn add(&mut self, stats: &QueryStats) {
        self.time = self.time.saturating_add(stats.elapsed());
        self.bytes = self.bytes.saturating_add(stats.bytes.total());
    }

    /// Whether it is at least a `share` of the time, or of the bytes where these are told.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share needs no more than 53 bits"
    )]
    fn is_part_of(self, total: Self, share: f64) -> bool {
        let of_time = self.time.as_secs_f64() >= total.time.as_secs_f64() * share;
        let of_bytes = self.bytes > 0 && self.bytes as f64 >= total.bytes as f64 * share;
        of_time || of_bytes
    }
}

/// What all profiles of one view have in common.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) span: Interval,
    pub(super) horizon: Horizon,
    pub(super) coverage: Coverage,
    pub(super) book: &'a TableBook,
    /// The latest windows, and the time that they are meant to span, whether anything ran in all of it or not.
    pub(super) recent: Vec<&'a QueryTable>,
    pub(super) minute: Interval,
}

impl Frame<'_> {
    /// What ran in the latest windows: a run that began before is part of them only.
    fn peak(&self, key: &QueryKey) -> Peak {
        let mut peak = Peak {
            span: self.minute,
            runs: 0,
            elapsed: Duration::ZERO,
            waited: Duration::ZERO,
            apart: None,
            reading: None,
        };
        for ran in self.recent.iter().filter_map(|table| table.get(key)) {
            let (spent, waited) = ran.stats.spent_since(self.minute.from);
            peak.runs = peak.runs.saturating_add(ran.stats.count());
            peak.elapsed = peak.elapsed.saturating_add(spent);
            peak.waited = peak.waited.saturating_add(waited);
        }
        peak
    }
}

/// Adds what the DDL says of the profile's tables.
pub(super) fn declare(profile: &mut QueryProfile, schema: &Schema) {
    let database = &profile.target.namespace;
    for table in &mut profile.tables {
        table.schema = schema.find(database, &table.name).cloned();
    }
}

impl<'a> View<'a> {
    pub(super) fn of(tables: Vec<&'a QueryTable>) -> Self {
        let mut view = Self {
            tables,
            totals: Vec::new(),
            table_sums: BTreeMap::new(),
            pages: OnceCell::new(),
        };
        view.add_up();
        view
    }

    /// Every statement that ran in `table` and is a statement of its own.
    pub(super) fn keys_of(table: &'a QueryTable) -> impl Iterator<Item = (&'a QueryKey, &'a Ran)> {
        let ran = table.iter();
        ran.filter(|(key, _)| key.fingerprint != OTHER_STATEMENTS)
    }

    /// Statements with at least `min_share` of the time of their server, or of the bytes that it sends, the costliest
    /// first, at most `limit`: what is fast to read may be long to send.
    pub(super) fn costliest(
        &self,
        min_share: f64,
        limit: usize,
    ) -> Vec<(&'a QueryKey, &'a StatementRef)> {
        let mut costs: BTreeMap<&QueryKey, (Cost, &StatementRef)> = BTreeMap::new();
        let mut totals: BTreeMap<&Scope, Cost> = BTreeMap::new();
        for table in &self.tables {
            for (key, ran) in table.iter() {
                let (cost, _) = costs
                    .entry(key)
                    .or_insert((Cost::default(), &ran.statement));
                cost.add(&ran.stats);
                totals.entry(&key.scope).or_default().add(&ran.stats);
            }
        }
        let mut costly: Vec<_> = costs
            .into_iter()
            .filter(|(key, _)| key.fingerprint != OTHER_STATEMENTS)
            .filter(|(key, (cost, _))| {
                let total = totals.get(&*key.scope).copied().unwrap_or_default();
                cost.is_part_of(total, min_share)
            })
            .collect();
        costly.sort_by_key(|(_, (cost, _))| Reverse((cost.time, cost.bytes)));
        costly.truncate(limit);
        let costly = costly.into_iter();
        costly
            .map(|(key, (_, statement))| (key, statement))
            .collect()
    }

    pub(super) fn profile(
        &self,
        key: &QueryKey,
        statement: &StatementRef,
        frame: &Frame<'_>,
        baseline: Option<Baseline>,
    ) -> QueryProfile {
        let stats = self.stats(key);
        let statement = self.text(key, statement);
        QueryProfile {
            statement: statement.clone(),
            service: key.scope.service.clone(),
            target: key.scope.target.clone(),
            origin: key.scope.origin,
            span: frame.span,
            horizon: frame.horizon,
            load: Load {
                peak: Some(frame.peak(key)),
                ..stats.load()
            },
            total: self.total(&key.scope),
            baseline,
            coverage: frame.coverage,
            tables: self.facts(&key.scope, statement, frame.book),
            parameters: stats.parameters(),
            plan: stats.plan(),
            exemplars: stats.exemplars().to_vec(),
            companions: self.companions(key, statement, frame.horizon),
            course: Vec::new(),
        }
    }

    /// The text that tells most of its values, whichever window it ran in.
    fn text<'s>(&self, key: &QueryKey, one: &'s StatementRef) -> &'s StatementRef
    where
        'a: 's,
    {
        let ran = self.tables.iter().filter_map(|table| table.get(key));
        let others = ran.map(|ran| &ran.statement);
        others
            .filter(|other| !Arc::ptr_eq(other, one))
            .fold(one, |best, other| {
                if tells(other) > tells(best) {
                    other
                } else {
                    best
                }
            })
    }

    /// Only advice asks for them, hence an alarm does not pay for the search.
    fn companions(
        &self,
        key: &QueryKey,
        statement: &Statement,
        horizon: Horizon,
    ) -> Vec<Companion> {
        let Some(shape) = statement.shape().filter(|shape| shape.counts) else {
            return Vec::new();
        };
        if horizon == Horizon::Recent {
            return Vec::new();
        }
        let pages = self.pages.get_or_init(|| Pages::of(&self.tables));
        pages.beside(&key.scope, shape)
    }

    fn stats(&self, key: &QueryKey) -> QueryStats {
        let mut sums = QueryStats::default();
        for ran in self.tables.iter().filter_map(|table| table.get(key)) {
            sums.merge(&ran.stats);
        }
        sums
    }

    pub(super) fn total(&self, scope: &Scope) -> TotalLoad {
        let mut totals = self.totals.iter();
        let total = totals.find(|(s, _)| s.shares_load_with(scope));
        total.map(|(_, total)| *total).unwrap_or_default()
    }

    fn facts(&self, scope: &Scope, statement: &Statement, book: &TableBook) -> Vec<TableFacts> {
        let database = &scope.target.namespace;
        let sums = |name: &str| {
            let sums = self.table_sums.get(&(&**database, name));
            sums.copied().unwrap_or_default()
        };
        let facts = statement.tables().iter().map(|name| TableFacts {
            name: Arc::clone(name),
            schema: None,
            rows: book.rows(database, name),
            elapsed: sums(name).time,
            writes: self.writes(database, name),
        });
        facts.collect()
    }

    /// Writes to a table, whether they name its schema or not: rather one too many than one overlooked.
    fn writes(&self, database: &str, table: &str) -> u64 {
        let of_database = self.table_sums.range((database, "")..);
        let of_database = of_database.take_while(|((name, _), _)| *name == database);
        let of_table = of_database.filter(|((_, name), _)| bare(name) == bare(table));
        of_table.fold(0, |all, (_, sums)| all.saturating_add(sums.writes))
    }

    fn add_up(&mut self) {
        let mut distinct = BTreeSet::new();
        for table in &self.tables {
            for (key, ran) in table.iter() {
                let time = ran.stats.elapsed();
                let of_server = |(s, _): &(&Scope, TotalLoad)| s.shares_load_with(&key.scope);
                let at = self.totals.iter().position(of_server).unwrap_or_else(|| {
                    self.totals.push((&key.scope, TotalLoad::default()));
                    self.totals.len() - 1
                });
                let total = &mut self.totals[at].1;
                total.count = total.count.saturating_add(ran.stats.count());
                total.elapsed = total.elapsed.saturating_add(time);
                total.statements += u64::from(distinct.insert(key));
                for name in ran.statement.tables() {
                    let named = (&*key.scope.target.namespace, &**name);
                    let known = self.table_sums.entry(named).or_default();
                    known.time = known.time.saturating_add(time);
                }
                for name in written(&ran.statement) {
                    let named = (&*key.scope.target.namespace, &**name);
                    let known = self.table_sums.entry(named).or_default();
                    known.writes = known.writes.saturating_add(ran.stats.count());
                }
            }
        }
    }
}

/// Tables that a statement writes to; all that it names, where its syntax is not known.
pub(super) fn written(statement: &Statement) -> &[TableName] {
    match &statement.parsed {
        Parsed::Shape(shape) => &shape.written,
        Parsed::Opaque { kind, tables, .. } => match kind {
            StatementKind::Select | StatementKind::Transaction => &[],
            _ => tables,
        },
    }
}

/// The name without its schema.
pub(super) fn bare(table: &str) -> &str {
    table.rsplit('.').next().unwrap_or(table)
}

//! Makes the subjects of detectors from the sums of several windows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::Coverage;
use crate::model::schema::Schema;
use crate::model::sql::{Statement, StatementRef};
use crate::model::subject::{Baseline, Horizon, QueryProfile, TableFacts, TotalLoad};
use crate::model::time::Interval;
use crate::window::facts::TableBook;
use crate::window::query::QueryStats;
use crate::window::table::{OTHER_STATEMENTS, QueryKey, QueryTable, Ran, Scope};

/// Several windows seen as one.
#[derive(Debug)]
pub(super) struct View<'a> {
    tables: Vec<&'a QueryTable>,
    totals: Vec<(&'a Scope, TotalLoad)>,
    table_time: BTreeMap<(&'a str, &'a str), Duration>,
}

/// What all profiles of one view have in common.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) span: Interval,
    pub(super) horizon: Horizon,
    pub(super) coverage: Coverage,
    pub(super) book: &'a TableBook,
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
            table_time: BTreeMap::new(),
        };
        view.add_up();
        view
    }

    /// Every statement that ran in `table` and is a statement of its own.
    pub(super) fn keys_of(table: &'a QueryTable) -> impl Iterator<Item = (&'a QueryKey, &'a Ran)> {
        let ran = table.iter();
        ran.filter(|(key, _)| key.fingerprint != OTHER_STATEMENTS)
    }

    /// Statements with at least `min_share` of the time of their server, the costliest first, at most `limit`.
    pub(super) fn costliest(
        &self,
        min_share: f64,
        limit: usize,
    ) -> Vec<(&'a QueryKey, &'a StatementRef)> {
        let mut times: BTreeMap<&QueryKey, (Duration, &StatementRef)> = BTreeMap::new();
        for table in &self.tables {
            for (key, ran) in table.iter() {
                let (time, _) = times.entry(key).or_insert((Duration::ZERO, &ran.statement));
                *time = time.saturating_add(ran.stats.elapsed());
            }
        }
        let mut costly: Vec<_> = times
            .into_iter()
            .filter(|(key, _)| key.fingerprint != OTHER_STATEMENTS)
            .filter(|(key, (time, _))| {
                let total = self.total(&key.scope).elapsed;
                time.as_secs_f64() >= total.as_secs_f64() * min_share
            })
            .collect();
        costly.sort_by_key(|(_, (time, _))| Reverse(*time));
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
        QueryProfile {
            statement: statement.clone(),
            service: key.scope.service.clone(),
            target: key.scope.target.clone(),
            origin: key.scope.origin,
            span: frame.span,
            horizon: frame.horizon,
            load: stats.load(),
            total: self.total(&key.scope),
            baseline,
            coverage: frame.coverage,
            tables: self.facts(&key.scope, statement, frame.book),
            parameters: stats.parameters(),
            plan: stats.plan(),
            exemplars: stats.exemplars().to_vec(),
        }
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
        let facts = statement.tables().iter().map(|name| TableFacts {
            name: Arc::clone(name),
            schema: None,
            rows: book.rows(database, name),
            elapsed: {
                let time = self.table_time.get(&(&**database, &**name));
                time.copied().unwrap_or_default()
            },
        });
        facts.collect()
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
                    let known = self.table_time.entry(named).or_default();
                    *known = known.saturating_add(time);
                }
            }
        }
    }
}

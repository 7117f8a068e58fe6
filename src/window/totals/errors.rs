//! The errors of all files.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::join::Names;
use crate::model::error::{ErrorEvent, ErrorFamily};
use crate::model::sql::StatementKey;
use crate::model::subject::{ErrorLoad, ErrorProfile, Horizon};
use crate::model::time::{Interval, Timestamp};
use crate::normalise::renamed;
use crate::window::errors::{ErrorStats, ErrorTable};
use crate::window::table::Scope;
use crate::window::totals::TotalView;

/// Sums per family of errors over everything observed.
#[derive(Debug, Default)]
pub struct ErrorTotals {
    table: ErrorTable,
    seen: Option<Interval>,
}

impl ErrorTotals {
    /// Adds one error. One that does not tell its time is of none.
    pub fn observe(&mut self, event: &ErrorEvent) {
        let at = event.at;
        if at != Timestamp::EPOCH {
            let seen = Interval { from: at, to: at };
            self.seen = Some(self.seen.map_or(seen, |known| known.hull(seen)));
        }
        let scope = Arc::new(Scope::of_error(event));
        self.table.observe(event, &scope, at);
    }

    /// Statements that were cut.
    pub(super) fn cut_statements(&self) -> BTreeSet<StatementKey> {
        let families = self.table.iter().map(|(_, stats)| &stats.family);
        let statements = families.flat_map(|family| family.statements());
        let cut = statements.filter(|statement| statement.truncated);
        cut.map(|statement| statement.key()).collect()
    }

    /// Gives families the names that their statements have now.
    pub(super) fn join(&mut self, names: &Names) {
        if names.is_empty() {
            return;
        }
        let table = std::mem::take(&mut self.table);
        for (key, stats) in table.iter() {
            let family = renamed(&stats.family, |statement| {
                let is_cut = statement.truncated;
                let name = names.get(&statement.key()).filter(|_| is_cut)?;
                name.clone()
            });
            self.table.add(&Arc::new(family), &key.scope, &stats.load);
        }
    }

    /// The first and the last of them.
    pub fn seen(&self) -> Option<Interval> {
        self.seen
    }

    /// Families, the most frequent first.
    pub fn families(&self) -> Vec<(&ErrorFamily, &ErrorLoad)> {
        let families = self.table.iter().map(|(_, stats)| stats);
        let mut families: Vec<&ErrorStats> = families.collect();
        families.sort_by_key(|stats| (Reverse(stats.load.count), stats.family.id));
        let families = families.into_iter();
        families
            .map(|stats| (&*stats.family, &stats.load))
            .collect()
    }

    /// What detectors judge of them, beside the load that `view` shows, over `span`.
    pub fn profiles<'a>(
        &'a self,
        view: &'a TotalView<'_>,
        span: Interval,
    ) -> impl Iterator<Item = ErrorProfile> + 'a {
        self.table.iter().map(move |(key, stats)| {
            let statement = stats.family.statement.as_ref();
            let is_complete = view.coverage().is_complete();
            let runs = statement
                .filter(|_| is_complete)
                .and_then(|s| view.get(s.key()))
                .map(|total| total.sums.stats.count());
            ErrorProfile {
                family: Arc::clone(&stats.family),
                service: key.scope.service.clone(),
                target: key.scope.target.clone(),
                origin: key.scope.origin,
                span,
                horizon: Horizon::Whole,
                load: stats.load.clone(),
                runs,
                total: *view.load(),
                earlier: ErrorLoad::default(),
                baseline: None,
            }
        })
    }
}

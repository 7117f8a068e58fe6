//! The errors of all files.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::model::error::{ErrorEvent, ErrorFamily};
use crate::model::subject::{ErrorLoad, ErrorProfile, Horizon};
use crate::model::time::{Interval, Timestamp};
use crate::window::errors::{ErrorStats, ErrorTable};
use crate::window::table::Scope;
use crate::window::totals::TotalView;

/// Sums per family of errors over everything observed.
#[derive(Debug, Default)]
pub struct ErrorTotals {
    table: ErrorTable,
    seen: Option<Interval>,
    previous: Timestamp,
}

impl ErrorTotals {
    /// Adds one error. One that does not tell its time takes that of the error before.
    pub fn observe(&mut self, event: &ErrorEvent) {
        let at = match event.at {
            Timestamp::EPOCH => self.previous,
            told => told,
        };
        self.previous = at;
        if at != Timestamp::EPOCH {
            let seen = Interval { from: at, to: at };
            self.seen = Some(self.seen.map_or(seen, |known| known.hull(seen)));
        }
        let scope = Arc::new(Scope::of_error(event));
        self.table.observe(event, &scope, at);
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
                baseline: None,
            }
        })
    }
}

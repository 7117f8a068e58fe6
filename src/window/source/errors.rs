//! The errors of a source: into their windows, and out as subjects.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Source;
use crate::ingest::Mark;
use crate::model::error::{ErrorEvent, ErrorFamily};
use crate::model::event::Coverage;
use crate::model::subject::{ErrorBaseline, ErrorLoad, ErrorProfile, Horizon, TotalLoad};
use crate::model::time::{Interval, Timestamp};
use crate::window::Counters;
use crate::window::errors::{self, ErrorKey};
use crate::window::history::STEP;
use crate::window::profile::View;
use crate::window::table::{QueryKey, QueryTable, Scope};

/// Below this, a source was not watched for long enough to know what is usual.
const MIN_WATCHED: Duration = Duration::from_secs(10 * 60);

/// A part of a step that is shorter tells too little of what is usual.
const MIN_STEP: Duration = Duration::from_secs(20 * 60);

/// Steps that are looked back.
const STEPS_BACK: u32 = 2;

impl Source {
    /// Adds an error to its window.
    pub(in crate::window) fn observe_error(
        &mut self,
        event: &ErrorEvent,
        mark: &Mark,
        now: Timestamp,
        counters: &mut Counters,
    ) {
        let scope = Arc::new(Scope::of_error(event));
        let (end, window) = self.window_of(event.at, mark, now, counters);
        window.table.errors.observe(event, &scope, end);
    }

    /// What the errors of the window that has closed come to, the most frequent first.
    pub(super) fn error_profiles(&self) -> Vec<ErrorProfile> {
        let Some((closing, table)) = self.recent.back() else {
            return Vec::new();
        };
        if table.errors.is_empty() {
            return Vec::new();
        }
        let span = self.watched(*closing, closing.to.minus(self.settings.recent));
        let tables: Vec<&QueryTable> = self.recent.iter().map(|(_, table)| table).collect();
        let views = Views {
            tables: &tables,
            recent: View::of(tables.clone()),
            before: View::of(self.history.tables().collect()),
        };
        let profile = |(key, stats): (&ErrorKey, &errors::ErrorStats)| {
            let mut profile = views.profile(key, &stats.family, span, self.coverage);
            profile.earlier = self.history.error_load(key);
            profile.baseline = self.error_baseline(key, span.from, &views);
            profile
        };
        let mut profiles: Vec<_> = table.errors.iter().map(profile).collect();
        profiles.sort_by_key(|p| (Reverse(p.load.count), p.family.id));
        profiles
    }

    /// What was usual before `until`; `None` when nobody watched for long enough.
    fn error_baseline(
        &self,
        key: &ErrorKey,
        until: Timestamp,
        views: &Views<'_>,
    ) -> Option<ErrorBaseline> {
        let oldest = until.floor(STEP).minus(STEP * STEPS_BACK);
        let from = oldest.max(self.watched_since?);
        if until.since(from) < MIN_WATCHED {
            return None;
        }
        let by_step: BTreeMap<Timestamp, u64> = self
            .history
            .errors(key)
            .map(|(span, count)| (span.from.floor(STEP), count))
            .collect();
        let count = by_step
            .values()
            .fold(0, |sum: u64, n| sum.saturating_add(*n));
        let mean = || errors::per_second(count, until.since(from));
        Some(ErrorBaseline {
            span: Interval { from, to: until },
            count,
            quietest_per_second: quietest(&by_step, from, until).unwrap_or_else(mean),
            total: views.before.total(&key.scope),
        })
    }
}

/// Rate of the quietest step; a step in which nothing was stored was quiet. `None` when none was watched for long.
fn quietest(by_step: &BTreeMap<Timestamp, u64>, from: Timestamp, until: Timestamp) -> Option<f64> {
    let mut step = from.floor(STEP);
    let mut least: Option<f64> = None;
    while step < until {
        let next = step.plus(STEP);
        let watched = next.min(until).since(step.max(from));
        if watched >= MIN_STEP {
            let count = by_step.get(&step).copied().unwrap_or(0);
            let rate = errors::per_second(count, watched);
            least = Some(least.map_or(rate, |least| least.min(rate)));
        }
        step = next;
    }
    least
}

/// What several windows show of the errors and of the load beside them.
struct Views<'a> {
    tables: &'a [&'a QueryTable],
    recent: View<'a>,
    before: View<'a>,
}

impl Views<'_> {
    fn profile(
        &self,
        key: &ErrorKey,
        family: &Arc<ErrorFamily>,
        span: Interval,
        coverage: Coverage,
    ) -> ErrorProfile {
        let mut load = ErrorLoad::default();
        for stats in self.tables.iter().filter_map(|table| table.errors.get(key)) {
            errors::merge(&mut load, &stats.load);
        }
        ErrorProfile {
            family: Arc::clone(family),
            service: key.scope.service.clone(),
            target: key.scope.target.clone(),
            origin: key.scope.origin,
            span,
            horizon: Horizon::Recent,
            runs: self.runs(key, family, coverage),
            total: self.total(&key.scope),
            load,
            earlier: ErrorLoad::default(),
            baseline: None,
        }
    }

    fn total(&self, scope: &Scope) -> TotalLoad {
        self.recent.total(scope)
    }

    /// Runs of the statement. A log that leaves out fast runs shows the failed ones all the same: no share of them.
    fn runs(&self, key: &ErrorKey, family: &ErrorFamily, coverage: Coverage) -> Option<u64> {
        let statement = family
            .statement
            .as_ref()
            .filter(|_| coverage.is_complete())?;
        let key = QueryKey {
            fingerprint: statement.fingerprint,
            scope: Arc::clone(&key.scope),
        };
        let runs = self.tables.iter().filter_map(|table| table.get(&key));
        let runs = runs.fold(0_u64, |sum, ran| sum.saturating_add(ran.stats.count()));
        (runs > 0).then_some(runs)
    }
}

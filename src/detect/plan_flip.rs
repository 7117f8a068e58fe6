//! See [`META`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise, safe};
use crate::detect::basis::weight::{Weight, number, times};
use crate::detect::{Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Remedy, Severity, Urgency, Verdict};
use crate::model::sql::{Dialect, TableName};
use crate::model::subject::{Baseline, Basis, Load, QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// A known statement that suddenly reads many times the rows it used to, for the same answer.
    ///
    /// ## Why it hurts
    /// The optimiser has chosen another index or join order, or an index is gone. Nothing was deployed, so nobody looks
    /// there; and the old plan may come back by itself, so that the cause is never found.
    ///
    /// ## How it decides
    /// Against the baseline (at least `min_baseline_runs` runs), with at least `min_runs` runs now:
    /// - rows examined per run >= `min_ratio` times the mean before, and >= `min_rows`;
    /// - rows sent (or changed) per run <= `max_answer_ratio` times before, so that more is not simply asked for;
    /// - the median run takes >= `min_slowdown` times as long, and time lost per second >= `min_load`;
    /// - no run of the baseline read as much as the mean does now, or, if some did, *every* run does so now: another mix of
    ///   known parameters is no flip.
    ///
    /// From `min_critical_load` on it is critical. Without a baseline, or without row counts (PostgreSQL's log), the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id FROM orders WHERE shop = ? AND state = ?;   -- 40 rows read yesterday, 2,000,000 today
    /// -- First aid: fresh statistics, then compare EXPLAIN with the plan before
    /// ANALYZE TABLE orders;
    /// ```
    ///
    /// ## False alarms
    /// - A table that grows: reads more by degrees, silent by `min_ratio` against the hour or day before.
    /// - A heavy customer who was there before: silent, as only some runs read more.
    /// - A larger page or period asked for: silent by `max_answer_ratio`.
    /// - A cold cache: slower, but reads no more rows.
    pub static META = {
        slug: "plan-flip",
        summary: "a statement suddenly reads many times the rows for the same answer",
        summary_ko: "같은 결과를 위해 갑자기 훨씬 많은 행을 읽게 된 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts, and an hour of history",
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.plan-flip]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined per run now against before: growth and mixes stay below ten within days.
    pub min_ratio: f64,
    /// Rows examined per run now: fewer are read in a millisecond.
    pub min_rows: u64,
    /// Rows sent or changed per run against before, at most.
    pub max_answer_ratio: f64,
    /// Median run time against before.
    pub min_slowdown: f64,
    /// Seconds of run time per second: a tenth of a connection, busy with this alone.
    pub min_load: f64,
    /// Seconds of run time per second at which it is critical: two connections busy all the time.
    pub min_critical_load: f64,
    /// Runs now.
    pub min_runs: u64,
    /// Runs in the baseline.
    pub min_baseline_runs: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_ratio: 10.0,
            min_rows: 1_000,
            max_answer_ratio: 3.0,
            min_slowdown: 3.0,
            min_load: 0.1,
            min_critical_load: 2.0,
            min_runs: 5,
            min_baseline_runs: 20,
        }
    }
}

/// Finds statements that read more than they used to.
#[derive(Debug)]
pub struct PlanFlip(Settings);

impl PlanFlip {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for PlanFlip {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let matters = weight.load >= self.0.min_load;
        if !matters {
            return Verdict::Clear;
        }
        let before = profile.baseline.as_ref();
        let Some(before) = before.filter(|b| b.load.count >= self.0.min_baseline_runs) else {
            return Verdict::Insufficient {
                seen: before.map_or(0, |b| b.load.count),
                needed: self.0.min_baseline_runs,
            };
        };
        let Some(change) = Change::between(&before.load, &profile.load) else {
            return Verdict::Insufficient {
                seen: 0,
                needed: self.0.min_runs,
            };
        };
        if !self.is_flip(&change) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return Verdict::Insufficient {
                seen: profile.load.count,
                needed: self.0.min_runs,
            };
        }
        self.report(profile, before, weight, &change)
    }
}

impl PlanFlip {
    fn is_flip(&self, change: &Change) -> bool {
        let mean_before = change.before.mean().max(1.0);
        let mean_now = change.now.mean();
        let reads_more =
            mean_now >= self.0.min_ratio * mean_before && mean_now >= number(self.0.min_rows);
        let same_answer = change.answer_ratio <= self.0.max_answer_ratio;
        let slower = change.slowdown >= self.0.min_slowdown;
        let unheard_of = mean_now > number(change.before.max);
        let every_run = number(change.now.min) >= self.0.min_ratio * mean_before;
        reads_more && same_answer && slower && (unheard_of || every_run)
    }

    fn report(
        &self,
        profile: &QueryProfile,
        before: &Baseline,
        weight: Weight,
        change: &Change,
    ) -> Verdict {
        let ratio = change.now.mean() / change.before.mean().max(1.0);
        let crossed = Evidence::measure(
            "rows_examined_vs_before",
            ratio,
            self.0.min_ratio,
            Unit::Ratio,
        );
        let median = |load: &Load| load.elapsed.p50.as_secs_f64();
        let trend = |name: &str, before_now: (f64, f64), unit: Unit| Evidence::Trend {
            name: Arc::from(name),
            before: before_now.0,
            now: before_now.1,
            unit,
            basis: Arc::from(basis(before.basis)),
        };
        let rows = (change.before.mean(), change.now.mean());
        let seconds = (median(&before.load), median(&profile.load));
        let steps = profile.plan.iter().flat_map(|plan| plan.iter());
        let steps = steps
            .take(MAX_STEPS)
            .map(|row| Evidence::PlanNode { row: row.clone() });
        let draft = Draft::new(&META, profile, crossed)
            .with(trend("rows_examined_per_run", rows, Unit::Rows))
            .with(trend("median_run_time", seconds, Unit::Seconds))
            .with_all(steps)
            .costing(weight)
            .severity(weight.severity(self.0.min_critical_load));
        let tables = profile.statement.tables().iter().take(MAX_STEPS);
        tables
            .filter_map(|table| refresh(profile.target.system, table))
            .fold(draft, Draft::remedy)
            .remedy(advise(
                "compare EXPLAIN with the plan before; check whether an index was dropped; as a last resort pin the index by a hint",
            ))
            .found()
    }
}

/// A finding shows no more steps of a plan, and no more remedies of one kind.
const MAX_STEPS: usize = 8;

/// The same statement before and now.
struct Change {
    before: RowLoad,
    now: RowLoad,
    /// Rows sent or changed per run, now against before.
    answer_ratio: f64,
    /// Median run time, now against before.
    slowdown: f64,
}

impl Change {
    /// `None` where either side does not tell rows.
    fn between(before: &Load, now: &Load) -> Option<Self> {
        let told = |rows: Option<RowLoad>| rows.filter(|r| r.runs > 0);
        let answer = |load: &Load| {
            let returned = told(load.rows_returned).map(|r| r.mean());
            let affected = told(load.rows_affected).map(|r| r.mean());
            let both = returned.unwrap_or(0.0) + affected.unwrap_or(0.0);
            (returned.is_some() || affected.is_some()).then_some(both)
        };
        Some(Self {
            before: told(before.rows_examined)?,
            now: told(now.rows_examined)?,
            answer_ratio: answer(now)? / answer(before)?.max(1.0),
            slowdown: times(now.elapsed.p50, before.elapsed.p50),
        })
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::PreviousHour => "previous hour",
        Basis::SameHour => "same hour of earlier days",
        Basis::BeforeDeploy => "before the last deploy",
    }
}

/// Fresh statistics, for a table whose name needs no quotes.
fn refresh(system: Dialect, table: &TableName) -> Option<Remedy> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.';
    if !table.bytes().all(plain) {
        return None;
    }
    let why = "refreshes the statistics that the optimiser chooses by";
    match system {
        Dialect::Mysql => Some(safe(format!("ANALYZE TABLE {table};"), why)),
        Dialect::Postgres => Some(safe(format!("ANALYZE {table};"), why)),
        Dialect::Generic => None,
    }
}

//! See [`META`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise, safe};
use crate::detect::basis::weight::{Weight, number, times};
use crate::detect::{Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Remedy, Severity, Urgency, Verdict};
use crate::model::sql::{Dialect, TableName};
use crate::model::subject::{
    Baseline, Basis, Horizon, Load, Peak, PeakReading, QueryProfile, RowLoad,
};

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
    /// In a whole file the busiest minute is held against the rest: with at least `min_runs` runs that ended in it, three
    /// quarters of which read >= `min_ratio` times what three quarters of all runs read at most (all of them, against
    /// 19 of 20, where they are fewer than 20); rows sent and run time as above, by their means.
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
        needs: "row counts (MySQL, MariaDB slow log), and live an hour of history",
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
        if profile.horizon == Horizon::Whole && profile.baseline.is_none() {
            return self.within_file(profile, weight);
        }
        let before = profile.baseline.as_ref();
        let Some(before) = before.filter(|b| b.load.count >= self.0.min_baseline_runs) else {
            return Verdict::Insufficient {
                seen: before.map_or(0, |b| b.load.count),
                needed: self.0.min_baseline_runs,
            };
        };
        let Some(change) = Change::since(before, &profile.load, self.0.min_ratio) else {
            return self.untold();
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
        self.report(profile, weight, &change)
    }
}

impl PlanFlip {
    /// The busiest minute of a file against the rest of it.
    fn within_file(&self, profile: &QueryProfile, weight: Weight) -> Verdict {
        let load = &profile.load;
        let told = load.peak.zip(load.rows_examined);
        let told = told.and_then(|(peak, all)| Some((peak, peak.reading?, all)));
        let Some((peak, minute, all)) = told else {
            return self.untold();
        };
        let rest = all.runs.saturating_sub(minute.runs);
        if minute.runs < self.0.min_runs || rest < self.0.min_baseline_runs {
            return Verdict::Clear;
        }
        let change = Change::within(load, &peak, &minute, self.0.min_ratio);
        if self.is_flip(&change) {
            return self.report(profile, weight, &change);
        }
        Verdict::Clear
    }

    /// The source does not tell rows.
    fn untold(&self) -> Verdict {
        Verdict::Insufficient {
            seen: 0,
            needed: self.0.min_runs,
        }
    }

    fn is_flip(&self, change: &Change) -> bool {
        let now = change.rows.1;
        let reads_more = change.ratio() >= self.0.min_ratio && now >= number(self.0.min_rows);
        let same_answer = change.answer_ratio <= self.0.max_answer_ratio;
        let slower = change.slowdown >= self.0.min_slowdown;
        reads_more && same_answer && slower && change.is_new
    }

    fn report(&self, profile: &QueryProfile, weight: Weight, change: &Change) -> Verdict {
        let crossed = Evidence::measure(
            "rows_examined_vs_before",
            change.ratio(),
            self.0.min_ratio,
            Unit::Ratio,
        );
        let trend = |name: &str, before_now: (f64, f64), unit: Unit| Evidence::Trend {
            name: Arc::from(name),
            before: before_now.0,
            now: before_now.1,
            unit,
            basis: Arc::clone(&change.basis),
        };
        let steps = profile.plan.iter().flat_map(|plan| plan.iter());
        let steps = steps
            .take(MAX_STEPS)
            .map(|row| Evidence::PlanNode { row: row.clone() });
        let draft = Draft::new(&META, profile, crossed)
            .with(trend("rows_examined_per_run", change.rows, Unit::Rows))
            .with(trend(change.time, change.seconds, Unit::Seconds))
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
    basis: Arc<str>,
    /// Rows read by a run.
    rows: (f64, f64),
    /// What the times of runs are.
    time: &'static str,
    seconds: (f64, f64),
    /// Rows sent or changed per run, now against before.
    answer_ratio: f64,
    /// Run time, now against before.
    slowdown: f64,
    /// No other mix of runs that there were before.
    is_new: bool,
}

impl Change {
    /// `None` where either side does not tell rows.
    fn since(before: &Baseline, now: &Load, min_ratio: f64) -> Option<Self> {
        let basis = match before.basis {
            Basis::PreviousHour => "previous hour",
            Basis::SameHour => "same hour of earlier days",
            Basis::BeforeDeploy => "before the last deploy",
        };
        let before = &before.load;
        let (rows_before, rows) = (told(before.rows_examined)?, told(now.rows_examined)?);
        let (mean_before, mean) = (rows_before.mean(), rows.mean());
        let unheard_of = mean > number(rows_before.max);
        let every_run = number(rows.min) >= min_ratio * mean_before.max(1.0);
        let median = |load: &Load| load.elapsed.p50.as_secs_f64();
        Some(Self {
            basis: Arc::from(basis),
            rows: (mean_before, mean),
            time: "median_run_time",
            seconds: (median(before), median(now)),
            answer_ratio: answer(now)? / answer(before)?.max(1.0),
            slowdown: times(now.elapsed.p50, before.elapsed.p50),
            is_new: unheard_of || every_run,
        })
    }

    /// A minute of a file against what is usual in it.
    fn within(all: &Load, peak: &Peak, minute: &PeakReading, min_ratio: f64) -> Self {
        let per_run = |count: u64| number(count) / number(minute.runs.max(1));
        let usual = number(minute.usual);
        let mean_time = peak.elapsed.div_f64(number(peak.runs.max(1)));
        let usual_answer = answer(all).unwrap_or_default().max(1.0);
        Self {
            basis: Arc::from("rest of the log"),
            rows: (usual, per_run(minute.examined)),
            time: "run_time",
            seconds: (all.elapsed.p50.as_secs_f64(), mean_time.as_secs_f64()),
            answer_ratio: per_run(minute.answered) / usual_answer,
            slowdown: times(mean_time, all.elapsed.p50),
            is_new: number(minute.most) >= min_ratio * usual.max(1.0),
        }
    }

    /// Rows read, now against before.
    fn ratio(&self) -> f64 {
        self.rows.1 / self.rows.0.max(1.0)
    }
}

fn told(rows: Option<RowLoad>) -> Option<RowLoad> {
    rows.filter(|rows| rows.runs > 0)
}

/// Rows sent or changed per run.
fn answer(load: &Load) -> Option<f64> {
    let returned = told(load.rows_returned).map(|r| r.mean());
    let affected = told(load.rows_affected).map(|r| r.mean());
    let both = returned.unwrap_or(0.0) + affected.unwrap_or(0.0);
    (returned.is_some() || affected.is_some()).then_some(both)
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

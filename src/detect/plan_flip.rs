//! See [`META`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise, safe};
use crate::detect::basis::weight::{Weight, number, part, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Remedy, Severity, Urgency, Verdict};
use crate::model::sql::{Dialect, TableName};
use crate::model::stretch::Stretch;
use crate::model::subject::{Baseline, Basis, Horizon, Load, QueryProfile, RowLoad};
use crate::model::time::Timestamp;

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
    /// In a whole file the runs from some time on, for as long as most of them read like that, and the busiest minute, are
    /// held against what ran before (at least `min_baseline_runs` runs), all by their means; no run before read as much
    /// as they do on average, and more than half of them do. Between the two lies a sixteenth to an eighth of the file that
    /// counts for neither: in it the change may have come.
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
    /// - A heavy customer who was there before: silent, as runs before read as much.
    /// - A larger page or period asked for: silent by `max_answer_ratio`.
    /// - A cold cache: slower, but reads no more rows.
    pub static META = {
        slug: "plan-flip",
        summary: "a statement suddenly reads many times the rows for the same answer",
        summary_ko: "같은 결과를 위해 갑자기 훨씬 많은 행을 읽게 된 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts (MySQL, MariaDB slow log), and live an hour of history",
        about: About::Statement,
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
    /// What ran in a file from some time on against what ran before.
    fn within_file(&self, profile: &QueryProfile, weight: Weight) -> Verdict {
        let stretches = &*profile.load.stretches;
        if stretches.is_empty() {
            return self.untold();
        }
        let minute = profile.load.peak.and_then(|peak| peak.reading);
        let later = (1..stretches.len()).filter_map(|from| self.since(stretches, from));
        let turns = later.chain(minute.map(|minute| (before(stretches, &minute), minute)));
        let is_told = |(before, now): &(Stretch, Stretch)| {
            before.runs >= self.0.min_baseline_runs && now.runs >= self.0.min_runs
        };
        let mut changes = turns.filter(is_told).map(|(b, n)| Change::within(&b, &n));
        let flip = changes.find(|change| self.is_flip(change));
        flip.map_or(Verdict::Clear, |flip| self.report(profile, weight, &flip))
    }

    /// What ran before a stretch that reads more, and what ran from it on for as long as it reads like this one. The change
    /// may have come in the stretch before.
    fn since(&self, stretches: &[Stretch], from: usize) -> Option<(Stretch, Stretch)> {
        let before = sum(&stretches[..from.saturating_sub(1).max(1)]);
        let first = &stretches[from];
        let reads_more = rows(first) >= self.0.min_ratio * rows(&before).max(1.0);
        if !reads_more || !do_most_read(first, rows(first), &before) {
            return None;
        }
        let alike = |s: &&Stretch| do_most_read(s, first.typical(), &before);
        let now = stretches[from..].iter().take_while(alike);
        Some((
            before,
            now.copied().fold(Stretch::default(), Stretch::together),
        ))
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
            .with_all(
                change
                    .since
                    .map(|at| Evidence::clause("since", &at.to_string())),
            )
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
    /// When it came, in a file.
    since: Option<Timestamp>,
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
            since: None,
        })
    }

    /// Two stretches of a file.
    fn within(before: &Stretch, now: &Stretch) -> Self {
        let answered = |stretch: &Stretch| part(stretch.answered, stretch.runs);
        let seconds = |s: &Stretch| s.elapsed().as_secs_f64() / number(s.runs.max(1));
        let is_unheard_of = rows(now) > number(before.most);
        Self {
            basis: Arc::from("earlier in the log"),
            rows: (rows(before), rows(now)),
            time: "run_time",
            seconds: (seconds(before), seconds(now)),
            answer_ratio: answered(now) / answered(before).max(1.0),
            slowdown: seconds(now) / seconds(before),
            is_new: is_unheard_of && do_most_read(now, rows(now), before),
            since: Some(now.at),
        }
    }

    /// Rows read, now against before.
    fn ratio(&self) -> f64 {
        self.rows.1 / self.rows.0.max(1.0)
    }
}

/// What ran before the stretch of a minute, and the one before that.
fn before(stretches: &[Stretch], minute: &Stretch) -> Stretch {
    let ended = stretches.partition_point(|stretch| stretch.at <= minute.at);
    let known = ended.saturating_sub(1);
    sum(&stretches[..if known > 1 { known - 1 } else { known }])
}

/// Rows read per run.
fn rows(stretch: &Stretch) -> f64 {
    part(stretch.rows, stretch.runs)
}

/// Whether the typical run read rather that much than what was typical before.
fn do_most_read(now: &Stretch, rows: f64, before: &Stretch) -> bool {
    now.typical() >= (rows.max(1.0) * before.typical().max(1.0)).sqrt()
}

fn sum(stretches: &[Stretch]) -> Stretch {
    let all = stretches.iter().copied();
    all.fold(Stretch::default(), Stretch::together)
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

//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::errors::within_an_hour;
use crate::detect::basis::weight::{Weight, number, part};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::ErrorClass;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, StatementCut};
use crate::model::subject::{ErrorProfile, Horizon, Latency, QueryProfile};

declare_detector! {
    /// ## What it sees
    /// Runs of one statement that are cut again and again after the same time: somebody's limit, not somebody's patience.
    ///
    /// ## Why it hurts
    /// The user gets an error after the longest possible wait, and the server has done all of the work for nothing;
    /// callers often try again, which doubles it.
    ///
    /// ## How it decides
    /// Runs that were cut >= `min_cuts`, the median of their run times >= `min_limit`, and these times lie together:
    /// the 95th percentile within `max_spread` above the median and, below ten cuts, the shortest within `max_spread`
    /// below it. Critical when at least `min_critical_share` of all runs are cut, else a warning. With fewer cuts,
    /// though some, the verdict is `Insufficient`.
    ///
    /// Where a log has the error but not how long the statement ran (PostgreSQL without `log_statement`, logs of
    /// applications), the error alone is evidence, if it is of a limit of the server and not of a user: `min_cuts` of
    /// them in the interval. Critical as above, where the log shows nearly all runs; advice, where a whole file has no hour
    /// with so many.
    ///
    /// The slow log of MariaDB does not tell that a run was cut by `max_statement_time` or killed: it is written as a
    /// run like any other, with the rows that were sent until then. There this detector is blind, and the verdict is
    /// `Clear`; what is cut shows as a slow statement (`full-scan`, `union-hotspot`, `load-hog`). MySQL tells it by
    /// the error number, with `log_slow_extra = ON`.
    ///
    /// In traces, runs of one statement of an operation that failed after the same time are cuts, whatever the client calls
    /// them: `min_cuts`, `max_spread` and `min_limit` as above.
    ///
    /// ## Example
    /// ```sql
    /// SELECT SUM(amount) FROM point_ledger WHERE user_id = 7;   -- cut at 30 s, every time
    /// -- Use instead: make it cheap first; then a limit that the server itself keeps
    /// SET SESSION max_execution_time = 5000;
    /// ```
    ///
    /// ## False alarms
    /// - Users who close the page: times at random, silent by `max_spread`.
    /// - One `KILL QUERY` of an administrator: silent by `min_cuts`.
    /// - Statements refused at once, before they ran: silent by `min_limit`.
    pub static META = {
        slug: "query-timeout",
        summary: "runs are cut again and again at the same limit",
        summary_ko: "같은 제한 시간에서 반복해서 끊기는 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "statements cut at a limit (PostgreSQL log, an application's log; MySQL with `log_slow_extra`)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.query-timeout]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Cut runs in the interval: two may agree by chance.
    pub min_cuts: u64,
    /// How far the times of cut runs may lie apart, as a part of their median: a timer fires late under load.
    pub max_spread: f64,
    /// Median run time of the cut runs: shorter is a refusal.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_limit: Duration,
    /// Share of all runs that are cut at which it is critical, 0 to 1.
    pub min_critical_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_cuts: 3,
            max_spread: 0.05,
            min_limit: Duration::from_millis(100),
            min_critical_share: 0.5,
        }
    }
}

/// With fewer cuts all of them must lie together, and not only the slower half.
const FEW: u64 = 10;

/// Finds statements that run into a limit.
#[derive(Debug)]
pub struct QueryTimeout(Settings);

impl QueryTimeout {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for QueryTimeout {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let load = &profile.load;
        if load.cancelled == 0 {
            return Verdict::Clear;
        }
        // A run that somebody cut after a time that is not told, an instant perhaps, shows no limit.
        let timed = load.cancelled.saturating_sub(load.untimed_cuts);
        let Some(cut) = load.cancelled_elapsed.filter(|_| timed >= self.0.min_cuts) else {
            return Verdict::Insufficient {
                seen: timed.min(self.0.min_cuts),
                needed: self.0.min_cuts,
            };
        };
        let spread = spread(&cut, timed);
        let together = spread <= self.0.max_spread;
        if !together || cut.p50 < self.0.min_limit {
            return Verdict::Clear;
        }
        self.report(profile, &cut, spread)
    }
}

impl Detector<ErrorProfile> for QueryTimeout {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        let family = &profile.family;
        if family.class != ErrorClass::Timeout || family.statement.is_none() {
            return Verdict::Clear;
        }
        let cuts = profile.load.count;
        if cuts < self.0.min_cuts {
            return Verdict::Insufficient {
                seen: cuts,
                needed: self.0.min_cuts,
            };
        }
        let crossed = self.crossed(cuts);
        let share = profile.runs.map(|runs| part(cuts, runs).min(1.0));
        let told = share.map(|share| Evidence::context("cut_share_of_runs", share, Unit::Share));
        let is_whole = profile.horizon == Horizon::Whole;
        let is_rare = is_whole && within_an_hour(profile) < self.0.min_cuts;
        Draft::of_errors(&META, profile, crossed)
            .with_all(told)
            .severity(self.severity(share.unwrap_or_default()))
            .advice_if(is_rare)
            .remedy(advise(CHEAPER))
            .found()
    }
}

impl Detector<OperationProfile> for QueryTimeout {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let is_long = |cut: &&StatementCut| cut.failed.p50 >= self.0.min_limit;
        let together = |cut: &&StatementCut| {
            cut.load.runs < self.0.min_cuts
                || spread(&cut.failed, cut.load.runs) <= self.0.max_spread
        };
        let cuts = profile.cuts.iter().filter(is_long).filter(together);
        let Some(most) = cuts.max_by_key(|cut| cut.load.runs) else {
            return Verdict::Clear;
        };
        if most.load.runs < self.0.min_cuts {
            return Verdict::Insufficient {
                seen: most.load.runs,
                needed: self.0.min_cuts,
            };
        }
        self.report_cut(profile, most)
    }
}

/// How far the times lie from their median, as a part of it.
fn spread(cut: &Latency, cuts: u64) -> f64 {
    let median = cut.p50.as_secs_f64();
    let above = cut.p95.as_secs_f64() - median;
    let below = median - cut.min.as_secs_f64();
    let widest = if cuts < FEW { above.max(below) } else { above };
    widest / median
}

impl QueryTimeout {
    /// Failed after the same time again and again, as the client saw it: nobody said that it was cut.
    fn report_cut(&self, profile: &OperationProfile, cut: &StatementCut) -> Verdict {
        let limit = cut.failed.p50.as_secs_f64();
        let spread = spread(&cut.failed, cut.load.runs);
        Draft::of_operation(&META, profile, self.crossed(cut.load.runs))
            .about(&cut.statement, &cut.target)
            .with(Evidence::context("limit", limit, Unit::Seconds))
            .with(Evidence::context("spread_of_cut_runs", spread, Unit::Share))
            .with(Evidence::context("confidence", 0.7, Unit::Share))
            .seen_in(profile, &cut.load)
            .remedy(advise(CHEAPER))
            .found()
    }

    fn report(&self, profile: &QueryProfile, cut: &Latency, spread: f64) -> Verdict {
        let load = &profile.load;
        let cuts = self.crossed(load.cancelled);
        let limit = Evidence::context("limit", cut.p50.as_secs_f64(), Unit::Seconds);
        let share = part(load.cancelled, load.count);
        Draft::new(&META, profile, cuts)
            .with(limit)
            .with(Evidence::context("spread_of_cut_runs", spread, Unit::Share))
            .with(Evidence::context("cut_share_of_runs", share, Unit::Share))
            .with_all(lock_share(profile))
            .costing(Weight::of(profile))
            .severity(self.severity(share))
            .remedy(advise(cure(profile)))
            .found()
    }

    fn crossed(&self, cuts: u64) -> Evidence {
        let min_cuts = number(self.0.min_cuts);
        Evidence::measure("cut_runs", number(cuts), min_cuts, Unit::Count)
    }

    fn severity(&self, share_of_runs: f64) -> Severity {
        if share_of_runs >= self.0.min_critical_share {
            Severity::Critical
        } else {
            Severity::Warning
        }
    }
}

/// Share of the run time spent waiting for locks, where told.
fn lock_share(profile: &QueryProfile) -> Option<Evidence> {
    let waited = profile.load.lock?.as_secs_f64();
    let ran = profile.load.elapsed.total.as_secs_f64();
    (waited > 0.0 && ran > 0.0)
        .then(|| Evidence::context("lock_share_of_time", waited / ran, Unit::Share))
}

/// No limit is proposed: what the log tells as cut was stopped by one already.
fn cure(profile: &QueryProfile) -> &'static str {
    let ran = profile.load.elapsed.total;
    let waits = profile
        .load
        .lock
        .is_some_and(|lock| lock >= ran / 2 && !lock.is_zero());
    if waits {
        "it waits for locks: find the transaction that holds them, and make that one shorter"
    } else {
        CHEAPER
    }
}

const CHEAPER: &str = "make the statement cheaper (see its other findings); a longer limit only holds the connection longer";

//! See [`META`].

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::errors::{burst_before, within_a_minute};
use crate::detect::basis::weight::{number, part};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::ErrorClass;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::subject::{ErrorProfile, Horizon};

declare_detector! {
    /// ## What it sees
    /// One error, of one statement or one message, that happens far more often than it used to, or to nearly every run.
    ///
    /// ## Why it hurts
    /// Each of them is a request that failed. A statement that cannot run any more (a column that a migration took away,
    /// a privilege, a full disk) fails for everybody, at once, and is fast about it: no chart of run times shows it.
    ///
    /// ## How it decides
    /// Within the last minute at least `min_errors` of one family: the same class, the same code, and the same
    /// statement, or the same message where no statement is told. And these are >= `min_ratio` times what the quietest
    /// half hour of the time before would give, which is remembered for an hour or more. While less than ten minutes of
    /// the time before are known, it takes `min_errors_unknown`, or that a `min_failing_share` of the statement's runs
    /// fail where the log shows all runs. Errors of the data (duplicate key, foreign key, value out of range) count from
    /// `min_data_errors` on: programs that insert first and ask later provoke them. In a whole file the busiest minute is
    /// held against the mean of all minutes; a statement that the schema forbids (an unknown column or table) needs no
    /// comparison there, for it fails every time. A second burst within the hour is told at once, however far from the first.
    /// From `critical_per_second` on, or when a `critical_failing_share` of the runs
    /// fail, it is critical.
    ///
    /// Not counted are runs that a client or an operator cancelled, and what other detectors judge: statements cut at a
    /// limit, deadlocks, waits for locks, refused and broken connections, crashes.
    ///
    /// ## Example
    /// ```sql
    /// ALTER TABLE orders DROP COLUMN note;        -- the old release still runs:
    /// SELECT id, note FROM orders WHERE id = ?;   -- column "note" does not exist, 40 times a second
    /// -- First aid: bring the column back, or the release that needs it out of service
    /// ALTER TABLE orders ADD COLUMN note text;
    /// ```
    ///
    /// ## False alarms
    /// - An error that was always there at that rate: silent, it is no burst.
    /// - A nightly job that fails a thousand times and goes on: true, and perhaps known; silence it by its statement.
    /// - One client with a typo: below `min_errors`.
    pub static META = {
        slug: "error-burst",
        summary: "a statement or a server fails again and again",
        summary_ko: "쿼리 또는 서버가 반복해서 실패함",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "errors: PostgreSQL's log, an application's or MySQL's error log ([[log]]), or log_slow_extra of MySQL and Percona",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.error-burst]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Errors of one family within a minute: fewer are somebody's mistake, not everybody's.
    pub min_errors: u64,
    /// Errors that the data cause, within a minute: one a second is more than a race between two requests.
    pub min_data_errors: u64,
    /// Errors within a minute while the time before is not known: one a second needs no comparison.
    pub min_errors_unknown: u64,
    /// Rate of now against that of the quietest half hour before.
    pub min_ratio: f64,
    /// Share of the statement's runs that fail, 0 to 1, which needs no comparison either.
    pub min_failing_share: f64,
    /// Share of the runs that fail, 0 to 1, from which on it works for nobody, however few ask.
    pub critical_failing_share: f64,
    /// Errors per second from which on nobody should wait for a second look.
    pub critical_per_second: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_errors: 10,
            min_data_errors: 60,
            min_errors_unknown: 60,
            min_ratio: 5.0,
            min_failing_share: 0.5,
            critical_failing_share: 0.9,
            critical_per_second: 5.0,
        }
    }
}

/// Finds errors that have become frequent.
#[derive(Debug)]
pub struct ErrorBurst(Settings);

impl ErrorBurst {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<ErrorProfile> for ErrorBurst {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        if !is_judged(profile.family.class) {
            return Verdict::Clear;
        }
        let needed = self.min_errors(profile.family.class);
        let seen = within_a_minute(profile);
        if seen < needed {
            return Verdict::Clear;
        }
        let needed_unknown = self.0.min_errors_unknown.max(needed);
        let usual = match (&profile.baseline, profile.horizon) {
            (Some(before), _) => Some(before.quietest_per_second * seconds(profile)),
            (None, Horizon::Whole) => Some(per_minute(profile)),
            (None, _) => None,
        };
        let is_new = usual.is_some_and(|usual| number(seen) >= usual * self.0.min_ratio);
        let is_much = profile.baseline.is_none() && self.is_much(profile, needed_unknown);
        let never_works =
            profile.horizon == Horizon::Whole && profile.family.class == ErrorClass::Schema;
        if is_new || is_much || never_works {
            return self.report(profile, needed);
        }
        if usual.is_none() {
            return Verdict::Insufficient {
                seen,
                needed: needed_unknown,
            };
        }
        Verdict::Clear
    }
}

impl ErrorBurst {
    fn min_errors(&self, class: ErrorClass) -> u64 {
        match class {
            ErrorClass::Constraint => self.0.min_data_errors,
            _ => self.0.min_errors,
        }
    }

    /// Whether it needs no comparison. What always failed is no news: only where the time before is not known.
    fn is_much(&self, profile: &ErrorProfile, needed: u64) -> bool {
        per_minute(profile) >= number(needed)
            || failing_share(profile).is_some_and(|share| share >= self.0.min_failing_share)
    }

    fn report(&self, profile: &ErrorProfile, needed: u64) -> Verdict {
        let seen = within_a_minute(profile);
        let over = seconds(profile).min(60.0);
        let rate = number(seen) / over;
        let share = failing_share(profile);
        let fails_for_all = share.is_some_and(|share| share >= self.0.critical_failing_share);
        let severity = if rate >= self.0.critical_per_second || fails_for_all {
            Severity::Critical
        } else {
            Severity::Warning
        };
        let name = "errors_within_a_minute";
        let crossed = Evidence::measure(name, number(seen), number(needed), Unit::Count);
        let before = profile.baseline.map(|before| Evidence::Trend {
            name: Arc::from("errors_per_second"),
            before: before.quietest_per_second,
            now: rate,
            unit: Unit::PerSecond,
            basis: Arc::from("quietest half hour before"),
        });
        let share =
            share.map(|share| Evidence::context("failing_share_of_runs", share, Unit::Share));
        Draft::of_errors(&META, profile, crossed)
            .with_all(before)
            .with_all(share)
            .severity(severity)
            .recurring_if(burst_before(profile, needed))
            .remedy(advise(remedy(profile.family.class)))
            .found()
    }
}

/// Classes that no other detector judges, and that are no one's wish.
fn is_judged(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Schema
        | ErrorClass::Constraint
        | ErrorClass::Access
        | ErrorClass::Resource
        | ErrorClass::Other => true,
        ErrorClass::Timeout
        | ErrorClass::Cancelled
        | ErrorClass::Deadlock
        | ErrorClass::LockWait
        | ErrorClass::ConnectionRefused
        | ErrorClass::ConnectionAborted
        | ErrorClass::Crash => false,
    }
}

fn remedy(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Schema => {
            "compare the statement with the schema of this database: a migration that has not run, or a release that runs beside a newer schema"
        }
        ErrorClass::Constraint => {
            "look at what writes this data since the burst began: a retry without an idempotent key, or a value that the new release sends"
        }
        ErrorClass::Access => {
            "compare the privileges of this user with what the statement needs, and its password with what the program was given"
        }
        ErrorClass::Resource => {
            "look at the memory and the disk of the server before anything else; a damaged table needs a repair or a restore"
        }
        _ => {
            "look at the first of these errors in the log, and at what was deployed or changed right before it"
        }
    }
}

/// Errors per run, where all runs are told; a failed run may have told its error twice.
fn failing_share(profile: &ErrorProfile) -> Option<f64> {
    profile
        .runs
        .map(|runs| part(profile.load.count, runs).min(1.0))
}

/// At least a second: the first error of a log makes no rate.
fn seconds(profile: &ErrorProfile) -> f64 {
    profile
        .span
        .duration()
        .max(Duration::from_secs(1))
        .as_secs_f64()
}

/// Over all of the interval.
fn per_minute(profile: &ErrorProfile) -> f64 {
    number(profile.load.count) / (seconds(profile) / 60.0).max(1.0)
}

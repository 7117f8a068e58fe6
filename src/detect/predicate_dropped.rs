//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::pattern::statement;
use crate::detect::basis::weight::{number, part, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{DroppedPredicate, OperationProfile};
use crate::model::sql::Predicate;

declare_detector! {
    /// ## What it sees
    /// An operation that runs a statement it has always run, without one of its conditions.
    ///
    /// ## Why it hurts
    /// Query builders leave out a condition whose value is missing. Where that value came from a replica that lags, or
    /// from a lookup that found nothing, the statement reads the whole table, and may show or change the rows of others.
    ///
    /// ## How it decides
    /// Twenty requests of an operation or more ran a statement; then one runs that is the same but for conditions that are
    /// missing. It is found when
    /// - requests that ran it >= `min_requests`;
    /// - mean time of a run / that of the known statement >= `min_ratio`;
    /// - mean time of a run >= `min_elapsed`; critical from `min_critical_elapsed` on.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id, name FROM classes WHERE school = 3 AND user_id = 7;   -- 2 ms, as ever
    /// SELECT id, name FROM classes WHERE school = 3;                   -- 900 ms, since 08:40
    /// -- Use instead: refuse to run a statement whose required value is missing
    /// ```
    ///
    /// ## False alarms
    /// - An optional filter of a list: silent while it costs no more (`min_ratio`), and where lists ran without it from the
    ///   beginning.
    /// - After a restart the history begins anew: twenty requests must come first.
    pub static META = {
        slug: "predicate-dropped",
        summary: "a known statement runs without one of its conditions",
        summary_ko: "늘 있던 WHERE 조건이 빠진 채 실행되는 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.predicate-dropped]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Requests that ran it: one may be a person's.
    pub min_requests: u64,
    /// Time of a run against that of the known statement: it reads far more.
    pub min_ratio: f64,
    /// Mean time of a run: less hurts nobody yet.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_elapsed: Duration,
    /// Mean time of a run at which it is critical.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_critical_elapsed: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_requests: 2,
            min_ratio: 5.0,
            min_elapsed: Duration::from_millis(20),
            min_critical_elapsed: Duration::from_secs(1),
        }
    }
}

/// Finds statements that lost a condition.
#[derive(Debug)]
pub struct PredicateDropped(Settings);

impl PredicateDropped {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for PredicateDropped {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let costly = profile.dropped.iter().filter(|lost| self.is_costly(lost));
        let costly: Vec<_> = costly.collect();
        let Some(seen) = costly.iter().map(|lost| lost.load.requests).max() else {
            return Verdict::Clear;
        };
        let often = costly
            .iter()
            .filter(|lost| lost.load.requests >= self.0.min_requests);
        let findings: Vec<Finding> = often.map(|lost| self.report(profile, lost)).collect();
        if findings.is_empty() {
            return Verdict::Insufficient {
                seen,
                needed: self.0.min_requests,
            };
        }
        Verdict::Found(findings)
    }
}

/// Mean seconds of a run.
fn mean(lost: &DroppedPredicate) -> f64 {
    lost.load.busy.as_secs_f64() / part(lost.load.runs.max(1), 1)
}

impl PredicateDropped {
    fn is_costly(&self, lost: &DroppedPredicate) -> bool {
        mean(lost) >= self.0.min_elapsed.as_secs_f64() && ratio(lost) >= self.0.min_ratio
    }

    fn report(&self, profile: &OperationProfile, lost: &DroppedPredicate) -> Finding {
        let crossed = Evidence::measure(
            "time_vs_known_statement",
            ratio(lost),
            self.0.min_ratio,
            Unit::Ratio,
        );
        let min_elapsed = self.0.min_elapsed.as_secs_f64();
        let severity = if mean(lost) >= self.0.min_critical_elapsed.as_secs_f64() {
            Severity::Critical
        } else {
            Severity::Warning
        };
        Draft::of_operation(&META, profile, crossed)
            .about(&lost.now, &lost.target)
            .with(statement("known_statement", &lost.before))
            .with_all(missing(lost).map(|column| Evidence::clause("missing_condition", &column)))
            .with(Evidence::measure("time_of_a_run", mean(lost), min_elapsed, Unit::Seconds))
            .with(Evidence::context("requests_that_knew_it", number(lost.known_by), Unit::Count))
            .seen_in(profile, &lost.load)
            .recurring(Some(lost.first_seen))
            .severity(severity)
            .remedy(advise(
                "refuse to run the statement while the value of its condition is missing: an empty value is not the same as no condition",
            ))
            .remedy(advise(
                "look where the value comes from: a replica that lags, a cache that is empty or a lookup that found nothing",
            ))
            .finish()
    }
}

fn ratio(lost: &DroppedPredicate) -> f64 {
    times(lost.load.busy, lost.usual) / part(lost.load.runs.max(1), 1)
}

/// Columns of the conditions that are missing.
fn missing(lost: &DroppedPredicate) -> impl Iterator<Item = String> {
    let of = |statement: &crate::model::sql::Statement| -> Vec<Predicate> {
        statement
            .shape()
            .map(|shape| shape.predicates.clone())
            .unwrap_or_default()
    };
    let kept = of(&lost.now);
    let before = of(&lost.before).into_iter();
    before
        .filter(move |predicate| !kept.contains(predicate))
        .map(|predicate| predicate.column.column.to_string())
}

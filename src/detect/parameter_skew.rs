//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::{Weight, number};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::subject::{ParameterLoad, QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// One statement that is fast for most parameters and slower by orders of magnitude for a few.
    ///
    /// ## Why it hurts
    /// Means and tests hide it: the statement looks well for the median user, and the largest customer waits half a
    /// minute, or is cut. A plan that is right for one is wrong for the other.
    ///
    /// ## How it decides
    /// With at least `min_runs` runs and `min_sets` parameter sets: a set that ran at least `min_set_runs` times, whose
    /// runs *without the slowest one* take on average >= `min_slow` and >= `min_ratio` times the median of all
    /// runs; and, where rows are told, which reads per run >= `min_rows_ratio` times what the others read, so that
    /// waiting for a lock or a cold disk is not mistaken for much data. The set is named by a keyed hash of its
    /// values, never by the values.
    ///
    /// ## Example
    /// ```sql
    /// SELECT SUM(amount) FROM point_ledger WHERE user_id = ?;   -- 20 ms for most, 30 s for one with 200,000 rows
    /// -- Use instead: a cost that does not depend on who asks
    /// SELECT SUM(amount) FROM point_month WHERE user_id = ?;
    /// ```
    ///
    /// ## False alarms
    /// - A cold cache: one slow run, the same parameters later fast; its slowest run is left out.
    /// - A lock on one row: slow without more rows read, silent where rows are told.
    /// - Two or three parameter sets, of which one asks for a larger report: silent by `min_sets`.
    pub static META = {
        slug: "parameter-skew",
        summary: "a few parameters are slower than the rest by orders of magnitude",
        summary_ko: "일부 파라미터에서만 수십 배 이상 느린 쿼리",
        urgency: Urgency::Chronic,
        severity: Severity::Warning,
        needs: "statements with their literals or bind parameters (kept as a keyed hash)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.parameter-skew]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs of the statement: fewer have no median worth the name.
    pub min_runs: u64,
    /// Parameter sets seen, at most 16 are kept.
    pub min_sets: usize,
    /// Runs of the slow set: with two, the one that is left might be an accident too.
    pub min_set_runs: u64,
    /// Time of the slow set against the median: more than one order of magnitude, which any mix of customers has.
    pub min_ratio: f64,
    /// Rows read by the slow set against the others, where told.
    pub min_rows_ratio: f64,
    /// Seconds per run of the slow set: people notice from about here.
    pub min_slow: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_runs: 20,
            min_sets: 4,
            min_set_runs: 3,
            min_ratio: 30.0,
            min_rows_ratio: 10.0,
            min_slow: 0.5,
        }
    }
}

/// Finds parameters that are slower than the rest.
#[derive(Debug)]
pub struct ParameterSkew(Settings);

impl ParameterSkew {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for ParameterSkew {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let slowest = profile.load.elapsed.max.as_secs_f64();
        if !(slowest >= self.0.min_slow && profile.parameters.len() >= 2) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs || profile.parameters.len() < self.0.min_sets {
            return Verdict::Insufficient {
                seen: profile.load.count.min(self.0.min_runs),
                needed: self.0.min_runs,
            };
        }
        let sick = profile
            .parameters
            .iter()
            .filter(|set| self.is_sick(profile, set));
        let typical = |set: &&ParameterLoad| typical_seconds(set).unwrap_or(0.0);
        let worst = sick.max_by(|a, b| typical(a).total_cmp(&typical(b)));
        worst.map_or(Verdict::Clear, |worst| self.report(profile, worst))
    }
}

impl ParameterSkew {
    fn is_sick(&self, profile: &QueryProfile, set: &ParameterLoad) -> bool {
        let Some(seconds) = typical_seconds(set).filter(|_| set.count >= self.0.min_set_runs)
        else {
            return false;
        };
        let median = profile.load.elapsed.p50.as_secs_f64();
        let slow = seconds >= self.0.min_slow;
        let apart = median > 0.0 && seconds >= median * self.0.min_ratio;
        let by_rows = rows_ratio(profile, set).is_none_or(|ratio| ratio >= self.0.min_rows_ratio);
        slow && apart && by_rows
    }

    fn report(&self, profile: &QueryProfile, worst: &ParameterLoad) -> Verdict {
        let median = profile.load.elapsed.p50.as_secs_f64();
        let seconds = typical_seconds(worst).unwrap_or(0.0);
        let name = "worst_parameters_vs_median";
        let crossed = Evidence::measure(name, seconds / median, self.0.min_ratio, Unit::Ratio);
        let rows = rows_ratio(profile, worst).map(|ratio| {
            let name = "rows_examined_vs_other_parameters";
            Evidence::measure(name, ratio, self.0.min_rows_ratio, Unit::Ratio)
        });
        let run = profile
            .exemplars
            .iter()
            .find(|run| run.parameters == worst.parameters);
        let run = run.map(|run| Evidence::Exemplar {
            at: run.end,
            seconds: run.elapsed.as_secs_f64(),
            parameters: Some(run.parameters),
            trace_id: run.trace.map(|t| format!("{:032x}", t.trace).into()),
        });
        Draft::new(&META, profile, crossed)
            .with(Evidence::clause("parameters", &worst.parameters.to_string()))
            .with(Evidence::context("seconds_of_worst_parameters", seconds, Unit::Seconds))
            .with(Evidence::context("median_seconds", median, Unit::Seconds))
            .with_all(rows)
            .with(Weight::of(profile).evidence(profile))
            .with_all(run)
            .severity(Severity::Warning)
            .remedy(advise(
                "bound the work per run: keyset paging, or a summary that is kept up to date; and check the plan with the worst parameters, not with the usual ones",
            ))
            .found()
    }
}

/// Mean seconds of a set's runs without its slowest one; `None` for a single run.
fn typical_seconds(set: &ParameterLoad) -> Option<f64> {
    let others = set.count.checked_sub(1).filter(|n| *n > 0)?;
    Some(set.total.saturating_sub(set.max).as_secs_f64() / number(others))
}

/// Rows that the set reads per run against what all others read; `None` where rows are not told.
fn rows_ratio(profile: &QueryProfile, set: &ParameterLoad) -> Option<f64> {
    let RowLoad { runs, total, .. } = profile.load.rows_examined?;
    let rows = number(set.rows_examined?) / number(set.count.max(1));
    let other_runs = runs.checked_sub(set.count).filter(|n| *n > 0)?;
    let others = number(total.saturating_sub(set.rows_examined?)) / number(other_runs);
    Some(rows / others.max(1.0))
}

//! What the log shows of work done in vain, as far as the server tells.

use crate::detect::basis::plan::{self, is_scan};
use crate::detect::basis::reading;
use crate::detect::basis::weight::{number, told_runs};
use crate::model::evidence::{Evidence, Unit};
use crate::model::subject::{QueryProfile, RowLoad, TableFacts};

/// Thresholds of the detector that asks.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_field_names,
    reason = "as in the settings that they come from"
)]
pub(in crate::detect) struct Limits {
    /// Rows examined per run.
    pub min_rows: u64,
    /// Rows examined per row sent or changed.
    pub min_ratio: f64,
    /// Seconds that the median run takes where rows are not told.
    pub min_blind_slow: f64,
}

/// Work done in vain.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) enum Waste {
    /// Rows read for each that was needed.
    Rows { examined: f64, ratio: f64 },
    /// The server flags that it scans; what it needs of the rows is not told.
    Scan { examined: f64 },
    /// Only how long it takes, in seconds.
    Time { median: f64 },
}

impl Waste {
    /// `None` where the statement reads about as much as it needs.
    pub(in crate::detect) fn of(profile: &QueryProfile, limits: Limits) -> Option<Self> {
        let Some(examined) = examined(profile) else {
            let median = profile.load.elapsed.p50.as_secs_f64();
            return (median >= limits.min_blind_slow).then_some(Self::Time { median });
        };
        let large = examined >= number(limits.min_rows);
        if !large {
            return None;
        }
        let shape = profile.statement.shape()?;
        if reading::is_folding(shape) {
            return is_flagged(profile).then_some(Self::Scan { examined });
        }
        let ratio = examined / needed(profile)?.max(1.0);
        (ratio >= limits.min_ratio).then_some(Self::Rows { examined, ratio })
    }

    /// The fact that crossed the line first, then what goes with it.
    pub(in crate::detect) fn evidence(self, limits: Limits) -> (Evidence, Option<Evidence>) {
        let rows = |examined: f64| {
            Evidence::measure(
                "rows_examined_per_run",
                examined,
                number(limits.min_rows),
                Unit::Rows,
            )
        };
        match self {
            Self::Rows { examined, ratio } => {
                let name = "rows_examined_per_row_sent";
                let ratio = Evidence::measure(name, ratio, limits.min_ratio, Unit::Ratio);
                (ratio, Some(rows(examined)))
            }
            Self::Scan { examined } => (rows(examined), None),
            Self::Time { median } => {
                let (name, limit) = ("median_run_time", limits.min_blind_slow);
                let time = Evidence::measure(name, median, limit, Unit::Seconds);
                (time, None)
            }
        }
    }
}

/// Rows read per run: counted, else those that the plan's scans read.
fn examined(profile: &QueryProfile) -> Option<f64> {
    let told = profile.load.rows_examined.filter(|rows| rows.runs > 0);
    told.map(|rows| rows.mean()).or_else(|| {
        let steps = profile.plan.as_deref()?.iter();
        let scans = steps.filter(|row| is_scan(row));
        scans
            .filter_map(|row| row.actual_rows.max(row.rows))
            .max()
            .map(number)
    })
}

/// Rows sent or changed per run.
fn needed(profile: &QueryProfile) -> Option<f64> {
    let mean = |rows: Option<RowLoad>| rows.filter(|r| r.runs > 0).map(|r| r.mean());
    let kind = profile.statement.kind();
    if reading::is_change(kind) || reading::is_insertion(kind) {
        return mean(profile.load.rows_affected);
    }
    let root = || {
        let root = profile.plan.as_deref()?.first()?;
        root.actual_rows.map(number)
    };
    mean(profile.load.rows_returned).or_else(root)
}

/// Whether the server flags at least half of the runs as scans.
pub(in crate::detect) fn is_flagged(profile: &QueryProfile) -> bool {
    let load = &profile.load;
    let flagged = load.full_scans.max(load.full_joins);
    flagged > 0 && flagged.saturating_mul(2) >= told_runs(profile)
}

/// Whether the server flags scans, and none here; it flags none of a change.
pub(in crate::detect) fn is_denied(profile: &QueryProfile) -> bool {
    told_runs(profile) > 0 && !is_flagged(profile) && !reading::is_change(profile.statement.kind())
}

/// Whether the plan scans the table; `None` where no plan tells.
pub(in crate::detect) fn plan_of(profile: &QueryProfile, table: &TableFacts) -> Option<bool> {
    let steps = profile.plan.as_deref()?.iter();
    let mut of_table = steps.filter(|row| !row.table.is_empty() && !plan::is_derived(row));
    let is_it = |row: &&crate::model::event::PlanRow| {
        plan::table(row, &profile.statement).is_none_or(|name| name == table.name)
    };
    let first = of_table.find(is_it)?;
    Some(is_scan(first) || of_table.filter(is_it).any(is_scan))
}

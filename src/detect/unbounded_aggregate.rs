//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::plan::{self, Way};
use crate::detect::basis::weight::{Weight, number};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::obstacle::Wrapping;
use crate::model::sql::{Comparison, Predicate, Shape, StatementKind};
use crate::model::subject::{QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// A sum or count over all that ever happened to a key: `SUM(amount) ... WHERE user_id = ?`, with nothing that
    /// bounds how far back it reads.
    ///
    /// ## Why it hurts
    /// The index finds the key at once, and then every row of its history is read to answer with one number. The
    /// history only grows: the best customers wait longest, and each month a little longer.
    ///
    /// ## How it decides
    /// A `SELECT` that aggregates without `GROUP BY`, with a condition `=`, `IN` or `IS NULL` and none that is a range
    /// (`<`, `BETWEEN`) or takes a part of a date, and
    /// - rows examined at the 95th percentile of the runs >= `min_rows`;
    /// - it goes by an index: fewer than half of the runs are flagged `Full_scan`, or the plan shows no scan; where the
    ///   log tells neither, the runs read different numbers of rows, the most at least `min_spread` times the fewest;
    /// - it matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the 95th percentile of the run
    ///   time >= `min_slow`;
    /// - runs >= `min_runs`.
    ///
    /// Where rows are not logged (PostgreSQL without `auto_explain`) the verdict is `Insufficient`. Whether the
    /// history really grows only a longer look can tell.
    ///
    /// ## Example
    /// ```sql
    /// SELECT SUM(amount) FROM point_ledger WHERE user_id = 7;
    /// -- Use instead: a balance that is kept up to date with each entry
    /// SELECT balance FROM point_balance WHERE user_id = 7;
    /// ```
    ///
    /// ## False alarms
    /// - A sum over one month or the last hundred entries: bounded, silent.
    /// - `MIN` and `MAX` at the end of an index read one row: silent by `min_rows`.
    /// - A missing index reads the whole table: left to `full-scan`.
    /// - A key with a few entries: silent by `min_rows`.
    pub static META = {
        slug: "unbounded-aggregate",
        summary: "a sum or count reads the whole history of a key",
        summary_ko: "키 하나의 이력 전체를 매번 읽어 합계나 개수를 구하는 쿼리",
        urgency: Urgency::Chronic,
        severity: Severity::Warning,
        needs: "row counts (MySQL, MariaDB slow log) or plans (auto_explain)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.unbounded-aggregate]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined by the largest twentieth of the runs: fewer are read within a few milliseconds.
    pub min_rows: u64,
    /// Most rows against fewest, where the log flags no scans: a scan reads the same number each time.
    pub min_spread: f64,
    /// Runs in the interval: a report runs once.
    pub min_runs: u64,
    /// Seconds of run time per second: a twentieth of a connection is worth advice.
    pub min_load: f64,
    /// Seconds that the slowest twentieth of the runs take: their users notice.
    pub min_slow: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows: 10_000,
            min_spread: 2.0,
            min_runs: 10,
            min_load: 0.05,
            min_slow: 0.5,
        }
    }
}

/// Finds aggregates over a key's whole history.
#[derive(Debug)]
pub struct UnboundedAggregate(Settings);

impl UnboundedAggregate {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for UnboundedAggregate {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let shape = profile.statement.shape();
        let Some(shape) = shape.filter(|shape| folds_a_history(shape)) else {
            return Verdict::Clear;
        };
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p95.as_secs_f64() >= self.0.min_slow;
        if !(weight.load >= self.0.min_load || slow) {
            return Verdict::Clear;
        }
        let Some(examined) = profile.load.rows_examined.filter(|rows| rows.runs > 0) else {
            return self.insufficient(0);
        };
        let long = examined.p95 >= self.0.min_rows;
        if !long || !self.goes_by_key(profile, examined) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        self.report(profile, shape, weight, examined)
    }
}

impl UnboundedAggregate {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    /// Whether an index leads to the key; a scan is another detector's concern.
    fn goes_by_key(&self, profile: &QueryProfile, examined: RowLoad) -> bool {
        match plan::way(profile) {
            Way::Index => true,
            Way::Scan => false,
            Way::Untold => number(examined.max) >= number(examined.min.max(1)) * self.0.min_spread,
        }
    }

    fn report(
        &self,
        profile: &QueryProfile,
        shape: &Shape,
        weight: Weight,
        examined: RowLoad,
    ) -> Verdict {
        let rows = number(examined.p95);
        let min_rows = number(self.0.min_rows);
        let crossed = Evidence::measure("rows_examined_at_p95", rows, min_rows, Unit::Rows);
        let keys = shape.predicates.iter().filter(|p| is_key(p));
        let keys: Vec<&str> = keys.map(|p| &*p.column.column).collect();
        Draft::new(&META, profile, crossed)
            .with(Evidence::context("rows_examined_per_run", examined.mean(), Unit::Rows))
            .with(Evidence::context("rows_examined_at_most", number(examined.max), Unit::Rows))
            .with(Evidence::clause("history_of", &keys.join(", ")))
            .costing(weight)
            .severity(Severity::Warning)
            .remedy(advise(
                "keep the result up to date where the rows are written (a balance or counter per key, in the same transaction), or per closed month, and add only what came since",
            ))
            .remedy(advise(
                "until then an index that also holds the aggregated column spares the reading of the rows themselves",
            ))
            .found()
    }
}

/// Whether the statement makes one row of all that there is of a key.
fn folds_a_history(shape: &Shape) -> bool {
    let one_row = shape.aggregates && shape.group_by.is_empty() && !shape.distinct;
    let asks = shape.kind == StatementKind::Select && !shape.tables.is_empty();
    asks && one_row && shape.predicates.iter().any(is_key) && !shape.predicates.iter().any(bounds)
}

fn is_key(predicate: &Predicate) -> bool {
    use Comparison::{Equal, InList, IsNull};
    matches!(predicate.op, Equal | InList | IsNull) && !predicate.wrapped
}

/// Whether the condition keeps what is read from growing.
fn bounds(predicate: &Predicate) -> bool {
    let period = |kind: Wrapping| kind == Wrapping::TimePart;
    let of_a_period = predicate.obstacle.as_ref().is_some_and(|o| period(o.kind));
    predicate.op == Comparison::Range || of_a_period
}

//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::{Weight, is_rare, number, part, told_runs};
use crate::detect::basis::{index, paging, plan, reading};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::event::PlanRow;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Remedy, Severity, Urgency, Verdict};
use crate::model::sql::{Comparison, Predicate, Shape, TableName};
use crate::model::subject::{QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// A statement that reads a large table from end to end to find a few rows, often enough to matter.
    ///
    /// ## Why it hurts
    /// The cost grows with the table, not with the answer. Each run pushes other pages out of the cache, holds its
    /// connection for the whole scan, and an `UPDATE` or `DELETE` locks what it reads.
    ///
    /// ## How it decides
    /// All of these must hold:
    /// - rows examined per run >= `min_rows`, so that a small table stays silent;
    /// - rows examined / rows sent (or changed) >= `min_ratio`, so that an export stays silent;
    /// - the server does not say that an index was used: at least half of the runs are flagged `Full_scan` or
    ///   `Full_join`, and the plan of the slowest shows a scan of a table of `min_rows` rows; where it tells one of
    ///   the two, that one decides; where it tells neither, the two lines above decide, and for sums and counts also that every run reads about as much, whatever its parameters;
    /// - it matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the median run >= `min_slow`;
    /// - runs >= `min_runs`; in a whole file within a minute, else it is advice.
    ///
    /// From `min_critical_load` on it is critical. A sum or count that asks for no particular rows needs to read them
    /// all: it is advice only, until it alone takes `min_aggregate_load`.
    /// PostgreSQL logs no row counts: there the `Seq Scan` of an `auto_explain` plan with its actual rows is needed,
    /// else the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id, name FROM customers WHERE email = 'a@b.example';
    /// -- Use instead: the same, with
    /// CREATE INDEX idx_customers_email ON customers (email);
    /// ```
    ///
    /// ## False alarms
    /// - A scan of a 40-row table is `Full_scan: Yes`, and well: silent by `min_rows`.
    /// - A nightly report that scans once: silent by `min_runs`.
    /// - A paginated export sends what it reads; with `OFFSET` it skips rows in index order: silent, also where nothing
    ///   but the offset in the text tells so.
    /// - `INSERT ... SELECT` writes what it reads; where the server does not log rows written: `Insufficient`.
    /// - A sum over one user's long history reads an index range of varying length: silent.
    /// - One parameter for which the optimiser rightly scans, while the others go by the index: silent when the log
    ///   flags scans; see `parameter-skew`.
    /// - A small lookup table scanned beside a join by index: silent when the plan is logged.
    pub static META = {
        slug: "full-scan",
        summary: "a large table is read from end to end to find a few rows",
        summary_ko: "몇 행을 찾으려고 큰 테이블 전체를 읽는 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts (MySQL, MariaDB slow log) or plans (auto_explain)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.full-scan]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined per run from which a table is not small: below, a scan takes a few milliseconds.
    pub min_rows: u64,
    /// Rows examined per row sent or changed: an index would save at least that factor.
    pub min_ratio: f64,
    /// Runs in the interval: a report runs once.
    pub min_runs: u64,
    /// Seconds of run time per second: a fifth of a connection, busy with this alone.
    pub min_load: f64,
    /// Seconds that the median run takes: people notice from about here, however rare it is.
    pub min_slow: f64,
    /// Seconds of run time per second at which it is critical: two connections busy all the time.
    pub min_critical_load: f64,
    /// Seconds of run time per second at which an aggregate without a condition is more than advice.
    pub min_aggregate_load: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows: 10_000,
            min_ratio: 100.0,
            min_runs: 3,
            min_load: 0.2,
            min_slow: 1.0,
            min_critical_load: 2.0,
            min_aggregate_load: 1.0,
        }
    }
}

/// Finds scans of large tables.
#[derive(Debug)]
pub struct FullScan(Settings);

impl FullScan {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for FullScan {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        let matters = weight.load >= self.0.min_load || slow;
        if !matters || is_exempt(profile) {
            return Verdict::Clear;
        }
        let scan = scanned(profile, self.0.min_rows);
        if let Scan::None = scan {
            return Verdict::Clear;
        }
        let Some(effort) = Effort::of(profile, &scan) else {
            return self.insufficient(0);
        };
        let large = effort.examined >= number(self.0.min_rows);
        let wasteful = effort.ratio() >= self.0.min_ratio;
        let untold = matches!(scan, Scan::Untold);
        let another_way = effort.looks_like_a_range || paging::is_mostly(profile, effort.examined);
        if !large || !wasteful || (untold && another_way) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        self.report(profile, weight, &scan, &effort)
    }
}

impl FullScan {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    fn report(
        &self,
        profile: &QueryProfile,
        weight: Weight,
        scan: &Scan,
        effort: &Effort,
    ) -> Verdict {
        let ratio = Evidence::measure(
            "rows_examined_per_row_sent",
            effort.ratio(),
            self.0.min_ratio,
            Unit::Ratio,
        );
        let rows = Evidence::measure(
            "rows_examined_per_run",
            effort.examined,
            number(self.0.min_rows),
            Unit::Rows,
        );
        let tables = scan.tables(profile);
        let draft = Draft::new(&META, profile, ratio)
            .with(rows)
            .with_all(flagged(profile))
            .with_all(scan.steps())
            .tables(tables.clone())
            .costing(weight);
        let needs_every_row = profile
            .statement
            .shape()
            .is_some_and(|s| reading::is_folding(s) && !reading::is_selecting(s));
        if needs_every_row {
            let draft = draft.remedy(advise(
                "the answer needs every row: keep a summary table, or cache the result",
            ));
            let dominates = weight.load >= self.0.min_aggregate_load;
            return if dominates { draft } else { draft.advice() }.found();
        }
        let concerned = if tables.is_empty() {
            profile.statement.tables()
        } else {
            &tables
        };
        concerned
            .iter()
            .filter_map(|table| index::candidate(profile, table))
            .fold(draft, Draft::remedy)
            .remedy(unservable(profile))
            .severity(weight.severity(self.0.min_critical_load))
            .advice_if(is_rare(profile, self.0.min_runs))
            .found()
    }
}

/// Statements whose reading is another detector's concern, or nobody's.
fn is_exempt(profile: &QueryProfile) -> bool {
    let Some(shape) = profile.statement.shape() else {
        return false;
    };
    let pages_in_order = shape.limit.is_some_and(|l| l.offset)
        && !reading::is_selecting(shape)
        && profile.load.filesorts == 0;
    let union_without_plan = shape.set_ops.union > 0 && profile.plan.is_none();
    shape.tables.is_empty() || pages_in_order || union_without_plan
}

/// What the server says about the way to the rows.
enum Scan {
    /// An index, or a scan of small tables only.
    None,
    /// It does not say.
    Untold,
    /// It flags scans, but not of which table.
    Flagged,
    /// Its plan scans these tables.
    Planned(Vec<(PlanRow, Option<TableName>)>),
}

impl Scan {
    fn tables(&self, profile: &QueryProfile) -> Vec<TableName> {
        match self {
            Self::Planned(steps) => steps.iter().filter_map(|(_, t)| t.clone()).collect(),
            _ => match profile.statement.tables() {
                [only] => vec![TableName::clone(only)],
                _ => Vec::new(),
            },
        }
    }

    fn steps(&self) -> impl Iterator<Item = Evidence> {
        let steps: &[_] = match self {
            Self::Planned(steps) => steps,
            _ => &[],
        };
        steps
            .iter()
            .map(|(row, _)| Evidence::PlanNode { row: row.clone() })
    }
}

/// The flags speak for every run, the plan for the slowest one alone, but it names the table. A flag of `No` proves
/// nothing for a change: MariaDB sets them in its SELECT code only.
fn scanned(profile: &QueryProfile, min_rows: u64) -> Scan {
    let load = &profile.load;
    let flagged = load.full_scans.max(load.full_joins);
    let runs = told_runs(profile);
    let told = runs > 0;
    let mostly = flagged > 0 && flagged.saturating_mul(2) >= runs;
    if told && !mostly && !reading::is_change(profile.statement.kind()) {
        return Scan::None;
    }
    let joins_blindly = load.full_joins > 0;
    let large =
        |rows: u64| rows >= min_rows || (joins_blindly && rows.saturating_mul(10) >= min_rows);
    if let Some(rows) = profile.plan.as_deref().filter(|p| tells_access(p)) {
        let steps: Vec<_> = rows
            .iter()
            .filter(|row| plan::is_scan(row) && plan::rows(row).is_none_or(large))
            .map(|row| (row.clone(), plan::table(row, &profile.statement)))
            .collect();
        return if steps.is_empty() {
            Scan::None
        } else {
            Scan::Planned(steps)
        };
    }
    if told && mostly {
        Scan::Flagged
    } else {
        Scan::Untold
    }
}

/// A plan of which no step names a table tells nothing about access.
fn tells_access(plan: &[PlanRow]) -> bool {
    plan.iter()
        .any(|row| !row.table.is_empty() && !plan::is_derived(row))
}

/// Rows read and rows needed, per run.
struct Effort {
    examined: f64,
    needed: f64,
    /// The runs read very different numbers of rows for one folded row: an index range, not a scan.
    looks_like_a_range: bool,
}

impl Effort {
    /// `None` where the server tells too little.
    fn of(profile: &QueryProfile, scan: &Scan) -> Option<Self> {
        let examined = profile.load.rows_examined.filter(|r| r.runs > 0);
        let shape = profile.statement.shape();
        let varies = |r: RowLoad| r.min.saturating_mul(2) < r.max;
        Some(Self {
            examined: examined.map_or_else(|| planned_rows(scan), |r| Some(r.mean()))?,
            needed: rows_needed(profile, scan)?,
            looks_like_a_range: examined.is_some_and(varies)
                && shape.is_some_and(reading::is_folding),
        })
    }

    fn ratio(&self) -> f64 {
        self.examined / self.needed.max(1.0)
    }
}

fn planned_rows(scan: &Scan) -> Option<f64> {
    let Scan::Planned(steps) = scan else {
        return None;
    };
    let rows = steps.iter().filter_map(|(row, _)| row.actual_rows);
    rows.max().map(number)
}

/// Rows sent or changed per run; `None` when that is not told and the syntax does not say that it is little.
fn rows_needed(profile: &QueryProfile, scan: &Scan) -> Option<f64> {
    let mean = |rows: Option<RowLoad>| rows.filter(|r| r.runs > 0).map(|r| r.mean());
    let kind = profile.statement.kind();
    let changes = reading::is_change(kind) || reading::is_insertion(kind);
    let told = if changes {
        mean(profile.load.rows_affected)
    } else {
        mean(profile.load.rows_returned).or_else(|| root_rows(profile, scan))
    };
    let shape = profile.statement.shape();
    let asks_for_few = shape.is_some_and(|s| s.limit.is_none() && asks_by_equality(s));
    let few = (!reading::is_insertion(kind) && asks_for_few).then_some(1.0);
    told.or(few)
}

fn asks_by_equality(shape: &Shape) -> bool {
    shape.predicates.iter().any(|p| p.op == Comparison::Equal)
}

/// Rows that the first step of a PostgreSQL plan gives, when it is not itself the scan.
fn root_rows(profile: &QueryProfile, scan: &Scan) -> Option<f64> {
    let root = profile.plan.as_deref()?.first()?;
    let above_the_scan = matches!(scan, Scan::Planned(_)) && root.table.is_empty();
    root.actual_rows.filter(|_| above_the_scan).map(number)
}

/// Share of the runs that the server flagged, where it flags.
fn flagged(profile: &QueryProfile) -> Option<Evidence> {
    let load = &profile.load;
    let flagged = load.full_scans.max(load.full_joins);
    let share = part(flagged, told_runs(profile));
    (flagged > 0).then(|| Evidence::context("full_scan_share_of_runs", share, Unit::Share))
}

/// What to do about a condition that no plain index serves.
fn unservable(profile: &QueryProfile) -> Option<Remedy> {
    let shape = profile.statement.shape()?;
    let has = |test: fn(&Predicate) -> bool| shape.predicates.iter().any(test);
    if has(|p| p.wrapped) {
        return Some(advise(
            "a column stands inside a function, cast or arithmetic: let it stand alone, so that an index can serve it",
        ));
    }
    has(|p| p.op == Comparison::Like)
        .then(|| advise("a pattern that begins with a wildcard needs a full-text or trigram index"))
}

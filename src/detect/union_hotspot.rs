//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::{Weight, is_rare, number, part};
use crate::detect::basis::{index, plan};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::event::PlanRow;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::Dialect;
use crate::model::subject::QueryProfile;

declare_detector! {
    /// ## What it sees
    /// A UNION that spends its time on removing duplicates, or on one branch that dwarfs the others.
    ///
    /// ## Why it hurts
    /// `UNION` without `ALL` collects every branch in a temporary table and removes duplicates before the first row
    /// leaves; a condition or `LIMIT` outside is applied after that. One branch without an index makes all of it slow,
    /// and the connection is held all the while.
    ///
    /// ## How it decides
    /// It matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the median run >= `min_slow`; with
    /// runs >= `min_runs` and, in a plan or in row counts, at least `min_rows` rows read per run. And one of:
    /// - `UNION` (distinct) whose rows examined / rows sent >= `min_ratio`;
    /// - `UNION` (distinct) whose temporary table went to disk in >= `min_disk_share` of the runs;
    /// - any union of which one branch reads >= `min_branch_share` of the rows of the plan by a scan.
    ///
    /// Without row counts, plan and temporary files (a PostgreSQL log of durations) the verdict is `Insufficient`, and so it is of
    /// a MySQL or MariaDB log whose row counts are well and that tells no temporary tables.
    /// From `min_critical_load` on it is critical.
    ///
    /// ## Example
    /// ```sql
    /// SELECT * FROM (SELECT id, body FROM notes UNION SELECT id, body FROM chats) x WHERE id = 7;
    /// -- Use instead: the condition in each branch, and ALL where no row can come from both
    /// SELECT id, body FROM notes WHERE id = 7 UNION ALL SELECT id, body FROM chats WHERE id = 7;
    /// ```
    ///
    /// ## False alarms
    /// - A UNION that returns quickly: silent by `min_load` and `min_slow`.
    /// - `UNION ALL` of cheap branches has no duplicates to remove: silent.
    /// - A UNION that runs often and reads little, as a permission check does: silent by `min_rows`.
    /// - A UNION that sends most of what it reads, as an export does: silent by `min_ratio`.
    pub static META = {
        slug: "union-hotspot",
        summary: "a UNION spends its time on duplicates or on one branch",
        summary_ko: "중복 제거나 한 분기에 시간을 쓰는 UNION 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts or plans, and temporary tables (MariaDB: `log_slow_verbosity=query_plan`, MySQL: `log_slow_extra`)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.union-hotspot]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows read per run: fewer fit in a temporary table that costs next to nothing.
    pub min_rows: u64,
    /// Rows examined per row sent: a UNION writes and reads each row once more, 10 is beyond that.
    pub min_ratio: f64,
    /// Share of the runs whose temporary table went to disk.
    pub min_disk_share: f64,
    /// Share of the rows that one branch reads by a scan.
    pub min_branch_share: f64,
    /// Runs in the interval: two, because one such run may hold a connection for half of it.
    pub min_runs: u64,
    /// Seconds of run time per second: a fifth of a connection, busy with this alone.
    pub min_load: f64,
    /// Seconds that the median run takes: people notice from about here, however rare it is.
    pub min_slow: f64,
    /// Seconds of run time per second at which it is critical: two connections busy all the time.
    pub min_critical_load: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows: 10_000,
            min_ratio: 10.0,
            min_disk_share: 0.5,
            min_branch_share: 0.9,
            min_runs: 2,
            min_load: 0.2,
            min_slow: 1.0,
            min_critical_load: 2.0,
        }
    }
}

/// Finds unions that cost more than they give.
#[derive(Debug)]
pub struct UnionHotspot(Settings);

impl UnionHotspot {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for UnionHotspot {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        let matters = weight.load >= self.0.min_load || slow;
        let Some(union) = Union::of(profile).filter(|_| matters) else {
            return Verdict::Clear;
        };
        if !tells_effort(profile) {
            return self.insufficient(0);
        }
        let Some(crossed) = self.crossed(profile, &union) else {
            let is_large = rows_read(profile) >= number(self.0.min_rows);
            return if is_large && union.removes_duplicates && hides_tables(profile) {
                self.insufficient(0)
            } else {
                Verdict::Clear
            };
        };
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        self.report(profile, weight, &union, crossed)
    }
}

impl UnionHotspot {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    /// The fact that makes it a hotspot, the strongest first.
    fn crossed(&self, profile: &QueryProfile, union: &Union) -> Option<Evidence> {
        if rows_read(profile) < number(self.0.min_rows) {
            return None;
        }
        self.wasted(profile, union)
            .or_else(|| self.spilled(profile, union))
            .or_else(|| self.dominated(union))
    }

    /// Whether few of the rows that are read come out, as far as that is told: no index helps to read most of a table.
    fn is_selective(&self, profile: &QueryProfile) -> bool {
        rows_per_row_sent(profile).is_none_or(|ratio| ratio >= self.0.min_ratio)
    }

    fn wasted(&self, profile: &QueryProfile, union: &Union) -> Option<Evidence> {
        let ratio = rows_per_row_sent(profile)?;
        let wasteful = union.removes_duplicates && ratio >= self.0.min_ratio;
        let name = "rows_examined_per_row_sent";
        wasteful.then(|| Evidence::measure(name, ratio, self.0.min_ratio, Unit::Ratio))
    }

    fn spilled(&self, profile: &QueryProfile, union: &Union) -> Option<Evidence> {
        let load = &profile.load;
        let on_disk = part(load.tmp_tables_on_disk, tables_told(profile));
        let to_files = part(load.temp_files, load.count);
        let share = on_disk.max(to_files);
        let spills = union.removes_duplicates && share > 0.0 && share >= self.0.min_disk_share;
        let name = "tmp_table_on_disk_share_of_runs";
        spills.then(|| Evidence::measure(name, share, self.0.min_disk_share, Unit::Share))
    }

    fn dominated(&self, union: &Union) -> Option<Evidence> {
        let (_, share) = union.largest_scan()?;
        let name = "branch_share_of_rows";
        (share >= self.0.min_branch_share)
            .then(|| Evidence::measure(name, share, self.0.min_branch_share, Unit::Share))
    }

    fn report(
        &self,
        profile: &QueryProfile,
        weight: Weight,
        union: &Union,
        crossed: Evidence,
    ) -> Verdict {
        let rows = Evidence::measure(
            "rows_examined_per_run",
            rows_read(profile),
            number(self.0.min_rows),
            Unit::Rows,
        );
        let branch = union.largest_scan().map(|(row, _)| row);
        let statement = &profile.statement;
        let scanned = union.scans().filter_map(|row| plan::table(row, statement));
        let indexes = scanned
            .filter(|_| self.is_selective(profile))
            .filter_map(|table| index::candidate(profile, &table));
        let draft = Draft::new(&META, profile, crossed)
            .with(rows)
            .with(Evidence::clause("set_operation", union.name()))
            .with_all(branch.map(|row| Evidence::PlanNode { row: row.clone() }))
            .costing(weight)
            .severity(weight.severity(self.0.min_critical_load))
            .advice_if(is_rare(profile, self.0.min_runs));
        let draft = if union.removes_duplicates {
            draft.remedy(advise(
                "use UNION ALL where no row can come from two branches, or where duplicates do no harm",
            ))
        } else {
            draft
        };
        indexes
            .fold(draft, Draft::remedy)
            .remedy(advise(
                "push conditions and LIMIT from outside into each branch, and give each branch its index",
            ))
            .found()
    }
}

/// A union and what its plan tells of its branches.
struct Union<'a> {
    removes_duplicates: bool,
    plan: &'a [PlanRow],
}

impl<'a> Union<'a> {
    /// `None` for a statement without one.
    fn of(profile: &'a QueryProfile) -> Option<Self> {
        let plan = profile.plan.as_deref().unwrap_or_default();
        let ops = profile.statement.shape().map(|shape| shape.set_ops);
        let planned = ops.is_none() && plan.iter().any(plan::is_union_result);
        let distinct = ops.is_some_and(|ops| ops.union > 0) || planned;
        let any = distinct || ops.is_some_and(|ops| ops.union_all > 0);
        any.then_some(Self {
            removes_duplicates: distinct,
            plan,
        })
    }

    fn name(&self) -> &'static str {
        if self.removes_duplicates {
            "UNION"
        } else {
            "UNION ALL"
        }
    }

    /// Steps that read whole tables.
    fn scans(&self) -> impl Iterator<Item = &'a PlanRow> + use<'a> {
        self.plan.iter().filter(|row| plan::is_scan(row))
    }

    /// The scan that reads the most, and its share of the rows that all steps read from tables.
    fn largest_scan(&self) -> Option<(&'a PlanRow, f64)> {
        let tables = self
            .plan
            .iter()
            .filter(|row| !row.table.is_empty() && !plan::is_derived(row));
        let read = |row: &PlanRow| plan::rows(row).unwrap_or(0);
        let (count, all) = tables.fold((0_u32, 0_u64), |(n, sum), row| {
            (n + 1, sum.saturating_add(read(row)))
        });
        let largest = self.scans().max_by_key(|row| read(row))?;
        (count > 1).then(|| (largest, part(read(largest), all)))
    }
}

/// Whether anything is known of the work: durations alone say nothing about its cause.
fn tells_effort(profile: &QueryProfile) -> bool {
    profile.load.rows_examined.is_some() || profile.plan.is_some() || profile.load.temp_files > 0
}

/// Runs of which the log tells their temporary table. Every UNION makes one: a run that tells of none is one of a log
/// that does not tell.
fn tables_told(profile: &QueryProfile) -> u64 {
    profile.load.access_known.max(profile.load.tmp_tables)
}

/// Whether a log with row counts keeps temporary tables to itself, as MySQL and MariaDB do unless asked.
fn hides_tables(profile: &QueryProfile) -> bool {
    let is_mysql = profile.target.system == Dialect::Mysql;
    is_mysql && tables_told(profile) == 0 && profile.plan.is_none()
}

fn rows_per_row_sent(profile: &QueryProfile) -> Option<f64> {
    let sent = profile.load.rows_returned.filter(|r| r.runs > 0)?.mean();
    Some(rows_read(profile) / sent.max(1.0))
}

/// Rows read per run: counted, else those of the plan, else those that were sent after a spill.
fn rows_read(profile: &QueryProfile) -> f64 {
    let counted = profile.load.rows_examined.filter(|r| r.runs > 0);
    if let Some(rows) = counted {
        return rows.mean();
    }
    let steps = profile.plan.as_deref().unwrap_or_default().iter();
    let tables = steps.filter(|row| !row.table.is_empty() && !plan::is_derived(row));
    let planned = tables
        .filter_map(plan::rows)
        .fold(0_u64, u64::saturating_add);
    let sent = profile.load.rows_returned.map_or(0.0, |r| r.mean());
    number(planned).max(sent)
}

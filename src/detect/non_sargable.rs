//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::Draft;
use crate::detect::basis::effort::Effort;
use crate::detect::basis::sargable::{self, Hidden};
use crate::detect::basis::weight::{Weight, is_rare, number, told_runs};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::TableName;
use crate::model::subject::QueryProfile;

declare_detector! {
    /// ## What it sees
    /// A condition that no plain index can serve, because the column stands inside a function, cast or calculation, or
    /// because its `LIKE` pattern begins with a wildcard; and many rows read for the few that it lets through.
    ///
    /// ## Why it hurts
    /// An index is sorted by the column, not by what a function makes of it. So the server computes the function for
    /// every row, however selective the condition is, and however good the index that somebody has made for it.
    ///
    /// ## How it decides
    /// All of these must hold:
    /// - a condition `=`, `IN`, a range, `LIKE` or `IS NULL` has its column inside an expression and compares it with
    ///   something that names no column (with one it is a join), or its pattern begins with `%` or `_`, or is `ILIKE`;
    /// - rows examined per run >= `min_rows`, and rows examined / rows sent (or changed) >= `min_ratio`: where an
    ///   expression index or another condition finds the rows, few are read;
    /// - `COALESCE` around a column is not accused where another condition could use an index or where rows are
    ///   aggregated: most rows pass it, whatever its form;
    /// - it matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the median run >= `min_slow`;
    /// - runs >= `min_runs`; in a whole file within a minute, else it is advice.
    ///
    /// From `min_critical_load` on it is critical. Where rows are not logged (PostgreSQL without `auto_explain`) the
    /// verdict is `Insufficient`. A pattern that is a placeholder in the log is not known, hence not accused.
    ///
    /// The rewrite depends on the server. PostgreSQL indexes expressions: `CREATE INDEX ON people (lower(email))`. MySQL
    /// 8.0.13 and later does with a second pair of brackets: `((LOWER(email)))`. MariaDB needs a generated column with
    /// an index; it turns `DATE(at)` and `YEAR(at)` into ranges itself from 11.1 on. Collations of MySQL and MariaDB
    /// ignore case unless they end in `_cs` or `_bin`: there `LOWER` can go.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id FROM orders WHERE DATE(created_at) = '2026-11-20';
    /// -- Use instead: the column alone, under an index
    /// SELECT id FROM orders WHERE created_at >= '2026-11-20' AND created_at < '2026-11-21';
    /// ```
    ///
    /// ## False alarms
    /// - A function of the value and not of the column (`at > DATE_SUB(NOW(), INTERVAL 1 DAY)`): silent.
    /// - A wrapped column beside a condition that finds the rows by its index: few rows are read, silent.
    /// - An expression index or an indexed generated column serves it: few rows are read, silent.
    /// - `LIKE 'prefix%'`: silent.
    /// - Conditions on groups (`HAVING SUM(x) > 5`): silent.
    /// - Two columns joined by `OR`: not judged, the server may merge two indexes.
    pub static META = {
        slug: "non-sargable",
        summary: "a condition is written so that no index can serve it",
        summary_ko: "인덱스를 쓸 수 없는 형태로 쓰인 조건",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts (MySQL, MariaDB slow log) or plans (auto_explain)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.non-sargable]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined per run: fewer are computed within a few milliseconds.
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
        }
    }
}

/// Conditions of one statement that are told.
const MAX_TOLD: usize = 4;

/// Finds conditions that no index can serve.
#[derive(Debug)]
pub struct NonSargable(Settings);

impl NonSargable {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for NonSargable {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let Some(shape) = profile.statement.shape() else {
            return Verdict::Clear;
        };
        let mut hidden = sargable::hidden(shape);
        hidden.truncate(MAX_TOLD);
        if hidden.is_empty() {
            return Verdict::Clear;
        }
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        if !(weight.load >= self.0.min_load || slow) {
            return Verdict::Clear;
        }
        let Some(effort) = Effort::of(profile) else {
            return self.insufficient(0);
        };
        let large = effort.examined >= number(self.0.min_rows);
        let wasteful = effort.ratio() >= self.0.min_ratio;
        if !large || !wasteful {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        self.report(profile, &hidden, weight, effort)
    }
}

impl NonSargable {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    fn report(
        &self,
        profile: &QueryProfile,
        hidden: &[Hidden<'_>],
        weight: Weight,
        effort: Effort,
    ) -> Verdict {
        let clauses = hidden.iter().flat_map(|h| {
            let instead = h
                .instead()
                .map(|text| Evidence::clause("use_instead", &text));
            let stands = Evidence::clause("hidden_column", h.expression());
            std::iter::once(stands).chain(instead)
        });
        let tables: Vec<TableName> = hidden.iter().filter_map(|h| h.table(profile)).collect();
        let draft = Draft::new(&META, profile, effort.wasted(self.0.min_ratio))
            .with(effort.read(self.0.min_rows))
            .with_all(clauses)
            .with_all(scanned(profile))
            .tables(tables)
            .costing(weight)
            .severity(weight.severity(self.0.min_critical_load))
            .advice_if(is_rare(profile, self.0.min_runs));
        let mut remedies: Vec<_> = hidden.iter().flat_map(|h| h.remedies(profile)).collect();
        let mut told = std::collections::BTreeSet::new();
        remedies.retain(|remedy| told.insert((remedy.sql.clone(), remedy.why.clone())));
        remedies.into_iter().fold(draft, Draft::remedy).found()
    }
}

/// Share of the runs that the server flagged as scans, where it flags.
fn scanned(profile: &QueryProfile) -> Option<Evidence> {
    let flagged = profile.load.full_scans;
    let share = crate::detect::basis::weight::part(flagged, told_runs(profile));
    (flagged > 0).then(|| Evidence::context("full_scan_share_of_runs", share, Unit::Share))
}

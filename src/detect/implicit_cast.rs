//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::cast_cure::cure;
use crate::detect::basis::casts::{Cast, With, casts, may_cast};
use crate::detect::basis::draft::Draft;
use crate::detect::basis::waste::{Limits, Waste, is_denied, is_flagged, plan_of};
use crate::detect::basis::weight::{Weight, is_rare};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::Evidence;
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::schema::{Column, Index};
use crate::model::sql::Comparison;
use crate::model::subject::{QueryProfile, TableFacts};

declare_detector! {
    /// ## What it sees
    /// A column that the server converts in every row, because it is compared with a value or a column of another type
    /// or character set, in statements that cost.
    ///
    /// ## Why it hurts
    /// An index holds the values as they are stored. Compared are others: those that the conversion makes. So the index
    /// is not used, and every row is read and converted, at every run.
    ///
    /// ## How it decides
    /// The schema must be known (`sqleuth digest --schema`, `schema` of a `[[slow_log]]`). A conversion of the *column* is
    /// known from the types (a value is converted once, which is well):
    /// - MySQL, MariaDB: a string column with a number or a date (`phone = 123`); a number or date with a pattern
    ///   (`created_at LIKE ?`); a string column joined with a number or date, or with a string of a larger character set;
    /// - PostgreSQL: an integer with `numeric` or a float (`id = 1.5`, `id = $1::numeric`), `numeric` with a float, `char(n)`
    ///   with `text`; the same between columns.
    ///
    /// And all of these must hold:
    /// - rows examined per run >= `min_rows` and rows examined / rows sent (or changed) >= `min_ratio`; for sums and
    ///   counts: the server flags a scan; where the log tells no rows: the median run >= `min_blind_slow`;
    /// - neither the server's flags nor its plan say that the table is read by an index; for a join they say that it
    ///   is not;
    /// - it matters: time lost per second >= `min_load`, or the median run >= `min_slow`; runs >= `min_runs`, in a whole
    ///   file within a minute, else it is advice.
    ///
    /// Critical when time lost per second >= `min_critical_load`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id FROM customers WHERE phone = 4711;  -- phone VARCHAR(20), indexed
    /// -- Use instead:
    /// SELECT id FROM customers WHERE phone = '4711';
    /// ```
    ///
    /// ## False alarms
    /// - MariaDB from 10.6.16 on can narrow `utf8mb4` down to `utf8mb3` (`cset_narrowing`): where that helps, few rows are
    ///   examined, and nothing is said.
    /// - A statement that is run with quoted and with bare values is judged by the bare ones, where its runs read many rows
    ///   on average.
    pub static META = {
        slug: "implicit-cast",
        summary: "a column that is converted in every row to be compared, so that its index is not used",
        summary_ko: "비교할 때 모든 행에서 형 변환되어 인덱스를 쓰지 못하는 열",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "the schema's DDL, and row counts, plans or run times",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.implicit-cast]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined per run: fewer are converted within a few milliseconds.
    pub min_rows: u64,
    /// Rows examined per row sent or changed: an index would save at least that factor.
    pub min_ratio: f64,
    /// Runs in the interval: a report runs once.
    pub min_runs: u64,
    /// Seconds of run time per second: a fifth of a connection, busy with this alone.
    pub min_load: f64,
    /// Seconds that the median run takes: people notice from about here, however rare it is.
    pub min_slow: f64,
    /// Seconds that the median run takes where rows are not told: no lookup by an index takes as long.
    pub min_blind_slow: f64,
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
            min_blind_slow: 0.1,
            min_critical_load: 2.0,
        }
    }
}

/// Finds columns that are converted in every row.
#[derive(Debug)]
pub struct ImplicitCast(Settings);

impl ImplicitCast {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for ImplicitCast {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        let matters = weight.load >= self.0.min_load || slow;
        if !matters || !may_cast(profile) {
            return Verdict::Clear;
        }
        if profile.tables.iter().all(|table| table.schema.is_none()) {
            return Verdict::Insufficient { seen: 0, needed: 1 };
        }
        let mut found = casts(profile);
        found.retain(|cast| is_read_in_vain(profile, cast));
        let Some(waste) = Waste::of(profile, self.limits()).filter(|_| !found.is_empty()) else {
            return Verdict::Clear;
        };
        if profile.load.count < self.0.min_runs {
            return Verdict::Insufficient {
                seen: profile.load.count,
                needed: self.0.min_runs,
            };
        }
        self.report(profile, weight, waste, &found)
    }
}

/// Whether nothing says that the rows of its table are found by an index. Many joins are best done without one: there
/// the server must say that it scans.
fn is_read_in_vain(profile: &QueryProfile, cast: &Cast<'_>) -> bool {
    let scans = plan_of(profile, cast.facts);
    if is_denied(profile) || scans == Some(false) {
        return false;
    }
    let told = scans == Some(true) || is_flagged(profile);
    matches!(cast.with, With::Value(_)) || (told && cast.index.is_some())
}

impl ImplicitCast {
    fn limits(&self) -> Limits {
        Limits {
            min_rows: self.0.min_rows,
            min_ratio: self.0.min_ratio,
            min_blind_slow: self.0.min_blind_slow,
        }
    }

    fn report(
        &self,
        profile: &QueryProfile,
        weight: Weight,
        waste: Waste,
        found: &[Cast<'_>],
    ) -> Verdict {
        let (crossed, more) = waste.evidence(self.limits());
        let tables = found.iter().map(|cast| cast.facts.name.clone()).collect();
        let mut draft = Draft::new(&META, profile, crossed)
            .with_all(more)
            .tables(tables)
            .severity(weight.severity(self.0.min_critical_load))
            .advice_if(is_rare(profile, self.0.min_runs));
        for cast in found {
            let shown = typed(cast.facts, cast.column);
            draft = draft
                .with(Evidence::clause("converted_column", &shown))
                .with(Evidence::clause("compared_with", &other_side(cast)))
                .with_all(cast.index.map(defeated));
            let (instead, remedies) = cure(profile.statement.dialect, cast);
            let instead = instead.map(|text| Evidence::clause("use_instead", &text));
            draft = remedies
                .into_iter()
                .fold(draft.with_all(instead), Draft::remedy);
        }
        draft.costing(weight).found()
    }
}

fn defeated(index: &Index) -> Evidence {
    let columns = index.parts.iter().map(|p| p.column.as_deref());
    let columns: Vec<_> = columns.map(|name| name.unwrap_or("(...)")).collect();
    let name = index.name.as_deref().unwrap_or_default();
    let shown = format!("{name} ({})", columns.join(", "));
    Evidence::clause("index_not_used", shown.trim_start())
}

fn other_side(cast: &Cast<'_>) -> String {
    match cast.with {
        With::Value(_) if cast.op == Comparison::Like => "LIKE".to_owned(),
        With::Value(kind) => kind.as_str().to_owned(),
        With::Type(facts, column) | With::Charset(facts, column) => typed(facts, column),
    }
}

/// `customers.phone varchar(20) utf8mb4_bin`
fn typed(facts: &TableFacts, column: &Column) -> String {
    let place = [&*facts.name, ".", &*column.name, " ", &*column.data_type].concat();
    let charset = column.collation.as_ref().or(column.charset.as_ref());
    match charset {
        Some(charset) => format!("{place} {charset}"),
        None => place,
    }
}

//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::reading;
use crate::detect::basis::weight::{Weight, is_rare, is_routine, number};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::{SetOps, Shape, StatementKind};
use crate::model::subject::{QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// An `UPDATE` or `DELETE` without any condition on a large table, or a `SELECT` without condition and limit that
    /// a service asks for again and again.
    ///
    /// ## Why it hurts
    /// The change hits every row: it locks the table row by row, fills the undo log and the replicas' queues, and was
    /// perhaps never meant. The read moves the whole table to the client, whatever the page shows of it.
    ///
    /// ## How it decides
    /// The statement has no join condition, and no `WHERE` or one that looks at no column (`WHERE 1 = 1`), and
    /// - `UPDATE`, `DELETE` without `LIMIT`: rows changed, else examined, per run >= `min_rows_changed`. One run is
    ///   enough, and critical; if the same statement was seen before the interval, or in a whole file never twice within half an hour, it is routine, and advice only;
    /// - `SELECT` that folds nothing (no aggregate, `GROUP BY`, `DISTINCT`, subquery, set operation): rows sent, else
    ///   examined, per run >= `min_rows_read`, runs >= `min_runs`, and time lost per second >= `min_load`.
    ///
    /// Where the log tells no rows (PostgreSQL), the known size of the table stands in; when that is unknown too, or
    /// the text was cut before a `WHERE` could come, the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// UPDATE accounts SET locked = 1;
    /// -- Use instead: the condition that was meant, in batches
    /// UPDATE accounts SET locked = 1 WHERE last_login < '2020-01-01' LIMIT 1000;
    /// ```
    ///
    /// ## False alarms
    /// - A small lookup table read whole: silent by `min_rows_read`.
    /// - `COUNT(*)` without condition sends one row: silent here.
    /// - A dump (`SQL_NO_CACHE`, as `mysqldump` writes it, or each table once): silent.
    /// - A nightly job that empties its staging table: advice from the second time on.
    pub static META = {
        slug: "missing-where",
        summary: "a statement without any condition hits a large table",
        summary_ko: "큰 테이블에 조건 없이 실행된 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts, or the size of the table",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.missing-where]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows that one UPDATE or DELETE changes: below, it is over before anybody waits for its locks.
    pub min_rows_changed: u64,
    /// Rows that one SELECT reads: more than any page or lookup needs.
    pub min_rows_read: u64,
    /// Runs of a SELECT in the interval: an export runs once.
    pub min_runs: u64,
    /// Seconds of run time per second of a SELECT: a fifth of a connection, busy with this alone.
    pub min_load: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows_changed: 10_000,
            min_rows_read: 100_000,
            min_runs: 3,
            min_load: 0.2,
        }
    }
}

/// Finds statements without a condition.
#[derive(Debug)]
pub struct MissingWhere(Settings);

impl MissingWhere {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for MissingWhere {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let Some(shape) = profile.statement.shape() else {
            return Verdict::Clear;
        };
        if shape.filtered || shape.limit.is_some() || shape.tables.is_empty() {
            return Verdict::Clear;
        }
        match shape.kind {
            kind if reading::is_change(kind) => self.change(profile, kind),
            StatementKind::Select if reads_plainly(shape) && !is_dump(profile) => {
                self.read(profile)
            }
            _ => Verdict::Clear,
        }
    }
}

impl MissingWhere {
    fn change(&self, profile: &QueryProfile, kind: StatementKind) -> Verdict {
        let load = &profile.load;
        let told = [
            ("rows_changed_per_run", load.rows_affected),
            (EXAMINED, load.rows_examined),
        ];
        let Some((name, rows)) = rows_per_run(profile, told) else {
            return unknown(1);
        };
        if rows < number(self.0.min_rows_changed) {
            return Verdict::Clear;
        }
        if profile.statement.truncated {
            return unknown(1);
        }
        let threshold = number(self.0.min_rows_changed);
        let crossed = Evidence::measure(name, rows, threshold, Unit::Rows);
        let draft = Draft::new(&META, profile, crossed)
            .with(Evidence::clause("missing_where", kind.as_str()))
            .tables(written(profile))
            .costing(Weight::of(profile))
            .severity(Severity::Critical)
            .remedy(advise(
                "add the condition that was meant; if every row was meant, work in batches by primary key",
            ));
        draft.advice_if(is_routine(profile)).found()
    }

    fn read(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let matters = weight.load >= self.0.min_load;
        if !matters {
            return Verdict::Clear;
        }
        let load = &profile.load;
        let told = [
            ("rows_sent_per_run", load.rows_returned),
            (EXAMINED, load.rows_examined),
        ];
        let Some((name, rows)) = rows_per_run(profile, told) else {
            return unknown(self.0.min_runs);
        };
        if rows < number(self.0.min_rows_read) {
            return Verdict::Clear;
        }
        if load.count < self.0.min_runs || profile.statement.truncated {
            return Verdict::Insufficient {
                seen: load.count.min(self.0.min_runs),
                needed: self.0.min_runs,
            };
        }
        let threshold = number(self.0.min_rows_read);
        let crossed = Evidence::measure(name, rows, threshold, Unit::Rows);
        Draft::new(&META, profile, crossed)
            .with(Evidence::clause(
                "missing_where",
                StatementKind::Select.as_str(),
            ))
            .costing(weight)
            .severity(Severity::Warning)
            .advice_if(is_rare(profile, self.0.min_runs))
            .remedy(advise(
                "ask for the rows that are shown: add a condition, or LIMIT with keyset paging",
            ))
            .found()
    }
}

fn unknown(needed: u64) -> Verdict {
    Verdict::Insufficient { seen: 0, needed }
}

/// Whether every row that is read is also sent.
fn reads_plainly(shape: &Shape) -> bool {
    let alone = shape.subqueries == 0 && shape.set_ops == SetOps::default();
    alone && !reading::is_folding(shape)
}

/// `mysqldump` and `mariadb-dump` mark their reads by this hint, and hints are part of a statement's identity.
fn is_dump(profile: &QueryProfile) -> bool {
    let text = profile.statement.template.as_str();
    text.as_bytes()
        .windows(DUMP_HINT.len())
        .take(MAX_HINT_OFFSET)
        .any(|word| word.eq_ignore_ascii_case(DUMP_HINT))
}

const DUMP_HINT: &[u8] = b"SQL_NO_CACHE";

/// A hint stands right after SELECT.
const MAX_HINT_OFFSET: usize = 32;

const EXAMINED: &str = "rows_examined_per_run";

/// What was counted, and rows per run by the first count that is told, else the size of its only table.
fn rows_per_run(
    profile: &QueryProfile,
    told: [(&'static str, Option<RowLoad>); 2],
) -> Option<(&'static str, f64)> {
    for (name, rows) in told {
        if let Some(rows) = rows.filter(|rows| rows.runs > 0) {
            return Some((name, rows.mean()));
        }
    }
    let [table] = profile.statement.tables() else {
        return None;
    };
    let facts = profile.tables.iter().find(|facts| facts.name == *table)?;
    facts.rows.map(|rows| ("rows_of_table", number(rows)))
}

fn written(profile: &QueryProfile) -> Vec<crate::model::sql::TableName> {
    let shape = profile.statement.shape();
    shape.map(|s| s.written.clone()).unwrap_or_default()
}

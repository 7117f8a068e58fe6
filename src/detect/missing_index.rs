//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::Draft;
use crate::detect::basis::index::{DECLARED, Proposal, propose};
use crate::detect::basis::waste::{Limits, Waste, is_denied, is_flagged, plan_of};
use crate::detect::basis::weight::Weight;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Remedy, Safety, Severity, Urgency, Verdict};
use crate::model::sql::Dialect;
use crate::model::subject::{QueryProfile, TableFacts};

declare_detector! {
    /// ## What it sees
    /// Conditions, joins and sorts that none of the indexes in the schema's DDL serves, in statements that cost.
    ///
    /// ## Why it hurts
    /// Without an index the server reads rows only to throw them away, at every run, and more of them as the table
    /// grows.
    ///
    /// ## How it decides
    /// The schema must be known (`sqleuth digest --schema`, `schema` of a `[[slow_log]]`). All of these must hold:
    /// - it matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the median run >= `min_slow`;
    /// - rows examined per run >= `min_rows` and rows examined / rows sent (or changed) >= `min_ratio`; where the log
    ///   tells no row counts (PostgreSQL without `auto_explain`), the median run >= `min_blind_slow` stands for both;
    /// - for sums and counts, whose rows sent say nothing: the server flags a full scan;
    /// - a table of the statement, not known to have fewer than `min_rows` rows, has no index that begins with a column
    ///   of the conditions, or has one for a part of them only;
    /// - runs >= `min_runs`.
    ///
    /// Proposed are: columns compared by equality, those that an existing index begins with first; then lists; then
    /// the ORDER BY, or one range. Nothing is proposed for a table that the statement reads twice, for conditions in an
    /// OR, for columns that may belong to several tables, or for columns of few values alone.
    ///
    /// It knows the DDL and the log, not the data: selectivity is unknown, hence the confidence of 0.5, of 0.6 where
    /// the server flags the scan, and of 0.7 where its plan names the table.
    ///
    /// ## Example
    /// ```sql
    /// SELECT * FROM orders WHERE customer_id = 7 AND status = 'open' ORDER BY created_at DESC LIMIT 20;
    /// -- Use instead: the same, with
    /// ALTER TABLE orders ADD INDEX idx_orders_customer_id_status_created_at (customer_id, status, created_at), ALGORITHM=INPLACE, LOCK=NONE;
    /// ```
    ///
    /// ## False alarms
    /// - An index that was made after the dump: silent where the server does not flag a scan; else give a newer dump.
    /// - Columns whose values are nearly all alike: the measured rows speak against it only where they are logged;
    ///   compare `EXPLAIN` before and after.
    /// - A table that is written far more often than it is read: weigh the cost of one more index.
    pub static META = {
        slug: "missing-index",
        summary: "a condition, join or sort that no index of the schema serves",
        summary_ko: "스키마의 어떤 인덱스도 지원하지 않는 조건, 조인 또는 정렬",
        urgency: Urgency::Chronic,
        severity: Severity::Warning,
        needs: "the schema's DDL, and row counts, plans or run times",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.missing-index]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined per run, and rows of a table, from which a scan takes more than some milliseconds.
    pub min_rows: u64,
    /// Rows examined per row sent or changed: an index would save at least that factor.
    pub min_ratio: f64,
    /// Runs in the interval: one run is no habit.
    pub min_runs: u64,
    /// Seconds of run time per second: a twentieth of a connection is worth a look, no alarm.
    pub min_load: f64,
    /// Seconds that the median run takes: people notice from about here, however rare it is.
    pub min_slow: f64,
    /// Seconds that the median run takes where rows are not told: no lookup by an index takes as long.
    pub min_blind_slow: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows: 2_000,
            min_ratio: 50.0,
            min_runs: 3,
            min_load: 0.05,
            min_slow: 0.5,
            min_blind_slow: 0.1,
        }
    }
}

/// Finds conditions that no declared index serves.
#[derive(Debug)]
pub struct MissingIndex(Settings);

impl MissingIndex {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for MissingIndex {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        let readable = profile
            .statement
            .shape()
            .is_some_and(|s| !s.tables.is_empty());
        if !readable || !(weight.load >= self.0.min_load || slow) {
            return Verdict::Clear;
        }
        if profile.tables.iter().all(|table| table.schema.is_none()) {
            return Verdict::Insufficient { seen: 0, needed: 1 };
        }
        let Some(waste) = Waste::of(profile, self.limits()) else {
            return Verdict::Clear;
        };
        let proposals: Vec<_> = profile
            .tables
            .iter()
            .filter_map(|table| self.proposal(profile, table, waste))
            .collect();
        if proposals.is_empty() {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return Verdict::Insufficient {
                seen: profile.load.count,
                needed: self.0.min_runs,
            };
        }
        self.report(profile, weight, waste, proposals)
    }
}

impl MissingIndex {
    fn limits(&self) -> Limits {
        Limits {
            min_rows: self.0.min_rows,
            min_ratio: self.0.min_ratio,
            min_blind_slow: self.0.min_blind_slow,
        }
    }

    fn proposal<'a>(
        &self,
        profile: &QueryProfile,
        table: &'a TableFacts,
        waste: Waste,
    ) -> Option<(&'a TableFacts, Proposal)> {
        let tiny = table.rows.is_some_and(|rows| rows < self.0.min_rows);
        let proposal = propose(profile, table).filter(|_| !tiny)?;
        let reads_by_index = plan_of(profile, table).is_some_and(|scans| !scans);
        let extends = proposal.extends.is_some();
        let contradicted = !extends && (is_denied(profile) || reads_by_index);
        let unproven = extends && !matches!(waste, Waste::Rows { .. });
        (!contradicted && !unproven).then_some((table, proposal))
    }

    fn report(
        &self,
        profile: &QueryProfile,
        weight: Weight,
        waste: Waste,
        proposals: Vec<(&TableFacts, Proposal)>,
    ) -> Verdict {
        let (crossed, more) = waste.evidence(self.limits());
        let draft = Draft::new(&META, profile, crossed).with_all(more);
        let tables = proposals
            .iter()
            .map(|(table, _)| table.name.clone())
            .collect();
        let confidence = proposals
            .iter()
            .map(|(table, _)| confidence(profile, table))
            .fold(1.0, f64::min);
        let mut draft = draft
            .tables(tables)
            .with(Evidence::context("confidence", confidence, Unit::Share))
            .with(Evidence::clause("knowledge", "DDL + log"));
        for (_, proposal) in proposals {
            draft = draft.with(Evidence::clause("unserved", &proposal.columns));
            if let Some(index) = &proposal.extends {
                draft = draft.with(Evidence::clause("serves_in_part", index));
            }
            draft = draft.remedy(Remedy {
                sql: proposal.sql,
                why: DECLARED.to_owned(),
                safety: Safety::NeedsReview,
            });
        }
        draft.costing(weight).found()
    }
}

/// How sure the proposal is, by what is known; the levels are those of `docs/detectors.md`.
fn confidence(profile: &QueryProfile, table: &TableFacts) -> f64 {
    if plan_of(profile, table) == Some(true) {
        0.7
    } else if is_flagged(profile) && profile.statement.dialect == Dialect::Mysql {
        0.6
    } else {
        0.5
    }
}

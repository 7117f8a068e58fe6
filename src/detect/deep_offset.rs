//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::effort::Effort;
use crate::detect::basis::paging;
use crate::detect::basis::plan::{self, Way};
use crate::detect::basis::weight::{Weight, is_rare, number};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::offset::Offsets;
use crate::model::sql::{Shape, SortKey, StatementKind};
use crate::model::subject::{QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// A list that is shown page by page with `LIMIT ... OFFSET`, and pages so far back that nearly all rows read are
    /// skipped.
    ///
    /// ## Why it hurts
    /// `OFFSET` reads every row that it skips. Page 5,000 costs five thousand times page 1, a crawler or an export that
    /// walks all pages reads the table over and over, and rows that come in meanwhile shift the pages.
    ///
    /// ## How it decides
    /// For a `SELECT` with an offset, in itself or in a derived table, that neither groups nor aggregates. Where the
    /// texts tell the offset, which is kept as a power of ten:
    /// - runs that skip `min_rows` rows or more >= `min_runs`;
    /// - rows examined / rows sent >= `min_ratio`, where the log tells both;
    /// - the offset is what costs: rows skipped, once for each table that is joined, >= `min_share` of the rows examined.
    ///
    /// Where they do not (`OFFSET ?`):
    /// - rows examined per run >= `min_rows`, and rows examined / rows sent >= `min_ratio`;
    /// - the rows come in order by an index and no sort is flagged, so that `LIMIT` would end the reading early; or there
    ///   is neither condition nor order; or the costliest page reads >= `min_growth` times the rows of the cheapest, and
    ///   the server does not flag a scan for a condition without an index;
    /// - an offset in a derived table counts only where the statement reads no other table.
    ///
    /// And in either case:
    /// - it matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the median run >= `min_slow`;
    /// - runs >= `min_runs`; in a whole file within a minute, else it is advice.
    ///
    /// From `min_critical_load` on it is critical. Where neither offset nor rows are told (PostgreSQL with parameters and
    /// without `auto_explain`) the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id, title FROM posts ORDER BY id LIMIT 20 OFFSET 100000;
    /// -- Use instead: begin where the page before has ended
    /// SELECT id, title FROM posts WHERE id > 100020 ORDER BY id LIMIT 20;
    /// ```
    ///
    /// ## False alarms
    /// - The first pages of a long list, and a few looks at the last one: silent by `min_rows` and `min_runs`.
    /// - An offset in a small derived table beside a large one: silent, for its own offset is small.
    /// - Large pages, as of an export in steps of 10,000 rows, send much of what they read: silent by `min_ratio`.
    /// - A list that is sorted anew for each page, or filtered without an index: the first page costs as much as the
    ///   last, which is for `full-scan`, `non-sargable` and `sort-spill`.
    pub static META = {
        slug: "deep-offset",
        summary: "pages far behind are reached by skipping rows",
        summary_ko: "뒤쪽 페이지에 가려고 앞의 행을 모두 읽고 버리는 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "statement text with values, or row counts (MySQL, MariaDB slow log; auto_explain)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.deep-offset]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows skipped (a power of ten), or examined, per run: fewer are skipped within a few milliseconds.
    pub min_rows: u64,
    /// Rows examined per row sent: nearly all that is read is skipped.
    pub min_ratio: f64,
    /// Rows skipped per row examined: half, less what rounding an offset to its first digit takes away.
    pub min_share: f64,
    /// Rows read for the costliest page against the cheapest: half as many again are no accident of the data.
    pub min_growth: f64,
    /// Runs in the interval: one look at the last page is no walk.
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
            min_share: paging::MOST,
            min_growth: 1.5,
            min_runs: 3,
            min_load: 0.2,
            min_slow: 1.0,
            min_critical_load: 2.0,
        }
    }
}

/// Finds pages that are reached by skipping rows.
#[derive(Debug)]
pub struct DeepOffset(Settings);

impl DeepOffset {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for DeepOffset {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let Some(shape) = profile.statement.shape().filter(|shape| pages(shape)) else {
            return Verdict::Clear;
        };
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        if !(weight.load >= self.0.min_load || slow) {
            return Verdict::Clear;
        }
        match paging::told(profile) {
            Some(offsets) => self.by_offset(profile, shape, weight, offsets),
            None => self.by_rows(profile, shape, weight),
        }
    }
}

impl DeepOffset {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    /// The texts tell how far behind the pages are.
    fn by_offset(
        &self,
        profile: &QueryProfile,
        shape: &Shape,
        weight: Weight,
        offsets: &Offsets,
    ) -> Verdict {
        let deep = offsets.at_least(self.0.min_rows);
        let effort = Effort::of(profile);
        let is_skipping = |effort: Effort| {
            let explains = paging::explains(profile, offsets, effort.examined, self.0.min_share);
            explains && effort.ratio() >= self.0.min_ratio
        };
        if deep == 0 || !effort.is_none_or(is_skipping) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        if deep < self.0.min_runs {
            return Verdict::Clear;
        }
        let far = Evidence::measure(
            "runs_far_behind",
            number(deep),
            number(self.0.min_runs),
            Unit::Count,
        );
        let skipped = paging::skipped(offsets);
        let skipped = Evidence::context("rows_skipped_per_run", skipped, Unit::Rows);
        let draft = match effort {
            Some(effort) => Draft::new(&META, profile, effort.wasted(self.0.min_ratio)).with(far),
            None => Draft::new(&META, profile, far),
        };
        self.report(draft.with(skipped), profile, shape, weight)
    }

    /// The texts have placeholders: what is read tells.
    fn by_rows(&self, profile: &QueryProfile, shape: &Shape, weight: Weight) -> Verdict {
        if !is_of_one_list(shape) {
            return Verdict::Clear;
        }
        let Some(effort) = Effort::of(profile) else {
            return self.insufficient(0);
        };
        let deep = effort.examined >= number(self.0.min_rows);
        let skips = effort.ratio() >= self.0.min_ratio;
        if !deep || !skips || !self.is_for_the_offset(profile, shape) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        let draft = Draft::new(&META, profile, effort.wasted(self.0.min_ratio))
            .with(effort.read(self.0.min_rows));
        self.report(draft, profile, shape, weight)
    }

    /// Whether rows are read to be skipped, and not to be filtered or sorted.
    fn is_for_the_offset(&self, profile: &QueryProfile, shape: &Shape) -> bool {
        let way = plan::way(profile);
        let chooses = !shape.predicates.is_empty() || !shape.joins.is_empty();
        let is_told = way != Way::Untold;
        let in_order = !plan::sorts(profile) && (is_told || shape.order_by.is_empty());
        let nothing_else = in_order && !chooses;
        let by_index = in_order && way == Way::Index;
        let filters_a_scan = chooses && way == Way::Scan;
        nothing_else || by_index || (!filters_a_scan && self.grows(profile.load.rows_examined))
    }

    fn grows(&self, examined: Option<RowLoad>) -> bool {
        examined.is_some_and(|rows| number(rows.max) >= number(rows.min.max(1)) * self.0.min_growth)
    }

    fn report(
        &self,
        draft: Draft<'_>,
        profile: &QueryProfile,
        shape: &Shape,
        weight: Weight,
    ) -> Verdict {
        let deepest = profile
            .load
            .rows_examined
            .map(|rows| Evidence::context("rows_examined_at_most", number(rows.max), Unit::Rows));
        let instead = keyset(&shape.order_by).map(|text| Evidence::clause("use_instead", &text));
        draft
            .with_all(deepest)
            .with_all(instead)
            .costing(weight)
            .severity(weight.severity(self.0.min_critical_load))
            .advice_if(is_rare(profile, self.0.min_runs))
            .remedy(advise(
                "page by key: remember the sort key of the last row shown and ask for rows behind it, with the primary key as last sort key; an index on the sort keys then reads one page only",
            ))
            .remedy(advise(
                "until then limit how far back people and crawlers may page, or skip over the index alone and join the page's rows by primary key",
            ))
            .found()
    }
}

/// Whether the statement shows one of many pages.
fn pages(shape: &Shape) -> bool {
    let groups = shape.aggregates || !shape.group_by.is_empty();
    shape.skips && shape.kind == StatementKind::Select && !groups
}

/// Whether what is read can be read for nothing but the page: the page is no part of something larger.
fn is_of_one_list(shape: &Shape) -> bool {
    let outermost = shape.limit.is_some_and(|limit| limit.offset);
    !shape.distinct && (outermost || shape.tables.len() == 1)
}

/// The condition that takes the place of the offset; `None` where the sort keys are not all columns of one direction.
fn keyset(order: &[SortKey]) -> Option<String> {
    let first = order.first()?;
    let same = order.iter().all(|key| key.descending == first.descending);
    let columns: Option<Vec<&str>> = order
        .iter()
        .map(|key| Some(&*key.column.as_ref()?.column))
        .collect();
    let columns = columns.filter(|_| same)?;
    let than = if first.descending { "<" } else { ">" };
    let values = vec!["?"; columns.len()].join(", ");
    Some(match columns[..] {
        [only] => format!("{only} {than} ?"),
        _ => format!("({}) {than} ({values})", columns.join(", ")),
    })
}

//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::pattern::{Loss, statement};
use crate::detect::basis::weight::{Weight, number, part, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, PageCount};
use crate::model::subject::{Companion, QueryProfile};

declare_detector! {
    /// ## What it sees
    /// A `COUNT` that runs beside each page of a list, over the same tables with the same conditions, and costs as much
    /// as the page or more.
    ///
    /// ## Why it hurts
    /// A page reads twenty rows and stops; the count behind "page 1 of 5,214" reads every row that matches. Page
    /// objects of ORMs and admin interfaces run it unasked, at every click.
    ///
    /// ## How it decides
    /// The statement counts rows and nothing else, and in the same interval the same service ran a `SELECT ... LIMIT` on
    /// the same tables with the same conditions (values aside, in whatever order), and
    /// - runs of the pages / runs of the count >= `min_pages_per_count`;
    /// - mean time of the count / mean time of the pages >= `min_ratio`;
    /// - time lost per second (of the last minute, or the busiest of a file) >= `min_load`;
    /// - runs of the count >= `min_runs`.
    ///
    /// In traces the count and the page are of one request: no threshold hides either, `min_pages_per_count` holds by itself,
    /// and the finding names the operation.
    ///
    /// A log with a threshold leaves out fast pages: without a companion there the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT COUNT(*) FROM orders WHERE shop_id = 7;   -- beside SELECT ... WHERE shop_id = 7 ORDER BY id LIMIT 20
    /// -- Use instead: one row more than is shown, to know whether there is a next page
    /// SELECT id, total FROM orders WHERE shop_id = 7 ORDER BY id LIMIT 21;
    /// ```
    ///
    /// ## False alarms
    /// - A count without pages, as of a dashboard: silent.
    /// - A count that is cheaper than the page, or rare beside it because it is cached: silent by `min_ratio`, `min_load`.
    /// - A count with other conditions than the page: silent.
    /// - Not seen: `SQL_CALC_FOUND_ROWS`, which counts within the page query. No log tells what the page alone would have
    ///   cost, nor whether anybody needs the number; its rows examined speak for themselves in `full-scan` and `load-hog`.
    pub static META = {
        slug: "needless-count",
        summary: "every page of a list also counts all its rows",
        summary_ko: "목록을 한 페이지 보여 줄 때마다 전체 행 수를 다시 세는 쿼리",
        urgency: Urgency::Chronic,
        severity: Severity::Info,
        needs: "a log of nearly every statement, or traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.needless-count]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs of the pages for one of the count: with fewer, something else asks for the count too.
    pub min_pages_per_count: f64,
    /// Time of the count against that of the page: it at least doubles what a click costs.
    pub min_ratio: f64,
    /// Seconds of run time of the count per second: a twentieth of a connection is worth advice.
    pub min_load: f64,
    /// Runs of the count: fewer are no habit.
    pub min_runs: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_pages_per_count: 0.5,
            min_ratio: 1.0,
            min_load: 0.05,
            min_runs: 10,
        }
    }
}

const ONE_MORE: &str = "fetch one row more than the page shows: it tells whether there is a next page, which is all that most lists need";

const COUNT_ONCE: &str = "where a number must be shown, count once per search and keep it, stop counting at a limit (1,000+), or show the estimate of the planner";

/// Finds counts beside pages.
#[derive(Debug)]
pub struct NeedlessCount(Settings);

impl NeedlessCount {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for NeedlessCount {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let counts = profile.statement.shape().is_some_and(|shape| shape.counts);
        let weight = Weight::of(profile);
        if !(counts && weight.load >= self.0.min_load) {
            return Verdict::Clear;
        }
        let pages = Pages::of(profile);
        let beside = pages.per_count >= self.0.min_pages_per_count;
        let costly = pages.ratio >= self.0.min_ratio;
        let Some(most) = profile.companions.first().filter(|_| beside) else {
            return self.without_pages(profile);
        };
        if !costly {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        self.report(profile, weight, &pages, most)
    }
}

impl Detector<OperationProfile> for NeedlessCount {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let costly = profile.counts.iter().filter(|beside| {
            let load = times(beside.load.busy, profile.span.duration());
            load >= self.0.min_load && times(beside.load.busy, beside.page_busy) >= self.0.min_ratio
        });
        let Some(most) = costly.max_by_key(|beside| beside.load.busy) else {
            return Verdict::Clear;
        };
        if most.load.runs < self.0.min_runs {
            return self.insufficient(most.load.runs);
        }
        self.report_beside(profile, most)
    }
}

impl NeedlessCount {
    fn report_beside(&self, profile: &OperationProfile, found: &PageCount) -> Verdict {
        let ratio = times(found.load.busy, found.page_busy);
        let name = "count_time_vs_page_time";
        let crossed = Evidence::measure(name, ratio, self.0.min_ratio, Unit::Ratio);
        let share = Loss::of(&found.load).share;
        Draft::of_operation(&META, profile, crossed)
            .about(&found.count, &found.target)
            .with(statement("page_query", &found.page))
            .with(Evidence::context("share_of_request", share, Unit::Share))
            .seen_in(profile, &found.load)
            .severity(Severity::Info)
            .remedy(advise(ONE_MORE))
            .remedy(advise(COUNT_ONCE))
            .found()
    }

    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    /// Pages that are fast are not in a log with a threshold.
    fn without_pages(&self, profile: &QueryProfile) -> Verdict {
        if profile.coverage.is_complete() {
            Verdict::Clear
        } else {
            self.insufficient(0)
        }
    }

    fn report(
        &self,
        profile: &QueryProfile,
        weight: Weight,
        pages: &Pages,
        most: &Companion,
    ) -> Verdict {
        let name = "count_time_vs_page_time";
        let crossed = Evidence::measure(name, pages.ratio, self.0.min_ratio, Unit::Ratio);
        let name = "pages_per_count";
        let min_pages = self.0.min_pages_per_count;
        Draft::new(&META, profile, crossed)
            .with(Evidence::measure(
                name,
                pages.per_count,
                min_pages,
                Unit::Ratio,
            ))
            .with(Evidence::Statement {
                fingerprint: most.statement.fingerprint,
                template: most.statement.template.clone(),
                role: "page_query".into(),
            })
            .costing(weight)
            .severity(Severity::Info)
            .remedy(advise(ONE_MORE))
            .remedy(advise(COUNT_ONCE))
            .found()
    }
}

/// The pages that ran beside a count.
struct Pages {
    per_count: f64,
    /// Time of a count against that of a page.
    ratio: f64,
}

impl Pages {
    fn of(profile: &QueryProfile) -> Self {
        let all = profile.companions.iter();
        let runs = all
            .clone()
            .fold(0_u64, |sum, page| sum.saturating_add(page.count));
        let time = all.map(|page| page.elapsed).fold(
            std::time::Duration::ZERO,
            std::time::Duration::saturating_add,
        );
        let time_ratio = times(profile.load.elapsed.total, time);
        Self {
            per_count: part(runs, profile.load.count),
            ratio: time_ratio * number(runs) / number(profile.load.count.max(1)),
        }
    }
}

//! See [`META`].

use crate::detect::basis::stack::read_at_once;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, StatementLoop};
use crate::model::sql::StatementKind;

pub use crate::detect::basis::loops::Settings;

declare_detector! {
    /// ## What it sees
    /// A `SELECT` that one request runs again and again with other values: one query for a list, then one for each of its
    /// rows.
    ///
    /// ## Why it hurts
    /// Each run is fast, and no slow log shows it; but each waits for the network, and the list grows. A page of fifty rows
    /// waits fifty times.
    ///
    /// ## How it decides
    /// Of the requests of one operation that run a statement three times or more below one span (or below spans of one
    /// kind, as an ORM makes one for each call), in a row or at once, whatever runs between:
    /// - runs in a request >= `min_runs`;
    /// - share of the request's critical path that is the runs' >= `min_share`: what runs beside something slower costs
    ///   nobody anything;
    /// - time of a request that one statement in the place of many would save (critical path of the runs less the
    ///   fastest of them) >= `min_saving`;
    /// - requests that show it >= `min_requests`, or one with `huge_runs`.
    ///
    /// It may open an incident from a saving of `alarm_saving`, or from a share of `alarm_share`; below, it is advice.
    /// Failed runs are not counted. Runs of two instrumentations count once. Each finding says how sure it is: different
    /// values, a read right before the loop, and the server's log speak for it.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id FROM orders WHERE customer = 7;      -- 50 rows, and then for each of them:
    /// SELECT name FROM items WHERE order_id = 101;
    /// -- Use instead:
    /// SELECT order_id, name FROM items WHERE order_id IN (101, 102, 103);
    /// ```
    ///
    /// ## False alarms
    /// - The same statement with the same values: a repeat, see `cacheable-read`; silent here.
    /// - Different statements, however many: silent.
    /// - Jobs and handlers of messages, for which nobody waits: silent, unless `jobs` is set.
    /// - A loop that costs one per cent of the request: silent by `min_share`.
    pub static META = {
        slug: "n-plus-one",
        summary: "a request runs one query for each row of a list",
        summary_ko: "목록의 행마다 조회 쿼리를 한 번씩 실행하는 요청 (N+1)",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// Finds loops of reads.
#[derive(Debug)]
pub struct NPlusOne(Settings);

impl NPlusOne {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for NPlusOne {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        self.0
            .judge(profile, reads, |found| self.report(profile, found))
    }
}

/// A loop over rows that reads, and does not ask the same again.
fn reads(found: &StatementLoop) -> bool {
    found.statement.kind() == StatementKind::Select && !found.same
}

impl NPlusOne {
    fn report(&self, profile: &OperationProfile, found: &StatementLoop) -> Finding {
        let draft = self.0.draft(&META, profile, found);
        draft.remedy(read_at_once(&profile.language)).finish()
    }
}

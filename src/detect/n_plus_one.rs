//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::Draft;
use crate::detect::basis::pattern::Loss;
use crate::detect::basis::stack::read_at_once;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, Role, StatementLoop};
use crate::model::sql::StatementKind;

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

/// `[detect.n-plus-one]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs in a request, on average: fewer are quickly written out by hand.
    pub min_runs: f64,
    /// Share of the request's critical path, 0 to 1: a tenth of the waiting is worth a change.
    pub min_share: f64,
    /// Time saved in a request, on average: less is within what the network wavers by.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_saving: Duration,
    /// Requests that show it: the first may be a cache that warms up.
    pub min_requests: u64,
    /// Runs in one request that need no second one.
    pub huge_runs: u64,
    /// Time saved in a request from which people feel it.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub alarm_saving: Duration,
    /// Share of the request from which it is most of the waiting, 0 to 1.
    pub alarm_share: f64,
    /// Whether work that nobody waits for is looked at, too.
    pub jobs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_runs: 5.0,
            min_share: 0.1,
            min_saving: Duration::from_millis(10),
            min_requests: 3,
            huge_runs: 50,
            alarm_saving: Duration::from_millis(50),
            alarm_share: 0.5,
            jobs: false,
        }
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
        if profile.role == Role::Job && !self.0.jobs {
            return Verdict::Clear;
        }
        let loops = profile.loops.iter();
        let costly: Vec<&StatementLoop> = loops.filter(|l| reads(l) && self.is_costly(l)).collect();
        let most = costly.iter().map(|l| l.load.requests).max();
        let often: Vec<_> = costly.into_iter().filter(|l| self.is_often(l)).collect();
        match most {
            None => Verdict::Clear,
            Some(seen) if often.is_empty() => Verdict::Insufficient {
                seen,
                needed: self.0.min_requests,
            },
            Some(_) => Verdict::Found(often.iter().map(|l| self.report(profile, l)).collect()),
        }
    }
}

/// A loop over rows that reads, and does not ask the same again.
fn reads(found: &StatementLoop) -> bool {
    found.statement.kind() == StatementKind::Select && !found.same
}

impl NPlusOne {
    fn is_costly(&self, found: &StatementLoop) -> bool {
        let loss = Loss::of(&found.load);
        loss.runs >= self.0.min_runs
            && loss.share >= self.0.min_share
            && loss.saving >= self.0.min_saving.as_secs_f64()
    }

    fn is_often(&self, found: &StatementLoop) -> bool {
        found.load.requests >= self.0.min_requests || found.load.most >= self.0.huge_runs
    }

    fn report(&self, profile: &OperationProfile, found: &StatementLoop) -> Finding {
        let loss = Loss::of(&found.load);
        let crossed =
            Evidence::measure("runs_per_request", loss.runs, self.0.min_runs, Unit::Count);
        let share = Evidence::measure(
            "share_of_request",
            loss.share,
            self.0.min_share,
            Unit::Share,
        );
        let min_saving = self.0.min_saving.as_secs_f64();
        let saving =
            Evidence::measure("saving_per_request", loss.saving, min_saving, Unit::Seconds);
        let is_felt =
            loss.saving >= self.0.alarm_saving.as_secs_f64() || loss.share >= self.0.alarm_share;
        Draft::of_operation(&META, profile, crossed)
            .about(&found.statement, &found.target)
            .with(share)
            .with(saving)
            .told_by(found)
            .seen_in(profile, &found.load)
            .again(&found.load)
            .advice_if(!is_felt)
            .remedy(read_at_once(&profile.language))
            .finish()
    }
}

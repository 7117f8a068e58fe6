//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::Draft;
use crate::detect::basis::pattern::Loss;
use crate::detect::basis::stack::write_at_once;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, Role, StatementLoop};
use crate::model::sql::StatementKind;

declare_detector! {
    /// ## What it sees
    /// A request that writes its rows one by one: the same `INSERT`, `UPDATE` or `DELETE` for each of them.
    ///
    /// ## Why it hurts
    /// Each row waits for the network, and without a transaction for the disk. Fifty elements of a letter are fifty waits,
    /// and locks are held all the while.
    ///
    /// ## How it decides
    /// Of the requests of one operation that run a writing statement three times or more below one span (or below spans
    /// of one kind), in a row or at once:
    /// - runs in a request >= `min_runs`;
    /// - share of the request's critical path that is the runs' >= `min_share`;
    /// - time of a request that one statement in the place of many would save >= `min_saving`;
    /// - requests that show it >= `min_requests`, or one with `huge_runs`.
    ///
    /// It may open an incident from a saving of `alarm_saving`, or from a share of `alarm_share`; below, it is advice.
    /// Failed runs are not counted. What the program itself calls a batch is left to `batch-not-effective`.
    ///
    /// ## Example
    /// ```sql
    /// INSERT INTO elements (letter, text) VALUES (7, 'a');   -- and 49 more
    /// -- Use instead:
    /// INSERT INTO elements (letter, text) VALUES (7, 'a'), (7, 'b'), (7, 'c');
    /// ```
    ///
    /// ## False alarms
    /// - Three statements of a request that writes a head and two lines: silent by `min_runs`.
    /// - An import that a job does: silent, unless `jobs` is set.
    /// - Tries of a failed statement: not counted.
    pub static META = {
        slug: "insert-loop",
        summary: "a request writes its rows one by one",
        summary_ko: "행을 한 건씩 따로 저장하는 요청",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.insert-loop]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs in a request, on average: a head and a few lines are no loop.
    pub min_runs: f64,
    /// Share of the request's critical path, 0 to 1: a tenth of the waiting is worth a change.
    pub min_share: f64,
    /// Time saved in a request, on average: less is within what the network wavers by.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_saving: Duration,
    /// Requests that show it: one may be the first of its kind.
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

/// Finds loops of writes.
#[derive(Debug)]
pub struct InsertLoop(Settings);

impl InsertLoop {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for InsertLoop {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        if profile.role == Role::Job && !self.0.jobs {
            return Verdict::Clear;
        }
        let loops = profile.loops.iter();
        let costly: Vec<&StatementLoop> =
            loops.filter(|l| writes(l) && self.is_costly(l)).collect();
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

/// A loop that writes, and is not called a batch.
fn writes(found: &StatementLoop) -> bool {
    let kind = found.statement.kind();
    let writes = matches!(
        kind,
        StatementKind::Insert
            | StatementKind::Replace
            | StatementKind::Update
            | StatementKind::Delete
            | StatementKind::Merge
    );
    writes && found.batched == 0
}

impl InsertLoop {
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
        let mut draft = Draft::of_operation(&META, profile, crossed)
            .about(&found.statement, &found.target)
            .with(share)
            .with(saving)
            .told_by(found)
            .seen_in(profile, &found.load)
            .again(&found.load)
            .advice_if(!is_felt);
        for remedy in write_at_once(&profile.language, found.target.system) {
            draft = draft.remedy(remedy);
        }
        draft.finish()
    }
}

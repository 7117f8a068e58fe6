//! When a statement that a request runs again and again is a problem; the same of reads and of writes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::DetectorMeta;
use crate::detect::basis::draft::Draft;
use crate::detect::basis::pattern::Loss;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Verdict};
use crate::model::operation::{OperationProfile, Role, StatementLoop};

/// `[detect.n-plus-one]`, `[detect.insert-loop]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs in a request, on average: fewer are quickly written out by hand, as a head and a few lines are.
    pub min_runs: f64,
    /// Share of the request's critical path, 0 to 1: a tenth of the waiting is worth a change.
    pub min_share: f64,
    /// Time saved in a request, on average: less is within what the network wavers by.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_saving: Duration,
    /// Requests that show it: the first may be a cache that warms up, or the only one of its kind.
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

impl Settings {
    /// Judges the loops of an operation that are of the detector's `kind`.
    pub(in crate::detect) fn judge(
        &self,
        profile: &OperationProfile,
        kind: fn(&StatementLoop) -> bool,
        report: impl Fn(&StatementLoop) -> Finding,
    ) -> Verdict {
        if profile.role == Role::Job && !self.jobs {
            return Verdict::Clear;
        }
        let loops = profile.loops.iter();
        let costly: Vec<_> = loops.filter(|l| kind(l) && self.is_costly(l)).collect();
        let most = costly.iter().map(|l| l.load.requests).max();
        let often: Vec<_> = costly.into_iter().filter(|l| self.is_often(l)).collect();
        match most {
            None => Verdict::Clear,
            Some(seen) if often.is_empty() => Verdict::Insufficient {
                seen,
                needed: self.min_requests,
            },
            Some(_) => Verdict::Found(often.into_iter().map(report).collect()),
        }
    }

    fn is_costly(&self, found: &StatementLoop) -> bool {
        let loss = Loss::of(&found.load);
        loss.runs >= self.min_runs
            && loss.share >= self.min_share
            && loss.saving >= self.min_saving.as_secs_f64()
    }

    fn is_often(&self, found: &StatementLoop) -> bool {
        found.load.requests >= self.min_requests || found.load.most >= self.huge_runs
    }

    /// What a loop shows, without its remedies.
    pub(in crate::detect) fn draft<'a>(
        &self,
        meta: &'static DetectorMeta,
        profile: &'a OperationProfile,
        found: &'a StatementLoop,
    ) -> Draft<'a> {
        let loss = Loss::of(&found.load);
        let crossed = Evidence::measure("runs_per_request", loss.runs, self.min_runs, Unit::Count);
        let share = Evidence::measure("share_of_request", loss.share, self.min_share, Unit::Share);
        let min_saving = self.min_saving.as_secs_f64();
        let saving =
            Evidence::measure("saving_per_request", loss.saving, min_saving, Unit::Seconds);
        let is_felt =
            loss.saving >= self.alarm_saving.as_secs_f64() || loss.share >= self.alarm_share;
        Draft::of_operation(meta, profile, crossed)
            .about(&found.statement, &found.target)
            .with(share)
            .with(saving)
            .told_by(found)
            .seen_in(profile, &found.load)
            .again(&found.load)
            .advice_if(!is_felt)
    }
}

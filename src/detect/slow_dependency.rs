//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::pattern::Loss;
use crate::detect::basis::weight::{part, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, PeerLoad, Role};

declare_detector! {
    /// ## What it sees
    /// Requests that wait for somebody else, by name: another service, a cache, a queue. The database is not the cause.
    ///
    /// ## Why it hurts
    /// Whoever looks at slow queries looks in the wrong place. The request holds its thread, and often a connection of the
    /// pool, for as long as the other takes.
    ///
    /// ## How it decides
    /// Of the requests of an operation that ask the peer:
    /// - share of the critical path that is the peer's >= `min_share`;
    /// - time of the critical path that is the peer's, per request >= `min_wait`;
    /// - requests that show it >= `min_requests`.
    ///
    /// It is an alarm where the peer takes `min_rise` times what it took in the hour before, or where that is not known; one
    /// that takes as long as ever is advice. Time by clocks of other machines is not compared: what counts is how long the
    /// asking span took.
    ///
    /// ## Example
    /// ```sql
    /// -- GET /boards takes 742 ms, of which redis-a takes 680 ms since 08:15 (2 ms before), and the database
    /// SELECT id, title FROM boards WHERE school = 3 LIMIT 20;   -- 12 ms, as ever
    /// -- Use instead: a timeout near the usual time, and an answer without the peer
    /// ```
    ///
    /// ## False alarms
    /// - An operation that only passes on to another service: as long as that takes what it used to, advice at most.
    /// - Calls in the background, beside slower work: silent, they are not on the critical path.
    /// - A job: silent, nobody waits.
    pub static META = {
        slug: "slow-dependency",
        summary: "requests wait for another service, a cache or a queue",
        summary_ko: "데이터베이스가 아니라 다른 서비스나 캐시를 기다리는 요청",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.slow-dependency]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Share of the critical path, 0 to 1: the peer takes more than all else together.
    pub min_share: f64,
    /// Time waited in a request, on average: less is not felt.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_wait: Duration,
    /// Requests that show it: a few may meet one hiccup.
    pub min_requests: u64,
    /// Times the mean time of the hour before: less is how it always was.
    pub min_rise: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_share: 0.5,
            min_wait: Duration::from_millis(200),
            min_requests: 3,
            min_rise: 2.0,
        }
    }
}

/// Finds peers that requests wait for.
#[derive(Debug)]
pub struct SlowDependency(Settings);

impl SlowDependency {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for SlowDependency {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        if profile.role == Role::Job {
            return Verdict::Clear;
        }
        // The requests that do not ask the peer have no part in it.
        let waits = profile.peers.iter().filter(|peer| self.is_waited_for(peer));
        let Some(peer) = waits.max_by_key(|peer| peer.load.critical) else {
            return Verdict::Clear;
        };
        if peer.load.requests < self.0.min_requests {
            return Verdict::Insufficient {
                seen: peer.load.requests,
                needed: self.0.min_requests,
            };
        }
        Verdict::Found(vec![self.report(profile, peer)])
    }
}

impl SlowDependency {
    fn is_waited_for(&self, peer: &PeerLoad) -> bool {
        let wait = peer.load.critical.as_secs_f64() / part(peer.load.requests.max(1), 1);
        !peer.name.is_empty()
            && Loss::of(&peer.load).share >= self.0.min_share
            && wait >= self.0.min_wait.as_secs_f64()
    }

    fn report(&self, profile: &OperationProfile, peer: &PeerLoad) -> Finding {
        let load = &peer.load;
        let share = Loss::of(load).share;
        let crossed = Evidence::measure("share_of_request", share, self.0.min_share, Unit::Share);
        let wait = load.critical.as_secs_f64() / part(load.requests.max(1), 1);
        let min_wait = self.0.min_wait.as_secs_f64();
        let now = load.busy.as_secs_f64() / part(load.runs.max(1), 1);
        let before = peer.before.filter(|before| !before.is_zero());
        let rise = before.map(|before| times(load.busy, before) / part(load.runs.max(1), 1));
        let is_usual = rise.is_some_and(|rise| rise < self.0.min_rise);
        let trend = before.map(|before| Evidence::Trend {
            name: "time_of_a_call".into(),
            before: before.as_secs_f64(),
            now,
            unit: Unit::Seconds,
            basis: "previous hour".into(),
        });
        let database = times(profile.load.database, profile.load.elapsed.total);
        let failed = part(peer.failed, load.runs.max(1));
        Draft::of_operation(&META, profile, crossed)
            .with(Evidence::clause("peer", &peer.name))
            .with(Evidence::clause("peer_system", &peer.system))
            .with(Evidence::measure("wait_per_request", wait, min_wait, Unit::Seconds))
            .with_all(trend)
            .with(Evidence::context("database_share_of_requests", database, Unit::Share))
            .with_all((failed > 0.0).then(|| Evidence::context("failed_calls", failed, Unit::Share)))
            .seen_in(profile, load)
            .advice_if(is_usual)
            .remedy(advise(
                "give the call a timeout near its usual time and an answer without it, and ask those who run the other service since when it is slow",
            ))
            .remedy(advise(
                "hold no connection and no transaction of the database while you wait for somebody else",
            ))
            .finish()
    }
}

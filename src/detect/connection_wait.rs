//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::pattern::{Loss, statement};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{ConnectionWait as Wait, OperationProfile};

declare_detector! {
    /// ## What it sees
    /// Requests that wait for a connection of the pool, and the statement that held the connections meanwhile.
    ///
    /// ## Why it hurts
    /// Statements that are fast in themselves stand in a queue behind slow ones, so that every part of the service is slow,
    /// and at last fails with a timeout of the pool.
    ///
    /// ## How it decides
    /// Of the requests of an operation that ask a pool or a driver for a connection (`getConnection`, `pool.connect`):
    /// - share of the critical path that is the waiting >= `min_share`;
    /// - time waited in a request >= `min_wait`;
    /// - requests that show it >= `min_requests`.
    ///
    /// The statement of the service that ran for longest while the slowest of them waited is named as the one that holds the
    /// connections, with its share of the run time; from `min_holder_share` on the problem is told as one of that statement. It is
    /// critical from a wait of `min_critical_wait` on.
    ///
    /// ## Example
    /// ```sql
    /// -- GET /notes takes 3.2 s, of which getConnection takes 3.1 s: all ten connections run
    /// SELECT id FROM notes WHERE user_id = 7 UNION SELECT id FROM chats WHERE user_id = 7;
    /// -- Use instead: a faster statement, with a statement timeout; a larger pool only moves the queue into the server
    /// ```
    ///
    /// ## False alarms
    /// - A pool that opens its first connections: silent by `min_requests` and `min_wait`.
    /// - Jobs that share a pool wait as requests do: they are judged, too.
    pub static META = {
        slug: "connection-wait",
        summary: "requests wait for a connection of the pool",
        summary_ko: "커넥션 풀에서 연결을 기다리는 요청",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "traces with spans of the pool",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.connection-wait]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Share of the critical path, 0 to 1: a fifth of the waiting is no matter of the statements.
    pub min_share: f64,
    /// Time waited in a request, on average: a connection is opened in less.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_wait: Duration,
    /// Requests that show it: a few may meet a pool that has just begun.
    pub min_requests: u64,
    /// Share of the service's run time from which one statement is what holds the connections, 0 to 1.
    pub min_holder_share: f64,
    /// Time waited in a request at which it is critical: people give up.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_critical_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_share: 0.2,
            min_wait: Duration::from_millis(100),
            min_requests: 5,
            min_holder_share: 0.3,
            min_critical_wait: Duration::from_secs(1),
        }
    }
}

/// Finds waits for connections.
#[derive(Debug)]
pub struct ConnectionWait(Settings);

impl ConnectionWait {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for ConnectionWait {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let long = profile.waits.iter().filter(|wait| self.is_long(wait));
        let is_seen_enough = |wait: &Wait| wait.load.requests >= self.0.min_requests;
        let Some(wait) = long.max_by_key(|wait| (is_seen_enough(wait), wait.load.critical)) else {
            return Verdict::Clear;
        };
        if !is_seen_enough(wait) {
            return Verdict::Insufficient {
                seen: wait.load.requests,
                needed: self.0.min_requests,
            };
        }
        Verdict::Found(vec![self.report(profile, wait)])
    }
}

impl ConnectionWait {
    fn is_long(&self, wait: &Wait) -> bool {
        let loss = Loss::of(&wait.load);
        loss.share >= self.0.min_share && loss.saving >= self.0.min_wait.as_secs_f64()
    }

    fn report(&self, profile: &OperationProfile, wait: &Wait) -> Finding {
        let loss = Loss::of(&wait.load);
        let min_wait = self.0.min_wait.as_secs_f64();
        let crossed = Evidence::measure("wait_per_request", loss.saving, min_wait, Unit::Seconds);
        let share = Evidence::measure(
            "share_of_request",
            loss.share,
            self.0.min_share,
            Unit::Share,
        );
        let severity = if loss.saving >= self.0.min_critical_wait.as_secs_f64() {
            Severity::Critical
        } else {
            Severity::Warning
        };
        let mut draft = Draft::of_operation(&META, profile, crossed)
            .with(share)
            .severity(severity);
        if !wait.pool.is_empty() {
            draft = draft.with(Evidence::clause("pool", &wait.pool));
        }
        let holds = |share: f64| share >= self.0.min_holder_share;
        if let Some(holder) = wait.holder.as_ref().filter(|holder| holds(holder.share)) {
            let min = self.0.min_holder_share;
            draft = draft
                .about(&holder.statement, &holder.target)
                .with(statement("connection_holder", &holder.statement))
                .with(Evidence::measure("holder_share_of_run_time", holder.share, min, Unit::Share))
                .remedy(advise(
                    "make the statement that holds the connections faster, and give it a statement timeout: a larger pool only moves the queue into the server",
                ));
        }
        draft
            .seen_in(profile, &wait.load)
            .remedy(advise(
                "take a connection late and give it back before you wait for anybody else; watch the pool's use against its size",
            ))
            .finish()
    }
}

//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::errors::{burst_before, within_a_minute};
use crate::detect::basis::weight::number;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::ErrorClass;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::subject::{ErrorBaseline, ErrorProfile, TotalLoad};

declare_detector! {
    /// ## What it sees
    /// Clients that get no connection: all slots are taken, the server is starting or stopping, the program's own pool is
    /// empty, or connections break.
    ///
    /// ## Why it hurts
    /// Whoever gets no connection gets an error, whatever the statement. More connections are rarely the answer: they are
    /// held by statements that take too long, by sessions that nobody closes, or by more instances than the server was set
    /// up for.
    ///
    /// ## How it decides
    /// At least `min_refusals` of one kind within a minute; of connections that broke `min_broken`, for clients come and
    /// go. As many a second time within the hour are told at once, however far from the first. Where the same log shows the load, the load of now is held against that of the hour before: >= `min_load_ratio`
    /// times as many statements, or as much run time, and the refusals come *with load*; else *without load*, which points
    /// to sessions that are not closed, to a restart, or to the network. Refusals are critical, broken connections are not.
    ///
    /// ## Example
    /// ```sql
    /// -- FATAL: sorry, too many clients already
    /// -- First aid: see who holds the connections, before you raise the limit
    /// SELECT usename, application_name, state, count(*), max(now() - state_change) FROM pg_stat_activity GROUP BY 1, 2, 3;
    /// ```
    ///
    /// ## False alarms
    /// - A planned restart: clients are refused for seconds; below `min_refusals`, or true for as long.
    /// - A wrong password is no refusal: see `error-burst`.
    /// - Health checks that open a port and close it: broken connections; raise `min_broken`.
    pub static META = {
        slug: "connection-refusal",
        summary: "clients get no connection to the database, or lose it",
        summary_ko: "클라이언트가 데이터베이스에 연결하지 못하거나 연결이 끊김",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "PostgreSQL's log, the error log of MySQL or MariaDB, or an application's log ([[log]])",
        about: About::Server,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.connection-refusal]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Refusals of one kind within a minute: one may be a race with a client that leaves.
    pub min_refusals: u64,
    /// Broken connections within a minute: one every three seconds is no client that was closed.
    pub min_broken: u64,
    /// Load of now against the hour before, from which on there is more load than usual.
    pub min_load_ratio: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_refusals: 3,
            min_broken: 20,
            min_load_ratio: 2.0,
        }
    }
}

/// Finds clients that get no connection.
#[derive(Debug)]
pub struct ConnectionRefusal(Settings);

impl ConnectionRefusal {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<ErrorProfile> for ConnectionRefusal {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        let (needed, severity) = match profile.family.class {
            ErrorClass::ConnectionRefused => (self.0.min_refusals, Severity::Critical),
            ErrorClass::ConnectionAborted => (self.0.min_broken, Severity::Warning),
            _ => return Verdict::Clear,
        };
        let seen = within_a_minute(profile);
        if seen < needed {
            return Verdict::Insufficient { seen, needed };
        }
        let name = "refusals_within_a_minute";
        let crossed = Evidence::measure(name, number(seen), number(needed), Unit::Count);
        let load = profile
            .baseline
            .and_then(|before| load_ratio(profile, &before));
        let is_loaded = load.map(|ratio| ratio >= self.0.min_load_ratio);
        let clients = profile.load.clients.iter();
        Draft::of_errors(&META, profile, crossed)
            .with_all(load.map(|ratio| Evidence::context("load_vs_before", ratio, Unit::Ratio)))
            .with_all(clients.map(|client| Evidence::clause("client_host", client)))
            .severity(severity)
            .recurring_if(burst_before(profile, needed))
            .remedy(advise(remedy(profile.family.class, is_loaded)))
            .found()
    }
}

/// The larger of statements per second and run time per second, as multiples of before; `None` where the source shows
/// no load, now or before.
fn load_ratio(profile: &ErrorProfile, before: &ErrorBaseline) -> Option<f64> {
    if profile.total.count == 0 || before.total.count == 0 {
        return None;
    }
    let rates = |total: TotalLoad, seconds: f64| {
        let busy = total.elapsed.as_secs_f64() / seconds;
        (number(total.count) / seconds, busy)
    };
    let now = rates(
        profile.total,
        profile.span.duration().as_secs_f64().max(1.0),
    );
    let then = rates(before.total, before.span.duration().as_secs_f64().max(1.0));
    let ratio = |now: f64, then: f64| if then > 0.0 { now / then } else { 0.0 };
    Some(ratio(now.0, then.0).max(ratio(now.1, then.1)))
}

fn remedy(class: ErrorClass, is_loaded: Option<bool>) -> &'static str {
    match (class, is_loaded) {
        (ErrorClass::ConnectionAborted, _) => {
            "look for a client that is killed or restarted, an idle timeout that is shorter than that of the pool, and the network in between"
        }
        (_, Some(true)) => {
            "there is more load than before: find the statements that hold the connections (see the other findings) before you raise the limit"
        }
        (_, Some(false)) => {
            "there is no more load than before: look for sessions that are open and idle, for a pool that leaks, and for instances that were added"
        }
        (_, None) => {
            "see who holds the connections: statements that take long, sessions that are open and idle, or more instances than the limit allows for"
        }
    }
}

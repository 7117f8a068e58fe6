//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::errors;
use crate::detect::basis::weight::{Weight, is_rare, number, times, waiting};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::{ErrorClass, PartyRole};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::subject::{ErrorProfile, QueryProfile};

declare_detector! {
    /// ## What it sees
    /// Statements that spend their time waiting for a lock, or give up waiting.
    ///
    /// ## Why it hurts
    /// The statement is not slow, another transaction is in its way: an open transaction that nobody commits, a batch that
    /// locks more than it changes, a migration. Who waits holds a connection, and what waits behind it waits too, until the
    /// pool is empty.
    ///
    /// ## How it decides
    /// By run times that tell their waits (`Lock_time`; of MySQL with those for rows, of MariaDB those for tables and their
    /// definitions only): at least `min_runs` runs, and waits that
    /// make up >= `min_share` of the run time and >= `min_waiting` seconds per second of a minute, in a whole file of the one with the longest waits. Or by
    /// what the server says of waits (`log_lock_waits` of PostgreSQL, lock wait timeouts of either): >= `min_waits` within
    /// a minute, or `min_waited` seconds that were waited in it. PostgreSQL names the process that holds the lock; its
    /// statement is told where it still runs and the log shows its start (`log_statement`). It is critical when `critical_waiting` connections wait all the time.
    ///
    /// ## Example
    /// ```sql
    /// UPDATE stock SET reserved = reserved + 1 WHERE item = ?;   -- 20 s each, of which 19.9 s are waited
    /// -- First aid: find the transaction that holds the lock, and end it
    /// SELECT pg_blocking_pids(pid), state, xact_start, query FROM pg_stat_activity WHERE wait_event_type = 'Lock';
    /// ```
    ///
    /// ## False alarms
    /// - A statement that is slow by itself: its waits are no share of its time, quiet.
    /// - One long wait: PostgreSQL tells it once and then once more when it is over; below `min_waits` and `min_waited`.
    /// - Not seen at all: waits for a row on MariaDB that end before the timeout; its log does not tell them.
    /// - `GET_LOCK()` and advisory locks, by which programs wait for each other on purpose, count like others.
    pub static META = {
        slug: "lock-wait",
        summary: "statements wait for locks that other transactions hold",
        summary_ko: "쿼리가 다른 트랜잭션이 쥔 잠금을 기다림",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "lock times (MySQL slow log; MariaDB: of tables, not of rows), log_lock_waits of PostgreSQL, or lock wait timeouts in either",
        about: About::Server,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.lock-wait]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs of the statement: one may have met a backup.
    pub min_runs: u64,
    /// Share of the run time that is waited, 0 to 1: from half on the wait is the problem, and not the statement.
    pub min_share: f64,
    /// Seconds waited per second: a quarter of a connection waits all the time.
    pub min_waiting: f64,
    /// Waits within a minute that the server tells of: each has lasted for `deadlock_timeout` already.
    pub min_waits: u64,
    /// Seconds that these waited.
    pub min_waited: f64,
    /// Seconds waited per second from which on it is critical: so many connections of a pool do nothing but wait.
    pub critical_waiting: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_runs: 3,
            min_share: 0.5,
            min_waiting: 0.25,
            min_waits: 3,
            min_waited: 30.0,
            critical_waiting: 4.0,
        }
    }
}

/// Finds statements that wait for locks.
#[derive(Debug)]
pub struct LockWait(Settings);

impl LockWait {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }

    fn severity(&self, waiting: f64) -> Severity {
        if waiting >= self.0.critical_waiting {
            Severity::Critical
        } else {
            Severity::Warning
        }
    }
}

impl Detector<QueryProfile> for LockWait {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let Some(waited) = profile.load.lock else {
            return Verdict::Insufficient {
                seen: 0,
                needed: self.0.min_runs,
            };
        };
        let share = times(waited, profile.load.elapsed.total);
        let waiting = waiting(profile);
        if !(share >= self.0.min_share && waiting >= self.0.min_waiting) {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return Verdict::Insufficient {
                seen: profile.load.count,
                needed: self.0.min_runs,
            };
        }
        let name = "lock_share_of_time";
        let crossed = Evidence::measure(name, share, self.0.min_share, Unit::Share);
        Draft::new(&META, profile, crossed)
            .with(Evidence::context(
                "seconds_waited",
                waited.as_secs_f64(),
                Unit::Seconds,
            ))
            .costing(Weight::of(profile))
            .severity(self.severity(waiting))
            .advice_if(is_rare(profile, self.0.min_runs))
            .remedy(advise(REMEDY))
            .found()
    }
}

impl Detector<ErrorProfile> for LockWait {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        if profile.family.class != ErrorClass::LockWait {
            return Verdict::Clear;
        }
        let waits = errors::within_a_minute(profile);
        let waited = errors::waited_within_a_minute(profile).as_secs_f64();
        let is_long = waits > 0 && waited >= self.0.min_waited;
        if waits < self.0.min_waits && !is_long {
            return Verdict::Insufficient {
                seen: waits,
                needed: self.0.min_waits,
            };
        }
        let crossed = if waits >= self.0.min_waits {
            let needed = number(self.0.min_waits);
            Evidence::measure("waits_for_locks", number(waits), needed, Unit::Count)
        } else {
            Evidence::measure("seconds_waited", waited, self.0.min_waited, Unit::Seconds)
        };
        let blockers = profile.family.parties.iter();
        let blockers = blockers.filter(|party| party.role == PartyRole::Blocker);
        let blockers = blockers.filter_map(|party| {
            let statement = party.statement.as_ref()?;
            Some(Evidence::Statement {
                fingerprint: statement.fingerprint,
                template: statement.template.clone(),
                role: "holds_the_lock".into(),
            })
        });
        Draft::of_errors(&META, profile, crossed)
            .with_all(blockers)
            .with(Evidence::Cost {
                seconds: profile.load.waited.as_secs_f64(),
                share: None,
                over: profile.span,
            })
            .severity(self.severity(waited / 60.0))
            .recurring(None)
            .remedy(advise(REMEDY))
            .found()
    }
}

/// The words are those of other detectors that see the same wait.
const REMEDY: &str =
    "it waits for locks: find the transaction that holds them, and make that one shorter";

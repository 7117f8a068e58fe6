//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::errors;
use crate::detect::basis::weight::number;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::ErrorClass;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::TableName;
use crate::model::subject::ErrorProfile;

declare_detector! {
    /// ## What it sees
    /// Transactions that wait for each other, again and again: the server undoes one of them, and tells which statements
    /// met.
    ///
    /// ## Why it hurts
    /// Each deadlock throws the work of a transaction away, after a wait; a program that does not try again loses it. One
    /// is a matter of timing, and every busy database has one now and then. Several of the same pair are an order of
    /// locks that two code paths disagree on, and grow with the square of the load.
    ///
    /// ## How it decides
    /// Deadlocks of the same statements (of the same statement, where the log does not tell the other): >= `min_per_hour`,
    /// counted over the last minute and the hour or so before it, or over all of a file. They are told at once, whether
    /// they come in a burst or one by one, and are over when none has come for twice as long as they were apart. With `min_per_minute` in the last
    /// minute it is critical. Who waits for what is told by the `DETAIL` of PostgreSQL's message and by the
    /// error log of MySQL and MariaDB (`innodb_print_all_deadlocks`); a MySQL slow log tells the victim alone.
    ///
    /// ## Example
    /// ```sql
    /// UPDATE accounts SET sum = sum - 5 WHERE id = 1;  UPDATE accounts SET sum = sum + 5 WHERE id = 2;  -- one transfer
    /// UPDATE accounts SET sum = sum - 3 WHERE id = 2;  UPDATE accounts SET sum = sum + 3 WHERE id = 1;  -- and one back
    /// -- Use instead: the same order in both
    /// SELECT id FROM accounts WHERE id IN (1, 2) ORDER BY id FOR UPDATE;
    /// ```
    ///
    /// ## False alarms
    /// - A single deadlock: too little to say.
    /// - Serialization failures (SQLSTATE 40001) under `SERIALIZABLE` or `REPEATABLE READ`, which the program is meant to
    ///   try again: not judged.
    pub static META = {
        slug: "deadlock",
        summary: "transactions lock the same rows in different order, and one of them is undone",
        summary_ko: "트랜잭션들이 같은 행을 서로 다른 순서로 잠가 하나가 취소됨",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "PostgreSQL's log, the error log of MySQL or MariaDB (innodb_print_all_deadlocks), or a slow log with error numbers",
        about: About::Server,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.deadlock]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Deadlocks of the same statements within an hour: one or two are a matter of timing.
    pub min_per_hour: u64,
    /// Within a minute, from which on it is critical: every other second a transaction is lost.
    pub min_per_minute: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_per_hour: 3,
            min_per_minute: 30,
        }
    }
}

/// Finds transactions that lock in different order.
#[derive(Debug)]
pub struct Deadlock(Settings);

impl Deadlock {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<ErrorProfile> for Deadlock {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        let is_serialization = &*profile.family.code == "40001";
        if profile.family.class != ErrorClass::Deadlock || is_serialization {
            return Verdict::Clear;
        }
        let seen = profile.load.count.saturating_add(profile.earlier.count);
        if seen < self.0.min_per_hour {
            return Verdict::Insufficient {
                seen,
                needed: self.0.min_per_hour,
            };
        }
        let per_hour = errors::within_an_hour(profile);
        if per_hour >= self.0.min_per_hour {
            return self.report(profile, number(per_hour));
        }
        Verdict::Clear
    }
}

impl Deadlock {
    fn report(&self, profile: &ErrorProfile, per_hour: f64) -> Verdict {
        let severity = if errors::within_a_minute(profile) >= self.0.min_per_minute {
            Severity::Critical
        } else {
            Severity::Warning
        };
        let needed = number(self.0.min_per_hour);
        let crossed = Evidence::measure("deadlocks_per_hour", per_hour, needed, Unit::Count);
        let parties = &profile.family.parties;
        let statements = parties.iter().filter_map(|party| {
            let statement = party.statement.as_ref()?;
            Some(Evidence::Statement {
                fingerprint: statement.fingerprint,
                template: statement.template.clone(),
                role: "in_the_deadlock".into(),
            })
        });
        let locks = parties
            .iter()
            .filter(|party| !party.lock.is_empty())
            .map(|party| Evidence::clause("waits_for", &party.lock));
        Draft::of_errors(&META, profile, crossed)
            .tables(tables(profile))
            .with_all(statements)
            .with_all(locks)
            .severity(severity)
            .recurring(errors::first_seen(profile))
            .remedy(advise(
                "let every transaction take its locks in the same order (by table, then by primary key), keep it short, and try a transaction again that was undone",
            ))
            .remedy(advise(
                "give each of these statements an index on its condition: without one it locks rows that it does not change",
            ))
            .found()
    }
}

/// Tables of all statements that met.
fn tables(profile: &ErrorProfile) -> Vec<TableName> {
    let of_parties = profile.family.parties.iter();
    let statements = of_parties.filter_map(|party| party.statement.as_ref());
    let all = statements.chain(&profile.family.statement);
    all.flat_map(|statement| statement.tables().to_vec())
        .collect()
}

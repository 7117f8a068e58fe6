//! What one server process has said of a statement, and what has not been told yet.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::Record;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::time::Timestamp;

/// `auto_explain` and the server measure one run a little differently.
const SAME_RUN_SLACK: Duration = Duration::from_millis(1);

/// What one process has said and what has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) statement: Option<Started>,
    pub(super) plan: Option<Box<Planned>>,
    pub(super) prepared: Option<Prepared>,
    pub(super) spilled: Option<Spilled>,
    pub(super) executed: Option<Executed>,
    /// When its last record was written.
    pub(super) last: Option<Timestamp>,
}

/// A statement of `log_statement`.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) from: u64,
    pub(super) sql: Box<[u8]>,
    pub(super) at: Option<Timestamp>,
    pub(super) truncated: bool,
}

/// A plan, with the record it came in.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) from: u64,
    pub(super) run: Entry<'static>,
}

/// Time of `parse` and `bind` of one statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prepared {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) elapsed: Duration,
    pub(super) at: Option<Timestamp>,
}

/// Temporary files of one statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spilled {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) bytes: u64,
}

/// A run of the extended protocol that has been told without a plan. Its portal closes behind it, and only then
/// is its plan logged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Executed {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) elapsed: Duration,
}

impl Session {
    /// Whether a plan is that of a run that has been told: no new run of the statement was bound since.
    pub(super) fn has_run(&self, sql: &[u8], elapsed: Duration) -> bool {
        let statement = identity(sql);
        let is_bound = self.prepared.is_some_and(|p| p.statement == statement);
        let ran = self.executed.filter(|ran| ran.statement == statement);
        !is_bound && ran.is_some_and(|ran| elapsed <= longest_plan(ran.elapsed))
    }

    /// Where the oldest record starts that waits for its run.
    pub(super) fn oldest(&self) -> Option<u64> {
        let starts = [
            self.statement.as_ref().map(|s| s.from),
            self.plan.as_ref().map(|p| p.from),
            self.prepared.map(|p| p.from),
            self.spilled.map(|s| s.from),
        ];
        starts.into_iter().flatten().min()
    }
}

pub(super) fn prepared(record: &Record<'_>, elapsed: Duration, sql: &[u8], session: &mut Session) {
    let statement = identity(sql);
    let before = session.prepared.filter(|p| p.statement == statement);
    session.prepared = Some(Prepared {
        from: before.map_or(record.from, |p| p.from),
        statement,
        elapsed: before.map_or(elapsed, |p| p.elapsed.saturating_add(elapsed)),
        at: record.at,
    });
}

pub(super) fn starts(record: &Record<'_>, sql: &[u8], session: &mut Session) {
    session.statement = Some(Started {
        from: record.from,
        sql: sql.into(),
        at: record.at,
        truncated: record.truncated,
    });
}

pub(super) fn spilled(record: &Record<'_>, bytes: u64, session: &mut Session) {
    let statement = identity(&record.statement);
    let before = session.spilled.filter(|s| s.statement == statement);
    session.spilled = Some(Spilled {
        from: before.map_or(record.from, |s| s.from),
        statement,
        bytes: before.map_or(bytes, |s| s.bytes.saturating_add(bytes)),
    });
}

pub(super) fn identity(sql: &[u8]) -> u64 {
    xxh3_64(scan::without_end(sql).trim_ascii_start())
}

/// Whether a plan and a run that follow each other are one.
pub(super) fn same_run(plan: &Entry<'_>, sql: &[u8], elapsed: Duration) -> bool {
    plan.elapsed <= longest_plan(elapsed)
        && plan.sql.trim_ascii() == scan::without_end(sql).trim_ascii_start()
}

/// The longest time that a plan may tell of a run of this length.
fn longest_plan(elapsed: Duration) -> Duration {
    elapsed
        .saturating_add(elapsed / 100)
        .saturating_add(SAME_RUN_SLACK)
}

/// Bytes that a session keeps in memory.
pub(super) fn weight(session: &Session) -> usize {
    let statement = session.statement.as_ref().map_or(0, |s| s.sql.len());
    let plan = session.plan.as_ref().map_or(0, |p| p.run.sql.len() + 1024);
    statement + plan
}

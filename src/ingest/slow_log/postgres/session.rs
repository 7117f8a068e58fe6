//! What one server process has said of a statement, and what has not been told yet.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::Record;
use super::message::Portal;
use super::nested::Inside;
use super::pending::{Kind, Pending};
use crate::ingest::slow_log::scan;
use crate::model::time::Timestamp;

/// `parse` and `bind`.
const MAX_STEPS: usize = 2;

/// Runs of open portals that are remembered for the plan that comes when they close.
const MAX_OPEN_PORTALS: usize = 4;

/// A portal drops its temporary files right behind its plan.
const CLOSING: Duration = Duration::from_millis(5);

/// What one process has said and what has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) statement: Option<Started>,
    pub(super) pending: Option<Box<Pending>>,
    pub(super) prepared: Option<Prepared>,
    pub(super) spilled: Option<Spilled>,
    /// Runs told without the plan that may still come.
    pub(super) executed: Vec<Executed>,
    /// A plan told as a run, whose run may still come.
    pub(super) explained: Option<Told>,
    /// How much of its wait for a lock has been told.
    pub(super) waited: Duration,
    /// Times without a text: `parse` and `bind` of the statement that is logged next, or runs.
    pub(super) textless: Vec<Textless>,
    /// Those that were joined with a statement last.
    pub(super) joined: Vec<Textless>,
    /// What ran inside the statement that is under way.
    pub(super) inside: Inside,
    /// It reads from cursors, each `FETCH` of which is a run.
    pub(super) fetches: bool,
}

/// `log_duration` of what is not logged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Textless {
    pub(super) from: u64,
    pub(super) elapsed: Duration,
}

/// A statement of `log_statement`.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) from: u64,
    pub(super) sql: Box<[u8]>,
    pub(super) at: Option<Timestamp>,
    pub(super) truncated: bool,
    pub(super) by: Protocol,
}

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Simple,
    Extended { is_named: bool, goes_on: bool },
}

/// Time of `parse` and `bind` of one statement.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) sql: Box<[u8]>,
    pub(super) truncated: bool,
    pub(super) elapsed: Duration,
    pub(super) at: Option<Timestamp>,
    /// Before that, the portal of the run before is still open.
    pub(super) is_bound: bool,
}

/// Temporary files of one statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spilled {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) bytes: u64,
}

/// A run of the extended protocol that has been told without a plan: its portal closes behind it, perhaps only at
/// the end of the transaction, and only then is its plan logged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Executed {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) elapsed: Duration,
    pub(super) is_named: bool,
}

/// A plan that has been told as a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) from: u64,
    pub(super) statement: u64,
    pub(super) at: Option<Timestamp>,
}

impl Session {
    /// Where the oldest record starts that waits for its run, or whose run waits for its plan.
    pub(super) fn oldest(&self) -> Option<u64> {
        let pending = self.pending.as_ref().map(|p| p.since);
        pending.into_iter().chain(self.oldest_of_next()).min()
    }

    /// Where the oldest record starts that waits for its run.
    pub(super) fn oldest_of_next(&self) -> Option<u64> {
        let starts = [
            self.statement.as_ref().map(|s| s.from),
            self.prepared.as_ref().map(|p| p.from),
            self.spilled.map(|s| s.from),
            self.textless.first().map(|t| t.from),
            self.inside.oldest(),
        ];
        starts.into_iter().flatten().min()
    }

    /// Where the records start that were told, and of which another half may come.
    pub(super) fn halves(&self) -> impl Iterator<Item = u64> {
        let runs = self.executed.iter().map(|run| run.from);
        runs.chain(self.explained.map(|plan| plan.from))
    }

    /// Whether it still holds back what the record at `from` told.
    pub(super) fn waits_since(&self, from: u64) -> bool {
        let pending = self.pending.as_ref();
        pending.is_some_and(|pending| pending.from == from)
    }

    /// Whether anything is known that belongs to a run, if it is one of the same statement.
    pub(super) fn holds_halves(&self) -> bool {
        self.pending.is_some()
            || self.prepared.is_some()
            || self.spilled.is_some()
            || self.explained.is_some()
    }

    /// Whether nothing is known that a run may be joined with.
    pub(super) fn is_clear(&self) -> bool {
        let is_next_clear =
            self.statement.is_none() && self.textless.is_empty() && self.inside.is_empty();
        is_next_clear && !self.holds_halves()
    }

    /// Takes note of a `parse` or `bind`; gives back those of another statement.
    pub(super) fn prepare(
        &mut self,
        record: &Record<'_>,
        elapsed: Duration,
        sql: &[u8],
        is_bound: bool,
    ) -> Option<Prepared> {
        let statement = identity(sql);
        if let Some(before) = self.prepared.as_mut().filter(|p| p.statement == statement) {
            before.elapsed = before.elapsed.saturating_add(elapsed);
            before.at = record.at;
            before.is_bound = is_bound;
            return None;
        }
        self.prepared.replace(Prepared {
            from: record.from,
            statement,
            sql: sql.into(),
            truncated: record.truncated,
            elapsed,
            at: record.at,
            is_bound,
        })
    }

    /// Takes note of a statement that starts.
    pub(super) fn start(&mut self, record: &Record<'_>, sql: &[u8], by: Protocol) {
        self.statement = Some(Started {
            from: record.from,
            sql: sql.into(),
            at: record.at,
            truncated: record.truncated,
            by,
        });
    }

    /// Takes note of a temporary file. The record names the statement that the client sent last, which is not
    /// always the one whose portal closes.
    pub(super) fn spill(&mut self, record: &Record<'_>, bytes: u64) {
        let statement = identity(&record.statement);
        let is_portals = record.statement.is_empty()
            || ends_transaction(&record.statement)
            || self.prepared.as_ref().is_some_and(|p| !p.is_bound);
        let pending = self.pending.as_deref_mut();
        let of_a_portal_told_before = pending.is_none() && !self.executed.is_empty();
        if let Some(run) = pending.filter(|run| run.kind != Kind::Plan)
            && (is_portals || run.statement == statement || closes_now(run, record))
        {
            run.spill(bytes);
            return;
        }
        if is_portals && of_a_portal_told_before {
            return;
        }
        let before = self.spilled.filter(|s| s.statement == statement);
        self.spilled = Some(Spilled {
            from: before.map_or(record.from, |s| s.from),
            statement,
            bytes: before.map_or(bytes, |s| s.bytes.saturating_add(bytes)),
        });
    }

    /// Takes note of a time without a text; gives back one that no text will follow.
    pub(super) fn note_textless(&mut self, record: &Record<'_>, elapsed: Duration) -> usize {
        let one_too_many = usize::from(self.textless.len() >= MAX_STEPS);
        self.textless.drain(..one_too_many);
        self.textless.push(Textless {
            from: record.from,
            elapsed,
        });
        one_too_many
    }

    /// The times without a text before this statement were of its `parse` and `bind`.
    pub(super) fn prepared_by_textless(&mut self, sql: &[u8]) {
        let Some(first) = self.textless.first().copied() else {
            return;
        };
        let steps: Duration = self.textless.iter().map(|step| step.elapsed).sum();
        self.joined = std::mem::take(&mut self.textless);
        let statement = identity(sql);
        let before = self.prepared.take_if(|p| p.statement == statement);
        let known = before.as_ref();
        self.prepared = Some(Prepared {
            from: known.map_or(first.from, |p| p.from.min(first.from)),
            statement,
            elapsed: known.map_or(steps, |p| p.elapsed.saturating_add(steps)),
            at: known.and_then(|p| p.at),
            is_bound: true,
            truncated: false,
            sql: before.map_or_else(|| sql.into(), |p| p.sql),
        });
    }

    /// Expects the plan of a run that is told now.
    pub(super) fn expect_plan(&mut self, run: Executed) {
        if self.executed.len() >= MAX_OPEN_PORTALS {
            self.executed.remove(0);
        }
        self.executed.push(run);
    }

    /// More rows are fetched from the portal of a run that was told; says whether there is one.
    pub(super) fn go_on(&mut self, statement: u64, elapsed: Duration) -> bool {
        let mut open = self.executed.iter_mut();
        let Some(run) = open.find(|run| run.statement == statement) else {
            return false;
        };
        run.elapsed = run.elapsed.saturating_add(elapsed);
        true
    }

    /// The unnamed portal is closed: its plan has come, or never will.
    pub(super) fn close_unnamed(&mut self) {
        self.executed.retain(|run| run.is_named);
    }

    /// Whether a plan is of a run that was told.
    pub(super) fn take_executed(&mut self, statement: u64, elapsed: Duration) -> bool {
        let found = self
            .executed
            .iter()
            .position(|run| run.statement == statement && elapsed <= longest_plan(run.elapsed));
        found.map(|index| self.executed.remove(index)).is_some()
    }

    /// Whether a run was told by its plan: the plan was written while it ran.
    pub(super) fn take_explained(&mut self, record: &Record<'_>, run: (u64, Duration)) -> bool {
        let (statement, elapsed) = run;
        let Some(plan) = self.explained.take() else {
            return false;
        };
        let start = record
            .at
            .map(|end| end.minus(elapsed.saturating_add(SLACK)));
        let within = plan
            .at
            .zip(start)
            .is_some_and(|(plan, start)| plan >= start);
        within && plan.statement == statement
    }

    /// Bytes that it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        let statement = self.statement.as_ref().map_or(0, |s| s.sql.len());
        let pending = self.pending.as_ref().map_or(0, |p| p.run.sql.len() + 1024);
        let prepared = self.prepared.as_ref().map_or(0, |p| p.sql.len());
        statement + pending + prepared + self.inside.weight()
    }
}

impl From<Portal<'_>> for Protocol {
    fn from(portal: Portal<'_>) -> Self {
        Self::Extended {
            is_named: portal.is_named,
            goes_on: portal.goes_on,
        }
    }
}

/// `auto_explain` and the server measure one run a little differently, and a time stamp has milliseconds.
const SLACK: Duration = Duration::from_millis(1);

/// The longest time that a plan may tell of a run of this length.
pub(super) fn longest_plan(elapsed: Duration) -> Duration {
    elapsed.saturating_add(elapsed / 100).saturating_add(SLACK)
}

fn closes_now(run: &Pending, record: &Record<'_>) -> bool {
    let Kind::PlannedRun { at } = run.kind else {
        return false;
    };
    at.zip(record.at)
        .is_some_and(|(plan, file)| file.since(plan) <= CLOSING)
}

/// Statements that close portals and write no temporary file of their own.
fn ends_transaction(sql: &[u8]) -> bool {
    const ENDS: [&[u8]; 4] = [b"commit", b"rollback", b"end", b"close"];
    let length = sql.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let word = &sql[..length];
    ENDS.iter().any(|end| word.eq_ignore_ascii_case(end))
}

pub(super) fn identity(sql: &[u8]) -> u64 {
    xxh3_64(scan::without_end(sql).trim_ascii_start())
}

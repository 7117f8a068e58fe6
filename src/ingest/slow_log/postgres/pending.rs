//! One half of a run, held back until the other half comes.
//!
//! ```text
//! simple protocol, and all that changes rows:  plan ─► duration
//! SELECT by the extended protocol:             duration ─► plan ─► temporary files     as its portal closes
//! ```

use std::time::Duration;

use super::session::longest_plan;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::event::{Access, RowCounts};
use crate::model::time::Timestamp;

/// What is held back.
#[derive(Debug)]
pub(super) struct Pending {
    /// Where the record starts that made it wait.
    pub(super) from: u64,
    /// Where the first record of its run starts: that of its `bind`, perhaps.
    pub(super) since: u64,
    pub(super) statement: u64,
    pub(super) run: Entry<'static>,
    pub(super) kind: Kind,
}

/// Which half is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only the plan; a run of its own if no more comes.
    Plan,
    /// Only the run, of an unnamed portal or a named one.
    Run { is_named: bool },
    /// Both; the plan came at this time, and temporary files may still come.
    PlannedRun { at: Option<Timestamp> },
}

impl Pending {
    /// Whether it is the plan of a run of this statement and length.
    pub(super) fn is_plan_of(&self, statement: u64, elapsed: Duration) -> bool {
        self.kind == Kind::Plan
            && self.statement == statement
            && self.run.elapsed <= longest_plan(elapsed)
    }

    /// Whether it is a run that a plan of this statement and length belongs to.
    pub(super) fn is_run_of(&self, statement: u64, elapsed: Duration) -> bool {
        self.lacks_plan()
            && self.statement == statement
            && elapsed <= longest_plan(self.run.elapsed)
    }

    /// Whether it is a run whose portal may still be open.
    pub(super) fn lacks_plan(&self) -> bool {
        matches!(self.kind, Kind::Run { .. })
    }

    /// The plan of the run has come.
    pub(super) fn explain(&mut self, access: Access, rows: RowCounts, at: Option<Timestamp>) {
        let temp_bytes = self.run.access.as_ref().and_then(|a| a.temp_bytes);
        let access = Access {
            temp_bytes,
            ..access
        };
        self.run.access = Some(Box::new(access));
        self.run.rows = rows;
        self.kind = Kind::PlannedRun { at };
    }

    /// More rows are fetched from the same portal.
    pub(super) fn go_on(&mut self, elapsed: Duration, inner: Duration, end: Option<Timestamp>) {
        let known = &mut self.run.nesting.inner;
        *known = known.saturating_add(inner);
        self.run.elapsed = self.run.elapsed.saturating_add(elapsed);
        self.run.end = end;
    }

    /// Whether a plan is of another statement of the message whose plan this is.
    pub(super) fn is_same_message(&self, statement: u64, sql: &[u8]) -> bool {
        let has_several = memchr::memchr(b';', scan::without_end(sql)).is_some();
        self.kind == Kind::Plan && self.statement == statement && has_several
    }

    /// Another statement of the same message has its plan logged: `SELECT 1; SELECT 2` is told once.
    pub(super) fn add(&mut self, elapsed: Duration, rows: RowCounts) {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        let known = &mut self.run.rows;
        self.run.elapsed = self.run.elapsed.saturating_add(elapsed);
        known.examined = sum(known.examined, rows.examined);
        known.returned = sum(known.returned, rows.returned);
        known.affected = sum(known.affected, rows.affected);
    }

    pub(super) fn spill(&mut self, bytes: u64) {
        spill(&mut self.run, bytes);
    }
}

/// Adds bytes of temporary files.
pub(super) fn spill(run: &mut Entry<'_>, bytes: u64) {
    let access = run.access.get_or_insert_default();
    let before = access.temp_bytes.unwrap_or(0);
    access.temp_bytes = Some(before.saturating_add(bytes));
}

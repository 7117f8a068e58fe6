//! One half of a run, held back until the other half comes.
//!
//! ```text
//! simple protocol, and all that changes rows:  plan ─► duration
//! SELECT by the extended protocol:             duration ─► plan ─► temporary files     as its portal closes
//! ```

use std::borrow::Cow;
use std::time::Duration;

use super::session::longest_plan;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::event::{Access, RowCounts};
use crate::model::time::Timestamp;

/// What is held back.
#[derive(Debug, Default)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Only the plan; a run of its own if no more comes.
    #[default]
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
    pub(super) fn explain(
        &mut self,
        mut access: Box<Access>,
        rows: RowCounts,
        at: Option<Timestamp>,
    ) {
        access.temp_bytes = self.run.access.as_ref().and_then(|a| a.temp_bytes);
        self.run.access = Some(access);
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

/// Some that hold nothing any more: one for each run is made anew otherwise, with all its texts.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a session holds the same box")]
pub(super) struct Spare(Vec<Box<Pending>>);

impl Spare {
    /// More are not kept, nor those that were large.
    const MOST: usize = 16;
    const LARGE_BYTES: usize = 4 << 10;

    pub(super) fn take(&mut self) -> Box<Pending> {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn put_some(&mut self, pending: Option<Box<Pending>>) {
        if let Some(pending) = pending {
            self.put(pending);
        }
    }

    pub(super) fn put(&mut self, pending: Box<Pending>) {
        let is_small = match &pending.run.sql {
            Cow::Owned(sql) => sql.capacity() <= Self::LARGE_BYTES,
            Cow::Borrowed(_) => true,
        };
        if is_small && self.0.len() < Self::MOST {
            self.0.push(pending);
        }
    }
}

/// The run to be told; its texts stay.
pub(super) fn lent<'r>(run: &'r mut Entry<'static>) -> Entry<'r> {
    Entry {
        sql: Cow::Borrowed(&run.sql),
        truncated: run.truncated,
        end: run.end,
        elapsed: run.elapsed,
        lock: run.lock,
        rows: run.rows,
        bytes_sent: run.bytes_sent,
        access: run.access.take(),
        outcome: run.outcome.clone(),
        database: Cow::Borrowed(&run.database),
        lacks_database: run.lacks_database,
        user: Cow::Borrowed(&run.user),
        client: Cow::Borrowed(&run.client),
        weight: run.weight,
        nesting: run.nesting,
        error: run.error.take(),
    }
}

/// Makes `into` the same run; its texts are written into the room of those that were there.
pub(super) fn hold(run: Entry<'_>, into: &mut Entry<'static>) {
    let rooms = (
        std::mem::take(&mut into.sql),
        std::mem::take(&mut into.database),
        std::mem::take(&mut into.user),
        std::mem::take(&mut into.client),
    );
    *into = Entry {
        sql: held(rooms.0, run.sql),
        database: held(rooms.1, run.database),
        user: held(rooms.2, run.user),
        client: held(rooms.3, run.client),
        truncated: run.truncated,
        end: run.end,
        elapsed: run.elapsed,
        lock: run.lock,
        rows: run.rows,
        bytes_sent: run.bytes_sent,
        access: run.access,
        outcome: run.outcome,
        lacks_database: run.lacks_database,
        weight: run.weight,
        nesting: run.nesting,
        error: run.error,
    };
}

fn held<T: ToOwned + ?Sized>(room: Cow<'static, T>, text: Cow<'_, T>) -> Cow<'static, T> {
    let text = match (room, text) {
        (Cow::Owned(mut room), Cow::Borrowed(text)) => {
            text.clone_into(&mut room);
            room
        }
        (_, text) => text.into_owned(),
    };
    Cow::Owned(text)
}

/// The same run, which borrows nothing.
#[cfg(test)]
pub(super) fn owned(run: Entry<'_>) -> Entry<'static> {
    let mut owned = Entry::default();
    hold(run, &mut owned);
    owned
}

/// Adds bytes of temporary files.
pub(super) fn spill(run: &mut Entry<'_>, bytes: u64) {
    let access = run.access.get_or_insert_default();
    let before = access.temp_bytes.unwrap_or(0);
    access.temp_bytes = Some(before.saturating_add(bytes));
}

//! Joins what one server process says of one statement.
//!
//! ```text
//! parse, bind ──────► time that is added to the run
//! statement: ───────► text of the run          ┐
//! temporary file: ──► bytes that the run spills ├─► duration: tells the run; ERROR tells it as failed
//! plan: ────────────► plan of the run          ┘     (a plan that no run follows is a run of its own)
//! ```
//!
//! A run waits a little for the half that may follow it ([`super::pending`]); other processes' runs are told
//! meanwhile. So that a restart loses none of it, a checkpoint is set before the oldest record that still waits (at
//! most [`MAX_HELD_BYTES`] back), and its context says up to where runs have been told: those are read again, and
//! not told again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::by_pid::ByPid;
use super::message::{self, Message, Portal};
use super::pending::{self, Kind, Spare};
use super::plan::{self, Explained};
use super::session::{Executed, Prepared, Protocol, Session, Told};
use super::texts;
use super::waiting::{PATIENCE_BYTES, Waiter, Waiting};
use super::{Record, Severity};
use crate::ingest::slow_log::Entry;
use crate::ingest::slow_log::threshold::{Reason, Threshold};
use crate::model::time::Timestamp;
use crate::model::upkeep::Upkeep;

/// A restart reads no more than this again.
const MAX_HELD_BYTES: u64 = 1 << 20;

/// Statements and plans that wait take no more memory than this.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// Processes remembered; a server has fewer connections.
const MAX_SESSIONS: usize = 4096;

/// What all processes have said.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) by_pid: ByPid,
    pub(super) waiting: Waiting,
    pub(super) spare: Spare,
    /// Bytes of the statements and plans that wait.
    waiting_bytes: usize,
    pub(super) threshold: Threshold,
    /// What the server said of itself.
    pub(super) upkeep: Upkeep,
    /// From when on, and before when, what it says counts.
    pub(super) asked: (Option<Timestamp>, Option<Timestamp>),
    /// It is coming up after one of its processes died.
    pub(super) reinitialises: bool,
    pub(super) database: String,
    /// Runs that a record before this byte tells were told before the restart.
    pub(super) told_until: u64,
    /// What waited from before this byte was told, because nothing came for a while.
    pub(super) settled_until: u64,
    /// Times without a text, not told yet.
    pub(super) textless: u64,
    /// Where those start that waited before the restart.
    pub(super) textless_waited: BTreeSet<u64>,
}

pub(super) type Tell<'t> = &'t mut dyn FnMut(Entry<'_>);

/// Why a half is told without the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// The other cannot come any more: the process has gone on.
    Closed,
    /// The portal may still be open, and its plan comes when it closes.
    StillOpen,
    /// Nobody should wait any longer.
    Late,
}

impl Sessions {
    pub(super) fn new(database: &str) -> Self {
        Self {
            database: database.to_owned(),
            ..Self::default()
        }
    }

    /// Takes one record; they come in the order of the file. A plan is taken out of it.
    pub(super) fn observe(&mut self, record: &mut Record<'_>, tell: Tell<'_>) {
        let plan = record.plan.take();
        self.tell_due((record.from, record.at, record.pid), tell);
        self.make_room(record.from, tell);
        let slot = self.by_pid.slot(record.pid);
        let mut session = self.by_pid.take(slot);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(session.weight());
        let left = if record.severity == Severity::Error {
            self.failed(record, &mut session, tell);
            false
        } else {
            self.noted(record, plan, &mut session, tell)
        };
        if record.pid == 0 {
            self.forget(&mut session);
        }
        if left {
            self.by_pid.remove(slot);
        } else {
            self.waiting_bytes += session.weight();
            self.by_pid.put(slot, session);
        }
    }

    /// The session of a process, if it is known and holds nothing that a run may be joined with, and there is room for
    /// another record.
    #[inline]
    pub(super) fn session_at_rest(&mut self, pid: u32) -> Option<&mut Session> {
        let has_room = self.by_pid.len() < MAX_SESSIONS && self.waiting_bytes <= MAX_WAITING_BYTES;
        let session = self.by_pid.get_mut(pid).filter(|_| has_room)?;
        session.is_clear().then_some(session)
    }

    /// Takes a record that is no error; says whether the session has ended.
    fn noted(
        &mut self,
        record: &Record<'_>,
        plan: Option<Box<Explained<'_>>>,
        session: &mut Session,
        tell: Tell<'_>,
    ) -> bool {
        let from = record.from;
        let is_new = self.is_new(from);
        let message = message::read(&record.message);
        self.settle_textless(&message, session);
        match message {
            Message::Ran(elapsed, sql) => {
                let sql = texts::prepared_text(record, sql);
                self.ran(record, (elapsed, sql), session, tell);
            }
            Message::Executed(elapsed, portal) => {
                self.executed(record, (elapsed, portal), session, tell);
            }
            Message::Took(elapsed) => self.took(record, elapsed, session, tell),
            Message::Plan(elapsed, text) => {
                let read = plan.map(|plan| *plan).or_else(|| plan::read(text));
                let is_unread = is_new && read.is_some() && plan::is_unread(text);
                self.upkeep.unread_plans += u64::from(is_unread);
                match read {
                    Some(plan) => self.planned(record, (elapsed, plan), session, tell),
                    None => self.textless += u64::from(is_new),
                }
            }
            Message::Parsed(elapsed, sql) => {
                self.next_is_named(from, session, tell);
                let other = session.prepare(record, elapsed, sql, false);
                self.never_ran(record, other, tell);
            }
            Message::Bound(elapsed, portal) => {
                self.open(from, portal, session, tell);
                let other = session.prepare(record, elapsed, portal.sql, true);
                self.never_ran(record, other, tell);
            }
            Message::Starts(sql) => {
                self.next_is_named(from, session, tell);
                session.start(record, texts::prepared_text(record, sql), Protocol::Simple);
            }
            Message::Executes(portal) => {
                self.open(from, portal, session, tell);
                session.start(record, portal.sql, portal.into());
            }
            Message::Textless => self.textless += u64::from(is_new),
            Message::Spilled(bytes) => session.spill(record, bytes),
            Message::Threshold(Some(threshold)) if is_new => self.threshold.state(threshold),
            Message::Left => {
                self.flush(from, session, Because::Closed, tell);
                self.never_ran(record, session.prepared.take(), tell);
                return true;
            }
            Message::Waits(wait) => self.waits(record, wait, session, tell),
            Message::Broke(broken) => self.broke(record, broken, tell),
            Message::Server(told) => self.told_of_server(record, &told, tell),
            Message::Threshold(_) | Message::Other => {}
        }
        false
    }

    /// Without a process in the prefix all sessions look like one: what follows a record may be of any other. Only
    /// what says its statement can be joined.
    fn forget(&mut self, session: &mut Session) {
        self.textless += session.textless.drain(..).count() as u64;
        session.joined.clear();
        session.inside.clear();
        session.statement = None;
        session.waited = Duration::ZERO;
    }

    /// Tells what `parse` and `bind` took of a statement whose run was not slow enough to be logged, or never came.
    pub(super) fn never_ran(
        &self,
        record: &Record<'_>,
        prepared: Option<Prepared>,
        tell: Tell<'_>,
    ) {
        // of all sessions together nobody knows which run is whose
        let prepared = prepared.filter(|_| record.pid != 0 && self.threshold.leaves_out_runs());
        if let Some(prepared) = prepared {
            let mut run = self.entry(record, &prepared.sql);
            run.end = prepared.at;
            run.elapsed = prepared.elapsed;
            run.truncated = prepared.truncated;
            self.tell(record.from, run, tell);
        }
    }

    /// The client has sent another statement, and the server has not opened a portal for it yet.
    fn next_is_named(&mut self, from: u64, session: &mut Session, tell: Tell<'_>) {
        if session.pending.as_ref().is_some_and(|p| !p.lacks_plan()) {
            self.flush(from, session, Because::Closed, tell);
        }
    }

    /// The server opens a portal, or goes on with one.
    fn open(&mut self, from: u64, portal: Portal<'_>, session: &mut Session, tell: Tell<'_>) {
        if portal.goes_on && session.pending.as_ref().is_some_and(|p| p.lacks_plan()) {
            return;
        }
        if portal.goes_on || portal.is_named {
            self.flush(from, session, Because::StillOpen, tell);
        } else {
            self.flush(from, session, Because::Closed, tell);
            session.close_unnamed();
        }
    }

    /// The statement that a process runs, as far as the log shows it.
    pub(super) fn statement_of(&self, pid: u32) -> &[u8] {
        let session = self.by_pid.get(pid);
        let running = session.and_then(|session| session.statement.as_ref());
        running.map_or(b"", |started| &started.sql)
    }

    /// Whether what the record at `from` comes to was not told before the restart.
    #[inline]
    pub(super) fn is_new(&self, from: u64) -> bool {
        from >= self.told_until
    }

    /// Tells a run, unless it was told before the restart.
    pub(super) fn tell(&self, from: u64, run: Entry<'_>, tell: Tell<'_>) {
        if self.is_new(from) {
            tell(run);
        }
    }

    /// Takes note of a run time, unless that was done before the restart.
    pub(super) fn note_time(&mut self, from: u64, elapsed: Duration) {
        if self.is_new(from) {
            self.threshold.observe(elapsed, Reason::Time);
        }
    }

    /// Tells the half that is held back.
    pub(super) fn flush(
        &mut self,
        from: u64,
        session: &mut Session,
        because: Because,
        tell: Tell<'_>,
    ) {
        let Some(mut pending) = session.pending.take() else {
            return;
        };
        let (start, statement) = (pending.from, pending.statement);
        let run = &mut pending.run;
        match pending.kind {
            Kind::Plan => {
                if start >= self.settled_until {
                    self.note_time(from, run.elapsed);
                }
                session.explained = (because == Because::Late).then_some(Told {
                    from: start,
                    statement,
                    at: run.end,
                });
            }
            Kind::Run { is_named } if is_named || because != Because::Closed => {
                session.expect_plan(Executed {
                    from: start,
                    statement,
                    elapsed: run.elapsed,
                    is_named,
                });
            }
            Kind::Run { .. } | Kind::PlannedRun { .. } => {}
        }
        if start >= self.settled_until {
            self.tell(from, pending::lent(run), tell);
        }
        self.spare.put(pending);
    }

    /// Tells what should not wait beyond a record of this place, time and process.
    #[inline]
    pub(super) fn tell_due(
        &mut self,
        (from, at, pid): (u64, Option<Timestamp>, u32),
        tell: Tell<'_>,
    ) {
        while let Some(waiter) = self.waiting.take_due(from, at, pid) {
            self.lose_patience(waiter, from, tell);
        }
    }

    fn lose_patience(&mut self, waiter: Waiter, from: u64, tell: Tell<'_>) {
        let waits = |session: &Session| session.waits_since(waiter.from);
        let Some((slot, mut session)) = self.by_pid.take_if(waiter.pid, waits) else {
            return;
        };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(session.weight());
        self.flush(from, &mut session, Because::Late, tell);
        self.waiting_bytes += session.weight();
        self.by_pid.put(slot, session);
    }

    /// Nothing comes for a while: what is held back is told.
    pub(super) fn settle(&mut self, offset: u64, tell: Tell<'_>) {
        while let Some(waiter) = self.waiting.take() {
            self.lose_patience(waiter, offset, tell);
        }
        self.settled_until = self.settled_until.max(offset);
    }

    /// The file has ended: what waits will never be told.
    pub(super) fn end(&mut self) {
        let left = self.by_pid.all().map(|session| {
            let slow = session.prepared.is_some() && self.threshold.leaves_out_runs();
            session.textless.len() as u64 + u64::from(slow)
        });
        self.textless += left.sum::<u64>();
        self.by_pid.clear();
        self.waiting = Waiting::default();
        self.waiting_bytes = 0;
    }

    /// Tells or forgets what waits when it is too much: hostile logs, or statements that are never told to have run.
    fn make_room(&mut self, from: u64, tell: Tell<'_>) {
        if self.by_pid.len() >= MAX_SESSIONS {
            self.by_pid.retain(|session| session.oldest().is_some());
        }
        if self.by_pid.len() >= MAX_SESSIONS || self.waiting_bytes > MAX_WAITING_BYTES {
            while let Some(waiter) = self.waiting.take() {
                self.lose_patience(waiter, from, tell);
            }
            self.end();
        }
    }

    /// Bytes before `offset` that must be read again after a restart.
    pub(super) fn held(&self, offset: u64) -> u64 {
        let starts = self.by_pid.all().filter_map(Session::oldest);
        let protected = starts.filter(|start| offset - start <= MAX_HELD_BYTES);
        let halves = self.by_pid.all().flat_map(Session::halves);
        let recent = halves.filter(|start| offset - start <= PATIENCE_BYTES);
        protected
            .chain(recent)
            .min()
            .map_or(0, |oldest| offset - oldest)
    }
}

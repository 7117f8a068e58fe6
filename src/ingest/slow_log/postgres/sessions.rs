//! Joins what one server process says of one statement.
//!
//! ```text
//! parse, bind ──────► time that is added to the run
//! statement: ───────► text of the run          ┐
//! temporary file: ──► bytes that the run spills ├─► duration: tells the run; ERROR tells it as failed
//! plan: ────────────► plan of the run          ┘     (a plan that no run follows is a run of its own)
//! ```
//!
//! Nothing waits for these: other processes' runs are told meanwhile. So that a restart loses none of it, a
//! checkpoint is set before the oldest record that still waits for its run (at most [`MAX_HELD_BYTES`] back), and
//! its context says up to where runs have been told: those are read again, and not told again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::{self, Message};
use super::outcome;
use super::plan::{self, Explained};
use super::session::{
    Executed, Planned, Session, identity, prepared, same_run, spilled, starts, weight,
};
use super::{Record, Severity};
use crate::ingest::slow_log::threshold::Threshold;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::event::{Access, Outcome};
use crate::model::time::Timestamp;

/// A restart reads no more than this again.
const MAX_HELD_BYTES: u64 = 1 << 20;

/// Statements and plans that wait take no more memory than this.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// Processes remembered; a server has fewer connections.
const MAX_SESSIONS: usize = 4096;

/// The run of a plan is logged right behind it: in this many bytes, and this much time.
const PLAN_PATIENCE_BYTES: u64 = 64 << 10;
const PLAN_PATIENCE: Duration = Duration::from_secs(1);

/// Between a session's last record and its cancelled statement no more than this is taken for the run.
pub(super) const MAX_GUESSED_RUN: Duration = Duration::from_secs(300);

/// What all processes have said.
#[derive(Debug)]
pub(super) struct Sessions {
    by_pid: BTreeMap<u32, Session>,
    /// Plans that wait, in the order of the file.
    plans: VecDeque<(u64, u32)>,
    /// Bytes of the statements and plans that wait.
    waiting_bytes: usize,
    pub(super) threshold: Threshold,
    database: String,
    /// Runs that a record before this byte tells were told before the restart.
    pub(super) told_until: u64,
    /// Plans before this byte were told, because nothing came for a while.
    pub(super) settled_until: u64,
}

type Tell<'t> = &'t mut dyn FnMut(Entry<'_>);

impl Sessions {
    pub(super) fn new(database: &str) -> Self {
        Self {
            by_pid: BTreeMap::new(),
            plans: VecDeque::new(),
            waiting_bytes: 0,
            threshold: Threshold::default(),
            database: database.to_owned(),
            told_until: 0,
            settled_until: 0,
        }
    }

    /// Takes one record; they come in the order of the file.
    pub(super) fn observe(&mut self, record: &Record<'_>, tell: Tell<'_>) {
        let from = record.from;
        self.lose_patience(from, record.at, tell);
        self.make_room();
        let mut session = self.by_pid.remove(&record.pid).unwrap_or_default();
        self.waiting_bytes = self.waiting_bytes.saturating_sub(weight(&session));
        let mut left = false;
        if record.severity == Severity::Error {
            self.failed(record, &mut session, tell);
        } else {
            match message::read(&record.message) {
                Message::Ran(elapsed, sql) => self.ran(record, (elapsed, sql), &mut session, tell),
                Message::Executed(elapsed, sql) => {
                    self.executed(record, (elapsed, sql), &mut session, tell);
                }
                Message::Took(elapsed) => self.took(record, elapsed, &mut session, tell),
                Message::Plan(elapsed, text) => {
                    self.planned(record, (elapsed, text), &mut session, tell);
                }
                Message::Prepared(elapsed, sql) => prepared(record, elapsed, sql, &mut session),
                Message::Starts(sql) => starts(record, sql, &mut session),
                Message::Spilled(bytes) => spilled(record, bytes, &mut session),
                Message::Threshold(Some(threshold)) => self.threshold.state(threshold),
                Message::Left => {
                    self.flush(from, &mut session, tell);
                    left = true;
                }
                Message::Threshold(None) | Message::Other => {}
            }
        }
        session.last = record.at.or(session.last);
        if !left {
            self.waiting_bytes += weight(&session);
            self.by_pid.insert(record.pid, session);
        }
    }

    fn ran(
        &mut self,
        record: &Record<'_>,
        (elapsed, sql): (Duration, &[u8]),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let mut access = None;
        if let Some(planned) = session.plan.take() {
            if same_run(&planned.run, sql, elapsed) {
                access = planned.run.access;
            } else {
                self.tell_plan(record.from, &planned, tell);
            }
        }
        self.threshold.observe(elapsed, None);
        let mut run = self.entry(record, sql);
        run.elapsed = elapsed;
        let prepared = session.prepared.take();
        let spilled = session.spilled.take();
        if prepared.is_some() || spilled.is_some() {
            let statement = identity(sql);
            if let Some(prepared) = prepared.filter(|p| p.statement == statement) {
                run.elapsed = elapsed.saturating_add(prepared.elapsed);
            }
            if let Some(spilled) = spilled.filter(|s| s.statement == statement) {
                access.get_or_insert_with(Box::<Access>::default).temp_bytes = Some(spilled.bytes);
            }
        }
        run.access = access;
        session.statement = None;
        session.executed = None;
        self.tell(record.from, run, tell);
    }

    /// A run whose plan may follow it.
    fn executed(
        &mut self,
        record: &Record<'_>,
        (elapsed, sql): (Duration, &[u8]),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let has_plan = session.plan.is_some();
        self.ran(record, (elapsed, sql), session, tell);
        session.executed = (!has_plan).then(|| Executed {
            from: record.from,
            statement: identity(sql),
            elapsed,
        });
    }

    /// `log_duration`: the text was logged before, or not at all.
    fn took(
        &mut self,
        record: &Record<'_>,
        elapsed: Duration,
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let Some(started) = session.statement.take() else {
            return;
        };
        let record = Record {
            truncated: started.truncated,
            ..record.borrowed()
        };
        self.ran(&record, (elapsed, &started.sql), session, tell);
    }

    fn planned(
        &mut self,
        record: &Record<'_>,
        (elapsed, text): (Duration, &[u8]),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        self.flush(record.from, session, tell);
        let Some(Explained { sql, access }) = plan::read(text) else {
            return;
        };
        if session.has_run(&sql, elapsed) {
            session.executed = None;
            return;
        }
        let mut run = self.entry(record, &sql);
        run.elapsed = elapsed;
        run.access = Some(Box::new(access));
        let run = owned(run);
        session.plan = Some(Box::new(Planned {
            from: record.from,
            run,
        }));
        self.plans.push_back((record.from, record.pid));
    }

    fn failed(&mut self, record: &Record<'_>, session: &mut Session, tell: Tell<'_>) {
        self.flush(record.from, session, tell);
        let started = session.statement.take();
        let prepared = session.prepared.take();
        session.spilled = None;
        let outcome = outcome::of_error(&record.message, &record.code);
        let sql = match &started {
            Some(started) if record.statement.is_empty() => &*started.sql,
            _ => &*record.statement,
        };
        if sql.is_empty() {
            return;
        }
        let statement = identity(sql);
        let known_start = started
            .as_ref()
            .filter(|started| identity(&started.sql) == statement)
            .and_then(|started| started.at)
            .or_else(|| {
                prepared
                    .filter(|p| p.statement == statement)
                    .and_then(|p| p.at)
            });
        let mut run = self.entry(record, sql);
        run.elapsed = outcome::elapsed(record.at, known_start, session.last, &outcome);
        run.outcome = outcome;
        self.tell(record.from, run, tell);
    }

    fn entry<'e>(&'e self, record: &'e Record<'_>, sql: &'e [u8]) -> Entry<'e> {
        let database = if record.database.is_empty() {
            self.database.as_str().into()
        } else {
            scan::name(&record.database)
        };
        Entry {
            sql: scan::without_end(sql).into(),
            truncated: record.truncated,
            end: record.at,
            outcome: Outcome::Ok,
            database,
            user: scan::name(&record.user),
            client: scan::name(&record.client),
            weight: 1,
            ..Entry::default()
        }
    }

    /// Tells a run, unless it was told before the restart.
    fn tell(&self, from: u64, run: Entry<'_>, tell: Tell<'_>) {
        if from >= self.told_until {
            tell(run);
        }
    }

    fn tell_plan(&self, from: u64, planned: &Planned, tell: Tell<'_>) {
        if planned.from >= self.settled_until {
            self.tell(from, planned.run.clone(), tell);
        }
    }

    /// The plan that waits is a run of its own.
    fn flush(&mut self, from: u64, session: &mut Session, tell: Tell<'_>) {
        if let Some(planned) = session.plan.take() {
            self.threshold.observe(planned.run.elapsed, None);
            self.tell_plan(from, &planned, tell);
        }
    }

    /// Tells the plans whose runs should have come by now.
    fn lose_patience(&mut self, from: u64, at: Option<Timestamp>, tell: Tell<'_>) {
        while let Some((start, pid)) = self.plans.front().copied() {
            let session = self.by_pid.get_mut(&pid);
            let waits = session.filter(|s| s.plan.as_ref().is_some_and(|plan| plan.from == start));
            if let Some(session) = waits {
                let late = at > session.last.map(|last| last.plus(PLAN_PATIENCE));
                if from - start <= PLAN_PATIENCE_BYTES && !late {
                    return;
                }
                let mut session = std::mem::take(session);
                self.waiting_bytes = self.waiting_bytes.saturating_sub(weight(&session));
                self.flush(from, &mut session, tell);
                self.waiting_bytes += weight(&session);
                self.by_pid.insert(pid, session);
            }
            self.plans.pop_front();
        }
    }

    /// Nothing comes for a while: the plans that wait are runs of their own.
    pub(super) fn settle(&mut self, offset: u64, tell: Tell<'_>) {
        while let Some((start, pid)) = self.plans.pop_front() {
            let Some(mut session) = self.by_pid.remove(&pid) else {
                continue;
            };
            if session.plan.as_ref().is_some_and(|plan| plan.from == start) {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(weight(&session));
                self.flush(offset, &mut session, tell);
                self.waiting_bytes += weight(&session);
            }
            self.by_pid.insert(pid, session);
        }
        self.settled_until = self.settled_until.max(offset);
    }

    /// The file has ended: what waits will never be told.
    pub(super) fn end(&mut self) {
        self.by_pid.clear();
        self.plans.clear();
        self.waiting_bytes = 0;
    }

    /// Forgets what waits when it is too much: hostile logs, or statements that are never told to have run.
    fn make_room(&mut self) {
        if self.by_pid.len() >= MAX_SESSIONS {
            self.by_pid.retain(|_, session| session.oldest().is_some());
        }
        if self.by_pid.len() >= MAX_SESSIONS || self.waiting_bytes > MAX_WAITING_BYTES {
            self.end();
        }
    }

    /// Bytes before `offset` that must be read again after a restart.
    pub(super) fn held(&self, offset: u64) -> u64 {
        let starts = self.by_pid.values().filter_map(Session::oldest);
        let protected = starts.filter(|start| offset - start <= MAX_HELD_BYTES);
        let runs = self.by_pid.values().filter_map(|session| session.executed);
        let recent = runs
            .map(|run| run.from)
            .filter(|start| offset - start <= PLAN_PATIENCE_BYTES);
        protected
            .chain(recent)
            .min()
            .map_or(0, |oldest| offset - oldest)
    }

    /// When each process wrote last, the latest of them, for those that wrote within [`MAX_GUESSED_RUN`].
    pub(super) fn last_seen(&self, most: usize) -> BTreeMap<u32, Timestamp> {
        let mut seen: Vec<(Timestamp, u32)> = self
            .by_pid
            .iter()
            .filter_map(|(pid, session)| Some((session.last?, *pid)))
            .collect();
        seen.sort_unstable_by(|a, b| b.cmp(a));
        let newest = seen.first().map_or(Timestamp::EPOCH, |(at, _)| *at);
        seen.retain(|(at, _)| newest.since(*at) <= MAX_GUESSED_RUN);
        seen.truncate(most);
        seen.into_iter().map(|(at, pid)| (pid, at)).collect()
    }

    /// Remembers when each process wrote last.
    pub(super) fn see(&mut self, last_seen: BTreeMap<u32, Timestamp>) {
        for (pid, at) in last_seen {
            self.by_pid.entry(pid).or_default().last = Some(at);
        }
    }
}

pub(super) fn owned(entry: Entry<'_>) -> Entry<'static> {
    Entry {
        sql: entry.sql.into_owned().into(),
        truncated: entry.truncated,
        end: entry.end,
        elapsed: entry.elapsed,
        lock: entry.lock,
        rows: entry.rows,
        bytes_sent: entry.bytes_sent,
        access: entry.access,
        outcome: entry.outcome,
        database: entry.database.into_owned().into(),
        user: entry.user.into_owned().into(),
        client: entry.client.into_owned().into(),
        weight: entry.weight,
    }
}

//! What the records of a run come to: the simple protocol and the extended one, plans, and errors.

use std::sync::Arc;
use std::time::Duration;

use super::Record;
use super::failure;
use super::message::{Broken, Portal, Wait};
use super::nested;
use super::pending::{self, Kind, Pending};
use super::plan::Explained;
use super::session::{Prepared, Protocol, Session, identity};
use super::sessions::{Because, Sessions, Tell};
use super::texts;
use super::waiting::Waiter;
use crate::ingest::RawError;
use crate::ingest::server_log::class;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::event::{Outcome, RowCounts};

/// A run that has ended.
#[derive(Debug, Clone, Copy)]
struct Ended<'s> {
    elapsed: Duration,
    sql: &'s [u8],
    /// What becomes of another run that still waits.
    others: Because,
}

/// What is known of a run beside its record.
struct Known {
    /// Where its first record starts.
    since: u64,
    elapsed: Duration,
    temp_bytes: Option<u64>,
    /// Time of what ran inside it.
    inner: Duration,
    /// Its plan, told as a run of its own so far.
    plan: Option<Box<Pending>>,
}

impl Sessions {
    /// A run of the simple protocol, which closes the unnamed portal before.
    pub(super) fn ran(
        &mut self,
        record: &Record<'_>,
        (elapsed, sql): (Duration, &[u8]),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        session.close_unnamed();
        let ended = Ended {
            elapsed,
            sql,
            others: Because::Closed,
        };
        let known = self.known(record, ended, session, tell);
        if let Some(mut known) = known {
            self.tell(record.from, self.run(record, sql, &mut known), tell);
            self.spare.put_some(known.plan);
        }
    }

    /// A run whose plan may follow it.
    pub(super) fn executed(
        &mut self,
        record: &Record<'_>,
        (elapsed, portal): (Duration, Portal<'_>),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let statement = identity(portal.sql);
        if portal.goes_on {
            let waits = session.pending.as_deref_mut();
            if let Some(run) = waits.filter(|p| p.lacks_plan() && p.statement == statement) {
                let inner = session.inside.take(record.at, elapsed);
                run.go_on(elapsed, inner, record.at);
                session.statement = None;
                return;
            }
        }
        let goes_on = portal.goes_on && session.go_on(statement, elapsed);
        let others = if portal.is_named {
            Because::StillOpen
        } else {
            session.close_unnamed();
            Because::Closed
        };
        let ended = Ended {
            elapsed,
            sql: portal.sql,
            others,
        };
        let known = self.known(record, ended, session, tell);
        let Some(mut known) = known else { return };
        if known.plan.is_some() || goes_on {
            self.tell(record.from, self.run(record, portal.sql, &mut known), tell);
            self.spare.put_some(known.plan);
            return;
        }
        let mut pending = self.spare.take();
        pending.since = known.since;
        pending.statement = statement;
        pending.kind = Kind::Run {
            is_named: portal.is_named,
        };
        let run = self.run(record, portal.sql, &mut known);
        pending::hold(run, &mut pending.run);
        self.wait(record, pending, session);
    }

    fn wait(&mut self, record: &Record<'_>, mut pending: Box<Pending>, session: &mut Session) {
        pending.from = record.from;
        session.pending = Some(pending);
        self.waiting.push(Waiter {
            from: record.from,
            at: record.at,
            pid: record.pid,
        });
    }

    /// Puts together what is known of a run; `None` when it was told by its plan.
    fn known(
        &mut self,
        record: &Record<'_>,
        ended: Ended<'_>,
        session: &mut Session,
        tell: Tell<'_>,
    ) -> Option<Known> {
        let Ended {
            elapsed,
            sql,
            others,
        } = ended;
        if session.is_clear() {
            self.note_time(record.from, elapsed);
            return Some(Known {
                since: record.from,
                elapsed,
                temp_bytes: None,
                inner: Duration::ZERO,
                plan: None,
            });
        }
        // a hash of the text, which most runs have nothing to be compared with
        let statement = if session.holds_halves() {
            identity(sql)
        } else {
            0
        };
        let since = session.oldest_of_next().unwrap_or(record.from);
        let plan = session
            .pending
            .take_if(|pending| pending.is_plan_of(statement, elapsed));
        if plan.is_none() {
            self.flush(record.from, session, others, tell);
        }
        self.note_time(record.from, elapsed);
        let was_told = session.take_explained(record, (statement, elapsed))
            || plan.as_ref().is_some_and(|p| p.from < self.settled_until);
        let prepared = session.prepared.take_if(|p| p.statement == statement);
        self.never_ran(record, session.prepared.take(), tell);
        let spilled = session.spilled.take();
        let inner = session.inside.take(record.at, elapsed);
        session.statement = None;
        let known = Known {
            since: since.min(record.from),
            elapsed: prepared.map_or(elapsed, |p| elapsed.saturating_add(p.elapsed)),
            temp_bytes: spilled
                .filter(|s| s.statement == statement)
                .map(|s| s.bytes),
            inner,
            plan,
        };
        (!was_told).then_some(known)
    }

    fn run<'e>(&'e self, record: &'e Record<'_>, sql: &'e [u8], known: &mut Known) -> Entry<'e> {
        let mut run = self.entry(record, sql);
        run.elapsed = known.elapsed;
        run.nesting.inner = known.inner;
        if let Some(plan) = &mut known.plan {
            let plan = &mut plan.run;
            run.nesting.inner = run.nesting.inner.saturating_add(plan.nesting.inner);
            run.access = plan.access.take();
            run.rows = plan.rows;
        }
        if let Some(bytes) = known.temp_bytes {
            pending::spill(&mut run, bytes);
        }
        run
    }

    /// `log_duration`: the text was logged before, or not at all.
    pub(super) fn took(
        &mut self,
        record: &Record<'_>,
        elapsed: Duration,
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let Some(started) = session.statement.take() else {
            self.note_textless(record, elapsed, session);
            return;
        };
        let record = Record {
            truncated: started.truncated,
            ..record.borrowed()
        };
        let sql = &*started.sql;
        match started.by {
            Protocol::Simple => self.ran(&record, (elapsed, sql), session, tell),
            Protocol::Extended { is_named, goes_on } => {
                let portal = Portal {
                    sql,
                    is_named,
                    goes_on,
                };
                self.executed(&record, (elapsed, portal), session, tell);
                if let Some(pending) = session.pending.as_deref_mut() {
                    pending.since = pending.since.min(started.from);
                }
            }
        }
    }

    pub(super) fn planned(
        &mut self,
        record: &Record<'_>,
        (elapsed, plan): (Duration, Explained<'_>),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let Explained { sql, access, rows } = plan;
        // of a plan that was cut not all rows are known
        let rows = if record.truncated {
            RowCounts::default()
        } else {
            rows
        };
        if nested::is_nested(&record.context) {
            let explained = Explained { sql, access, rows };
            return self.ran_inside(record, (elapsed, explained), session, tell);
        }
        let statement = identity(&sql);
        match session.pending.as_deref_mut() {
            Some(run) if run.is_run_of(statement, elapsed) => {
                run.explain(access, rows, record.at);
                return;
            }
            Some(plan) if plan.is_same_message(statement, &sql) => {
                plan.add(elapsed, rows);
                return;
            }
            _ => {}
        }
        self.flush(record.from, session, Because::StillOpen, tell);
        let was_fetched = session.fetches && texts::declares(&sql);
        if session.take_executed(statement, elapsed) || was_fetched {
            return;
        }
        let mut pending = self.spare.take();
        pending.since = session.inside.oldest().unwrap_or(record.from);
        pending.statement = statement;
        pending.kind = Kind::Plan;
        let mut run = self.entry(record, &sql);
        run.elapsed = elapsed;
        run.rows = rows;
        run.access = Some(access);
        run.nesting.inner = session.inside.take(record.at, elapsed);
        pending::hold(run, &mut pending.run);
        self.wait(record, pending, session);
    }

    pub(super) fn failed(&mut self, record: &Record<'_>, session: &mut Session, tell: Tell<'_>) {
        self.flush(record.from, session, Because::Closed, tell);
        session.executed.clear();
        let started = session.statement.take();
        let prepared = session.prepared.take();
        session.spilled = None;
        let mut error = failure::of_record(record);
        let outcome = class::outcome(error.class, Arc::clone(&error.code));
        let sql = match &started {
            Some(started) if record.statement.is_empty() => &*started.sql,
            _ => &*record.statement,
        };
        if sql.is_empty() {
            error.alone = true;
            self.tell_error(record, sql, error, tell);
            return;
        }
        let statement = identity(sql);
        let is_of = |prepared: &&Prepared| prepared.statement == statement;
        let known_start = started
            .as_ref()
            .filter(|started| identity(&started.sql) == statement)
            .and_then(|started| started.at)
            .or_else(|| prepared.as_ref().filter(is_of).and_then(|p| p.at));
        self.never_ran(record, prepared.filter(|p| !is_of(&p)), tell);
        // Where the log does not show the start, nobody knows how long it ran: what the session did before, idling
        // perhaps, is no run.
        let known = record.at.zip(known_start);
        let elapsed = known.map_or(Duration::ZERO, |(end, start)| end.since(start));
        let mut run = self.entry(record, sql);
        run.elapsed = elapsed;
        run.nesting.inner = session.inside.take(record.at, elapsed);
        run.outcome = outcome;
        run.error = Some(Box::new(error));
        self.tell(record.from, run, tell);
    }

    /// A wait for a lock. The blocker's statement is that which its process has not finished, or wrote last.
    pub(super) fn waits(
        &mut self,
        record: &Record<'_>,
        wait: Wait<'_>,
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        let told = std::mem::take(&mut session.waited);
        if !wait.is_over {
            session.waited = wait.elapsed;
        }
        let statement_of = |pid| self.statement_of(pid).to_vec();
        let error = failure::of_wait(record, wait, told, &statement_of);
        let sql = match &session.statement {
            Some(started) if record.statement.is_empty() => started.sql.to_vec(),
            _ => record.statement.to_vec(),
        };
        self.tell_error(record, &sql, error, tell);
    }

    /// A connection that broke.
    pub(super) fn broke(&mut self, record: &Record<'_>, broken: Broken<'_>, tell: Tell<'_>) {
        let error = failure::of_broken(record, broken);
        self.tell_error(record, &record.statement, error, tell);
    }

    fn tell_error(&self, record: &Record<'_>, sql: &[u8], error: RawError, tell: Tell<'_>) {
        let mut entry = self.entry(record, sql);
        entry.error = Some(Box::new(error));
        self.tell(record.from, entry, tell);
    }

    pub(super) fn entry<'e>(&'e self, record: &'e Record<'_>, sql: &'e [u8]) -> Entry<'e> {
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
}

//! Applies changes to the file: one transaction for each batch.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::incident::{Acknowledged, Decisions, Notice, Problem};
use crate::model::finding::{Finding, ProblemKey};
use crate::model::id::ServiceName;
use crate::model::incident::Incident;
use crate::model::sql::StatementRef;
use crate::model::time::Timestamp;
use crate::normalise::FINGERPRINT_VERSION;
use crate::store::change::Change;
use crate::store::row::{count, encode, fingerprint, nanos, severity};
use crate::store::view::{Marker, SourceGap};
use crate::store::{StoreError, row};
use crate::store::{gaps, ladder, outbox, traces};
use crate::window::{Flush, PackedWindow, WindowKey};

/// Length of a window as it comes, in seconds: the first step of the ladder.
pub(super) const FIRST_STEP_SECS: i64 = 10;
/// A finding that begins within this time after the last one of its problem extends that one's row.
const EPISODE_GAP: Duration = Duration::from_secs(10 * 60);

/// The file, as its one writer sees it.
#[derive(Debug)]
pub(super) struct Embedded {
    connection: Connection,
    /// Who is told of every notice.
    sinks: Vec<Arc<str>>,
    /// `synchronous=FULL` is set.
    careful: bool,
}

impl Embedded {
    pub(super) fn new(connection: Connection, sinks: Vec<Arc<str>>) -> Self {
        Self {
            connection,
            sinks,
            careful: false,
        }
    }

    /// From here on the end of the process is a crash unless [`Embedded::close`] came before.
    pub(super) fn begin(&self) {
        if let Err(error) = gaps::open(&self.connection) {
            tracing::debug!(%error, "a crash would not be known as one");
        }
    }

    /// Records what is missing.
    pub(super) fn note_gaps(&self, missing: &[SourceGap]) -> Result<(), StoreError> {
        missing
            .iter()
            .try_for_each(|gap| gaps::put(&self.connection, gap))
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Commits all of the changes, or none.
    pub(super) fn commit<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Change> + Clone,
    ) -> Result<(), StoreError> {
        self.set_careful(changes.clone().any(Change::must_survive_a_power_cut))?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in changes {
            apply(&transaction, change, &self.sinks)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Leaves one file behind, without a WAL.
    pub(super) fn close(self) {
        if let Err(error) = gaps::close(&self.connection) {
            tracing::debug!(%error, "the next start takes this stop for a crash");
        }
        if let Err(error) = self
            .connection
            .execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);")
        {
            tracing::debug!(%error, "the WAL stays; the next start reads it");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::debug!(%error, "the store was not closed in order; nothing is lost by it");
        }
    }

    fn set_careful(&mut self, careful: bool) -> Result<(), StoreError> {
        if self.careful != careful {
            let level = if careful { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.careful = careful;
        }
        Ok(())
    }
}

fn apply(to: &Transaction, change: &Change, sinks: &[Arc<str>]) -> Result<(), StoreError> {
    match change {
        Change::Flush(flush) => apply_flush(to, flush),
        Change::Decided(decisions) => apply_decisions(to, decisions, sinks),
        Change::Acknowledged(acknowledged) => apply_acknowledged(to, acknowledged, sinks),
        Change::OutboxResult { id, result } => outbox::settle(to, *id, result),
        Change::Marker(marker) => put_marker(to, marker),
        Change::Trace(trace) => traces::put(to, trace),
    }
}

fn apply_flush(to: &Transaction, flush: &Flush) -> Result<(), StoreError> {
    for statement in &flush.statements {
        put_statement(to, statement)?;
    }
    for window in &flush.windows {
        put_window(to, window)?;
    }
    for checkpoint in &flush.checkpoints {
        to.prepare_cached(
            "INSERT INTO checkpoints (source, body) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET body = excluded.body",
        )?
        .execute(params![
            checkpoint.source.as_str(),
            encode("checkpoints", checkpoint)?
        ])?;
    }
    for courses in &flush.courses {
        to.prepare_cached(
            "INSERT INTO courses (source, body) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET body = excluded.body",
        )?
        .execute(params![courses.source.as_str(), courses.body])?;
    }
    Ok(())
}

fn put_statement(to: &Transaction, statement: &StatementRef) -> Result<(), StoreError> {
    to.prepare_cached(
        "INSERT INTO statements (fingerprint, version, body) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET version = excluded.version, body = excluded.body",
    )?
    .execute(params![
        fingerprint(statement.fingerprint),
        FINGERPRINT_VERSION,
        encode("statements", statement)?
    ])?;
    Ok(())
}

fn put_window(to: &Transaction, window: &PackedWindow) -> Result<(), StoreError> {
    ladder::forget_hour(to, window.key.source.as_str(), nanos(window.key.start))?;
    to.prepare_cached(
        "INSERT INTO windows (source, step, start, end, runs, backlog, judged, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)
         ON CONFLICT (source, start) DO UPDATE SET
           end = excluded.end, runs = excluded.runs, backlog = excluded.backlog, body = excluded.body
         WHERE judged = 0",
    )?
    .execute(params![
        window.key.source.as_str(),
        FIRST_STEP_SECS,
        nanos(window.key.start),
        nanos(window.end),
        count(window.count),
        window.backlog,
        window.body,
    ])?;
    Ok(())
}

fn apply_decisions(
    to: &Transaction,
    decisions: &Decisions,
    sinks: &[Arc<str>],
) -> Result<(), StoreError> {
    put_judged(to, &decisions.judged)?;
    for finding in &decisions.findings {
        put_finding(to, finding)?;
    }
    for problem in &decisions.problems {
        put_problem(to, problem)?;
    }
    for key in &decisions.forgotten {
        to.prepare_cached("DELETE FROM problems WHERE problem = ?1")?
            .execute([problem_name(key)?])?;
    }
    for incident in &decisions.incidents {
        put_incident(to, incident)?;
    }
    put_notices(to, &decisions.notices, decisions.at, sinks)
}

fn put_judged(to: &Transaction, key: &WindowKey) -> Result<(), StoreError> {
    to.prepare_cached("UPDATE windows SET judged = 1 WHERE source = ?1 AND start = ?2")?
        .execute(params![key.source.as_str(), nanos(key.start)])?;
    Ok(())
}

/// Extends the row of the same episode, or begins one. The worse finding is kept, over the whole episode.
fn put_finding(to: &Transaction, finding: &Finding) -> Result<(), StoreError> {
    let problem = problem_name(&finding.key())?;
    let since = nanos(finding.at.from.minus(EPISODE_GAP));
    let episode: Option<(i64, String)> = to
        .prepare_cached(
            "SELECT id, body FROM findings WHERE problem = ?1 AND at_to >= ?2
             ORDER BY at_to DESC LIMIT 1",
        )?
        .query_map(params![problem, since], |found| {
            Ok((found.get(0)?, found.get(1)?))
        })?
        .next()
        .transpose()?;
    let earlier = episode.and_then(|(id, body)| {
        let earlier: Finding = row::decode("findings", &body).ok()?;
        Some((id, earlier))
    });
    let Some((id, earlier)) = earlier else {
        return insert_finding(to, &problem, finding);
    };
    let at = earlier.at.hull(finding.at);
    let mut kept = if earlier.severity > finding.severity {
        earlier
    } else {
        finding.clone()
    };
    kept.at = at;
    to.prepare_cached(
        "UPDATE findings SET at_from = ?2, at_to = ?3, severity = ?4, body = ?5 WHERE id = ?1",
    )?
    .execute(params![
        id,
        nanos(at.from),
        nanos(at.to),
        severity(kept.severity),
        encode("findings", &kept)?
    ])?;
    Ok(())
}

fn insert_finding(to: &Transaction, problem: &str, finding: &Finding) -> Result<(), StoreError> {
    to.prepare_cached(
        "INSERT INTO findings (problem, at_from, at_to, detector, severity, fingerprint, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        problem,
        nanos(finding.at.from),
        nanos(finding.at.to),
        &*finding.detector,
        severity(finding.severity),
        finding.fingerprint.map(fingerprint),
        encode("findings", finding)?
    ])?;
    Ok(())
}

fn problem_name(key: &ProblemKey) -> Result<String, StoreError> {
    encode("problems", key)
}

fn put_problem(to: &Transaction, problem: &Problem) -> Result<(), StoreError> {
    to.prepare_cached(
        "INSERT INTO problems (problem, body) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET body = excluded.body",
    )?
    .execute(params![
        problem_name(&problem.key)?,
        encode("problems", problem)?
    ])?;
    Ok(())
}

fn put_incident(to: &Transaction, incident: &Incident) -> Result<(), StoreError> {
    let (day, number) = id_parts(incident.id.as_str());
    to.prepare_cached(
        "INSERT INTO incidents (id, day, number, state, severity, started, resolved, revision, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET
           state = excluded.state, severity = excluded.severity, started = excluded.started,
           resolved = excluded.resolved, revision = excluded.revision, body = excluded.body",
    )?
    .execute(params![
        incident.id.as_str(),
        day,
        number,
        incident.state.as_str(),
        severity(incident.severity),
        nanos(incident.started_at),
        incident.resolved_at.map(nanos),
        count(incident.revision),
        encode("incidents", incident)?
    ])?;
    Ok(())
}

/// `INC-20261121-3` is the third of that day.
fn id_parts(id: &str) -> (&str, u32) {
    let mut parts = id.rsplitn(2, '-');
    let number = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let day = parts.next().unwrap_or(id);
    (day.strip_prefix("INC-").unwrap_or(day), number)
}

fn apply_acknowledged(
    to: &Transaction,
    acknowledged: &Acknowledged,
    sinks: &[Arc<str>],
) -> Result<(), StoreError> {
    put_incident(to, &acknowledged.incident)?;
    put_notices(to, &acknowledged.notices, acknowledged.at, sinks)
}

fn put_notices(
    to: &Transaction,
    notices: &[Notice],
    at: Timestamp,
    sinks: &[Arc<str>],
) -> Result<(), StoreError> {
    for notice in notices {
        for sink in sinks {
            outbox::enqueue(to, notice, sink, at)?;
        }
    }
    Ok(())
}

fn put_marker(to: &Transaction, marker: &Marker) -> Result<(), StoreError> {
    to.prepare_cached("INSERT INTO markers (at, kind, title, service) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            nanos(marker.at),
            marker.kind,
            marker.title,
            marker.service.as_ref().map(ServiceName::as_str)
        ])?;
    Ok(())
}

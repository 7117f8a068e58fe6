//! Messages that are still to be sent: at most one due row for each incident and sink, the newest.
//!
//! ```text
//!            ┌── a newer notice ──► superseded ──(sent after all: the newer one becomes an update)
//! due ───────┼── Sent ────────────► (gone; an alert of the incident)
//!  ▲ └ Retry ┘── Dead ────────────► dead
//! ```
//!
//! A superseded row stays for as long as the incident's due one, because its message may be on its way: what
//! becomes of it is still recorded.

use rusqlite::{Connection, OptionalExtension, params};

use crate::incident::{Notice, NoticeKind};
use crate::model::id::IncidentId;
use crate::model::time::Timestamp;
use crate::store::StoreError;
use crate::store::change::Delivery;
use crate::store::row::{count, instant, nanos, uncount};
use crate::store::view::OutboxRow;

/// Rows handed out at once.
const MAX_DUE: u32 = 256;

/// How the kind of a notice is written.
pub(super) fn kind_name(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Fired => "fired",
        NoticeKind::Updated => "updated",
        NoticeKind::Resolved => "resolved",
    }
}

fn kind_from(name: &str) -> NoticeKind {
    match name {
        "fired" => NoticeKind::Fired,
        "resolved" => NoticeKind::Resolved,
        _ => NoticeKind::Updated,
    }
}

/// What one message must say that stands for two: who was never told that it fires must be told so.
fn merged(waiting: NoticeKind, newer: NoticeKind) -> NoticeKind {
    match (waiting, newer) {
        (NoticeKind::Fired, NoticeKind::Updated) => NoticeKind::Fired,
        (_, newer) => newer,
    }
}

/// Queues a notice for a sink, in the place of what waits there for the same incident.
pub(super) fn enqueue(
    connection: &Connection,
    notice: &Notice,
    sink: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let waiting = connection
        .prepare_cached(
            "SELECT id, what, attempts, first_queued, next_try, revision FROM outbox
             WHERE incident = ?1 AND sink = ?2 AND state = 'due'",
        )?
        .query_row(params![notice.incident.as_str(), sink], |row| {
            Ok(Waiting {
                id: row.get(0)?,
                what: kind_from(&row.get::<_, String>(1)?),
                attempts: row.get(2)?,
                first_queued: row.get(3)?,
                next_try: row.get(4)?,
                revision: row.get(5)?,
            })
        })
        .optional()?;
    let row = match waiting {
        // The same decisions again, after a crash: they are queued already.
        Some(waiting) if waiting.revision >= count(notice.revision) => return Ok(()),
        Some(waiting) => {
            connection
                .prepare_cached("UPDATE outbox SET state = 'superseded' WHERE id = ?1")?
                .execute([waiting.id])?;
            Waiting {
                what: merged(waiting.what, notice.what),
                ..waiting
            }
        }
        None => Waiting {
            id: 0,
            what: notice.what,
            attempts: 0,
            first_queued: nanos(at),
            next_try: 0,
            revision: 0,
        },
    };
    connection
        .prepare_cached(
            "INSERT INTO outbox
               (incident, sink, revision, what, state, attempts, first_queued, next_try)
             VALUES (?1, ?2, ?3, ?4, 'due', ?5, ?6, ?7)",
        )?
        .execute(params![
            notice.incident.as_str(),
            sink,
            count(notice.revision),
            kind_name(row.what),
            row.attempts,
            row.first_queued,
            row.next_try,
        ])?;
    Ok(())
}

/// What an undelivered row hands on to the one that takes its place.
struct Waiting {
    id: i64,
    what: NoticeKind,
    attempts: i64,
    first_queued: i64,
    next_try: i64,
    revision: i64,
}

/// Records what became of a message; an id that is not known any more is no error.
pub(super) fn settle(
    connection: &Connection,
    id: i64,
    result: &Delivery,
) -> Result<(), StoreError> {
    match result {
        Delivery::Sent { remote, at } => sent(connection, id, remote.as_deref(), *at),
        Delivery::Begun { remote } => remember_of_row(connection, id, remote),
        Delivery::Needless => {
            connection
                .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
                .execute([id])?;
            Ok(())
        }
        Delivery::Retry { at, error, remote } => {
            if let Some(remote) = remote {
                remember_of_row(connection, id, remote)?;
            }
            connection
                .prepare_cached(
                    "UPDATE outbox SET attempts = attempts + 1, next_try = ?2, error = ?3
                     WHERE id = ?1 AND state = 'due'",
                )?
                .execute(params![id, nanos(*at), error])?;
            Ok(())
        }
        Delivery::Dead { error } => {
            connection
                .prepare_cached(
                    "UPDATE outbox SET attempts = attempts + 1, state = 'dead', error = ?2
                     WHERE id = ?1 AND state = 'due'",
                )?
                .execute(params![id, error])?;
            Ok(())
        }
    }
}

fn sent(
    connection: &Connection,
    id: i64,
    remote: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = connection
        .prepare_cached("DELETE FROM outbox WHERE id = ?1 RETURNING incident, sink, what")?
        .query_row([id], |row| {
            let (incident, sink, what): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((incident, sink, what))
        })
        .optional()?;
    let Some((incident, sink, what)) = row else {
        return Ok(());
    };
    connection
        .prepare_cached("INSERT INTO alerts (incident, sink, at, what) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![incident, sink, nanos(at), what])?;
    if let Some(remote) = remote {
        remember(connection, &incident, &sink, remote)?;
    }
    connection
        .prepare_cached(
            "UPDATE outbox SET what = 'updated'
             WHERE incident = ?1 AND sink = ?2 AND state = 'due' AND what = 'fired' AND ?3 = 'fired'",
        )?
        .execute(params![incident, sink, what])?;
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE incident = ?1 AND sink = ?2 AND state = 'superseded' AND id < ?3",
        )?
        .execute(params![incident, sink, id])?;
    Ok(())
}

/// Keeps how a sink addresses the message of the incident that a row is about.
fn remember_of_row(connection: &Connection, id: i64, remote: &str) -> Result<(), StoreError> {
    let row: Option<(String, String)> = connection
        .prepare_cached("SELECT incident, sink FROM outbox WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match row {
        Some((incident, sink)) => remember(connection, &incident, &sink, remote),
        None => Ok(()),
    }
}

fn remember(
    connection: &Connection,
    incident: &str,
    sink: &str,
    remote: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO remotes (incident, sink, remote) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET remote = excluded.remote",
        )?
        .execute(params![incident, sink, remote])?;
    Ok(())
}

/// What is to be sent by `sink` now, the longest waiting first.
pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    sink: &str,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.incident, o.revision, o.what, o.attempts, o.first_queued, o.next_try, r.remote
         FROM outbox o LEFT JOIN remotes r ON r.incident = o.incident AND r.sink = o.sink
         WHERE o.sink = ?1 AND o.state = 'due' AND o.next_try <= ?2
         ORDER BY o.first_queued, o.id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![sink, nanos(now), MAX_DUE], |found| {
        Ok(OutboxRow {
            id: found.get(0)?,
            incident: IncidentId::new(found.get::<_, String>(1)?),
            sink: sink.into(),
            revision: uncount(found.get(2)?),
            what: kind_from(&found.get::<_, String>(3)?),
            attempts: found.get(4)?,
            first_queued_at: instant(found.get(5)?),
            next_try: instant(found.get(6)?),
            remote: found.get(7)?,
        })
    })?;
    rows.map(|found| found.map_err(StoreError::from)).collect()
}

/// When the oldest unsent change of `sink` was queued.
pub(super) fn oldest(connection: &Connection, sink: &str) -> Result<Option<Timestamp>, StoreError> {
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(first_queued) FROM outbox WHERE sink = ?1 AND state = 'due'")?
        .query_row([sink], |found| found.get(0))?;
    Ok(oldest.map(instant))
}

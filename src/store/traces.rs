//! Traces that show a problem: kept for viewers, and for the links in messages.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::model::time::{Interval, Timestamp};
use crate::model::trace::Trace;
use crate::store::row::{nanos, unreadable};
use crate::store::view::{Operation, TraceFilter};
use crate::store::{Reader, StoreError};

/// Traces that are kept: beyond, the oldest go. One of 200 spans takes about 4 KiB.
const MAX_TRACES: u32 = 10_000;
/// Traces that one search unpacks, at most.
const MAX_LOOKED_AT: u32 = 2_000;
/// Traces of one answer, at most.
const MAX_FOUND: usize = 1_000;
const COMPRESSION_LEVEL: i32 = 3;
/// No stored trace is larger, unpacked.
const MAX_BYTES: usize = 64 << 20;

/// Keeps a trace; what was noted of it before stays.
pub(super) fn put(to: &Transaction, trace: &Trace) -> Result<(), StoreError> {
    let mut whole = trace.clone();
    if let Some(known) = get(to, trace.id)? {
        let notes = std::mem::replace(&mut whole.notes, known.notes);
        for note in notes {
            whole.note(note);
        }
    }
    let key = whole.id.to_be_bytes();
    let span = whole.interval();
    to.prepare_cached(
        "INSERT INTO traces (trace, started, elapsed, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET started = excluded.started, elapsed = excluded.elapsed, body = excluded.body",
    )?
    .execute(params![
        key.as_slice(),
        nanos(span.from),
        i64::try_from(span.duration().as_nanos()).unwrap_or(i64::MAX),
        pack(&whole)?
    ])?;
    let mut part = to.prepare_cached(
        "INSERT INTO trace_operations (service, operation, kind, trace) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    for span in &whole.spans {
        let kind = span.kind.as_str();
        part.execute(params![
            span.maker.service.as_str(),
            &*span.name,
            kind,
            key.as_slice()
        ])?;
    }
    Ok(())
}

/// Drops what is too old or too much.
pub(super) fn drop_before(to: &Transaction, cutoff: i64) -> Result<(), StoreError> {
    to.execute(
        "DELETE FROM traces WHERE started < max(?1, coalesce(
           (SELECT started FROM traces ORDER BY started DESC LIMIT 1 OFFSET ?2), ?1))",
        params![cutoff, MAX_TRACES],
    )?;
    Ok(())
}

impl Reader {
    /// One trace.
    pub fn trace(&self, id: u128) -> Result<Option<Trace>, StoreError> {
        self.with(|connection| get(connection, id))
    }

    /// Traces that began in an interval, the newest first.
    pub fn traces(&self, filter: &TraceFilter) -> Result<Vec<Trace>, StoreError> {
        self.with(|connection| find(connection, filter))
    }

    /// Who took part in a kept trace, sorted.
    pub fn trace_services(&self) -> Result<Vec<String>, StoreError> {
        self.with(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT DISTINCT service FROM trace_operations ORDER BY service")?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }

    /// What a service did in kept traces, sorted.
    pub fn trace_operations(&self, service: &str) -> Result<Vec<Operation>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT operation, kind FROM trace_operations WHERE service = ?1 ORDER BY operation, kind",
            )?;
            let operations = statement.query_map([service], |row| {
                Ok(Operation {
                    name: row.get(0)?,
                    kind: row.get(1)?,
                })
            })?;
            Ok(operations.collect::<Result<_, _>>()?)
        })
    }
}

fn get(connection: &Connection, id: u128) -> Result<Option<Trace>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM traces WHERE trace = ?1")?;
    let body: Option<Vec<u8>> = statement
        .query_row([id.to_be_bytes().as_slice()], |row| row.get(0))
        .optional()?;
    body.map(|body| unpack(&body)).transpose()
}

fn find(connection: &Connection, filter: &TraceFilter) -> Result<Vec<Trace>, StoreError> {
    let within = filter.within.unwrap_or(Interval {
        from: Timestamp::EPOCH,
        to: Timestamp::from_unix_nanos(u64::MAX),
    });
    let elapsed = |bound: Duration| i64::try_from(bound.as_nanos()).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(
        "SELECT body FROM traces
         WHERE started >= ?1 AND started < ?2 AND elapsed BETWEEN ?3 AND ?4
           AND (?5 IS NULL OR trace IN (SELECT trace FROM trace_operations
             WHERE service = ?5 AND (?6 IS NULL OR operation = ?6)))
         ORDER BY started DESC LIMIT ?7",
    )?;
    let mut rows = statement.query(params![
        nanos(within.from),
        nanos(within.to),
        filter.shortest.map_or(0, elapsed),
        filter.longest.map_or(i64::MAX, elapsed),
        filter.service,
        filter.operation,
        MAX_LOOKED_AT,
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let trace = unpack(&row.get::<_, Vec<u8>>(0)?)?;
        if filter.matches(&trace) {
            found.push(trace);
        }
        if found.len() >= filter.limit.min(MAX_FOUND) {
            break;
        }
    }
    Ok(found)
}

fn pack(trace: &Trace) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(trace).map_err(|e| unreadable("traces", e))?;
    zstd::bulk::compress(&json, COMPRESSION_LEVEL).map_err(|e| unreadable("traces", e))
}

fn unpack(body: &[u8]) -> Result<Trace, StoreError> {
    let json = zstd::bulk::decompress(body, MAX_BYTES).map_err(|e| unreadable("traces", e))?;
    serde_json::from_slice(&json).map_err(|e| unreadable("traces", e))
}

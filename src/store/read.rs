//! Reads the store beside its writer: a small pool of read-only connections, each seeing the last commit.
//!
//! Every method blocks for the length of a query; async callers go through `spawn_blocking`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, ToSql, params};

use crate::ingest::Checkpoint;
use crate::model::finding::Finding;
use crate::model::id::{IncidentId, ServiceName, SourceId};
use crate::model::incident::{Alert, Incident};
use crate::model::time::{Interval, Timestamp};
use crate::store::row::{decode, fingerprint, instant, nanos, severity};
use crate::store::view::{FindingFilter, IncidentFilter, Marker, OutboxRow, Page, SourceRow};
use crate::store::{StoreError, gaps, outbox};

/// Connections that are kept open; more are opened when all are busy, and closed again.
const POOL: usize = 4;
/// Rows of one page, at most.
const MAX_PAGE: usize = 1_000;
/// Markers of one answer, at most: a page, and one that shows that more follow.
const MAX_MARKERS: u32 = 1_001;

/// Reads the store. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Reader {
    path: Arc<Path>,
    // A lock held for a push or a pop only, never across a query.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reader {
    /// Opens the store for reading; the file must be there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let reader = Self {
            path: Arc::from(PathBuf::from(path)),
            idle: Arc::new(Mutex::new(Vec::new())),
        };
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// Runs `read` on a connection of its own.
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.pool().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let found = read(&connection);
        let mut pool = self.pool();
        if pool.len() < POOL {
            pool.push(connection);
        }
        found
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic between push and pop cannot leave half a vector.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Incidents, the newest first.
    pub fn incidents(&self, filter: &IncidentFilter) -> Result<Page<Incident>, StoreError> {
        let after = filter.cursor.as_deref().map(parse_cursor).transpose()?;
        let (before, last) = after.unwrap_or((i64::MAX, "~".into()));
        let within = filter.within.unwrap_or(ALWAYS);
        let states: Vec<&str> = filter.states.iter().map(|s| s.as_str()).collect();
        let limit = page_size(filter.limit);
        let sql = "SELECT body, started, id FROM incidents
             WHERE (started, id) < (?1, ?2)
               AND started < ?4 AND (resolved IS NULL OR resolved >= ?3)
               AND (?5 = '[]' OR state IN (SELECT value FROM json_each(?5)))
             ORDER BY started DESC, id DESC LIMIT ?6";
        let states = serde_json::json!(states).to_string();
        let parameters: [&dyn ToSql; 6] = [
            &before,
            &last,
            &nanos(within.from),
            &nanos(within.to),
            &states,
            &one_more(limit),
        ];
        self.with(|connection| {
            let mut page = page::<Incident>(connection, "incidents", sql, &parameters, limit)?;
            for incident in &mut page.items {
                incident.alerts = alerts(connection, &incident.id)?;
            }
            Ok(page)
        })
    }

    /// One incident.
    pub fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT body FROM incidents WHERE id = ?1")?;
            let mut rows = statement.query([id.as_str()])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let mut incident: Incident = decode("incidents", &row.get::<_, String>(0)?)?;
            incident.alerts = alerts(connection, id)?;
            Ok(Some(incident))
        })
    }

    /// Findings, the latest first; one for each episode of a problem.
    pub fn findings(&self, filter: &FindingFilter) -> Result<Page<Finding>, StoreError> {
        let after = filter.cursor.as_deref().map(parse_cursor).transpose()?;
        let (before, last) = after.unwrap_or((i64::MAX, i64::MAX.to_string()));
        let last: i64 = last.parse().map_err(|_| StoreError::Cursor)?;
        let within = filter.within.unwrap_or(ALWAYS);
        let limit = page_size(filter.limit);
        let sql = "SELECT body, at_to, id FROM findings
             WHERE (at_to, id) < (?1, ?2)
               AND at_from < ?4 AND at_to > ?3
               AND (?5 IS NULL OR detector = ?5)
               AND (?6 IS NULL OR severity >= ?6)
               AND (?7 IS NULL OR fingerprint = ?7)
             ORDER BY at_to DESC, id DESC LIMIT ?8";
        let parameters: [&dyn ToSql; 8] = [
            &before,
            &last,
            &nanos(within.from),
            &nanos(within.to),
            &filter.detector.as_deref(),
            &filter.at_least.map(severity),
            &filter.fingerprint.map(fingerprint),
            &one_more(limit),
        ];
        self.with(|connection| page(connection, "findings", sql, &parameters, limit))
    }

    /// Every source that was ever read, sorted.
    pub fn sources(&self) -> Result<Vec<SourceRow>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT c.source, c.body,
                        (SELECT end FROM windows WHERE source = c.source ORDER BY start DESC LIMIT 1)
                 FROM checkpoints c ORDER BY c.source",
            )?;
            let rows = statement.query_map([], |row| {
                let place: Option<Checkpoint> = serde_json::from_str(&row.get::<_, String>(1)?).ok();
                Ok(SourceRow {
                    source: SourceId::new(row.get::<_, String>(0)?),
                    offset: place.as_ref().map_or(0, |place| place.offset),
                    coverage: place.map(|place| place.coverage).unwrap_or_default(),
                    last_seen: row.get::<_, Option<i64>>(2)?.map(instant),
                    gaps: Vec::new(),
                })
            })?;
            let with_gaps = |row: rusqlite::Result<SourceRow>| {
                let row = row?;
                let gaps = gaps::of(connection, &row.source)?;
                Ok(SourceRow { gaps, ..row })
            };
            rows.map(with_gaps).collect()
        })
    }

    /// Markers in the interval, oldest first: the first thousand after `skip` of them.
    pub fn markers(&self, within: Interval, skip: u32) -> Result<Vec<Marker>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, kind, title, service FROM markers
                 WHERE at >= ?1 AND at < ?2 ORDER BY at, id LIMIT ?3 OFFSET ?4",
            )?;
            let bounds = params![nanos(within.from), nanos(within.to), MAX_MARKERS, skip];
            let rows = statement.query_map(bounds, marker)?;
            rows.map(|row| row.map_err(StoreError::from)).collect()
        })
    }

    /// What `sink` is to send now, the longest waiting first; at most 256.
    pub fn outbox_due(&self, now: Timestamp, sink: &str) -> Result<Vec<OutboxRow>, StoreError> {
        self.with(|connection| outbox::due(connection, now, sink))
    }

    /// When the oldest unsent change of `sink` was queued, by the clock of the data.
    pub fn outbox_oldest(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        self.with(|connection| outbox::oldest(connection, sink))
    }
}

/// All of time.
pub(super) const ALWAYS: Interval = Interval {
    from: Timestamp::EPOCH,
    to: Timestamp::from_unix_nanos(u64::MAX),
};

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    super::schema::refuse_newer(&connection, path)?;
    Ok(connection)
}

pub(super) fn page_size(limit: usize) -> usize {
    limit.clamp(1, MAX_PAGE)
}

/// The row beyond the page tells whether there is a next one.
fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
}

/// A cursor is `key:id` of the last row that was shown.
fn parse_cursor(cursor: &str) -> Result<(i64, String), StoreError> {
    let (key, id) = cursor.split_once(':').ok_or(StoreError::Cursor)?;
    let key = key.parse().map_err(|_| StoreError::Cursor)?;
    Ok((key, id.to_owned()))
}

/// One page of `sql`, which selects a body, a sort key and an id, and one row more than the page holds. A row that
/// cannot be read is left out: it must not hide the others.
fn page<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    parameters: &[&dyn ToSql],
    limit: usize,
) -> Result<Page<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut items = Vec::new();
    let mut last = String::new();
    while let Some(row) = rows.next()? {
        if items.len() == limit {
            return Ok(Page {
                items,
                next: Some(last),
            });
        }
        last = cursor(row)?;
        match decode(table, &row.get::<_, String>(0)?) {
            Ok(item) => items.push(item),
            Err(error) => tracing::warn!(table, %error, "a row of the store was left out"),
        }
    }
    Ok(Page { items, next: None })
}

fn cursor(row: &Row) -> rusqlite::Result<String> {
    let key: i64 = row.get(1)?;
    let id: rusqlite::types::Value = row.get(2)?;
    Ok(match id {
        rusqlite::types::Value::Text(id) => format!("{key}:{id}"),
        rusqlite::types::Value::Integer(id) => format!("{key}:{id}"),
        _ => String::new(),
    })
}

fn alerts(connection: &Connection, incident: &IncidentId) -> Result<Vec<Alert>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT sink, at, what FROM alerts WHERE incident = ?1 ORDER BY id")?;
    let rows = statement.query_map([incident.as_str()], |row| {
        Ok(Alert {
            sink: row.get(0)?,
            at: instant(row.get(1)?),
            what: row.get(2)?,
        })
    })?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

fn marker(row: &Row) -> rusqlite::Result<Marker> {
    let service: Option<String> = row.get(3)?;
    Ok(Marker {
        at: instant(row.get(0)?),
        kind: row.get(1)?,
        title: row.get(2)?,
        service: service.map(ServiceName::new),
    })
}

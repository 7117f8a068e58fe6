//! The tables, and how a file of an older version becomes one of this version.
//!
//! Instants are nanoseconds since the Unix epoch; a fingerprint is its 64 bits as a signed integer; severities
//! are 0 info, 1 warning, 2 critical. Bodies are JSON, but for windows, which only `window::pack` reads.

use std::path::Path;

use rusqlite::Connection;

use crate::store::StoreError;

/// The schemas in order; the position is the `user_version` that the file has after it. Never change one that
/// was released: add one.
const MIGRATIONS: &[&str] = &[V1, V2, V3, V4];

/// The newest schema that this program knows.
fn known_version() -> i64 {
    version_of(MIGRATIONS)
}

fn version_of(schemas: &[&str]) -> i64 {
    i64::try_from(schemas.len()).unwrap_or(i64::MAX)
}

const V1: &str = "
-- seed, fingerprint_version
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE checkpoints (
  source TEXT PRIMARY KEY,
  body   TEXT NOT NULL
) STRICT;

CREATE TABLE statements (
  fingerprint INTEGER PRIMARY KEY,
  version     INTEGER NOT NULL,  -- normalise::FINGERPRINT_VERSION
  body        TEXT NOT NULL
) STRICT;

-- The ladder: step is the length in seconds, 10 (as it came), 60, 600. A stretch of time of one source is in
-- exactly one row of it.
CREATE TABLE windows (
  id      INTEGER PRIMARY KEY,
  source  TEXT NOT NULL,
  step    INTEGER NOT NULL,
  start   INTEGER NOT NULL,
  end     INTEGER NOT NULL,
  runs    INTEGER NOT NULL,
  backlog INTEGER NOT NULL,
  judged  INTEGER NOT NULL,
  body    BLOB NOT NULL,
  UNIQUE (source, start)
) STRICT;
CREATE INDEX windows_by_start ON windows (start);
CREATE INDEX windows_by_step ON windows (step, start);
CREATE INDEX windows_open ON windows (source, start) WHERE judged = 0;

-- A whole hour of a source merged, beside the ladder: reading a day needs 24 of these, not 8,640 windows.
CREATE TABLE hours (
  source TEXT NOT NULL,
  hour   INTEGER NOT NULL,
  runs   INTEGER NOT NULL,
  body   BLOB NOT NULL,
  PRIMARY KEY (hour, source)
) STRICT;

-- The same hour in plain columns, for sorting and long series.
CREATE TABLE hourly (
  hour          INTEGER NOT NULL,
  source        TEXT NOT NULL,
  fingerprint   INTEGER NOT NULL,
  runs          INTEGER NOT NULL,
  errors        INTEGER NOT NULL,
  elapsed       INTEGER NOT NULL,  -- nanoseconds
  slowest       INTEGER NOT NULL,  -- nanoseconds
  rows_examined INTEGER,
  rows_returned INTEGER,
  PRIMARY KEY (hour, source, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX hourly_by_fingerprint ON hourly (fingerprint, hour);

-- One row for each episode of a problem: findings that follow one another within minutes extend it.
CREATE TABLE findings (
  id          INTEGER PRIMARY KEY,
  problem     TEXT NOT NULL,
  at_from     INTEGER NOT NULL,
  at_to       INTEGER NOT NULL,
  detector    TEXT NOT NULL,
  severity    INTEGER NOT NULL,
  fingerprint INTEGER,
  body        TEXT NOT NULL
) STRICT;
CREATE INDEX findings_by_problem ON findings (problem, at_to);
CREATE INDEX findings_by_time ON findings (at_to, id);

CREATE TABLE problems (
  problem TEXT PRIMARY KEY,
  body    TEXT NOT NULL
) STRICT;

CREATE TABLE incidents (
  id       TEXT PRIMARY KEY,
  day      TEXT NOT NULL,
  number   INTEGER NOT NULL,
  state    TEXT NOT NULL,
  severity INTEGER NOT NULL,
  started  INTEGER NOT NULL,
  resolved INTEGER,
  revision INTEGER NOT NULL,
  body     TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_start ON incidents (started, id);
CREATE INDEX incidents_by_day ON incidents (day, number);
CREATE INDEX incidents_open ON incidents (id) WHERE state <> 'resolved';
CREATE INDEX incidents_resolved ON incidents (resolved) WHERE state = 'resolved';

-- What was told, to whom; shown as `alerts` of the incident.
CREATE TABLE alerts (
  id       INTEGER PRIMARY KEY,
  incident TEXT NOT NULL,
  sink     TEXT NOT NULL,
  at       INTEGER NOT NULL,
  what     TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_incident ON alerts (incident, id);

-- What is still to be told. state: due, superseded (a newer row says more), dead.
CREATE TABLE outbox (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  incident     TEXT NOT NULL,
  sink         TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  what         TEXT NOT NULL,
  state        TEXT NOT NULL,
  attempts     INTEGER NOT NULL,
  first_queued INTEGER NOT NULL,
  next_try     INTEGER NOT NULL,
  error        TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (sink, next_try) WHERE state = 'due';
CREATE UNIQUE INDEX outbox_one_due ON outbox (incident, sink) WHERE state = 'due';

-- How a sink addresses the message of an incident, to edit it.
CREATE TABLE remotes (
  incident TEXT NOT NULL,
  sink     TEXT NOT NULL,
  remote   TEXT NOT NULL,
  PRIMARY KEY (incident, sink)
) STRICT;

CREATE TABLE markers (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  title   TEXT NOT NULL,
  service TEXT
) STRICT;
CREATE INDEX markers_by_time ON markers (at);
";

const V2: &str = "
-- What runs of a source's statements cost over weeks: points that `window::course` alone reads.
CREATE TABLE courses (
  source TEXT PRIMARY KEY,
  body   BLOB NOT NULL
) STRICT;
";

const V3: &str = "
-- Traces that show a problem. trace: 16 bytes; elapsed: nanoseconds; body: JSON, packed by zstd.
CREATE TABLE traces (
  trace   BLOB PRIMARY KEY,
  started INTEGER NOT NULL,
  elapsed INTEGER NOT NULL,
  body    BLOB NOT NULL
) STRICT;
CREATE INDEX traces_by_start ON traces (started);

-- Who did what in them, to search by.
CREATE TABLE trace_operations (
  service   TEXT NOT NULL,
  operation TEXT NOT NULL,
  kind      TEXT NOT NULL,
  trace     BLOB NOT NULL,
  PRIMARY KEY (service, operation, kind, trace)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_operations_by_trace ON trace_operations (trace);
CREATE TRIGGER traces_gone AFTER DELETE ON traces BEGIN
  DELETE FROM trace_operations WHERE trace = old.trace;
END;
";

const V4: &str = "
-- Stretches of time of which something is missing that nobody sends again.
CREATE TABLE gaps (
  source  TEXT NOT NULL,
  at_from INTEGER NOT NULL,
  at_to   INTEGER NOT NULL,
  why     TEXT NOT NULL,
  PRIMARY KEY (source, at_from)
) STRICT, WITHOUT ROWID;
";

/// Leaves a file alone that a later version has written.
pub(super) fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found <= known_version() {
        return Ok(());
    }
    Err(StoreError::Newer {
        path: path.to_owned(),
        found,
        known: known_version(),
    })
}

/// What only an empty file takes: retention can give space back to the file system.
pub(super) fn before_first_page(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    Ok(())
}

/// Brings the file to the newest schema, all steps in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_by(connection, MIGRATIONS)
}

/// Brings the file to the last of these schemas.
fn migrate_by(connection: &mut Connection, schemas: &[&str]) -> Result<(), StoreError> {
    let done = usize::try_from(version(connection)?).unwrap_or(0);
    if done >= schemas.len() {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for step in schemas.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", version_of(schemas))?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Settings of every connection that writes.
pub(super) fn prepare_writer(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -4_096)?; // KiB, when negative
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

#[cfg(test)]
pub(super) mod past {
    //! Files as earlier releases left them.

    use super::{Connection, MIGRATIONS, before_first_page, migrate_by, prepare_writer};

    /// Every version before this one.
    pub(in crate::store) fn versions() -> std::ops::Range<usize> {
        1..MIGRATIONS.len()
    }

    /// An empty store of an earlier version.
    pub(in crate::store) fn create(path: &std::path::Path, version: usize) -> Connection {
        let mut connection = Connection::open(path).unwrap();
        before_first_page(&connection).unwrap();
        prepare_writer(&connection).unwrap();
        migrate_by(&mut connection, &MIGRATIONS[..version]).unwrap();
        connection
    }
}

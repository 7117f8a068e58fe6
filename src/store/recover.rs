//! What a restart needs of the store. A row that cannot be read is left out and said so: one bad row must not
//! keep the daemon from starting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::incident::{MAX_RESOLVED, Problem, Restored};
use crate::ingest::Checkpoint;
use crate::model::id::SourceId;
use crate::model::incident::Incident;
use crate::model::sql::Statement;
use crate::model::time::Timestamp;
use crate::normalise::FINGERPRINT_VERSION;
use crate::store::StoreError;
use crate::store::gaps;
use crate::store::read::ALWAYS;
use crate::store::row::{decode, fingerprint, instant, nanos, uncount};
use crate::store::series::{Pieces, each_piece};
use crate::window::{PackedCourses, PackedWindow, WindowKey};

/// Windows that make up the baselines: the hour before, and the one in progress.
const HISTORY: Duration = Duration::from_secs(2 * 3_600);

/// State of the last commit.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Where the sources stood.
    pub checkpoints: Vec<Checkpoint>,
    /// Windows that are stored but were not judged, by source and start.
    pub open_windows: Vec<PackedWindow>,
    /// Judged windows of the last two hours of each source, by source and start.
    pub history: Vec<PackedWindow>,
    /// What runs cost over weeks, by source.
    pub courses: Vec<PackedCourses>,
    /// Every statement of this fingerprint version.
    pub statements: Vec<Statement>,
    /// What `incident` remembers.
    pub incidents: Restored,
    /// Random, made once for each store: keys the hashes of parameters.
    pub seed: u64,
    /// The process before this one ended without a stop: what it had not stored yet is lost.
    pub was_cut: bool,
    /// Where a broken store was moved to, if there was one.
    pub set_aside: Option<PathBuf>,
}

/// Statements that a start keeps whether they still ran within the retention or not.
const MAX_STATEMENTS: i64 = 50_000;

/// Reads all of it.
pub(super) fn recover(connection: &mut Connection) -> Result<Recovered, StoreError> {
    forget_statements(connection, MAX_STATEMENTS)?;
    let seed = seed(connection)?;
    note_fingerprint_version(connection)?;
    Ok(Recovered {
        checkpoints: bodies(
            connection,
            "checkpoints",
            "SELECT body FROM checkpoints ORDER BY source",
        )?,
        open_windows: open_windows(connection)?,
        history: history(connection)?,
        courses: courses(connection)?,
        statements: bodies(
            connection,
            "statements",
            &format!(
                "SELECT body FROM statements WHERE version = {FINGERPRINT_VERSION} ORDER BY fingerprint"
            ),
        )?,
        incidents: Restored {
            problems: bodies::<Problem>(
                connection,
                "problems",
                "SELECT body FROM problems ORDER BY problem",
            )?,
            incidents: incidents(connection)?,
            numbers: numbers(connection)?,
        },
        seed,
        was_cut: gaps::was_cut(connection)?,
        set_aside: None,
    })
}

/// Drops the statements of which nothing is stored any more, once there are more than `at_most`. One that runs
/// again is told again by `window`, within the hour.
pub(super) fn forget_statements(
    connection: &mut Connection,
    at_most: i64,
) -> Result<(), StoreError> {
    let stored: i64 =
        connection.query_row("SELECT count(*) FROM statements", [], |row| row.get(0))?;
    if stored <= at_most {
        return Ok(());
    }
    let mut recent = BTreeSet::new();
    each_piece(connection, ALWAYS, Pieces::OutsideHours, |_, packed| {
        recent.extend(packed.iter().map(|query| fingerprint(query.fingerprint)));
    })?;
    let transaction = connection.transaction()?;
    transaction.execute(
        "CREATE TEMP TABLE recent (fingerprint INTEGER PRIMARY KEY)",
        [],
    )?;
    for id in recent {
        transaction
            .prepare_cached("INSERT INTO recent VALUES (?1)")?
            .execute([id])?;
    }
    transaction.execute_batch(
        "DELETE FROM statements WHERE fingerprint NOT IN (SELECT fingerprint FROM hourly)
           AND fingerprint NOT IN (SELECT fingerprint FROM recent);
         DROP TABLE recent;",
    )?;
    transaction.commit()?;
    Ok(())
}

fn seed(connection: &Connection) -> Result<u64, StoreError> {
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('seed', CAST(random() AS TEXT)) ON CONFLICT DO NOTHING",
        [],
    )?;
    let text = meta(connection, "seed")?;
    let seed = text.and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
    Ok(seed.cast_unsigned())
}

fn meta(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    Ok(connection
        .query_row(sql, [name], |row| row.get(0))
        .optional()?)
}

/// What an earlier release kept stays to be looked at; it is compared with nothing, for a statement may have another
/// identity now.
fn note_fingerprint_version(connection: &Connection) -> Result<(), StoreError> {
    let now = FINGERPRINT_VERSION.to_string();
    let before = meta(connection, "fingerprint_version")?;
    if let Some(before) = before.filter(|before| *before != now) {
        tracing::warn!(
            before,
            now,
            "this release gives some statements another identity: what was stored before stays under the old one, and \
             baselines begin anew"
        );
    }
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('fingerprint_version', ?1)
         ON CONFLICT DO UPDATE SET value = excluded.value",
        [now],
    )?;
    Ok(())
}

/// The JSON bodies that `sql` selects; an unreadable one is left out.
fn bodies<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match decode(table, &row.get::<_, String>(0)?) {
            Ok(body) => found.push(body),
            Err(error) => tracing::warn!(table, %error, "a row of the store was left out"),
        }
    }
    Ok(found)
}

fn open_windows(connection: &Connection) -> Result<Vec<PackedWindow>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT source, start, end, body, backlog, runs FROM windows
         WHERE judged = 0 ORDER BY source, start",
    )?;
    let rows = statement.query_map([], packed_window)?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

fn history(connection: &Connection) -> Result<Vec<PackedWindow>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT source, start, end, body, backlog, runs FROM windows AS w
         WHERE judged = 1
           AND start >= (SELECT max(end) FROM windows WHERE source = w.source) - ?1
         ORDER BY source, start",
    )?;
    let span = nanos(Timestamp::EPOCH.plus(HISTORY));
    let rows = statement.query_map([span], packed_window)?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

fn courses(connection: &Connection) -> Result<Vec<PackedCourses>, StoreError> {
    let mut statement = connection.prepare("SELECT source, body FROM courses ORDER BY source")?;
    let rows = statement.query_map([], |row| {
        Ok(PackedCourses {
            source: SourceId::new(row.get::<_, String>(0)?),
            body: row.get(1)?,
        })
    })?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

/// A row of `source, start, end, body, backlog, runs`.
pub(super) fn packed_window(row: &Row) -> rusqlite::Result<PackedWindow> {
    Ok(PackedWindow {
        key: WindowKey {
            source: SourceId::new(row.get::<_, String>(0)?),
            start: instant(row.get(1)?),
        },
        end: instant(row.get(2)?),
        body: row.get(3)?,
        backlog: row.get(4)?,
        count: uncount(row.get(5)?),
    })
}

fn incidents(connection: &Connection) -> Result<Vec<Incident>, StoreError> {
    let mut found: Vec<Incident> = bodies(
        connection,
        "incidents",
        &format!(
            "SELECT body FROM incidents WHERE state <> 'resolved'
             UNION ALL
             SELECT body FROM (SELECT body FROM incidents WHERE state = 'resolved'
                               ORDER BY resolved DESC, id DESC LIMIT {MAX_RESOLVED})"
        ),
    )?;
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// The highest incident number of each day.
fn numbers(connection: &Connection) -> Result<BTreeMap<String, u32>, StoreError> {
    let mut statement =
        connection.prepare("SELECT day, max(number) FROM incidents GROUP BY day ORDER BY day")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

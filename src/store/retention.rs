//! Drops what is too old or too much: the oldest windows first, never an incident.
//!
//! The clock is the data's: the start of the newest window. `window` caps it at the machine's clock, hence one
//! skewed record cannot age the store.

use std::time::Duration;

use rusqlite::{Connection, params};

use crate::model::time::Timestamp;
use crate::store::recover::forget_statements;
use crate::store::row::{instant, nanos};
use crate::store::{Settings, StoreError, ladder, traces};

/// Looked after once in this time of the data.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// Part of the stored time that is dropped at once when the file is too large.
const SLICES: u32 = 20;
/// Pages that are given back to the file system at once.
const VACUUM_PAGES: u32 = 2_000;

/// What is dropped, and when that was last looked after.
#[derive(Debug)]
pub(super) struct Retention {
    max_bytes: u64,
    keep_for: Duration,
    next: Timestamp,
}

impl Retention {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            max_bytes: settings.max_bytes.as_u64(),
            keep_for: settings.retention,
            next: Timestamp::EPOCH,
        }
    }

    /// Drops what is due, if it is time.
    pub(super) fn keep(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let Some(now) = newest(connection)? else {
            return Ok(());
        };
        if now < self.next {
            return Ok(());
        }
        self.next = now.plus(KEEP_EVERY);
        ladder::climb(connection, now)?;
        let cutoff = now.minus(self.keep_for);
        drop_before(connection, cutoff)?;
        drop_abandoned(connection, cutoff)?;
        if used_bytes(connection)? > self.max_bytes {
            drop_oldest_slice(connection, now)?;
            // else texts that nothing needs would take the room of all windows in the end
            forget_statements(connection, 0)?;
        }
        give_back(connection)
    }
}

fn newest(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let start: Option<i64> = connection
        .prepare_cached("SELECT max(start) FROM windows")?
        .query_row([], |row| row.get(0))?;
    Ok(start.map(instant))
}

/// Drops every window that began before `cutoff`, and every hour, finding and marker that ended by it.
fn drop_before(connection: &mut Connection, cutoff: Timestamp) -> Result<(), StoreError> {
    let cutoff = nanos(cutoff);
    let transaction = connection.transaction()?;
    transaction.execute(
        "DELETE FROM windows WHERE start < ?1 AND judged = 1",
        [cutoff],
    )?;
    for table_and_end in [
        // An hour goes as a whole: it would be summed up anew from what is left of it.
        "hours WHERE hour + 3600000000000",
        "hourly WHERE hour + 3600000000000",
        "findings WHERE at_to",
        "markers WHERE at",
        "gaps WHERE at_to",
    ] {
        transaction.execute(&format!("DELETE FROM {table_and_end} <= ?1"), [cutoff])?;
    }
    traces::drop_before(&transaction, cutoff)?;
    transaction.commit()?;
    Ok(())
}

/// Drops what a source left that is not followed any more: nobody will ever judge it.
fn drop_abandoned(connection: &Connection, cutoff: Timestamp) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM windows WHERE judged = 0 AND start < ?1",
        [nanos(cutoff)],
    )?;
    connection.execute(
        "DELETE FROM courses WHERE NOT EXISTS
           (SELECT 1 FROM windows WHERE windows.source = courses.source)",
        [],
    )?;
    Ok(())
}

fn drop_oldest_slice(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let oldest: Option<i64> = connection.query_row(
        "SELECT coalesce((SELECT min(start) FROM windows WHERE judged = 1), (SELECT min(hour) FROM hours))",
        [],
        |row| row.get(0),
    )?;
    let Some(oldest) = oldest.map(instant) else {
        return Ok(());
    };
    let slice = (now.since(oldest) / SLICES).max(KEEP_EVERY);
    drop_before(connection, oldest.plus(slice))
}

fn used_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let bytes: i64 = connection.query_row(
        "SELECT (page_count - freelist_count) * page_size
         FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

fn give_back(connection: &Connection) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    let mut rows = statement.query(params![])?;
    while rows.next()?.is_some() {}
    Ok(())
}

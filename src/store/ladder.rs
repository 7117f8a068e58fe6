//! Merges what grows old: windows as they come for a day, minutes for a week, then ten minutes; and whole hours
//! beside them, packed and in plain columns.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use crate::model::time::Timestamp;
use crate::store::StoreError;
use crate::store::embedded::FIRST_STEP_SECS;
use crate::store::row::{count, fingerprint, instant, nanos};
use crate::store::sums::Sums;

/// An hour, in nanoseconds as the tables have it.
pub(super) const HOUR: i64 = 3_600 * SECOND;
const SECOND: i64 = 1_000_000_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Steps of the ladder: windows of the first length become ones of the second when they are older than the third.
const STEPS: [(i64, i64, Duration); 2] = [
    (FIRST_STEP_SECS, 60, DAY),
    (60, 600, Duration::from_secs(7 * 24 * 3_600)),
];
/// Groups that are merged at once, each step: sixteen times what a source makes in the minute between two calls.
const MAX_GROUPS: u32 = 16;
/// Hours that are summed up at once.
const MAX_HOURS: u32 = 4;

/// Merges what is due by `now`, the clock of the data.
pub(super) fn climb(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for (source, hour) in finished_hours(&transaction)? {
        sum_up_hour(&transaction, &source, hour)?;
    }
    for (from, to, age) in STEPS {
        let before = nanos(now.minus(age));
        for (source, start) in groups(&transaction, from, to, before)? {
            merge(&transaction, &source, start, to)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// An hour in which a window has changed is to be summed up anew.
pub(super) fn forget_hour(to: &Transaction, source: &str, start: i64) -> Result<(), StoreError> {
    let hour = start - start.rem_euclid(HOUR);
    for table in ["hours", "hourly"] {
        to.prepare_cached(&format!(
            "DELETE FROM {table} WHERE hour = ?1 AND source = ?2"
        ))?
        .execute(params![hour, source])?;
    }
    Ok(())
}

type Group = (String, i64);

/// Hours of a source that it has left, that are judged to the end, and are not summed up yet.
fn finished_hours(connection: &Connection) -> Result<Vec<Group>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT source, start - start % ?1 AS hour FROM windows AS w
         GROUP BY source, hour
         HAVING min(judged) = 1
            AND hour + ?1 <= (SELECT max(start) FROM windows WHERE source = w.source)
            AND NOT EXISTS (SELECT 1 FROM hours AS h WHERE h.source = w.source
                            AND h.hour = w.start - w.start % ?1)
         ORDER BY hour LIMIT ?2",
    )?;
    let rows = statement.query_map(params![HOUR, MAX_HOURS], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

fn sum_up_hour(to: &Transaction, source: &str, hour: i64) -> Result<(), StoreError> {
    let sums = sums_of(to, source, hour, hour.saturating_add(HOUR))?;
    put_hourly(to, source, hour, &sums)?;
    to.prepare_cached("INSERT INTO hours (source, hour, runs, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            source,
            hour,
            count(sums.runs()),
            sums.pack(instant(hour))
        ])?;
    Ok(())
}

fn put_hourly(to: &Transaction, source: &str, hour: i64, sums: &Sums) -> Result<(), StoreError> {
    let mut insert = to.prepare_cached(
        "INSERT INTO hourly
           (hour, source, fingerprint, runs, errors, elapsed, slowest, rows_examined, rows_returned)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET
           runs = runs + excluded.runs, errors = errors + excluded.errors,
           elapsed = elapsed + excluded.elapsed, slowest = max(slowest, excluded.slowest),
           rows_examined = rows_examined + excluded.rows_examined,
           rows_returned = rows_returned + excluded.rows_returned",
    )?;
    for (id, _, stats) in sums.iter() {
        let load = stats.load();
        insert.execute(params![
            hour,
            source,
            fingerprint(id),
            column(load.count),
            column(load.errors),
            column(whole_nanos(stats.elapsed())),
            column(whole_nanos(load.elapsed.max)),
            load.rows_examined.map(|rows| column(rows.total)),
            load.rows_returned.map(|rows| column(rows.total)),
        ])?;
    }
    Ok(())
}

/// A sum that may still be added to a thousand times without an overflow, which SQLite would answer with a float.
fn column(n: u64) -> i64 {
    count(n).min(i64::MAX >> 10)
}

fn whole_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Groups of judged windows of one length that become one window of the next, the oldest first.
fn groups(
    connection: &Connection,
    from: i64,
    to: i64,
    before: i64,
) -> Result<Vec<Group>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT source, start - start % ?2 AS grid FROM windows
         WHERE step = ?1 AND start < ?3 - ?3 % ?2
         GROUP BY source, grid HAVING min(judged) = 1
         ORDER BY grid LIMIT ?4",
    )?;
    let bounds = params![from, to * SECOND, before, MAX_GROUPS];
    let rows = statement.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(StoreError::from)).collect()
}

/// Replaces the windows of `source` in one cell of the grid by one.
fn merge(to: &Transaction, source: &str, start: i64, step: i64) -> Result<(), StoreError> {
    let end = start.saturating_add(step * SECOND);
    let sums = sums_of(to, source, start, end)?;
    let backlog: bool = to
        .prepare_cached(
            "SELECT min(backlog) FROM windows WHERE source = ?1 AND start >= ?2 AND start < ?3",
        )?
        .query_row(params![source, start, end], |row| row.get(0))?;
    to.prepare_cached("DELETE FROM windows WHERE source = ?1 AND start >= ?2 AND start < ?3")?
        .execute(params![source, start, end])?;
    to.prepare_cached(
        "INSERT INTO windows (source, step, start, end, runs, backlog, judged, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)",
    )?
    .execute(params![
        source,
        step,
        start,
        end,
        count(sums.runs()),
        backlog,
        sums.pack(instant(start))
    ])?;
    Ok(())
}

fn sums_of(connection: &Connection, source: &str, from: i64, to: i64) -> Result<Sums, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT body FROM windows WHERE source = ?1 AND start >= ?2 AND start < ?3 ORDER BY start",
    )?;
    let mut rows = statement.query(params![source, from, to])?;
    let mut sums = Sums::default();
    while let Some(row) = rows.next()? {
        sums.add(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(sums)
}

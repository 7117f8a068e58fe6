//! Stretches of time of which something is missing, and the sign by which the end of a process is known that was no stop.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::id::SourceId;
use crate::model::time::Interval;
use crate::store::StoreError;
use crate::store::row::{decode, encode, instant, nanos};
use crate::store::view::SourceGap;

/// Gaps that are told of one source.
const TOLD: u32 = 10;

/// Stands in `meta` from when a process writes to when it has stopped.
const OPEN: &str = "open";

/// Whether the process before this one ended without a stop.
pub(super) fn was_cut(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM meta WHERE name = ?1";
    let found = connection.query_row(sql, [OPEN], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// From here on an end without [`close`] is none that was wanted.
pub(super) fn open(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?1, '1') ON CONFLICT DO NOTHING",
        [OPEN],
    )?;
    Ok(())
}

/// All is stored.
pub(super) fn close(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM meta WHERE name = ?1", [OPEN])?;
    Ok(())
}

/// Records a gap.
pub(super) fn put(to: &Connection, gap: &SourceGap) -> Result<(), StoreError> {
    to.prepare_cached(
        "INSERT INTO gaps (source, at_from, at_to, why) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET at_to = excluded.at_to, why = excluded.why",
    )?
    .execute(params![
        gap.source.as_str(),
        nanos(gap.over.from),
        nanos(gap.over.to),
        encode("gaps", &gap.why)?
    ])?;
    Ok(())
}

/// Gaps of a source, the newest first.
pub(super) fn of(connection: &Connection, source: &SourceId) -> Result<Vec<SourceGap>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT at_from, at_to, why FROM gaps WHERE source = ?1 ORDER BY at_from DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![source.as_str(), TOLD])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(SourceGap {
            source: source.clone(),
            over: Interval {
                from: instant(row.get(0)?),
                to: instant(row.get(1)?),
            },
            why: decode("gaps", &row.get::<_, String>(2)?)?,
        });
    }
    Ok(found)
}

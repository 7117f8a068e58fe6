//! Reads what statements did: sums over an interval, and series.
//!
//! Whole hours come from `hours` and `hourly`, what is left of the interval from the windows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, Parsed, Statement, StatementRef, Template};
use crate::model::time::{Interval, Timestamp};
use crate::store::StoreError;
use crate::store::ladder::HOUR;
use crate::store::read::{Reader, page_size};
use crate::store::row::{decode, fingerprint, instant, nanos};
use crate::store::sums;
use crate::store::view::{Page, QueryDetail, QueryFilter, QueryPoint, QueryRow};
use crate::window::{OTHER_STATEMENTS, QueryStats};

/// The shortest step of a series: that of a window.
const MIN_STEP: Duration = Duration::from_secs(10);
/// Steps of the series of one statement, each with the longest interval that it is used for: reading it must take
/// no more than some thousand windows.
const STEPS: [(Duration, Duration); 3] = [
    (MIN_STEP, Duration::from_secs(3_600)),
    (Duration::from_secs(60), Duration::from_secs(4 * 3_600)),
    (Duration::from_secs(600), Duration::from_secs(12 * 3_600)),
];
/// An hour as a step.
const HOURLY: Duration = Duration::from_secs(3_600);

/// What one statement did in the interval, on whatever database.
#[derive(Default)]
struct Total {
    stats: QueryStats,
    databases: BTreeSet<Arc<str>>,
}

impl Reader {
    /// Statements by total time, the costliest first.
    pub fn queries(&self, filter: &QueryFilter) -> Result<Page<QueryRow>, StoreError> {
        let skip: usize = match filter.cursor.as_deref() {
            Some(cursor) => cursor.parse().map_err(|_| StoreError::Cursor)?,
            None => 0,
        };
        let limit = page_size(filter.limit);
        self.with(|connection| {
            let totals = totals(connection, filter)?;
            let whole: Duration = totals.iter().map(|(_, total)| total.stats.elapsed()).sum();
            let text = filter.text.as_deref().map(str::to_lowercase);
            let mut matching = 0_usize;
            let mut items = Vec::new();
            for (id, total) in totals {
                let statement = statement(connection, id)?;
                if !text
                    .as_deref()
                    .is_none_or(|text| mentions(&statement, text))
                {
                    continue;
                }
                matching += 1;
                if items.len() == limit {
                    let next = Some(skip.saturating_add(limit).to_string());
                    return Ok(Page { items, next });
                }
                if matching > skip {
                    items.push(query_row(statement, total, whole));
                }
            }
            Ok(Page { items, next: None })
        })
    }

    /// One statement in the interval; `None` when it did not run in it.
    pub fn query(
        &self,
        id: FingerprintId,
        within: Interval,
    ) -> Result<Option<QueryDetail>, StoreError> {
        let length = within.duration();
        let step = STEPS
            .iter()
            .find(|(_, longest)| length <= *longest)
            .map_or(HOURLY, |(step, _)| *step);
        let pieces = if step >= HOURLY {
            Pieces::HoursFirst
        } else {
            Pieces::Windows
        };
        self.with(|connection| {
            let mut total = Total::default();
            let mut series: BTreeMap<Timestamp, QueryStats> = BTreeMap::new();
            let mut whole = Duration::ZERO;
            each_piece(connection, within, pieces, |start, packed| {
                for query in packed {
                    whole = whole.saturating_add(query.stats.elapsed());
                    if query.fingerprint == id {
                        total.add(&query.stats, &query.scope.target.namespace);
                        let point = series.entry(start.floor(step)).or_default();
                        point.merge(&query.stats);
                    }
                }
            })?;
            if series.is_empty() {
                return Ok(None);
            }
            let points = series.into_iter().map(|(at, stats)| QueryPoint {
                at,
                load: stats.load(),
            });
            Ok(Some(QueryDetail {
                row: query_row(statement(connection, id)?, total, whole),
                series: points.collect(),
            }))
        })
    }
}

impl Total {
    fn add(&mut self, stats: &QueryStats, database: &Arc<str>) {
        self.stats.merge(stats);
        if !database.is_empty() {
            self.databases.insert(Arc::clone(database));
        }
    }
}

/// Sums of every statement that the filter's interval and database leave, the costliest first.
fn totals(
    connection: &Connection,
    filter: &QueryFilter,
) -> Result<Vec<(FingerprintId, Total)>, StoreError> {
    let mut totals: BTreeMap<FingerprintId, Total> = BTreeMap::new();
    each_piece(
        connection,
        filter.within,
        Pieces::HoursFirst,
        |_, packed| {
            for query in packed {
                let database = &query.scope.target.namespace;
                if filter
                    .database
                    .as_ref()
                    .is_none_or(|wanted| wanted == database)
                {
                    let total = totals.entry(query.fingerprint).or_default();
                    total.add(&query.stats, database);
                }
            }
        },
    )?;
    let mut totals: Vec<_> = totals.into_iter().collect();
    totals.sort_by_key(|(id, total)| (std::cmp::Reverse(total.stats.elapsed()), *id));
    Ok(totals)
}

/// Which of what is stored is visited; each run once in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    /// Whole hours where they are summed up, windows elsewhere.
    HoursFirst,
    /// Windows alone, for steps shorter than an hour.
    Windows,
    /// Windows of hours that are not summed up.
    OutsideHours,
}

/// Visits what is stored of the interval, oldest first. A piece that cannot be read is left out and said so.
pub(super) fn each_piece(
    connection: &Connection,
    within: Interval,
    pieces: Pieces,
    mut visit: impl FnMut(Timestamp, Vec<crate::window::pack::PackedQuery>),
) -> Result<(), StoreError> {
    let (from, to) = (nanos(within.from), nanos(within.to));
    let first_hour = from.saturating_add(HOUR - 1) / HOUR * HOUR;
    let last_hour = match pieces {
        Pieces::Windows => first_hour,
        Pieces::HoursFirst | Pieces::OutsideHours => to / HOUR * HOUR,
    };
    let mut statement = connection.prepare_cached(
        "SELECT hour AS at, body FROM hours WHERE ?6 AND hour >= ?3 AND hour < ?4
         UNION ALL
         SELECT start, body FROM windows AS w
         WHERE start < ?2 AND start > ?1 - ?5 AND end > ?1
           AND NOT (start >= ?3 AND start < ?4
                    AND EXISTS (SELECT 1 FROM hours AS h WHERE h.source = w.source
                                AND h.hour = w.start - w.start % ?5))
         ORDER BY at",
    )?;
    let with_hours = pieces == Pieces::HoursFirst;
    let bounds = params![from, to, first_hour, last_hour, HOUR, with_hours];
    let mut rows = statement.query(bounds)?;
    while let Some(row) = rows.next()? {
        let packed = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        match sums::unpack(packed) {
            Ok(queries) => visit(instant(row.get(0)?), queries),
            Err(error) => tracing::warn!(%error, "a stored window was left out"),
        }
    }
    Ok(())
}

fn query_row(statement: StatementRef, total: Total, whole: Duration) -> QueryRow {
    let share = if whole.is_zero() {
        0.0
    } else {
        total.stats.elapsed().div_duration_f64(whole)
    };
    QueryRow {
        statement,
        share,
        first_seen: total.stats.first_seen().unwrap_or_default(),
        last_seen: total.stats.last_seen().unwrap_or_default(),
        load: total.stats.load(),
        databases: total.databases.into_iter().collect(),
    }
}

/// The statement, or one that says that it is not known any more.
fn statement(connection: &Connection, id: FingerprintId) -> Result<StatementRef, StoreError> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM statements WHERE fingerprint = ?1")?
        .query_row([fingerprint(id)], |row| row.get(0))
        .optional()?;
    match body.map(|body| decode("statements", &body)) {
        Some(Ok(statement)) => return Ok(Arc::new(statement)),
        Some(Err(error)) => tracing::warn!(%error, "the text of a statement is left out"),
        None => {}
    }
    let text = if id == OTHER_STATEMENTS {
        "(all other statements)"
    } else {
        "(text not stored)"
    };
    Ok(Arc::new(Statement {
        fingerprint: id,
        loose: id,
        template: Template::new(text),
        dialect: Dialect::Generic,
        parsed: Parsed::Opaque {
            why: "not-stored".to_owned(),
            kind: crate::model::sql::StatementKind::Utility,
            tables: Vec::new(),
        },
        truncated: false,
    }))
}

fn mentions(statement: &Statement, lower_case: &str) -> bool {
    let tables = statement.tables().iter();
    statement
        .template
        .as_str()
        .to_lowercase()
        .contains(lower_case)
        || tables
            .map(|table| table.to_lowercase())
            .any(|table| table.contains(lower_case))
}

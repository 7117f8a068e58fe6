//! What statements did is the same whether it is read from windows, from merged windows or from hours.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::event::{Coverage, DbTarget, Nesting, Origin, Outcome, QueryEvent, RowCounts};
use crate::model::sql::{Dialect, Parsed, Statement, StatementKind, StatementRef, Template};
use crate::store::view::QueryFilter;
use crate::window::pack::{self, Body, PackedQuery};
use crate::window::{Detail, QueryStats, Scope};

/// A whole hour since the epoch.
const START: u64 = 1_795_287_600;

pub(super) fn statement(id: u64) -> StatementRef {
    Arc::new(Statement {
        fingerprint: FingerprintId(id),
        loose: FingerprintId(id),
        template: Template::new(format!("SELECT * FROM Note{id} WHERE a = ?")),
        dialect: Dialect::Mysql,
        parsed: Parsed::Opaque {
            why: "test".into(),
            kind: StatementKind::Select,
            tables: vec![Arc::from(format!("Note{id}"))],
        },
        truncated: false,
    })
}

/// A window of one run of each statement, which takes as many milliseconds as is told.
pub(super) fn load(start: u64, runs: &[(u64, u64)]) -> PackedWindow {
    let scope = Arc::new(Scope {
        service: ServiceName::new("shop"),
        target: DbTarget {
            namespace: Arc::from("shop"),
            ..DbTarget::default()
        },
        origin: Origin::Log,
    });
    let queries = runs.iter().map(|(id, millis)| {
        let mut stats = QueryStats::default();
        let end = secs(start + 5);
        stats.observe(&event(end, *id, *millis), end, Detail::Full);
        PackedQuery {
            fingerprint: FingerprintId(*id),
            scope: scope.clone(),
            stats,
        }
    });
    let body = Body {
        start: secs(start),
        coverage: Coverage::default(),
        queries: queries.collect(),
        errors: Vec::new(),
    };
    PackedWindow {
        count: runs.len() as u64,
        ..window(start, &pack::pack(&body))
    }
}

fn event(end: Timestamp, id: u64, millis: u64) -> QueryEvent {
    QueryEvent {
        end,
        elapsed: Duration::from_millis(millis),
        lock: None,
        service: ServiceName::new("shop"),
        target: DbTarget::default(),
        statement: statement(id),
        parameters: 7,
        offset: None,
        rows: RowCounts::default(),
        bytes_sent: None,
        access: None,
        outcome: Outcome::Ok,
        user: Arc::from(""),
        client: Arc::from(""),
        trace: None,
        weight: 1,
        nesting: Nesting::default(),
        origin: Origin::Log,
    }
}

fn put(handle: &StoreHandle, window: PackedWindow) {
    let start = window.key.start.as_unix_secs();
    let statements = vec![statement(1), statement(2)];
    let flush = Flush {
        windows: vec![window],
        statements,
        ..Flush::default()
    };
    handle.commit_blocking(Change::Flush(flush)).unwrap();
    handle
        .commit_blocking(decided(start, None, NoticeKind::Fired))
        .unwrap();
}

fn within(from: u64, to: u64) -> Interval {
    Interval {
        from: secs(START + from),
        to: secs(START + to),
    }
}

fn queries(reader: &Reader, within: Interval) -> Vec<(u64, u64)> {
    let filter = QueryFilter {
        within,
        limit: 10,
        ..QueryFilter::default()
    };
    let rows = reader.queries(&filter).unwrap().items;
    rows.iter()
        .map(|row| (row.statement.fingerprint.0, row.load.count))
        .collect()
}

/// Statement 1 takes 10 ms and 2 takes 30 ms, in each of these windows.
fn filled(windows: impl Iterator<Item = u64>) -> (TempDir, Reader) {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    for n in windows {
        put(&handle, load(START + 10 * n, &[(1, 10), (2, 30)]));
    }
    close(handle, thread);
    let reader = Reader::open(&settings.path).unwrap();
    (dir, reader)
}

fn rows(reader: &Reader, sql: &str) -> i64 {
    reader
        .with(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?))
        .unwrap()
}

#[test]
fn statements_come_by_time_with_their_share() {
    let (_dir, reader) = filled(0..6);
    assert_eq!(queries(&reader, within(0, 60)), [(2, 6), (1, 6)]);
    assert_eq!(queries(&reader, within(0, 20)), [(2, 2), (1, 2)]);
    let filter = QueryFilter {
        within: within(0, 60),
        text: Some("note1 WHERE".into()),
        limit: 1,
        ..QueryFilter::default()
    };
    let page = reader.queries(&filter).unwrap();
    assert_eq!(page.items.len(), 1);
    assert!((page.items[0].share - 0.25).abs() < 1e-9);
    assert_eq!(page.items[0].databases, [Arc::from("shop")]);
    assert_eq!(page.next, None);
}

#[test]
fn pages_of_statements_follow_one_another() {
    let (_dir, reader) = filled(0..2);
    let mut filter = QueryFilter {
        within: within(0, 60),
        limit: 1,
        ..QueryFilter::default()
    };
    let first = reader.queries(&filter).unwrap();
    filter.cursor = first.next;
    let second = reader.queries(&filter).unwrap();
    assert_eq!(first.items[0].statement.fingerprint, FingerprintId(2));
    assert_eq!(second.items[0].statement.fingerprint, FingerprintId(1));
    assert_eq!(second.next, None);
}

#[test]
fn an_hour_that_is_over_is_summed_up_and_reads_the_same() {
    // A window each minute over two hours and a bit.
    let (_dir, reader) = filled((0..125).map(|minute| 6 * minute));
    assert!(rows(&reader, "SELECT count(*) FROM hours") >= 2);
    let whole = within(0, 3 * 3_600);
    assert_eq!(queries(&reader, whole), [(2, 125), (1, 125)]);
    assert_eq!(queries(&reader, within(1_800, 5_400)), [(2, 60), (1, 60)]);
    for step in [60, 3_600] {
        let points = reader
            .load_series(whole, Duration::from_secs(step), 1)
            .unwrap();
        let of = |id: Option<FingerprintId>| {
            let points = points.iter().filter(|point| point.fingerprint == id);
            points.map(|point| point.count).sum::<u64>()
        };
        assert_eq!(of(Some(FingerprintId(2))), 125, "step {step}");
        assert_eq!(of(None), 125, "step {step}");
    }
}

#[test]
fn one_statement_has_a_series_and_an_unknown_one_is_none() {
    let (_dir, reader) = filled(0..6);
    let detail = reader.query(FingerprintId(1), within(0, 60)).unwrap();
    let detail = detail.unwrap();
    assert_eq!(detail.series.len(), 6);
    assert_eq!(detail.row.load.count, 6);
    assert!((detail.row.share - 0.25).abs() < 1e-9);
    assert!(
        reader
            .query(FingerprintId(3), within(0, 60))
            .unwrap()
            .is_none()
    );
}

#[test]
fn windows_older_than_a_day_are_merged_to_minutes_and_nothing_is_lost() {
    let day_later = (0..60).map(|minute| 8_640 + 6 * minute);
    let (_dir, reader) = filled((0..30).chain(day_later));
    assert_eq!(
        rows(&reader, "SELECT count(*) FROM windows WHERE step = 60"),
        5
    );
    assert_eq!(queries(&reader, within(0, 3_600)), [(2, 30), (1, 30)]);
}

#[test]
fn what_is_older_than_the_retention_goes_but_no_incident() {
    let dir = TempDir::new().unwrap();
    let settings = Settings {
        retention: Duration::from_secs(3_600),
        ..settings(&dir)
    };
    let (handle, thread, _) = open(&settings);
    let old = incident(1, IncidentState::Firing);
    handle
        .commit_blocking(decided(START, Some(old), NoticeKind::Fired))
        .unwrap();
    put(&handle, load(START, &[(1, 10)]));
    put(&handle, load(START + 3 * 3_600, &[(1, 10)]));
    close(handle, thread);
    let reader = Reader::open(&settings.path).unwrap();
    assert_eq!(queries(&reader, within(0, 4 * 3_600)), [(1, 1)]);
    assert_eq!(rows(&reader, "SELECT count(*) FROM incidents"), 1);
}

#[test]
fn a_store_that_is_too_large_loses_its_oldest_windows() {
    let dir = TempDir::new().unwrap();
    let settings = Settings {
        max_bytes: bytesize::ByteSize::kib(400),
        ..settings(&dir)
    };
    let (handle, thread, _) = open(&settings);
    for n in 0..300_u64 {
        // Bytes that no reader can unpack still count, and still go.
        let noise: Vec<u8> = (0..4_096_u64)
            .map(|i| ((i * i * (n + 7)) >> 3).to_le_bytes()[0])
            .collect();
        put(&handle, window(START + 60 * n, &noise));
    }
    close(handle, thread);
    let size = std::fs::metadata(&settings.path).unwrap().len();
    assert!(size < 800 * 1024, "{size} bytes");
    let reader = Reader::open(&settings.path).unwrap();
    let newest = rows(&reader, "SELECT max(start) FROM windows");
    assert_eq!(newest, ((START + 60 * 299) * 1_000_000_000).cast_signed());
}

#[test]
fn texts_of_statements_that_nothing_tells_of_do_not_push_out_windows() {
    let dir = TempDir::new().unwrap();
    let settings = Settings {
        max_bytes: bytesize::ByteSize::mib(1),
        ..settings(&dir)
    };
    let (handle, thread, _) = open(&settings);
    let connection = rusqlite::Connection::open(&settings.path).unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO statements SELECT i, 1, hex(zeroblob(300)) FROM n",
        )
        .unwrap();
    drop(connection);
    for minute in 0..60 {
        put(&handle, load(START + 60 * minute, &[(1, 10)]));
    }
    close(handle, thread);
    let reader = Reader::open(&settings.path).unwrap();
    assert!(rows(&reader, "SELECT count(*) FROM statements") <= 2);
    assert!(rows(&reader, "SELECT count(*) FROM windows") > 50);
}

#[test]
fn a_statement_or_an_incident_that_cannot_be_read_hides_no_other() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    put(&handle, load(START, &[(1, 10), (2, 20)]));
    let known = incident(1, IncidentState::Firing);
    let fired = decided(START, Some(known.clone()), NoticeKind::Fired);
    handle.commit_blocking(fired).unwrap();
    close(handle, thread);
    let connection = rusqlite::Connection::open(&settings.path).unwrap();
    connection
        .execute_batch(
            "UPDATE statements SET body = '{\"of\":\"another version\"}' WHERE fingerprint = 2;
             INSERT INTO incidents SELECT 'INC-20261121-2', day, 2, state, severity, started,
               resolved, revision, '{}' FROM incidents",
        )
        .unwrap();
    drop(connection);
    let reader = Reader::open(&settings.path).unwrap();
    assert_eq!(queries(&reader, within(0, 60)), [(2, 1), (1, 1)]);
    let filter = IncidentFilter {
        limit: 10,
        ..IncidentFilter::default()
    };
    assert_eq!(reader.incidents(&filter).unwrap().items, [known]);
}

#[test]
fn of_very_many_statements_those_that_still_tell_something_stay() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    put(&handle, load(START, &[(1, 10)]));
    close(handle, thread);
    let connection = rusqlite::Connection::open(&settings.path).unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 50200)
             INSERT INTO statements SELECT i, 1, '{}' FROM n",
        )
        .unwrap();
    drop(connection);
    let (handle, thread, recovered) = open(&settings);
    let kept: Vec<u64> = recovered
        .statements
        .iter()
        .map(|statement| statement.fingerprint.0)
        .collect();
    assert_eq!(kept, [1]);
    close(handle, thread);
}

#[test]
fn a_damaged_window_is_left_out() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    put(&handle, window(START, b"\x01damaged"));
    put(&handle, load(START + 10, &[(1, 10)]));
    close(handle, thread);
    let reader = Reader::open(&settings.path).unwrap();
    assert_eq!(queries(&reader, within(0, 60)), [(1, 1)]);
}

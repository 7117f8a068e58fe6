//! The store as its users see it: what was committed is read back, after any end of the process.

mod crash;
mod files;
mod gaps;
mod outbox;
mod series;
mod traces;
mod upgrade;
mod versions;

use std::sync::Arc;
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::clock::Clock;
use crate::incident::{Decisions, Notice, NoticeKind};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency};
use crate::model::id::{FingerprintId, IncidentId, ServiceName, SourceId};
use crate::model::incident::{Incident, IncidentState};
use crate::model::time::{Interval, Timestamp};
use crate::store::view::{FindingFilter, IncidentFilter, Marker};
use crate::store::{
    Change, Delivery, Reader, Recovered, Settings, StoreError, StoreHandle, Writer,
};
use crate::window::{Flush, PackedCourses, PackedWindow, WindowKey};

fn secs(at: u64) -> Timestamp {
    Timestamp::from_unix_secs(at)
}

fn settings(dir: &TempDir) -> Settings {
    Settings {
        path: dir.path().join("sqleuth.db"),
        ..Settings::default()
    }
}

fn clock() -> Clock {
    Clock::manual(secs(1_795_288_972))
}

fn open(settings: &Settings) -> (StoreHandle, JoinHandle<()>, Recovered) {
    let (writer, recovered) = Writer::open(settings, vec![Arc::from("slack")], &clock()).unwrap();
    let (handle, thread) = writer.spawn().unwrap();
    (handle, thread, recovered)
}

fn close(handle: StoreHandle, thread: JoinHandle<()>) {
    drop(handle);
    thread.join().unwrap();
}

fn window(start: u64, body: &[u8]) -> PackedWindow {
    PackedWindow {
        key: key(start),
        end: secs(start + 10),
        body: body.to_vec(),
        backlog: false,
        count: 1,
    }
}

fn key(start: u64) -> WindowKey {
    WindowKey {
        source: SourceId::new("slow_log:test"),
        start: secs(start),
    }
}

fn flush(windows: Vec<PackedWindow>) -> Change {
    Change::Flush(Flush {
        windows,
        ..Flush::default()
    })
}

fn finding(from: u64, severity: Severity) -> Finding {
    Finding {
        detector: Arc::from("full-scan"),
        severity,
        urgency: Urgency::Acute,
        began: None,
        at: Interval {
            from: secs(from),
            to: secs(from + 10),
        },
        service: ServiceName::new("shop"),
        database: Arc::from("shop"),
        fingerprint: Some(FingerprintId(u64::MAX - 1)),
        errors: None,
        operation: None,
        template: None,
        tables: vec![Arc::from("note")],
        recurring: false,
        evidence: vec![Evidence::measure("rows", 2.0, 1.0, Unit::Rows)],
        remedies: Vec::new(),
    }
}

fn incident(revision: u64, state: IncidentState) -> Incident {
    Incident {
        id: IncidentId::new("INC-20261121-1"),
        title: "full-scan on note".into(),
        state,
        acknowledged_by: None,
        severity: Severity::Warning,
        started_at: secs(100),
        detected_at: Some(secs(120)),
        resolved_at: (state == IncidentState::Resolved).then_some(secs(500)),
        service: ServiceName::new("shop"),
        databases: Vec::new(),
        cause: None,
        chain: Vec::new(),
        findings: Vec::new(),
        alerts: Vec::new(),
        remedies: Vec::new(),
        timeline: Vec::new(),
        revision,
    }
}

fn decided(start: u64, incident: Option<Incident>, what: NoticeKind) -> Change {
    let notices = incident.iter().map(|i| Notice {
        incident: i.id.clone(),
        revision: i.revision,
        what,
    });
    Change::Decided(Box::new(Decisions {
        judged: key(start),
        at: secs(start + 10),
        findings: Vec::new(),
        problems: Vec::new(),
        forgotten: Vec::new(),
        notices: notices.collect(),
        incidents: incident.into_iter().collect(),
    }))
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, first) = open(&settings);
    handle
        .commit_blocking(flush(vec![window(100, b"a"), window(110, b"b")]))
        .unwrap();
    let fired = decided(
        100,
        Some(incident(1, IncidentState::Firing)),
        NoticeKind::Fired,
    );
    handle.commit_blocking(fired).unwrap();
    close(handle, thread);

    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.seed, first.seed);
    assert_eq!(recovered.open_windows, [window(110, b"b")]);
    assert_eq!(recovered.history, [window(100, b"a")]);
    assert_eq!(
        recovered.incidents.incidents,
        [incident(1, IncidentState::Firing)]
    );
    assert_eq!(recovered.incidents.numbers["20261121"], 1);
    close(handle, thread);
}

#[test]
fn nothing_is_stored_beyond_a_change_that_could_not_be() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON windows WHEN NEW.runs = 7
                   BEGIN SELECT RAISE(ABORT, 'planned'); END";
    let other = rusqlite::Connection::open(&settings.path).unwrap();
    other.execute_batch(trigger).unwrap();
    let mut refused = window(100, b"a");
    refused.count = 7;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let stored = runtime.block_on(async {
        let mut queued = Vec::new();
        for window in [window(90, b"before"), refused, window(110, b"b")] {
            queued.push(handle.submit(flush(vec![window])).await.unwrap());
        }
        let mut stored = Vec::new();
        for committed in queued {
            stored.push(committed.durable().await.is_ok());
        }
        stored
    });
    assert_eq!(stored, [true, false, false]);
    let later = handle.commit_blocking(flush(vec![window(120, b"c")]));
    assert!(matches!(later, Err(StoreError::Stopped)));
    close(handle, thread);

    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.open_windows, [window(90, b"before")]);
    close(handle, thread);
}

#[test]
fn what_a_source_left_open_is_dropped_when_it_is_old() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let later = 100 + 31 * 86_400;
    for start in [100, later] {
        handle
            .commit_blocking(flush(vec![window(start, b"a")]))
            .unwrap();
    }
    close(handle, thread);
    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.open_windows, [window(later, b"a")]);
    close(handle, thread);
}

#[test]
fn courses_are_kept_for_as_long_as_anything_of_their_source() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let courses = |source: &str, body: u8| PackedCourses {
        source: SourceId::new(source),
        body: vec![body],
    };
    let (handle, thread, _) = open(&settings);
    for body in [1, 2] {
        let flush = Flush {
            windows: vec![window(1_000 * u64::from(body), b"a")],
            courses: vec![
                courses("slow_log:gone", body),
                courses("slow_log:test", body),
            ],
            ..Flush::default()
        };
        handle.commit_blocking(Change::Flush(flush)).unwrap();
    }
    close(handle, thread);
    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.courses, [courses("slow_log:test", 2)]);
    close(handle, thread);
}

#[test]
fn findings_of_one_episode_are_one_row() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let found = [
        finding(100, Severity::Warning),
        finding(110, Severity::Critical),
        finding(120, Severity::Warning),
        finding(9_000, Severity::Warning),
    ];
    for finding in found {
        let Change::Decided(mut decisions) = decided(100, None, NoticeKind::Fired) else {
            unreachable!()
        };
        decisions.findings.push(finding);
        handle.commit_blocking(Change::Decided(decisions)).unwrap();
    }
    let reader = Reader::open(&settings.path).unwrap();
    let filter = FindingFilter {
        limit: 1,
        ..FindingFilter::default()
    };
    let first = reader.findings(&filter).unwrap();
    assert_eq!(first.items[0].at.from, secs(9_000));
    let second = reader
        .findings(&FindingFilter {
            cursor: first.next,
            ..filter
        })
        .unwrap();
    assert_eq!(second.items[0].severity, Severity::Critical);
    assert_eq!(second.items[0].at.to, secs(130));
    assert_eq!(second.next, None);
    close(handle, thread);
}

#[test]
fn incidents_are_listed_by_interval_and_state() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let resolved = incident(3, IncidentState::Resolved);
    handle
        .commit_blocking(decided(100, Some(resolved), NoticeKind::Resolved))
        .unwrap();
    let reader = Reader::open(&settings.path).unwrap();
    let found = |from, to, states: &[IncidentState]| {
        let filter = IncidentFilter {
            within: Some(Interval {
                from: secs(from),
                to: secs(to),
            }),
            states: states.to_vec(),
            limit: 10,
            cursor: None,
        };
        reader.incidents(&filter).unwrap().items.len()
    };
    assert_eq!(found(0, 1_000, &[]), 1);
    assert_eq!(found(0, 1_000, &[IncidentState::Firing]), 0);
    assert_eq!(found(501, 1_000, &[]), 0);
    assert_eq!(found(0, 100, &[]), 0);
    close(handle, thread);
}

#[test]
fn a_foreign_cursor_is_an_error() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let reader = Reader::open(&settings.path).unwrap();
    let filter = FindingFilter {
        cursor: Some("1:'; DROP TABLE".into()),
        ..FindingFilter::default()
    };
    assert!(matches!(reader.findings(&filter), Err(StoreError::Cursor)));
    close(handle, thread);
}

#[test]
fn markers_come_in_the_order_of_time() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    for at in [30, 10, 20] {
        let marker = Marker {
            at: secs(at),
            kind: "deploy".into(),
            title: "v2".into(),
            service: None,
        };
        handle.commit_blocking(Change::Marker(marker)).unwrap();
    }
    let reader = Reader::open(&settings.path).unwrap();
    let within = Interval {
        from: secs(10),
        to: secs(30),
    };
    let found = reader.markers(within, 0).unwrap();
    let times: Vec<_> = found.iter().map(|m| m.at).collect();
    assert_eq!(times, [secs(10), secs(20)]);
    assert_eq!(reader.markers(within, 1).unwrap(), found[1..]);
    close(handle, thread);
}

fn settle(handle: &StoreHandle, id: i64, result: Delivery) {
    handle
        .commit_blocking(Change::OutboxResult { id, result })
        .unwrap();
}

fn sent(remote: &str) -> Delivery {
    Delivery::Sent {
        remote: Some(remote.into()),
        at: secs(350),
    }
}

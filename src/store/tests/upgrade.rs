//! A store that an earlier release wrote is taken over with all that is in it.

use super::series::{load, statement};
use super::*;
use crate::normalise::FINGERPRINT_VERSION;
use crate::store::embedded::Embedded;
use crate::store::schema::past;
use crate::store::view::QueryFilter;

const START: u64 = 1_795_287_600;

/// A judged window and one that is not, a finding, and an incident that fires.
fn content() -> [Change; 3] {
    let flush = Flush {
        windows: vec![load(START, &[(1, 5), (2, 5)]), load(START + 10, &[(1, 5)])],
        statements: vec![statement(1), statement(2)],
        ..Flush::default()
    };
    let mut fired = decided(
        START,
        Some(incident(1, IncidentState::Firing)),
        NoticeKind::Fired,
    );
    if let Change::Decided(decisions) = &mut fired {
        decisions.findings.push(finding(START, Severity::Critical));
    }
    let marker = Marker {
        at: secs(START),
        kind: "deploy".into(),
        title: "4.2".into(),
        service: None,
    };
    [Change::Flush(flush), fired, Change::Marker(marker)]
}

fn everything() -> Interval {
    Interval {
        from: Timestamp::EPOCH,
        to: secs(START + 3_600),
    }
}

/// All of [`content`] is there, and what is due is told.
fn has_all(settings: &Settings, recovered: &Recovered) {
    assert_eq!(recovered.history, [load(START, &[(1, 5), (2, 5)])]);
    assert_eq!(recovered.open_windows, [load(START + 10, &[(1, 5)])]);
    let firing = [incident(1, IncidentState::Firing)];
    assert_eq!(recovered.incidents.incidents, firing);
    let reader = Reader::open(&settings.path).unwrap();
    let filter = QueryFilter {
        within: everything(),
        limit: 10,
        ..QueryFilter::default()
    };
    let rows = reader.queries(&filter).unwrap();
    let mut runs: Vec<_> = rows
        .items
        .iter()
        .map(|row| (row.statement.template.as_str(), row.load.count))
        .collect();
    runs.sort_unstable();
    let text = |id| format!("SELECT * FROM Note{id} WHERE a = ?");
    assert_eq!(runs, [(text(1).as_str(), 2), (text(2).as_str(), 1)]);
    let filter = FindingFilter {
        limit: 10,
        ..FindingFilter::default()
    };
    let findings = reader.findings(&filter).unwrap().items;
    assert_eq!(findings.len(), 1);
    assert_eq!(reader.markers(everything(), 0).unwrap().len(), 1);
    assert_eq!(
        reader.outbox_due(secs(START + 60), "slack").unwrap().len(),
        1
    );
}

#[test]
fn a_file_of_every_earlier_schema_keeps_all_that_is_in_it_and_takes_what_is_new() {
    assert!(!past::versions().is_empty());
    for version in past::versions() {
        let dir = TempDir::new().unwrap();
        let settings = settings(&dir);
        let old = past::create(&settings.path, version);
        let mut old = Embedded::new(old, vec![Arc::from("slack")]);
        old.commit(content().iter()).unwrap();
        old.close();

        let (handle, thread, recovered) = open(&settings);
        has_all(&settings, &recovered);
        let courses = PackedCourses {
            source: SourceId::new("slow_log:test"),
            body: vec![1],
        };
        let flush = Flush {
            courses: vec![courses.clone()],
            ..Flush::default()
        };
        handle.commit_blocking(Change::Flush(flush)).unwrap();
        close(handle, thread);
        let (handle, thread, recovered) = open(&settings);
        assert_eq!(recovered.courses, [courses]);
        close(handle, thread);
    }
}

#[test]
fn what_has_identities_of_another_release_is_shown_and_is_no_baseline() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    for change in content() {
        handle.commit_blocking(change).unwrap();
    }
    close(handle, thread);
    let other = rusqlite::Connection::open(&settings.path).unwrap();
    other
        .execute_batch(
            "UPDATE statements SET version = version + 1;
             UPDATE meta SET value = '999' WHERE name = 'fingerprint_version';",
        )
        .unwrap();
    drop(other);

    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.statements, [], "what runs now is identified anew");
    has_all(&settings, &recovered);
    // The statement runs again, and has the identity that it had.
    let flush = Flush {
        statements: vec![statement(1)],
        ..Flush::default()
    };
    handle.commit_blocking(Change::Flush(flush)).unwrap();
    close(handle, thread);
    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.statements, [(*statement(1)).clone()]);
    let other = rusqlite::Connection::open(&settings.path).unwrap();
    let version: String = other
        .query_row(
            "SELECT value FROM meta WHERE name = 'fingerprint_version'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(version, FINGERPRINT_VERSION.to_string());
    close(handle, thread);
}

//! Errors are counted in windows, once, and held against the time before.

use super::*;
use crate::model::error::{ErrorClass, ErrorEvent, ErrorFamily};
use crate::model::sql::Template;
use crate::model::subject::ErrorProfile;

fn error(secs: u64) -> ErrorEvent {
    ErrorEvent {
        at: at(secs),
        service: ServiceName::new("shop"),
        target: DbTarget::default(),
        family: Arc::new(ErrorFamily {
            id: FingerprintId(7),
            class: ErrorClass::Schema,
            code: Arc::from("42703"),
            message: Template::new("column \"note\" does not exist"),
            statement: Some(statement(1)),
            parties: Vec::new(),
            unknown_column: None,
        }),
        weight: 1,
        waited: Duration::ZERO,
        user: Arc::from("app"),
        client: Arc::from("10.0.0.7"),
        origin: Origin::Log,
    }
}

fn failing(secs: &[u64], offset: u64) -> EventBatch {
    let mut batch = batch(Vec::new(), offset);
    batch.errors = secs.iter().map(|secs| error(*secs)).collect();
    batch
}

fn profiles(outputs: &[Output]) -> Vec<&ErrorProfile> {
    closed(outputs).iter().flat_map(|c| &c.errors).collect()
}

#[test]
fn errors_alone_fill_a_window_that_is_stored_and_judged() {
    let mut windows = windows();
    windows.observe(failing(&[11, 12, 13], 1), at(20));
    let outputs = windows.observe(idle(40), at(40));
    let profiles = profiles(&outputs);
    assert_eq!(profiles.len(), 1);
    assert_eq!(profiles[0].load.count, 3);
    assert_eq!(profiles[0].load.clients, [Arc::from("10.0.0.7")]);
    assert_eq!(profiles[0].baseline, None, "nobody watched before");
}

#[test]
fn a_restart_counts_no_error_twice_and_loses_none() {
    let mut first = windows();
    let mut stored: Vec<PackedWindow> = Vec::new();
    let outputs = first.observe(failing(&[11, 12], 1), at(13));
    let outputs = outputs.into_iter().chain(first.drain());
    for output in outputs {
        if let Output::Flush(flush) = output {
            stored.extend(flush.windows);
        }
    }
    let mut second = windows();
    let damaged = second.restore(stored, |_| None);
    assert!(damaged.is_empty());
    second.observe(failing(&[14], 2), at(20));
    let outputs = second.observe(idle(40), at(40));
    let counts: Vec<_> = profiles(&outputs).iter().map(|p| p.load.count).collect();
    assert_eq!(counts, [3]);
}

#[test]
fn the_quietest_half_hour_before_tells_what_is_usual() {
    const HOUR: u64 = 3_600;
    let mut windows = windows();
    windows.observe(idle(HOUR), at(HOUR));
    // one error a minute for half an hour, and then for half an hour two
    for minute in 0..60 {
        let secs = HOUR + minute * 60 + 5;
        let secs: &[u64] = if minute < 30 { &[secs] } else { &[secs, secs] };
        windows.observe(failing(secs, minute), at(secs[0]));
        windows.observe(idle(secs[0] + 15), at(secs[0] + 15));
    }
    windows.observe(failing(&[2 * HOUR + 305], 99), at(2 * HOUR + 305));
    let outputs = windows.observe(idle(2 * HOUR + 330), at(2 * HOUR + 330));
    let profiles = profiles(&outputs);
    let before = profiles[0].baseline.expect("an hour was watched");
    assert_eq!(before.count, 90);
    assert!(
        (before.quietest_per_second - 1.0 / 60.0).abs() < 1e-3,
        "{before:?}"
    );
}

//! What the detectors are shown: of the last minute, and of the hour.

use super::*;

/// What is looked at when five minutes of such seconds have passed.
fn long_profiles(runs: impl Fn(u64) -> Vec<QueryEvent>) -> Vec<QueryProfile> {
    let mut windows = windows();
    let mut long = Vec::new();
    for second in 0..320 {
        let outputs = windows.observe(batch(runs(second), second), at(second));
        let profiles = closed(&outputs)
            .into_iter()
            .flat_map(|c| c.profiles.clone());
        long.extend(profiles.filter(|p| p.horizon == Horizon::Long));
    }
    long
}

#[test]
fn every_five_minutes_the_costliest_statements_are_seen_over_the_hour() {
    let long = long_profiles(|second| vec![event(at(second), 1, 500), event(at(second), 2, 1)]);
    let [hour] = long.as_slice() else {
        panic!("{} long profiles", long.len());
    };
    assert_eq!(hour.statement.fingerprint, FingerprintId(1));
    assert_eq!(hour.load.count, 300);
    assert_eq!(hour.total.count, 600);
}

#[test]
fn what_sends_most_of_the_bytes_is_costly_however_fast_it_is() {
    let of_bytes = |second, id, elapsed_ms, bytes| QueryEvent {
        bytes_sent: Some(bytes),
        ..event(at(second), id, elapsed_ms)
    };
    let long = long_profiles(|second| {
        vec![
            of_bytes(second, 1, 500, 100),
            of_bytes(second, 2, 1, 1_000_000),
            of_bytes(second, 3, 1, 100),
        ]
    });
    let seen: Vec<_> = long.iter().map(|p| p.statement.fingerprint.0).collect();
    assert_eq!(seen, [1, 2]);
}

#[test]
fn an_unfiltered_scan_tells_how_many_rows_its_table_has() {
    let mut windows = windows();
    let outputs = windows.observe(batch(vec![event(at(3), 1, 70)], 1), at(3));
    assert!(outputs.len() < 2);
    let outputs = windows.observe(idle(20), at(20));
    let table = &closed(&outputs)[0].profiles[0].tables[0];
    assert_eq!(table.rows, Some(700));
    assert_eq!(table.elapsed, Duration::from_millis(70));
}

#[test]
fn a_pattern_that_no_index_serves_is_known_whichever_text_came_first() {
    let mut normaliser = Normaliser::new(&normalise::Settings::default(), 0);
    let mut text = |pattern: &str| {
        let sql = format!("SELECT id FROM t WHERE name LIKE '{pattern}'");
        normaliser
            .statement(sql.as_bytes(), Dialect::Mysql, false)
            .statement
    };
    let (prefix, infix) = (text("a%"), text("%a%"));
    let run = |secs, statement: &StatementRef| QueryEvent {
        statement: statement.clone(),
        ..event(at(secs), 1, 5)
    };
    let mut windows = windows();
    let first = vec![run(1, &prefix), run(2, &infix), run(3, &prefix)];
    let mut outputs = windows.observe(batch(first, 1), at(3));
    outputs.extend(windows.observe(batch(vec![run(14, &prefix)], 2), at(14)));
    outputs.extend(windows.observe(batch(vec![run(40, &prefix)], 3), at(40)));
    let profiles = closed(&outputs).into_iter().flat_map(|c| &c.profiles);
    let kinds: Vec<bool> = profiles
        .map(|p| p.statement.shape().unwrap().leading_wildcard)
        .collect();
    assert_eq!(
        kinds,
        [true, true],
        "in its window, and in the minute after it"
    );
}

#[test]
fn the_rows_that_runs_skip_are_told_of_all_windows_of_a_minute() {
    let page = |secs, offset| QueryEvent {
        offset,
        ..event(at(secs), 1, 5)
    };
    let mut windows = windows();
    let first = vec![page(1, Some(20)), page(2, None)];
    windows.observe(batch(first, 1), at(3));
    windows.observe(batch(vec![page(14, Some(30_000))], 2), at(14));
    let outputs = windows.observe(idle(25), at(25));
    let profiles = closed(&outputs).into_iter().flat_map(|c| &c.profiles);
    let offsets = profiles.filter_map(|p| p.load.offsets).next_back().unwrap();
    assert_eq!((offsets.told(), offsets.at_least(10_000)), (2, 1));
    assert_eq!(offsets.rows, 30_020);
}

#[test]
fn a_sparse_log_makes_no_short_interval_of_a_few_runs() {
    let mut windows = windows();
    windows.observe(idle(0), at(3));
    windows.observe(idle(600), at(603));
    let slow = |id| event(at(604), id, 3_500);
    windows.observe(batch(vec![slow(1), slow(1), slow(1)], 1), at(604));
    let outputs = windows.observe(idle(620), at(623));
    let profile = &closed(&outputs)[0].profiles[0];
    assert_eq!(profile.span.duration(), Duration::from_secs(60));
    let peak = profile.load.peak.unwrap();
    assert_eq!(peak.span.duration(), Duration::from_secs(60));
    assert_eq!((peak.runs, peak.elapsed.as_millis()), (3, 10_500));
}

#[test]
fn a_run_that_began_long_before_is_part_of_the_last_minute_with_what_it_ran_in_it() {
    let mut windows = windows();
    windows.observe(idle(0), at(3));
    windows.observe(idle(600), at(603));
    let report = |end| event(at(end), 1, 1_800_000);
    windows.observe(batch(vec![report(609), report(609)], 1), at(609));
    let outputs = windows.observe(idle(620), at(623));
    let profile = &closed(&outputs)[0].profiles[0];
    assert_eq!(profile.load.elapsed.total.as_secs(), 3_600);
    // the window ends a second later
    assert_eq!(profile.load.peak.unwrap().elapsed.as_secs(), 2 * 59);
}

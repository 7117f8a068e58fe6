use std::time::Duration;

use super::*;
use crate::model::event::{CoverageSource, Outcome};

const ODD: &str = include_str!("../../../../tests/fixtures/logs/postgres-odd.log");

fn read(framing: Framing, log: &str) -> (Vec<Entry<'static>>, Postgres, u64) {
    let mut parser = Postgres::new(framing, &Options::default());
    let mut told = Vec::new();
    let progress = parser.parse(log.as_bytes(), Next::End, &mut |entry| {
        told.push(sessions::owned(entry));
    });
    assert_eq!(progress.consumed, log.len());
    assert_eq!(progress.held, 0, "a file that has ended holds nothing");
    (told, parser, progress.unparsed)
}

fn odd() -> Vec<Entry<'static>> {
    read(Framing::Stderr(Prefix::new(None)), ODD).0
}

fn find<'e>(told: &'e [Entry<'static>], text: &str) -> &'e Entry<'static> {
    let mut found = told
        .iter()
        .filter(|entry| String::from_utf8_lossy(&entry.sql).contains(text));
    let entry = found.next().unwrap();
    assert_eq!(found.next().map(|e| &e.sql), None, "{text} is told once");
    entry
}

#[test]
fn every_run_of_an_odd_log_is_told_once() {
    let (told, _, unparsed) = read(Framing::Stderr(Prefix::new(None)), ODD);
    assert_eq!(told.len(), 7);
    assert_eq!(
        unparsed, 2,
        "the line before the first record, and the one without severity"
    );
}

#[test]
fn parse_and_bind_are_time_of_the_run() {
    let told = odd();
    let run = find(&told, "FROM t WHERE a = $1");
    assert_eq!(run.elapsed, Duration::from_millis(1));
    assert_eq!(&*run.sql, b"SELECT *\nFROM t WHERE a = $1");
}

#[test]
fn a_statement_is_joined_with_its_duration() {
    let told = odd();
    let run = find(&told, "pg_sleep");
    assert_eq!(run.elapsed, Duration::from_secs(2));
    assert_eq!((&*run.user, &*run.database), ("app", "shop"));
}

#[test]
fn a_plan_and_spilled_bytes_belong_to_their_run() {
    let told = odd();
    let access = find(&told, "ORDER BY a").access.clone().unwrap();
    assert_eq!(access.temp_bytes, Some(1500));
    assert_eq!(access.filesort_on_disk, Some(true));
    assert_eq!(access.plan.unwrap().len(), 2);
}

#[test]
fn a_plan_without_a_run_is_one() {
    let told = odd();
    let run = find(&told, "alone");
    assert_eq!(run.elapsed, Duration::from_millis(5));
    assert_eq!(run.access.as_ref().unwrap().full_scan, Some(true));
}

#[test]
fn a_cancelled_statement_is_told_with_the_time_since_the_record_before() {
    let told = odd();
    let run = find(&told, "SELECT slow");
    assert_eq!(
        run.outcome,
        Outcome::Cancelled {
            code: "57014".into()
        }
    );
    assert_eq!(run.elapsed, Duration::from_millis(4498));
    assert_eq!(&*run.sql, b"SELECT slow\nFROM t");
}

#[test]
fn parameters_are_dropped() {
    assert!(
        odd()
            .iter()
            .all(|entry| !String::from_utf8_lossy(&entry.sql).contains("secret"))
    );
}

#[test]
fn a_severity_inside_a_statement_is_text() {
    let told = odd();
    assert_eq!(
        &*find(&told, "two lines").sql,
        b"SELECT 'ERROR:  nothing',\n\n'two lines'"
    );
}

#[test]
fn the_three_framings_tell_the_same() {
    let csv = "2026-11-21 10:00:05.000 UTC,\"app\",\"shop\",8,\"10.0.0.1:55\",s,1,\"SELECT\",2026-11-21 10:00:00 UTC,,0,ERROR,57014,\"canceling statement due to statement timeout\",,,,,,\"SELECT \"\"slow\"\"\nFROM t\",,,\"x\",\"y\",,0\n";
    let json = "{\"timestamp\":\"2026-11-21 10:00:05.000 UTC\",\"user\":\"app\",\"dbname\":\"shop\",\"pid\":8,\"remote_host\":\"10.0.0.1\",\"error_severity\":\"ERROR\",\"state_code\":\"57014\",\"message\":\"canceling statement due to statement timeout\",\"statement\":\"SELECT \\\"slow\\\"\\nFROM t\"}\n";
    let stderr = "2026-11-21 10:00:05.000 UTC:10.0.0.1(55):app@shop:[8]:ERROR:  canceling statement due to statement timeout\n2026-11-21 10:00:05.000 UTC:10.0.0.1(55):app@shop:[8]:STATEMENT:  SELECT \"slow\"\n\tFROM t\n";
    let by_csv = read(Framing::Csv, csv).0;
    let by_json = read(Framing::Json, json).0;
    let by_stderr = read(Framing::Stderr(Prefix::new(None)), stderr).0;
    assert_eq!(by_csv.len(), 1);
    assert_eq!(format!("{by_csv:?}"), format!("{by_json:?}"));
    assert_eq!(format!("{by_csv:?}"), format!("{by_stderr:?}"));
}

#[test]
fn a_record_that_never_closes_its_quote_does_not_swallow_the_rest() {
    let row = |sql: &str| {
        format!(
            "2026-11-21 10:00:05.000 UTC,\"a\",\"b\",8,\"h:1\",s,1,\"\",2026-11-21 10:00:00 UTC,,0,LOG,00000,\"duration: 1.0 ms  statement: {sql}\",,,,,,,,,\"x\",\"y\",,0\n"
        )
    };
    let good = row("SELECT 1");
    let cut = &good[..good.len() - 40];
    let log = format!("{cut}\n{good}{good}");
    let (told, _, unparsed) = read(Framing::Csv, &log);
    assert_eq!(told.len(), 2);
    assert_eq!(unparsed, 1);
}

#[test]
fn the_fastest_run_is_the_coverage_until_the_log_states_one() {
    let run =
        "2026-11-21 10:00:05.000 UTC [8] a@b LOG:  duration: 250.000 ms  statement: SELECT 1\n";
    let (_, parser, _) = read(Framing::Stderr(Prefix::new(None)), run);
    assert_eq!(parser.coverage().known_by, CoverageSource::Observed);
    let change = "2026-11-21 10:00:06.000 UTC [1] LOG:  parameter \"log_min_duration_statement\" changed to \"100ms\"\n";
    let (_, parser, _) = read(
        Framing::Stderr(Prefix::new(None)),
        &format!("{run}{change}"),
    );
    assert_eq!(parser.coverage().known_by, CoverageSource::Stated);
    assert_eq!(
        parser.coverage().slower_than,
        Some(Duration::from_millis(100))
    );
}

#[test]
fn a_quiet_log_tells_its_last_record() {
    let mut parser = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
    let mut told = 0;
    let log =
        "2026-11-21 10:00:05.000 UTC [8] a@b LOG:  duration: 250.000 ms  statement: SELECT 1\n";
    parser.parse(log.as_bytes(), Next::More, &mut |_| told += 1);
    assert_eq!(told, 0);
    parser.parse(log.as_bytes(), Next::Quiet, &mut |_| told += 1);
    assert_eq!(told, 1);
}

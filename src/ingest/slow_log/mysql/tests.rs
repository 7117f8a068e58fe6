use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::event::{CoverageSource, Outcome, RowCounts};

const ODD: &str = include_str!("../../../../tests/fixtures/logs/mysql-odd.log");

/// Tells every entry of a log to `see`, and returns what could not be read.
fn read(log: &[u8], mut see: impl FnMut(&Entry<'_>)) -> (Mysql, u64) {
    let mut parser = Mysql::new(&Options::default());
    let progress = parser.parse(log, Next::End, &mut |entry| see(&entry));
    assert_eq!(progress.consumed, log.len());
    (parser, progress.unparsed)
}

fn statements(log: &str) -> Vec<String> {
    let mut told = Vec::new();
    read(log.as_bytes(), |entry| {
        told.push(String::from_utf8_lossy(&entry.sql).into_owned());
    });
    told
}

#[test]
fn every_statement_of_an_odd_log_is_told_once() {
    let told = statements(ODD);
    let starts: Vec<&str> = told
        .iter()
        .map(|sql| sql.split('\n').next().unwrap_or(""))
        .collect();
    assert_eq!(
        starts,
        [
            "SELECT 1",
            "use other",
            "SELECT a",
            "UPDATE t SET a = 1",
            "administrator command: Quit",
            "SELECT old_server",
            "SET GLOBAL long_query_time = 0.25",
            "SELECT 'last",
        ]
    );
    assert!(
        told[2].contains("SELECT fake"),
        "a header in a string is part of it"
    );
}

#[test]
fn a_partial_first_entry_counts_as_unparsed() {
    let (_, unparsed) = read(ODD.as_bytes(), |_| {});
    assert_eq!(unparsed, 1);
}

#[test]
fn the_best_clock_of_an_entry_is_taken() {
    let mut ends = Vec::new();
    read(ODD.as_bytes(), |entry| {
        ends.push(entry.end.unwrap().to_string());
    });
    assert_eq!(
        ends[0], "2026-11-21T10:00:00.123456Z",
        "`# Time:` with its fraction"
    );
    assert_eq!(ends[1], "2026-11-21T10:00:02Z", "the start plus the run");
    assert_eq!(ends[2], "2026-11-21T10:00:02.25Z", "`End:`");
    assert_eq!(
        ends[5], "2026-11-21T10:00:06Z",
        "`# Time:` in whole seconds"
    );
    assert_eq!(ends[6], "2026-11-21T10:00:06Z", "the last `# Time:`");
}

#[test]
fn databases_clients_and_outcomes_are_read() {
    let mut seen = Vec::new();
    read(ODD.as_bytes(), |entry| {
        seen.push((
            entry.database.to_string(),
            entry.client.to_string(),
            entry.outcome.clone(),
            entry.weight,
        ));
    });
    assert_eq!(seen[0], ("shop".into(), "web1".into(), Outcome::Ok, 1));
    assert_eq!(seen[1].1, "10.0.0.2");
    let cut = Outcome::Cancelled {
        code: "1317".into(),
    };
    assert_eq!(seen[3], ("shop".into(), "web1".into(), cut, 10));
}

#[test]
fn extra_fields_are_access_facts() {
    let mut seen = Vec::new();
    read(ODD.as_bytes(), |entry| {
        seen.push((entry.elapsed, entry.rows, entry.access.clone()));
    });
    assert_eq!(seen[0].2, None);
    let mysql_8 = seen[2].2.clone().unwrap();
    assert_eq!(
        (mysql_8.merge_passes, mysql_8.filesort),
        (Some(3), Some(true))
    );
    assert_eq!(mysql_8.tmp_table_on_disk, Some(true));
    let (elapsed, rows, percona) = seen[3].clone();
    assert_eq!(elapsed, Duration::ZERO, "a wrapped time is not known");
    assert_eq!(percona.unwrap().full_scan, Some(true));
    let rows_told = RowCounts {
        examined: Some(0),
        returned: Some(0),
        affected: Some(3),
    };
    assert_eq!(rows, rows_told);
}

#[test]
fn a_threshold_set_in_the_log_is_its_coverage() {
    let (parser, _) = read(ODD.as_bytes(), |_| {});
    let coverage = parser.coverage();
    assert_eq!(coverage.slower_than, Some(Duration::from_millis(250)));
    assert_eq!(coverage.known_by, CoverageSource::Stated);
    assert_eq!(coverage.one_in, Some(10));
}

#[test]
fn the_last_statement_is_told_as_cut() {
    let mut cut = Vec::new();
    read(ODD.as_bytes(), |entry| cut.push(entry.truncated));
    assert_eq!(cut.iter().filter(|cut| **cut).count(), 1);
    assert_eq!(cut.last(), Some(&true));
}

#[test]
fn a_hole_of_nul_bytes_and_broken_text_lose_nothing() {
    let entry = "# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0\nSET timestamp=1;\nSELECT 'é';\n";
    let mut log = entry.as_bytes().to_vec();
    log.extend(vec![0; 5000]);
    log.extend(
        entry
            .replace('é', "\u{fffd}")
            .bytes()
            .map(|b| if b == 0xbf { 0xff } else { b }),
    );
    let mut told = 0;
    let (_, unparsed) = read(&log, |_| told += 1);
    assert_eq!((told, unparsed), (2, 0));
}

#[test]
fn a_quiet_log_tells_only_what_looks_whole() {
    let header = "# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0\nSET timestamp=1;\n";
    for (sql, expected) in [
        ("SELECT 1;\n", 1),
        ("SELECT 1;", 0),
        ("SELECT 1\n", 0),
        ("", 0),
    ] {
        let log = format!("{header}{sql}");
        let mut told = 0;
        let progress =
            Mysql::new(&Options::default()).parse(log.as_bytes(), Next::Quiet, &mut |_| told += 1);
        assert_eq!(told, expected, "{sql:?}");
        assert_eq!(progress.consumed > 0, expected == 1);
    }
}

/// All that is told of a log of which each part opens or closes quotes in another way.
fn told_by(mut parser: Mysql, log: &[u8]) -> (Vec<String>, u64) {
    let (mut told, mut unparsed, mut at) = (Vec::new(), 0, 0);
    while at < log.len() {
        let end = log.len().min(at + (128 << 10));
        let is_last = end == log.len();
        let next = if is_last { Next::End } else { Next::More };
        let progress = parser.parse(&log[at..end], next, &mut |entry| {
            let sql = String::from_utf8_lossy(&entry.sql).into_owned();
            told.push(format!("{sql} {}", entry.truncated));
        });
        unparsed += progress.unparsed;
        at += progress.consumed;
    }
    (told, unparsed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn what_is_remembered_of_quotes_ahead_changes_nothing(
        common in 0..10_usize,
        parts in prop::collection::vec((0..10_usize, 0..20_u8), 3000),
    ) {
        const TEXTS: [&str; 10] = [
            "'\\';", "'\\';\n# a comment", "\"it's';", "SELECT `a;", "/* '", "*/ 1;", "'';", "'x\n\"';",
            "SELECT 1;", "'\\' \"\\\";",
        ];
        let mut log = String::new();
        for (part, dice) in parts {
            let text = TEXTS[if dice == 0 { part } else { common }];
            log.push_str("# User@Host: a[a] @ h []\n# Query_time: 1\n");
            log.push_str(text);
            log.push('\n');
        }
        let new = || Mysql::new(&Options::default());
        let mut forgetful = new();
        forgetful.ahead.is_forgetful = true;
        prop_assert_eq!(told_by(new(), log.as_bytes()), told_by(forgetful, log.as_bytes()));
    }
}

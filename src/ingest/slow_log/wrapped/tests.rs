use std::fmt::Write as _;

use super::*;
use crate::ingest::slow_log::{Format, open, sniff};
use crate::model::time::Timestamp;

const MYSQL: &str = include_str!("../../../../tests/fixtures/logs/mysql-odd.log");
const POSTGRES: &str = include_str!("../../../../tests/fixtures/logs/postgres-odd.log");

/// Statement, end and length of each entry, and what could not be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) entries: Vec<String>,
    pub(super) unparsed: u64,
}

pub(super) fn options() -> Options {
    Options {
        newest: Some(Timestamp::from_unix_secs(1_795_300_000)),
        ..Options::default()
    }
}

fn parser(log: &str) -> Box<dyn Parser> {
    open(log.as_bytes(), None, &options()).unwrap().1
}

fn feed(parser: &mut dyn Parser, bytes: &[u8], next: Next, told: &mut Told) -> Progress {
    let progress = parser.parse(bytes, next, &mut |entry| {
        let sql = String::from_utf8_lossy(&entry.sql).into_owned();
        told.entries.push(format!("{sql} {entry:?}"));
    });
    told.unparsed += progress.unparsed;
    progress
}

pub(super) fn read(log: &str) -> Told {
    let mut told = Told::default();
    let progress = feed(&mut *parser(log), log.as_bytes(), Next::End, &mut told);
    assert_eq!((progress.consumed, progress.held), (log.len(), 0));
    told
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Each line as Docker's `json-file` driver writes it: parts of a long line have no line end.
fn docker(log: &str, part: usize) -> String {
    let mut wrapped = String::new();
    for line in log.split_inclusive('\n') {
        let chars: Vec<char> = line.chars().collect();
        for text in chars.chunks(part) {
            let text = json_text(&text.iter().collect::<String>());
            let time = "2026-11-21T19:26:58.608123456Z";
            writeln!(
                wrapped,
                r#"{{"log":{text},"stream":"stderr","time":"{time}"}}"#
            )
            .unwrap();
        }
    }
    wrapped
}

/// Each line as the container runtime interface of Kubernetes defines its log files.
fn cri(log: &str, part: usize) -> String {
    let mut wrapped = String::new();
    for line in log.lines() {
        let chars: Vec<char> = line.chars().collect();
        let mut parts = chars.chunks(part).peekable();
        if chars.is_empty() {
            writeln!(wrapped, "2026-11-21T19:26:58.608123456Z stderr F ").unwrap();
        }
        while let Some(text) = parts.next() {
            let tag = if parts.peek().is_some() { 'P' } else { 'F' };
            let text: String = text.iter().collect();
            writeln!(
                wrapped,
                "2026-11-21T19:26:58.608123456Z stderr {tag} {text}"
            )
            .unwrap();
        }
    }
    wrapped
}

fn each_line(log: &str, wrap: impl Fn(&str) -> String) -> String {
    log.lines().map(|line| wrap(line) + "\n").collect()
}

/// The odd logs in every wrapping that takes lines as they are.
fn wrapped() -> Vec<(&'static str, String, &'static str)> {
    let mut all = Vec::new();
    for log in [MYSQL, POSTGRES] {
        all.push(("docker", docker(log, 16 << 10), log));
        all.push(("docker, cut", docker(log, 40), log));
        all.push(("cri", cri(log, 16 << 10), log));
        all.push(("cri, cut", cri(log, 40), log));
        let cloud = |key: &'static str| {
            each_line(log, |line| {
                format!(r#"{{"insertId":"1","{key}":{}}}"#, json_text(line))
            })
        };
        all.push(("cloud logging", cloud("textPayload"), log));
        all.push(("cloudwatch", cloud("message"), log));
        let compose = each_line(log, |line| format!("db-1  | {line}"));
        all.push(("compose", compose, log));
        let stamp = "2026-11-21T19:26:58.608123456Z";
        let stamped = each_line(log, |line| format!("{stamp} {line}"));
        // its first line is a part of a statement
        if log.starts_with('\t') {
            all.push(("timestamps", stamped, log));
        }
    }
    all
}

#[test]
fn a_wrapped_log_tells_what_the_log_tells() {
    for (name, wrapped, log) in wrapped() {
        assert_eq!(read(&wrapped), read(log), "{name}");
    }
}

#[test]
fn a_wrapped_log_cut_or_stopped_anywhere_tells_the_same() {
    let mut all = vec![("syslog", syslog(POSTGRES))];
    all.extend(wrapped().into_iter().map(|(name, text, _)| (name, text)));
    for (name, log) in all {
        tells_the_same_in_pieces(name, &log);
    }
}

/// A log that is cut or stopped anywhere tells what it tells as a whole.
pub(super) fn tells_the_same_in_pieces(name: &str, log: &str) {
    tells_the_same_in_pieces_of(67, name, log);
}

pub(super) fn tells_the_same_in_pieces_of(length: usize, name: &str, log: &str) {
    let expected = read(log);
    let bytes = log.as_bytes();
    for stop in (1..bytes.len()).step_by(length) {
        let (mut cut, mut resumed) = (Told::default(), Told::default());
        let mut first = parser(log);
        let progress = feed(&mut *first, &bytes[..stop], Next::More, &mut cut);
        resumed.entries.clone_from(&cut.entries);
        resumed.unparsed = cut.unparsed;

        let mut second = parser(log);
        second.restore(&first.context());
        let checkpoint = progress.consumed - usize::try_from(progress.held).unwrap();
        feed(&mut *second, &bytes[checkpoint..], Next::End, &mut resumed);
        assert_eq!(
            resumed.unparsed, expected.unparsed,
            "{name} stopped at {stop}"
        );
        assert_eq!(resumed, expected, "{name} stopped at {stop}");

        feed(
            &mut *first,
            &bytes[progress.consumed..],
            Next::End,
            &mut cut,
        );
        assert_eq!(cut, expected, "{name} cut at {stop}");
    }
}

/// A log by records, each of which syslog numbers, and its lines as parts.
fn syslog(log: &str) -> String {
    let mut wrapped = String::new();
    let (mut record, mut part) = (0, 0);
    let mut pid = "0";
    for line in log.lines() {
        let is_part = line.starts_with('\t')
            || ["CONTEXT:", "STATEMENT:", "DETAIL:"]
                .iter()
                .any(|w| line.contains(w));
        if is_part {
            part += 1;
        } else {
            (record, part) = (record + 1, 1);
            pid = line.split(['[', ']']).nth(1).unwrap_or("0");
        }
        let line = line.replace('\t', "#011");
        writeln!(
            wrapped,
            "Nov 21 19:26:58 db1 postgres[{pid}]: [{record}-{part}] {line}"
        )
        .unwrap();
    }
    wrapped
}

#[test]
fn parts_of_syslog_are_joined_by_process_and_the_year_is_that_of_the_log() {
    let log = "\
Nov 21 19:26:58 db1 postgres[71]: [3-1] user=app,db=shop LOG:  duration: 12.000 ms  statement: SELECT a,
Nov 21 19:26:58 db1 postgres[72]: [9-1] user=app,db=shop LOG:  duration: 1.000 ms  statement: SELECT 72
Nov 21 19:26:58 db1 postgres[71]: [3-2] #011b FROM t WHERE
Nov 21 19:26:58 db1 sshd[5]: Accepted publickey for root
Nov 21 19:26:58 db1 postgres[71]: [3-3]  c = 1
";
    let told = read(log);
    assert_eq!((told.entries.len(), told.unparsed), (2, 0), "{told:?}");
    assert!(told.entries[0].starts_with("SELECT a,\nb FROM t WHERE c = 1 "));
    assert!(told.entries[0].contains("2026-11-21T19:26:58Z"));
    assert!(told.entries[0].contains(r#"user: "app""#));
}

#[test]
fn the_other_heads_of_syslog_are_read() {
    let text = "app@shop LOG:  duration: 12.000 ms  statement: SELECT 1";
    for head in [
        "<134>Nov 21 19:26:58 db1 postgres[71]: [3-1]",
        "<134>1 2026-11-21T19:26:58.000Z db1 postgres 71 - - [3-1]",
        r#"<134>1 2026-11-21T19:26:58.000Z db1 postgres 71 x [a b="c \"] d"][e] [3-1]"#,
        "2026-11-21T21:26:58.000000+02:00 db1 postgres[71]: [3-1]",
        "2026-11-21T21:26:58.000000+02:00 db1 postgres[71]:",
    ] {
        let told = read(&format!("{head} {text}\n"));
        assert_eq!(told.entries.len(), 1, "{head}");
        assert!(told.entries[0].starts_with("SELECT 1 "), "{head}");
        assert!(
            told.entries[0].contains("2026-11-21T19:26:58Z"),
            "{head} {told:?}"
        );
        assert!(told.entries[0].contains(r#"user: "app""#), "{head}");
    }
}

#[test]
fn a_date_without_year_goes_over_new_year() {
    let line = |date: &str| {
        format!("{date} db1 postgres[71]: [3-1] LOG:  duration: 12.000 ms  statement: SELECT 1\n")
    };
    let told = read(&(line("Dec 31 23:59:59") + &line("Jan  1 00:00:01")));
    assert!(told.entries[0].contains("2025-12-31T23:59:59Z"), "{told:?}");
    assert!(told.entries[1].contains("2026-01-01T00:00:01Z"), "{told:?}");
}

#[test]
fn a_message_of_several_lines_in_one_object_is_one_entry() {
    let message = "2026-11-21 10:00:00 UTC-6b01f082.5e15-LOG:  duration: 12.000 ms  statement: SELECT a\nFROM t";
    let azure = format!(
        r#"{{"category":"PostgreSQLLogs","properties":{{"errorLevel":"LOG","processId":24085,"message":{}}}}}"#,
        json_text(message)
    );
    let apart = r#"{"properties":{"errorLevel":"LOG","processId":24085,"timestamp":"2026-11-21 10:00:00.000 UTC","message":"duration: 12.000 ms  statement: SELECT a\nFROM t"}}"#;
    for log in [azure.as_str(), apart] {
        let told = read(&format!("{log}\n"));
        assert_eq!((told.entries.len(), told.unparsed), (1, 0), "{log}");
        assert!(told.entries[0].starts_with("SELECT a\nFROM t "), "{told:?}");
        assert!(told.entries[0].contains("2026-11-21T10:00:00Z"), "{told:?}");
    }
}

#[test]
fn records_within_objects_are_read() {
    let cloud_native = r#"{"level":"info","logger":"postgres","msg":"record","record":{"log_time":"2026-11-21 10:00:00.000 UTC","user_name":"app","database_name":"shop","process_id":"71","connection_from":"10.0.0.1:55","error_severity":"LOG","sql_state_code":"00000","message":"duration: 12.000 ms  statement: SELECT 1"}}"#;
    let jsonlog = r#"{"timestamp":"2026-11-21 10:00:00.000 UTC","user":"app","dbname":"shop","pid":71,"error_severity":"LOG","message":"duration: 12.000 ms  statement: SELECT 1"}"#;
    let nested = format!(
        r#"{{"log":{},"stream":"stdout"}}"#,
        json_text(&format!("{jsonlog}\n"))
    );
    let twice = format!(r#"{{"message":{}}}"#, json_text(&nested));
    for log in [cloud_native, &nested, &twice] {
        assert_eq!(sniff(log.as_bytes()), Some(Format::PostgresJson), "{log}");
        let told = read(&format!("{log}\n"));
        assert_eq!((told.entries.len(), told.unparsed), (1, 0), "{log}");
        assert!(told.entries[0].contains(r#"user: "app""#), "{told:?}");
        assert!(told.entries[0].contains(r#"database: "shop""#), "{told:?}");
    }
}

#[test]
fn the_fields_of_azures_slow_log_are_an_entry() {
    let log = r#"{"category":"MySqlSlowLogs","properties":{"event_class":"slow_log","start_time":"2026-11-21T10:00:00.500Z","query_time":2.5,"lock_time":0.1,"user_host":"app[app] @ web1 [10.0.0.1]","rows_sent":1,"rows_examined":7,"db":"shop","sql_text":"SELECT a\nFROM t"}}"#;
    let told = read(&format!("{log}\n"));
    assert_eq!((told.entries.len(), told.unparsed), (1, 0));
    assert!(told.entries[0].starts_with("SELECT a\nFROM t "), "{told:?}");
    for fact in [
        "2026-11-21T10:00:03Z",
        "elapsed: 2.5s",
        "examined: Some(7)",
        r#""shop""#,
        r#""web1""#,
    ] {
        assert!(told.entries[0].contains(fact), "{fact} {told:?}");
    }
}

#[test]
fn what_is_no_wrapping_stays_a_plain_log() {
    for log in [MYSQL, POSTGRES] {
        assert_eq!(wrapping_of(log.as_bytes()), None);
    }
    let jsonlog = r#"{"timestamp":"2026-11-21 10:00:00.000 UTC","pid":7,"error_severity":"LOG","message":"x"}"#;
    assert_eq!(wrapping_of(jsonlog.as_bytes()), None);
}

#[test]
fn a_line_that_cannot_be_unwrapped_is_counted() {
    let good = docker(
        "# User@Host: a[a] @ h []\n# Query_time: 1  Lock_time: 0\nSELECT 1;\n",
        9999,
    );
    let told = read(&format!("{good}{{\"log\": oh no\n{good}"));
    assert_eq!((told.entries.len(), told.unparsed), (2, 1));
    let long = format!("{{\"log\":\"{}\"}}\n", "x".repeat(3 << 20));
    let told = read(&format!("{good}{long}{good}"));
    assert_eq!((told.entries.len(), told.unparsed), (2, 1));
}

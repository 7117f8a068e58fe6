//! What real server logs contain, one test for each oddity; from the manual of PostgreSQL 18, "Error Reporting and
//! Logging" (19.8) and `auto_explain` (F.3), and those of 12 to 17.

use std::time::Duration;

use super::*;
use crate::ingest::slow_log::{Format, sniff};

const PREFIX: &str = "2026-11-21 10:00:00.000 UTC [8] app@shop ";

fn read(framing: Framing, log: &str) -> (Vec<Entry<'static>>, u64) {
    let mut parser = Postgres::new(framing, &Options::default());
    let mut told = Vec::new();
    let progress = parser.parse(log.as_bytes(), Next::End, &mut |entry| {
        told.push(pending::owned(entry));
    });
    assert_eq!(progress.consumed, log.len());
    (told, progress.unparsed)
}

/// Records of one process.
fn lines(records: &[&str]) -> String {
    let mut log = String::new();
    for record in records {
        log += PREFIX;
        log += record;
        log += "\n";
    }
    log
}

/// Statements and microseconds of records that one process writes to stderr, and what could not be read.
fn stderr(records: &[&str]) -> (Vec<(String, u128)>, u64) {
    let log = lines(records);
    let (told, unparsed) = read(Framing::Stderr(Prefix::new(None)), &log);
    let told = told.iter().map(|entry| {
        let sql = String::from_utf8_lossy(&entry.sql).into_owned();
        (sql, entry.elapsed.as_micros())
    });
    (told.collect(), unparsed)
}

fn run(sql: &str, micros: u128) -> (String, u128) {
    (sql.to_owned(), micros)
}

#[test]
fn a_time_is_joined_with_the_statement_logged_before() {
    let told = stderr(&["LOG:  statement: SELECT 1", "LOG:  duration: 2.000 ms"]);
    assert_eq!(told, (vec![run("SELECT 1", 2000)], 0));
}

#[test]
fn a_slow_parse_or_bind_is_told_though_its_run_was_too_fast_to_be_logged() {
    let told = stderr(&[
        "LOG:  duration: 1500.000 ms  bind S_1: SELECT $1",
        "LOG:  duration: 1600.000 ms  parse <unnamed>: SELECT a FROM t WHERE b = $1",
        "LOG:  duration: 300.000 ms  statement: SELECT 2",
    ]);
    let expected = vec![
        run("SELECT $1", 1_500_000),
        run("SELECT a FROM t WHERE b = $1", 1_600_000),
        run("SELECT 2", 300_000),
    ];
    assert_eq!(told, (expected, 0));
    // and it is counted where no more of the session comes
    let last = stderr(&["LOG:  duration: 1500.000 ms  bind S_1: SELECT $1"]);
    assert_eq!(last, (vec![], 1));
}

#[test]
fn what_is_only_prepared_is_no_run_where_all_runs_are_logged() {
    let told = stderr(&[
        "LOG:  duration: 0.050 ms  statement: BEGIN",
        "LOG:  duration: 0.100 ms  parse S_1: SELECT $1",
        "LOG:  duration: 0.100 ms  parse S_2: SELECT $1, $2",
        "LOG:  duration: 0.050 ms  statement: COMMIT",
    ]);
    assert_eq!(told, (vec![run("BEGIN", 50), run("COMMIT", 50)], 0));
}

#[test]
fn what_execute_runs_is_told_by_its_detail() {
    let told = stderr(&[
        "LOG:  duration: 8.000 ms  statement: EXECUTE getorders(5)",
        "DETAIL:  prepare: PREPARE getorders AS SELECT * FROM orders WHERE id = $1",
        "LOG:  duration: 1.000 ms  statement: execute \"get as\" (5, 6)",
        "DETAIL:  prepare: prepare \"get as\" (numeric(10, 2), text) as SELECT 2",
        "LOG:  statement: EXECUTE p",
        "DETAIL:  prepare: PREPARE p AS SELECT 3",
        "LOG:  duration: 3.000 ms",
        "LOG:  duration: 1.000 ms  statement: EXECUTE unknown(5)",
    ]);
    let expected = vec![
        run("SELECT * FROM orders WHERE id = $1", 8000),
        run("SELECT 2", 1000),
        run("SELECT 3", 3000),
        run("EXECUTE unknown(5)", 1000),
    ];
    assert_eq!(told, (expected, 0));
}

#[test]
fn a_verbose_server_writes_the_code_before_the_message() {
    let log = lines(&[
        "LOG:  00000: duration: 2.000 ms  statement: SELECT 1",
        "LOCATION:  exec_simple_query, postgres.c:1274",
        "ERROR:  42P01: relation \"missing\" does not exist at character 15",
        "LOCATION:  parserOpenTable, parse_relation.c:1449",
        "STATEMENT:  SELECT * FROM missing",
    ]);
    let (told, unparsed) = read(Framing::Stderr(Prefix::new(None)), &log);
    assert_eq!((told.len(), unparsed), (2, 0));
    assert_eq!(&*told[0].sql, b"SELECT 1");
    let error = told[1].error.as_deref().unwrap();
    assert_eq!(&*error.code, "42P01");
    assert!(!format!("{error:?}").contains("42P01: "), "{error:?}");
}

#[test]
fn a_prefix_may_touch_the_severity() {
    let log = "2026-11-21 10:00:00.000 UTC:[8]:app@shop:WORKER2LOG:  duration: 2.000 ms  statement: SELECT 1\n";
    let (told, unparsed) = read(Framing::Stderr(Prefix::new(None)), &log.repeat(20));
    assert_eq!((told.len(), unparsed), (20, 0));
    assert_eq!(sniff(log.as_bytes()), Some(Format::PostgresStderr));
}

#[test]
fn what_cannot_be_read_is_counted() {
    for record in [
        "LOG:  duration: 5.0 ms  fastpath function call: \"lo_open\" (OID 952)",
        "LOG:  Dauer: 888.123 ms  Anweisung: SELECT 1",
        "LOG:  durée : 888.123 ms, instruction : SELECT 1",
        "LOG:  duration: 888.123 ms  plan:\n\t<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n\t  <Plan>",
    ] {
        let (told, unparsed) = stderr(&[record, "LOG:  checkpoint starting: time"]);
        assert_eq!((told, unparsed), (vec![], 1), "{record}");
    }
}

#[test]
fn without_a_process_a_time_is_of_nobody_in_particular() {
    let log = "\
< 2026-11-21 19:26:58.611 UTC >LOG:  statement: SELECT 'slow'
< 2026-11-21 19:26:58.700 UTC >LOG:  statement: SELECT 'fast'
< 2026-11-21 19:26:58.701 UTC >LOG:  duration: 1.0 ms
< 2026-11-21 19:27:07.701 UTC >LOG:  duration: 9090.0 ms
< 2026-11-21 19:27:08.000 UTC >LOG:  duration: 2.0 ms  statement: SELECT 1
";
    let (told, unparsed) = read(Framing::Stderr(Prefix::new(None)), log);
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].sql, unparsed), (b"SELECT 1".as_slice(), 2));
}

#[test]
fn collectors_write_nulls_numbers_as_text_and_both_names_of_a_key() {
    let log = r#"
{"timestamp":"2026-11-21 10:10:10.123 UTC","user":null,"dbname":"shop","pid":7,"error_severity":"LOG","message":"duration: 1.0 ms  statement: SELECT 1"}
{"timestamp":"2026-11-21 10:10:10.123 UTC","user":"app","dbname":"shop","pid":"7","error_severity":"LOG","message":"duration: 2.0 ms  statement: SELECT 2"}
{"timestamp":"2026-11-21 10:10:10.123 UTC","log_time":"2026-11-21 10:10:10.123 UTC","user":"app","user_name":"app","pid":7,"process_id":"7","error_severity":"LOG","message":"duration: 3.0 ms  statement: SELECT 3"}
"#;
    let (told, unparsed) = read(Framing::Json, log);
    let micros: Vec<u128> = told.iter().map(|e| e.elapsed.as_micros()).collect();
    assert_eq!((micros, unparsed), (vec![1000, 2000, 3000], 0));
    assert_eq!((&*told[0].user, &*told[1].user), ("", "app"));
}

#[test]
fn times_before_an_execute_are_of_its_parse_and_bind() {
    let told = stderr(&[
        "LOG:  duration: 0.100 ms",
        "LOG:  duration: 0.200 ms",
        "LOG:  execute <unnamed>: SELECT $1",
        "DETAIL:  parameters: $1 = 'x'",
        "LOG:  duration: 1.000 ms",
    ]);
    assert_eq!(told, (vec![run("SELECT $1", 1300)], 0));
    let slow = stderr(&[
        "LOG:  duration: 0.100 ms",
        "LOG:  duration: 0.200 ms",
        "LOG:  duration: 90.000 ms  execute <unnamed>: SELECT $1",
    ]);
    assert_eq!(slow, (vec![run("SELECT $1", 90_300)], 0));
}

#[test]
fn times_of_statements_that_are_not_logged_are_counted() {
    let told = stderr(&[
        "LOG:  duration: 0.100 ms",
        "LOG:  duration: 0.200 ms",
        "LOG:  duration: 0.300 ms",
        "LOG:  duration: 90.000 ms  statement: SELECT 1",
        "LOG:  duration: 0.400 ms",
    ]);
    assert_eq!(told, (vec![run("SELECT 1", 90_000)], 4));
}

#[test]
fn parameters_of_every_version_and_kind_are_left_out() {
    for detail in [
        "DETAIL:  parameters: $1 = 'a, b', $2 = 'it''s', $3 = NULL, $4 = '[2026-01-01,2026-02-01)'",
        "DETAIL:  Parameters: $1 = 'x', $2 = '{\"a\": \"LOG:  duration: 1 ms  statement: secret\"}'",
        "DETAIL:  prepare: PREPARE p AS SELECT $1",
        "CONTEXT:  unnamed portal with parameters: $1 = 'x'",
    ] {
        let told = stderr(&["LOG:  duration: 1.000 ms  execute p: SELECT $1", detail]);
        assert_eq!(told, (vec![run("SELECT $1", 1000)], 0), "{detail}");
    }
}

#[test]
fn the_plan_of_a_cursor_is_told_by_its_fetches() {
    let plan = "LOG:  duration: 30.000 ms  plan:\n\tQuery Text: DECLARE c CURSOR FOR SELECT a FROM t\n\tSeq Scan on t  (cost=0.00..1.00 rows=5 width=4)";
    let told = stderr(&[
        "LOG:  duration: 0.100 ms  statement: DECLARE c CURSOR FOR SELECT a FROM t",
        "LOG:  duration: 12.000 ms  statement: FETCH 100 FROM c",
        "LOG:  duration: 18.000 ms  statement: FETCH 100 FROM c",
        plan,
        "LOG:  duration: 0.200 ms  statement: CLOSE c",
    ]);
    let time: u128 = told.0.iter().map(|(_, micros)| micros).sum();
    assert_eq!((told.0.len(), time), (4, 30_300), "{told:?}");
    // without times of its own auto_explain is all that is known
    assert_eq!(stderr(&[plan]).0.len(), 1);
}

#[test]
fn csv_of_every_version_is_read_whatever_its_number_of_columns() {
    // 12: application_name is the last; 13: backend_type; 14: leader_pid and query_id
    for (version, last) in [
        (12, "\"x\""),
        (13, "\"x\",\"client backend\""),
        (18, "\"x\",\"client backend\",,-81"),
    ] {
        let row = format!(
            "2026-11-21 10:00:00.000 UTC,\"app\",\"shop\",8,\"10.0.0.1:55\",s,1,\"SELECT\",2026-11-21 10:00:00 UTC,3/7,0,LOG,00000,\"duration: 1.0 ms  statement: SELECT \"\"a\"\",\n'b'\",,,,,,,,,{last}\n"
        );
        assert_eq!(
            sniff(row.as_bytes()),
            Some(Format::PostgresCsv),
            "{version}"
        );
        for log in [row.clone(), row.replace('\n', "\r\n")] {
            let (told, unparsed) = read(Framing::Csv, &log);
            assert_eq!((told.len(), unparsed), (1, 0), "{version}");
            assert!(told[0].sql.starts_with(b"SELECT \"a\","), "{version}");
            assert_eq!((&*told[0].user, &*told[0].client), ("app", "10.0.0.1"));
        }
    }
}

#[test]
fn plain_lines_before_csv_are_counted_and_passed_over() {
    let row = "2026-11-21 10:00:00.000 UTC,\"app\",\"shop\",8,\"[local]\",s,1,\"SELECT\",2026-11-21 10:00:00 UTC,3/7,0,LOG,00000,\"duration: 1.0 ms  statement: SELECT 1\",,,,,,,,,\"x\"\n";
    let log = format!(
        "ld.so: object 'libx.so' cannot be preloaded: ignored.\n{PREFIX}LOG:  redirecting log output to logging collector process\n{row}{row}{row}"
    );
    assert_eq!(sniff(log.as_bytes()), Some(Format::PostgresCsv));
    let (told, unparsed) = read(Framing::Csv, &log);
    assert_eq!((told.len(), unparsed), (3, 1), "junk counts once");
}

#[test]
fn plans_of_auto_explain_are_read_as_text_and_json() {
    let text = "LOG:  duration: 5.000 ms  plan:\n\tQuery Text: SELECT a FROM t WHERE b = $1\n\tQuery Parameters: $1 = 'secret'\n\tSeq Scan on t  (cost=0.00..1.00 rows=5 width=4) (actual rows=5.00 loops=1)\n\t  Filter: (b = 'secret'::text)\n\tQuery Identifier: -81";
    let json = "LOG:  duration: 5.000 ms  plan:\n\t{\n\t  \"Query Text\": \"SELECT a FROM t WHERE b = $1\",\n\t  \"Query Parameters\": \"$1 = 'secret'\",\n\t  \"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"t\", \"Plan Rows\": 5, \"Actual Rows\": 5.00, \"Actual Loops\": 1}\n\t}";
    for record in [text, json] {
        let log = format!("{PREFIX}{record}\n");
        let (told, unparsed) = read(Framing::Stderr(Prefix::new(None)), &log);
        assert_eq!((told.len(), unparsed), (1, 0), "{record}");
        assert_eq!(&*told[0].sql, b"SELECT a FROM t WHERE b = $1");
        assert_eq!(told[0].rows.examined, Some(5));
        assert!(!format!("{:?}", told[0].access).contains("secret"));
    }
}

#[test]
fn a_prefix_without_time_or_process_still_tells_statements() {
    for prefix in ["", "app@shop ", "%"] {
        let log = format!("{prefix}LOG:  duration: 1.000 ms  statement: SELECT 1\n").repeat(3);
        let (told, unparsed) = read(Framing::Stderr(Prefix::new(None)), &log);
        assert_eq!((told.len(), unparsed), (3, 0), "{prefix}");
        assert!(
            told.iter()
                .all(|entry| entry.elapsed == Duration::from_millis(1))
        );
    }
}

#[test]
fn times_without_a_text_are_counted_once_over_a_restart() {
    let log = lines(&[
        "LOG:  statement: SELECT 1",
        "LOG:  duration: 2.000 ms",
        "LOG:  duration: 0.100 ms",
        "LOG:  duration: 0.100 ms",
        "LOG:  duration: 0.200 ms",
        "LOG:  execute <unnamed>: SELECT $1",
        "LOG:  duration: 1.000 ms",
        "LOG:  duration: 0.300 ms",
    ]);
    let shown = |told: &[Entry<'static>]| format!("{told:?}");
    let (expected, unparsed) = read(Framing::Stderr(Prefix::new(None)), &log);
    assert_eq!(unparsed, 2);
    for stop in 1..log.len() {
        let mut told = Vec::new();
        let mut first = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
        let seen = first.parse(&log.as_bytes()[..stop], Next::More, &mut |entry| {
            told.push(pending::owned(entry));
        });
        let mut second = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
        second.restore(&first.context());
        let checkpoint = seen.consumed - usize::try_from(seen.held).unwrap();
        let rest = second.parse(&log.as_bytes()[checkpoint..], Next::End, &mut |entry| {
            told.push(pending::owned(entry));
        });
        assert_eq!(seen.unparsed + rest.unparsed, unparsed, "{stop}");
        assert_eq!(shown(&told), shown(&expected), "{stop}");
    }
}

//! How each carrier writes the logs of several programs, long messages and dates, one test for each.

use super::tests::{Told, read, tells_the_same_in_pieces, tells_the_same_in_pieces_of};
use crate::ingest::slow_log::{Format, Next, open, sniff};

const HEADER: &str = "# User@Host: app[app] @ web1 []\n# Query_time: 1.5  Lock_time: 0.1\nSET timestamp=1795255200;\n";

/// Lines of programs, a few of each in turn, and each with what `name` puts before it.
fn mixed(programs: &[(&str, String)], name: impl Fn(&str, &str) -> String) -> String {
    let mut rests: Vec<_> = programs.iter().map(|(p, text)| (p, text.lines())).collect();
    let mut log = String::new();
    let mut turn = 0;
    loop {
        let mut any = false;
        for (program, lines) in &mut rests {
            turn += 1;
            for line in lines.take([1, 3, 2, 1, 2][turn % 5]) {
                log.push_str(&name(program, line));
                log.push('\n');
            }
            any |= lines.clone().next().is_some();
        }
        if !any {
            return log;
        }
    }
}

fn statements(told: &Told) -> Vec<&str> {
    let mut all: Vec<_> = told
        .entries
        .iter()
        .map(|e| e.split(" Entry").next().unwrap())
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn services_that_write_in_turn_are_not_mixed_and_what_is_no_log_is_passed_over() {
    let database = |n: usize| {
        let entry = |i| format!("{HEADER}SELECT a{n}\nFROM t{i};\n");
        (0..8).map(entry).collect::<String>()
    };
    let app = "GET /orders/secret-token\npassword 'hunter2' wrong\n".repeat(9);
    let expected: Vec<String> = (1..3)
        .flat_map(|n| (0..8).map(move |i| format!("SELECT a{n}\nFROM t{i}")))
        .collect();
    let programs = [("db-1", database(1)), ("app-1", app), ("db-2", database(2))];
    let compose = mixed(&programs, |name, line| format!("{name}  | {line}"));
    let kubectl = mixed(&programs, |name, line| format!("[pod/{name}/main] {line}"));
    let fluent = mixed(&programs, |name, line| {
        serde_json::json!({"log": line, "kubernetes": {"container_name": name}}).to_string()
    });
    let cloud = mixed(&programs, |name, line| {
        serde_json::json!({"textPayload": line, "resource": {"labels": {"database_id": name}}})
            .to_string()
    });
    for log in [compose, kubectl, fluent, cloud] {
        let told = read(&log);
        assert_eq!(statements(&told), expected, "{log}");
        assert_eq!(told.unparsed, 0, "{log}");
        tells_the_same_in_pieces("mixed", &log);
    }
}

/// Everything of one program joins its last entry: what it writes beside its log must not hold up the others.
#[test]
fn a_program_that_writes_no_more_entries_holds_up_nobody() {
    let entry = |name: &str, sql: &str| {
        let lines = format!("{HEADER}{sql};\n");
        let lines = lines.lines().map(|line| format!("{name}  | {line}\n"));
        lines.collect::<Vec<_>>().concat()
    };
    let mut log = entry("db-1", "SELECT a FROM idle");
    for n in 0..2_000 {
        let general = format!("db-1  | 7 Query SELECT general {n}\n");
        log.push_str(&general);
        log.push_str(&entry("db-2", &format!("SELECT b FROM busy{n}")));
    }
    let mut told = 0;
    let options = super::tests::options();
    let (_, mut parser) = open(log.as_bytes(), None, &options).unwrap();
    let progress = parser.parse(log.as_bytes(), Next::More, &mut |_| told += 1);
    assert!(told > 1_000, "{told} of 2000");
    let rest = &log.as_bytes()[progress.consumed..];
    parser.parse(rest, Next::End, &mut |_| told += 1);
    assert_eq!(told, 2_001);
    tells_the_same_in_pieces_of(19_997, "one program has ended", &log[..200_000]);
}

#[test]
fn details_of_an_error_are_its_own_whatever_other_programs_write_between() {
    let line = |text: &str| format!("db-1  | 2026-11-21 10:00:00.000 UTC [7] a@b {text}\n");
    let begin = [
        line("LOG:  duration: 5.0 ms  statement: SELECT 1"),
        line("ERROR:  duplicate key value violates unique constraint \"t_pkey\""),
    ]
    .concat();
    let end = [
        line("DETAIL:  Key (id)=(5) already exists."),
        line("STATEMENT:  INSERT INTO t VALUES (5)"),
    ]
    .concat();
    let others =
        "app-1  | GET /orders 200 in 5 ms and some more text to fill the line\n".repeat(400);
    let (between, behind) = (
        read(&[&*begin, &*others, &*end].concat()),
        read(&[&*begin, &*end, &*others].concat()),
    );
    assert_eq!((&between.entries, between.unparsed), (&behind.entries, 0));
    assert!(
        statements(&between).contains(&"INSERT INTO t VALUES (5)"),
        "{between:?}"
    );
}

#[test]
fn an_object_that_is_too_large_costs_no_other_on_its_line() {
    let record = |text: &str| {
        let text = format!("2026-11-21 10:10:10 UTC [7] LOG:  duration: 1.5 ms  statement: {text}");
        serde_json::json!({"textPayload": text, "labels": {"a": "}"}})
    };
    let giant = format!("INSERT INTO t VALUES {}", "('}]\\',{),".repeat(200_000));
    let records = [
        record("SELECT 1"),
        record(&giant),
        record("SELECT 2"),
        record("SELECT 3"),
    ];
    let log = serde_json::Value::from(records.to_vec()).to_string();
    let options = super::tests::options();
    for length in [log.len(), 256 << 10] {
        let (_, mut parser) = open(log.as_bytes(), None, &options).unwrap();
        let (mut told, mut unparsed, mut at) = (0, 0, 0);
        for end in (length..log.len() + length).step_by(length) {
            let end = end.min(log.len());
            let next = if end == log.len() {
                Next::End
            } else {
                Next::More
            };
            let progress = parser.parse(&log.as_bytes()[at..end], next, &mut |_| told += 1);
            at += progress.consumed;
            unparsed += progress.unparsed;
        }
        assert_eq!((told, unparsed), (3, 1), "{length}");
    }
}

#[test]
fn a_message_that_syslog_did_not_split_has_its_lines() {
    let log = "\
Nov 21 19:26:58 db1 postgres[71]: [3-1] app@shop LOG:  duration: 12.0 ms  statement: SELECT a#012#011FROM t#012#011WHERE b = '#012345'
Nov 21 19:26:59 db1 postgres[71]: [4-1] app@shop ERROR:  duplicate key value#012app@shop DETAIL:  Key (a)=(1).#012app@shop STATEMENT:  INSERT INTO t#012#011VALUES (1)
";
    let told = read(log);
    assert_eq!(told.unparsed, 0, "{told:?}");
    assert!(
        told.entries[0].starts_with("SELECT a\nFROM t\nWHERE b"),
        "{told:?}"
    );
    assert!(
        told.entries[1].starts_with("INSERT INTO t\nVALUES (1)"),
        "{told:?}"
    );
    tells_the_same_in_pieces("unsplit", log);
}

#[test]
fn journald_writes_dates_with_a_fraction() {
    let log = "Nov 21 19:26:58.123456 db1 postgres[71]: [3-1] app@shop LOG:  duration: 12.0 ms  statement: SELECT 1\n";
    let told = read(log);
    assert_eq!(statements(&told), ["SELECT 1"]);
    assert!(
        told.entries[0].contains("2026-11-21T19:26:58.123456Z"),
        "{told:?}"
    );
    assert!(told.entries[0].contains(r#"user: "app""#), "{told:?}");
}

#[test]
fn a_slow_log_shipped_by_imfile_is_read_beside_other_programs() {
    let entry = |i| format!("{HEADER}SELECT\n#011a FROM t{i};\n");
    let slow: String = (0..3).map(entry).collect();
    let other = "Accepted publickey for root\n".repeat(5);
    for head in ["Nov 21 19:26:58 db1 ", "<134>1 2026-11-21T19:26:58Z db1 "] {
        let log = mixed(
            &[("mysql-slow", slow.clone()), ("sshd", other.clone())],
            |tag, line| {
                if head.starts_with('<') {
                    return format!("{head}{tag} - - - {line}");
                }
                format!("{head}{tag}: {line}")
            },
        );
        let told = read(&log);
        let expected = [
            "SELECT\n\ta FROM t0",
            "SELECT\n\ta FROM t1",
            "SELECT\n\ta FROM t2",
        ];
        assert_eq!(statements(&told), expected, "{log}");
        tells_the_same_in_pieces("imfile", &log);
    }
}

#[test]
fn the_29th_of_february_is_of_the_last_leap_year() {
    let line = |date: &str| {
        format!(
            "{date} 19:26:58 db1 postgres[71]: [3-1] LOG:  duration: 12.0 ms  statement: SELECT 1\n"
        )
    };
    let told = read(&(line("Feb 29") + &line("Mar  1")));
    assert!(told.entries[0].contains("2024-02-29T19:26:58Z"), "{told:?}");
    assert!(told.entries[1].contains("2024-03-01T19:26:58Z"), "{told:?}");
}

#[test]
fn a_document_of_several_lines_is_read_object_by_object() {
    let text = |n: u8| {
        format!(
            "2026-11-21 10:10:10 UTC:10.0.0.1(58786):app@shop:[24085]:LOG:  duration: 100.5 ms  statement: select a,\n\tb{n} from t where c = '}}]{{'"
        )
    };
    let google =
        serde_json::json!([{"insertId": "1", "textPayload": text(1)}, {"textPayload": text(2)}]);
    let amazon = serde_json::json!({
        "events": [{"timestamp": 1, "message": text(1)}, {"message": text(2)}], "nextForwardToken": "f/1",
    });
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
    let behind = google
        .as_array()
        .unwrap()
        .iter()
        .map(pretty)
        .collect::<Vec<_>>()
        .join("\n");
    for log in [
        pretty(&google),
        pretty(&amazon),
        google.to_string(),
        amazon.to_string(),
        behind,
    ] {
        assert_eq!(sniff(log.as_bytes()), Some(Format::PostgresStderr), "{log}");
        let told = read(&log);
        let expected = [
            "select a,\nb1 from t where c = '}]{'",
            "select a,\nb2 from t where c = '}]{'",
        ];
        assert_eq!(
            (statements(&told), told.unparsed),
            (expected.to_vec(), 0),
            "{log}"
        );
        assert!(told.entries[0].contains(r#"database: "shop""#), "{told:?}");
        tells_the_same_in_pieces("document", &log);
    }
    let other = "[\n  {\n    \"x\": \"2026-11-21 10:10:10 UTC [7] LOG:  duration: 1.5 ms  statement: select 1\"\n  }\n]";
    assert_eq!(
        sniff(other.as_bytes()),
        None,
        "no line of it is a line of a log"
    );
}

/// `query_time` is of the type TIME, and Log Analytics appends the types of its columns. `start_time` is when the run
/// began.
#[test]
fn the_columns_of_azures_slow_log_have_several_forms() {
    let time = serde_json::json!({"properties": {
        "start_time": "2026-11-21T10:00:00.5Z", "query_time": "01:00:02.500000", "lock_time": "00:00:00.000100",
        "user_host": "app[app] @ web1 []", "rows_examined": 7, "db": "shop", "sql_text": "SELECT a FROM t",
    }});
    let typed = serde_json::json!({
        "start_time_t": "2026-11-21T10:00:00.5Z", "query_time_d": 3602.5, "user_host_s": "app[app] @ web1 []",
        "rows_examined_s": "7", "db_s": "shop", "sql_text_s": "SELECT a FROM t",
    });
    for log in [time, typed] {
        let told = read(&format!("{log}\n"));
        assert_eq!(
            (statements(&told), told.unparsed),
            (vec!["SELECT a FROM t"], 0)
        );
        for fact in [
            "2026-11-21T11:00:03Z",
            "elapsed: 3602.5s",
            "examined: Some(7)",
            r#""shop""#,
        ] {
            assert!(told.entries[0].contains(fact), "{fact} {told:?}");
        }
    }
}

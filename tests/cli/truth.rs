//! What a digest says of itself: how much of the load it saw, and whose it is.

use std::fmt::Write as _;

use serde_json::Value;
use tempfile::TempDir;

use super::{digest, file, run, text};

/// Some morning, in seconds.
const START: u64 = 1_795_255_200;

/// A run as MySQL writes it, with the line of flags in the place of `{flags}`.
fn mysql(log: &mut String, second: u64, seconds: f64, examined: u64, flags: &str, sql: &str) {
    let at = START + second;
    writeln!(
        log,
        "# User@Host: app[app] @ web1 []  Id: 3\n\
         # Query_time: {seconds:.6}  Lock_time: 0.000001 Rows_sent: 1  Rows_examined: {examined}\n\
         {flags}use shop;\nSET timestamp={at};\n{sql};"
    )
    .expect("a string takes all");
}

fn flags(scans: bool) -> &'static str {
    if scans {
        "# Full_scan: Yes  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n"
    } else {
        "# Full_scan: No  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n"
    }
}

/// A record of PostgreSQL.
fn postgres(log: &mut String, second: u64, pid: u32, message: &str) {
    let (minute, second) = (second / 60, second % 60);
    writeln!(
        log,
        "2026-11-21 10:{minute:02}:{second:02}.000 UTC [{pid}] app@shop {message}"
    )
    .expect("a string takes all");
}

fn page(args: &[&str]) -> String {
    text(&run(&[&["digest"], args].concat()).stdout)
}

fn page_of(log: &str) -> String {
    let dir = TempDir::new().expect("a directory");
    page(&[&file(&dir, "a.log", log.as_bytes())])
}

fn detectors(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("a list");
    findings
        .iter()
        .filter_map(|f| f["detector"].as_str())
        .collect()
}

#[test]
fn fast_scans_in_a_log_of_slow_statements_do_not_make_it_a_log_of_all() {
    for tells_flags in [true, false] {
        let line = |scans| if tells_flags { flags(scans) } else { "" };
        let mut log = String::new();
        for i in 0..400 {
            let scan = "SELECT * FROM settings WHERE name = 'a'";
            mysql(&mut log, 2 * i, 0.000_2, 30, line(true), scan);
            let slow = "SELECT * FROM invoices WHERE id = 7";
            mysql(&mut log, 2 * i + 1, 1.5, 1, line(false), slow);
            let other = "SELECT * FROM users WHERE id = 7";
            mysql(&mut log, 2 * i + 1, 1.1, 1, line(false), other);
        }
        let told = page_of(&log);
        assert!(
            told.contains("Hardly a run faster than 1.1 s is in the log"),
            "{told}"
        );
        let dir = TempDir::new().expect("a directory");
        let report = digest(&[&file(&dir, "a.log", log.as_bytes())]);
        assert!(!detectors(&report).contains(&"load-hog"), "{report}");
    }
}

#[test]
fn a_log_of_every_run_is_known_by_its_fast_ones() {
    let mut log = String::new();
    for i in 0..400 {
        mysql(&mut log, i, 0.000_2, 1, "", "SELECT * FROM t WHERE id = 1");
    }
    let told = page_of(&log);
    assert!(told.contains("Nearly every run is in the log"), "{told}");
}

#[test]
fn what_failed_at_once_says_nothing_of_the_threshold() {
    let mut log = String::new();
    for i in 0..60 {
        let slow = "LOG:  duration: 1500.000 ms  statement: SELECT * FROM invoices WHERE id = 1";
        postgres(&mut log, 10 * i, 100, slow);
        postgres(
            &mut log,
            10 * i + 1,
            200,
            "ERROR:  relation \"u\" does not exist",
        );
        postgres(
            &mut log,
            10 * i + 1,
            200,
            "STATEMENT:  INSERT INTO u (id) VALUES (1)",
        );
    }
    let told = page_of(&log);
    assert!(
        told.contains("Hardly a run faster than 1.5 s is in the log"),
        "{told}"
    );
}

#[test]
fn a_threshold_that_the_log_states_is_told_whatever_else_is_there() {
    let mut log = String::new();
    let set = "SET GLOBAL long_query_time = 1";
    mysql(&mut log, 0, 0.000_1, 0, "", set);
    for i in 0..400 {
        mysql(&mut log, i, 0.000_2, 1, "", "SELECT * FROM t WHERE id = 1");
    }
    let told = page_of(&log);
    assert!(told.contains("Only runs slower than 1 s are in"), "{told}");
}

#[test]
fn equal_texts_of_two_servers_are_two_statements() {
    let sql = "SELECT id FROM customers WHERE email = 'a@b.example'";
    let (mut first, mut second) = (String::new(), String::new());
    for i in 0..50 {
        mysql(&mut first, i, 2.0, 200_000, flags(true), sql);
        let slow = format!("LOG:  duration: 1000.000 ms  statement: {sql}");
        postgres(&mut second, i, 100, &slow);
    }
    let dir = TempDir::new().expect("a directory");
    let first = file(&dir, "mysql.log", first.as_bytes());
    let second = file(&dir, "postgres.log", second.as_bytes());
    for files in [[&*first, &*second], [&*second, &*first]] {
        let report = digest(&files);
        let of = |n: usize, key: &str| report["queries"][n][key].clone();
        assert_eq!(of(0, "fingerprint"), of(1, "fingerprint"));
        assert_eq!(of(0, "dialect"), "mysql");
        assert_eq!((of(0, "count"), of(1, "count")), (50.into(), 50.into()));
        assert_eq!(of(1, "rows_examined"), Value::Null);
        assert_eq!(of(1, "findings"), Value::Array(Vec::new()));
        let found = report["findings"].as_array().expect("a list");
        assert!(!found.is_empty() && found.iter().all(|f| f["dialect"] == "mysql"));
        let told = page(&files);
        assert!(told.contains("dialect postgres"), "{told}");
        let html = page(&[&["--format", "html"], &files[..]].concat());
        for dialect in ["mysql", "postgres"] {
            let of_it = |mark: &str| html.matches(&format!("-{dialect}{mark}")).count();
            assert_eq!(of_it("\"><h3>"), 1, "{html}");
        }
    }
}

#[test]
fn tables_of_one_name_in_two_databases_have_each_their_own_size() {
    let mut log = String::new();
    for i in 0..30 {
        let scan = "SELECT COUNT(*) FROM orders";
        mysql(&mut log, i, 2.0, 10_000_000, flags(true), scan);
        let lookup = "UPDATE orders SET state = 1";
        let mut small = String::new();
        mysql(&mut small, i, 0.001, 10, flags(true), lookup);
        log += &small.replace("use shop", "use tiny");
    }
    let dir = TempDir::new().expect("a directory");
    let report = digest(&[&file(&dir, "a.log", log.as_bytes())]);
    assert!(!detectors(&report).contains(&"missing-where"), "{report}");
}

//! What a digest says of itself: how much of the load it saw, and whose it is.

use std::fmt::Write as _;

use serde_json::Value;
use tempfile::TempDir;

use super::{digest, file, run, text};

/// Some morning, in seconds.
const START: u64 = 1_795_255_200;

/// A run as MySQL writes it, with the line of flags in the place of `{flags}`.
fn mysql(log: &mut String, (second, seconds, examined): (u64, f64, u64), flags: &str, sql: &str) {
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
            mysql(&mut log, (2 * i, 0.000_2, 30), line(true), scan);
            let slow = "SELECT * FROM invoices WHERE id = 7";
            mysql(&mut log, (2 * i + 1, 1.5, 1), line(false), slow);
            let other = "SELECT * FROM users WHERE id = 7";
            mysql(&mut log, (2 * i + 1, 1.1, 1), line(false), other);
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
        mysql(
            &mut log,
            (i, 0.000_2, 1),
            "",
            "SELECT * FROM t WHERE id = 1",
        );
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
    mysql(&mut log, (0, 0.000_1, 0), "", set);
    for i in 0..400 {
        mysql(
            &mut log,
            (i, 0.000_2, 1),
            "",
            "SELECT * FROM t WHERE id = 1",
        );
    }
    let told = page_of(&log);
    assert!(told.contains("Only runs slower than 1 s are in"), "{told}");
}

#[test]
fn equal_texts_of_two_servers_are_two_statements() {
    let sql = "SELECT id FROM customers WHERE email = 'a@b.example'";
    let (mut first, mut second) = (String::new(), String::new());
    for i in 0..50 {
        mysql(&mut first, (i, 2.0, 200_000), flags(true), sql);
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
        mysql(&mut log, (i, 2.0, 10_000_000), flags(true), scan);
        let lookup = "UPDATE orders SET state = 1";
        let mut small = String::new();
        mysql(&mut small, (i, 0.001, 10), flags(true), lookup);
        log += &small.replace("use shop", "use tiny");
    }
    let dir = TempDir::new().expect("a directory");
    let report = digest(&[&file(&dir, "a.log", log.as_bytes())]);
    assert!(!detectors(&report).contains(&"missing-where"), "{report}");
}

#[test]
fn what_ran_too_seldom_to_judge_is_told_with_its_share() {
    let mut log = String::new();
    for i in 0..400 {
        mysql(
            &mut log,
            (i, 0.000_6, 1),
            flags(false),
            "SELECT * FROM orders WHERE id = 1",
        );
    }
    let runaway = "SELECT o.id FROM orders o JOIN items i ON i.note = o.note WHERE o.x = 5";
    mysql(
        &mut log,
        (8_000, 7_200.0, 5_000_000_000),
        flags(false),
        runaway,
    );
    let told = page_of(&log);
    assert!(
        told.contains("1 statement with 100 % of the time ran too seldom to judge."),
        "{told}"
    );
    assert!(
        told.contains("Not all could be judged: see the notes."),
        "{told}"
    );
}

#[test]
fn statements_cut_at_a_limit_after_nobody_knows_how_long_took_no_time_that_is_told() {
    let mut log = String::new();
    for i in 0..20 {
        let idle = "LOG:  duration: 1.000 ms  statement: SELECT now() FROM heartbeat";
        postgres(&mut log, 60 * i, 100, idle);
        let cut = "ERROR:  canceling statement due to statement timeout";
        postgres(&mut log, 60 * i + 55, 100, cut);
        postgres(
            &mut log,
            60 * i + 55,
            100,
            "STATEMENT:  SELECT SUM(n) FROM ledger WHERE id = 1",
        );
    }
    let dir = TempDir::new().expect("a directory");
    let path = file(&dir, "a.log", log.as_bytes());
    let report = digest(&[&path]);
    assert_eq!(detectors(&report), ["query-timeout"], "{report}");
    let of_all: f64 = report["queries"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|query| query["time_s"]["total"].as_f64())
        .sum();
    assert!(of_all < 0.1, "{report}");
    assert!(page(&[&path]).contains("cut"), "{report}");
}

#[test]
fn a_statement_that_fails_at_a_constant_rate_is_no_clear_log() {
    let mut log = String::new();
    for i in 0..30 * 59 {
        let pid = 400 + i % 20;
        let second = u64::from(i) * 60 / 59;
        postgres(
            &mut log,
            second,
            pid,
            "ERROR:  column \"note\" does not exist at character 12",
        );
        postgres(
            &mut log,
            second,
            pid,
            "STATEMENT:  SELECT id, note FROM orders WHERE id = 1",
        );
    }
    let dir = TempDir::new().expect("a directory");
    let report = digest(&[&file(&dir, "a.log", log.as_bytes())]);
    assert!(detectors(&report).contains(&"error-burst"), "{report}");
}

#[test]
fn a_statement_tells_its_lists_its_patterns_and_who_asks() {
    let mut log = String::new();
    for i in 0..100 {
        let ids: Vec<String> = (0..if i == 7 { 400 } else { 3 })
            .map(|n| n.to_string())
            .collect();
        let route = if i < 93 {
            "%2Forders%2F%3Aid"
        } else {
            "%2Fadmin"
        };
        let sql = format!(
            "SELECT * FROM orders WHERE id IN ({}) AND note LIKE '%secret%' \
             /*controller='orders',route='{route}',user='jane'*/",
            ids.join(", ")
        );
        mysql(&mut log, (i, 0.01, 1), flags(false), &sql);
        let many = "SELECT * FROM t WHERE a = 1 OR a = 2 OR a = 3 OR a = 4 OR a = 5 OR a = 6";
        mysql(&mut log, (i, 0.001, 1), flags(false), many);
    }
    let dir = TempDir::new().expect("a directory");
    let path = file(&dir, "a.log", log.as_bytes());
    let report = digest(&[&path]);
    let told = &report["queries"][0]["attributes"];
    assert_eq!(told["list"], serde_json::json!({"p50": 3, "max": 400}));
    assert_eq!(told["like"], serde_json::json!(["contains"]));
    let route =
        serde_json::json!([{"value": "/orders/:id", "count": 93}, {"value": "/admin", "count": 7}]);
    assert_eq!(told["tags"]["route"], route);
    assert_eq!(report["queries"][1]["attributes"]["or_terms"], 6);
    assert_eq!(digest(&["--jobs", "3", &path]), report);
    let text = page(&[&path]);
    for fact in [
        "IN list: up to 400 values, typically 3",
        "LIKE begins with a wildcard",
        "from route /orders/:id 93 %",
        "OR of up to 6 terms",
    ] {
        assert!(text.replace("\n    ", " ").contains(fact), "{fact}: {text}");
    }
    for told in [text, report.to_string()] {
        assert!(!told.contains("secret") && !told.contains("jane"), "{told}");
    }
}

#[test]
fn names_that_are_not_all_are_marked() {
    let mut log = String::new();
    for i in 0..40 {
        let mut run = String::new();
        mysql(
            &mut run,
            (i, 0.01, 1),
            flags(false),
            "SELECT * FROM orders WHERE id = 1",
        );
        log += &run.replace("use shop", &format!("use shop{i}"));
    }
    let dir = TempDir::new().expect("a directory");
    let path = file(&dir, "a.log", log.as_bytes());
    let query = &digest(&[&path])["queries"][0];
    assert_eq!(query["more"], serde_json::json!(["databases"]));
    let told = page(&[&path]);
    assert!(told.contains("+12 or more"), "{told}");
}

#[test]
fn a_time_of_day_is_of_the_day_of_the_log() {
    let mut log = String::new();
    for i in 0..60 {
        // 10:00 to 10:59 of 2026-11-21
        mysql(
            &mut log,
            (60 * i, 0.01, 1),
            flags(false),
            "SELECT * FROM orders WHERE id = 1",
        );
    }
    let dir = TempDir::new().expect("a directory");
    let path = file(&dir, "a.log", log.as_bytes());
    let count = |args: &[&str]| digest(&[args, &[&path]].concat())["source"]["statements"].clone();
    assert_eq!(count(&["--since", "10:30"]), 30);
    assert_eq!(count(&["--since", "10:05", "--until", "10:15"]), 10);
    assert_eq!(count(&["--until", "10:15"]), 15);
}

#[test]
fn checkpoints_that_come_too_often_are_noted() {
    let mut log = String::new();
    for i in 0..3 {
        let text = "LOG:  checkpoints are occurring too frequently (9 seconds apart)";
        postgres(&mut log, 9 * i, 7, text);
        postgres(
            &mut log,
            9 * i,
            8,
            "LOG:  duration: 5.000 ms  statement: SELECT 1",
        );
    }
    let told = page_of(&log);
    assert!(
        told.contains("The server said 3 times that checkpoints come too often"),
        "{told}"
    );
}

#[test]
fn a_time_that_nobody_tells_is_no_time_of_zero() {
    let mut log = String::new();
    for i in 0..20 {
        postgres(
            &mut log,
            i,
            100,
            "ERROR:  permission denied for table ledger",
        );
        postgres(
            &mut log,
            i,
            100,
            "STATEMENT:  SELECT SUM(n) FROM ledger WHERE id = 1",
        );
    }
    let dir = TempDir::new().expect("a directory");
    let path = file(&dir, "a.log", log.as_bytes());
    assert_eq!(digest(&[&path])["queries"][0]["untimed"], 20);
    for format in ["text", "md", "html"] {
        let told = page(&["--format", format, &path]);
        let told = told
            .split_once("No statement")
            .map_or(&*told, |(all, _)| all);
        assert!(told.contains("run time not told"), "{told}");
        assert!(!told.contains("0 % of the time"), "{told}");
    }
}

//! Logs of MySQL, each recorded by `tests/record-mysql`, against what the server itself counted.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{digest, fixture, name, run_with, text};

const VERSIONS: [&str; 2] = ["5.6", "9.7"];

/// What the server counted of one statement.
#[derive(Debug)]
struct Counted {
    calls: u64,
    examined: u64,
    sent: u64,
    millis: f64,
    text: String,
}

/// What `performance_schema` had, by our identity of its texts.
fn counted(version: &str) -> BTreeMap<String, Counted> {
    let path = fixture(&format!("mysql-{version}-recorded.tsv"));
    let table = std::fs::read_to_string(path).expect("the fixture is there");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let texts: Vec<&str> = rows.iter().map(|row| row[4].trim()).collect();
    let args = [
        "fingerprint",
        "--dialect",
        "mysql",
        "--null",
        "--format",
        "json",
    ];
    let output = text(&run_with(&args, texts.join("\0").as_bytes()).stdout);
    let identified = rows.iter().zip(output.lines()).map(|(row, line)| {
        let told: Value = serde_json::from_str(line).expect("one JSON document a line");
        let id = told["fingerprint"].as_str().expect("an identity");
        let number = |at: usize| row[at].parse::<u64>().expect("a number");
        let counted = Counted {
            calls: number(0),
            examined: number(1),
            sent: number(2),
            millis: row[3].parse().expect("a number"),
            text: row[4].trim().to_owned(),
        };
        (id.to_owned(), counted)
    });
    identified.collect()
}

/// What the server's text has that no statement has, or that the log tells of another statement or not at all.
fn is_its_own(text: &str) -> bool {
    let told_otherwise = [
        "PREPARE",
        "EXECUTE",
        "DEALLOCATE",
        "SET @",
        "TRUNCATE",
        "SELECT SCHEMA",
    ];
    text.contains("(...)")
        || text.contains("information_schema")
        || text.contains("SLEEP")
        || told_otherwise.iter().any(|word| text.starts_with(word))
}

fn errors(report: &Value, code: &str) -> u64 {
    let errors = report["errors"].as_array().expect("a list");
    let of = errors.iter().filter(|e| e["code"] == code);
    of.map(|e| e["count"].as_u64().unwrap_or(0)).sum()
}

#[test]
fn recorded_logs_of_mysql_come_to_what_the_server_counted() {
    for version in VERSIONS {
        let report = digest(&[name(&fixture(&format!("mysql-{version}-recorded.log.xz")))]);
        assert_eq!(report["source"]["unparsed_entries"], 0, "{version}");
        let queries = report["queries"].as_array().expect("a list");
        let mut compared = 0;
        for (id, counted) in &counted(version) {
            let text = &counted.text;
            if is_its_own(text) {
                continue;
            }
            let query = queries.iter().find(|q| q["fingerprint"] == **id);
            let query = query.unwrap_or_else(|| panic!("{version}: no {text}"));
            assert_eq!(query["count"], counted.calls, "{version}: runs of {text}");
            let rows = ["rows_examined", "rows_sent"].map(|rows| query[rows]["total"].as_u64());
            let expected = [counted.examined, counted.sent].map(Some);
            assert_eq!(rows, expected, "{version}: rows of {text}");
            let millis = query["time_s"]["total"].as_f64().unwrap_or(0.0) * 1000.0;
            let (least, most) = (counted.millis * 0.8 - 5.0, counted.millis * 1.5 + 40.0);
            assert!(
                (least..most).contains(&millis),
                "{version}: {millis} ms of {counted:?}"
            );
            compared += 1;
        }
        assert!(compared >= 14, "{version}: {compared} statements");
    }
}

#[test]
fn a_recorded_log_of_mysql_is_known_by_what_it_holds() {
    for version in VERSIONS {
        let report = digest(&[name(&fixture(&format!("mysql-{version}-recorded.log.xz")))]);
        let told = report.to_string();
        for value in ["한글", "User@Host", "new 3", "x;"] {
            assert!(!told.contains(value), "{version} tells {value}");
        }
        let queries = report["queries"].as_array().expect("a list");
        let users: Vec<&Value> = queries.iter().map(|q| &q["users"]).collect();
        assert!(
            users
                .iter()
                .any(|u| **u == serde_json::json!(["root", "web"])),
            "{version}: {users:?}"
        );
    }
    let report = digest(&[name(&fixture("mysql-9.7-recorded.log.xz"))]);
    for code in ["1054", "1062", "1213"] {
        assert_eq!(errors(&report, code), 1, "{code}: {}", report["errors"]);
    }
}

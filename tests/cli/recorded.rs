//! Logs of PostgreSQL 12 to 18, each recorded by `tests/record-postgres`, against what the server itself counted; of 15 also
//! what rsyslog made of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{digest, fixture, name, run_with, text};

/// Versions, and the formats that each writes.
const RECORDED: [(u32, &[&str]); 7] = [
    (12, &["log", "csv"]),
    (13, &["log", "csv"]),
    (14, &["log", "csv"]),
    (15, &["log", "csv", "json", "bsd", "iso", "ietf"]),
    (16, &["log", "csv", "json"]),
    (17, &["log", "csv", "json"]),
    (18, &["log", "csv", "json"]),
];

/// What the server counted of one statement.
#[derive(Debug, Default)]
struct Counted {
    calls: u64,
    rows: u64,
    millis: f64,
    text: String,
}

/// What `pg_stat_statements` had, by our identity of its texts.
fn counted(version: u32) -> BTreeMap<String, Counted> {
    let path = fixture(&format!("postgres-{version}-recorded.tsv"));
    let table = std::fs::read_to_string(path).expect("the fixture is there");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let texts: Vec<&str> = rows.iter().map(|row| row[3]).collect();
    let args = [
        "fingerprint",
        "--dialect",
        "postgres",
        "--null",
        "--format",
        "json",
    ];
    let output = text(&run_with(&args, texts.join("\0").as_bytes()).stdout);
    let mut all: BTreeMap<String, Counted> = BTreeMap::new();
    for (row, line) in rows.iter().zip(output.lines()) {
        let told: Value = serde_json::from_str(line).expect("one JSON document a line");
        let id = told["fingerprint"]
            .as_str()
            .expect("an identity")
            .to_owned();
        let one = all.entry(id).or_default();
        one.calls += row[0].parse::<u64>().expect("a number");
        one.rows += row[1].parse::<u64>().expect("a number");
        one.millis += row[2].parse::<f64>().expect("a number");
        row[3].clone_into(&mut one.text);
    }
    all
}

/// The server forgets the identity of a `BEGIN` or `COMMIT` that is run again as a prepared statement: 14 and later
/// count only the first.
fn is_counted_once(version: u32, text: &str) -> bool {
    version >= 14 && matches!(text, "BEGIN" | "COMMIT")
}

fn assert_equal(query: &Value, counted: &Counted, version: u32, what: &str) {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let runs = number(&query["count"]) - number(&query["errors"]);
    let text = &counted.text;
    if is_counted_once(version, text) {
        assert!(runs >= counted.calls, "{what}: {runs} runs of {text}");
    } else {
        assert_eq!(runs, counted.calls, "{what}: runs of {text}");
    }
    let rows = ["rows_sent", "rows_affected"].map(|rows| number(&query[rows]["total"]));
    // utilities have no plan, and their rows are told by nobody
    let has_rows = counted.rows > 0;
    assert!(
        !has_rows || rows.contains(&counted.rows),
        "{what}: rows {rows:?} of {counted:?}"
    );
    let millis = query["time_s"]["total"].as_f64().unwrap_or(0.0) * 1000.0;
    let most = counted.millis * 1.5 + 40.0;
    assert!(
        millis >= counted.millis * 0.99 && millis <= most,
        "{what}: {millis} ms of {counted:?}"
    );
}

#[test]
fn recorded_logs_of_every_version_come_to_what_the_server_counted() {
    for (version, formats) in RECORDED {
        let counted = counted(version);
        assert!(
            counted.len() > 10,
            "{version} ran {} statements",
            counted.len()
        );
        for format in formats {
            let what = format!("postgres-{version}-recorded.{format}.xz");
            let report = digest(&[name(&fixture(&what))]);
            assert_eq!(report["source"]["unparsed_entries"], 0, "{what}");
            let queries = report["queries"].as_array().expect("a list");
            for (id, counted) in &counted {
                let query = queries.iter().find(|q| q["fingerprint"] == **id);
                let query = query.unwrap_or_else(|| panic!("{what}: no {}", counted.text));
                assert_equal(query, counted, version, &what);
            }
        }
    }
}

#[test]
fn recorded_logs_of_every_version_tell_errors_functions_and_the_server() {
    for (version, formats) in RECORDED {
        for format in formats {
            let what = format!("postgres-{version}-recorded.{format}.xz");
            let report = digest(&[name(&fixture(&what))]);
            let errors = report["errors"].as_array().expect("a list");
            let count = |class: &str, code: &str| {
                let of = errors
                    .iter()
                    .filter(|e| e["class"] == class && e["code"] == code);
                of.map(|e| e["count"].as_u64().unwrap_or(0)).sum::<u64>()
            };
            for (class, code) in [
                ("crash", "signal 9"),
                ("deadlock", "40P01"),
                ("timeout", "57014"),
                ("constraint", "23505"),
                ("constraint", "22P02"),
                ("schema", "42703"),
            ] {
                assert_eq!(
                    count(class, code),
                    1,
                    "{what}: {class} {code} in {errors:#?}"
                );
            }
            assert!(count("lock-wait", "") >= 1, "{what}: {errors:#?}");
            let source = &report["source"];
            assert_eq!(source["nested_statements"], 4, "{what}");
            let itself = &source["server"];
            assert_eq!(
                (&itself["crashes"], &itself["starts"]),
                (&1.into(), &1.into()),
                "{what}"
            );
            assert!(
                itself["checkpoints"]["count"].as_u64() >= Some(1),
                "{what}: {itself}"
            );
            let spilled = report["findings"].to_string() + &report["queries"].to_string();
            assert!(!spilled.contains("x1"), "{what} tells a value");
        }
    }
}

#[test]
fn every_format_of_a_version_comes_to_the_same() {
    for (version, formats) in RECORDED {
        let told = formats.iter().map(|format| {
            let report = digest(&[name(&fixture(&format!(
                "postgres-{version}-recorded.{format}.xz"
            )))]);
            let queries = report["queries"].as_array().expect("a list").clone();
            let of = |q: &Value| {
                format!(
                    "{} {} {}",
                    q["fingerprint"], q["count"], q["time_s"]["total"]
                )
            };
            let mut all: Vec<String> = queries.iter().map(of).collect();
            all.sort();
            all
        });
        let told: Vec<_> = told.collect();
        assert!(
            told.windows(2).all(|pair| pair[0] == pair[1]),
            "version {version}"
        );
    }
}

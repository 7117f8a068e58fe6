//! Texts that their log had cut.

use serde_json::Value;
use tempfile::TempDir;

use super::{digest, file, slow_log};

const WHOLE: &str = "SELECT a, b FROM t WHERE c = 5 AND d = 'x' ORDER BY e LIMIT 5";
const OTHER: &str = "SELECT a FROM t WHERE c = 5";
/// Beginnings of the first one.
const CUTS: [&str; 2] = [
    "SELECT a, b FROM t WHERE c = 7 AND d = 'seve",
    "SELECT a, b FROM t WHERE c = 7 AND d = 'x' ORDER BY",
];

/// Statements of a log with their runs, total times and rows.
fn queries(texts: &[&str], jobs: &str) -> Vec<Value> {
    let dir = TempDir::new().expect("there is room for a directory");
    let entries: Vec<_> = texts.iter().map(|sql| (*sql, 0.25, 100)).collect();
    let path = file(&dir, "slow.log", slow_log(&entries).as_bytes());
    let report = digest(&["--jobs", jobs, &path]);
    let queries = report["queries"].as_array().expect("a list");
    let told = |q: &Value| {
        serde_json::json!([
            q["fingerprint"],
            q["template"],
            q["count"],
            q["time_s"],
            q["rows_examined"]
        ])
    };
    let mut told: Vec<Value> = queries.iter().map(told).collect();
    told.sort_by_key(ToString::to_string);
    told
}

#[test]
fn a_cut_text_is_a_run_of_its_statement_wherever_it_stands_and_however_many_read() {
    let before = [OTHER, CUTS[0], CUTS[1], WHOLE, WHOLE];
    let after = [WHOLE, WHOLE, OTHER, CUTS[1], CUTS[0]];
    let first = queries(&before, "1");
    let runs: Vec<&Value> = first.iter().map(|query| &query[2]).collect();
    assert!(
        runs.contains(&&Value::from(4)) && runs.len() == 2,
        "{first:?}"
    );
    assert_eq!(first, queries(&after, "1"));
    assert_eq!(first, queries(&before, "2"));
    assert_eq!(first, queries(&after, "2"));
}

#[test]
fn a_cut_text_that_begins_like_two_statements_joins_neither_wherever_it_stands() {
    let second = WHOLE.replace("ORDER BY e", "ORDER BY g");
    let before = [CUTS[0], WHOLE, &second];
    let between = [WHOLE, CUTS[0], &second];
    let first = queries(&before, "1");
    assert_eq!(first.len(), 3, "{first:?}");
    assert_eq!(first, queries(&between, "1"));
    let other = "SELECT a, b FROM t WHERE c = 7 AND d = 'x' ORDER BY f('x";
    assert_eq!(queries(&[other, WHOLE], "1").len(), 2, "another order");
}

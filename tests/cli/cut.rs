//! Texts that their log had cut.

use serde_json::Value;
use tempfile::TempDir;

use super::{digest, file, logged};

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
    let path = logged(&dir, &entries);
    let report = digest(&["--jobs", jobs, &path]);
    let queries = report["queries"].as_array().expect("a list");
    let told = |q: &Value| {
        serde_json::json!([
            q["fingerprint"],
            q["template"],
            q["count"],
            q["time_s"],
            q["rows_examined"],
            q["truncated"]
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

#[test]
fn a_text_cut_where_a_statement_ends_takes_no_run_of_it_away() {
    let whole = "SELECT id FROM orders WHERE shop = 1 AND state IN ('x')";
    let longer = format!("{whole} ORDER BY total LIMIT 1");
    let cut = "SELECT id FROM orders WHERE shop = 1 AND state IN ('x',";
    let texts = [whole, cut, whole, &longer, cut];
    let all = queries(&texts, "1");
    let mut runs: Vec<(&str, &Value)> = all
        .iter()
        .map(|query| (query[1].as_str().expect("a template"), &query[2]))
        .collect();
    runs.sort_by_key(|(template, count)| (template.len(), count.to_string()));
    let counts: Vec<&Value> = runs.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [2, 2, 1], "{all:?}");
    assert_eq!(all, queries(&texts, "2"));
    let is_cut = all.iter().filter(|query| query[5] == true).count();
    assert_eq!(is_cut, 1, "{all:?}");
    let mut ids: Vec<&Value> = all.iter().map(|query| &query[0]).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{all:?}");
}

#[test]
fn a_cut_text_finds_its_statement_among_any_number_and_behind_any_length() {
    let letters: Vec<char> = ('a'..='z').collect();
    let column = |n: usize| format!("c{}_{}", letters[n % 26], n / 26);
    let wide: Vec<String> = (0..300).map(|n| column(n) + "_of_a_long_name").collect();
    let whole = format!(
        "SELECT {} FROM wide WHERE a = 5 ORDER BY b",
        wide.join(", ")
    );
    let cut = whole[..whole.len() - 12].to_owned();
    let others = (0..6_000).map(|n| format!("SELECT {} FROM t WHERE b = 5", column(n)));
    let texts: Vec<String> = [whole].into_iter().chain(others).chain([cut]).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = queries(&texts, "1");
    assert_eq!(all.len(), 6_001);
    assert!(all.iter().any(|query| query[2] == 2));
}

#[test]
fn errors_of_a_cut_text_are_those_of_its_statement() {
    let line = |second: u32, level: &str, text: &str| {
        format!("2026-07-01 10:00:{second:02}.000 UTC [7] {level}:  {text}\n")
    };
    let whole = "SELECT a FROM t WHERE b = 5 ORDER BY c";
    let mut log = String::new();
    for second in 0..20 {
        log += &line(
            second,
            "LOG",
            &format!("duration: 150.5 ms  statement: {whole}"),
        );
    }
    let cut = "SELECT a FROM t WHERE b = 5 ORDER BY";
    log += &line(30, "ERROR", "canceling statement due to statement timeout");
    log += &line(30, "STATEMENT", cut);
    log += &line(31, "LOG", &format!("duration: 150.5 ms  statement: {cut}"));
    let dir = TempDir::new().expect("there is room for a directory");
    let report = digest(&[&file(&dir, "postgresql.log", log.as_bytes())]);
    let queries = report["queries"].as_array().expect("a list");
    let errors = report["errors"].as_array().expect("a list");
    assert_eq!((queries.len(), errors.len()), (1, 1), "{report:#}");
    assert_eq!(
        errors[0]["fingerprint"], queries[0]["fingerprint"],
        "{report:#}"
    );
}

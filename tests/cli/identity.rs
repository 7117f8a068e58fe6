//! `fingerprint` and `digest` give a statement one identity, whatever is configured.

use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{code, digest, file, logged, run, run_with, sqleuth, text};

const FOLD: &str = "[\"{name}_{n}\"]";
const STATEMENTS: [&str; 2] = [
    "SELECT a FROM orders_001 WHERE id = 7",
    "SELECT a FROM orders_002 WHERE id = 8",
];

/// What is printed for [`STATEMENTS`], each identity once for every statement that has it.
fn identities(output: &Output) -> Vec<String> {
    assert_eq!(code(output), Some(0), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

fn fingerprints(args: &[&str]) -> Vec<String> {
    let statements = STATEMENTS.join(";\n");
    let args = [&["fingerprint", "--dialect", "mysql"], args].concat();
    identities(&run_with(&args, statements.as_bytes()))
}

/// Identities that a digest of the same statements tells.
fn digested(args: &[&str], dir: &TempDir) -> Vec<String> {
    let entries = STATEMENTS.map(|sql| (sql, 0.5, 10));
    let log = logged(dir, &entries);
    let report = digest(&[args, &[log.as_str()]].concat());
    let queries = report["queries"].as_array().expect("a list");
    let ids = queries.iter().filter_map(|q| q["fingerprint"].as_str());
    ids.map(str::to_owned).collect()
}

#[test]
fn numbered_tables_are_two_statements_and_one_where_the_configuration_says_so() {
    let dir = TempDir::new().expect("a temporary directory");
    let apart = fingerprints(&[]);
    assert_ne!(apart[0], apart[1], "two tables, unless configured");
    assert_eq!(digested(&[], &dir).len(), 2);

    let fold = format!("[fingerprint]\nfold = {FOLD}\n");
    let config = file(&dir, "sqleuth.toml", fold.as_bytes());
    let configured = ["--config", config.as_str()];
    let folded = fingerprints(&configured);
    assert_eq!(folded[0], folded[1]);
    assert_eq!(digested(&configured, &dir), folded[..1]);
}

#[test]
fn the_environment_folds_for_fingerprint_as_for_digest() {
    let dir = TempDir::new().expect("a temporary directory");
    let config = file(
        &dir,
        "sqleuth.toml",
        format!("[fingerprint]\nfold = {FOLD}\n").as_bytes(),
    );
    let input = file(&dir, "statements.sql", STATEMENTS.join(";").as_bytes());
    for (key, value) in [
        ("SQLEUTH__FINGERPRINT__FOLD", FOLD),
        ("SQLEUTH_CONFIG", &config),
    ] {
        let output = sqleuth(&["fingerprint", "--dialect", "mysql"])
            .env(key, value)
            .stdin(Stdio::from(
                std::fs::File::open(&input).expect("the test wrote it"),
            ))
            .output()
            .expect("the binary runs");
        let ids = identities(&output);
        assert!(ids.len() == 2 && ids[0] == ids[1], "{key}: {ids:?}");
    }
}

#[test]
fn a_configuration_that_is_wrong_is_bad_usage_of_fingerprint_too() {
    let dir = TempDir::new().expect("a temporary directory");
    let typo = file(&dir, "sqleuth.toml", b"[fingerprint]\nfolds = []\n");
    let output = run(&["fingerprint", "--config", &typo]);
    assert_eq!(code(&output), Some(64), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("folds"));
}

#[test]
fn the_json_of_fingerprint_names_the_family_of_folded_tables() {
    let dir = TempDir::new().expect("a temporary directory");
    let config = file(
        &dir,
        "sqleuth.toml",
        format!("[fingerprint]\nfold = {FOLD}\n").as_bytes(),
    );
    let args = ["fingerprint", "--format", "json", "--config", &config];
    let output = run_with(&args, STATEMENTS[0].as_bytes());
    let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(line["tables"][0], "orders_n");
}

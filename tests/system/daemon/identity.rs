//! One statement has one identity, whichever way it is asked for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::log::{Entry, Log};
use crate::support::daemon::Daemon;
use crate::support::process::run;
use crate::support::wait_for;

/// Aliases, lists, a table that only the configuration folds, and a text that the parser cannot read.
const STATEMENTS: [&str; 5] = [
    "SELECT a FROM orders_001 WHERE id IN (1, 2, 3)",
    "select a from orders_002 where id in (4)",
    "SELECT o.a AS x FROM orders_003 AS o JOIN items i ON i.oid = o.id LIMIT 5",
    "INSERT INTO items (a, b) VALUES (1, 'x'), (2, 'y')",
    "SELEKT a FRM items WHERE b = 'x'",
];

fn sqleuth(args: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqleuth"));
    command.args(args).arg("--config").arg(config);
    command
}

fn ids(lines: &[Value]) -> BTreeSet<String> {
    let ids = lines.iter().filter_map(|line| line["fingerprint"].as_str());
    ids.map(str::to_owned).collect()
}

fn fingerprinted(statements: &Path, config: &Path) -> BTreeSet<String> {
    let args = ["fingerprint", "--dialect", "mysql", "--format", "json"];
    let input = std::fs::File::open(statements).expect("the test wrote it");
    let output = sqleuth(&args, config)
        .stdin(Stdio::from(input))
        .output()
        .expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines = text.lines().map(|l| serde_json::from_str(l).expect("JSON"));
    ids(&lines.collect::<Vec<_>>())
}

#[test]
fn the_api_a_digest_and_fingerprint_give_a_statement_one_identity() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("slow.log");
    let mut log = Log::create(path.clone());
    let fold = "[fingerprint]\nfold = [\"{name}_{n}\"]\n";
    let daemon = Daemon::new(&format!("{}{fold}", log.config())).start();
    for sql in STATEMENTS {
        log.entry(Entry::quick(sql));
    }
    let rows = wait_for("every run", || {
        let rows = daemon.items("queries?from=1h&limit=1000");
        let runs: u64 = rows.iter().filter_map(|row| row["count"].as_u64()).sum();
        (runs == STATEMENTS.len() as u64).then_some(rows)
    });
    let told = ids(&rows);
    assert_eq!(told.len(), 4, "the numbered tables are one: {rows:?}");

    let config = daemon.path("sqleuth.toml");
    let statements = dir.path().join("statements.sql");
    std::fs::write(&statements, STATEMENTS.join(";\n")).expect("the test's directory");
    assert_eq!(told, fingerprinted(&statements, &config));

    let digest = run(sqleuth(&["digest", "--format", "json"], &config).arg(&path));
    let report: Value = serde_json::from_slice(&digest.stdout).expect("one document");
    let queries = report["queries"].as_array().expect("a list");
    assert_eq!(told, ids(queries));
}

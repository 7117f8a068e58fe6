//! The same logs, digested by the field's own tools and by us: the sums agree, and where they do not, the test says
//! why and the server's own counters say who is right.
//!
//! `pt-query-digest` is of percona-toolkit 3.2, `pgbadger` of 12.0, both as Debian packages them.

mod faults;
mod live;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::run;

/// What a digester makes of a log.
#[derive(Debug)]
struct Sums {
    runs: u64,
    seconds: f64,
    rows_examined: u64,
    /// Runs by text, in lower case.
    shapes: BTreeMap<String, u64>,
}

impl Sums {
    fn assert_like(&self, other: &Self) {
        assert_eq!(self.runs, other.runs);
        let apart = (self.seconds - other.seconds).abs();
        assert!(apart < 1e-4, "{} s, {} s", self.seconds, other.seconds);
        assert_eq!(self.rows_examined, other.rows_examined);
    }
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&run(command).stdout).expect("a JSON document")
}

fn ours(log: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqleuth"));
    json(command.args(["digest", "--format", "json"]).arg(log))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn our_sums(log: &Path) -> Sums {
    let report = ours(log);
    let queries = list(&report["queries"]);
    let count = |q: &Value| q["count"].as_u64().expect("a number");
    let text = |q: &Value| q["template"].as_str().expect("text").to_lowercase();
    Sums {
        runs: queries.iter().map(count).sum(),
        seconds: queries
            .iter()
            .filter_map(|q| q["time_s"]["total"].as_f64())
            .sum(),
        rows_examined: queries
            .iter()
            .filter_map(|q| q["rows_examined"]["total"].as_u64())
            .sum(),
        shapes: queries.iter().map(|q| (text(q), count(q))).collect(),
    }
}

fn pt_query_digest(log: &Path) -> Sums {
    let mut command = Command::new("pt-query-digest");
    command.args(["--output=json", "--limit=100%", "--no-version-check"]);
    let report = json(command.arg(log));
    // It writes numbers as text.
    let number = |class: &Value, metric: &str| -> f64 {
        let sum = class["metrics"][metric]["sum"].as_str().unwrap_or("0");
        sum.parse().expect("a number")
    };
    let classes = list(&report["classes"]);
    let count = |c: &Value| c["query_count"].as_u64().expect("a number");
    let text = |c: &Value| c["fingerprint"].as_str().expect("text").to_owned();
    let rows: f64 = classes.iter().map(|c| number(c, "Rows_examined")).sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows"
    )]
    Sums {
        runs: classes.iter().map(count).sum(),
        seconds: classes.iter().map(|c| number(c, "Query_time")).sum(),
        rows_examined: rows.round() as u64,
        shapes: classes.iter().map(|c| (text(c), count(c))).collect(),
    }
}

/// Runs and milliseconds by normalised text, over all databases.
fn pgbadger(log: &Path, format: &str) -> BTreeMap<String, (u64, f64)> {
    let dir = TempDir::new().expect("a temporary directory");
    let out = dir.path().join("out.json");
    // Two of it cannot run at once, unless each has a place for its process id.
    let mut command = Command::new("pgbadger");
    command.args([
        "--quiet",
        "--jobs=1",
        "--extension=json",
        "--format",
        format,
    ]);
    command
        .arg("--pid-dir")
        .arg(dir.path())
        .arg("--outfile")
        .arg(&out);
    run(command.arg(log));
    let report = std::fs::read(&out).expect("pgbadger has written");
    let report: Value = serde_json::from_slice(&report).expect("a JSON document");
    let databases = report["normalyzed_info"].as_object().expect("statements");
    let mut found: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    for (text, told) in databases.values().filter_map(Value::as_object).flatten() {
        let duration = match &told["duration"] {
            Value::String(text) => text.parse().expect("a number"),
            number => number.as_f64().unwrap_or(0.0),
        };
        let sum = found
            .entry(text.trim_end_matches(';').to_owned())
            .or_default();
        sum.0 += told["count"].as_u64().expect("a number");
        sum.1 += duration;
    }
    found
}

pub(super) fn unpacked(dir: &TempDir, fixture: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packed = root.join("tests/fixtures/logs").join(fixture);
    let text = run(Command::new("xz").arg("-dkc").arg(packed)).stdout;
    let path = dir.path().join(fixture.trim_end_matches(".xz"));
    std::fs::write(&path, text).expect("the test's directory can be written");
    path
}

/// `pt-query-digest` takes tables for one that differ in a number; we do so only for the tables that
/// `fingerprint.fold` names, since `orders_2025` and `orders_2026` may be different tables.
fn with_numbered_tables_as_one(shapes: &BTreeMap<String, u64>) -> BTreeSet<String> {
    let fold = |text: &String| {
        let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
        text.chars().map(digits).collect::<String>()
    };
    shapes.keys().map(fold).collect()
}

#[test]
fn recorded_logs_of_mariadb_come_to_the_sums_of_pt_query_digest() {
    let dir = TempDir::new().expect("a temporary directory");
    for fixture in ["mariadb-10.11-verbose.log.xz", "mariadb-10.11-plain.log.xz"] {
        let log = unpacked(&dir, fixture);
        let (we, they) = (our_sums(&log), pt_query_digest(&log));
        we.assert_like(&they);
        let shapes = with_numbered_tables_as_one(&we.shapes);
        assert_eq!(shapes.len(), they.shapes.len(), "{shapes:#?} {they:#?}");
    }
}

#[test]
fn recorded_logs_of_postgresql_come_to_the_counts_of_pgbadger() {
    let dir = TempDir::new().expect("a temporary directory");
    for (fixture, format) in [
        ("postgres-15-stderr.log.xz", "stderr"),
        ("postgres-15-csvlog.csv.xz", "csv"),
        ("postgres-15-jsonlog.json.xz", "jsonlog"),
    ] {
        let log = unpacked(&dir, fixture);
        let report = ours(&log);
        let mut they = pgbadger(&log, format);
        // The recordings have auto_explain on as well. pgBadger takes a plan for a run of its own, whose text is what
        // it could cut out of the plan: it counts those runs twice.
        they.retain(|text, _| !text.contains("\"Query Text\"") && !text.contains("\","));
        let mut left: Vec<_> = list(&report["queries"]).iter().collect();
        for (text, (count, milliseconds)) in &they {
            let is_same = |q: &&&Value| {
                let ours = q["template"].as_str().unwrap_or_default().to_lowercase();
                // We name columns by their tables instead of by aliases, of which one statement has some.
                ours == *text || ours.contains("pg_partitioned") && text.contains("pg_partitioned")
            };
            let at = left.iter().position(|q| is_same(&q));
            let query = left.swap_remove(at.unwrap_or_else(|| panic!("no {text} in {left:#?}")));
            assert_eq!(query["count"].as_u64(), Some(*count), "{fixture}: {text}");
            // We add the time of parse and bind, which their run waited for too; pgBadger leaves it out.
            let our_ms = query["time_s"]["total"].as_f64().unwrap_or(0.0) * 1e3;
            assert!(our_ms >= milliseconds - 1e-6, "{fixture}: {text}: {our_ms}");
        }
        assert!(left.is_empty(), "pgBadger has no {left:#?}");
        if format == "stderr" {
            let text = std::fs::read_to_string(&log).expect("the fixture is text");
            // The recording ends between a bind and its run, of which there is nothing to count yet.
            let pending = logged_ms(&text) - total_ms(&report);
            assert!((-1e-6..0.01).contains(&pending), "{pending} ms");
        }
    }
}

fn total_ms(report: &Value) -> f64 {
    let times = list(&report["queries"]).iter();
    times
        .filter_map(|q| q["time_s"]["total"].as_f64())
        .sum::<f64>()
        * 1e3
}

/// What the server says it took for all steps of all runs, without any parser of ours; plans are told beside them.
fn logged_ms(log: &str) -> f64 {
    let steps = ["statement: ", "parse ", "bind ", "execute "];
    let told = log.lines().filter_map(|line| {
        let (ms, step) = line.split_once("LOG:  duration: ")?.1.split_once(" ms  ")?;
        let is_step = steps.iter().any(|s| step.starts_with(s));
        is_step.then(|| ms.parse::<f64>().expect("a number"))
    });
    told.sum()
}

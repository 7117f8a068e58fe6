//! The same logs, digested by the field's own tools and by us: the sums agree, and where they do not, the test says
//! why and the server's own counters say who is right.
//!
//! `pt-query-digest` is of percona-toolkit 3.2, `pgbadger` of 12.0, both as Debian packages them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
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

fn unpacked(dir: &TempDir, fixture: &str) -> PathBuf {
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

/// Tables of a workload; each statement has its own, and is counted by it.
const TABLES: &str = "CREATE TABLE w_point (id INT PRIMARY KEY, pad VARCHAR(60)) AS SELECT seq id, CONCAT('p', seq) pad \
    FROM seq_1_to_2000;\nCREATE TABLE w_scan LIKE w_point;\nINSERT INTO w_scan SELECT * FROM w_point;\n\
    CREATE TABLE w_gone LIKE w_point;\nINSERT INTO w_gone SELECT * FROM w_point;\n\
    CREATE TABLE w_trap LIKE w_point;\nINSERT INTO w_trap SELECT * FROM w_point;\n\
    CREATE TABLE w_new LIKE w_point;\n";

/// What the workload does: first word and table, and how often.
const DONE: [(&str, &str, u64); 4] = [
    ("select", "w_point", 100),
    ("select", "w_scan", 40),
    ("insert", "w_new", 30),
    ("delete", "w_gone", 20),
];

fn workload() -> String {
    let list = |n: u64, item: &dyn Fn(u64) -> String| {
        let items: Vec<_> = (0..=n % 5).map(|i| item(n * 10 + i)).collect();
        items.join(", ")
    };
    let point = (0..100).map(|n| format!("SELECT pad FROM w_point WHERE id = {n};\n"));
    let scan = (0..40).map(|n| format!("SELECT COUNT(*) FROM w_scan WHERE pad LIKE '%{n}';\n"));
    let new = (0..30).map(|n| {
        let rows = list(n, &|id| format!("({id}, 'a')"));
        format!("INSERT INTO w_new VALUES {rows};\n")
    });
    let gone = (0..20).map(|n| {
        let ids = list(n, &|id| id.to_string());
        format!("DELETE FROM w_gone WHERE id IN ({ids});\n")
    });
    point.chain(scan).chain(new).chain(gone).collect()
}

/// A semicolon and a line that begins with `#`, both within a string.
fn trap() -> String {
    let update = |n| format!("UPDATE w_trap SET pad = 'x;\n# y' WHERE id = {n};\n");
    (0..60).map(update).collect()
}

fn feed(mut client: Command, statements: &str) -> String {
    let mut child = client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the client is installed");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let statements = statements.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(statements.as_bytes())));
    let output = child.wait_with_output().expect("the client ends");
    writer.join().expect("writing does not panic");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs and rows examined by first word and table, as the server's own statistics have them.
fn counted_by_the_server(server: &MariaDb) -> BTreeMap<(String, String), (u64, u64)> {
    let rows = server.sql(
        "SELECT LOWER(SUBSTRING_INDEX(DIGEST_TEXT, ' ', 1)), REGEXP_SUBSTR(DIGEST_TEXT, 'w_[a-z]+'), COUNT_STAR, \
         SUM_ROWS_EXAMINED FROM performance_schema.events_statements_summary_by_digest \
         WHERE DIGEST_TEXT REGEXP '^(SELECT|INSERT|UPDATE|DELETE).*`w_'",
    );
    let mut counted: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for row in rows.lines() {
        let cells: Vec<_> = row.split('\t').collect();
        let [verb, table, runs, examined] = cells[..] else {
            panic!("four columns: {row}");
        };
        // It tells a list of one from a longer one; we do not.
        let sum = counted
            .entry((verb.to_owned(), table.to_owned()))
            .or_default();
        sum.0 += runs.parse::<u64>().expect("a number");
        sum.1 += examined.parse::<u64>().expect("a number");
    }
    counted
}

/// The same by our report.
fn counted_by_us(log: &Path) -> BTreeMap<(String, String), (u64, u64)> {
    let report = ours(log);
    let mut counted: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for query in list(&report["queries"]) {
        let verb = query["kind"].as_str().expect("text").to_owned();
        let text = query["template"].as_str().expect("text");
        let Some(at) = text.find("w_").filter(|_| verb != "ddl") else {
            continue;
        };
        let table = text[at..].split(|c: char| c != '_' && !c.is_ascii_lowercase());
        let table = table.take(1).collect::<String>();
        let sum = counted.entry((verb, table)).or_default();
        sum.0 += query["count"].as_u64().expect("a number");
        sum.1 += query["rows_examined"]["total"].as_u64().expect("a number");
    }
    counted
}

fn slow_queries(server: &MariaDb) -> u64 {
    let row = server.sql("SHOW GLOBAL STATUS LIKE 'Slow_queries'");
    let number = row.split_whitespace().nth(1);
    number.and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn a_fresh_log_of_mariadb_comes_to_what_the_server_counted_and_pt_query_digest_loses_some() {
    let server = MariaDb::start(&["--long-query-time=0", "--performance-schema=ON"]);
    feed(server.session(), TABLES);
    feed(server.session(), &workload());
    server.settle();
    let dir = TempDir::new().expect("a temporary directory");
    let log = dir.path().join("plain.log");
    std::fs::copy(server.slow_log(), &log).expect("the log can be read");
    let (we, they) = (our_sums(&log), pt_query_digest(&log));
    we.assert_like(&they);
    assert_eq!(we.shapes.len(), they.shapes.len(), "{we:#?} {they:#?}");

    feed(server.session(), &trap());
    server.settle();
    let counted = counted_by_the_server(&server);
    server.settle();
    // Read before it is counted itself.
    let logged = slow_queries(&server) + 1;
    server.settle();
    let log = server.slow_log();
    let we = our_sums(&log);
    assert_eq!(
        we.runs, logged,
        "every statement that the server calls slow"
    );
    let by_us = counted_by_us(&log);
    for (verb, table, runs) in DONE.into_iter().chain([("update", "w_trap", 60)]) {
        let key = (verb.to_owned(), table.to_owned());
        assert_eq!(by_us[&key], counted[&key], "{verb} {table}");
        assert_eq!(by_us[&key].0, runs, "{verb} {table}");
    }
    // It ends a statement at the semicolon within the string, and takes the header that follows for a part of it.
    let they = pt_query_digest(&log);
    assert!(
        they.runs < we.runs && they.runs >= we.runs - 60,
        "{they:#?}"
    );
}

#[test]
fn a_fresh_log_of_postgresql_comes_to_what_pgbadger_and_the_server_counted() {
    let server = Postgres::start(&[
        "log_destination=stderr,csvlog,jsonlog",
        "log_min_duration_statement=0",
        "shared_preload_libraries=pg_stat_statements",
    ]);
    run(server.bench().args(["-i", "-q", "-s", "1"]));
    server.sql("CREATE EXTENSION pg_stat_statements");
    run(server
        .bench()
        .args(["-n", "-M", "simple", "-c", "2", "-t", "40"]));
    let calls = server.sql(
        "SELECT sum(calls) FROM pg_stat_statements WHERE query ~* '^(update pgb|insert into pgbench_history|select abalance)'",
    );
    server.settle(&["log", "csv", "json"]);
    for (extension, format) in [("log", "stderr"), ("csv", "csv"), ("json", "jsonlog")] {
        let log = server.log(extension);
        let report = ours(&log);
        let they = pgbadger(&log, format);
        // Its own tables are filled by statements that resemble these.
        let is_its = |text: &str| {
            let text = text.to_lowercase();
            let parts = ["balance + ?", "select abalance", "into pgbench_history ("];
            parts.iter().any(|part| text.contains(part))
        };
        let (mut runs, mut milliseconds) = (0, 0.0);
        for (_, (count, ms)) in they.iter().filter(|(text, _)| is_its(text)) {
            runs += count;
            milliseconds += ms;
        }
        let (mut our_runs, mut our_ms) = (0, 0.0);
        for query in list(&report["queries"]) {
            if is_its(query["template"].as_str().unwrap_or_default()) {
                our_runs += query["count"].as_u64().expect("a number");
                our_ms += query["time_s"]["total"].as_f64().expect("a number") * 1e3;
            }
        }
        assert_eq!(
            our_runs, 400,
            "five statements in each of 80 transactions, {format}"
        );
        assert_eq!(our_runs.to_string(), calls.trim(), "{format}");
        assert_eq!(our_runs, runs, "{format}");
        assert!(
            (our_ms - milliseconds).abs() < 0.01,
            "{format}: {our_ms} ms, {milliseconds} ms"
        );
    }
}

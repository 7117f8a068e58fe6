//! Logs of servers that run now: what they counted, what we make of their logs, and what the tools do.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{list, our_sums, ours, pgbadger, pt_query_digest};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::process::run;

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

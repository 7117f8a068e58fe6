//! What the server groups as one statement, we group as one: `pg_stat_statements` beside our digest of the same runs.
//!
//! The log tells the server's own identity of each run (`query_id`), so that both groupings are known run by run.
//! Where ours differs on purpose, the rule is listed here, with statements that show it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::postgres::Postgres;
use crate::support::process::run;

/// Analytic questions of an order system, each asked with three sets of parameters; `{n}` is the set.
const ANALYTICS: &str = include_str!("analytics.sql");

const SCHEMA: &str = "
CREATE TABLE region (id int, name text);
CREATE TABLE nation (id int, name text, region_id int);
CREATE TABLE supplier (id int, name text, nation_id int, balance numeric, note text);
CREATE TABLE part (id int, name text, kind text, size int);
CREATE TABLE offer (part_id int, supplier_id int, cost numeric, available int);
CREATE TABLE customer (id int, name text, segment text, nation_id int, balance numeric, phone text);
CREATE TABLE orders (id int, customer_id int, ordered date, priority text, note text);
CREATE TABLE item (order_id int, part_id int, supplier_id int, qty int, price numeric, discount numeric, status text,
    flag text, mode text, shipped date, committed date, received date);
INSERT INTO nation SELECT i, 'n' || i, i % 5 FROM generate_series(1, 25) i;
INSERT INTO supplier SELECT i, 's' || i, i % 25, i, '' FROM generate_series(1, 20) i;
INSERT INTO part SELECT i, 'green' || i, 'k' || i % 7, i % 9 FROM generate_series(1, 50) i;
INSERT INTO offer SELECT i % 50, i % 20, i, i FROM generate_series(1, 100) i;
INSERT INTO customer SELECT i, 'c' || i, 's' || i % 5, i % 25, i, '1' || i FROM generate_series(1, 50) i;
INSERT INTO orders SELECT i, i % 50, date '2026-01-01' + i, 'p' || i % 5, '' FROM generate_series(1, 200) i;
INSERT INTO item SELECT i % 200, i % 50, i % 20, i % 50, i, 0.05, 'O', 'R', 'm' || i % 7, date '2026-01-01' + i % 300,
    date '2026-01-05' + i % 300, date '2026-01-09' + i % 300 FROM generate_series(1, 500) i;
";

/// Where we differ on purpose: the rule, statements, how many of them the server tells apart, how many we do.
const DEVIATIONS: &[(&str, &[&str], usize, usize)] = &[
    (
        "a list of values is one, whatever its length (the server's own option for it came with version 18)",
        &[
            "SELECT name FROM part WHERE id IN (1, 2)",
            "SELECT name FROM part WHERE id IN (1, 2, 3, 4)",
        ],
        2,
        1,
    ),
    (
        "so are the rows of an INSERT",
        &[
            "INSERT INTO region VALUES (1, 'a')",
            "INSERT INTO region VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        ],
        2,
        1,
    ),
    (
        "so are branches of one shape, of OR and of UNION ALL",
        &[
            "SELECT name FROM part WHERE id = 1 OR id = 2",
            "SELECT name FROM part WHERE id = 1 OR id = 2 OR id = 3",
        ],
        2,
        1,
    ),
    (
        "the server knows the columns of its tables; to us a bare name may be of any table, and is another text",
        &[
            "SELECT name FROM part WHERE id = 1",
            "SELECT t0.name FROM part t0 WHERE t0.id = 1",
        ],
        1,
        2,
    ),
    (
        "to prepare a statement is not to execute it",
        &["PREPARE a1 AS SELECT 1", "EXECUTE a1"],
        1,
        2,
    ),
    (
        "literals of utility statements are literals",
        &["SET work_mem = '4MB'", "SET work_mem = '8MB'"],
        2,
        1,
    ),
    (
        "a comparison with NULL is another statement than one with a value",
        &[
            "SELECT id FROM part WHERE name = 'x'",
            "SELECT id FROM part WHERE name = NULL",
        ],
        1,
        2,
    ),
];

/// One run by the log: the server's identity and the statement.
type Ran = (i64, String);

fn server() -> Postgres {
    Postgres::start(&[
        "log_destination=jsonlog",
        "log_min_duration_statement=0",
        "shared_preload_libraries=pg_stat_statements",
        "compute_query_id=on",
    ])
}

fn feed(mut client: Command, script: &str) {
    let mut child = client
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the client is installed");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    stdin
        .write_all(script.as_bytes())
        .expect("the client reads");
    drop(stdin);
    assert!(child.wait().expect("the client ends").success());
}

/// Runs of the log from `begin` on; what the tests ask of the statistics is left out.
fn logged(log: &Path, begin: usize) -> Vec<Ran> {
    let text = std::fs::read_to_string(log).expect("the log can be read");
    let mut runs = Vec::new();
    for line in text[begin..].lines() {
        let line: Value = serde_json::from_str(line).expect("a line is a document");
        let message = line["message"].as_str().unwrap_or_default();
        let Some((_, sql)) = message.split_once(" ms  statement: ") else {
            continue;
        };
        if !sql.contains("pg_stat_statements") {
            runs.push((line["query_id"].as_i64().unwrap_or(0), sql.to_owned()));
        }
    }
    runs
}

/// Our identities of statements, in order.
fn fingerprints(statements: &[&str]) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args([
            "fingerprint",
            "--dialect",
            "postgres",
            "--null",
            "--format",
            "json",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = statements.join("\0");
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("the binary ends");
    writer.join().expect("writing does not panic");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(|line| {
        let told: Value = serde_json::from_str(line).expect("a line is a document");
        told["fingerprint"]
            .as_str()
            .expect("an identity")
            .to_owned()
    });
    lines.collect()
}

/// Both groupings of the runs: ours of each of the server's, and the other way round.
fn grouped(
    runs: &[Ran],
) -> (
    BTreeMap<i64, BTreeSet<String>>,
    BTreeMap<String, BTreeSet<i64>>,
) {
    let statements: Vec<&str> = runs.iter().map(|(_, sql)| sql.as_str()).collect();
    let ours = fingerprints(&statements);
    assert_eq!(ours.len(), runs.len(), "one identity for each run");
    let mut by_server: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut by_us: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for ((query_id, _), fingerprint) in runs.iter().zip(ours) {
        by_server
            .entry(*query_id)
            .or_default()
            .insert(fingerprint.clone());
        by_us.entry(fingerprint).or_default().insert(*query_id);
    }
    (by_server, by_us)
}

fn size(log: &Path) -> usize {
    let size = std::fs::metadata(log).map_or(0, |m| m.len());
    usize::try_from(size).expect("it fits")
}

#[test]
fn grouping_is_that_of_pg_stat_statements_for_transactions_and_analytics() {
    let server = server();
    feed(server.session(), SCHEMA);
    run(server.bench().args(["-i", "-q", "-s", "1"]));
    server.sql("CREATE EXTENSION pg_stat_statements");
    let log = server.log("json");
    server.settle(&["json"]);
    let begin = size(&log);
    server.sql("SELECT pg_stat_statements_reset()");
    run(server
        .bench()
        .args(["-n", "-M", "simple", "-c", "2", "-t", "30"]));
    let asked: String = (1..=3)
        .map(|n: u32| ANALYTICS.replace("{n}", &n.to_string()) + ";\n")
        .collect();
    feed(server.session(), &asked);
    let calls = server.sql(
        "SELECT queryid, sum(calls) FROM pg_stat_statements WHERE query !~ 'pg_stat_statements' GROUP BY 1",
    );
    server.settle(&["json"]);

    let runs = logged(&log, begin);
    let (by_server, by_us) = grouped(&runs);
    let twenty_two = ANALYTICS.split(";\n").count();
    assert_eq!(twenty_two, 22);
    assert!(by_us.len() >= twenty_two + 7, "{}", by_us.len());
    for (query_id, ours) in &by_server {
        let texts: Vec<_> = runs.iter().filter(|r| r.0 == *query_id).take(3).collect();
        assert_eq!(
            ours.len(),
            1,
            "one to the server, several to us: {texts:#?}"
        );
    }
    for (fingerprint, ids) in &by_us {
        let texts: Vec<_> = runs.iter().filter(|r| ids.contains(&r.0)).take(3).collect();
        assert_eq!(
            ids.len(),
            1,
            "one to us ({fingerprint}), several to the server: {texts:#?}"
        );
    }
    // The server's counters agree with its log, and our digest of the log with both.
    let counted: BTreeMap<i64, u64> = calls
        .lines()
        .filter_map(|row| row.split_once('|'))
        .map(|(id, n)| (id.parse().expect("a number"), n.parse().expect("a number")))
        .collect();
    let digested = digested(&log, begin);
    for (query_id, ours) in &by_server {
        let fingerprint = ours.first().expect("one");
        assert_eq!(
            digested.get(fingerprint),
            counted.get(query_id),
            "{fingerprint}"
        );
    }
}

/// Runs by identity, as `digest` tells them.
fn digested(log: &Path, begin: usize) -> BTreeMap<String, u64> {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let part = dir.path().join("part.json");
    let text = std::fs::read(log).expect("the log can be read");
    std::fs::write(&part, &text[begin..]).expect("the test's directory can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqleuth"));
    let output = run(command.args(["digest", "--format", "json"]).arg(&part));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a JSON document");
    let queries = report["queries"].as_array().expect("statements");
    let told = queries.iter().map(|q| {
        let id = q["fingerprint"].as_str().expect("an identity").to_owned();
        (id, q["count"].as_u64().expect("a number"))
    });
    told.collect()
}

/// What differs in the text and in nothing else is one statement to both.
const SAME: &[&[&str]] = &[
    &[
        "SELECT t0.name AS col_0 FROM part t0 WHERE t0.id = 1",
        "SELECT t1.name AS col_1 FROM part AS t1 WHERE t1.id = 2 /* a comment */",
    ],
    &[
        "SELECT name FROM part LIMIT 5",
        "SELECT name FROM part FETCH FIRST 6 ROWS ONLY",
    ],
    &[
        "SELECT \"name\" FROM \"part\" WHERE id = 5",
        "select NAME from Part where ID = -5",
    ],
];

#[test]
fn grouping_differs_from_that_of_pg_stat_statements_only_where_a_rule_says_so() {
    let server = server();
    feed(server.session(), SCHEMA);
    let log = server.log("json");
    let same = SAME.iter().map(|pair| ("the same to both", *pair, 1, 1));
    for (rule, statements, theirs, ours) in DEVIATIONS.iter().copied().chain(same) {
        server.settle(&["json"]);
        let begin = size(&log);
        feed(server.session(), &(statements.join(";\n") + ";\n"));
        server.settle(&["json"]);
        let runs = logged(&log, begin);
        assert_eq!(runs.len(), statements.len(), "{rule}: {runs:#?}");
        let (by_server, by_us) = grouped(&runs);
        assert_eq!((by_server.len(), by_us.len()), (theirs, ours), "{rule}");
    }
}

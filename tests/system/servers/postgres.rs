//! What PostgreSQL writes of runs, plans, limits and temporary files, judged on a real server.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::postgres::Postgres;
use crate::support::process::run;
use crate::support::wait_for;

const FORMATS: [&str; 3] = ["log", "csv", "json"];

/// Repeats a statement within one transaction, so that portals close late, and scans.
const SCRIPT: &str = "\\set a random(1, 20000)\n\
    BEGIN;\n\
    SELECT n FROM t WHERE a = :a;\n\
    SELECT n FROM t WHERE a = :a;\n\
    UPDATE t SET b = b + 1 WHERE a = :a;\n\
    COMMIT;\n\
    SELECT count(*) FROM t WHERE b = :a;\n";

const TABLE: &str = "CREATE TABLE t AS SELECT i a, i % 10 b, 'name ' || i n FROM generate_series(1, 20000) i; \
     CREATE INDEX ON t (a); ANALYZE t";

fn server(options: &[&str]) -> Postgres {
    let mut all = vec![
        "log_destination=stderr,csvlog,jsonlog",
        "log_min_duration_statement=0",
        "log_temp_files=0",
        "shared_preload_libraries=pg_stat_statements,auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
        "max_parallel_workers_per_gather=0",
    ];
    all.extend(options);
    Postgres::start(&all)
}

/// Runs of each kind of statement, as the server's own statistics count them.
fn calls(server: &Postgres) -> BTreeMap<String, u64> {
    let rows = server.sql(
        "SELECT lower(split_part(query, ' ', 1)), sum(calls) FROM pg_stat_statements \
         WHERE query ~ '^(SELECT n|SELECT count|UPDATE t)' GROUP BY 1",
    );
    let rows = rows.lines().filter_map(|row| row.split_once('|'));
    rows.map(|(kind, calls)| (kind.to_owned(), calls.parse().expect("a number")))
        .collect()
}

/// The same by the log from `begin` on, and how many of the runs told their rows.
fn digested(log: &Path, begin: usize, part: &Path) -> (BTreeMap<String, u64>, u64) {
    let text = std::fs::read(log).expect("the server's log can be read");
    std::fs::write(part, &text[begin..]).expect("the test's directory can be written");
    let output = run(Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["digest", "--format", "json"])
        .arg(part));
    let digest: Value = serde_json::from_slice(&output.stdout).expect("digest prints JSON");
    assert_eq!(digest["source"]["unparsed_entries"], 0, "{}", log.display());
    let mut runs = BTreeMap::new();
    let mut rows = 0;
    for query in digest["queries"].as_array().expect("queries") {
        let of_the_script = query["tables"] == serde_json::json!(["t"]);
        let kind = query["kind"].as_str().unwrap_or_default().to_owned();
        if of_the_script {
            *runs.entry(kind.clone()).or_default() += query["count"].as_u64().unwrap_or(0);
        }
        if of_the_script
            && query["template"]
                .as_str()
                .is_some_and(|t| t.contains("n FROM"))
        {
            rows += query["rows_sent"]["total"].as_u64().unwrap_or(0);
        }
    }
    (runs, rows)
}

#[test]
fn every_run_is_counted_once_with_its_plan_in_every_protocol_and_format() {
    for plans in ["text", "json"] {
        let server = server(&[&format!("auto_explain.log_format={plans}")]);
        server.sql(TABLE);
        server.sql("CREATE EXTENSION pg_stat_statements");
        let dir = tempfile::TempDir::new().expect("a temporary directory");
        let script = dir.path().join("script.sql");
        std::fs::write(&script, SCRIPT).expect("the test's directory can be written");
        for protocol in ["simple", "extended", "prepared"] {
            server.sql("SELECT pg_stat_statements_reset()");
            server.settle(&FORMATS);
            let size = |format| std::fs::metadata(server.log(format)).map_or(0, |m| m.len());
            let begins = FORMATS.map(|format| usize::try_from(size(format)).expect("it fits"));
            // The plan of a portal comes when it closes, with the next word of its client: one that gets no time for a
            // second must not look like one whose plan never comes, as it does to whom others write meanwhile.
            let (clients, turns) = match protocol {
                "simple" => ("3", "20"),
                _ => ("1", "60"),
            };
            run(server
                .bench()
                .args(["-n", "-M", protocol, "-c", clients, "-t", turns, "-f"])
                .arg(&script));
            let counted = calls(&server);
            server.settle(&FORMATS);
            for (format, begin) in FORMATS.into_iter().zip(begins) {
                let part = dir.path().join("part").with_extension(format);
                let (runs, rows) = digested(&server.log(format), begin, &part);
                assert_eq!(
                    runs, counted,
                    "{plans} plans, {protocol} protocol, {format} log"
                );
                assert_eq!(
                    rows, 120,
                    "each of 120 reads tells that it gave one row ({protocol}, {format})"
                );
            }
        }
    }
}

fn daemon(server: &Postgres) -> Daemon {
    Daemon::new(&format!(
        "[[slow_log]]\npath = \"{}\"\nformat = \"postgres-json\"\ndatabase = \"shop\"\n",
        server.log("json").display()
    ))
    .start()
}

fn finding(daemon: &Daemon, detector: &str, text: &str) -> Option<Value> {
    let findings = daemon.items("findings?from=10m");
    findings
        .into_iter()
        .find(|f| f["detector"] == detector && f.to_string().contains(text))
}

fn query(daemon: &Daemon, text: &str) -> Option<Value> {
    let rows = daemon.items("queries?from=10m");
    rows.into_iter()
        .find(|q| q["template"].as_str().is_some_and(|t| t.contains(text)))
}

#[test]
fn a_limit_and_a_spill_are_found_and_a_user_who_cancels_is_not() {
    let server = server(&["auto_explain.log_min_duration=10ms"]);
    server.sql(
        "CREATE TABLE big AS SELECT i, md5(i::text) h FROM generate_series(1, 150000) i; ANALYZE big; \
         CREATE TABLE limited AS SELECT 1; CREATE TABLE impatient AS SELECT 1",
    );
    let daemon = daemon(&server);
    let mut traffic = Traffic::new();
    traffic.session(server.session(), Duration::from_millis(1300), |n| match n {
        0 => "SET statement_timeout = '700ms'".to_owned(),
        _ => "SELECT pg_sleep(60) FROM limited".to_owned(),
    });
    // As fast as it can: the load is the same on any machine.
    traffic.session(server.session(), Duration::from_millis(20), |n| match n {
        0 => "SET work_mem = '64kB'".to_owned(),
        _ => "SELECT h FROM big ORDER BY h OFFSET 149999".to_owned(),
    });
    traffic.session(server.session(), Duration::from_millis(50), |_| {
        "SELECT pg_sleep(60) FROM impatient".to_owned()
    });
    // 0.3 s to 2.9 s, as people are
    traffic.session(server.session(), Duration::from_millis(100), |n| {
        format!(
            "SELECT pg_cancel_backend(pid), pg_sleep({}) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60) FROM imp%'",
            0.3 + 2.6 * f64::from(u32::try_from(n * 7 % 11).unwrap_or(0)) / 11.0
        )
    });
    let limit = wait_for("query-timeout", || {
        finding(&daemon, "query-timeout", "limited")
    });
    assert!(limit.to_string().contains("cut_runs"), "{limit:#}");
    wait_for("sort-spill", || finding(&daemon, "sort-spill", "big"));
    wait_for("cancelled runs", || {
        let cancelled = query(&daemon, "impatient")?;
        (cancelled["cancelled"].as_u64() >= Some(3)).then_some(())
    });
    assert_eq!(finding(&daemon, "query-timeout", "impatient"), None);
}

/// Functions, one of which calls the other; a call of the outer one sleeps for 0.1 s inside both.
const FUNCTIONS: &str = "CREATE FUNCTION slept(k int) RETURNS bigint LANGUAGE sql AS \
     'SELECT count(*) FROM t, pg_sleep(0.1) WHERE b > k'; \
     CREATE FUNCTION report(k int) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE r bigint; BEGIN \
       SELECT slept(k) INTO r; PERFORM count(*) FROM t WHERE b = k; RETURN r; END $$";

#[test]
fn the_time_of_a_function_is_counted_once_as_the_server_counts_it() {
    let server = server(&[
        "auto_explain.log_nested_statements=on",
        "pg_stat_statements.track=top",
    ]);
    server.sql(TABLE);
    server.sql("CREATE EXTENSION pg_stat_statements");
    server.sql(FUNCTIONS);
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let script = dir.path().join("script.sql");
    std::fs::write(&script, "SELECT report(1);\n").expect("the test's directory can be written");
    for protocol in ["simple", "extended", "prepared"] {
        server.sql("SELECT pg_stat_statements_reset()");
        server.settle(&FORMATS);
        let size = |format| std::fs::metadata(server.log(format)).map_or(0, |m| m.len());
        let begins = FORMATS.map(|format| usize::try_from(size(format)).expect("it fits"));
        run(server
            .bench()
            .args(["-n", "-M", protocol, "-c", "1", "-t", "5", "-f"])
            .arg(&script));
        let counted = server.sql(
            "SELECT calls, total_exec_time / 1000 FROM pg_stat_statements WHERE query LIKE 'SELECT report%'",
        );
        let (calls, seconds) = counted.trim().split_once('|').expect("two columns");
        let (calls, seconds): (u64, f64) = (calls.parse().unwrap(), seconds.parse().unwrap());
        server.settle(&FORMATS);
        for (format, begin) in FORMATS.into_iter().zip(begins) {
            let part = dir.path().join("nested").with_extension(format);
            let text = std::fs::read(server.log(format)).expect("the server's log can be read");
            std::fs::write(&part, &text[begin..]).expect("the test's directory can be written");
            let calls_of = |nested: u64| (calls, nested, 3 * nested);
            assert_eq!(
                nested_runs(&part, seconds),
                calls_of(5),
                "{protocol} protocol, {format} log"
            );
        }
    }
}

/// Calls of the function by a client, statements inside it of one kind, and of all kinds; and the whole is what the
/// server says that the calls took.
fn nested_runs(log: &Path, seconds: f64) -> (u64, u64, u64) {
    let output = run(Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["digest", "--format", "json"])
        .arg(log));
    let digest: Value = serde_json::from_slice(&output.stdout).expect("digest prints JSON");
    let queries = digest["queries"].as_array().expect("queries");
    let find = |text: &str| {
        let mut found = queries
            .iter()
            .filter(|query| query["template"].as_str().is_some_and(|t| t.contains(text)));
        found
            .next()
            .unwrap_or_else(|| panic!("{text} in {queries:#?}"))
    };
    let number = |query: &Value, key: &str| query[key].as_f64().unwrap_or(0.0);
    let shares: f64 = queries.iter().map(|query| number(query, "share")).sum();
    assert!(
        (shares - 1.0).abs() < 1e-6,
        "shares are of one whole, not {shares}"
    );
    let calls = find("report(");
    let (total, inner) = (number(&calls["time_s"], "total"), number(calls, "inner_s"));
    let sleeps = find("pg_sleep");
    let slept = number(&sleeps["time_s"], "total");
    assert!(
        inner >= slept && slept >= 0.5,
        "{inner} s inside, {slept} s asleep"
    );
    assert!(
        total >= seconds && total < seconds + slept,
        "the log tells {total} s, the server {seconds} s"
    );
    let count = |query: &Value| query["count"].as_u64().unwrap_or(0);
    let nested = digest["source"]["nested_statements"].as_u64().unwrap_or(0);
    (count(calls), count(sleeps), nested)
}

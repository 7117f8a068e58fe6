//! Each fault planted on a real server, beside traffic that only looks like it: the detector finds the one and is
//! silent on the other, and where it names a remedy, the remedy, applied as it is written, cures.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::wait_for;

/// Chronic detectors look often, incidents end soon, and memories are short: the test is minutes long, not hours.
/// Slow is less than a fast machine takes for the 150,000 rows of the ledger: 0.08 to 0.16 s were measured.
const HASTE: &str = "[window]\nrecent = \"20s\"\nlong_every = \"20s\"\n\
     [incident]\nquiet_after = \"20s\"\nresolve_after = \"10s\"\n\
     [detect.load-hog]\nmin_span = \"40s\"\n\
     [detect.parameter-skew]\nmin_slow = 0.01\n";

/// A fault comes so often that it keeps a connection busy, on a machine several times as fast as well.
pub(super) const PACE: Duration = Duration::from_millis(40);

fn beside(log: &std::path::Path, format: &str) -> Daemon {
    let log = log.display();
    Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n\
         [[slow_log]]\npath = \"{log}\"\nformat = \"{format}\"\ndatabase = \"shop\"\n{HASTE}"
    ))
    .start()
}

/// The newest finding of a detector on a statement whose template contains `text`.
pub(super) fn finding(daemon: &Daemon, detector: &str, text: &str) -> Option<Value> {
    let found = daemon.items(&format!("findings?from=30m&limit=1000&detector={detector}"));
    found.into_iter().find(|f| template(f).contains(text))
}

pub(super) fn template(finding: &Value) -> &str {
    finding["template"].as_str().unwrap_or_default()
}

pub(super) fn await_finding(daemon: &Daemon, detector: &str, text: &str) -> Value {
    let what = format!("{detector} on {text}");
    let found = wait_for(&what, || finding(daemon, detector, text));
    println!("{what}: {}", found["severity"]);
    assert_ne!(found["evidence"][0]["observed"], Value::Null, "{found:#}");
    found
}

/// The statements that a finding proposes.
pub(super) fn remedies(finding: &Value, begin: &str) -> Vec<String> {
    let all = finding["remedies"].as_array().cloned().unwrap_or_default();
    let sql = all.iter().filter_map(|r| r["sql"].as_str());
    sql.filter(|sql| sql.starts_with(begin))
        .map(str::to_owned)
        .collect()
}

/// Traffic on tables that are called `well…`: it resembles each fault, and is none.
fn look_alikes(traffic: &mut Traffic, session: impl Fn() -> Command) {
    // Two sessions do not want the same rows at the same moment.
    for who in 0..2_u64 {
        let own = move |n| well(n + who * 49_999);
        traffic.session(session(), Duration::from_millis(30), own);
    }
}

fn well(n: u64) -> String {
    let id = n * 7919 % 100_000 + 1;
    match n % 9 {
        0 => "SELECT name FROM well_regions".to_owned(),
        1 => "SELECT name FROM well_regions ORDER BY name DESC".to_owned(),
        2 => format!(
            "SELECT id FROM well WHERE id = {id} UNION SELECT id FROM well_regions WHERE id = 7"
        ),
        3 => format!("SELECT id FROM well WHERE id > {id} ORDER BY id LIMIT 500"),
        4 => format!(
            "UPDATE well SET pad = 'p{n}' WHERE id BETWEEN {id} AND {}",
            id + 50
        ),
        5 => format!("SELECT COUNT(*) FROM well WHERE owner = {}", n % 50),
        6 => format!("DELETE FROM well WHERE id = {}", 200_000 + n),
        7 => "UPDATE well_regions SET name = 'north'".to_owned(),
        _ => format!("SELECT pad FROM well WHERE id = {id}"),
    }
}

fn assert_the_well_are_silent(daemon: &Daemon) {
    let found = daemon.items("findings?from=30m&limit=1000");
    let wrong: Vec<_> = found
        .iter()
        .filter(|f| template(f).contains("well"))
        .collect();
    assert!(wrong.is_empty(), "false alarms: {wrong:#?}");
    let seen = daemon.items("queries?from=30m&limit=1000");
    let seen = seen.iter().filter(|q| template(q).contains("well")).count();
    assert!(seen >= 9, "{seen} statements that look alike were seen");
}

pub(super) fn assert_all_ends(daemon: &Daemon) {
    wait_for("end of every incident", || {
        let incidents = daemon.items("incidents");
        let over = incidents.iter().all(|i| i["state"] == "resolved");
        (over && !incidents.is_empty()).then_some(())
    });
}

const WELL: &str =
    "CREATE TABLE well (id INT PRIMARY KEY, owner INT, pad VARCHAR(100), KEY (owner));
     CREATE TABLE well_regions (id INT PRIMARY KEY, name VARCHAR(20));
     INSERT INTO well SELECT seq, seq % 5000, concat('pad ', seq) FROM seq_1_to_100000;
     INSERT INTO well_regions SELECT seq, concat('region ', seq) FROM seq_1_to_40;";

#[test]
fn an_index_that_is_missing_is_named_and_cures() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(WELL);
    server.sql(
        "CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(60), name VARCHAR(60));
         CREATE TABLE notes (id INT PRIMARY KEY, owner INT, body VARCHAR(60));
         CREATE TABLE chats (id INT PRIMARY KEY, writer INT, body VARCHAR(60));
         CREATE TABLE flips (id INT PRIMARY KEY, shop INT, pad VARCHAR(60), KEY by_shop (shop));
         INSERT INTO people SELECT seq, concat('p', seq, '@x.example'), concat('name ', seq) FROM seq_1_to_400000;
         INSERT INTO notes SELECT seq, seq % 20000, concat('note ', seq) FROM seq_1_to_300000;
         INSERT INTO chats SELECT seq, seq % 20000, concat('chat ', seq) FROM seq_1_to_300000;
         INSERT INTO flips SELECT seq, seq % 10000, concat('pad ', seq) FROM seq_1_to_300000;
         ANALYZE TABLE people, notes, chats, flips;",
    );
    let daemon = beside(&server.slow_log(), "mysql-slow");
    let mut traffic = Traffic::new();
    look_alikes(&mut traffic, || server.session());
    traffic.session(server.session(), PACE, |n| {
        format!("SELECT pad FROM flips WHERE shop = {}", n % 10_000)
    });
    std::thread::sleep(Duration::from_secs(45));
    assert_eq!(daemon.items("incidents"), Vec::<Value>::new());

    server.sql("DROP INDEX by_shop ON flips");
    traffic.session(server.session(), PACE, |n| {
        format!("SELECT name FROM people WHERE email = 'p{n}@x.example'")
    });
    traffic.session(server.session(), PACE, |n| {
        let id = n % 20_000;
        format!("SELECT body FROM notes WHERE owner = {id} UNION SELECT body FROM chats WHERE writer = {id}")
    });
    await_finding(&daemon, "plan-flip", "FROM flips");
    let cures = [
        await_finding(&daemon, "full-scan", "FROM flips"),
        await_finding(&daemon, "full-scan", "FROM people"),
        await_finding(&daemon, "union-hotspot", "UNION SELECT body FROM chats"),
    ];
    let cures: Vec<_> = cures
        .iter()
        .flat_map(|f| remedies(f, "CREATE INDEX"))
        .collect();
    assert_eq!(cures.len(), 4, "one for each table: {cures:#?}");
    for sql in cures {
        server.sql(&sql);
    }
    assert_all_ends(&daemon);
    assert_the_well_are_silent(&daemon);
}

#[test]
fn faults_that_no_index_cures_are_found() {
    let server = MariaDb::start(&["--long-query-time=0", "--sort-buffer-size=64K"]);
    server.sql(WELL);
    server.sql(
        "CREATE TABLE flags (id INT PRIMARY KEY, seen INT);
         CREATE TABLE gone (id INT PRIMARY KEY);
         CREATE TABLE whole (id INT PRIMARY KEY, pad VARCHAR(40));
         CREATE TABLE spills (id INT PRIMARY KEY, pad VARCHAR(100), more VARCHAR(100));
         CREATE TABLE ledger (id INT PRIMARY KEY, owner INT, amount INT, pad VARCHAR(60), KEY (owner));
         CREATE TABLE slow (id INT PRIMARY KEY, pad VARCHAR(60));
         INSERT INTO flags SELECT seq, 0 FROM seq_1_to_60000;
         INSERT INTO gone SELECT seq FROM seq_1_to_60000;
         INSERT INTO whole SELECT seq, concat('pad ', seq) FROM seq_1_to_300000;
         INSERT INTO spills SELECT seq, md5(seq), repeat('x', 90) FROM seq_1_to_120000;
         INSERT INTO ledger SELECT seq, IF(seq <= 150000, 7, seq % 20000 + 100), 1, repeat('x', 50) FROM seq_1_to_600000;
         INSERT INTO slow SELECT seq, md5(seq) FROM seq_1_to_100000;
         ANALYZE TABLE ledger;",
    );
    let daemon = beside(&server.slow_log(), "mysql-slow");
    let mut traffic = Traffic::new();
    look_alikes(&mut traffic, || server.session());
    traffic.session(server.session(), Duration::from_millis(100), |n| {
        let owner = if n % 12 == 0 { 7 } else { n % 20_000 + 100 };
        format!("SELECT SUM(amount) FROM ledger WHERE owner = {owner}")
    });
    traffic.session(server.session(), Duration::from_millis(700), |n| match n {
        0 => "SET max_statement_time = 0.3".to_owned(),
        _ => format!("SELECT COUNT(*) FROM slow a JOIN slow b ON a.pad < b.pad WHERE a.id > {n}"),
    });
    await_finding(&daemon, "parameter-skew", "FROM ledger");
    let scan = finding(&daemon, "full-scan", "FROM ledger");
    assert_eq!(
        scan, None,
        "one owner for whom a scan is right is no fault of the index"
    );

    server.sql("UPDATE flags SET seen = 1; DELETE FROM gone;");
    traffic.session(server.session(), PACE, |_| "SELECT * FROM whole".to_owned());
    traffic.session(server.session(), PACE, |_| {
        "SELECT pad, more FROM spills ORDER BY pad LIMIT 100000".to_owned()
    });
    for text in ["UPDATE flags", "DELETE FROM gone", "FROM whole"] {
        await_finding(&daemon, "missing-where", text);
    }
    await_finding(&daemon, "sort-spill", "FROM spills");
    drop(traffic);
    assert_all_ends(&daemon);
    assert_the_well_are_silent(&daemon);
    let timeouts = daemon.items("findings?from=30m&detector=query-timeout");
    assert!(
        timeouts.is_empty(),
        "MariaDB's log does not tell of cuts: {timeouts:#?}"
    );
}

#[test]
fn the_statement_that_carries_the_load_is_found() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(WELL);
    server.sql(
        "CREATE TABLE carries (id INT PRIMARY KEY, owner INT, amount INT, pad VARCHAR(60), KEY (owner));
         INSERT INTO carries SELECT seq, seq % 20, 1, repeat('x', 50) FROM seq_1_to_200000;
         ANALYZE TABLE carries;",
    );
    let daemon = beside(&server.slow_log(), "mysql-slow");
    let mut traffic = Traffic::new();
    look_alikes(&mut traffic, || server.session());
    for _ in 0..2 {
        traffic.session(server.session(), Duration::from_millis(20), |n| {
            format!("SELECT SUM(amount) FROM carries WHERE owner = {}", n % 20)
        });
    }
    let hog = await_finding(&daemon, "load-hog", "FROM carries");
    assert_eq!(hog["urgency"], "chronic", "advice, no alarm: {hog:#}");
    assert_eq!(daemon.items("incidents"), Vec::<Value>::new());
    assert_the_well_are_silent(&daemon);
}

#[test]
fn statements_that_the_server_cuts_are_found() {
    let server = Postgres::start(&["log_destination=stderr", "log_min_duration_statement=0"]);
    server.sql(
        "CREATE TABLE slow (id INT PRIMARY KEY, pad TEXT);
         INSERT INTO slow SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
         ANALYZE slow;",
    );
    let daemon = beside(&server.log("log"), "postgres-stderr");
    let mut traffic = Traffic::new();
    traffic.session(server.session(), Duration::from_millis(900), |n| match n {
        0 => "SET statement_timeout = '400ms'".to_owned(),
        _ => format!("SELECT count(*) FROM slow a JOIN slow b ON a.pad < b.pad WHERE a.id > {n}"),
    });
    traffic.session(server.session(), Duration::from_millis(50), |n| {
        format!("SELECT pad AS well FROM slow WHERE id = {}", n % 20_000)
    });
    await_finding(&daemon, "query-timeout", "JOIN slow");
    drop(traffic);
    assert_all_ends(&daemon);
    let found = daemon.items("findings?from=30m&limit=1000");
    assert!(
        found.iter().all(|f| !template(f).contains("well")),
        "{found:#?}"
    );
}

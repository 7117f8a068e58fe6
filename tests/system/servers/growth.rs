//! A table that grows for days, on real servers whose clock is set (MariaDB) or whose log is dated (PostgreSQL) by the
//! test: the statement that reads all of it is told, with the day on which it will be slow; those on tables called
//! `well…` resemble it and are not.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use super::detectors::{finding, template};
use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::process::run;
use crate::support::wait_for;

const DAYS: u64 = 6;

/// So much a row that a scan of some ten thousand takes long on any machine; the table's rows and not its name count.
const GROWING: &str = "SELECT COUNT(*) FROM queue WHERE MD5(REPEAT(pad, 200)) = 'x'";

/// The same number of rows each day, for more and more callers.
const STEADY: &str = "SELECT COUNT(*) FROM well_asked WHERE MD5(REPEAT(pad, 200)) = 'x'";

/// Filled at once, on the fourth day.
const STEP: &str = "SELECT COUNT(*) FROM well_filled WHERE MD5(REPEAT(pad, 200)) = 'x'";

/// Statements of one day, from 0 on.
fn asked(day: u64) -> Vec<&'static str> {
    let runs = |statement, runs| std::iter::repeat_n(statement, runs);
    let times = usize::try_from(day + 1).expect("a small number");
    runs(GROWING, 4)
        .chain(runs(STEADY, 2 * times))
        .chain(runs(STEP, 4))
        .collect()
}

fn digest(logs: &[PathBuf]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqleuth"));
    let output = run(command.args(["digest", "--format", "json"]).args(logs));
    serde_json::from_slice(&output.stdout).expect("a JSON document")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The one statement of which a digest says that it reads more each day, and what it says of it.
fn growing(report: &Value) -> (&str, &Value) {
    let found = list(&report["findings"]).iter();
    let found: Vec<_> = found.filter(|f| f["detector"] == "data-growth").collect();
    let [found] = found.as_slice() else {
        panic!("{found:#?}");
    };
    let mut queries = list(&report["queries"]).iter();
    let statement = queries.find(|q| q["fingerprint"] == found["fingerprint"]);
    let statement = statement.and_then(|q| q["template"].as_str());
    (statement.expect("it is a statement of the log"), found)
}

/// The fact of a finding whose `key` is `value`.
fn evidence<'a>(finding: &'a Value, key: &str, value: &str) -> Option<&'a Value> {
    let mut evidence = list(&finding["evidence"]).iter();
    evidence.find(|fact| fact[key] == value)
}

fn assert_tells_of_the_queue(report: &Value) {
    let (statement, found) = growing(report);
    assert!(
        statement.to_lowercase().contains("from queue"),
        "{statement}"
    );
    let times = found["evidence"][0]["observed"].as_f64().unwrap_or(0.0);
    assert!((5.5..6.5).contains(&times), "six times the rows: {found:#}");
    let now = evidence(found, "name", "median_run_time");
    let is_slow = now.is_some_and(|fact| fact["now"].as_f64() >= Some(1.0));
    let by = evidence(found, "role", "slow_by");
    assert!(by.is_some() || is_slow, "how long it will do: {found:#}");
}

/// Makes a day of the log, so many days ago; 0 is now.
fn live_through(server: &MariaDb, day: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ago = (DAYS - 1 - day) * 86_400;
    let clock = match ago {
        0 => "SET timestamp = DEFAULT;".to_owned(),
        _ => format!(
            "SET timestamp = {};",
            now.expect("after 1970").as_secs() - ago
        ),
    };
    let fill = |table: &str, rows: u64| {
        format!("INSERT INTO {table} (pad) SELECT concat('pad ', seq) FROM seq_1_to_{rows};")
    };
    let step = if day == 3 {
        fill("well_filled", 40_000)
    } else {
        String::new()
    };
    let grow = fill("queue", 8_000);
    server.sql(&format!("{clock} {grow} {step} {};", asked(day).join("; ")));
}

fn mariadb() -> MariaDb {
    let server = MariaDb::start(&["--long-query-time=0"]);
    let tables = ["queue", "well_asked", "well_filled"].map(|name| {
        format!("CREATE TABLE {name} (id INT PRIMARY KEY AUTO_INCREMENT, pad VARCHAR(40));")
    });
    server.sql(&tables.concat());
    server.sql("INSERT INTO well_asked (pad) SELECT concat('pad ', seq) FROM seq_1_to_20000");
    server.sql("INSERT INTO well_filled (pad) SELECT concat('pad ', seq) FROM seq_1_to_8000");
    server.settle();
    server
}

/// A log that the daemon follows: what the server has written since its tables were made.
struct Followed {
    server_log: PathBuf,
    begin: usize,
    copy: PathBuf,
}

impl Followed {
    fn catch_up(&self) {
        let text = std::fs::read(&self.server_log).expect("the log can be read");
        let copied = std::fs::metadata(&self.copy).map_or(0, |m| m.len());
        let from = self.begin + usize::try_from(copied).expect("a small log");
        let mut copy = std::fs::File::options();
        let copy = copy.create(true).append(true).open(&self.copy);
        let written = copy.and_then(|mut copy| copy.write_all(&text[from..]));
        written.expect("the test's directory can be written");
    }
}

#[test]
fn a_table_of_mariadb_that_grows_for_days_is_found_in_the_log_and_across_a_restart() {
    let server = mariadb();
    let folder = TempDir::new().expect("a temporary directory");
    let log = Followed {
        begin: std::fs::read(server.slow_log()).map_or(0, |text| text.len()),
        server_log: server.slow_log(),
        copy: folder.path().join("slow.log"),
    };
    (0..DAYS).for_each(|day| live_through(&server, day));
    server.settle();
    log.catch_up();
    assert_tells_of_the_queue(&digest(std::slice::from_ref(&log.copy)));

    let mut daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n\
         [[slow_log]]\npath = \"{}\"\nformat = \"mysql-slow\"\ndatabase = \"shop\"\nstart = \"beginning\"\n\
         [window]\nrecent = \"20s\"\nlong_every = \"20s\"\n",
        log.copy.display()
    ))
    .start();
    wait_for("end of what was there", || {
        let today = daemon.items("queries?from=1h&limit=1000");
        today
            .iter()
            .find(|q| template(q).contains("FROM queue"))
            .map(drop)
    });
    daemon.stop();
    daemon.restart();
    let found = wait_for("data-growth beside what goes on", || {
        live_through_more(&server);
        log.catch_up();
        finding(&daemon, "data-growth", "FROM queue")
    });
    assert_eq!(found["urgency"], "chronic", "advice, no alarm: {found:#}");
    let all = daemon.items("findings?from=30m&limit=1000&detector=data-growth");
    let wrong: Vec<_> = all
        .iter()
        .filter(|f| template(f).contains("well"))
        .collect();
    assert!(wrong.is_empty(), "false alarms: {wrong:#?}");
}

/// The last day goes on, the look-alikes too.
fn live_through_more(server: &MariaDb) {
    server.sql(&[GROWING, STEADY, STEP].join("; "));
}

/// The part of a log from `begin` on, dated to a day.
fn dated(log: &Path, begin: usize, day: u64) -> String {
    let text = std::fs::read_to_string(log).expect("the server's log can be read");
    let dated = |line: &str| match line.get(..3) {
        Some("202") => format!("2026-03-{:02}{}\n", day + 1, &line[10..]),
        _ => format!("{line}\n"),
    };
    text[begin..].lines().map(dated).collect()
}

#[test]
fn a_table_of_postgresql_that_grows_is_found_in_the_logs_of_its_days() {
    let server = Postgres::start(&[
        "log_destination=stderr",
        "log_min_duration_statement=0",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
        "max_parallel_workers_per_gather=0",
    ]);
    for (table, rows) in [("queue", 0), ("well_asked", 20_000), ("well_filled", 8_000)] {
        server.sql(&format!(
            "CREATE TABLE {table} AS SELECT i id, 'pad ' || i pad FROM generate_series(1, {rows}) i"
        ));
    }
    let log = server.log("log");
    let folder = TempDir::new().expect("a temporary directory");
    let mut files = Vec::new();
    server.settle(&["log"]);
    for day in 0..DAYS {
        let begin = std::fs::metadata(&log).map_or(0, |m| m.len());
        let begin = usize::try_from(begin).expect("a small log");
        server.sql("INSERT INTO queue SELECT i, 'pad ' || i FROM generate_series(1, 8000) i");
        if day == 3 {
            server.sql(
                "INSERT INTO well_filled SELECT i, 'pad ' || i FROM generate_series(1, 40000) i",
            );
        }
        let statements = asked(day);
        for statement in &statements {
            server.sql(statement);
        }
        server.settle(&["log"]);
        let part = dated(&log, begin, day);
        assert!(part.matches("Query Text: SELECT").count() >= statements.len());
        let file = folder.path().join(format!("postgresql-{day}.log"));
        std::fs::write(&file, part).expect("the test's directory can be written");
        files.push(file);
    }
    assert_tells_of_the_queue(&digest(&files));
    files.reverse();
    assert_tells_of_the_queue(&digest(&files));
}

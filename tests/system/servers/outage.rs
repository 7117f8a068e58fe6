//! Two tables, healthy traffic, then a full scan and a UNION hotspot under load: one incident, one message.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::slack::{Call, Slack};
use crate::support::wait_for;

/// From the first evidence in the log to a firing incident, by the clock of the log.
const BUDGET: Duration = Duration::from_secs(30);

const UNION: &str = "SELECT customer_id, note FROM orders WHERE status = 3 \
     UNION SELECT customer_id, note FROM refunds WHERE reason = 2";

fn scan(n: u64) -> String {
    format!("SELECT id, customer_id FROM orders WHERE note = 'note {n}'")
}

fn healthy(n: u64) -> String {
    let id = n * 7919 % 1_000_000 + 1;
    let small = id % 200_000 + 1;
    match n % 4 {
        0 => format!("SELECT note FROM orders WHERE id = {id}"),
        1 => format!("UPDATE refunds SET note = 'seen {n}' WHERE id = {small}"),
        2 => format!(
            "SELECT count(*) FROM refunds WHERE id BETWEEN {small} AND {}",
            small + 20
        ),
        _ => "SELECT name FROM regions ORDER BY name".to_owned(),
    }
}

/// A log that a daemon follows.
struct Log {
    /// For messages, and of the recording.
    name: &'static str,
    path: PathBuf,
    format: &'static str,
}

/// A daemon beside the server, with a Slack of its own.
struct Watch {
    log: Log,
    /// Where the log ended when the daemon began.
    begin: u64,
    daemon: Daemon,
    slack: Slack,
    _secrets: TempDir,
}

impl Watch {
    fn over(log: Log) -> Self {
        let slack = Slack::start();
        let secrets = TempDir::new().expect("a temporary directory");
        let token = secrets.path().join("token");
        std::fs::write(&token, "xoxb-test").expect("the test's directory can be written");
        let daemon = Daemon::new(&format!(
            "[general]\nservice = \"shop\"\n\
             [[slow_log]]\npath = \"{}\"\nformat = \"{}\"\ndatabase = \"shop\"\n\
             [slack]\ntoken_file = \"{}\"\nchannel = \"C1\"\napi_url = \"{}\"\n\
             [incident]\nquiet_after = \"20s\"\nresolve_after = \"10s\"\n",
            log.path.display(),
            log.format,
            token.display(),
            slack.api_url(),
        ))
        .start();
        let begin = std::fs::metadata(&log.path).map_or(0, |m| m.len());
        Self {
            log,
            begin,
            daemon,
            slack,
            _secrets: secrets,
        }
    }

    fn is_quiet_under_healthy_traffic(&self) {
        let name = self.log.name;
        wait_for("sight of healthy traffic", || {
            (self.daemon.items("queries?from=5m").len() >= 4).then_some(())
        });
        let incidents = self.daemon.items("incidents");
        assert_eq!(
            incidents,
            Vec::<Value>::new(),
            "{name}: healthy traffic opens no incident"
        );
        let acute = acute(&self.daemon);
        assert_eq!(
            acute,
            Vec::<String>::new(),
            "{name}: healthy traffic has no acute finding"
        );
    }

    /// Waits for the end of the incident, and sees that it was one, told once.
    fn resolves_by_an_edit(&self, incident: &Value) {
        let name = self.log.name;
        let resolved = wait_for("resolved incident", || {
            let incidents = self.daemon.items("incidents");
            incidents.into_iter().find(|i| i["state"] == "resolved")
        });
        assert_eq!(resolved["id"], incident["id"], "{name}");
        wait_for("edit that says resolved", || {
            let calls = self.slack.calls();
            let is_end = |call: &&Call| call.is_edit() && call.body.to_string().contains("esolved");
            calls.iter().rev().find(is_end).map(|_| ())
        });
        assert_eq!(
            self.daemon.items("incidents").len(),
            1,
            "{name}: one outage is one incident"
        );
        assert_eq!(
            self.slack.parents().len(),
            1,
            "{name}: one incident is one parent message"
        );
    }
}

/// The scenario of every server: healthy, sick, well again; each log of it alone tells the same story.
fn one_outage_is_one_incident_and_one_message(session: impl Fn() -> Command, logs: Vec<Log>) {
    let watches: Vec<_> = logs.into_iter().map(Watch::over).collect();
    let mut everyday = Traffic::new();
    // Two sessions do not want the same rows at the same moment.
    for who in 0..4_u64 {
        let own = move |n| healthy(n + who * 250_000);
        everyday.session(session(), Duration::from_millis(40), own);
    }
    std::thread::sleep(Duration::from_secs(25));
    watches
        .iter()
        .for_each(Watch::is_quiet_under_healthy_traffic);

    let outage = begin_outage(session, &watches);
    let fires = |watch: &Watch| fires_within_the_budget(&watch.daemon, watch.log.name);
    let incidents: Vec<_> = watches.iter().map(fires).collect();
    std::thread::sleep(Duration::from_secs(25));
    drop(outage);
    for (watch, incident) in watches.iter().zip(&incidents) {
        watch.resolves_by_an_edit(incident);
    }
    drop(everyday);
    for watch in &watches {
        keep_recording(&watch.log.path, watch.begin, watch.log.name);
    }
}

fn begin_outage(session: impl Fn() -> Command, watches: &[Watch]) -> Traffic {
    let mut outage = Traffic::new();
    for _ in 0..3 {
        outage.session(session(), Duration::from_millis(100), |_| UNION.to_owned());
    }
    // What begins first is taken for the cause: on a slow machine three scans would end before one UNION.
    for watch in watches {
        wait_for("two runs of the UNION", || {
            let rows = watch.daemon.items("queries?from=10m");
            let is_union = |q: &&Value| q["template"].as_str().is_some_and(|t| t.contains("UNION"));
            let runs = rows.iter().find(is_union)?["count"].as_u64()?;
            (runs >= 2).then_some(())
        });
    }
    outage.session(session(), Duration::from_millis(1500), scan);
    outage
}

/// Waits for the incident that the right statement leads, holds it to the budget, and returns it.
fn fires_within_the_budget(daemon: &Daemon, name: &str) -> Value {
    let leads = |incident: &Value| {
        let leading = &incident["findings"][0];
        let template = leading["template"].as_str().unwrap_or_default();
        leading["detector"] == "union-hotspot" && template.contains("UNION")
    };
    let incident = wait_for("firing incident that the UNION leads", || {
        let mut incidents = daemon.items("incidents").into_iter();
        incidents.find(|i| i["state"] == "firing" && leads(i))
    });
    let first = first_seen(daemon, "UNION").min(first_seen(daemon, "orders WHERE note"));
    let took = instant(&incident["detected_at"]).duration_since(first);
    println!("{name}: {took:#} from the first evidence to a firing incident");
    assert!(took.unsigned_abs() <= BUDGET, "{took:#}\n{incident:#}");
    incident
}

fn acute(daemon: &Daemon) -> Vec<String> {
    let findings = daemon.items("findings?from=10m");
    findings
        .iter()
        .filter(|f| f["urgency"] == "acute")
        .map(ToString::to_string)
        .collect()
}

fn instant(json: &Value) -> jiff::Timestamp {
    json.as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{json} is no instant"))
}

/// End of the first run of the statement whose template contains `text`.
fn first_seen(daemon: &Daemon, text: &str) -> jiff::Timestamp {
    let rows = daemon.items("queries?from=10m");
    let row = rows
        .iter()
        .find(|q| q["template"].as_str().is_some_and(|t| t.contains(text)));
    row.map_or(jiff::Timestamp::MAX, |row| instant(&row["first_seen"]))
}

/// With `SQLEUTH_RECORD_TO`, the logs named `union-...` become recordings of the demo (`tests/record`).
fn keep_recording(path: &Path, begin: u64, name: &str) {
    if !name.starts_with("union-") {
        return;
    }
    let Ok(folder) = std::env::var("SQLEUTH_RECORD_TO") else {
        return;
    };
    let log = std::fs::read(path).expect("the server's log can be read");
    let begin = usize::try_from(begin).expect("a log fits in memory");
    let mut packed = zstd::Encoder::new(Vec::new(), 19).expect("zstd packs");
    packed
        .write_all(&log[begin..])
        .expect("memory can be written");
    let packed = packed.finish().expect("memory can be written");
    std::fs::write(
        PathBuf::from(folder).join(format!("{name}.log.zst")),
        packed,
    )
    .expect("the folder can be written");
}

#[test]
fn mariadb_outage() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer_id INT, status TINYINT, note VARCHAR(100));
         CREATE TABLE refunds (id INT PRIMARY KEY AUTO_INCREMENT, customer_id INT, reason TINYINT, note VARCHAR(100));
         CREATE TABLE regions (id INT PRIMARY KEY, name VARCHAR(20));
         INSERT INTO orders (customer_id, status, note) SELECT seq % 20000, seq % 5, concat('note ', seq) FROM seq_1_to_1000000;
         INSERT INTO refunds (customer_id, reason, note) SELECT seq % 20000, seq % 5, concat('refund ', seq) FROM seq_1_to_200000;
         INSERT INTO regions SELECT seq, concat('region ', seq) FROM seq_1_to_40;",
    );
    let log = Log {
        name: "union-mariadb",
        path: server.slow_log(),
        format: "mysql-slow",
    };
    one_outage_is_one_incident_and_one_message(|| server.session(), vec![log]);
}

#[test]
fn postgres_outage_in_every_log_format() {
    let server = Postgres::start(&[
        "log_destination=stderr,csvlog,jsonlog",
        "log_min_duration_statement=0",
        "log_temp_files=0",
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=10ms",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
        "max_parallel_workers_per_gather=0",
    ]);
    server.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, status SMALLINT, note TEXT);
         CREATE TABLE refunds (id INT PRIMARY KEY, customer_id INT, reason SMALLINT, note TEXT);
         CREATE TABLE regions (id INT PRIMARY KEY, name TEXT);
         INSERT INTO orders SELECT i, i % 20000, i % 5, 'note ' || i FROM generate_series(1, 1000000) i;
         INSERT INTO refunds SELECT i, i % 20000, i % 5, 'refund ' || i FROM generate_series(1, 200000) i;
         INSERT INTO regions SELECT i, 'region ' || i FROM generate_series(1, 40) i;
         ANALYZE;",
    );
    let log = |name, extension, format| Log {
        name,
        path: server.log(extension),
        format,
    };
    let logs = vec![
        log("stderr-postgres", "log", "postgres-stderr"),
        log("csv-postgres", "csv", "postgres-csv"),
        log("union-postgres", "json", "postgres-json"),
    ];
    one_outage_is_one_incident_and_one_message(|| server.session(), logs);
}

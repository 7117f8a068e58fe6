//! A program that logs what its drivers throw, followed beside the log of its server.

use std::fs::File;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::process::{Process, tied};
use crate::support::wait_for;

/// The shop of `applications/shop.py`, which writes into `log` until it is dropped.
fn shop(log: &Path, style: &str, ports: (u16, u16), what: &str) -> Process {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = File::create(log).expect("the test's directory can be written");
    Process::start(
        tied("KILL", "/usr/bin/python3")
            .arg(root.join("tests/system/servers/applications/shop.py"))
            .args([style, &ports.0.to_string(), &ports.1.to_string(), what])
            .stdout(out),
    )
}

fn findings(daemon: &Daemon, detector: &str) -> Vec<Value> {
    let mut findings = daemon.items("findings?from=10m");
    findings.retain(|f| f["detector"] == detector);
    findings
}

#[test]
fn an_alias_that_a_program_and_its_server_both_log_is_one_problem_without_a_value() {
    let server = Postgres::start(&["log_min_duration_statement=0"]);
    server.sql("CREATE TABLE orders (id int PRIMARY KEY, amount int, holder text)");
    let dir = TempDir::new().expect("a temporary directory");
    let log = dir.path().join("shop.log");
    let _shop = shop(&log, "text", (0, server.port()), "alias");
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n[[slow_log]]\npath = \"{}\"\n[[log]]\npath = \"{}\"\n",
        server.log("log").display(),
        log.display()
    ))
    .start();
    let told = wait_for("the words of both logs", || {
        let told = findings(&daemon, "alias-in-where");
        let of = |database: &str| told.iter().any(|f| f["database"] == database);
        (of("shop") && of("")).then_some(told)
    });
    let fingerprints: Vec<_> = told.iter().map(|f| f["fingerprint"].to_string()).collect();
    assert!(
        fingerprints.iter().all(|f| *f == fingerprints[0]),
        "{told:#?}"
    );
    let incident = wait_for("an incident of both", || {
        let incidents = daemon.items("incidents");
        incidents.into_iter().find(|i| {
            let text = i.to_string();
            text.contains("error-burst") && text.contains("alias-in-where")
        })
    });
    for detector in ["alias-in-where", "error-burst"] {
        let all = incident["findings"].as_array().expect("findings");
        let count = all
            .iter()
            .filter(|f| f["finding"]["detector"] == detector || f["detector"] == detector)
            .count();
        assert_eq!(count, 1, "{detector}: {incident:#}");
    }
    assert!(!incident.to_string().contains("kanarie"), "{incident:#}");
}

#[test]
fn waits_for_locks_and_refused_clients_of_mariadb_are_found_in_the_logs_of_programs() {
    let server = MariaDb::start(&[
        "--innodb-lock-wait-timeout=1",
        "--max-connections=15",
        "--log-warnings=2",
    ]);
    server.sql("CREATE TABLE orders (id int PRIMARY KEY, amount int, holder text) ENGINE=InnoDB");
    server.sql("INSERT INTO orders VALUES (1, 1, 'a')");
    let dir = TempDir::new().expect("a temporary directory");
    let (locks, full) = (dir.path().join("locks.log"), dir.path().join("full.log"));
    let _locks = shop(&locks, "json", (server.port(), 0), "locks");
    let log = |path: &Path, service: &str| {
        format!(
            "[[log]]\npath = \"{}\"\nservice = \"{service}\"\n",
            path.display()
        )
    };
    let daemon = Daemon::new(&format!(
        "{}{}{}",
        log(&locks, "locks"),
        log(&full, "full"),
        log(&server.error_log(), "server")
    ))
    .start();
    let wait = wait_for("waits for locks", || {
        findings(&daemon, "lock-wait").into_iter().next()
    });
    assert!(wait.to_string().contains("1205"), "{wait:#}");
    let _full = shop(&full, "bare", (server.port(), 0), "full");
    // the server itself tells of them, or of the clients that left without a word
    for (service, codes) in [("full", &["1040"][..]), ("server", &["1040", "1158"][..])] {
        wait_for("refused clients", || {
            let all = findings(&daemon, "connection-refusal");
            all.into_iter().find(|f| {
                let text = f.to_string();
                f["service"] == service && codes.iter().any(|code| text.contains(code))
            })
        });
    }
    let all = Value::from(daemon.items("findings?from=10m")).to_string();
    assert!(!all.contains("kanarie"), "{all}");
}

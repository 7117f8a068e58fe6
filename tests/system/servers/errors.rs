//! Errors of real servers: told as families without a value, and found when they burst.

use std::time::Duration;

use serde_json::Value;

use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::postgres::Postgres;
use crate::support::wait_for;

fn postgres(options: &[&str]) -> (Postgres, Daemon) {
    let mut all = vec!["log_min_duration_statement=0"];
    all.extend(options);
    let server = Postgres::start(&all);
    server.sql("CREATE TABLE orders (id int PRIMARY KEY, amount int, holder text)");
    server.sql("INSERT INTO orders SELECT i, i, 'h' || i FROM generate_series(1, 1000) i");
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n[[slow_log]]\npath = \"{}\"\n",
        server.log("log").display()
    ))
    .start();
    (server, daemon)
}

fn findings(daemon: &Daemon, detector: &str) -> Vec<Value> {
    let mut findings = daemon.items("findings?from=10m");
    findings.retain(|f| f["detector"] == detector);
    findings
}

fn found(daemon: &Daemon, detector: &str, text: &str) -> Value {
    wait_for(detector, Duration::from_secs(60), || {
        let found = findings(daemon, detector);
        found.into_iter().find(|f| f.to_string().contains(text))
    })
}

#[test]
fn a_burst_of_failing_statements_on_postgres_is_one_incident_without_a_value() {
    let (server, daemon) = postgres(&[]);
    let mut traffic = Traffic::new();
    traffic.session(server.session(), Duration::from_millis(20), |n| {
        format!("SELECT id, note FROM orders WHERE holder = 'secret-{n}'")
    });
    // somebody's typo, and a client that cancels: neither is a burst
    traffic.session(server.session(), Duration::from_secs(5), |n| {
        format!("SELECT amoumt FROM orders WHERE id = {n}")
    });
    traffic.session(server.session(), Duration::from_millis(50), |n| match n {
        0 => "SET statement_timeout = 0".to_owned(),
        _ => "SELECT pg_cancel_backend(pg_backend_pid())".to_owned(),
    });
    let burst = found(&daemon, "error-burst", "note");
    assert!(burst.to_string().contains("42703"), "{burst:#}");
    let incident = wait_for("an incident", Duration::from_secs(30), || {
        daemon.items("incidents").into_iter().next()
    });
    assert_eq!(incident["cause"]["finding"], "error-burst", "{incident:#}");
    assert!(!incident.to_string().contains("secret"), "{incident:#}");
    for quiet in ["amoumt", "pg_cancel_backend"] {
        let told = findings(&daemon, "error-burst");
        assert!(
            !told.iter().any(|f| f.to_string().contains(quiet)),
            "{quiet}: {told:#?}"
        );
    }
}

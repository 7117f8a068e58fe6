//! Errors of real servers: told as families without a value, and found when they burst.

use std::time::Duration;

use serde_json::Value;

use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::postgres::Postgres;
use crate::support::process::Process;
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
    wait_for(detector, || {
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
    // somebody's typo, never ten times within a minute, and a client that cancels: neither is a burst
    traffic.session(server.session(), Duration::from_secs(10), |n| {
        format!("SELECT amoumt FROM orders WHERE id = {n}")
    });
    traffic.session(server.session(), Duration::from_millis(50), |n| match n {
        0 => "SET statement_timeout = 0".to_owned(),
        _ => "SELECT pg_cancel_backend(pg_backend_pid())".to_owned(),
    });
    let burst = found(&daemon, "error-burst", "note");
    assert!(burst.to_string().contains("42703"), "{burst:#}");
    let incident = wait_for("an incident", || {
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

/// Two sessions that lock two rows in opposite order, each step slow enough that they meet.
fn transfers(server: &Postgres, traffic: &mut Traffic) {
    for (first, second) in [(1, 2), (2, 1)] {
        traffic.session(server.session(), Duration::from_millis(700), move |_| {
            format!(
                "BEGIN; UPDATE orders SET amount = amount - 1 WHERE id = {first}; SELECT pg_sleep(0.3); \
                 UPDATE orders SET amount = amount + 1, holder = 'secret' WHERE id = {second}; COMMIT"
            )
        });
    }
}

#[test]
fn deadlocks_on_postgres_name_the_statements_that_met() {
    let (server, daemon) = postgres(&["deadlock_timeout=100ms"]);
    let mut traffic = Traffic::new();
    transfers(&server, &mut traffic);
    let deadlock = found(&daemon, "deadlock", "orders");
    let told = deadlock.to_string();
    assert!(told.contains("in_the_deadlock"), "{deadlock:#}");
    assert!(told.contains("ShareLock on transaction"), "{deadlock:#}");
    assert!(!told.contains("secret"), "{deadlock:#}");
}

#[test]
fn waits_for_a_lock_on_postgres_are_found_and_a_slow_statement_is_none() {
    let (server, daemon) = postgres(&["log_lock_waits=on", "deadlock_timeout=100ms"]);
    let mut traffic = Traffic::new();
    traffic.session(server.session(), Duration::from_millis(500), |_| {
        "BEGIN; UPDATE orders SET amount = 1 WHERE id = 7; SELECT pg_sleep(1); COMMIT".to_owned()
    });
    for _ in 0..3 {
        traffic.session(server.session(), Duration::from_millis(100), |n| {
            format!("UPDATE orders SET holder = 'secret {n}' WHERE id = 7")
        });
    }
    traffic.session(server.session(), Duration::from_millis(100), |_| {
        "SELECT pg_sleep(1), count(*) FROM orders o, orders p".to_owned()
    });
    let wait = found(&daemon, "lock-wait", "holder");
    assert!(wait.to_string().contains("waits_for_locks"), "{wait:#}");
    assert!(!wait.to_string().contains("secret"), "{wait:#}");
    let waits = findings(&daemon, "lock-wait");
    assert!(
        !waits.iter().any(|f| f.to_string().contains("count(*)")),
        "{waits:#?}"
    );
}

#[test]
fn clients_that_postgres_turns_away_are_found() {
    let (server, daemon) = postgres(&["max_connections=6", "superuser_reserved_connections=0"]);
    // twice as many as there is room for, each staying longer than all take to arrive
    let refused = wait_for("a refused client", || {
        let mut clients: Vec<Process> = (0..12)
            .map(|_| Process::start(server.session().args(["-c", "SELECT pg_sleep(5)"])))
            .collect();
        for client in &mut clients {
            client.wait();
        }
        findings(&daemon, "connection-refusal").into_iter().next()
    });
    assert!(refused.to_string().contains("53300"), "{refused:#}");
}

#[test]
fn an_alias_in_a_condition_on_postgres_is_told_with_its_expression() {
    let (server, daemon) = postgres(&[]);
    let mut traffic = Traffic::new();
    traffic.session(server.session(), Duration::from_millis(200), |n| {
        format!("SELECT id, amount * 2 AS total FROM orders WHERE total > {n}")
    });
    traffic.session(server.session(), Duration::from_millis(200), |n| {
        format!("SELECT id, amount * 2 AS total FROM orders WHERE missing > {n}")
    });
    let alias = found(&daemon, "alias-in-where", "total");
    assert!(alias.to_string().contains("amount * ?"), "{alias:#}");
    let all = findings(&daemon, "alias-in-where");
    assert!(
        !all.iter().any(|f| f.to_string().contains("missing")),
        "{all:#?}"
    );
}

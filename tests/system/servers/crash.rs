//! A process of a real server dies: the sidecar says so at once, and `digest` tells what the server did by itself.

use std::process::Command;

use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::postgres::Postgres;
use crate::support::process::{Process, run};
use crate::support::wait_for;

fn digest(server: &Postgres, format: &str, log: &str) -> String {
    let output = run(Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["digest", "--format", format])
        .arg(server.log(log)));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Ends the process that runs a statement as the kernel does when memory is out.
fn kill_who_runs(server: &Postgres, text: &str) {
    let pid = wait_for("a process to kill", || {
        let found = server.sql(&format!(
            "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '{text}%'"
        ));
        Some(found.trim().to_owned()).filter(|pid| !pid.is_empty())
    });
    run(Command::new("kill").args(["-9", &pid]));
}

/// What a digest of this log says of the server that died once and had little room for its WAL.
fn assert_told(document: &Value, log: &str) {
    let itself = &document["source"]["server"];
    assert_eq!(itself["crashes"], 1, "{log}: {itself:#}");
    assert_eq!(itself["starts"], 2, "{log}: {itself:#}");
    let checkpoints = &itself["checkpoints"];
    assert!(
        checkpoints["count"].as_u64() >= Some(1),
        "{log}: {itself:#}"
    );
    assert!(
        checkpoints["too_frequent"].as_u64() >= Some(1),
        "{log}: {itself:#}"
    );
    assert!(
        checkpoints["longest_s"].as_f64() > Some(0.0),
        "{log}: {itself:#}"
    );
    let errors = document["errors"].as_array().expect("errors");
    let crash = errors.iter().find(|error| error["class"] == "crash");
    let crash = crash.expect("the crash is an error");
    assert_eq!(
        (&crash["code"], &crash["count"]),
        (&"signal 9".into(), &1.into())
    );
    assert!(
        crash["template"]
            .as_str()
            .is_some_and(|t| t.contains("orders")),
        "{crash:#}"
    );
    assert!(
        document.to_string().contains("server-crash") && !document.to_string().contains("secret")
    );
}

#[test]
fn a_process_that_is_killed_is_an_incident_and_stands_in_the_digest() {
    let server = Postgres::start(&[
        "log_min_duration_statement=0",
        "log_destination=stderr,csvlog,jsonlog",
        "log_checkpoints=on",
        "checkpoint_warning=1h",
        "max_wal_size=32MB",
        "min_wal_size=32MB",
    ]);
    server.sql(
        "CREATE TABLE orders AS SELECT i, repeat('x', 1000) pad FROM generate_series(1, 60000) i",
    );
    server.sql("CHECKPOINT");
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n[[slow_log]]\npath = \"{}\"\n",
        server.log("log").display()
    ))
    .start();
    let mut victim = Process::start(
        server
            .session()
            .args(["-c", "SELECT 'secret', pg_sleep(600) FROM orders"]),
    );
    kill_who_runs(&server, "SELECT ''secret");
    victim.wait();
    let incident = wait_for("an incident", || {
        let incidents = daemon.items("incidents");
        incidents
            .into_iter()
            .find(|incident| incident["cause"]["finding"] == "server-crash")
    });
    let told = incident.to_string();
    assert!(
        told.contains("signal 9") && told.contains("orders"),
        "{incident:#}"
    );
    assert!(!told.contains("secret"), "{incident:#}");
    wait_for("the server to be back", || {
        let output = server.session().args(["-c", "SELECT 1"]).output().ok()?;
        output.status.success().then_some(())
    });
    server.settle(&["log", "csv", "json"]);
    for log in ["log", "csv", "json"] {
        let document: Value = serde_json::from_str(&digest(&server, "json", log)).expect("JSON");
        assert_told(&document, log);
    }
    for format in ["text", "md", "html"] {
        let report = digest(&server, format, "log");
        assert!(report.contains("The server itself"), "{report}");
        assert!(
            report.contains("checkpoint") && report.contains("signal 9"),
            "{report}"
        );
        assert!(!report.contains("secret"), "{report}");
    }
}

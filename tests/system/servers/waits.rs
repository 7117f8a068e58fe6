//! What MariaDB itself says of waits for locks and of clients that vanish.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::detectors::{await_finding, template};
use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::process::run;
use crate::support::wait_for;

#[test]
fn waits_for_a_lock_on_a_table_are_found_by_the_lock_times_of_the_slow_log() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(
        "CREATE TABLE stock (item INT PRIMARY KEY, reserved INT);
         CREATE TABLE well (item INT PRIMARY KEY, reserved INT);
         INSERT INTO stock SELECT seq, 0 FROM seq_1_to_1000;
         INSERT INTO well SELECT seq, 0 FROM seq_1_to_1000;",
    );
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n\
         [[slow_log]]\npath = \"{}\"\nformat = \"mysql-slow\"\ndatabase = \"shop\"\n\
         [window]\nrecent = \"20s\"\n",
        server.slow_log().display()
    ))
    .start();
    let mut traffic = Traffic::new();
    // a nightly export that locks, for half of the time
    traffic.session(server.session(), Duration::from_secs(2), |_| {
        "LOCK TABLES stock WRITE; SELECT SLEEP(1); UNLOCK TABLES".to_owned()
    });
    for who in 0..3 {
        traffic.session(server.session(), Duration::from_millis(50), move |n| {
            let item = (n * 3 + who) % 1_000 + 1;
            format!("UPDATE stock SET reserved = reserved + 1 WHERE item = {item}")
        });
    }
    // as slow, and waits for nobody
    traffic.session(server.session(), Duration::from_millis(500), |n| {
        let item = n % 1_000 + 1;
        format!("UPDATE well SET reserved = reserved + SLEEP(0.4) WHERE item = {item}")
    });
    let wait = await_finding(&daemon, "lock-wait", "UPDATE stock");
    let first = &wait["evidence"][0];
    assert_eq!(first["name"], "lock_share_of_time", "{wait:#}");
    wait_for("the slow change, judged", || {
        let seen = daemon.items("queries?from=30m&limit=1000");
        let well = seen.into_iter().find(|q| template(q).contains("well"));
        well.filter(|q| q["count"].as_u64().is_some_and(|runs| runs >= 5))
    });
    let waits = daemon.items("findings?from=30m&limit=1000&detector=lock-wait");
    let wrong: Vec<_> = waits
        .iter()
        .filter(|f| template(f).contains("well"))
        .collect();
    assert!(wrong.is_empty(), "false alarms: {wrong:#?}");
}

/// A client that is gone without a word, once the server has answered it.
fn vanish(server: &MariaDb) {
    let mut client = server
        .session()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client is installed");
    let mut ask = client.stdin.take().expect("standard input is a pipe");
    let answer = client.stdout.take().expect("standard output is a pipe");
    writeln!(ask, "SELECT 1;").expect("the client reads");
    let mut line = String::new();
    BufReader::new(answer)
        .read_line(&mut line)
        .expect("the client writes");
    assert_eq!(line, "1\n");
    client.kill().expect("the client runs");
    client.wait().expect("the client ends");
}

#[test]
fn clients_of_mariadb_that_vanish_are_found_and_those_that_leave_are_not_counted() {
    let server = MariaDb::start(&["--log-warnings=2"]);
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n[[log]]\npath = \"{}\"\nkind = \"mysql-error\"\n\
         [detect.connection-refusal]\nmin_broken = 6\n",
        server.error_log().display()
    ))
    .start();
    let mut vanished = 0;
    let broken = wait_for("connections that broke", || {
        for _ in 0..4 {
            run(server.session().stdin(Stdio::null()));
            vanish(&server);
            vanished += 1;
        }
        let found = daemon.items("findings?from=10m&detector=connection-refusal");
        found.into_iter().next()
    });
    let told = &broken["evidence"][0]["observed"];
    let told = told.as_f64().expect("a number");
    assert!(told <= f64::from(vanished), "{told} of {vanished}");
    assert_eq!(broken["severity"], "warning", "{broken:#}");
    let client = broken["evidence"].as_array().expect("evidence");
    let named = |fact: &Value| fact["role"] == "client_host" && fact["text"] == "127.0.0.1";
    assert!(client.iter().any(named), "{broken:#}");
}

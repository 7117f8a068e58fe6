//! The error log of a real MariaDB, followed beside its slow log.

use std::time::Duration;

use serde_json::Value;

use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::wait_for;

fn mariadb(options: &[&str]) -> (MariaDb, Daemon) {
    let mut all = vec!["--log-warnings=2", "--innodb-print-all-deadlocks=1"];
    all.extend(options);
    let server = MariaDb::start(&all);
    server.sql("CREATE TABLE orders (id int PRIMARY KEY, amount int, holder text) ENGINE=InnoDB");
    server.sql("INSERT INTO orders VALUES (1, 1, 'a'), (2, 2, 'b')");
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n\
         [[log]]\npath = \"{}\"\nkind = \"mysql-error\"\nstart = \"beginning\"\n",
        server.error_log().display()
    ))
    .start();
    (server, daemon)
}

fn found(daemon: &Daemon, detector: &str) -> Value {
    wait_for(detector, || {
        let findings = daemon.items("findings?from=10m");
        findings.into_iter().find(|f| f["detector"] == detector)
    })
}

#[test]
fn deadlocks_on_mariadb_name_both_statements_and_the_server_that_started_is_no_finding() {
    let (server, daemon) = mariadb(&[]);
    let mut traffic = Traffic::new();
    for (first, second) in [(1, 2), (2, 1)] {
        traffic.session(server.session(), Duration::from_millis(700), move |_| {
            format!(
                "BEGIN; UPDATE orders SET amount = amount - 1 WHERE id = {first}; SELECT SLEEP(0.3); \
                 UPDATE orders SET holder = 'secret', amount = {first} WHERE id = {second}; COMMIT"
            )
        });
    }
    let deadlock = found(&daemon, "deadlock").to_string();
    for told in [
        "in_the_deadlock",
        "X on shop.orders, index PRIMARY",
        "holder",
    ] {
        assert!(deadlock.contains(told), "{told}: {deadlock}");
    }
    assert!(!deadlock.contains("secret"), "{deadlock}");
    let findings = daemon.items("findings?from=10m");
    assert!(
        findings.iter().all(|f| f["detector"] == "deadlock"),
        "{findings:#?}"
    );
}

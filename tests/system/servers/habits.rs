//! Habits that waste, on a PostgreSQL that logs plans: advice, and none for what resembles them.

use std::process::Command;
use std::time::Duration;

use super::detectors::{PACE, await_finding, template};
use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::postgres::Postgres;
use crate::support::wait_for;

const TABLES: &str = "CREATE TABLE ledger (id INT PRIMARY KEY, owner INT, at TIMESTAMP, amount INT, pad TEXT);
     CREATE TABLE orders (id INT PRIMARY KEY, shop INT, state INT, total INT);
     CREATE TABLE sales (id INT PRIMARY KEY, item INT, sold INT);
     CREATE TABLE well_sales (id INT PRIMARY KEY, item INT, sold INT);
     INSERT INTO ledger SELECT i, CASE WHEN i <= 150000 THEN i % 5 ELSE i % 20000 + 100 END,
         '2020-01-01'::timestamp + i * interval '1 minute', 1, repeat('x', 50) FROM generate_series(1, 500000) i;
     INSERT INTO orders SELECT i, CASE WHEN i <= 100000 THEN i % 5 ELSE i % 20000 + 100 END, i % 2, 1 FROM generate_series(1, 400000) i;
     INSERT INTO sales SELECT i, i % 100, i % 7 FROM generate_series(1, 9000) i;
     INSERT INTO well_sales SELECT i, i % 100, i % 7 FROM generate_series(1, 9000) i;
     CREATE INDEX ON ledger (owner);
     CREATE INDEX ON ledger (at);
     CREATE INDEX ON orders (shop);
     ANALYZE;";

/// By what the statements that resemble the habits are known.
const ALIKE: [&str; 4] = ["at >=", "total =", "UPDATE well_sales", "FROM well_sales"];

/// What resembles the habits: a sum over a day, a count alone, an answer that is written as often as it is read.
fn look_alikes(traffic: &mut Traffic, session: impl Fn() -> Command) {
    traffic.session(session(), PACE, |n| {
        let day = n % 28 + 1;
        match n % 4 {
            0 => format!(
                "SELECT sum(amount) FROM ledger WHERE owner = {} AND at >= '2020-02-{day:02}'",
                n % 5
            ),
            1 => format!(
                "SELECT count(*) FROM orders WHERE shop = {} AND total = 1",
                n + 100
            ),
            2 => format!(
                "UPDATE well_sales SET sold = sold + 1 WHERE id = {}",
                n % 9_000
            ),
            _ => "SELECT item, sum(sold) FROM well_sales GROUP BY item ORDER BY 2 DESC LIMIT 10"
                .to_owned(),
        }
    });
}

fn habits(server: &Postgres) -> Traffic {
    let mut traffic = Traffic::new();
    traffic.session(server.session(), PACE, |n| {
        format!("SELECT sum(amount) FROM ledger WHERE owner = {}", n % 5)
    });
    traffic.session(server.session(), PACE / 2, |n| {
        let of_shop = format!("FROM orders WHERE shop = {} AND state = 1", n / 2 % 5);
        match n % 2 {
            0 => format!("SELECT count(*) {of_shop}"),
            _ => format!("SELECT id, total {of_shop} ORDER BY id LIMIT 20"),
        }
    });
    // As fast as it can: the load is the same on any machine.
    traffic.session(server.session(), Duration::from_millis(2), |_| {
        "SELECT item, sum(sold) FROM sales GROUP BY item ORDER BY 2 DESC LIMIT 10".to_owned()
    });
    traffic
}

#[test]
fn habits_that_waste_are_advice_on_a_postgres_that_logs_plans() {
    let server = Postgres::start(&[
        "log_destination=stderr",
        "log_min_duration_statement=0",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
        "max_parallel_workers_per_gather=0",
        // the planner is to go by the key, whatever it takes the disk for
        "enable_seqscan=off",
    ]);
    server.sql(TABLES);
    let daemon = Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n\
         [[slow_log]]\npath = \"{}\"\nformat = \"postgres-stderr\"\ndatabase = \"shop\"\n\
         [window]\nrecent = \"20s\"\nlong_every = \"20s\"\n\
         [detect.cacheable-read]\nmin_span = \"30s\"\n",
        server.log("log").display()
    ))
    .start();
    let mut traffic = habits(&server);
    look_alikes(&mut traffic, || server.session());
    let advice = [
        await_finding(&daemon, "unbounded-aggregate", "FROM ledger"),
        await_finding(&daemon, "needless-count", "FROM orders"),
        await_finding(&daemon, "cacheable-read", "FROM sales"),
    ];
    for found in advice {
        assert_eq!(found["urgency"], "chronic", "advice, no alarm: {found:#}");
    }
    wait_for("what resembles them, seen", || {
        let seen = daemon.items("queries?from=30m&limit=1000");
        let is_seen = |part: &&str| seen.iter().any(|q| template(q).contains(*part));
        ALIKE.iter().all(is_seen).then_some(())
    });
    let found = daemon.items("findings?from=30m&limit=1000");
    let resembles = |text: &str| ALIKE.iter().any(|part| text.contains(part));
    let wrong: Vec<_> = found
        .iter()
        .filter(|f| f["urgency"] == "chronic" && resembles(template(f)))
        .filter(|f| f["detector"] != "load-hog")
        .collect();
    assert!(wrong.is_empty(), "false advice: {wrong:#?}");
}

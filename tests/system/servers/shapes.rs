//! Statements whose shape or habit is the fault, on real servers: found, and over when they are written as advised;
//! those on tables called `well…` resemble them and are none.

use std::process::Command;
use std::time::Duration;

use super::detectors::{PACE, assert_all_ends, await_finding, finding, remedies, template};
use super::workload::Traffic;
use crate::support::daemon::Daemon;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::wait_for;

/// Chronic detectors look often and incidents end soon: the test is minutes long, not hours; and what is much in five
/// minutes is less in twenty seconds of a busy machine.
const HASTE: &str = "[window]\nrecent = \"20s\"\nlong_every = \"20s\"\n\
     [incident]\nquiet_after = \"20s\"\nresolve_after = \"10s\"\n\
     [detect.cacheable-read]\nmin_span = \"30s\"\n\
     [detect.heavy-column]\nmin_total_bytes = \"4MiB\"\n";

fn beside(log: &std::path::Path, format: &str) -> Daemon {
    let log = log.display();
    Daemon::new(&format!(
        "[general]\nservice = \"shop\"\n\
         [[slow_log]]\npath = \"{log}\"\nformat = \"{format}\"\ndatabase = \"shop\"\n{HASTE}"
    ))
    .start()
}

const WELL: &str = "CREATE TABLE well (id INT PRIMARY KEY, owner INT, at DATETIME, pad VARCHAR(40), KEY (owner), KEY (at), KEY (pad));
     CREATE TABLE well_regions (id INT PRIMARY KEY, name VARCHAR(20));
     CREATE TABLE well_docs (id INT PRIMARY KEY, body MEDIUMTEXT);
     INSERT INTO well SELECT seq, seq % 5000, '2020-01-01' + INTERVAL seq MINUTE, concat('pad ', seq) FROM seq_1_to_100000;
     INSERT INTO well_regions SELECT seq, concat('region ', seq) FROM seq_1_to_40;
     INSERT INTO well_docs SELECT seq, repeat('text ', 20000) FROM seq_1_to_20;
     ANALYZE TABLE well;";

/// Each is asked in a form that no index serves.
const SICK_FORMS: &str = "CREATE TABLE posts (id INT PRIMARY KEY, title VARCHAR(60));
         CREATE TABLE draws (id INT PRIMARY KEY, title VARCHAR(60));
         CREATE TABLE visits (id INT PRIMARY KEY, at DATETIME, KEY (at));
         CREATE TABLE words (id INT PRIMARY KEY, title VARCHAR(60), KEY (title));
         INSERT INTO posts SELECT seq, concat('title ', seq) FROM seq_1_to_400000;
         INSERT INTO draws SELECT seq, concat('title ', seq) FROM seq_1_to_200000;
         INSERT INTO visits SELECT seq, '2020-01-01' + INTERVAL seq * 5 MINUTE FROM seq_1_to_400000;
         INSERT INTO words SELECT seq, md5(seq) FROM seq_1_to_300000;
         ANALYZE TABLE posts, draws, visits, words;";

/// Each is asked for more than is shown.
const WASTE: &str = "CREATE TABLE articles (id INT PRIMARY KEY, author INT, title VARCHAR(60), body MEDIUMTEXT, KEY (author));
         CREATE TABLE ledger (id INT PRIMARY KEY, owner INT, amount INT, pad VARCHAR(60), KEY (owner));
         CREATE TABLE orders (id INT PRIMARY KEY, shop INT, state INT, total INT, KEY (shop));
         CREATE TABLE sales (id INT PRIMARY KEY, item INT, sold INT);
         INSERT INTO articles SELECT seq, seq % 20, concat('title ', seq), repeat('text ', 4000) FROM seq_1_to_1000;
         INSERT INTO ledger SELECT seq, IF(seq <= 150000, seq % 10, seq % 20000 + 100), 1, repeat('x', 50) FROM seq_1_to_600000;
         INSERT INTO orders SELECT seq, IF(seq <= 100000, seq % 5, seq % 20000 + 100), seq % 2, 1 FROM seq_1_to_500000;
         INSERT INTO sales SELECT seq, seq % 100, seq % 7 FROM seq_1_to_9000;
         ANALYZE TABLE articles, ledger, orders, sales;";

/// The same on PostgreSQL, where the look-alike has its index.
const SICK_FORMS_OF_POSTGRES: &str = "CREATE TABLE people (id INT PRIMARY KEY, email TEXT);
         CREATE TABLE words (id INT PRIMARY KEY, title TEXT);
         CREATE TABLE posts (id INT PRIMARY KEY, title TEXT);
         CREATE TABLE draws (id INT PRIMARY KEY, title TEXT);
         CREATE TABLE well (id INT PRIMARY KEY, email TEXT);
         INSERT INTO people SELECT i, 'P' || i || '@x.example' FROM generate_series(1, 400000) i;
         INSERT INTO words SELECT i, md5(i::text) FROM generate_series(1, 300000) i;
         INSERT INTO posts SELECT i, md5(i::text) FROM generate_series(1, 600000) i;
         INSERT INTO draws SELECT i, md5(i::text) FROM generate_series(1, 200000) i;
         INSERT INTO well SELECT i, 'P' || i || '@x.example' FROM generate_series(1, 100000) i;
         CREATE INDEX ON well (lower(email));
         ANALYZE;";

/// Each resembles one of the faults.
fn well(n: u64) -> String {
    let id = n * 7919 % 100_000 + 1;
    match n % 11 {
        0 => format!(
            "SELECT id, pad FROM well ORDER BY id LIMIT 20 OFFSET {}",
            n % 100
        ),
        1 => "SELECT name FROM well_regions ORDER BY RAND() LIMIT 3".to_owned(),
        2 => format!(
            "SELECT id FROM well_regions WHERE LOWER(name) = 'region {}'",
            n % 40
        ),
        3 => format!(
            "SELECT id FROM well WHERE owner = {} AND DATE(at) = '2020-02-01'",
            n % 5000
        ),
        4 => format!("SELECT id FROM well WHERE pad LIKE 'pad {id}%'"),
        5 => "SELECT id FROM well WHERE at > DATE_SUB(NOW(), INTERVAL 1 DAY)".to_owned(),
        6 => format!("SELECT body FROM well_docs WHERE id = {}", n % 20 + 1),
        7 => format!("SELECT COUNT(*) FROM well WHERE owner = {}", n % 5000),
        8 => format!("SELECT id FROM well WHERE owner = {} LIMIT 10", n % 5000),
        9 => format!(
            "UPDATE well_regions SET name = 'region {n}' WHERE id = {}",
            n % 40
        ),
        _ => "SELECT name FROM well_regions".to_owned(),
    }
}

fn look_alikes(traffic: &mut Traffic, session: impl Fn() -> Command) {
    // Two sessions do not want the same rows at the same moment.
    for who in 0..2_u64 {
        let own = move |n| well(n + who * 49_999);
        traffic.session(session(), Duration::from_millis(30), own);
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
    assert!(seen >= 8, "{seen} statements that look alike were seen");
}

/// Of all that is found of one statement, its form is named as the cause and not the scan that follows from it.
fn assert_the_form_is_the_cause(daemon: &Daemon) {
    let forms = ["deep-offset", "non-sargable", "random-order"];
    wait_for("incidents that forms cause", || {
        let incidents = daemon.items("incidents");
        let mut causes = incidents.iter().map(|i| i["cause"]["finding"].as_str());
        let named = causes.all(|cause| cause.is_some_and(|cause| forms.contains(&cause)));
        (named && !incidents.is_empty()).then_some(())
    });
}

fn sick_forms(server: &MariaDb) -> Traffic {
    let mut traffic = Traffic::new();
    traffic.session(server.session(), PACE, |n| {
        format!(
            "SELECT id, title FROM posts ORDER BY id LIMIT 20 OFFSET {}",
            300_000 + n * 20
        )
    });
    traffic.session(server.session(), PACE, |_| {
        "SELECT id, title FROM draws ORDER BY RAND() LIMIT 3".to_owned()
    });
    traffic.session(server.session(), PACE, |n| {
        format!(
            "SELECT id FROM visits WHERE DATE(at) = '2021-01-{:02}'",
            n % 28 + 1
        )
    });
    traffic.session(server.session(), PACE, |n| {
        format!(
            "SELECT id FROM words WHERE title LIKE '%{:06x}%'",
            n + 1_000_000
        )
    });
    traffic
}

/// The same questions as the remedies say.
fn rewritten(server: &MariaDb) -> Traffic {
    let mut cured = Traffic::new();
    cured.session(server.session(), PACE, |n| match n % 3 {
        0 => format!(
            "SELECT id, title FROM posts WHERE id > {} ORDER BY id LIMIT 20",
            300_000 + n
        ),
        1 => format!(
            "SELECT id FROM draws WHERE id >= {} ORDER BY id LIMIT 3",
            n * 7919 % 200_000
        ),
        _ => {
            let day = n % 27 + 1;
            let next = day + 1;
            format!(
                "SELECT id FROM visits WHERE at >= '2021-01-{day:02}' AND at < '2021-01-{next:02}'"
            )
        }
    });
    cured
}

fn healthy_on_postgres(server: &Postgres) -> Traffic {
    let mut healthy = Traffic::new();
    healthy.session(server.session(), Duration::from_millis(30), |n| {
        match n % 3 {
            0 => format!("SELECT id FROM well WHERE lower(email) = 'p{n}@x.example'"),
            1 => format!(
                "SELECT id FROM well ORDER BY id LIMIT 20 OFFSET {}",
                n % 100
            ),
            _ => "SELECT id FROM well TABLESAMPLE SYSTEM (0.01) LIMIT 3".to_owned(),
        }
    });
    healthy
}

#[test]
fn forms_that_no_index_serves_are_found_and_end_when_they_are_rewritten() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(WELL);
    server.sql(SICK_FORMS);
    let daemon = beside(&server.slow_log(), "mysql-slow");
    let mut healthy = Traffic::new();
    look_alikes(&mut healthy, || server.session());
    let traffic = sick_forms(&server);
    await_finding(&daemon, "deep-offset", "FROM posts");
    await_finding(&daemon, "random-order", "FROM draws");
    let date = await_finding(&daemon, "non-sargable", "FROM visits");
    await_finding(&daemon, "non-sargable", "FROM words");
    let instead =
        serde_json::json!({"kind": "clause", "role": "use_instead", "text": "at >= ? AND at < ?"});
    let evidence = date["evidence"].as_array().cloned().unwrap_or_default();
    assert!(evidence.contains(&instead), "{date:#}");
    assert_the_form_is_the_cause(&daemon);

    drop(traffic);
    let _cured = rewritten(&server);
    assert_all_ends(&daemon);
    assert_the_well_are_silent(&daemon);
}

#[test]
fn habits_that_waste_are_advice_and_open_no_incident() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(WELL);
    server.sql(WASTE);
    let daemon = beside(&server.slow_log(), "mysql-slow");
    let mut traffic = Traffic::new();
    look_alikes(&mut traffic, || server.session());
    traffic.session(server.session(), PACE, |n| {
        format!(
            "SELECT * FROM articles WHERE author = {} ORDER BY id LIMIT 50",
            n % 20
        )
    });
    traffic.session(server.session(), PACE, |n| {
        format!("SELECT SUM(amount) FROM ledger WHERE owner = {}", n % 10)
    });
    traffic.session(server.session(), PACE / 2, |n| {
        let of_shop = format!("FROM orders WHERE shop = {} AND state = 1", n / 2 % 5);
        match n % 2 {
            0 => format!("SELECT COUNT(*) {of_shop}"),
            _ => format!("SELECT id, total {of_shop} ORDER BY id LIMIT 20"),
        }
    });
    // As fast as it can: the load is the same on any machine.
    traffic.session(server.session(), Duration::from_millis(2), |_| {
        "SELECT item, SUM(sold) FROM sales GROUP BY item ORDER BY 2 DESC LIMIT 10".to_owned()
    });
    let advice = [
        await_finding(&daemon, "heavy-column", "FROM articles"),
        await_finding(&daemon, "unbounded-aggregate", "FROM ledger"),
        await_finding(&daemon, "needless-count", "FROM orders"),
        await_finding(&daemon, "cacheable-read", "FROM sales"),
    ];
    for found in advice {
        assert_eq!(found["urgency"], "chronic", "advice, no alarm: {found:#}");
    }
    let ledger = finding(&daemon, "cacheable-read", "UPDATE");
    assert_eq!(ledger, None, "a change is no read");
    assert_the_well_are_silent(&daemon);
}

#[test]
fn an_index_over_the_expression_cures_on_postgresql() {
    let server = Postgres::start(&[
        "log_destination=stderr",
        "log_min_duration_statement=0",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
        "max_parallel_workers_per_gather=0",
    ]);
    server.sql(SICK_FORMS_OF_POSTGRES);
    let daemon = beside(&server.log("log"), "postgres-stderr");
    let _healthy = healthy_on_postgres(&server);
    let mut traffic = Traffic::new();
    traffic.session(server.session(), PACE, |n| {
        format!("SELECT id FROM people WHERE lower(email) = 'p{n}@x.example'")
    });
    traffic.session(server.session(), PACE, |n| {
        format!(
            "SELECT id FROM words WHERE title ILIKE '%{:06x}%'",
            n + 1_000_000
        )
    });
    let mut forms = Traffic::new();
    forms.session(server.session(), PACE, |n| {
        format!(
            "SELECT id, title FROM posts ORDER BY id LIMIT 20 OFFSET {}",
            500_000 + n * 20
        )
    });
    forms.session(server.session(), PACE, |_| {
        "SELECT id, title FROM draws ORDER BY random() LIMIT 3".to_owned()
    });
    await_finding(&daemon, "deep-offset", "FROM posts");
    await_finding(&daemon, "random-order", "FROM draws");
    let people = await_finding(&daemon, "non-sargable", "FROM people");
    let words = await_finding(&daemon, "non-sargable", "FROM words");
    drop(forms);
    let cures: Vec<String> = [&people, &words]
        .iter()
        .flat_map(|found| remedies(found, "CREATE"))
        .collect();
    assert_eq!(cures.len(), 3, "two indexes and an extension: {cures:#?}");
    for sql in cures {
        server.sql(&sql);
    }
    assert_all_ends(&daemon);
    let found = daemon.items("findings?from=30m&limit=1000");
    let wrong: Vec<_> = found
        .iter()
        .filter(|f| template(f).contains("well"))
        .collect();
    assert!(wrong.is_empty(), "false alarms: {wrong:#?}");
}

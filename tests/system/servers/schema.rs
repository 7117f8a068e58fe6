//! Indexes that a schema lacks: dumped by the server's own tool, proposed from its log, applied as they are written.
//!
//! Each cure is proven twice: with a new dump, in which the index stands, and with the old one, by what the log shows.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::process::run;

/// Runs of each statement.
const RUNS: usize = 4;

/// The load at which a statement matters here: four runs keep no connection busy for a minute. Whether an index is
/// missing is for the rows to say, of those that lack none too.
const MIN_LOAD: (&str, &str) = ("SQLEUTH__DETECT__MISSING_INDEX__MIN_LOAD", "0.0001");

/// Statements that lack an index, and what they lack.
const SICK: [(&str, &str); 5] = [
    (
        "SELECT id FROM customers WHERE email = 'c77@x.example'",
        "customers (email)",
    ),
    (
        "SELECT id, total FROM orders WHERE status = 'open' AND customer_id = 7 ORDER BY created_at DESC LIMIT 5",
        "orders (status, customer_id, created_at)",
    ),
    (
        "SELECT i.sku FROM orders o JOIN items i ON i.order_id = o.id WHERE o.id = 4711",
        "items (order_id)",
    ),
    (
        "UPDATE items SET quantity = 2 WHERE sku = 'sku-99'",
        "items (sku)",
    ),
    (
        "SELECT l_quantity FROM lineitem WHERE l_partkey = 31 AND l_shipdate > '2026-01-09'",
        "lineitem (l_partkey, l_shipdate)",
    ),
];

/// Statements that lack none, on the same tables.
const WELL: [&str; 6] = [
    "SELECT email FROM customers WHERE id = 9",
    "SELECT total FROM orders ORDER BY id DESC LIMIT 10",
    "SELECT COUNT(*) FROM customers WHERE region = 3",
    "SELECT SUM(l_quantity) FROM lineitem WHERE l_orderkey = 12",
    "SELECT o.total FROM customers c JOIN orders o ON o.id = c.id WHERE c.region = 4 AND c.id < 900",
    "SELECT id FROM customers WHERE id < 900 AND (email LIKE '%77%' OR region = 999)",
];

const TABLES: &str = "CREATE TABLE customers (id INT PRIMARY KEY, email VARCHAR(60) NOT NULL, region INT);
     CREATE INDEX by_region ON customers (region);
     CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT NOT NULL, status VARCHAR(10) NOT NULL, total INT, created_at TIMESTAMP NOT NULL);
     CREATE TABLE items (id INT PRIMARY KEY, order_id INT NOT NULL, sku VARCHAR(30), quantity INT);
     CREATE TABLE lineitem (l_orderkey INT NOT NULL, l_linenumber INT NOT NULL, l_partkey INT NOT NULL, l_quantity INT, l_shipdate DATE, PRIMARY KEY (l_orderkey, l_linenumber));";

fn digest(log: &Path, schema: &Path) -> Value {
    let output = run(Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .env(MIN_LOAD.0, MIN_LOAD.1)
        .args(["digest", "--format", "json", "--schema"])
        .arg(schema)
        .arg(log));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("schema"), "the dump is read whole: {told}");
    serde_json::from_slice(&output.stdout).expect("digest prints JSON")
}

/// What `missing-index` proposes.
fn proposals(digest: &Value) -> BTreeSet<String> {
    let findings = digest["findings"].as_array().expect("findings");
    let found = findings.iter().filter(|f| f["detector"] == "missing-index");
    let remedies = found.flat_map(|f| f["remedies"].as_array().cloned().unwrap_or_default());
    remedies
        .filter_map(|r| r["sql"].as_str().map(str::to_owned))
        .collect()
}

/// A server of either kind.
struct Server<'a> {
    sql: &'a dyn Fn(&str) -> String,
    /// A client that reads statements from a pipe: to start one for each would take longer than they do.
    session: &'a dyn Fn() -> Command,
    dump: &'a dyn Fn() -> String,
    /// Waits until all is logged.
    settle: &'a dyn Fn(),
    log: &'a Path,
}

impl Server<'_> {
    /// Runs everything some times and returns what is proposed by the dump in `schema`.
    fn proposals(&self, dir: &Path, schema: &Path) -> BTreeSet<String> {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |m| m.len());
        (self.settle)();
        let begin = usize::try_from(length(self.log)).expect("it fits");
        let sick = SICK.iter().map(|(statement, _)| *statement);
        let once: Vec<&str> = sick.chain(WELL).collect();
        let once = once.join(";\n") + ";\n";
        let all = dir.join("statements.sql");
        std::fs::write(&all, once.repeat(RUNS)).expect("the directory can be written");
        let statements = std::fs::File::open(&all).expect("it was just written");
        let mut session = (self.session)();
        session.stdin(statements).stdout(Stdio::null());
        let done = session.status().expect("the client is installed");
        assert!(done.success(), "the statements run");
        (self.settle)();
        let text = std::fs::read(self.log).expect("the server's log can be read");
        let part = dir.join("part.log");
        std::fs::write(&part, &text[begin..]).expect("the directory can be written");
        proposals(&digest(&part, schema))
    }

    /// Every index is proposed, applied as it is written, and proposed no more.
    fn assert_cured(&self) {
        let dir = tempfile::TempDir::new().expect("a temporary directory");
        let schema = |name: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, (self.dump)()).expect("the directory can be written");
            path
        };
        let before = schema("before.sql");
        let proposed = self.proposals(dir.path(), &before);
        println!("{proposed:#?}");
        for (statement, lacks) in SICK {
            let is = |sql: &&String| {
                let (table, columns) = lacks.split_once(' ').expect("table and columns");
                sql.contains(table) && sql.contains(columns)
            };
            assert!(
                proposed.iter().any(|sql| is(&sql)),
                "{statement} lacks {lacks}: {proposed:#?}"
            );
        }
        assert_eq!(
            proposed.len(),
            SICK.len(),
            "and nothing else: {proposed:#?}"
        );
        for sql in &proposed {
            (self.sql)(sql);
        }
        let after = schema("after.sql");
        for dump in [before, after] {
            let left = self.proposals(dir.path(), &dump);
            assert!(left.is_empty(), "{}: {left:#?}", dump.display());
        }
    }
}

#[test]
fn indexes_that_mariadb_lacks_are_proposed_and_cure() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(TABLES);
    server.sql(
        "INSERT INTO customers SELECT seq, concat('c', seq, '@x.example'), seq % 400 FROM seq_1_to_300000;
         INSERT INTO orders SELECT seq, seq % 9000, IF(seq % 3, 'open', 'paid'), seq, '2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_200000;
         INSERT INTO items SELECT seq, seq % 50000, concat('sku-', seq % 20000), 1 FROM seq_1_to_200000;
         INSERT INTO lineitem SELECT seq DIV 4, seq % 4, seq % 5000, 1, '2026-01-01' + INTERVAL seq % 30 DAY FROM seq_1_to_200000;
         ANALYZE TABLE customers, orders, items, lineitem;",
    );
    let log = server.slow_log();
    Server {
        sql: &|sql| server.sql(sql),
        session: &|| server.session(),
        dump: &|| server.dump(),
        settle: &|| server.settle(),
        log: &log,
    }
    .assert_cured();
}

#[test]
fn indexes_that_postgresql_lacks_are_proposed_and_cure() {
    let server = Postgres::start(&[
        "log_destination=stderr",
        "log_min_duration_statement=0",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "max_parallel_workers_per_gather=0",
    ]);
    server.sql(TABLES);
    server.sql(
        "INSERT INTO customers SELECT i, 'c' || i || '@x.example', i % 400 FROM generate_series(1, 300000) i;
         INSERT INTO orders SELECT i, i % 9000, CASE WHEN i % 3 > 0 THEN 'open' ELSE 'paid' END, i, '2026-01-01'::timestamp + i * interval '1 minute' FROM generate_series(1, 200000) i;
         INSERT INTO items SELECT i, i % 50000, 'sku-' || i % 20000, 1 FROM generate_series(1, 200000) i;
         INSERT INTO lineitem SELECT i / 4, i % 4, i % 5000, 1, '2026-01-01'::date + i % 30 FROM generate_series(1, 200000) i;",
    );
    server.sql("VACUUM ANALYZE");
    let log = server.log("log");
    Server {
        sql: &|sql| server.sql(sql),
        session: &|| server.session(),
        dump: &|| server.dump(),
        settle: &|| server.settle(&["log"]),
        log: &log,
    }
    .assert_cured();
}

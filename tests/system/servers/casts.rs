//! Columns that a server converts in every row: planted beside look-alikes, found with the server's own dump, cured as
//! the finding says.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::process::run;
use crate::support::wait_for;

/// Runs of each statement, one right after the other.
const RUNS: usize = 30;

/// The load at which a statement matters here: 30 runs keep no connection busy for a minute. Whether a column is
/// converted is for the rows to say, of the look-alikes too.
const MIN_LOAD: (&str, &str) = ("SQLEUTH__DETECT__IMPLICIT_CAST__MIN_LOAD", "0.0001");

/// A statement, and how it is written so that no column is converted; empty where the schema is to be changed.
struct Sick {
    statement: &'static str,
    instead: &'static str,
    column: &'static str,
}

const fn sick(statement: &'static str, instead: &'static str, column: &'static str) -> Sick {
    Sick {
        statement,
        instead,
        column,
    }
}

/// A server of either kind.
struct Server<'a> {
    sql: &'a dyn Fn(&str) -> String,
    session: &'a dyn Fn() -> Command,
    dump: &'a dyn Fn() -> String,
    /// Waits until all is logged.
    settle: &'a dyn Fn(),
    log: &'a Path,
}

impl Server<'_> {
    /// Runs the statements some times each and returns what is found with a dump of now.
    fn found(&self, statements: &[&str]) -> Vec<Value> {
        let dir = TempDir::new().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        let read = || std::fs::read(self.log).expect("the server's log can be read");
        // what the last dump has asked is none of these
        (self.settle)();
        let begin = read().len();
        let mut all = String::new();
        for statement in statements {
            writeln!(all, "{statement};").expect("a string takes all");
        }
        let last = format!("SELECT 'end-{begin}';\n");
        std::fs::write(path("all.sql"), all.repeat(RUNS) + &last).expect("it can be written");
        let mut session = (self.session)();
        session
            .stdin(std::fs::File::open(path("all.sql")).expect("it was just written"))
            .stdout(Stdio::null());
        assert!(session.status().expect("the client runs").success());
        let end = format!("end-{begin}");
        let text = wait_for("the last statement in the log", || {
            let tail = String::from_utf8_lossy(&read()[begin..]).into_owned();
            tail.contains(&end).then_some(tail)
        });
        std::fs::write(path("part.log"), text).expect("it can be written");
        std::fs::write(path("schema.sql"), (self.dump)()).expect("it can be written");
        let output = run(Command::new(env!("CARGO_BIN_EXE_sqleuth"))
            .env(MIN_LOAD.0, MIN_LOAD.1)
            .args(["digest", "--format", "json", "--schema"])
            .arg(path("schema.sql"))
            .arg(path("part.log")));
        let digest: Value = serde_json::from_slice(&output.stdout).expect("digest prints JSON");
        let findings = digest["findings"].as_array().cloned().unwrap_or_default();
        let is_cast = |f: &Value| f["detector"] == "implicit-cast";
        findings.into_iter().filter(is_cast).collect()
    }

    fn assert_cured(&self, sick: &[Sick], well: &[&str]) {
        let mut found = Vec::new();
        for sick in sick {
            let one = self.found(&[sick.statement]);
            let named = one.iter().any(|f| {
                f["evidence"]
                    .to_string()
                    .contains(&format!("\"{} ", sick.column))
            });
            assert!(
                named,
                "{} converts {}: {one:#?}",
                sick.statement, sick.column
            );
            found.extend(one);
        }
        assert_eq!(found.len(), sick.len(), "and nothing else: {found:#?}");
        for statement in well {
            let found = self.found(&[statement]);
            assert!(found.is_empty(), "{statement} converts nothing: {found:#?}");
        }
        let remedies = found.iter().filter_map(|f| f["remedies"].as_array());
        let changes: Vec<&str> = remedies
            .flatten()
            .filter_map(|r| r["sql"].as_str())
            .collect();
        // A number may be quoted, or the column made a number: the statements are rewritten, the rest is applied.
        for sql in changes.into_iter().filter(|sql| sql.contains("names")) {
            println!("{sql}");
            (self.sql)(sql);
        }
        for sick in sick {
            let cured = if sick.instead.is_empty() {
                sick.statement
            } else {
                sick.instead
            };
            let left = self.found(&[cured]);
            assert!(left.is_empty(), "{cured}: {left:#?}");
        }
    }
}

#[test]
fn columns_that_mariadb_converts_are_found_and_cured() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    server.sql(
        "CREATE TABLE customers (id INT PRIMARY KEY, phone VARCHAR(20) NOT NULL, region INT, joined_at DATETIME NOT NULL, KEY by_phone (phone), KEY by_region (region), KEY by_joined (joined_at)) CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
         CREATE TABLE calls (id INT PRIMARY KEY, caller BIGINT, caller_bin VARCHAR(20) COLLATE utf8mb4_bin, caller_name VARCHAR(20)) CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
         CREATE TABLE names (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, KEY by_name (name)) CHARSET=latin1;
         INSERT INTO customers SELECT seq, concat('0', seq), seq % 30000, '2020-01-01' + INTERVAL seq MINUTE FROM seq_1_to_60000;
         INSERT INTO calls SELECT seq, seq, concat('0', seq), concat('n', seq) FROM seq_1_to_2000;
         INSERT INTO names SELECT seq, concat('n', seq) FROM seq_1_to_60000;
         ANALYZE TABLE customers, calls, names;",
    );
    let log = server.slow_log();
    let sick = [
        sick(
            "SELECT id FROM customers WHERE phone = 4711",
            "SELECT id FROM customers WHERE phone = CAST('04711' AS CHAR)",
            "customers.phone",
        ),
        sick(
            "SELECT region FROM customers WHERE phone IN (7, 8, 9)",
            "SELECT region FROM customers WHERE phone IN ('07', '08', '09')",
            "customers.phone",
        ),
        sick(
            "SELECT id FROM customers WHERE joined_at LIKE '2020-01-02 03:04%'",
            "SELECT id FROM customers WHERE joined_at >= '2020-01-02 03:04' AND joined_at < '2020-01-02 03:05'",
            "customers.joined_at",
        ),
        sick(
            "SELECT n.id FROM calls c JOIN names n ON n.name = c.caller_name WHERE c.id = 7",
            "",
            "names.name",
        ),
        sick(
            "SELECT u.region FROM calls c JOIN customers u ON u.phone = c.caller WHERE c.id = 7",
            "SELECT u.region FROM calls c JOIN customers u ON u.phone = c.caller_bin WHERE c.id = 7",
            "customers.phone",
        ),
    ];
    let well = [
        "SELECT id, region FROM customers WHERE phone = '04711'",
        "SELECT id FROM customers WHERE region = '77'",
        "SELECT id FROM customers WHERE joined_at = 20200102030400",
        "SELECT phone FROM customers WHERE id = 4711 AND phone = 4711",
        "SELECT id FROM customers WHERE phone LIKE '0471%'",
        "SELECT u.id FROM calls c JOIN customers u ON u.phone = c.caller_bin WHERE c.id = 7",
        "SELECT c.id FROM calls c JOIN customers u ON u.region = c.caller_bin WHERE c.id = 7",
        "SELECT COUNT(*), MAX(phone) FROM customers",
    ];
    Server {
        sql: &|sql| server.sql(sql),
        session: &|| server.session(),
        dump: &|| server.dump(),
        settle: &|| server.settle(),
        log: &log,
    }
    .assert_cured(&sick, &well);
}

#[test]
fn columns_that_postgresql_converts_are_found_and_cured() {
    let server = Postgres::start(&[
        "log_destination=stderr",
        "log_min_duration_statement=0",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on",
        "max_parallel_workers_per_gather=0",
    ]);
    server.sql(
        "CREATE TABLE customers (id INT PRIMARY KEY, code CHAR(10) NOT NULL, region INT, price NUMERIC(10,2), joined_at TIMESTAMP NOT NULL, name VARCHAR(20));
         CREATE INDEX by_code ON customers (code);
         CREATE INDEX by_region ON customers (region);
         CREATE INDEX by_price ON customers (price);
         CREATE INDEX by_joined ON customers (joined_at);
         CREATE INDEX by_name ON customers (name);
         INSERT INTO customers SELECT i, 'c' || i, i % 30000, i / 7.0, '2020-01-01'::timestamp + i * interval '1 minute', 'n' || i FROM generate_series(1, 100000) i;",
    );
    server.sql("VACUUM ANALYZE");
    let log = server.log("log");
    let sick = [
        sick(
            "SELECT id, code FROM customers WHERE region = 77.5",
            "SELECT id, code FROM customers WHERE region = CAST(77.5 AS integer)",
            "customers.region",
        ),
        sick(
            "SELECT region FROM customers WHERE id = '4711'::numeric",
            "SELECT region FROM customers WHERE id = '4711'::integer",
            "customers.id",
        ),
        sick(
            "SELECT id FROM customers WHERE code = 'c4711'::text",
            "SELECT id FROM customers WHERE code = CAST('c4711' AS character(10))",
            "customers.code",
        ),
        sick(
            "SELECT id FROM customers WHERE price = 4711::double precision",
            "SELECT id FROM customers WHERE price = CAST(4711 AS numeric(10,2))",
            "customers.price",
        ),
    ];
    let well = [
        "SELECT id, name FROM customers WHERE region = '77'",
        "SELECT id, name FROM customers WHERE id = 4711::bigint",
        "SELECT id, region FROM customers WHERE code = 'c4711'",
        "SELECT id, region FROM customers WHERE price = 4711",
        "SELECT id FROM customers WHERE name = 'n4711'::text",
        "SELECT id FROM customers WHERE joined_at = '2020-01-02'::timestamptz",
        "SELECT id FROM customers WHERE joined_at = '2020-01-02'::date",
        "SELECT count(*), max(region) FROM customers",
    ];
    Server {
        sql: &|sql| server.sql(sql),
        session: &|| server.session(),
        dump: &|| server.dump(),
        settle: &|| server.settle(&["log"]),
        log: &log,
    }
    .assert_cured(&sick, &well);
}

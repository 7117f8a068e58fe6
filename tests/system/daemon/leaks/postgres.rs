//! Values in the logs of PostgreSQL, in every format, in plans, and carried by a container's runtime.

use std::time::Duration;

use super::{CANARY, assert_clean_daemon, talkative, with_canaries};
use crate::daemon::records::{self, Record};
use crate::support::slack::Slack;
use crate::support::wait_for;

/// Records in which a canary stands wherever the server would put a value.
pub(super) const RECORDS: [(&str, &str); 23] = [
    (
        "LOG",
        "duration: 1500.125 ms  statement: SELECT id FROM orders WHERE note = '@@' AND a = ##",
    ),
    (
        "LOG",
        "duration: 1500.125 ms  execute s1: SELECT id FROM orders WHERE note = $1 -- @@",
    ),
    ("DETAIL", "Parameters: $1 = '@@', $2 = '##'"),
    (
        "LOG",
        "duration: 1500.125 ms  statement: SELECT $$@@$$, $t$@@$t$, E'\\'@@', U&'@@', B'1', X'@@'",
    ),
    (
        "LOG",
        "duration: 20.000 ms  statement: CREATE ROLE x PASSWORD '@@'",
    ),
    (
        "LOG",
        "duration: 20.000 ms  statement: SELECT 'say \\'@@\\' ', $\u{e9}$x; @@ $\u{e9}$",
    ),
    (
        "LOG",
        "duration: 20.000 ms  statement: SELECT E'a'\n\t'b\\'@@\\''",
    ),
    ("ERROR", "Card AB##@@1 declined for bob.@@@x.com"),
    ("ERROR", "no object with key \"@@\""),
    (
        "ERROR",
        "duplicate key value violates unique constraint \"orders_note_key\"",
    ),
    ("DETAIL", "Key (note)=(@@) already exists."),
    ("STATEMENT", "INSERT INTO orders (note) VALUES ('@@')"),
    ("ERROR", "invalid input syntax for type integer: \"@@\""),
    ("CONTEXT", "unnamed portal parameter $1 = '@@'"),
    ("STATEMENT", "SELECT id FROM orders WHERE a = '@@'"),
    ("ERROR", "syntax error at or near \"@@\" at character 8"),
    ("QUERY", "SELECT '@@'"),
    ("STATEMENT", "SELEKT '@@' ##"),
    ("ERROR", "canceling statement due to statement timeout"),
    ("HINT", "Try '@@' or ##."),
    ("STATEMENT", "SELECT id FROM orders WHERE note = '@@"),
    ("FATAL", "password authentication failed for user \"@@\""),
    ("DETAIL", "Failing row contains (1, @@, ##)."),
];

/// Runs with plans, whose conditions quote the values of the statement; the last as JSON.
const PLANS: [(&str, &str); 6] = [
    (
        "LOG",
        "duration: 1499.900 ms  plan:\nQuery Text: SELECT id FROM orders WHERE note = '@@' AND a = ##\n\
         Seq Scan on orders  (cost=0.00..9.00 rows=5 width=4) (actual time=0.1..9.9 rows=1 loops=1)\n  \
         Output: id, '@@'::text\n  Filter: ((note = '@@'::text) AND (a = '##'::bigint))\n  Rows Removed by Filter: 99999",
    ),
    (
        "LOG",
        "duration: 1500.125 ms  statement: SELECT id FROM orders WHERE note = '@@' AND a = ##",
    ),
    // a value of two lines, the second of which is like a step
    (
        "LOG",
        "duration: 20.000 ms  plan:\nQuery Text: SELECT id FROM carts WHERE note = 'x\n  ->  Seq Scan on @@'\n\
         Index Scan using carts_note on carts  (cost=0.00..9.00 rows=5 width=4)\n  \
         Index Cond: (note = 'x\n  ->  Seq Scan on @@  (cost=0.00..9.00 rows=5 width=4)\n'::text)",
    ),
    (
        "LOG",
        "duration: 20.000 ms  plan:\nQuery Text: SELECT * FROM f('@@') WHERE x LIKE '%@@%'\n\
         Function Scan on f x  (cost=0.00..9.00 rows=5 width=4)\n  Function Call: f('@@'::text)\n  \
         Filter: (x ~~ '%@@%'::text)",
    ),
    (
        "LOG",
        "duration: 20.000 ms  plan:\nQuery Text: SELECT $1\nQuery Parameters: $1 = '@@'\n\
         Result  (cost=0.00..9.00 rows=5 width=4)\n  One-Time Filter: ('@@'::text = 'x'::text)",
    ),
    (
        "LOG",
        "duration: 20.000 ms  plan:\n{\n  \"Query Text\": \"SELECT id FROM orders WHERE note = '@@'\",\n  \"Plan\": {\n    \
         \"Node Type\": \"Seq Scan\",\n    \"Relation Name\": \"orders\",\n    \"Plan Rows\": 5,\n    \
         \"Output\": [\"id\", \"'@@'::text\"],\n    \"Filter\": \"(note = '@@'::text)\"\n  }\n}",
    ),
];

/// Records of one session, as a server writes them.
pub(super) fn written(records: &[(&str, &str)], write: fn(&[Record<'_>]) -> String) -> String {
    let texts: Vec<_> = records
        .iter()
        .map(|(severity, text)| (*severity, with_canaries(text)))
        .collect();
    let records: Vec<Record<'_>> = texts
        .iter()
        .map(|(severity, text)| (77, *severity, text.as_str()))
        .collect();
    write(&records)
}

/// Writes what `lines` makes until there is a failed run and `runs` statements, and looks everywhere.
fn keeps_quiet(
    format: &str,
    lines: impl Fn() -> String,
    is_seen: fn(&[serde_json::Value]) -> bool,
) {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    let (mut log, daemon) = talkative(dir.path(), format, &slack);
    wait_for("statements and an incident that was told", || {
        log.write(lines());
        std::thread::sleep(Duration::from_millis(500));
        let seen = daemon.items("queries?from=1h&limit=1000");
        (is_seen(&seen) && !slack.parents().is_empty()).then_some(())
    });
    assert_clean_daemon(&daemon, &slack);
}

fn with_failures(seen: &[serde_json::Value]) -> bool {
    let is_failed = |row: &serde_json::Value| row["errors"].as_u64().unwrap_or(0) > 0;
    seen.len() > 4 && seen.iter().any(is_failed)
}

/// A plan was understood: its rows are told.
fn with_plans(seen: &[serde_json::Value]) -> bool {
    seen.len() > 3
        && seen
            .iter()
            .any(|row| row["rows_examined"].is_object() || row["rows_examined"].is_number())
}

#[test]
fn no_value_of_a_postgres_stderr_log_leaves_the_process() {
    keeps_quiet(
        "postgres-stderr",
        || written(&RECORDS, records::stderr),
        with_failures,
    );
}

#[test]
fn no_value_of_a_postgres_json_log_leaves_the_process() {
    keeps_quiet(
        "postgres-json",
        || written(&RECORDS, records::jsonlog),
        with_failures,
    );
}

#[test]
fn no_value_of_a_postgres_csv_log_leaves_the_process() {
    keeps_quiet(
        "postgres-csv",
        || written(&RECORDS, records::csvlog),
        with_failures,
    );
}

#[test]
fn no_value_of_a_log_that_a_container_wrote_leaves_the_process() {
    let lines = || records::docker(&written(&RECORDS, records::stderr));
    assert!(lines().contains(CANARY));
    keeps_quiet("postgres-stderr", lines, with_failures);
}

#[test]
fn no_value_of_a_plan_leaves_the_process() {
    keeps_quiet(
        "postgres-stderr",
        || written(&PLANS, records::stderr),
        with_plans,
    );
    keeps_quiet(
        "postgres-csv",
        || written(&PLANS, records::csvlog),
        with_plans,
    );
}

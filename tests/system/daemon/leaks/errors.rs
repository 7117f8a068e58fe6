//! Values in what programs and servers say of errors.

use std::time::Duration;

use super::{CANARY, NUMBER, assert_clean_daemon, with_canaries};
use crate::daemon::log::{FAST, Log, slack_config};
use crate::daemon::records::{deadlock_of, error_log, now};
use crate::support::daemon::Daemon;
use crate::support::slack::Slack;
use crate::support::wait_for;

/// What programs write of a failure, with a canary wherever a value can stand, quoted or not.
fn application_lines() -> String {
    let at = now("%Y-%m-%d %H:%M:%S%.3f UTC");
    let texts = [
        "ERROR order of @@ failed: bad SQL grammar [SELECT id FROM orders WHERE note = '@@' AND a = ##]; nested exception is java.sql.SQLSyntaxErrorException: Unknown column 'note' in 'where clause' for @@",
        "ERROR java.sql.SQLIntegrityConstraintViolationException: (conn=##) Duplicate entry '@@' for key 'PRIMARY'\n\tat com.shop.@@(Orders.java:7)",
        "ERROR sqlalchemy.exc.IntegrityError: (pymysql.err.IntegrityError) (1062, \"Duplicate entry '@@' for key 'PRIMARY'\")\n[SQL: INSERT INTO orders (note)\nVALUES (%(note)s)]\n[parameters: {'note': @@}]",
        "ERROR org.postgresql.util.PSQLException: ERROR: invalid input syntax for type integer: \"@@\" of @@",
        "ERROR SQLSTATE[42S22]: Column not found: 1054 Unknown column 'note' in 'where clause' (SQL: select id from orders where name = @@ and a = ##)",
        "ERROR SQLSTATE[HY000]: General error: 1364 @@ has no default",
        "ERROR error: select id from orders where note = '@@' - column \"note\" does not exist @@\n    at /app/node_modules/pg-protocol/dist/parser.js:283:98 {\n  detail: 'Key (a)=(@@)'\n}",
        "ERROR pq: value too long for type @@",
        "ERROR java.sql.SQLTransientConnectionException: @@-pool - Connection is not available, request timed out after ##ms.",
        "ERROR PDOException: password of @@ is @@",
    ];
    let texts = texts
        .iter()
        .map(|text| format!("{at} {}", with_canaries(text)));
    let object = serde_json::json!({
        "@timestamp": at.replace(" UTC", "Z").replace(' ', "T"), "level": "error", "user": CANARY, "message": format!("{CANARY} failed"),
        "error": {"type": "QueryFailedError", "message": "column \"note\" does not exist", "query": format!("SELECT id FROM orders WHERE note = '{CANARY}'"),
            "code": "42703", "detail": format!("Key (note)=({CANARY}) already exists."), "parameters": [CANARY, NUMBER]},
    });
    let lines: Vec<String> = texts.chain([object.to_string()]).collect();
    lines.join("\n") + "\n"
}

/// What a server writes into its error log: the statements of a deadlock, users, and whatever it quotes.
fn server_lines() -> String {
    let head = now("%Y-%m-%d %k:%M:%S");
    let lines = [
        "8 [Warning] Access denied for user '@@'@'10.0.0.7' (using password: YES)",
        "8 [Warning] Aborted connection 8 to db: 'shop' user: '@@' host: '10.0.0.7' (Got timeout reading communication packets)",
        "8 [ERROR] Slave SQL: Error 'Duplicate entry '@@' for key 'PRIMARY'' on query. Default database: 'shop'. Query: 'INSERT INTO orders (note) VALUES ('@@', ##)', Internal MariaDB error code: 1062",
        "8 [ERROR] mariadbd: Incorrect integer value: '@@' for column `shop`.`orders`.`a` at row 1",
        "8 [ERROR] Event Scheduler: [root@localhost][shop.e] Data too long for column 'note' at row ##",
        "0 [Warning] Too many connections",
    ];
    let lines = lines.map(|line| format!("{head} {}\n", with_canaries(line)));
    let deadlock = deadlock_of(
        "UPDATE orders SET note = '@@',\nholder = \"@@\" WHERE a = ##",
        "DELETE FROM orders WHERE note LIKE '%@@%' -- @@",
    );
    lines.concat() + &with_canaries(&deadlock)
}

/// Writes what `lines` makes until every one of `codes` is told, and looks everywhere.
fn keeps_quiet(kind: &str, lines: fn() -> String, codes: &[&str]) {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    let path = dir.path().join("errors.log");
    let mut log = Log::create(path.clone());
    let daemon = Daemon::new(&format!(
        "{}{FAST}[telemetry]\nlog = \"trace\"\n[detect.error-burst]\nmin_errors_unknown = 1\nmin_errors = 1\n\
         min_data_errors = 1\n{}",
        error_log(&path, kind),
        slack_config(dir.path(), &slack)
    ))
    .start();
    wait_for("findings and an incident that was told", || {
        log.write(lines());
        std::thread::sleep(Duration::from_millis(300));
        let findings = daemon.items("findings?from=1h&limit=1000");
        let text: String = findings.iter().map(ToString::to_string).collect();
        let is_told = codes
            .iter()
            .all(|code| text.contains(&format!("\"{code}\"")));
        (is_told && !slack.parents().is_empty()).then_some(())
    });
    assert_clean_daemon(&daemon, &slack);
}

#[test]
fn no_value_of_an_applications_log_leaves_the_process() {
    let codes = ["1054", "1062", "1364", "22P02", "42703", "pool-timeout"];
    keeps_quiet("application", application_lines, &codes);
}

#[test]
fn no_value_of_a_servers_error_log_leaves_the_process() {
    keeps_quiet("mysql-error", server_lines, &["1213", "1040", "1045"]);
}

//! Canary strings planted wherever a literal can stand are found nowhere that sqleuth writes.

use std::path::Path;
use std::time::Duration;

use super::log::{Entry, FAST, Log, TOKEN, slack_config};
use crate::support::daemon::Daemon;
use crate::support::process::run;
use crate::support::slack::Slack;
use crate::support::wait_for;

const CANARY: &str = "kanarie";
const NUMBER: &str = "271828182845";

/// Statements with a canary (`@@`) or a tell-tale number (`##`) wherever a literal can stand.
fn statements() -> Vec<String> {
    [
        "SELECT id FROM orders WHERE note = '@@'",
        "SELECT id FROM orders WHERE note = \"@@\"",
        "SELECT id FROM orders WHERE note LIKE '%@@%' -- @@ in a comment",
        "SELECT id FROM orders /* @@ */ WHERE a = ## OR b = 0xC0FFEE AND c = ##.5",
        "INSERT INTO orders (note) VALUES ('@@'), ('it''s @@'), ('\\'@@')",
        "CREATE USER 'x'@'y' IDENTIFIED BY '@@'",
        "ALTER USER x IDENTIFIED WITH mysql_native_password AS '@@'",
        "SET PASSWORD FOR x = PASSWORD('@@')",
        "GRANT ALL ON *.* TO x IDENTIFIED BY '@@'",
        // cut by the log, one behind the other
        "SELECT id FROM orders WHERE note = '@@",
        "SELECT id FROM orders WHERE note LIKE '%@@ @@",
        "SELECT id FROM orders WHERE note = '\\'@@",
        "INSERT INTO orders (note) VALUES (\"it's @@\", '@@",
        "SELEKT broken '@@' FRM ##",
        "LOAD DATA INFILE '@@' INTO TABLE orders",
        "CALL f('@@', ##)",
        "SELECT id FROM orders WHERE note = _utf8mb4'@@' COLLATE utf8mb4_bin",
        "SELECT id FROM orders WHERE note = N'@@' OR note = E'@@'",
        "PREPARE s FROM 'SELECT @@'",
        "PREPARE s FROM \"UPDATE users SET pw='@@' WHERE email='@@'\"",
        "INSERT INTO orders (note) VALUES ('don\\'t tell @@ my password",
        "SELECT id FROM orders WHERE note = 'C:\\' AND c = '@@ # 1'",
        "SELECT id FROM orders WHERE note = \"say \\\"@@\\\" \"",
        "SELECT id FROM orders WHERE note = \"@@\" AND e IN (SELECT f FROM \"q\")",
        "CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $$ let k = @@ $$",
        "CHANGE MASTER TO MASTER_PASSWORD='@@'",
    ]
    .iter()
    .map(|text| text.replace("@@", CANARY).replace("##", NUMBER))
    .collect()
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for canary in [CANARY, NUMBER, TOKEN] {
        let found = bytes
            .windows(canary.len())
            .position(|w| w.eq_ignore_ascii_case(canary.as_bytes()));
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(80)..(at + 80).min(bytes.len())];
            panic!(
                "{canary} leaks in {what}: …{}…",
                String::from_utf8_lossy(around)
            );
        }
    }
}

fn assert_clean_files(dir: &Path) {
    for entry in std::fs::read_dir(dir)
        .expect("the daemon's directory")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            assert_clean_files(&path);
        } else if path.extension().is_none_or(|e| e != "toml") {
            assert_clean(
                &path.display().to_string(),
                &std::fs::read(&path).unwrap_or_default(),
            );
        }
    }
}

/// Lines of a PostgreSQL server log in which a canary stands wherever the server would put a value.
fn postgres_lines() -> Vec<(&'static str, &'static str)> {
    vec![
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
    ]
}

fn now() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    now.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

fn with_canaries(text: &str) -> String {
    text.replace("@@", CANARY).replace("##", NUMBER)
}

fn stderr_lines() -> String {
    let line = |(severity, text): &(&str, &str)| {
        format!(
            "{} [77] app@shop/web {severity}:  {}\n",
            now(),
            with_canaries(text)
        )
    };
    postgres_lines().iter().map(line).collect()
}

/// One object for a message, with what belongs to it.
fn json_lines() -> String {
    let mut objects: Vec<serde_json::Value> = Vec::new();
    for (severity, text) in postgres_lines() {
        let text = with_canaries(text);
        let field = match severity {
            "DETAIL" | "CONTEXT" | "STATEMENT" | "HINT" => severity.to_ascii_lowercase(),
            "QUERY" => "internal_query".to_owned(),
            _ => {
                objects.push(serde_json::json!({
                    "timestamp": now(), "user": "app", "dbname": "shop", "pid": 77, "remote_host": "10.0.0.7",
                    "session_id": "6740.4d", "line_num": objects.len() + 1, "ps": "SELECT", "error_severity": severity,
                    "message": text, "application_name": "web", "backend_type": "client backend", "query_id": 0,
                }));
                continue;
            }
        };
        if let Some(object) = objects.last_mut() {
            object[field] = text.into();
        }
    }
    let lines: Vec<_> = objects.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

/// A daemon at its most talkative, beside a log of some format.
fn talkative(dir: &Path, format: &str, slack: &Slack) -> (Log, Daemon) {
    let log = Log::create(dir.join("slow.log"));
    let config = format!(
        "{}{FAST}[telemetry]\nlog = \"trace\"\n{}",
        log.config().replace("mysql-slow", format),
        slack_config(dir, slack)
    );
    (log, Daemon::new(&config).start())
}

#[test]
fn no_literal_and_no_secret_leaves_the_process() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    let (mut log, daemon) = talkative(dir.path(), "mysql-slow", &slack);
    let statements = statements();
    let incident = wait_for("firing incident", || {
        for sql in &statements {
            log.entry(Entry::scan(sql));
        }
        std::thread::sleep(Duration::from_millis(500));
        daemon
            .items("incidents")
            .into_iter()
            .find(|i| i["state"] == "firing")
    });
    wait_for("message", || (!slack.parents().is_empty()).then_some(()));
    let id = incident["id"].as_str().expect("an incident has an id");
    assert_clean_pages(&daemon);
    assert_clean_incident(&daemon, id);
    assert_clean_elsewhere(&daemon, &slack);
}

#[test]
fn no_value_of_a_postgres_stderr_log_leaves_the_process() {
    postgres_keeps_quiet("postgres-stderr", stderr_lines);
}

#[test]
fn no_value_of_a_postgres_json_log_leaves_the_process() {
    postgres_keeps_quiet("postgres-json", json_lines);
}

/// What programs write of a failure, with a canary wherever a value can stand, quoted or not.
fn application_lines() -> String {
    let at = now();
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

#[test]
fn no_value_of_an_applications_log_leaves_the_process() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    let mut log = Log::create(dir.path().join("app.log"));
    let daemon = Daemon::new(&format!(
        "[[log]]\npath = \"{}\"\nkind = \"application\"\nstart = \"beginning\"\n{FAST}[telemetry]\nlog = \"trace\"\n\
         [detect.error-burst]\nmin_errors_unknown = 1\nmin_errors = 1\nmin_data_errors = 1\n{}",
        dir.path().join("app.log").display(),
        slack_config(dir.path(), &slack)
    ))
    .start();
    let told = wait_for("findings and an incident", || {
        log.write(application_lines());
        std::thread::sleep(Duration::from_millis(300));
        let findings = daemon.items("findings?from=1h&limit=1000");
        let codes = ["1054", "1062", "1364", "22P02", "42703", "pool-timeout"];
        let text: String = findings.iter().map(ToString::to_string).collect();
        let is_told = codes
            .iter()
            .all(|code| text.contains(&format!("\"{code}\"")));
        let incidents = daemon.items("incidents");
        (is_told && !incidents.is_empty()).then_some(incidents)
    });
    wait_for("message", || (!slack.parents().is_empty()).then_some(()));
    assert_clean_pages(&daemon);
    for incident in told {
        let id = incident["id"].as_str().expect("an incident has an id");
        assert_clean_incident(&daemon, id);
    }
    assert_clean_elsewhere(&daemon, &slack);
}

fn postgres_keeps_quiet(format: &str, lines: fn() -> String) {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    let (mut log, daemon) = talkative(dir.path(), format, &slack);
    for _ in 0..5 {
        log.write(lines());
        std::thread::sleep(Duration::from_millis(500));
    }
    wait_for("statements", || {
        let seen = daemon.items("queries?from=1h&limit=1000");
        let is_failed = |row: &serde_json::Value| row["errors"].as_u64().unwrap_or(0) > 0;
        (seen.len() > 4 && seen.iter().any(is_failed)).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_clean_pages(&daemon);
    for incident in daemon.items("incidents") {
        let id = incident["id"].as_str().expect("an incident has an id");
        assert_clean_incident(&daemon, id);
    }
    assert_clean_elsewhere(&daemon, &slack);
}

fn assert_clean_page(daemon: &Daemon, page: &str) {
    let (status, body) = daemon.get(page).expect("sqleuth answers");
    assert_eq!(status, 200, "{page}");
    assert_clean(page, body.as_bytes());
}

fn assert_clean_pages(daemon: &Daemon) {
    for page in [
        "/",
        "/queries",
        "/metrics",
        "/api/v1/queries?from=1h&limit=1000",
        "/api/v1/findings?from=1h",
        "/api/v1/incidents",
    ] {
        assert_clean_page(daemon, page);
    }
    for query in daemon.items("queries?from=1h&limit=1000") {
        let fingerprint = query["fingerprint"].as_str().expect("a query has one");
        assert_clean_page(daemon, &format!("/queries/{fingerprint}"));
        assert_clean_page(daemon, &format!("/api/v1/queries/{fingerprint}"));
    }
}

/// Its page, and its postmortem by API and by command.
fn assert_clean_incident(daemon: &Daemon, id: &str) {
    assert_clean_page(daemon, &format!("/incidents/{id}"));
    assert_clean_page(daemon, &format!("/api/v1/incidents/{id}"));
    assert_clean_page(daemon, &format!("/api/v1/incidents/{id}/postmortem"));
    run(std::process::Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["postmortem", id, "--lang", "ko", "--config"])
        .arg(daemon.path("sqleuth.toml"))
        .arg("--out")
        .arg(daemon.path("postmortem")));
}

/// Slack, and every file of the daemon: database, WAL, log, postmortems.
fn assert_clean_elsewhere(daemon: &Daemon, slack: &Slack) {
    let bodies = slack.raw();
    let without_authorization: Vec<u8> = String::from_utf8_lossy(&bodies)
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("authorization:"))
        .flat_map(|line| line.bytes().chain([b'\n']))
        .collect();
    assert_clean("Slack", &without_authorization);
    assert!(daemon.path("store.db-wal").exists(), "the WAL is looked at");
    assert_clean_files(daemon.dir());
}

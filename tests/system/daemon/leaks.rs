//! Canary strings planted wherever a literal can stand are found nowhere that sqleuth writes.

mod digest;
mod errors;
mod postgres;

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

fn with_canaries(text: &str) -> String {
    text.replace("@@", CANARY).replace("##", NUMBER)
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

/// Everything that the daemon shows, tells and keeps, with all of its incidents.
fn assert_clean_daemon(daemon: &Daemon, slack: &Slack) {
    assert_clean_pages(daemon);
    for incident in daemon.items("incidents") {
        let id = incident["id"].as_str().expect("an incident has an id");
        assert_clean_incident(daemon, id);
    }
    assert_clean_elsewhere(daemon, slack);
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

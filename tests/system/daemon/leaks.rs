//! Canary strings planted wherever a literal can stand are found nowhere that sqleuth writes.

use std::path::Path;
use std::time::Duration;

use super::log::{Entry, Log};
use crate::support::daemon::Daemon;
use crate::support::process::run;
use crate::support::slack::Slack;
use crate::support::wait_for;

const CANARY: &str = "kanarie";
const NUMBER: &str = "271828182845";
const TOKEN: &str = "xoxb-kanarie-token";

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
        "SELECT id FROM orders WHERE note = '@@",
        "SELEKT broken '@@' FRM ##",
        "LOAD DATA INFILE '@@' INTO TABLE orders",
        "CALL f('@@', ##)",
        "SELECT id FROM orders WHERE note = _utf8mb4'@@' COLLATE utf8mb4_bin",
        "SELECT id FROM orders WHERE note = N'@@' OR note = E'@@'",
        "PREPARE s FROM 'SELECT @@'",
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

#[test]
fn no_literal_and_no_secret_leaves_the_process() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    std::fs::write(dir.path().join("token"), TOKEN).expect("the test's directory can be written");
    let mut log = Log::create(dir.path().join("slow.log"));
    log.entry(Entry::quick("SELECT 1"));
    let config = format!(
        "{}[telemetry]\nlog = \"debug\"\n[slack]\ntoken_file = \"{}/token\"\nchannel = \"C1\"\napi_url = \"{}\"\n",
        log.config(),
        dir.path().display(),
        slack.api_url()
    );
    let daemon = Daemon::new(&config).start();
    let statements = statements();
    let incident = wait_for("firing incident", Duration::from_secs(60), || {
        for sql in &statements {
            log.entry(Entry::scan(sql));
        }
        std::thread::sleep(Duration::from_millis(500));
        daemon
            .items("incidents")
            .into_iter()
            .find(|i| i["state"] == "firing")
    });
    wait_for("message", Duration::from_secs(30), || {
        (!slack.parents().is_empty()).then_some(())
    });

    let id = incident["id"]
        .as_str()
        .expect("an incident has an id")
        .to_owned();
    let pages = [
        "/",
        "/queries",
        "/metrics",
        "/api/v1/queries?from=1h",
        "/api/v1/findings?from=1h",
        "/api/v1/incidents",
        &format!("/incidents/{id}"),
        &format!("/api/v1/incidents/{id}"),
        &format!("/api/v1/incidents/{id}/postmortem"),
    ];
    for page in pages {
        let (status, body) = daemon.get(page).expect("sqleuth answers");
        assert_eq!(status, 200, "{page}");
        assert_clean(page, body.as_bytes());
    }
    for query in daemon.items("queries?from=1h&limit=1000") {
        let fingerprint = query["fingerprint"]
            .as_str()
            .expect("a query has a fingerprint")
            .to_owned();
        let (_, body) = daemon
            .get(&format!("/queries/{fingerprint}"))
            .expect("sqleuth answers");
        assert_clean("query page", body.as_bytes());
    }
    assert_clean_elsewhere(&daemon, &slack, &id);
}

/// Postmortem files, Slack, and every file of the daemon.
fn assert_clean_elsewhere(daemon: &Daemon, slack: &Slack, id: &str) {
    let out = daemon.path("postmortem");
    run(std::process::Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["postmortem", id, "--lang", "ko", "--config"])
        .arg(daemon.path("sqleuth.toml"))
        .arg("--out")
        .arg(&out));
    let bodies = slack.raw();
    let without_authorization: Vec<u8> = String::from_utf8_lossy(&bodies)
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("authorization:"))
        .flat_map(|line| line.bytes().chain([b'\n']))
        .collect();
    assert_clean("Slack", &without_authorization);
    assert_clean_files(daemon.dir());
}

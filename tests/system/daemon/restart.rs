//! An outage over restarts and releases of the daemon, and what commands tell of it afterwards.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use super::log::{Entry, FAST, Log, count, slack_config};
use crate::support::daemon::Daemon;
use crate::support::slack::{Call, Slack};
use crate::support::wait_for;

const SICK: &str = "SELECT id FROM orders WHERE note = 'x'";

/// An incident ends seconds after its problem.
const SOON_OVER: &str = "quiet_after = \"2s\"\nresolve_after = \"2s\"\n";

struct Scene {
    dir: tempfile::TempDir,
    slack: Slack,
    log: Log,
    written: u64,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::TempDir::new().expect("a temporary directory");
        Self {
            slack: Slack::start(),
            log: Log::create(dir.path().join("slow.log")),
            dir,
            written: 0,
        }
    }

    fn daemon(&self, slack: &str) -> Daemon {
        Daemon::new(&format!("{}{FAST}{SOON_OVER}{slack}", self.log.config())).start()
    }

    /// Goes on with the load until something is so; returns it.
    fn sick_until<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        wait_for(what, || {
            (0..5).for_each(|_| self.log.entry(Entry::scan(SICK)));
            self.written += 5;
            std::thread::sleep(Duration::from_millis(100));
            ready()
        })
    }

    /// The same while the server has other things to do.
    fn well_until<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        wait_for(what, || {
            self.log
                .entry(Entry::quick("SELECT p FROM pears WHERE id = 1"));
            std::thread::sleep(Duration::from_millis(100));
            ready()
        })
    }
}

/// The incident, when there is one and only one, in this state.
fn only_incident(daemon: &Daemon, state: &str) -> Option<Value> {
    let mut incidents = daemon.items("incidents");
    assert!(incidents.len() < 2, "one outage: {incidents:#?}");
    incidents
        .pop()
        .filter(|incident| incident["state"] == state)
}

fn edits(slack: &Slack) -> Vec<Call> {
    slack.calls().into_iter().filter(Call::is_edit).collect()
}

/// Waits until the store knows of all that was told: what is killed before that tells it again.
fn await_told(daemon: &Daemon) {
    let store =
        rusqlite::Connection::open(daemon.path("store.db")).expect("the daemon has a store");
    wait_for("note of all that was told", || {
        let due = "SELECT count(*) FROM outbox WHERE state = 'due'";
        let due = store.query_row(due, [], |row| row.get::<_, i64>(0)).ok()?;
        (due == 0).then_some(())
    });
}

#[test]
fn load_that_stops_and_comes_back_over_restarts_has_one_message_that_is_edited() {
    let mut scene = Scene::new();
    let slack = scene.slack.clone();
    let mut daemon = scene.daemon(&slack_config(scene.dir.path(), &slack));
    scene.sick_until("message", || (!slack.parents().is_empty()).then_some(()));
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    daemon.restart();
    let over = scene.well_until("end of the incident", || only_incident(&daemon, "resolved"));
    let told = wait_for("edit that tells the end", || edits(&slack).pop());
    await_told(&daemon);
    daemon.kill();
    slack.settle();
    let before = edits(&slack).len();
    daemon.restart();
    let again = scene.sick_until("return of the incident", || {
        only_incident(&daemon, "firing")
    });
    assert_eq!(again["id"], over["id"]);
    wait_for("edit that tells the return", || {
        (edits(&slack).len() > before).then_some(())
    });
    slack.settle();
    assert_eq!(slack.parents().len(), 1);
    for edit in edits(&slack) {
        assert_eq!(edit.body["ts"], told.body["ts"], "of the one message");
    }
}

#[test]
fn an_outage_goes_on_in_the_store_of_an_earlier_release() {
    let mut scene = Scene::new();
    let slack = scene.slack.clone();
    let mut daemon = scene.daemon(&slack_config(scene.dir.path(), &slack));
    scene.sick_until("message", || (!slack.parents().is_empty()).then_some(()));
    let fired = scene.sick_until("incident", || only_incident(&daemon, "firing"));
    await_told(&daemon);
    daemon.kill();
    slack.settle();
    let told = slack.parents().len();
    // As the first schema was, and with identities of another normaliser.
    rusqlite::Connection::open(daemon.path("store.db"))
        .and_then(|store| {
            store.execute_batch(
                "DROP TABLE courses; DROP TABLE traces; DROP TABLE trace_operations; DROP TABLE gaps; PRAGMA user_version = 1;
                 UPDATE statements SET version = 0;
                 UPDATE meta SET value = '0' WHERE name = 'fingerprint_version';",
            )
        })
        .expect("the store of a dead daemon can be changed");
    daemon.restart();
    assert!(
        daemon.log().contains("another identity"),
        "{}",
        daemon.log()
    );
    scene.sick_until("the incident", || only_incident(&daemon, "firing"));
    let written = scene.written;
    wait_for(&format!("{written} runs"), || {
        (count(&daemon, "orders") == written).then_some(())
    });
    let still = scene.sick_until("the incident", || only_incident(&daemon, "firing"));
    assert_eq!(still["id"], fired["id"]);
    slack.settle();
    assert_eq!(slack.parents().len(), told, "it was told before");
    let page = daemon.get("/").expect("sqleuth answers");
    assert_eq!(page.0, 200);
}

fn sqleuth(args: &[&str], config: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(args)
        .arg("--config")
        .arg(config)
        .output()
        .expect("the binary runs")
}

fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn incidents_and_postmortem_tell_what_a_real_store_has_with_and_without_the_daemon() {
    let mut scene = Scene::new();
    let mut daemon = scene.daemon("");
    scene.sick_until("incident", || only_incident(&daemon, "firing"));
    // From here on it is as it is: what the log still holds is told.
    let written = scene.written;
    wait_for("every run", || {
        (count(&daemon, "orders") == written).then_some(())
    });
    let incident = only_incident(&daemon, "firing").expect("the load is of the last minute");
    let id = incident["id"].as_str().expect("an incident has an id");
    let title = incident["title"].as_str().expect("an incident has a title");
    let config = daemon.path("sqleuth.toml");
    for is_running in [true, false] {
        if !is_running {
            assert_eq!(daemon.stop(), Some(0));
        }
        let list = printed(&sqleuth(&["incidents"], &config));
        assert_eq!(list.lines().count(), 1, "{list}");
        for part in [id, "firing", title] {
            assert!(list.contains(part), "{part}: {list}");
        }
        let json = printed(&sqleuth(&["incidents", "--format", "json"], &config));
        let json: Value = serde_json::from_str(&json).expect("one document");
        assert_eq!(json[0]["id"], id);
        assert_eq!(json[0]["started_at"], incident["started_at"]);

        let english = printed(&sqleuth(&["postmortem", id], &config));
        let korean = printed(&sqleuth(&["postmortem", id, "--lang", "ko"], &config));
        for text in [&english, &korean] {
            assert!(
                text.contains(id) && text.contains("FROM orders WHERE note = ?"),
                "{text}"
            );
        }
        assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)));
        assert!(!english.chars().any(|c| ('가'..='힣').contains(&c)));
    }
    let out = daemon.path("written");
    let out_name = out.to_str().expect("paths of tests are UTF-8");
    let place = printed(&sqleuth(&["postmortem", id, "--out", out_name], &config));
    let place = Path::new(place.trim());
    assert!(place.starts_with(&out), "{}", place.display());
    let folder = if place.is_dir() {
        place
    } else {
        place.parent().expect("a folder")
    };
    let files = std::fs::read_dir(folder).expect("it was written").flatten();
    let names: Vec<_> = files.map(|file| file.file_name()).collect();
    assert!(names.iter().any(|name| name == "README.md"), "{names:?}");
    let unknown = sqleuth(&["postmortem", "INC-20000101-1"], &config);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("sqleuth incidents"));
}

#[test]
fn a_webhook_is_told_of_the_beginning_and_the_end_over_a_restart_and_its_address_stays_secret() {
    const SECRET: &str = "hook-secret-0123456789";
    let mut scene = Scene::new();
    let slack = scene.slack.clone();
    let file = scene.dir.path().join("webhook");
    std::fs::write(&file, slack.webhook(SECRET)).expect("the test's directory can be written");
    let hook = format!(
        "[slack]\nwebhook_file = \"{}\"\n[telemetry]\nlog = \"trace\"\n",
        file.display()
    );
    let mut daemon = scene.daemon(&hook);
    let calls = || {
        let mut calls = slack.calls();
        calls.retain(|call| call.method == SECRET);
        calls
    };
    scene.sick_until("message", || (!calls().is_empty()).then_some(()));
    scene.sick_until("incident", || only_incident(&daemon, "firing"));
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    let begun = calls();
    daemon.restart();
    let over = scene.well_until("end of the incident", || only_incident(&daemon, "resolved"));
    wait_for("message of the end", || {
        (calls().len() > begun.len()).then_some(())
    });
    slack.settle();
    let all = calls();
    assert_eq!(all.len(), 2, "a webhook cannot edit: {all:#?}");
    let id = over["id"].as_str().expect("an incident has an id");
    for call in &all {
        let text = call.body["text"]
            .as_str()
            .expect("a text for notifications");
        assert!(
            !text.is_empty() && call.body.to_string().contains(id),
            "{call:?}"
        );
    }
    assert_ne!(
        all[0].body["text"], all[1].body["text"],
        "the end is told as the end"
    );
    assert_eq!(daemon.stop(), Some(0));
    assert!(!daemon.log().contains(SECRET), "{}", daemon.log());
    let store = std::fs::read(daemon.path("store.db")).expect("a store");
    let is_stored = store
        .windows(SECRET.len())
        .any(|part| part == SECRET.as_bytes());
    assert!(!is_stored, "the address is in the store");
}

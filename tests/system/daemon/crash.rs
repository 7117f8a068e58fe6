//! Kill -9 at random points: no statement is lost or counted twice, no alert is lost.

use std::time::Duration;

use super::log::{Entry, Log, count};
use crate::support::daemon::Daemon;
use crate::support::slack::Slack;
use crate::support::wait_for;

const KILLS: u32 = 20;

/// Numbers that differ from run to run and are printed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("SQLEUTH_TEST_SEED")
            .ok()
            .and_then(|s| s.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 0x9E37_79B9);
        println!("SQLEUTH_TEST_SEED={seed}");
        Self(seed)
    }

    fn up_to(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn twenty_kills_lose_and_double_no_statement() {
    let mut dice = Dice::new();
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut log = Log::create(dir.path().join("slow.log"));
    let mut daemon = Daemon::new(&log.config()).start();
    let mut written = [0_u64; 2];
    for _ in 0..KILLS {
        for _ in 0..dice.up_to(400) {
            let table = usize::from(dice.up_to(3) == 0);
            written[table] += 1;
            let sql = [
                "SELECT a FROM apples WHERE id = 7",
                "SELECT p FROM pears WHERE id = 7",
            ][table];
            log.entry(Entry::quick(sql));
            if dice.up_to(40) == 0 {
                std::thread::sleep(Duration::from_millis(dice.up_to(60)));
            }
        }
        std::thread::sleep(Duration::from_millis(dice.up_to(400)));
        daemon.kill();
        daemon.launch();
        std::thread::sleep(Duration::from_millis(dice.up_to(500)));
    }
    daemon.kill();
    daemon.restart();
    let counted = || [count(&daemon, "apples"), count(&daemon, "pears")];
    let mut last = [0; 2];
    let settled = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        last = counted();
        last == written
    });
    assert!(settled, "counted {last:?}, written {written:?}");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(counted(), written, "nothing is counted later");
}

#[test]
fn kills_while_alerting_lose_no_alert_and_double_at_most_the_one_in_flight() {
    let mut dice = Dice::new();
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start();
    std::fs::write(dir.path().join("token"), "xoxb-test")
        .expect("the test's directory can be written");
    let mut log = Log::create(dir.path().join("slow.log"));
    log.entry(Entry::quick("SELECT 1"));
    let config = format!(
        "{}[slack]\ntoken_file = \"{}/token\"\nchannel = \"C1\"\napi_url = \"{}\"\n",
        log.config(),
        dir.path().display(),
        slack.api_url()
    );
    let mut daemon = Daemon::new(&config).start();
    let mut kills = 0;
    while kills < KILLS {
        for _ in 0..6 {
            log.entry(Entry::scan("SELECT id FROM orders WHERE note = 'x'"));
        }
        std::thread::sleep(Duration::from_millis(300 + dice.up_to(1200)));
        daemon.kill();
        kills += 1;
        daemon.launch();
    }
    daemon.kill();
    daemon.restart();
    let incident = wait_for("incident", Duration::from_secs(60), || {
        log.entry(Entry::scan("SELECT id FROM orders WHERE note = 'x'"));
        std::thread::sleep(Duration::from_millis(200));
        daemon
            .items("incidents")
            .into_iter()
            .find(|i| i["state"] == "firing")
    });
    wait_for("message", Duration::from_secs(30), || {
        (!slack.parents().is_empty()).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(daemon.items("incidents").len(), 1, "{incident:#}");
    let parents = slack.parents().len();
    // A message that was accepted when the daemon died before it knew is sent again: once per kill at most, and
    // a parent is posted only until the first acknowledged one.
    assert!((1..=2).contains(&parents), "{parents} parent messages");
}

//! Kill -9 at random points: no statement is lost or counted twice, no alert is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::log::{self, Entry, FAST, Log, count, slack_config};
use super::records::{self, Record};
use crate::support::daemon::Daemon;
use crate::support::slack::Slack;
use crate::support::{PATIENCE, wait_for};

const KILLS: u64 = 20;
/// As long as a real Slack's answer, roughly: some kills hit it.
const SLACK_TAKES: Duration = Duration::from_millis(30);

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

    fn sleep_up_to(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(self.up_to(millis)));
    }
}

/// A log, what is written to it, and how that is counted.
struct Subject {
    /// The configuration that follows it.
    config: fn(&Path) -> String,
    /// Two kinds of entries.
    entries: [fn() -> String; 2],
    /// How often each was told.
    counted: fn(&Daemon) -> [u64; 2],
}

/// Writes entries of both kinds, whole and in halves, and kills the daemon twenty times meanwhile.
fn kills_lose_and_double_nothing_of(subject: &Subject) {
    let mut dice = Dice::new();
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("a.log");
    let mut log = Log::create(path.clone());
    let mut daemon = Daemon::new(&(subject.config)(&path)).start();
    let mut written = [0_u64; 2];
    for _ in 0..KILLS {
        for _ in 0..dice.up_to(400) {
            let kind = usize::from(dice.up_to(3) == 0);
            written[kind] += 1;
            log.write(subject.entries[kind]());
            if dice.up_to(40) == 0 {
                dice.sleep_up_to(60);
            }
        }
        dice.sleep_up_to(400);
        let last = subject.entries[0]();
        let half = usize::try_from(dice.up_to(last.len() as u64)).expect("a short entry");
        log.write(&last.as_bytes()[..half]);
        daemon.kill();
        log.write(&last.as_bytes()[half..]);
        written[0] += 1;
        daemon.launch();
        dice.sleep_up_to(500);
    }
    daemon.kill();
    daemon.restart();
    wait_for(&format!("count {written:?}"), || {
        ((subject.counted)(&daemon) == written).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let counted = (subject.counted)(&daemon);
    assert_eq!(counted, written, "nothing is counted later");
}

fn statements(daemon: &Daemon) -> [u64; 2] {
    [count(daemon, "apples"), count(daemon, "pears")]
}

#[test]
fn twenty_kills_lose_and_double_no_statement() {
    kills_lose_and_double_nothing_of(&Subject {
        config: log::config,
        entries: [
            || Entry::quick("SELECT a FROM apples WHERE id = 7").text(),
            || Entry::quick("SELECT p FROM pears WHERE id = 7").text(),
        ],
        counted: statements,
    });
}

/// A run by the extended protocol, whose parts the parser must put together again.
const EXTENDED: [Record<'_>; 6] = [
    (
        71,
        "LOG",
        "duration: 0.100 ms  parse <unnamed>: SELECT a\nFROM apples WHERE id = $1",
    ),
    (
        71,
        "LOG",
        "duration: 0.200 ms  bind <unnamed>: SELECT a\nFROM apples WHERE id = $1",
    ),
    (71, "DETAIL", "Parameters: $1 = '7'"),
    (
        71,
        "LOG",
        "duration: 0.300 ms  execute <unnamed>: SELECT a\nFROM apples WHERE id = $1",
    ),
    (71, "DETAIL", "Parameters: $1 = '7'"),
    // the portal is closed by the next message of its session
    (71, "LOG", "duration: 0.010 ms  statement: BEGIN"),
];

/// A run whose plan comes before it, while another session writes.
const PLANNED: [Record<'_>; 3] = [
    (
        72,
        "LOG",
        "duration: 9.995 ms  plan:\nQuery Text: SELECT p FROM pears WHERE n = 7\n\
         Seq Scan on pears  (cost=0.00..9.00 rows=5 width=4) (actual time=0.1..9.9 rows=1 loops=1)\n  \
         Filter: (n = 7)\n  Rows Removed by Filter: 99",
    ),
    (73, "LOG", "duration: 0.010 ms  statement: COMMIT"),
    (
        72,
        "LOG",
        "duration: 10.000 ms  statement: SELECT p FROM pears WHERE n = 7",
    ),
];

#[test]
fn twenty_kills_lose_and_double_no_run_of_a_postgres_stderr_log() {
    kills_lose_and_double_nothing_of(&Subject {
        config: |path| log::config(path).replace("mysql-slow", "postgres-stderr"),
        entries: [|| records::stderr(&EXTENDED), || records::stderr(&PLANNED)],
        counted: statements,
    });
}

#[test]
fn twenty_kills_lose_and_double_no_run_of_a_postgres_json_log() {
    kills_lose_and_double_nothing_of(&Subject {
        config: |path| log::config(path).replace("mysql-slow", "postgres-json"),
        entries: [
            || records::jsonlog(&EXTENDED),
            || records::jsonlog(&PLANNED),
        ],
        counted: statements,
    });
}

#[test]
fn twenty_kills_lose_and_double_no_error_of_a_program() {
    kills_lose_and_double_nothing_of(&Subject {
        config: |path| records::error_log(path, "application"),
        entries: [
            || {
                let at = records::now("%Y-%m-%d %H:%M:%S,%3f");
                format!(
                    "{at} ERROR shop order failed\nTraceback (most recent call last):\n  File \"/srv/shop.py\", \
                     line 62, in trying\n    work()\npymysql.err.ProgrammingError: (1146, \"Table 'shop.apples' \
                     doesn't exist\")\n"
                )
            },
            || {
                let at = records::now("%Y-%m-%d %H:%M:%S,%3f");
                format!(
                    "{at} ERROR shop (pymysql.err.OperationalError) (1054, \"Unknown column 'pears' in 'field \
                     list'\")\n[SQL: SELECT pears FROM t]\n"
                )
            },
        ],
        counted: |daemon| {
            [
                records::errors(daemon, "1146"),
                records::errors(daemon, "1054"),
            ]
        },
    });
}

#[test]
fn twenty_kills_lose_and_double_no_error_of_a_server() {
    kills_lose_and_double_nothing_of(&Subject {
        config: |path| records::error_log(path, "mysql-error"),
        entries: [records::deadlock, || {
            let at = records::now("%Y-%m-%d %H:%M:%S");
            format!(
                "{at} 8 [Warning] Aborted connection 8 to db: 'shop' user: 'app' host: '10.0.0.7' (Got timeout \
                     reading communication packets)\n"
            )
        }],
        counted: |daemon| {
            [
                records::errors(daemon, "1213"),
                records::errors(daemon, "1159"),
            ]
        },
    });
}

/// Incidents whose message the store knows; read from a copy, so that the crash stays as it was.
fn known_to_the_store(daemon: &Daemon) -> BTreeSet<String> {
    let copy = tempfile::TempDir::new().expect("a temporary directory");
    for name in ["store.db", "store.db-wal"] {
        // There may be no WAL.
        drop(std::fs::copy(daemon.path(name), copy.path().join(name)));
    }
    read_remotes(&copy.path().join("store.db")).expect("a killed store can be read")
}

fn read_remotes(path: &Path) -> rusqlite::Result<BTreeSet<String>> {
    let connection = Connection::open(path)?;
    let mut statement = connection.prepare("SELECT incident FROM remotes WHERE sink = 'slack'")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// How many messages of its own each incident has.
fn parents(slack: &Slack) -> BTreeMap<String, usize> {
    let mut parents = BTreeMap::new();
    for call in slack.parents() {
        *parents.entry(call.incident().to_owned()).or_default() += 1;
    }
    parents
}

/// What may be told twice: each kill may hit one message that Slack has taken and the store does not know yet.
#[derive(Default)]
struct InFlight {
    before: BTreeMap<String, usize>,
    hit: BTreeMap<String, usize>,
}

impl InFlight {
    fn killed(&mut self, daemon: &Daemon, slack: &Slack) {
        slack.settle();
        let (now, known) = (parents(slack), known_to_the_store(daemon));
        let told_in_this_life = |(incident, n): &(&String, &usize)| {
            self.before.get(*incident).copied().unwrap_or(0) < **n && !known.contains(*incident)
        };
        let hit: Vec<_> = now.iter().filter(told_in_this_life).collect();
        assert!(hit.len() <= 1, "more than one in flight: {hit:?}");
        for (incident, _) in hit {
            *self.hit.entry(incident.clone()).or_default() += 1;
        }
        self.before = now;
    }
}

/// Twenty outages, each with a kill: at a random moment, or right when Slack has heard of it.
#[test]
fn kills_while_alerting_lose_no_alert_and_double_at_most_the_one_in_flight() {
    let mut dice = Dice::new();
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slack = Slack::start_slow(SLACK_TAKES);
    let mut log = Log::create(dir.path().join("slow.log"));
    let config = format!("{}{FAST}{}", log.config(), slack_config(dir.path(), &slack));
    let mut daemon = Daemon::new(&config).start();
    let mut in_flight = InFlight::default();
    let mut heard = 0;
    for (round, table) in (0..KILLS).zip('a'..) {
        let sql = format!("SELECT id FROM orders_{table} WHERE note = 'x'");
        (0..10).for_each(|_| log.entry(Entry::scan(&sql)));
        let patience = match round % 2 {
            0 => PATIENCE,
            _ => Duration::from_millis(dice.up_to(2500)),
        };
        let (begin, known) = (Instant::now(), slack.parents().len());
        while begin.elapsed() < patience && slack.parents().len() == known {
            std::thread::sleep(Duration::from_millis(2));
            if dice.up_to(10) == 0 {
                log.entry(Entry::scan(&sql));
            }
        }
        heard += u64::from(slack.parents().len() > known);
        dice.sleep_up_to(60);
        daemon.kill();
        in_flight.killed(&daemon, &slack);
        daemon.launch();
    }
    println!(
        "{heard} kills as Slack heard, in flight: {:?}",
        in_flight.hit
    );
    assert!(heard >= KILLS / 4, "kills hit the telling: {heard}");
    daemon.kill();
    in_flight.killed(&daemon, &slack);
    daemon.restart();
    every_outage_is_told(&daemon, &slack);
    for (incident, told) in parents(&slack) {
        let hit = in_flight.hit.get(&incident).copied().unwrap_or(0);
        assert!(
            told <= 1 + hit,
            "{incident} is told {told} times, {hit} were in flight"
        );
    }
}

/// Each table's outage is one incident, and each incident has its message.
fn every_outage_is_told(daemon: &Daemon, slack: &Slack) {
    wait_for("message of every outage", || {
        (parents(slack).len() >= 20).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let incidents = daemon.items("incidents?limit=100");
    assert_eq!(incidents.len(), 20, "one incident for each outage");
    let told = parents(slack);
    for incident in incidents {
        let id = incident["id"].as_str().expect("an incident has an id");
        assert!(told.contains_key(id), "{id} was never told");
    }
}

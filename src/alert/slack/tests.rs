//! The whole way from the outbox to a Slack on loopback, with every way in which Slack can fail.

mod failures;
mod fake;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::fake::{Fake, Mood};
use super::*;
use crate::alert::backoff::Backoff;
use crate::alert::outbox::{Patience, Postman, Row, Source};
use crate::alert::{Settings, SinkMetrics};
use crate::clock::Clock;
use crate::incident::NoticeKind;
use crate::model::id::IncidentId;
use crate::model::time::Timestamp;
use crate::report::{Lang, example};
use crate::store::{Delivery, StoreError};

/// An outbox in memory that behaves as the store's.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    rows: Vec<Row>,
    incidents: BTreeMap<IncidentId, Incident>,
    remotes: BTreeMap<IncidentId, String>,
    dead: Vec<String>,
    retries: Vec<String>,
    /// So many settlements are refused first.
    refuse: usize,
}

impl Memory {
    fn queue(&self, incident: &Incident) {
        let mut kept = self.0.lock().unwrap();
        kept.rows.retain(|row| row.incident != incident.id);
        let id = i64::try_from(kept.incidents.len()).unwrap() * 1_000
            + i64::try_from(incident.revision).unwrap();
        kept.rows.push(Row {
            id,
            incident: incident.id.clone(),
            sink: "slack".into(),
            revision: incident.revision,
            what: NoticeKind::Updated,
            attempts: 0,
            first_queued_at: example::at(0),
            next_try: Timestamp::EPOCH,
            remote: None,
        });
        kept.incidents.insert(incident.id.clone(), incident.clone());
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().rows.is_empty()
    }
}

impl Source for Memory {
    async fn due(&self, now: Timestamp, _: &'static str) -> Result<Vec<Row>, StoreError> {
        let kept = self.0.lock().unwrap();
        let due = kept.rows.iter().filter(|row| row.next_try <= now);
        let with_remote = |row: &Row| Row {
            remote: kept.remotes.get(&row.incident).cloned(),
            ..row.clone()
        };
        Ok(due.map(with_remote).collect())
    }

    async fn oldest(&self, _: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let kept = self.0.lock().unwrap();
        Ok(kept.rows.iter().map(|row| row.first_queued_at).min())
    }

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        Ok(self.0.lock().unwrap().incidents.get(&id).cloned())
    }

    async fn settle(&self, id: i64, result: Delivery) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap();
        if kept.refuse > 0 {
            kept.refuse -= 1;
            return Err(StoreError::Stopped);
        }
        let Some(place) = kept.rows.iter().position(|row| row.id == id) else {
            return Ok(());
        };
        let incident = kept.rows[place].incident.clone();
        match result {
            Delivery::Sent { remote, .. } => {
                kept.rows.remove(place);
                kept.remotes.extend(remote.map(|r| (incident, r)));
            }
            Delivery::Begun { remote } => {
                kept.remotes.insert(incident, remote);
            }
            Delivery::Needless => {
                kept.rows.remove(place);
            }
            Delivery::Retry { at, error, remote } => {
                kept.rows[place].attempts += 1;
                kept.rows[place].next_try = at;
                kept.remotes.extend(remote.map(|r| (incident, r)));
                kept.retries.push(error);
            }
            Delivery::Dead { error } => {
                kept.rows.remove(place);
                kept.dead.push(error);
            }
        }
        Ok(())
    }
}

/// A postman, his outbox and the Slack that he brings letters to.
struct Bench {
    fake: Fake,
    outbox: Memory,
    clock: Clock,
    metrics: Arc<SinkMetrics>,
    postman: Postman<Slack, Memory>,
    /// Held, so that the sink does not lose its settings.
    connection: watch::Sender<Connection>,
    _secret: TempDir,
}

impl Bench {
    async fn bot() -> Self {
        Self::new(|settings, secret, _| {
            std::fs::write(&secret, "xoxb-geheim").unwrap();
            settings.token_file = Some(secret);
            settings.channel = Some("#db".to_owned());
        })
        .await
    }

    /// For the one that waits for an answer that never comes.
    async fn impatient() -> Self {
        Self::new(|settings, secret, _| {
            std::fs::write(&secret, "xoxb-geheim").unwrap();
            settings.token_file = Some(secret);
            settings.channel = Some("#db".to_owned());
            settings.timeout = Duration::from_secs(3);
        })
        .await
    }

    async fn webhook() -> Self {
        Self::new(|settings, secret, url| {
            std::fs::write(&secret, format!("{url}/hook")).unwrap();
            settings.webhook_file = Some(secret);
        })
        .await
    }

    async fn new(set: impl FnOnce(&mut Settings, PathBuf, &str)) -> Self {
        let (fake, url) = Fake::start().await;
        let dir = TempDir::new().unwrap();
        let mut settings = Settings {
            api_url: url.clone(),
            timeout: Duration::from_secs(60),
            ..Settings::default()
        };
        set(&mut settings, dir.path().join("secret"), &url);
        let connection = Connection::open(&settings, example::style(Lang::En));
        let (sender, receiver) = watch::channel(connection.unwrap().unwrap());
        let mut slack = Slack::new(receiver);
        // A second between messages is kept by `throttle`'s own tests, with paused time.
        slack.pace = Pace::new(Duration::ZERO);
        let outbox = Memory::default();
        let clock = Clock::manual(example::at(1_000));
        let patience = Patience {
            backoff: Backoff::default(),
            digest_hold: Duration::ZERO,
            ..Patience::from(&settings)
        };
        let postman = Postman::new(slack, outbox.clone(), clock.clone(), patience);
        Self {
            fake,
            outbox,
            clock,
            metrics: postman.metrics(),
            postman,
            connection: sender,
            _secret: dir,
        }
    }

    /// Tells what is due now, and again `later` seconds after if anything is left.
    async fn work(&mut self, later: u64) {
        self.postman.round(&CancellationToken::new()).await;
        let now = self.clock.now().plus(Duration::from_secs(later));
        self.clock.advance_to(now);
    }
}

fn count(counter: &std::sync::atomic::AtomicU64) -> u64 {
    counter.load(std::sync::atomic::Ordering::Relaxed)
}

fn methods(fake: &Fake) -> Vec<String> {
    let threaded = |r: &fake::Request| r.body.get("thread_ts").is_some();
    (fake.requests().iter())
        .map(|r| {
            if threaded(r) {
                "reply".to_owned()
            } else {
                r.method.clone()
            }
        })
        .collect()
}

#[tokio::test]
async fn one_message_is_posted_and_then_edited_until_it_is_over() {
    let mut bench = Bench::bot().await;
    bench.outbox.queue(&example::incident());
    bench.work(1).await;
    bench.outbox.queue(&example::resolved());
    bench.work(1).await;
    assert_eq!(
        methods(&bench.fake),
        ["chat.postMessage", "reply", "chat.update", "reply"]
    );
    let requests = bench.fake.requests();
    assert_eq!(requests[0].token, "Bearer xoxb-geheim");
    assert_eq!(requests[0].body["metadata"]["event_payload"]["revision"], 3);
    assert_eq!(requests[2].body["ts"], "1.0001");
    let header = requests[2].body["blocks"][0]["text"]["text"].as_str();
    assert!(header.unwrap().contains("Resolved"));
    assert!(bench.outbox.is_empty());
}

#[tokio::test]
async fn a_check_tells_who_the_bot_is_and_why_slack_refuses_it() {
    let bench = Bench::bot().await;
    bench.fake.next([Mood::Status(
        200,
        r#"{"ok":true,"team":"Shop","user":"sqleuth"}"#,
    )]);
    let connection = bench.connection.borrow().clone();
    let login = connection.login().await.unwrap();
    assert_eq!(
        login,
        Login::Bot {
            user: "sqleuth".to_owned(),
            team: "Shop".to_owned()
        }
    );
    bench.fake.next([Mood::Refuse("token_revoked")]);
    let error = connection.login().await.unwrap_err();
    assert_eq!(error.to_string(), "refused: token_revoked");
    assert_eq!(methods(&bench.fake), ["auth.test", "auth.test"]);
}

#[tokio::test]
async fn a_check_does_not_post_to_a_webhook() {
    let bench = Bench::webhook().await;
    let connection = bench.connection.borrow().clone();
    assert_eq!(connection.login().await.unwrap(), Login::Webhook);
    assert!(bench.fake.requests().is_empty());
}

#[tokio::test]
async fn a_webhook_tells_only_turns_of_events() {
    let mut bench = Bench::webhook().await;
    bench.outbox.queue(&example::incident());
    bench.work(1).await;
    let mut updated = example::incident();
    updated.revision = 4;
    bench.outbox.queue(&updated);
    bench.work(1).await;
    assert_eq!(bench.fake.requests().len(), 1, "an update is no news");
    bench.outbox.queue(&example::resolved());
    bench.work(1).await;
    assert_eq!(methods(&bench.fake), ["hook", "hook"]);
    assert!(bench.outbox.is_empty());
}

#[tokio::test]
async fn a_storm_is_told_in_one_digest_and_its_ends_in_the_thread() {
    let mut bench = Bench::bot().await;
    let storm: Vec<_> = (0..20)
        .map(|n| {
            let mut incident = example::incident();
            incident.id = IncidentId::new(format!("INC-20261121-{n}"));
            incident
        })
        .collect();
    for incident in &storm {
        bench.outbox.queue(incident);
    }
    bench.work(1).await;
    assert_eq!(bench.fake.parents(), 1);
    assert_eq!(count(&bench.metrics.digests), 1);
    let mut over = example::resolved();
    over.id = storm[3].id.clone();
    bench.outbox.queue(&over);
    bench.work(1).await;
    assert_eq!(methods(&bench.fake), ["chat.postMessage", "reply"]);
}

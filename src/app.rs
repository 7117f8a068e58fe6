//! Joins the stages and runs them: the only place that knows more than one.
//!
//! ```text
//! build: store opened, sockets bound, secrets read   (what is wrong is told before anything runs)
//! run:   tails, OTLP ─► normalise ─► window ─► detect ─► incident ─► store ─► postman, page
//! ```
//!
//! A reload stops an app in order and builds the next one; the store's checkpoints make that exact.

pub mod archive;
mod decisions;
pub mod demo;
mod lost;
mod noted;
pub(crate) mod otlp;
mod pipeline;
pub mod replay;
pub(crate) mod schema;
mod sources;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Notify, mpsc, watch};

use crate::alert::outbox::{Patience, Postman, StoreOutbox};
use crate::alert::slack::{Connection, Slack};
use crate::app::archive::StoreArchive;
use crate::app::noted::Noted;
use crate::clock::Clock;
use crate::config::Config;
use crate::detect::catalogue::{ALL, Catalogue};
use crate::forward::Forward;
use crate::incident::Incidents;
use crate::ingest::intake::{Accepted, DEFAULT_BUDGET, Intake};
use crate::metrics::Metrics;
use crate::model::id::SourceId;
use crate::normalise::Normaliser;
use crate::report::Style;
use crate::serve::{self, Auth, Command, Health, Listener, Live};
use crate::store::{Reader, Recovered, Writer};
use crate::topology::{Fault, Topology};
use crate::window::Windows;

/// Commands of people that may wait.
const DESK: usize = 16;

/// How often the age of the outbox is shown in the metrics.
const OUTBOX_LOOK: Duration = Duration::from_secs(2);

/// How long stages may drain after the stop signal; Kubernetes kills after 30 s.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An app with its sockets bound and its store open, not yet running.
#[derive(Debug)]
pub struct App {
    config: Config,
    clock: Clock,
    style: Style,
    writer: Writer,
    reader: Reader,
    recovered: Recovered,
    followed: Option<Vec<SourceId>>,
    listener: Listener,
    otlp: Option<otlp::Bound>,
    forward: Option<Forward>,
    auth: Arc<Auth>,
    slack: Option<Connection>,
    metrics: Metrics,
    health: Health,
    live: Live,
}

impl App {
    /// Opens and binds everything that the configuration names.
    ///
    /// # Errors
    /// What is wrong, naming the key or the file.
    pub async fn build(config: Config, clock: Clock) -> anyhow::Result<Self> {
        config.consistent()?;
        serve::check_bind(config.listen.http, &config.auth)?;
        let auth = Arc::new(Auth::load(&config.auth)?);
        let style = config.style();
        let slack = Connection::open(&config.slack, style.clone())?;
        let listener = serve::bind(config.listen.http).await?;
        let otlp = otlp::bind(&config).await?;
        let forward = Forward::open(&config.forward, clock.clone())?;
        let sinks = slack.iter().map(|_| Arc::from("slack")).collect();
        config.make_store_folder()?;
        let (writer, recovered) = Writer::open(&config.store, sinks, &clock)?;
        let reader = Reader::open(&config.store.path)?;
        Ok(Self {
            config,
            clock,
            style,
            writer,
            reader,
            recovered,
            followed: None,
            listener,
            otlp,
            forward,
            auth,
            slack,
            metrics: Metrics::new(),
            health: Health::new(),
            live: Live::new(),
        })
    }

    /// Where the page is.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Read access to what it stores.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Follows the configured logs and takes OTLP until `shutdown`, then drains.
    ///
    /// # Errors
    /// The first fault, or who was late.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.followed = Some(self.config.sources());
        let (otlp, forward) = (self.otlp.take(), self.forward.clone());
        let metrics = self.metrics.clone();
        let follow = |topology: &mut Topology, intake: Intake, sources: Sources| {
            if let Some(forward) = &forward {
                spawn_forward(topology, forward.clone(), &metrics, &sources.clock);
            }
            if let Some(otlp) = otlp {
                otlp.spawn(topology, intake.clone(), (metrics, forward), &sources);
            }
            sources::follow_all(topology, intake, sources);
            Ok(())
        };
        self.run_with(follow, shutdown).await
    }

    /// Runs with sources of the caller's making, which are given the intake, until `shutdown` or their word.
    pub(crate) async fn run_with(
        self,
        sources: impl FnOnce(&mut Topology, Intake, Sources) -> anyhow::Result<()>,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let health = self.health.clone();
        let (topology, writer) = self.start(sources)?;
        health.set_ready();
        let draining = async {
            shutdown.await;
            health.set_draining();
        };
        let result = topology.run(draining, PATIENCE).await;
        if !matches!(result, Err(Fault::Late(_))) {
            // Every handle is gone: the thread writes what was sent and ends. Only a stage that hangs after the fault
            // of another still holds one; what was not stored is read again.
            let joined = tokio::task::spawn_blocking(move || writer.join());
            match tokio::time::timeout(PATIENCE, joined).await {
                Ok(joined) => {
                    joined?.map_err(|_| anyhow::anyhow!("the store's thread panicked"))?;
                }
                Err(_elapsed) => tracing::error!("the store's thread did not end in time"),
            }
        }
        Ok(result?)
    }

    fn start(
        self,
        sources: impl FnOnce(&mut Topology, Intake, Sources) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Topology, std::thread::JoinHandle<()>)> {
        let mut topology = Topology::new();
        let lost = lost::gaps(&self.recovered, &self.config, self.clock.now());
        if let Err(error) = self.writer.note_gaps(&lost) {
            // On a full disk, too, sqleuth starts and watches: what is to be stored is tried again.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what the end of the process before took cannot be recorded"
            );
        }
        let (store, thread) = self.writer.spawn()?;
        let (intake, mut inboxes) = Intake::new(NonZeroUsize::MIN, DEFAULT_BUDGET);
        let inbox = inboxes.pop().context("an intake has at least one worker")?;
        let (desk, commands) = mpsc::channel(DESK);
        let stages = pipeline::Stages {
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            live: self.live.clone(),
            wake: Arc::new(Notify::new()),
            store: store.clone(),
        };
        if let Some(connection) = self.slack {
            let outbox = StoreOutbox::new(self.reader.clone(), store);
            let patience = Patience::from(&self.config.slack);
            spawn_slack(&mut topology, connection, outbox, patience, &stages);
        }
        let checkpoints = self.recovered.checkpoints.clone();
        let work = work(&self.config, &self.clock, self.recovered, inbox, commands);
        let shelf = work.windows.shelf();
        let noted = Noted::new(shelf, &self.style, stages.store.clone(), self.forward);
        stages.spawn(&mut topology, work, noted);
        let archive = StoreArchive::new(self.reader, self.style.clone(), self.clock.clone());
        let parts = serve::Parts {
            archive: Arc::new(archive),
            desk,
            followed: self.followed,
            metrics: self.metrics,
            clock: self.clock.clone(),
            style: self.style,
            detectors: ALL,
            auth: self.auth,
            health: self.health,
            live: self.live,
        };
        spawn_page(&mut topology, self.listener, parts);
        let known = Sources {
            config: self.config,
            clock: self.clock,
            checkpoints,
        };
        sources(&mut topology, intake, known)?;
        Ok((topology, thread))
    }
}

/// What the stages own, as far as the store remembers it.
fn work(
    config: &Config,
    clock: &Clock,
    recovered: Recovered,
    inbox: mpsc::Receiver<Accepted>,
    commands: mpsc::Receiver<Command>,
) -> pipeline::Work {
    let mut windows = Windows::new(config.window.clone(), clock.now())
        .with_schemas(schema::of_logs(&config.slow_log))
        .with_traces(config.trace.clone());
    pipeline::restore(
        &mut windows,
        recovered.open_windows,
        recovered.history,
        recovered.courses,
        recovered.statements,
    );
    let mut incidents = Incidents::new(config.incident.clone(), recovered.incidents);
    incidents.follow(&config.sources());
    pipeline::Work {
        inbox,
        commands,
        normaliser: Normaliser::new(&config.fingerprint, recovered.seed).without_tags(),
        windows,
        catalogue: Catalogue::new(&config.detect),
        incidents,
    }
}

/// What sources need to know.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) checkpoints: Vec<crate::ingest::Checkpoint>,
}

fn spawn_slack(
    topology: &mut Topology,
    connection: Connection,
    outbox: StoreOutbox,
    patience: Patience,
    stages: &pipeline::Stages,
) {
    // Nobody sends another connection: a reload builds another app.
    let (_, connection) = watch::channel(connection);
    let (clock, metrics) = (stages.clock.clone(), stages.metrics.clone());
    let postman = Postman::new(Slack::new(connection), outbox, clock.clone(), patience);
    let counts = postman.metrics();
    let (wake, stop) = (Arc::clone(&stages.wake), topology.stop_token());
    metrics.set_notifications("slack", &counts.totals());
    topology.spawn("slack", async move {
        let mut working = std::pin::pin!(postman.run(wake, stop));
        loop {
            tokio::select! {
                () = &mut working => return Ok(()),
                () = tokio::time::sleep(OUTBOX_LOOK) => {
                    let age = Duration::try_from_secs_f64(counts.oldest_seconds(clock.now())).unwrap_or_default();
                    metrics.set_outbox_oldest("slack", age);
                    metrics.set_notifications("slack", &counts.totals());
                }
            }
        }
    });
}

fn spawn_forward(topology: &mut Topology, forward: Forward, metrics: &Metrics, clock: &Clock) {
    let (metrics, clock) = (metrics.clone(), clock.clone());
    let stop = topology.stop_token();
    topology.spawn("forward", async move {
        let mut working = std::pin::pin!(forward.run(stop));
        loop {
            tokio::select! {
                () = &mut working => return Ok(()),
                () = tokio::time::sleep(OUTBOX_LOOK) => {
                    metrics.set_outbox_oldest("forward", forward.oldest(clock.now()));
                    let more = (forward.totals().rejected, forward.queue_bytes());
                    metrics.set_forwarded(&forward.results(), more);
                }
            }
        }
    });
}

fn spawn_page(topology: &mut Topology, listener: Listener, parts: serve::Parts) {
    let stop = topology.stop_token();
    topology.spawn("page", async move {
        Ok(serve::run(listener, parts, stop).await?)
    });
}

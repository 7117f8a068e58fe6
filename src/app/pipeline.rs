//! The stages between intake and store, and the channels that join them.
//!
//! ```text
//! inbox ─► normalise ──8─► window ─256─► detect ─256─► incident ─256─► store ─256─► durable
//! (batches)  (thread)      (thread)      (thread)       (thread) ▲      (task)       (task: tells page and postman)
//!                                                       commands ┘
//! ```
//!
//! What computes is a thread, what waits for others is a task. A full channel makes the stage before it wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;

use crate::app::decisions;
use crate::app::noted::Noted;
use crate::clock::Clock;
use crate::detect::catalogue::Catalogue;
use crate::incident::Incidents;
use crate::ingest::Mark;
use crate::ingest::intake::Accepted;
use crate::metrics::{IngestLag, Metrics};
use crate::model::event::Coverage;
use crate::model::id::FingerprintId;
use crate::model::sql::{Statement, StatementRef};
use crate::model::time::Timestamp;
use crate::normalise::{EventBatch, Normaliser};
use crate::serve::{Command, Health, Live};
use crate::store::StoreHandle;
use crate::topology::Topology;
use crate::window::trace::TraceCounters;
use crate::window::{Counters, PackedCourses, PackedWindow, Windows};
use crate::{detect, window};

/// Batches of up to some thousand events, which take memory that nobody else counts.
const EVENTS: usize = 8;
/// Windows, verdicts, changes.
const QUEUE: usize = 256;
/// The store is looked at this often.
const WATCH: Duration = Duration::from_secs(5);
/// Idle windows are looked at this often.
const TICK: Duration = Duration::from_secs(1);

/// What every stage may use.
#[derive(Debug, Clone)]
pub(super) struct Stages {
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) health: Health,
    pub(super) live: Live,
    pub(super) wake: Arc<Notify>,
    pub(super) store: StoreHandle,
}

/// What the stages own.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) inbox: Receiver<Accepted>,
    pub(super) commands: Receiver<Command>,
    pub(super) normaliser: Normaliser,
    pub(super) windows: Windows,
    pub(super) catalogue: Catalogue,
    pub(super) incidents: Incidents,
}

/// Opens the windows that were stored but not judged, and remembers the hour before and the weeks before that.
pub(super) fn restore(
    windows: &mut Windows,
    open: Vec<PackedWindow>,
    history: Vec<PackedWindow>,
    courses: Vec<PackedCourses>,
    statements: Vec<Statement>,
) {
    let known: BTreeMap<FingerprintId, StatementRef> = statements
        .into_iter()
        .map(|s| (s.fingerprint, Arc::new(s)))
        .collect();
    let find = |fingerprint| known.get(&fingerprint).cloned();
    for (source, error) in windows.restore_courses(courses) {
        tracing::warn!(%source, %error, "what its statements cost over weeks is damaged and begins anew");
    }
    let mut damaged = windows.restore_history(history, find);
    damaged.extend(windows.restore(open, find));
    for (key, error) in damaged {
        tracing::warn!(source = %key.source, start = %key.start, %error, "a stored window is damaged and left out");
    }
}

impl Stages {
    /// Starts every stage.
    pub(super) fn spawn(self, topology: &mut Topology, work: Work, noted: Noted) {
        let runtime = Handle::current();
        let (events, from_normalise) = channel(EVENTS);
        let (to_detect, from_window) = channel(QUEUE);
        let (to_incident, from_detect) = channel(QUEUE);
        let (to_store, from_incident) = channel(QUEUE);
        let (to_durable, from_store) = channel(QUEUE);

        let stages = self.clone();
        let (inbox, normaliser) = (work.inbox, work.normaliser);
        topology.spawn_blocking("normalise", move || {
            stages.normalise(inbox, normaliser, &events)
        });
        let (stages, windows, handle) = (self.clone(), work.windows, runtime.clone());
        topology.spawn_blocking("window", move || {
            handle.block_on(stages.window(from_normalise, windows, to_detect))
        });
        let (stages, catalogue, handle) = (self.clone(), work.catalogue, runtime.clone());
        topology.spawn_blocking("detect", move || {
            stages.detect(from_window, &catalogue, (noted, &handle), &to_incident)
        });
        let (stages, incidents, commands) = (self.clone(), work.incidents, work.commands);
        topology.spawn_blocking("incident", move || {
            runtime.block_on(stages.incident(from_detect, commands, incidents, to_store))
        });
        let stop = topology.stop_token();
        topology.spawn(
            "watch",
            watch(
                self.store.clone(),
                (self.metrics.clone(), self.health.clone()),
                stop,
            ),
        );
        let store = self.store.clone();
        topology.spawn("store", decisions::submit(from_incident, store, to_durable));
        topology.spawn(
            "durable",
            decisions::durable(from_store, self.metrics, self.live, self.wake),
        );
    }

    fn normalise(
        &self,
        mut inbox: Receiver<Accepted>,
        mut normaliser: Normaliser,
        next: &Sender<EventBatch>,
    ) -> anyhow::Result<()> {
        while let Some(Accepted { mut batch, permit }) = inbox.blocking_recv() {
            let _span = tracing::debug_span!("normalise", source = %batch.source.id, entries = batch.entries.len()).entered();
            if let Some(spans) = batch.spans.take() {
                for part in normaliser.parts(&spans, &batch.source, batch.mark) {
                    self.count(&part);
                    next.blocking_send(part)?;
                }
            } else {
                let batch = normaliser.normalise(batch);
                self.count(&batch);
                next.blocking_send(batch)?;
            }
            drop(permit);
        }
        Ok(())
    }

    /// Metrics of a batch.
    fn count(&self, batch: &EventBatch) {
        let (metrics, source, mark) = (&self.metrics, &batch.source.id, &batch.mark);
        metrics.observe_statements(&batch.events);
        metrics.count_opaque(batch.opaque);
        metrics.count_ingested(source, mark.bytes);
        metrics.count_unparsed(source, mark.unparsed);
        metrics.set_coverage(source, coverage_ratio(&mark.coverage));
        metrics.set_lag(source, self.lag(mark, batch.events.last().map(|e| e.end)));
        if mark.gap_bytes > 0 {
            metrics.count_dropped("ingest", "gap", mark.gap_bytes);
        }
    }

    fn lag(&self, mark: &Mark, last: Option<Timestamp>) -> IngestLag {
        let age = match last {
            Some(end) if mark.lag_bytes > 0 => self.clock.now().since(end),
            _ => Duration::ZERO,
        };
        IngestLag {
            bytes: mark.lag_bytes,
            age,
        }
    }

    async fn window(
        &self,
        mut inbox: Receiver<EventBatch>,
        mut windows: Windows,
        next: Sender<window::Output>,
    ) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        let mut seen = Counters::default();
        let mut traces = TraceCounters::default();
        loop {
            let outputs = tokio::select! {
                // cancel safe: yes, recv and tick lose nothing
                batch = inbox.recv() => match batch {
                    Some(batch) => windows.observe(batch, self.clock.now()),
                    None => break,
                },
                _ = tick.tick() => windows.tick(self.clock.now()),
            };
            seen = self.show_windows(windows.counters(), seen);
            traces = self.show_traces(windows.trace_counters(), traces);
            for output in outputs {
                next.send(output).await?;
            }
        }
        for output in windows.drain() {
            next.send(output).await?;
        }
        Ok(())
    }

    /// Metrics of the windows since the last look; returns what was seen now.
    fn show_windows(&self, now: Counters, before: Counters) -> Counters {
        self.metrics.count_late(now.late - before.late);
        if now.stale > 0 && before.stale == 0 {
            tracing::warn!(
                "a log tells of more than 15 minutes ago: that is recorded, not alerted; if the log is being written \
                 now, set the time_zone of its server"
            );
        }
        now
    }

    /// Metrics of the traces since the last look; returns what was seen now.
    fn show_traces(&self, now: TraceCounters, before: TraceCounters) -> TraceCounters {
        self.metrics.count_traces(now.closed - before.closed);
        let (early, left_out) = (now.early - before.early, now.left_out - before.left_out);
        if early > 0 {
            self.metrics.count_dropped("trace", "early", early);
        }
        if left_out > 0 {
            self.metrics.count_dropped("trace", "too_large", left_out);
        }
        now
    }

    fn detect(
        &self,
        mut inbox: Receiver<window::Output>,
        catalogue: &Catalogue,
        (mut noted, runtime): (Noted, &Handle),
        next: &Sender<detect::Output>,
    ) -> anyhow::Result<()> {
        while let Some(output) = inbox.blocking_recv() {
            let judged = match output {
                window::Output::Flush(flush) => detect::Output::Flush(flush),
                window::Output::Closed(closed) => {
                    let _span = tracing::info_span!(
                        "detect", source = %closed.key.source, window = %closed.key.start, statements = closed.profiles.len()
                    )
                    .entered();
                    self.metrics.observe_top(&closed.times);
                    let judged = catalogue.judge(*closed);
                    noted.note(&judged, runtime)?;
                    detect::Output::Judged(Box::new(judged))
                }
            };
            next.blocking_send(judged)?;
        }
        Ok(())
    }
}

/// Shows what no stage can show while it waits for the disk.
async fn watch(
    store: StoreHandle,
    (metrics, health): (Metrics, Health),
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let waits = store.is_degraded();
        metrics.set_store_degraded(waits);
        health.set_store_waits(waits);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(WATCH) => {}
        }
    }
    Ok(())
}

/// The share of all runs that is logged, where it is known: nobody knows what stays below a threshold.
fn coverage_ratio(coverage: &Coverage) -> Option<f64> {
    let one_in = f64::from(coverage.one_in.unwrap_or(1).max(1));
    coverage.is_complete().then_some(1.0 / one_in)
}

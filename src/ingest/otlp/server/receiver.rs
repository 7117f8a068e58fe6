//! What every request of every connection shares: bounds, the token, and the way into the intake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Options;
use super::body::Bounds;
use super::refusal::Refusal;
use super::reply::{Taken, Wire};
use crate::clock::Clock;
use crate::ingest::intake::{Intake, Refusal as IntakeRefusal};
use crate::ingest::otlp::budget::Budget;
use crate::ingest::otlp::logs::{LogBatch, Told};
use crate::ingest::otlp::logs_id;
use crate::ingest::otlp::points::Points;
use crate::ingest::otlp::spans::SpanBatch;
use crate::ingest::relay::{Encoding, Export, Relay};
use crate::ingest::token::Token;
use crate::ingest::{Checkpoint, Mark, RawBatch, SourceMeta};
use crate::metrics::Metrics;
use crate::model::id::ServiceName;

/// How long a request waits for a place in the queue.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the rest of a request waits, once a part of it was taken.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// Requests that are unpacked, or read as JSON, at a time.
const UNPACKERS: usize = 2;
/// How long a request waits until it may be unpacked.
const UNPACK_PATIENCE: Duration = Duration::from_secs(2);
/// SDKs send what has ended every 5 s (`OTEL_BSP_SCHEDULE_DELAY`), and each service at instants of its own.
const LATENESS: Duration = Duration::from_secs(6);

/// Shared by all connections; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Receiver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    intake: Intake,
    bounds: Bounds,
    unpackers: Semaphore,
    token: Option<Token>,
    source: Arc<SourceMeta>,
    relay: Option<Arc<dyn Relay>>,
    /// The same for log records.
    logs: Arc<SourceMeta>,
    metrics: Metrics,
    clock: Clock,
    /// Something came since the last look.
    is_busy: AtomicBool,
    /// Something came since the start: the store knows of the source.
    is_known: AtomicBool,
}

impl Receiver {
    pub(super) fn new(options: Options, intake: Intake) -> Self {
        let max = usize::try_from(options.settings.max_message.as_u64()).unwrap_or(usize::MAX);
        Self(Arc::new(Shared {
            intake,
            bounds: Bounds {
                budget: Budget::new(options.settings.memory),
                max,
            },
            unpackers: Semaphore::new(UNPACKERS),
            token: options.token,
            logs: Arc::new(SourceMeta {
                id: logs_id(),
                ..SourceMeta::clone(&options.source)
            }),
            source: options.source,
            relay: options.relay,
            metrics: options.metrics,
            clock: options.clock,
            is_busy: AtomicBool::new(false),
            is_known: AtomicBool::new(false),
        }))
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    /// Whether the bearer of this token may send.
    pub(super) fn admits(&self, offered: Option<&str>) -> bool {
        match &self.0.token {
            None => true,
            Some(token) => token.equals(offered.unwrap_or_default()),
        }
    }

    pub(super) async fn place_to_unpack(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let place = tokio::time::timeout(UNPACK_PATIENCE, self.0.unpackers.acquire()).await;
        place
            .map_err(|_elapsed| Refusal::Busy)?
            .map_err(|_closed| Refusal::Busy)
    }

    /// How a request is handed on; `None` when it is not.
    pub(super) fn relayed(&self, wire: Wire) -> Option<Encoding> {
        let relay = self.0.relay.as_ref()?;
        let as_json = wire == Wire::Json && relay.takes_json();
        Some(if as_json {
            Encoding::Json
        } else {
            Encoding::Protobuf
        })
    }

    /// Hands a request on as it came. Before its spans are counted: a sender that is refused comes again with them, and a
    /// backend knows them by their ids.
    pub(super) async fn pass(&self, export: Export) -> Result<(), Refusal> {
        match &self.0.relay {
            None => Ok(()),
            Some(relay) => relay.pass(export).await.map_err(|_busy| Refusal::Busy),
        }
    }

    /// Puts spans into the intake; from then on they are counted, whatever the sender hears.
    pub(super) async fn spans(&self, spans: SpanBatch, bytes: u64) -> Result<Taken, Refusal> {
        let (received, rejected) = (spans.spans.len() as u64, spans.rejected);
        let taken = Taken { rejected };
        if received > 0 {
            let batch = RawBatch {
                source: Arc::clone(&self.0.source),
                entries: Vec::new(),
                spans: Some(Box::new(spans)),
                mark: Mark {
                    checkpoint: self.introduction(),
                    bytes,
                    lateness: LATENESS,
                    ..Mark::default()
                },
            };
            self.offer(batch, PATIENCE).await?;
            self.0.is_busy.store(true, Ordering::Relaxed);
            self.0.is_known.store(true, Ordering::Relaxed);
        }
        self.0.metrics.count_spans(received, rejected);
        Ok(taken)
    }

    /// Puts what log records tell of databases into the intake.
    pub(super) async fn logs(&self, logs: LogBatch, bytes: u64) -> Result<Taken, Refusal> {
        let records = logs.records;
        let mut is_begun = false;
        for told in logs.told {
            let source = self.teller(&told);
            let entries = told.entries.len() as u64;
            let mark = Mark {
                checkpoint: Some(Checkpoint::nowhere(&source.id)),
                lateness: LATENESS,
                bytes: if is_begun { 0 } else { bytes },
                ..Mark::default()
            };
            let batch = RawBatch::of_entries(source, told.entries, mark);
            if !is_begun {
                self.offer(batch, PATIENCE).await?;
                is_begun = true;
            } else if self.offer(batch, LAST_PATIENCE).await.is_err() {
                // To refuse now would have the sender repeat what was taken already.
                self.0.metrics.count_dropped("ingest", "full", entries);
            }
        }
        self.0.metrics.count_log_records(records);
        Ok(Taken::default())
    }

    /// Shows what a service sent of itself.
    pub(super) fn metrics(&self, points: Points) -> Taken {
        let now = self.0.clock.now();
        let metrics = &self.0.metrics;
        metrics.take_readings(points.readings, points.passed_over, now);
        Taken::default()
    }

    /// Who told of errors, and of which kind of server.
    fn teller(&self, told: &Told) -> Arc<SourceMeta> {
        let mut source = SourceMeta::clone(&self.0.logs);
        source.target.system = told.dialect;
        if !told.service.is_empty() {
            source.service = ServiceName::new(told.service.as_str());
        }
        Arc::new(source)
    }

    /// What makes the store list the source. Nothing is gone on with from there: what was not taken is sent again.
    fn introduction(&self) -> Option<Checkpoint> {
        (!self.0.is_known.load(Ordering::Relaxed)).then(|| Checkpoint::nowhere(&self.0.source.id))
    }

    /// Tells that nothing came of late, so that windows end and problems rest.
    pub(super) async fn idle(&self) {
        self.0.metrics.expire_readings(self.0.clock.now());
        self.tell_idle(&self.0.logs).await;
        if self.0.is_busy.swap(false, Ordering::Relaxed) {
            return;
        }
        self.tell_idle(&self.0.source).await;
    }

    async fn tell_idle(&self, source: &Arc<SourceMeta>) {
        let mark = Mark {
            idle_at: Some(self.0.clock.now()),
            lateness: LATENESS,
            ..Mark::default()
        };
        let batch = RawBatch::of_entries(Arc::clone(source), Vec::new(), mark);
        // A full intake is not idle.
        drop(self.offer(batch, PATIENCE).await);
    }

    async fn offer(&self, batch: RawBatch, patience: Duration) -> Result<(), Refusal> {
        let offered = self.0.intake.offer(batch, patience).await;
        offered.map_err(|refused| match refused.reason {
            IntakeRefusal::Full | IntakeRefusal::Closed => Refusal::Busy,
        })
    }

    /// Counts what was refused and may come again.
    pub(super) fn count(&self, result: &Result<Taken, Refusal>) {
        if matches!(result, Err(Refusal::Busy)) {
            self.0.metrics.count_refused(&self.0.source.id);
        }
    }
}

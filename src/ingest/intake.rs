//! Hands batches over to the normalise workers, bounded in number and in bytes.
//!
//! ```text
//! source ─► byte budget (semaphore) ─► queue of worker_of(source) ─► Accepted { batch, permit }
//!             full: files wait, servers hand the batch back           permit dropped: bytes are free again
//! ```

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use bytesize::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

use crate::ingest::{IngestError, RawBatch, RawEntry};
use crate::model::id::SourceId;

/// Batches that may wait, over all workers.
pub const QUEUED_BATCHES: usize = 1024;

/// Bytes that may wait: what one second of a very busy server writes, and small beside the rest of the process.
pub const DEFAULT_BUDGET: ByteSize = ByteSize::mib(64);

/// A blocked thread looks at least this often whether it should stop.
const STOP_LATENCY: Duration = Duration::from_millis(50);

/// Where sources put their batches; clones share the same bounds.
#[derive(Debug, Clone)]
pub struct Intake {
    queues: Arc<[mpsc::Sender<Accepted>]>,
    budget: Arc<Semaphore>,
    budget_bytes: u32,
}

/// A batch on its way; its bytes are free again when this is dropped, so keep it until the batch is normalised.
#[derive(Debug)]
pub struct Accepted {
    /// The batch.
    pub batch: RawBatch,
    /// Its share of the byte budget.
    pub permit: OwnedSemaphorePermit,
}

/// A batch that was not taken, handed back.
#[derive(Debug)]
pub struct Refused {
    /// The batch as it was given.
    pub batch: Box<RawBatch>,
    /// Why.
    pub reason: Refusal,
}

/// Why a batch was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No room within the caller's patience, or before it was told to stop.
    Full,
    /// The workers have ended.
    Closed,
}

impl Intake {
    /// An intake with one queue for each of `workers`, and the other ends.
    pub fn new(workers: NonZeroUsize, budget: ByteSize) -> (Self, Vec<mpsc::Receiver<Accepted>>) {
        let most = u64::from(u32::MAX).min(Semaphore::MAX_PERMITS as u64);
        let budget_bytes = u32::try_from(budget.as_u64().clamp(1, most)).unwrap_or(u32::MAX);
        let depth = QUEUED_BATCHES.div_ceil(workers.get());
        let (queues, outputs): (Vec<_>, Vec<_>) =
            (0..workers.get()).map(|_| mpsc::channel(depth)).unzip();
        let intake = Self {
            queues: queues.into(),
            budget: Arc::new(Semaphore::new(budget_bytes as usize)),
            budget_bytes,
        };
        (intake, outputs)
    }

    /// Waits until there is room. Cancel safe: no; a batch whose hand-over is cancelled is lost.
    pub async fn send(&self, batch: RawBatch) -> Result<(), Refused> {
        match self.room(&batch).await {
            Some(room) => room.fill(batch),
            None => Err(Refused::new(batch, Refusal::Closed)),
        }
    }

    /// Waits no longer than `patience`, and then hands the batch back.
    pub async fn offer(&self, batch: RawBatch, patience: Duration) -> Result<(), Refused> {
        match tokio::time::timeout(patience, self.room(&batch)).await {
            Ok(Some(room)) => room.fill(batch),
            Ok(None) => Err(Refused::new(batch, Refusal::Closed)),
            Err(_elapsed) => Err(Refused::new(batch, Refusal::Full)),
        }
    }

    /// [`Intake::send`] for threads; gives the batch back as [`Refusal::Full`] when told to stop meanwhile.
    pub fn send_blocking(&self, batch: RawBatch, stop: &CancellationToken) -> Result<(), Refused> {
        match block_on_until(self.room(&batch), stop) {
            Some(Some(room)) => room.fill(batch),
            Some(None) => Err(Refused::new(batch, Refusal::Closed)),
            None => Err(Refused::new(batch, Refusal::Full)),
        }
    }

    async fn room(&self, batch: &RawBatch) -> Option<Room<'_>> {
        let queue = self
            .queues
            .get(worker_of(&batch.source.id, self.workers()))?;
        let bytes = cost(batch).min(self.budget_bytes);
        let permit = Arc::clone(&self.budget)
            .acquire_many_owned(bytes)
            .await
            .ok()?;
        let slot = queue.reserve().await.ok()?;
        Some(Room { permit, slot })
    }

    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.queues.len()).unwrap_or(NonZeroUsize::MIN)
    }
}

/// A place in a queue and the bytes for it.
struct Room<'a> {
    permit: OwnedSemaphorePermit,
    slot: mpsc::Permit<'a, Accepted>,
}

impl Room<'_> {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "reads as an arm beside the refusals"
    )]
    fn fill(self, batch: RawBatch) -> Result<(), Refused> {
        let permit = self.permit;
        self.slot.send(Accepted { batch, permit });
        Ok(())
    }
}

impl Refused {
    fn new(batch: RawBatch, reason: Refusal) -> Self {
        let batch = Box::new(batch);
        Self { batch, reason }
    }
}

impl From<Refused> for IngestError {
    fn from(_: Refused) -> Self {
        Self::Closed
    }
}

/// The worker of a source: always the same one, so that a source's batches stay in order.
pub fn worker_of(source: &SourceId, workers: NonZeroUsize) -> usize {
    let slot = xxh3_64(source.as_str().as_bytes()) % workers.get() as u64;
    usize::try_from(slot).unwrap_or(0)
}

/// Bytes that a batch keeps from others.
fn cost(batch: &RawBatch) -> u32 {
    let text: usize = batch.entries.iter().map(RawEntry::size).sum();
    let entries = batch.entries.len() * size_of::<RawEntry>();
    u32::try_from(text + entries + size_of::<RawBatch>()).unwrap_or(u32::MAX)
}

/// Drives a future on this thread, which the future wakes by unparking; `None` when told to stop first.
fn block_on_until<F: Future>(future: F, stop: &CancellationToken) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if stop.is_cancelled() {
            return None;
        }
        thread::park_timeout(STOP_LATENCY);
    }
}

/// Waits for `rest`, or a little less; returns at once when told to stop.
pub(in crate::ingest) fn pause(rest: Duration, stop: &CancellationToken) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cancelled = pin!(stop.cancelled());
    let cancelled = cancelled.as_mut().poll(&mut Context::from_waker(&waker));
    if cancelled.is_pending() {
        thread::park_timeout(rest);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{Mark, SourceMeta};
    use crate::model::event::DbTarget;
    use crate::model::id::ServiceName;

    fn batch(source: &str) -> RawBatch {
        RawBatch {
            source: Arc::new(SourceMeta {
                id: SourceId::new(source),
                service: ServiceName::default(),
                target: DbTarget::default(),
            }),
            entries: Vec::new(),
            spans: None,
            mark: Mark::default(),
        }
    }

    fn intake(budget: ByteSize) -> (Intake, Vec<mpsc::Receiver<Accepted>>) {
        Intake::new(NonZeroUsize::new(3).unwrap(), budget)
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_intake_hands_the_batch_back_and_takes_the_next_once_the_first_is_done() {
        let (intake, mut outputs) = intake(ByteSize::b(1));
        let patience = Duration::from_millis(100);
        intake.send(batch("a")).await.unwrap();
        let refused = intake.offer(batch("a"), patience).await.unwrap_err();
        assert_eq!(refused.reason, Refusal::Full);

        let worker = worker_of(&SourceId::new("a"), intake.workers());
        drop(outputs[worker].recv().await);
        intake.offer(*refused.batch, patience).await.unwrap();
    }

    #[tokio::test]
    async fn a_source_stays_with_its_worker() {
        let (intake, mut outputs) = intake(DEFAULT_BUDGET);
        for _ in 0..10 {
            intake.send(batch("slow_log:a")).await.unwrap();
        }
        let worker = worker_of(&SourceId::new("slow_log:a"), intake.workers());
        assert_eq!(outputs[worker].len(), 10);
        outputs.remove(worker);
        assert!(outputs.iter().all(mpsc::Receiver::is_empty));
    }

    #[test]
    fn a_blocked_thread_stops_when_told() {
        let (intake, _outputs) = intake(ByteSize::b(1));
        let stop = CancellationToken::new();
        intake.send_blocking(batch("a"), &stop).unwrap();
        stop.cancel();
        let refused = intake.send_blocking(batch("a"), &stop).unwrap_err();
        assert_eq!(refused.reason, Refusal::Full);
    }

    #[test]
    fn a_blocked_thread_goes_on_when_bytes_become_free() {
        let (intake, mut outputs) = intake(ByteSize::b(1));
        let stop = CancellationToken::new();
        intake.send_blocking(batch("a"), &stop).unwrap();
        let worker = worker_of(&SourceId::new("a"), intake.workers());
        let sender = thread::spawn(move || intake.send_blocking(batch("a"), &stop));
        drop(outputs[worker].blocking_recv());
        assert!(sender.join().unwrap().is_ok());
    }

    #[test]
    fn a_closed_intake_says_so() {
        let (intake, outputs) = intake(DEFAULT_BUDGET);
        drop(outputs);
        let refused = intake.send_blocking(batch("a"), &CancellationToken::new());
        assert_eq!(refused.unwrap_err().reason, Refusal::Closed);
    }
}

//! What becomes of one request: the backend, the queue, or its sender keeps it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::forward::answer::Answer;
use crate::forward::grpc::Grpc;
use crate::forward::http::Http;
use crate::forward::queue::{Held, Queue};
use crate::ingest::relay::{Busy, Encoding, Export};

/// A sender waits so long for the backend before its request is written down instead.
const PATIENCE: Duration = Duration::from_millis(200);
/// Bytes of requests on their way to the backend that are not in the queue.
const MAX_ON_THE_WAY: usize = 32 << 20;
/// Bytes of the queue on their way at once.
const BYTES_AT_ONCE: u64 = 8 << 20;
/// What is on its way when sqleuth stops has so long to arrive.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// When a sender may come again that could not be served.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// What clones of a [`Forward`](super::Forward) share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) backend: Backend,
    pub(super) queue: Option<Queue>,
    /// Bytes that may be on their way beside the queue.
    pub(super) room: Arc<Semaphore>,
    /// The backend did not take the last request: the next ones wait in the queue until it does.
    pub(super) is_behind: AtomicBool,
    /// Something is new in the queue.
    pub(super) wake: Notify,
    pub(super) counts: Counts,
    pub(super) clock: Clock,
    pub(super) patience: Duration,
    /// Requests on their way, whoever waits for them.
    tasks: TaskTracker,
    /// They are given up.
    stop: CancellationToken,
}

/// What became of requests of the queue that were sent at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Round {
    /// One of them has left the queue.
    pub(super) has_left: bool,
    /// One of them must come again, no sooner than after this time.
    pub(super) later: Option<Duration>,
}

#[derive(Debug, Clone)]
pub(super) enum Backend {
    Grpc(Grpc),
    Http(Http),
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) queued: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) lost: AtomicU64,
}

impl Inner {
    pub(super) fn new(backend: Backend, queue: Option<Queue>, clock: Clock) -> Self {
        let is_behind = queue.as_ref().is_some_and(|queue| !queue.is_empty());
        Self {
            backend,
            queue,
            room: Arc::new(Semaphore::new(MAX_ON_THE_WAY)),
            is_behind: AtomicBool::new(is_behind),
            wake: Notify::new(),
            counts: Counts::default(),
            clock,
            patience: PATIENCE,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Without a queue: the sender waits for the backend.
    pub(super) async fn hand_over(this: &Arc<Self>, export: Export) -> Result<(), Busy> {
        let Some(room) = this.room_for(&export) else {
            return Err(Busy { after: COME_AGAIN });
        };
        let answer = Self::answer_of(Self::send(this, export, Some(room))).await;
        match this.settle(&answer) {
            None => Ok(()),
            Some(after) => Err(Busy {
                after: after.max(Duration::from_secs(1)),
            }),
        }
    }

    /// With a queue: the sender waits for a moment, and then for the disk.
    pub(super) async fn hand_over_or_keep(this: &Arc<Self>, export: Export) -> Result<(), Busy> {
        let Some(room) = this.room_for(&export) else {
            return Self::keep(this, export, false).await.map(drop);
        };
        let mut sending = Self::send(this, export.clone(), Some(room));
        tokio::select! {
            answer = &mut sending => {
                let answer = answer.unwrap_or_else(|_| Answer::later("the request was given up"));
                if this.settle(&answer).is_none() {
                    return Ok(());
                }
                this.fell_behind();
                Self::keep(this, export, false).await.map(drop)
            }
            () = tokio::time::sleep(this.patience) => {
                let (tell, told) = oneshot::channel();
                this.tasks.spawn(Self::keep_and_settle(Arc::clone(this), export, sending, tell));
                told.await.unwrap_or(Err(Busy { after: COME_AGAIN }))
            }
        }
    }

    /// Writes a request down that is on its way, and waits for its end: whether or not its sender does.
    async fn keep_and_settle(
        this: Arc<Self>,
        export: Export,
        sending: JoinHandle<Answer>,
        tell: oneshot::Sender<Result<(), Busy>>,
    ) {
        let kept = Self::keep(&this, export, true).await;
        // A sender that has gone comes again.
        tell.send(kept.map(drop)).ok();
        let answer = Self::answer_of(sending).await;
        if let Ok(id) = kept {
            this.settle_queued(id, &answer);
        }
    }

    /// Passes a request whose loss nobody would be told of; nothing waits for it.
    pub(super) fn pass_later(this: &Arc<Self>, export: Export) {
        if this.stop.is_cancelled() {
            return;
        }
        let inner = Arc::clone(this);
        this.tasks
            .spawn(async move { Self::pass(&inner, export).await });
    }

    /// Takes a request over.
    pub(super) async fn pass(this: &Arc<Self>, export: Export) -> Result<(), Busy> {
        let passed = match &this.queue {
            None => Self::hand_over(this, export).await,
            Some(_) if this.is_behind() => Self::keep(this, export, false).await.map(drop),
            Some(_) => Self::hand_over_or_keep(this, export).await,
        };
        if passed.is_err() {
            this.counts.busy.fetch_add(1, Ordering::Relaxed);
        }
        passed
    }

    /// Ends: what is on its way has a moment, and is left to the queue or its sender then.
    pub(super) async fn end(&self) {
        self.tasks.close();
        let in_time = tokio::time::timeout(LAST_MOMENT, self.tasks.wait()).await;
        self.stop.cancel();
        if in_time.is_err() {
            self.tasks.wait().await;
        }
    }

    /// Writes a request to the queue.
    pub(super) async fn keep(this: &Arc<Self>, export: Export, held: bool) -> Result<u64, Busy> {
        let busy = Busy { after: COME_AGAIN };
        let inner = Arc::clone(this);
        let writing = tokio::task::spawn_blocking(move || {
            let queue = inner.queue.as_ref()?;
            Some(queue.push(&export, inner.clock.now(), held))
        });
        // No queue, or the runtime is going down: the sender keeps it.
        let Some(kept) = writing.await.ok().flatten() else {
            return Err(busy);
        };
        let id = kept.map_err(|why| {
            tracing::warn!(
                error = &why as &dyn std::error::Error,
                "a request is left with its sender"
            );
            busy
        })?;
        this.counts.queued.fetch_add(1, Ordering::Relaxed);
        this.wake.notify_one();
        Ok(id)
    }

    pub(super) async fn take(this: &Arc<Self>, behind: Option<u64>, most: usize) -> Vec<Held> {
        let inner = Arc::clone(this);
        let taking = tokio::task::spawn_blocking(move || {
            let queue = inner.queue.as_ref()?;
            Some(queue.take(behind, most, BYTES_AT_ONCE))
        });
        let (held, lost) = taking.await.ok().flatten().unwrap_or_default();
        if lost > 0 {
            this.counts.lost.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(
                requests = lost,
                "requests of the forward queue cannot be read any more, and are lost"
            );
        }
        held
    }

    /// Sends requests of the queue at once.
    pub(super) async fn send_held(this: &Arc<Self>, held: Vec<Held>) -> Round {
        let mut sending = JoinSet::new();
        for Held { id, export } in held {
            let sent = Self::send(this, export, None);
            sending.spawn(async move { (id, Self::answer_of(sent).await) });
        }
        let mut round = Round::default();
        for (id, answer) in sending.join_all().await {
            let later = this.settle_queued(id, &answer);
            round.has_left |= later.is_none();
            round.later = round.later.max(later);
        }
        if round.later.is_some() {
            this.fell_behind();
        }
        round
    }

    fn send(
        this: &Arc<Self>,
        export: Export,
        room: Option<OwnedSemaphorePermit>,
    ) -> JoinHandle<Answer> {
        let inner = Arc::clone(this);
        this.tasks.spawn(async move {
            let answer = tokio::select! {
                answer = inner.backend.send(export) => answer,
                () = inner.stop.cancelled() => Answer::later("sqleuth stops"),
            };
            drop(room);
            answer
        })
    }

    async fn answer_of(sending: JoinHandle<Answer>) -> Answer {
        let answer = sending.await;
        answer.unwrap_or_else(|_| Answer::later("the request was given up"))
    }

    fn room_for(&self, export: &Export) -> Option<OwnedSemaphorePermit> {
        let bytes = export.body.len().clamp(1, MAX_ON_THE_WAY);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.room).try_acquire_many_owned(bytes).ok()
    }

    /// Counts an answer; when the request must come again, after what time.
    fn settle(&self, answer: &Answer) -> Option<Duration> {
        let counts = &self.counts;
        match answer {
            Answer::Taken { rejected } => {
                counts.sent.fetch_add(1, Ordering::Relaxed);
                if *rejected > 0 {
                    counts.rejected.fetch_add(*rejected, Ordering::Relaxed);
                    tracing::warn!(items = rejected, "the backend rejected a part of a request");
                }
                None
            }
            Answer::Refused { why } => {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%why, "the backend will never take a request, which is dropped as the protocol says");
                None
            }
            Answer::Later { after, why } => {
                if !self.is_behind() {
                    tracing::warn!(%why, "the backend of [forward] takes nothing now");
                }
                Some(after.unwrap_or_default())
            }
        }
    }

    /// The same of a request that is in the queue, which then leaves it or is laid back.
    fn settle_queued(&self, id: u64, answer: &Answer) -> Option<Duration> {
        let queue = self.queue.as_ref()?;
        let again = self.settle(answer);
        if again.is_none() {
            queue.remove(id);
        } else {
            queue.release(id);
            self.wake.notify_one();
        }
        again
    }

    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Acquire)
    }

    fn fell_behind(&self) {
        self.is_behind.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn caught_up(&self) {
        if self.is_behind.swap(false, Ordering::AcqRel) {
            tracing::info!("the backend of [forward] takes requests again, and the queue is empty");
        }
    }
}

impl Backend {
    async fn send(&self, export: Export) -> Answer {
        match self {
            Self::Grpc(grpc) => match export.encoding {
                Encoding::Protobuf => grpc.send(export.signal, export.body).await,
                // Of a queue that was filled for another backend.
                Encoding::Json => Answer::Refused {
                    why: "JSON, which gRPC does not carry".to_owned(),
                },
            },
            Self::Http(http) => http.send(export).await,
        }
    }
}

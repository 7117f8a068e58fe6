//! Sends what was received on to another backend: Jaeger, Tempo, a Collector.
//!
//! ```text
//! receiver ─► Forward::pass ─┬─ backend takes it ──────────────────────────► acknowledged
//!                            └─ not now, or not at once ─► queue (a file) ─► acknowledged ─► run ─► backend
//!                                                            full: the sender keeps it
//! ```
//!
//! The bytes go on as they came. A request that the backend takes at once never touches the disk. Without a queue the
//! sender is told what the backend says: then, too, nothing is lost that was acknowledged. A request may arrive twice
//! where an answer was lost; viewers know spans by their ids.

mod answer;
mod grpc;
mod headers;
mod http;
pub mod note;
mod passing;
pub mod queue;
mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use self::answer::Answer;
pub use self::settings::{Compression, Protocol, Settings};

use self::grpc::Grpc;
use self::http::Http;
use self::passing::{Backend, Inner, Round};
use self::queue::Queue;
use crate::alert::AlertError;
use crate::alert::backoff::Backoff;
use crate::clock::Clock;
use crate::ingest::relay::{Export, Passing, Relay};
use crate::model::time::Timestamp;

/// Requests of the queue on their way at once.
const AT_ONCE: usize = 8;
/// The same while it takes nothing: one alone may meet a backend that sheds most of its load, and then wait for long.
const PROBES: usize = 4;
/// The queue is looked at this often when nobody says that something is new.
const POLL: Duration = Duration::from_secs(2);
/// A backend that takes only a part is asked again after so long.
const BREATH: Duration = Duration::from_millis(100);
/// Waits between attempts: a backend that restarts is back within seconds.
const BACKOFF: Backoff = Backoff {
    base: Duration::from_millis(500),
    cap: Duration::from_secs(30),
};

/// Why nothing can be forwarded.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Settings that make no sense.
    #[error("{key}: {problem}")]
    Settings {
        /// Configuration key.
        key: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The file of headers.
    #[error(transparent)]
    Headers(#[from] AlertError),
    /// The gRPC client could not be made.
    #[error("the gRPC client of [forward] cannot be made")]
    Grpc(#[source] tonic::transport::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client of [forward] cannot be made")]
    Http(#[source] reqwest::Error),
    /// The folder of the queue.
    #[error("forward.queue_path: {} cannot be used", path.display())]
    Queue {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Two processes want one queue.
    #[error("forward.queue_path: {} is in use by another sqleuth; give each one a folder of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

/// Where requests go on to; clones share one queue.
#[derive(Debug, Clone)]
pub struct Forward {
    inner: Arc<Inner>,
}

/// What has been forwarded since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests that the backend took.
    pub sent: u64,
    /// Requests that were written to the queue.
    pub queued: u64,
    /// Requests that were left with their sender.
    pub busy: u64,
    /// Requests that the backend will never take.
    pub refused: u64,
    /// Spans, data points and records that the backend did not like.
    pub rejected: u64,
    /// Requests of the queue that could not be read any more.
    pub lost: u64,
}

impl Forward {
    /// Opens what the settings name; `None` when nothing is to be forwarded.
    ///
    /// # Errors
    /// What is wrong, naming the key or the file.
    pub fn open(settings: &Settings, clock: Clock) -> Result<Option<Self>, ForwardError> {
        let Some(url) = settings.checked_url()? else {
            return Ok(None);
        };
        let headers = headers::read(settings, url)?;
        let (compression, timeout) = (settings.compression, settings.timeout);
        let backend = match settings.protocol_of(url) {
            Protocol::Grpc => {
                let headers = tonic::metadata::MetadataMap::from_headers(headers);
                Backend::Grpc(Grpc::new(url, headers, compression, timeout)?)
            }
            Protocol::HttpProtobuf => {
                let clock = clock.clone();
                Backend::Http(Http::new(url, headers, compression, timeout, clock)?)
            }
        };
        let queue = settings.queue_path.as_ref();
        let queue = queue
            .map(|folder| Queue::open(folder, settings.queue_max_bytes.as_u64()))
            .transpose()?
            .map(|(queue, found)| {
                if found != queue::Found::default() {
                    let (requests, bytes, damaged) = (found.requests, found.bytes, found.damaged);
                    tracing::info!(
                        requests,
                        bytes,
                        damaged,
                        "the forward queue has requests of an earlier run"
                    );
                }
                queue
            });
        Ok(Some(Self {
            inner: Arc::new(Inner::new(backend, queue, clock)),
        }))
    }

    /// What has been forwarded since the start.
    pub fn totals(&self) -> Totals {
        let counts = &self.inner.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Totals {
            sent: read(&counts.sent),
            queued: read(&counts.queued),
            busy: read(&counts.busy),
            refused: read(&counts.refused),
            rejected: read(&counts.rejected),
            lost: read(&counts.lost),
        }
    }

    /// The same by the names of the metric; `rejected` is of items, and no result of a request.
    pub fn results(&self) -> [(&'static str, u64); 5] {
        let totals = self.totals();
        [
            ("sent", totals.sent),
            ("queued", totals.queued),
            ("busy", totals.busy),
            ("refused", totals.refused),
            ("lost", totals.lost),
        ]
    }

    /// Bytes in the queue.
    pub fn queue_bytes(&self) -> u64 {
        self.inner.queue.as_ref().map_or(0, Queue::bytes)
    }

    /// For how long the oldest request of the queue has waited.
    pub fn oldest(&self, now: Timestamp) -> Duration {
        let oldest = self.inner.queue.as_ref().and_then(Queue::oldest);
        oldest.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Passes a request of our own, which nobody waits for and nobody misses.
    pub fn pass_later(&self, export: Export) {
        Inner::pass_later(&self.inner, export);
    }

    /// Sends what waits in the queue until `stop`; what is left is sent after the next start.
    pub async fn run(&self, stop: CancellationToken) {
        match &self.inner.queue {
            None => stop.cancelled().await,
            Some(queue) => self.empty(queue, &stop).await,
        }
        self.inner.end().await;
    }

    async fn empty(&self, queue: &Queue, stop: &CancellationToken) {
        let (mut pace, mut failed) = (Pace::default(), None);
        while !stop.is_cancelled() {
            let held = Inner::take(&self.inner, failed, pace.most()).await;
            if held.is_empty() {
                if queue.is_empty() {
                    self.inner.caught_up();
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.inner.wake.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
                continue;
            }
            let last = held.last().map(|held| held.id);
            let round = Inner::send_held(&self.inner, held).await;
            // One that is never taken must not be tried for ever before all others.
            failed = round.later.and(last);
            if let Some(wait) = pace.wait_after(round) {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

/// How fast the queue is emptied: a backend that is away is asked by a few requests and ever less often, one that takes
/// some and sheds others keeps being asked.
#[derive(Debug, Default)]
struct Pace {
    /// Rounds in a row of which nothing was taken.
    failures: u32,
}

impl Pace {
    fn most(&self) -> usize {
        if self.failures == 0 { AT_ONCE } else { PROBES }
    }

    /// How long the next round must wait.
    fn wait_after(&mut self, round: Round) -> Option<Duration> {
        let Some(later) = round.later else {
            self.failures = 0;
            return None;
        };
        if round.has_left {
            self.failures = 0;
            return Some(later.max(BREATH));
        }
        self.failures = self.failures.saturating_add(1);
        Some(BACKOFF.wait(self.failures, "forward").max(later))
    }
}

impl Relay for Forward {
    fn takes_json(&self) -> bool {
        matches!(self.inner.backend, Backend::Http(_))
    }

    fn pass(&self, export: Export) -> Passing<'_> {
        Box::pin(Inner::pass(&self.inner, export))
    }
}

/// Whether a URL stays within the machine.
fn is_local(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok();
    let host = host.as_ref().and_then(reqwest::Url::host_str);
    matches!(host, Some("127.0.0.1" | "[::1]" | "localhost"))
}

//! `/api/v1/stream`: what happens now, as server-sent events.
//!
//! Events are hints to look again, not data: a viewer that is too slow skips some and is told how many.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use utoipa::ToSchema;

use crate::model::id::IncidentId;
use crate::model::time::Timestamp;
use crate::serve::Site;
use crate::serve::problem::Problem;

/// Events that a slow viewer may be behind.
const BACKLOG: usize = 256;
/// Viewers at once.
const MAX_VIEWERS: usize = 64;
/// A sign of life, shorter than the idle limit of connections and of common proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Something that a viewer may want to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveEvent {
    /// An incident changed.
    Incident {
        /// Which.
        id: IncidentId,
        /// Its revision.
        revision: u64,
    },
    /// Load was stored up to here.
    Window {
        /// End of the newest window.
        id: Timestamp,
    },
    /// This viewer was too slow.
    Skipped {
        /// Events that it has missed.
        missed: u64,
    },
}

/// Tells every viewer; clones share the viewers.
#[derive(Debug, Clone)]
pub struct Live {
    sender: broadcast::Sender<LiveEvent>,
    places: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// Nobody looks yet.
    pub fn new() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
            places: Arc::new(Semaphore::new(MAX_VIEWERS)),
        }
    }

    /// Tells whoever looks; nobody may.
    pub fn tell(&self, event: LiveEvent) {
        // An error only means that there is no viewer.
        drop(self.sender.send(event));
    }

    fn watch(&self, stop: CancellationToken) -> Option<Viewer> {
        Some(Viewer {
            _place: Arc::clone(&self.places).try_acquire_owned().ok()?,
            events: BroadcastStream::new(self.sender.subscribe()),
            stopped: Box::pin(stop.cancelled_owned()),
        })
    }
}

/// Changes as they happen, as server-sent events.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", responses(
    (status = 200, description = "one event a change", body = LiveEvent, content_type = "text/event-stream"),
    (status = 503, description = "too many viewers", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::serve) async fn stream(
    State(site): State<Site>,
) -> Result<impl IntoResponse, Problem> {
    let viewer = site
        .live
        .watch(site.stop.clone())
        .ok_or_else(|| Problem::busy("too many viewers at once"))?;
    let events = viewer.map(|event| Ok::<_, Infallible>(as_sse(&event)));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive))
}

fn as_sse(event: &LiveEvent) -> Event {
    Event::default()
        .json_data(event)
        .unwrap_or_else(|_| Event::default().comment("an event could not be written"))
}

/// What one viewer gets; ends when the server stops, or no graceful stop would ever end.
struct Viewer {
    events: BroadcastStream<LiveEvent>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
}

impl Stream for Viewer {
    type Item = LiveEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LiveEvent>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.events).poll_next(cx).map(|next| {
            next.map(|event| {
                event.unwrap_or_else(|BroadcastStreamRecvError::Lagged(missed)| {
                    LiveEvent::Skipped { missed }
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_viewer_is_told_how_many_it_has_missed() {
        let live = Live::new();
        let mut viewer = live.watch(CancellationToken::new()).unwrap();
        for second in 0..300 {
            let id = Timestamp::from_unix_secs(second);
            live.tell(LiveEvent::Window { id });
        }
        let first = viewer.next().await;
        assert_eq!(first, Some(LiveEvent::Skipped { missed: 44 }));
        let oldest_kept = Timestamp::from_unix_secs(44);
        let second = viewer.next().await;
        assert_eq!(second, Some(LiveEvent::Window { id: oldest_kept }));
    }
}

//! Serves the page, the JSON API and the metrics.
//!
//! ```text
//! socket ─► guard (places, time, Host, Origin, role) ─► router ─┬─ ui        server-rendered pages, no inline code
//!                                                               ├─ api       JSON, problem+json, SSE
//!                                                               ├─ jaeger    Jaeger's query API, both dialects
//!                                                               └─ health, prometheus
//! ```
//!
//! Binding and serving are two steps, so that the address is known before anything runs. Everything read comes from an
//! [`Archive`] on the blocking pool; every change is a [`Command`] to the owner of incidents.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::detect::DetectorMeta;
use crate::metrics::Metrics;
use crate::model::id::SourceId;
use crate::report::Style;

mod api;
pub mod archive;
pub mod auth;
mod guard;
pub mod health;
mod jaeger;
mod listener;
mod openapi;
mod problem;
mod prometheus;
mod router;
mod session;
mod ui;

pub use api::stream::{Live, LiveEvent};
pub use archive::{Archive, ArchiveError, Command};
pub use auth::{Auth, check_bind};
pub use health::Health;
pub use listener::{Listener, bind};

/// Requests that are answered at once; more are told to come back.
const MAX_REQUESTS: usize = 64;
/// How long open requests may take to end once the server stops.
const DRAIN: Duration = Duration::from_secs(3);

/// Why the server could not start or failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else listens there.
    #[error(
        "listen.http = \"{address}\": the port is taken by another program; stop that one, or set listen.http to a free port"
    )]
    PortTaken {
        /// Address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The address cannot be bound.
    #[error("listen.http = \"{address}\": the address cannot be bound")]
    Bind {
        /// Address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Other machines could come in without a token.
    #[error(
        "listen.http = \"{address}\" lets other machines in without a token; set auth.read_token_file and auth.admin_token_file, or listen on 127.0.0.1"
    )]
    OpenBind {
        /// Address asked for.
        address: SocketAddr,
    },
    /// The server failed while it ran.
    #[error("the page cannot be served any more")]
    Failed(#[source] std::io::Error),
}

/// Everything that the server needs of the other stages.
#[derive(Clone)]
pub struct Parts {
    /// What was seen and decided.
    pub archive: Arc<dyn Archive>,
    /// The owner of incidents.
    pub desk: mpsc::Sender<Command>,
    /// Logs that the configuration names, read or not; `None` when sources come from elsewhere, as in the demo.
    pub followed: Option<Vec<SourceId>>,
    /// Own metrics.
    pub metrics: Metrics,
    /// The clock of the data: what "the last hour" is counted from.
    pub clock: Clock,
    /// Language, time zone and links.
    pub style: Style,
    /// The catalogue.
    pub detectors: &'static [&'static DetectorMeta],
    /// Tokens.
    pub auth: Arc<Auth>,
    /// Readiness.
    pub health: Health,
    /// What happens now.
    pub live: Live,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// What handlers see; cheap to clone.
#[derive(Debug, Clone)]
struct Site(Arc<SiteInner>);

#[derive(Debug)]
struct SiteInner {
    parts: Parts,
    hosts: guard::Hosts,
    public_origin: Option<String>,
    places: Semaphore,
    stop: CancellationToken,
}

impl std::ops::Deref for Site {
    type Target = SiteInner;

    fn deref(&self) -> &SiteInner {
        &self.0
    }
}

impl std::ops::Deref for SiteInner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Site {
    fn new(parts: Parts, bound: SocketAddr, stop: CancellationToken) -> Self {
        let public_url = parts.style.links.public_url.as_deref();
        let hosts = guard::Hosts::new(bound, public_url);
        let public_origin = public_url.map(origin_of);
        Self(Arc::new(SiteInner {
            parts,
            hosts,
            public_origin,
            places: Semaphore::new(MAX_REQUESTS),
            stop,
        }))
    }
}

/// `https://host:port` of a URL with a path.
fn origin_of(url: &str) -> String {
    let host_start = url.find("://").map_or(0, |at| at + 3);
    let host_end = url
        .get(host_start..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |at| host_start + at);
    url.get(..host_end).unwrap_or(url).to_ascii_lowercase()
}

/// Serves until `stop`, then lets open requests end for a moment.
///
/// # Errors
/// [`ServeError::Failed`] when the socket fails.
pub async fn run(
    listener: Listener,
    parts: Parts,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let site = Site::new(parts, listener.address(), stop.clone());
    let service = router::router(site);
    let stopping = stop.clone().cancelled_owned();
    let serving = axum::serve(listener, service).with_graceful_shutdown(stopping);
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.map_err(ServeError::Failed),
        // Whoever has not read their answer by now will not.
        () = late => Ok(()),
    }
}

#[cfg(test)]
mod tests;

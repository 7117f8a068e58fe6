//! The OTLP server: gRPC and HTTP, both on either port.
//!
//! ```text
//! Listener ─► Connection (bounded, impatient) ─► hyper, HTTP/1 or 2 ─► exchange ─► Receiver ─► Intake
//! ```
//!
//! gRPC is framed by hand: a unary call is one message behind five bytes, and taking it in ourselves is what lets every
//! byte of it, packed and unpacked, be paid from one budget before it is kept.

mod body;
mod exchange;
mod receiver;
mod refusal;
mod reply;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::receiver::Receiver;
use crate::clock::Clock;
use crate::ingest::SourceMeta;
use crate::ingest::connection::Connection;
use crate::ingest::intake::Intake;
use crate::ingest::relay::Relay;
use crate::ingest::token::Token;
use crate::metrics::Metrics;

/// Connections at once, over both ports; a service has one or two.
const MAX_CONNECTIONS: usize = 512;
/// Who connects has something to say at once.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// A connection on which nothing moves for so long is closed: SDKs export metrics once a minute.
const MAX_IDLE: Duration = Duration::from_secs(150);
/// Calls at once on one connection.
const MAX_STREAMS: u32 = 64;
/// Bytes of a call, and of a connection, that may come before they are asked for; they are in nobody's budget.
const STREAM_WINDOW: u32 = 128 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// Bytes that HTTP/1 may read ahead.
const HTTP1_BUFFER: usize = 128 << 10;
/// The head of a request must be there after this long.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Headers of a request; ours are a dozen.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// How long open calls may take to end once the server stops.
const DRAIN: Duration = Duration::from_secs(3);
/// How often it is looked whether nothing came.
const LOOK: Duration = Duration::from_secs(1);
/// After an error of the system (no file descriptor is left) it is tried again so late.
const BREATH: Duration = Duration::from_millis(500);

/// Bounds of the server, part of `[listen]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Longest message, unpacked.
    pub max_message: ByteSize,
    /// Memory of all requests in flight.
    pub memory: ByteSize,
}

/// What the server needs to know.
#[derive(Debug)]
pub struct Options {
    /// Bounds.
    pub settings: Settings,
    /// What senders must show, if anything.
    pub token: Option<Token>,
    /// Where everything that comes by OTLP belongs; its service is that of senders who tell none.
    pub source: Arc<SourceMeta>,
    /// Where requests go on to, before they are acknowledged; `None`: nowhere.
    pub relay: Option<Arc<dyn Relay>>,
    /// Own metrics.
    pub metrics: Metrics,
    /// What time it is where nothing comes.
    pub clock: Clock,
}

/// Why a port is not served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error(
        "{key} = \"{address}\": the port is taken by another program; stop that one, set {key} to a free port, or to \"off\""
    )]
    PortTaken {
        /// Key of the configuration.
        key: &'static str,
        /// Address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The address cannot be bound.
    #[error("{key} = \"{address}\": the address cannot be bound")]
    Bind {
        /// Key of the configuration.
        key: &'static str,
        /// Address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Other machines could send without a token.
    #[error(
        "{key} = \"{address}\" lets other machines in without a token; set auth.ingest_token_file, or listen on 127.0.0.1"
    )]
    OpenBind {
        /// Key of the configuration.
        key: &'static str,
        /// Address asked for.
        address: SocketAddr,
    },
}

/// Refuses an address that lets other machines in without a token.
///
/// # Errors
/// [`ListenError::OpenBind`], naming the key and the fix.
pub fn check_bind(
    key: &'static str,
    address: SocketAddr,
    has_token: bool,
) -> Result<(), ListenError> {
    if address.ip().is_loopback() || has_token {
        return Ok(());
    }
    Err(ListenError::OpenBind { key, address })
}

/// Binds a port; 0 takes any free one.
///
/// # Errors
/// [`ListenError`], naming the key.
pub async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ListenError::PortTaken {
                key,
                address,
                source,
            }
        } else {
            ListenError::Bind {
                key,
                address,
                source,
            }
        }
    })
}

/// Serves until `stop`, then lets open calls end for a moment.
pub async fn run(
    listeners: Vec<TcpListener>,
    options: Options,
    intake: Intake,
    stop: CancellationToken,
) {
    let receiver = Receiver::new(options, intake);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let mut ports = JoinSet::new();
    for listener in listeners {
        let port = Port {
            listener,
            receiver: receiver.clone(),
            places: Arc::clone(&places),
            connections: connections.clone(),
            stop: stop.clone(),
            cut: cut.clone(),
        };
        ports.spawn(port.serve());
    }
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = look.tick() => receiver.idle().await,
        }
    }
    drop(ports.join_all().await);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait())
        .await
        .is_err()
    {
        cut.cancel();
        connections.wait().await;
    }
}

/// One port that is served.
struct Port {
    listener: TcpListener,
    receiver: Receiver,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Port {
    async fn serve(self) {
        loop {
            let accepting = async {
                let place = Arc::clone(&self.places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = accepting => accepted,
            };
            match accepted {
                (Ok(place), Ok((stream, _))) => {
                    // Answers are small: they must not wait for more to come.
                    drop(stream.set_nodelay(true));
                    let connection = Connection::new(stream, place, [FIRST_WORD, MAX_IDLE]);
                    self.connections.spawn(serve(
                        connection,
                        self.receiver.clone(),
                        self.stop.clone(),
                        self.cut.clone(),
                    ));
                }
                (_, Err(error)) => {
                    tracing::debug!(%error, "a connection of OTLP could not be accepted");
                    tokio::time::sleep(BREATH).await;
                }
                (Err(_closed), _) => return,
            }
        }
    }
}

async fn serve(
    connection: Connection,
    receiver: Receiver,
    stop: CancellationToken,
    cut: CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES);
    let service = service_fn(move |request| {
        let receiver = receiver.clone();
        async move { Ok::<_, Infallible>(exchange::answer(receiver, request).await) }
    });
    let mut serving = pin!(builder.serve_connection(TokioIo::new(connection), service));
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = cut.cancelled() => return,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                served = serving => served,
                () = cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(error, "a connection of OTLP ended badly");
    }
}

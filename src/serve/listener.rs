//! The listening socket: bounded in connections, and impatient with idle ones.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::ingest::connection::Connection;
use crate::serve::ServeError;

/// Connections at once; a page needs two, a scraper one.
const MAX_CONNECTIONS: usize = 256;
/// A connection on which nothing moves for so long is closed; streams send a sign of life more often.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// A bound socket that nobody serves yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    free: Arc<Semaphore>,
}

/// Binds the page's socket; port 0 takes any free one.
///
/// # Errors
/// [`ServeError::PortTaken`] or [`ServeError::Bind`], naming the key `listen.http`.
pub async fn bind(address: SocketAddr) -> Result<Listener, ServeError> {
    let socket = TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ServeError::PortTaken { address, source }
        } else {
            ServeError::Bind { address, source }
        }
    })?;
    let bound = socket
        .local_addr()
        .map_err(|source| ServeError::Bind { address, source })?;
    Ok(Listener {
        socket,
        address: bound,
        free: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
    })
}

impl Listener {
    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let permit = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (stream, peer) = axum::serve::Listener::accept(&mut self.socket).await;
        let connection = Connection::new(stream, permit, [MAX_IDLE, MAX_IDLE]);
        (connection, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

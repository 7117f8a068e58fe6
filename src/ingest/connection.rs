//! One accepted connection, on which something must move: of OTLP's ports and of the page's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

/// One accepted connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    max_idle: Duration,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Closed when nothing moves for `first` at its beginning, or for `idle` later; it keeps its place until then.
    pub fn new(
        stream: TcpStream,
        place: OwnedSemaphorePermit,
        [first, idle]: [Duration; 2],
    ) -> Self {
        Self {
            stream,
            idle: Box::pin(tokio::time::sleep(first)),
            max_idle: idle,
            _place: place,
        }
    }

    /// Restarts the idle clock after progress, or fails when it has run out.
    fn watch<T>(&mut self, cx: &mut Context<'_>, io: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if io.is_ready() {
            let until = Instant::now() + self.max_idle;
            self.idle.as_mut().reset(until);
            return io;
        }
        match self.idle.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let io = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.watch(cx, io)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, io)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, io)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

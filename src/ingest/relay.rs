//! What a receiver of OTLP hands on, before it acknowledges it.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Log records.
    Logs,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Protobuf.
    Protobuf,
    /// OTLP's JSON.
    Json,
}

/// One `Export…ServiceRequest` as it was received, unpacked.
#[derive(Clone, PartialEq, Eq)]
pub struct Export {
    /// What it carries.
    pub signal: Signal,
    /// How it is written.
    pub encoding: Encoding,
    /// Its bytes.
    pub body: Bytes,
}

/// The bytes hold literals of queries: they are not shown.
impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (signal, encoding) = (self.signal, self.encoding);
        write!(
            f,
            "Export({signal:?}, {encoding:?}, {} bytes)",
            self.body.len()
        )
    }
}

/// It could not be taken; the sender must keep it and come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// When, at the earliest.
    pub after: Duration,
}

/// An answer that comes later.
pub type Passing<'a> = Pin<Box<dyn Future<Output = Result<(), Busy>> + Send + 'a>>;

/// Takes requests over: what it has taken it does not lose, so that the receiver may acknowledge it.
pub trait Relay: fmt::Debug + Send + Sync {
    /// Whether it takes JSON as it came; else JSON is handed over written down as protobuf.
    fn takes_json(&self) -> bool;

    /// Takes one request over.
    fn pass(&self, export: Export) -> Passing<'_>;
}

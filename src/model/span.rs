//! One timed operation of a trace, as far as sqleuth needs it, with no literal in it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::id::ServiceName;
use crate::model::time::Timestamp;

/// One span. What it asked a database is a [`QueryEvent`](crate::model::event::QueryEvent) of the same batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// `trace_id`; never 0.
    pub trace: u128,
    /// `span_id`; never 0.
    pub id: u64,
    /// `parent_span_id`; `None` for a root.
    pub parent: Option<u64>,
    /// When it began, by the clock of its process.
    pub start: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// Part between two processes.
    pub kind: SpanKind,
    /// Its status is an error.
    pub failed: bool,
    /// Who made it.
    pub maker: Arc<SpanMaker>,
    /// Name, with what looks like a value folded away; of an entry its method and route where they are told.
    pub name: Arc<str>,
    /// What it did.
    pub work: SpanWork,
}

/// What made spans: shared by all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct SpanMaker {
    /// `service.name`.
    pub service: ServiceName,
    /// Name of the instrumentation scope.
    pub scope: Arc<str>,
    /// `telemetry.sdk.language`; empty when not told.
    pub language: Arc<str>,
}

/// What a span did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanWork {
    /// Was asked from outside: a request, or a message that is handled.
    Entry {
        /// Who asks.
        caller: Caller,
        /// `http.response.status_code`; 0 when not told.
        status: u16,
    },
    /// Ran a statement.
    Query {
        /// Index of the run among the events of the batch.
        run: u32,
        /// `db.operation.batch.size`; 0 when not told.
        batch: u32,
    },
    /// Asked for a connection, or opened one: a pool's or a driver's span without a statement.
    Connection {
        /// Pool or server; empty when not told.
        pool: Arc<str>,
    },
    /// Asked somebody else: another service, a cache, a queue.
    Peer {
        /// Host, service or destination; empty when not told.
        name: Arc<str>,
        /// `http`, `rpc`, `messaging`, or a database system that is not asked in SQL: `redis`, `mongodb`.
        system: Arc<str>,
    },
    /// Any other work in the process.
    Internal,
}

/// Who asks, as keyed hashes that are only ever compared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Not told.
    #[default]
    Unknown,
    /// A user or a session.
    Named(u64),
    /// A browser, by its address and by both address and user agent: many people may share an address.
    Browser {
        /// Of the address alone.
        address: u64,
        /// Of both.
        both: u64,
    },
    /// The address of another program, or of who does not say what asks.
    Program(u64),
}

/// Part that a span plays between two processes; `SpanKind` of OpenTelemetry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Work within a process, or not told.
    #[default]
    Internal,
    /// The side that is asked.
    Server,
    /// The side that asks.
    Client,
    /// Sends a message.
    Producer,
    /// Handles a message.
    Consumer,
}

impl SpanKind {
    /// The lower-case name, as the tag `span.kind` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// The number of the protocol.
    pub fn number(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Server => 2,
            Self::Client => 3,
            Self::Producer => 4,
            Self::Consumer => 5,
        }
    }

    /// The number of the protocol; an unknown one is internal.
    pub fn of(number: u64) -> Self {
        match number {
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Internal,
        }
    }

    /// Whether it begins what a process was asked for from outside: the unit that people wait for.
    pub fn is_entry(self) -> bool {
        matches!(self, Self::Server | Self::Consumer)
    }
}

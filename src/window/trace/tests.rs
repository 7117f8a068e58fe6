//! What assembly promises, seen from outside: spans go in with their runs, operations come out with the windows.

mod beyond;
mod bounds;
mod shapes;

use std::sync::Arc;
use std::time::Duration;

use crate::ingest::{Mark, SourceMeta};
use crate::model::event::{DbTarget, Nesting, Origin, Outcome, QueryEvent, RowCounts};
use crate::model::id::{ServiceName, SourceId};
use crate::model::operation::OperationProfile;
use crate::model::span::{Caller, Span, SpanKind, SpanMaker, SpanWork};
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;
use crate::normalise::{self, EventBatch, Normaliser};
use crate::window::{Closed, Output, Settings, Windows};

/// A round number, so that windows are easy to tell.
const T0: u64 = 1_800_000_000_000;

/// Milliseconds after the beginning.
fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(T0 + millis)
}

/// Telling of a batch while it is written, and the runs of its queries.
struct Telling {
    normaliser: Normaliser,
    trace: u128,
    service: &'static str,
    scope: &'static str,
    spans: Vec<Span>,
    events: Vec<QueryEvent>,
}

impl Telling {
    fn new() -> Self {
        Self {
            normaliser: Normaliser::new(&normalise::Settings::default(), 1),
            trace: 1,
            service: "shop",
            scope: "instrumentation",
            spans: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A span by its id and that of its parent, from and to in milliseconds; `name` of `GET ...` is an entry.
    fn span(&mut self, ids: (u64, u64), time: (u64, u64), name: &str) -> &mut Self {
        let is_entry = ["GET ", "POST "]
            .iter()
            .any(|method| name.starts_with(method));
        let (kind, work) = if is_entry {
            (
                SpanKind::Server,
                SpanWork::Entry {
                    caller: Caller::Unknown,
                    status: 200,
                },
            )
        } else {
            (SpanKind::Internal, SpanWork::Internal)
        };
        self.push(ids, time, name, (kind, work))
    }

    /// Somebody else who is asked.
    fn peer(&mut self, ids: (u64, u64), time: (u64, u64), name: &str) -> &mut Self {
        let work = SpanWork::Peer {
            name: name.into(),
            system: "http".into(),
        };
        self.push(ids, time, name, (SpanKind::Client, work))
    }

    fn connection(&mut self, ids: (u64, u64), time: (u64, u64)) -> &mut Self {
        let work = SpanWork::Connection {
            pool: "main".into(),
        };
        self.push(ids, time, "pool.connect", (SpanKind::Client, work))
    }

    fn query(&mut self, ids: (u64, u64), time: (u64, u64), sql: &str) -> &mut Self {
        let known = self
            .normaliser
            .statement(sql.as_bytes(), Dialect::Mysql, false);
        let run = u32::try_from(self.events.len()).unwrap();
        self.events.push(QueryEvent {
            end: at(time.1),
            elapsed: Duration::from_millis(time.1 - time.0),
            lock: None,
            service: ServiceName::new(self.service),
            target: DbTarget::default(),
            statement: known.statement,
            parameters: known.parameters,
            offset: None,
            rows: RowCounts::default(),
            bytes_sent: None,
            access: None,
            outcome: Outcome::Ok,
            user: Arc::from(""),
            client: Arc::from(""),
            trace: None,
            weight: 1,
            nesting: Nesting::default(),
            origin: Origin::Span,
        });
        let work = SpanWork::Query { run, batch: 0 };
        self.push(ids, time, "SELECT shop", (SpanKind::Client, work))
    }

    fn push(
        &mut self,
        (id, parent): (u64, u64),
        (from, to): (u64, u64),
        name: &str,
        (kind, work): (SpanKind, SpanWork),
    ) -> &mut Self {
        self.spans.push(Span {
            trace: self.trace,
            id,
            parent: (parent != 0).then_some(parent),
            start: at(from),
            elapsed: Duration::from_millis(to - from),
            kind,
            failed: false,
            maker: Arc::new(SpanMaker {
                service: ServiceName::new(self.service),
                scope: self.scope.into(),
                language: "python".into(),
            }),
            name: name.into(),
            work,
        });
        self
    }

    /// What was written so far, as a batch.
    fn batch(&mut self) -> EventBatch {
        let mut batch = idle(0);
        batch.mark.idle_at = None;
        batch.spans = std::mem::take(&mut self.spans);
        batch.events = std::mem::take(&mut self.events);
        batch
    }
}

fn idle(millis: u64) -> EventBatch {
    EventBatch {
        source: Arc::new(SourceMeta {
            id: SourceId::new("otlp"),
            service: ServiceName::new("shop"),
            target: DbTarget::default(),
        }),
        events: Vec::new(),
        spans: Vec::new(),
        errors: Vec::new(),
        mark: Mark {
            idle_at: Some(at(millis)),
            ..Mark::default()
        },
        opaque: 0,
    }
}

/// What closes until a minute after the last span.
fn closed(batches: Vec<EventBatch>) -> Vec<Closed> {
    closed_by(super::Settings::default(), batches)
}

fn closed_by(settings: super::Settings, batches: Vec<EventBatch>) -> Vec<Closed> {
    let mut windows = Windows::new(Settings::default(), at(0)).with_traces(settings);
    let batches = batches.into_iter().map(|batch| (batch, 20_000));
    let ticks = (20..80).map(|second| (idle(1_000 * second), 1_000 * second));
    let outputs = batches
        .chain(ticks)
        .flat_map(|(batch, now)| windows.observe(batch, at(now)));
    let closed = outputs.filter_map(|output| match output {
        Output::Closed(closed) => Some(*closed),
        Output::Flush(_) => None,
    });
    closed.collect()
}

/// The last profile of an operation.
fn operation(closed: &[Closed], name: &str) -> OperationProfile {
    let all = closed.iter().flat_map(|closed| &closed.operations);
    let mut own = all.filter(|profile| &*profile.operation == name);
    own.next_back()
        .expect("the operation came to its end")
        .clone()
}

/// A request of 100 ms that runs `sql(n)` for each of `runs`, 5 ms each.
fn looping(spans: &mut Telling, runs: u64, sql: impl Fn(u64) -> String) {
    spans.query((2, 1), (1, 5), "SELECT id FROM orders WHERE customer = 7");
    for n in 0..runs {
        let from = 6 + 6 * n;
        spans.query((10 + n, 1), (from, from + 5), &sql(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
}

fn item(n: u64) -> String {
    format!("SELECT name FROM items WHERE order_id = {n}")
}

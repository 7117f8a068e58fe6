//! Makes runs and spans of what came by OTLP.
//!
//! ```text
//! SpanRecord ─┬─ asks a database in SQL ─► QueryEvent (and ErrorEvent)  ◄─┐ by index
//!             └─ every one ──────────────► Span { work: Query { run } } ──┘
//! ```
//!
//! No text of a span goes on as it came: statements become templates, names are folded, who asked becomes a keyed hash.

mod known;
mod names;
#[cfg(test)]
mod tests;
mod work;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::{EventBatch, Normaliser, Told};
use crate::ingest::otlp::spans::{Place, SpanBatch, SpanRecord};
use crate::ingest::server_log::{class, of_driver};
use crate::ingest::{Mark, RawError, RawRun, SourceMeta};
use crate::model::error::ErrorClass;
use crate::model::event::{Nesting, Origin, Outcome, RowCounts, TraceRef};
use crate::model::span::{Caller, Span, SpanMaker, SpanWork};
use crate::model::sql::Parsed;
use crate::model::time::Timestamp;

pub(super) use self::known::Known;
use self::names::{folded, folded_host, folded_operation};
use self::work::{Kind, Peer};

/// Longer codes of errors are none.
const MAX_CODE_BYTES: usize = 16;

/// Every browser's user agent begins so, and no other program's that does not pretend to be one.
const BROWSER: &[u8] = b"Mozilla/";

/// Spans of a request that are handed on together: a request may have more than the queue should hold.
const PART: usize = 1024;

impl Normaliser {
    /// Identifies the spans of a request, part after part; `mark` is true after the last.
    pub fn parts<'a>(
        &'a mut self,
        spans: &'a SpanBatch,
        source: &'a Arc<SourceMeta>,
        mark: Mark,
    ) -> impl Iterator<Item = EventBatch> + 'a {
        let count = spans.spans.len();
        let before_last = Mark {
            coverage: mark.coverage,
            lateness: mark.lateness,
            ..Mark::default()
        };
        let mut mark = Some(mark);
        (0..count).step_by(PART).map(move |from| {
            let is_last = from + PART >= count;
            let mark = mark.take_if(|_| is_last);
            let mark = mark.unwrap_or_else(|| before_last.clone());
            self.spans(spans, from..(from + PART).min(count), source, mark)
        })
    }

    /// Identifies some spans of a request. `source` says where they came from; who asked whom is told by each span.
    pub fn spans(
        &mut self,
        spans: &SpanBatch,
        some: Range<usize>,
        source: &Arc<SourceMeta>,
        mark: Mark,
    ) -> EventBatch {
        let records = spans.spans.get(some).unwrap_or_default();
        let mut batch = EventBatch {
            source: Arc::clone(source),
            events: Vec::with_capacity(records.len()),
            errors: Vec::new(),
            spans: Vec::with_capacity(records.len()),
            mark,
            opaque: 0,
        };
        let mut last: Option<(u32, Arc<SpanMaker>)> = None;
        for record in records {
            let maker = match &last {
                Some((scope, maker)) if *scope == record.scope => Arc::clone(maker),
                _ => self.known.maker(spans, record, &source.service),
            };
            last = Some((record.scope, Arc::clone(&maker)));
            self.span(spans, record, maker, &mut batch);
        }
        batch
    }

    fn span(
        &mut self,
        spans: &SpanBatch,
        record: &SpanRecord,
        maker: Arc<SpanMaker>,
        batch: &mut EventBatch,
    ) {
        let kind = work::kind_of(spans, record);
        let work = match kind {
            Kind::Entry => SpanWork::Entry {
                caller: self.caller(spans, record),
                status: record.facts.status,
            },
            Kind::Query => {
                let run = u32::try_from(batch.events.len()).unwrap_or(u32::MAX);
                self.query(spans, record, &maker, batch);
                SpanWork::Query {
                    run,
                    batch: record.facts.batch,
                }
            }
            Kind::Connection => {
                self.refusal(spans, record, &maker, batch);
                SpanWork::Connection {
                    pool: self.known.name(spans.bytes(record.facts.server)),
                }
            }
            Kind::Peer(peer) => self.peer(spans, record, peer),
            Kind::Internal => SpanWork::Internal,
        };
        let end = record.end.max(record.start);
        batch.spans.push(Span {
            trace: record.trace,
            id: record.id,
            parent: (record.parent != 0).then_some(record.parent),
            start: Timestamp::from_unix_nanos(record.start),
            elapsed: Duration::from_nanos(end - record.start),
            kind: record.kind,
            failed: record.failed,
            name: self.span_name(spans, record, kind),
            maker,
            work,
        });
    }

    /// Equal for the same caller, and nothing else can be told of it.
    fn caller(&self, spans: &SpanBatch, record: &SpanRecord) -> Caller {
        let told = spans.bytes(record.facts.caller);
        if told.is_empty() {
            return Caller::Unknown;
        }
        let caller = self.known.hash(0, told);
        if record.facts.is_caller_named() {
            return Caller::Named(caller);
        }
        let agent = spans.bytes(record.facts.agent);
        if !agent.starts_with(BROWSER) {
            return Caller::Program(caller);
        }
        let (address, both) = (caller, self.known.hash(caller, agent));
        Caller::Browser { address, both }
    }

    fn span_name(&mut self, spans: &SpanBatch, record: &SpanRecord, kind: Kind) -> Arc<str> {
        let facts = &record.facts;
        let name = spans.bytes(record.name);
        let text = String::from_utf8_lossy;
        match kind {
            Kind::Entry if !facts.route.is_empty() => {
                let (method, route) = (spans.bytes(facts.method), spans.bytes(facts.route));
                self.known.text(&[b"route", method, route], || {
                    folded(format!("{} {}", text(method), text(route)).trim())
                })
            }
            Kind::Query => self
                .known
                .text(&[b"query", name], || folded_operation(&text(name))),
            _ => self.known.text(&[b"", name], || folded(&text(name))),
        }
    }

    fn peer(&mut self, spans: &SpanBatch, record: &SpanRecord, peer: Peer) -> SpanWork {
        let facts = &record.facts;
        let told = |place: Place| (!place.is_empty()).then_some(place);
        let name = match peer {
            Peer::Messaging => told(facts.destination).or(told(facts.server)),
            _ => told(facts.server),
        };
        let name = spans.bytes(name.unwrap_or_default());
        let port = facts.port;
        let name = self.known.text(&[b"peer", name, &port.to_be_bytes()], || {
            folded_host(&String::from_utf8_lossy(name), port)
        });
        let system = match peer.system() {
            Some(system) => self.known.name(system.as_bytes()),
            None => self.known.name(spans.bytes(facts.system)),
        };
        SpanWork::Peer { name, system }
    }

    fn query(
        &mut self,
        spans: &SpanBatch,
        record: &SpanRecord,
        maker: &SpanMaker,
        batch: &mut EventBatch,
    ) {
        let facts = &record.facts;
        let source = self.known.source(spans, record, maker, &batch.source);
        let mut run = self.raw_run(record);
        run.user = self.known.name(spans.bytes(facts.user));
        if let Some(error) = failure(spans, record) {
            run.outcome = class::outcome(error.class, Arc::clone(&error.code));
            run.error = Some(Box::new(error));
        }
        let end = Timestamp::from_unix_nanos(record.end.max(record.start));
        let told = self.told(spans.bytes(facts.statement), run, &source, end);
        take(told, record, batch);
    }

    /// An error of a connection that could not be had.
    fn refusal(
        &mut self,
        spans: &SpanBatch,
        record: &SpanRecord,
        maker: &SpanMaker,
        batch: &mut EventBatch,
    ) {
        let Some(mut error) = failure(spans, record) else {
            return;
        };
        if error.class == ErrorClass::Other {
            return;
        }
        error.alone = true;
        let source = self.known.source(spans, record, maker, &batch.source);
        let mut run = self.raw_run(record);
        run.outcome = class::outcome(error.class, Arc::clone(&error.code));
        run.error = Some(Box::new(error));
        let end = Timestamp::from_unix_nanos(record.end.max(record.start));
        let told = self.told(b"", run, &source, end);
        take(told, record, batch);
    }

    fn raw_run(&self, record: &SpanRecord) -> RawRun {
        let empty = || self.known.empty();
        let end = record.end.max(record.start);
        let returned = record.facts.returned.checked_sub(1).map(u64::from);
        RawRun {
            truncated: false,
            end: None,
            elapsed: Duration::from_nanos(end - record.start),
            lock: None,
            rows: RowCounts {
                returned,
                ..RowCounts::default()
            },
            bytes_sent: None,
            access: None,
            outcome: Outcome::Ok,
            database: empty(),
            user: empty(),
            client: empty(),
            weight: 1,
            nesting: Nesting::default(),
            error: None,
        }
    }
}

/// Puts what one span told into the batch.
fn take(told: Told, record: &SpanRecord, batch: &mut EventBatch) {
    if let Some(mut error) = told.error {
        error.origin = Origin::Span;
        batch.errors.push(error);
    }
    let Some(mut event) = told.run else { return };
    event.origin = Origin::Span;
    event.trace = Some(TraceRef {
        trace: record.trace,
        span: record.id,
    });
    if matches!(event.statement.parsed, Parsed::Opaque { .. }) {
        batch.opaque += 1;
    }
    batch.events.push(event);
}

/// What a span says of its failure; `None` for one that went well.
fn failure(spans: &SpanBatch, record: &SpanRecord) -> Option<RawError> {
    let facts = &record.facts;
    let code = code(spans.bytes(facts.code)).or_else(|| code(spans.bytes(facts.error)));
    let is_failed = record.failed || !facts.error.is_empty() || code.is_some();
    if !is_failed {
        return None;
    }
    let told = spans.told_of_failure(record);
    let told = told.and_then(|text| of_driver(text.as_bytes()));
    let mut error = told.unwrap_or_default();
    if let Some(code) = code {
        if error.code.is_empty() || error.class == ErrorClass::Other {
            error.class = class::of_code(code);
        }
        error.code = Arc::from(code);
    }
    Some(error)
}

/// A SQLSTATE or an error number of a server that is one; 0 and 00000 say that all is well.
fn code(text: &[u8]) -> Option<&str> {
    let text = str::from_utf8(text).ok()?;
    let is_code = text.len() <= MAX_CODE_BYTES
        && text.bytes().any(|b| b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let is_well = text.bytes().all(|b| b == b'0');
    (is_code && !is_well).then_some(text)
}

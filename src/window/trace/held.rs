//! An open trace: the spans that have come so far, each of two instrumentations once.

use std::sync::Arc;

use crate::model::id::FingerprintId;
use crate::model::span::{Caller, Span, SpanKind, SpanMaker, SpanWork};
use crate::model::sql::StatementRef;
use crate::model::time::Timestamp;
use crate::window::query::nanos;
use crate::window::table::Scope;

use super::tree::index;
use super::twins::Twins;

/// Spans back in which those below the second half of a doubled one are looked for.
const BELOW_WITHIN: usize = 32;

/// A span as an open trace keeps it. Times are nanoseconds by the clock of its process.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: u64,
    /// 0 for a root.
    pub(super) parent: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) name: Arc<str>,
    pub(super) maker: Arc<SpanMaker>,
    pub(super) kind: SpanKind,
    pub(super) failed: bool,
    /// Two instrumentations told of it, of which this is the one that counts.
    doubled: bool,
    pub(super) work: Work,
}

/// What a span did, as far as patterns ask.
#[derive(Debug)]
pub(super) enum Work {
    Entry {
        caller: Caller,
    },
    Query(Asked),
    Connection {
        pool: Arc<str>,
    },
    Peer {
        name: Arc<str>,
        system: Arc<str>,
    },
    /// Any other, and the second half of a doubled query.
    Internal,
}

/// What a span asked a database.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) statement: StatementRef,
    pub(super) scope: Arc<Scope>,
    /// 0 when not told.
    pub(super) parameters: u64,
    pub(super) batch: u32,
    pub(super) ok: bool,
    /// It was cut, and said so: the windows of its statement know.
    pub(super) cancelled: bool,
}

impl Held {
    pub(super) fn of(span: Span, work: Work) -> Self {
        let start = span.start.as_unix_nanos();
        Self {
            id: span.id,
            parent: span.parent.unwrap_or(0),
            start,
            end: start.saturating_add(nanos(span.elapsed)),
            name: span.name,
            maker: span.maker,
            kind: span.kind,
            failed: span.failed,
            doubled: false,
            work,
        }
    }

    /// The work of a span, given what its run asked.
    pub(super) fn work(span: &mut Span, asked: Option<Asked>) -> Work {
        match (std::mem::replace(&mut span.work, SpanWork::Internal), asked) {
            (SpanWork::Entry { caller, .. }, _) => Work::Entry { caller },
            (SpanWork::Query { .. }, Some(asked)) => Work::Query(asked),
            (SpanWork::Connection { pool }, _) => Work::Connection { pool },
            (SpanWork::Peer { name, system }, _) => Work::Peer { name, system },
            (SpanWork::Query { .. } | SpanWork::Internal, _) if span.kind.is_entry() => {
                let caller = Caller::Unknown;
                Work::Entry { caller }
            }
            (SpanWork::Query { .. } | SpanWork::Internal, _) => Work::Internal,
        }
    }

    pub(super) fn asked(&self) -> Option<&Asked> {
        match &self.work {
            Work::Query(asked) => Some(asked),
            _ => None,
        }
    }

    fn fingerprint(&self) -> Option<FingerprintId> {
        self.asked().map(|asked| asked.statement.fingerprint)
    }

    pub(super) fn elapsed(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn ended(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.end)
    }

    /// Whether it may be one of many: what is left out first of a trace that is too large.
    fn is_leaf(&self) -> bool {
        matches!(
            self.work,
            Work::Query(_) | Work::Connection { .. } | Work::Peer { .. }
        )
    }

    /// Whether both tell of the same run: nested or side by side, at the same time, by two instrumentations.
    pub(super) fn is_same_run(&self, other: &Self) -> bool {
        let is_related =
            self.parent == other.parent || self.parent == other.id || other.parent == self.id;
        let overlaps = self.start <= other.end && other.start <= self.end;
        is_related
            && overlaps
            && !self.doubled
            && self.fingerprint() == other.fingerprint()
            && !Arc::ptr_eq(&self.maker, &other.maker)
            && self.maker.scope != other.maker.scope
            && self.maker.service == other.maker.service
    }
}

/// The spans of a trace that have come so far.
#[derive(Debug)]
pub(super) struct OpenTrace {
    pub(super) spans: Vec<Held>,
    /// Spans that came beyond what is kept.
    pub(super) left_out: u64,
    /// When it is to be judged.
    pub(super) due: Timestamp,
    /// By the watermark, when its first span came.
    pub(super) first: Timestamp,
    /// By the watermark, when something was added last.
    pub(super) last: Timestamp,
    /// The latest end of its spans, by whatever clock.
    pub(super) end: Timestamp,
    /// It was found incomplete once.
    pub(super) waited: bool,
    leaves: usize,
    pub(super) bytes: usize,
    twins: Twins,
}

/// What became of a span that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Kept,
    LeftOut,
    /// It tells of a run that was told before.
    Doubled,
}

impl OpenTrace {
    pub(super) fn new() -> Self {
        Self {
            spans: Vec::new(),
            left_out: 0,
            due: Timestamp::EPOCH,
            first: Timestamp::EPOCH,
            last: Timestamp::EPOCH,
            end: Timestamp::EPOCH,
            waited: false,
            leaves: 0,
            bytes: 0,
            twins: Twins::default(),
        }
    }

    /// Adds a span; at most `most` that ask somebody, and as many others.
    pub(super) fn add(&mut self, mut span: Held, most: usize) -> Added {
        self.end = self.end.max(span.ended());
        let twin = self.pair(&mut span);
        let is_double = twin.is_some();
        let is_leaf = span.is_leaf();
        let kept = if is_leaf {
            self.leaves
        } else {
            self.spans.len() - self.leaves
        };
        // Where the other half is below it, it holds the trace together.
        if twin == Some(Related::Sibling) && !self.has_below(span.id) {
            return Added::Doubled;
        }
        if kept >= most {
            self.left_out += 1;
            return if is_double {
                Added::Doubled
            } else {
                Added::LeftOut
            };
        }
        self.leaves += usize::from(is_leaf);
        if span.asked().is_some() {
            self.bytes += self.twins.note(&span, index(self.spans.len()));
        }
        let room = self.spans.capacity();
        self.spans.push(span);
        self.bytes += (self.spans.capacity() - room) * size_of::<Held>();
        if is_double {
            Added::Doubled
        } else {
            Added::Kept
        }
    }

    /// Looks for the other half of a doubled query. That one counts, for as long as both took; this one is no query.
    fn pair(&mut self, span: &mut Held) -> Option<Related> {
        span.asked()?;
        let twin = self.twins.find(&self.spans, span)?;
        let other = self.spans.get_mut(twin)?;
        other.doubled = true;
        span.work = Work::Internal;
        if other.parent != span.parent {
            return Some(Related::Nested);
        }
        other.start = other.start.min(span.start);
        other.end = other.end.max(span.end);
        Some(Related::Sibling)
    }

    fn has_below(&self, id: u64) -> bool {
        let recent = self.spans.iter().rev().take(BELOW_WITHIN);
        recent.into_iter().any(|span| span.parent == id)
    }
}

/// How both halves of a doubled query hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Related {
    Sibling,
    Nested,
}

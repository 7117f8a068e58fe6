//! Puts traces together from spans that come in any order, and sums up what those that have come to their end show.
//!
//! ```text
//! spans ─► Traces ──quiet for a while──► Tree (units) ─► Unit (patterns) ─► Operations, by window ─► OperationProfile
//!            └ a run that two instrumentations tell of is counted once, here and by the windows of its statement
//! ```
//!
//! Time is the source's watermark, as for windows, hence a replay closes the same traces in the same windows. Everything
//! has a bound: spans of a trace, open traces, bytes; the trace that is due first makes room.

mod book;
mod callers;
mod critical;
mod held;
mod holders;
mod loops;
mod operations;
mod patterns;
mod ran;
mod settings;
mod shelf;
mod sums;
#[cfg(test)]
mod tests;
mod tree;
mod twins;
mod unit;
mod whole;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::event::{Outcome, QueryEvent};
use crate::model::span::{Span, SpanWork};
use crate::model::time::Timestamp;
use crate::window::table::Scope;

use self::held::{Added, Asked, Held, OpenTrace};
use self::tree::Tree;
use self::unit::{Scratch, Unit};

pub(super) use self::holders::{Busy, name_holders};
use self::operations::Operations;
pub use self::ran::OperationStatement;
pub use self::settings::Settings;
pub use self::shelf::Shelf;
pub use self::whole::{Operation, SpanTotals};

/// Things worth a metric, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceCounters {
    /// Traces that came to their end.
    pub closed: u64,
    /// Those that were judged before it, for want of room.
    pub early: u64,
    /// Spans beyond what is kept of one trace.
    pub left_out: u64,
    /// Runs that two instrumentations told of.
    pub doubled: u64,
}

impl TraceCounters {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            closed: self.closed + other.closed,
            early: self.early + other.early,
            left_out: self.left_out + other.left_out,
            doubled: self.doubled + other.doubled,
        }
    }
}

/// Open traces of one source.
#[derive(Debug)]
pub(super) struct Traces {
    settings: Settings,
    open: HashMap<u128, OpenTrace>,
    /// What is due first.
    due: BTreeSet<(Timestamp, u128)>,
    bytes: usize,
    /// Traces that something was added to since the last look.
    touched: Vec<u128>,
    pub(super) operations: Operations,
    /// How far the source's clock had come at the last look.
    mark: Option<Timestamp>,
    tree: Tree,
    scratch: Scratch,
    shelf: Shelf,
    counters: TraceCounters,
}

/// Runs of a batch that were told before, by another instrumentation.
#[derive(Debug, Default)]
pub(super) struct Doubled(Vec<bool>);

impl Doubled {
    fn note(&mut self, run: u32, of: usize) {
        self.0.resize(of, false);
        if let Some(slot) = self.0.get_mut(run as usize) {
            *slot = true;
        }
    }

    /// Whether the run was told before.
    pub(super) fn has(&self, run: usize) -> bool {
        self.0.get(run).copied().unwrap_or(false)
    }
}

impl Traces {
    pub(super) fn new(settings: Settings, shelf: Shelf) -> Self {
        let settings = settings.clamped();
        Self {
            operations: Operations::new(settings.max_operations),
            settings,
            open: HashMap::new(),
            due: BTreeSet::new(),
            bytes: 0,
            touched: Vec::new(),
            mark: None,
            tree: Tree::default(),
            scratch: Scratch::default(),
            shelf,
            counters: TraceCounters::default(),
        }
    }

    /// Adds the spans of a batch, and says which of its runs were told before.
    pub(super) fn observe(
        &mut self,
        spans: Vec<Span>,
        events: &[QueryEvent],
        mut scope_of: impl FnMut(&QueryEvent) -> Arc<Scope>,
    ) -> Doubled {
        let mut doubled = Doubled::default();
        let mut spans = spans.into_iter().peekable();
        while let Some(first) = spans.next() {
            let id = first.trace;
            let trace = self.open.entry(id).or_insert_with(OpenTrace::new);
            let before = trace.bytes;
            let mut next = Some(first);
            while let Some(mut span) = next {
                let run = match span.work {
                    SpanWork::Query { run, .. } => Some(run),
                    _ => None,
                };
                let asked = asked(&span, events, &mut scope_of);
                let work = Held::work(&mut span, asked);
                match trace.add(Held::of(span, work), self.settings.max_spans) {
                    Added::Kept => {}
                    Added::LeftOut => self.counters.left_out += 1,
                    Added::Doubled => {
                        self.counters.doubled += 1;
                        if let Some(run) = run {
                            doubled.note(run, events.len());
                        }
                    }
                }
                next = spans.next_if(|span| span.trace == id);
            }
            self.bytes += trace.bytes - before;
            self.touched.push(id);
        }
        doubled
    }

    /// Takes note that the spans came between the last mark of the source's clock and this one, and closes what is due.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let before = self.mark.replace(now).unwrap_or(now).min(now);
        for id in std::mem::take(&mut self.touched) {
            let Some(trace) = self.open.get_mut(&id) else {
                continue;
            };
            if trace.due == Timestamp::EPOCH {
                trace.first = before;
                self.bytes += size_of::<OpenTrace>();
            } else {
                self.due.remove(&(trace.due, id));
            }
            // The clock of the process may be hours behind, or ahead.
            trace.last = trace.end.clamp(before, now).max(trace.last);
            let patience = if trace.waited {
                self.settings.incomplete_after
            } else {
                self.settings.quiet_after
            };
            let latest = trace.first.plus(self.settings.max_age);
            trace.due = trace.last.plus(patience).min(latest.max(now));
            self.due.insert((trace.due, id));
        }
        while let Some(&(due, id)) = self.due.first() {
            if due > now && !self.is_full() {
                break;
            }
            self.due.pop_first();
            self.close(due, id, now);
        }
    }

    /// What happened since the start.
    pub(super) fn counters(&self) -> TraceCounters {
        self.counters
    }

    fn is_full(&self) -> bool {
        self.bytes > self.settings.max_megabytes << 20 || self.open.len() > self.settings.max_traces
    }

    fn close(&mut self, due: Timestamp, id: u128, now: Timestamp) {
        let is_early = due > now;
        let may_wait = !is_early && self.open.get(&id).is_some_and(|t| !t.waited);
        if may_wait && self.waits(id, now) {
            return;
        }
        self.counters.early += u64::from(is_early);
        self.end(id, due.min(now));
    }

    /// Judges a trace by what has come of it; it came to its end at `at`.
    fn end(&mut self, id: u128, at: Timestamp) {
        let Some(trace) = self.open.remove(&id) else {
            return;
        };
        self.bytes = self
            .bytes
            .saturating_sub(trace.bytes + size_of::<OpenTrace>());
        self.counters.closed += 1;
        self.tree.hang(&trace.spans);
        let mut is_example = false;
        for (root, members) in self.tree.units() {
            let unit = Unit {
                trace: id,
                spans: &trace.spans,
                parent: &self.tree.parent,
                root,
                members,
                left_out: trace.left_out,
            };
            is_example |= self.operations.add(&unit, &mut self.scratch, at);
        }
        if is_example {
            self.shelf.put(id, &trace);
        }
    }

    /// Gives a trace that misses a parent more time.
    fn waits(&mut self, id: u128, now: Timestamp) -> bool {
        let Some(trace) = self.open.get_mut(&id) else {
            return false;
        };
        trace.waited = true;
        if self.tree.is_complete(&trace.spans) {
            return false;
        }
        let latest = trace.first.plus(self.settings.max_age);
        let due = trace.last.plus(self.settings.incomplete_after).min(latest);
        if due <= now {
            return false;
        }
        trace.due = due;
        self.due.insert((due, id));
        true
    }
}

/// What a span asked a database, with what its run tells.
fn asked(
    span: &Span,
    events: &[QueryEvent],
    scope_of: &mut impl FnMut(&QueryEvent) -> Arc<Scope>,
) -> Option<Asked> {
    let SpanWork::Query { run, batch } = span.work else {
        return None;
    };
    let event = events.get(run as usize)?;
    Some(Asked {
        statement: Arc::clone(&event.statement),
        scope: scope_of(event),
        parameters: event.parameters,
        batch,
        ok: event.outcome == Outcome::Ok && !span.failed,
        cancelled: matches!(event.outcome, Outcome::Cancelled { .. }),
    })
}

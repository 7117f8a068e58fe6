//! The traces of a source: put together beside its windows, closed by the same mark, told with the window they end in.

use std::time::Duration;

use crate::model::event::{Origin, QueryEvent, TraceRef};
use crate::model::id::FingerprintId;
use crate::model::operation::{LoggedRuns, OperationProfile, TraceExemplar};
use crate::model::span::Span;
use crate::model::subject::Exemplar;
use crate::model::time::{Interval, Timestamp};
use crate::window::history::History;
use crate::window::source::Source;
use crate::window::table::{QueryTable, Scope};
use crate::window::trace::{self, Busy, Doubled, Shelf, TraceCounters, Traces, name_holders};

/// How far the clocks of a service and of its database may lie apart, network included, for one run to be told by both.
const CLOCKS_APART: Duration = Duration::from_millis(100);

impl Source {
    /// Puts traces together so; to be called before anything else.
    pub(in crate::window) fn with_traces(
        mut self,
        settings: &trace::Settings,
        shelf: &Shelf,
    ) -> Self {
        self.trace = settings.clone();
        self.shelf = shelf.clone();
        self
    }

    /// Adds spans to their traces, and says which runs of their batch were told before.
    pub(in crate::window) fn assemble(
        &mut self,
        spans: Vec<Span>,
        events: &[QueryEvent],
        arrival: Timestamp,
    ) -> Doubled {
        if spans.is_empty() {
            return Doubled::default();
        }
        let latest = spans.iter().map(|span| span.start.plus(span.elapsed)).max();
        let mut traces = self
            .traces
            .take()
            .unwrap_or_else(|| Box::new(Traces::new(self.trace.clone(), self.shelf.clone())));
        let doubled = traces.observe(spans, events, |event| self.scope(event));
        self.traces = Some(traces);
        // A trace without a statement tells how late it is, too.
        if let Some(latest) = latest {
            self.watermark.idle(latest, arrival);
        }
        doubled
    }

    /// Closes the traces that are due by the mark of all that was observed.
    pub(in crate::window) fn settle_traces(&mut self) {
        if let (Some(traces), Some(now)) = (&mut self.traces, self.watermark.at(Duration::ZERO)) {
            traces.settle(now);
        }
    }

    pub(in crate::window) fn trace_counters(&self) -> TraceCounters {
        self.traces
            .as_ref()
            .map(|traces| traces.counters())
            .unwrap_or_default()
    }

    /// Operations of which traces came to their end in a window; of the last hour, too, when it is time for advice.
    pub(super) fn operations(
        &mut self,
        window: Interval,
        is_long_due: bool,
    ) -> Vec<OperationProfile> {
        let recent = self.watched(window, window.to.minus(self.settings.recent));
        let remembered = self.watched(window, History::reach(window.to));
        let Some(traces) = &mut self.traces else {
            return Vec::new();
        };
        let mut operations = traces.operations.close(window, recent);
        name_holders(&mut operations, &Busy::of(self.recent.iter()));
        if is_long_due {
            operations.extend(traces.operations.long(remembered));
        }
        operations
    }
}

impl Source {
    /// What a log that this source reads says of a statement since `from`: runs that spans may tell of, too. They are known
    /// to be of these traces where the log names one of them.
    pub(in crate::window) fn logged(
        &self,
        fingerprint: FingerprintId,
        namespace: &str,
        (from, traces): (Timestamp, &[TraceExemplar]),
    ) -> Option<LoggedRuns> {
        let mut found: Option<LoggedRuns> = None;
        for table in self.tables_since(from) {
            for (key, ran) in table.of(fingerprint) {
                if key.scope.origin != Origin::Log || !is_same_name(&key.scope, namespace) {
                    continue;
                }
                let load = ran.stats.load();
                let known = found.get_or_insert_with(LoggedRuns::default);
                known.runs = known.runs.saturating_add(load.count);
                let rows = load.rows_examined.map(|rows| rows.total);
                known.lock = match (known.lock, load.lock) {
                    (Some(a), Some(b)) => Some(a.saturating_add(b)),
                    (a, b) => a.or(b),
                };
                known.names_trace |= names_one_of(traces, ran.stats.exemplars());
                known.rows_examined = match (known.rows_examined, rows) {
                    (Some(a), Some(b)) => Some(a.saturating_add(b)),
                    (a, b) => a.or(b),
                };
            }
        }
        found
    }

    /// The trace in which a logged run was asked for: that of the span of the same statement that began and ended closest
    /// around it.
    pub(in crate::window) fn trace_of(
        &self,
        fingerprint: FingerprintId,
        namespace: &str,
        run: &Exemplar,
    ) -> Option<TraceRef> {
        let tables = self.tables_since(run.start().minus(CLOCKS_APART));
        let spans = tables
            .flat_map(|table| table.of(fingerprint))
            .filter(|(key, _)| key.scope.origin == Origin::Span)
            .filter(|(key, _)| is_same_name(&key.scope, namespace))
            .flat_map(|(_, ran)| ran.stats.exemplars());
        let apart = |span: &Exemplar| {
            let apart = |a: Timestamp, b: Timestamp| a.since(b).max(b.since(a));
            apart(span.start(), run.start()).max(apart(span.end, run.end))
        };
        let near = spans.filter(|span| span.trace.is_some() && apart(span) <= CLOCKS_APART);
        near.min_by_key(|span| apart(span))?.trace
    }

    fn tables_since(&self, from: Timestamp) -> impl Iterator<Item = &QueryTable> {
        let recent = self.recent.iter().filter(move |(span, _)| span.to > from);
        let open = self.open.values().map(|window| &window.table);
        recent.map(|(_, table)| table).chain(open)
    }
}

/// Whether a logged run names one of the traces.
fn names_one_of(traces: &[TraceExemplar], runs: &[Exemplar]) -> bool {
    let mut named = runs.iter().filter_map(|run| run.trace);
    named.any(|named| traces.iter().any(|known| known.trace == named.trace))
}

/// Whether both name the same database, or one of them names none.
fn is_same_name(scope: &Scope, namespace: &str) -> bool {
    let own = &*scope.target.namespace;
    own.is_empty() || namespace.is_empty() || own == namespace
}

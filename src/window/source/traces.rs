//! The traces of a source: put together beside its windows, closed by the same mark, told with the window they end in.

use std::time::Duration;

use crate::model::event::QueryEvent;
use crate::model::operation::OperationProfile;
use crate::model::span::Span;
use crate::model::subject::QueryProfile;
use crate::model::time::{Interval, Timestamp};
use crate::window::history::History;
use crate::window::source::Source;
use crate::window::trace::{self, Doubled, TraceCounters, Traces, name_holders};

impl Source {
    /// Puts traces together so; to be called before anything else.
    pub(in crate::window) fn with_traces(mut self, settings: &trace::Settings) -> Self {
        self.trace = settings.clone();
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
            .unwrap_or_else(|| Box::new(Traces::new(self.trace.clone())));
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
        queries: &[QueryProfile],
        is_long_due: bool,
    ) -> Vec<OperationProfile> {
        let recent = self.watched(window, window.to.minus(self.settings.recent));
        let remembered = self.watched(window, History::reach(window.to));
        let Some(traces) = &mut self.traces else {
            return Vec::new();
        };
        let mut operations = traces.operations.close(window, recent);
        name_holders(&mut operations, queries);
        if is_long_due {
            operations.extend(traces.operations.long(remembered));
        }
        operations
    }
}

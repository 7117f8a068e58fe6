//! All spans of a recording as one window (`sqleuth digest`, `sqleuth compare`).
//!
//! A recording has its spans in the order in which they were sent, that of several services perhaps in a file each. Hence
//! a trace stays open to the end, or until there is no more room: then the one that ended first makes room.

use std::sync::Arc;

use super::operations::Key;
use super::ran::OperationStatement;
use super::{Busy, Settings, Shelf, TraceCounters, Traces, name_holders};
use crate::model::operation::OperationProfile;
use crate::model::subject::{Horizon, QueryProfile};
use crate::model::time::{Interval, Timestamp};
use crate::normalise::EventBatch;
use crate::window::Totals;
use crate::window::sketch::Sketch;
use crate::window::table::Scope;

/// One operation, and all that it ran.
#[derive(Debug)]
pub struct Operation {
    /// What detectors judge.
    pub profile: OperationProfile,
    /// Its statements, what it waited longest for first; at most 256.
    pub statements: Vec<OperationStatement>,
    /// How long its requests took, in nanoseconds.
    pub elapsed: Sketch,
}

/// Sums over all spans of a recording.
#[derive(Debug)]
pub struct SpanTotals {
    traces: Traces,
    runs: Totals,
    seen: Option<Interval>,
}

impl SpanTotals {
    /// Nothing was observed yet.
    pub fn new(settings: &Settings) -> Self {
        let mut traces = Traces::new(settings.clone(), Shelf::default());
        traces.operations.tell_statements();
        Self {
            traces,
            runs: Totals::default(),
            seen: None,
        }
    }

    /// Adds some spans, and what they tell of runs and of errors.
    pub fn observe(&mut self, batch: EventBatch) {
        let EventBatch {
            events,
            errors,
            spans,
            ..
        } = batch;
        for span in &spans {
            let own = Interval {
                from: span.start,
                to: span.start.plus(span.elapsed),
            };
            self.seen = Some(self.seen.map_or(own, |seen| seen.hull(own)));
        }
        let scope_of = |event: &_| Arc::new(Scope::of(event));
        let doubled = self.traces.observe(spans, &events, scope_of);
        for (run, event) in events.iter().enumerate() {
            if !doubled.has(run) {
                self.runs.observe(event);
            }
        }
        for error in &errors {
            self.runs.errors.observe(error);
        }
        self.traces.hold();
    }

    /// Runs by statement, operations by service and name, and what happened to the traces.
    pub fn end(mut self) -> (Totals, Vec<Operation>, TraceCounters) {
        self.traces.finish();
        let span = self.seen.unwrap_or_default();
        let operations = self.traces.operations.whole(span);
        (self.runs, operations, self.traces.counters())
    }
}

impl Operation {
    /// Names the statement that held connections for longest, where it waited for one.
    pub fn name_holder(&mut self, queries: &[QueryProfile]) {
        let recent = queries.iter().filter(|q| q.horizon != Horizon::Long);
        let operation = std::slice::from_mut(&mut self.profile);
        name_holders(operation, &recent.map(Busy::in_profile));
    }
}

impl Traces {
    /// Keeps what was observed open, those that ended first to make room first.
    fn hold(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            let Some(trace) = self.open.get_mut(&id) else {
                continue;
            };
            if trace.due == Timestamp::EPOCH {
                self.bytes += size_of::<super::OpenTrace>();
            }
            self.due.remove(&(trace.due, id));
            trace.due = trace.end.max(Timestamp::from_unix_nanos(1));
            self.due.insert((trace.due, id));
        }
        while self.is_full() {
            let Some((_, id)) = self.due.pop_first() else {
                return;
            };
            self.counters.early += 1;
            self.end(id, Timestamp::EPOCH);
        }
    }

    /// Judges all that is open, in the order of their ends.
    fn finish(&mut self) {
        while let Some((_, id)) = self.due.pop_first() {
            self.end(id, Timestamp::EPOCH);
        }
    }
}

/// Of a service, and with a name.
impl From<&OperationProfile> for Key {
    fn from(profile: &OperationProfile) -> Self {
        Self {
            service: profile.service.clone(),
            operation: Arc::clone(&profile.operation),
        }
    }
}

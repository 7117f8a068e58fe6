//! One run of one statement as the sums see it, whoever told of it.

use std::sync::Arc;
use std::time::Duration;

use crate::ingest::RawRun;
use crate::model::event::{Access, Nesting, Outcome, QueryEvent, RowCounts, TraceRef};
use crate::model::time::Timestamp;

/// One run, without the statement that it is a run of.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each field is that of `QueryEvent`")]
pub struct Run<'a> {
    pub end: Timestamp,
    pub elapsed: Duration,
    pub lock: Option<Duration>,
    pub rows: RowCounts,
    pub bytes_sent: Option<u64>,
    pub access: Option<&'a Access>,
    pub outcome: &'a Outcome,
    pub parameters: u64,
    pub trace: Option<TraceRef>,
    pub database: &'a Arc<str>,
    pub user: &'a Arc<str>,
    pub client: &'a Arc<str>,
    pub weight: u32,
    pub nesting: Nesting,
}

impl<'a> Run<'a> {
    /// Whether its run time is known. What failed at once takes some time too: where no time is told, none is known.
    pub fn is_timed(&self) -> bool {
        *self.outcome == Outcome::Ok || !self.elapsed.is_zero()
    }

    /// Time that no run inside it counts for: these sum up to what the server spent.
    pub fn own(&self) -> Duration {
        self.elapsed.saturating_sub(self.nesting.inner)
    }

    /// A run as a log tells it, with what its text says of its parameters and its trace.
    pub fn logged(run: &'a RawRun, parameters: u64, trace: Option<TraceRef>) -> Self {
        Self {
            end: run.end.unwrap_or_default(),
            elapsed: run.elapsed,
            lock: run.lock,
            rows: run.rows,
            bytes_sent: run.bytes_sent,
            access: run.access.as_deref(),
            outcome: &run.outcome,
            parameters,
            trace,
            database: &run.database,
            user: &run.user,
            client: &run.client,
            weight: run.runs(),
            nesting: run.nesting,
        }
    }
}

impl<'a> From<&'a QueryEvent> for Run<'a> {
    fn from(event: &'a QueryEvent) -> Self {
        Self {
            end: event.end,
            elapsed: event.elapsed,
            lock: event.lock,
            rows: event.rows,
            bytes_sent: event.bytes_sent,
            access: event.access.as_deref(),
            outcome: &event.outcome,
            parameters: event.parameters,
            trace: event.trace,
            database: &event.target.namespace,
            user: &event.user,
            client: &event.client,
            weight: event.weight,
            nesting: event.nesting,
        }
    }
}

//! Traces that are examples of a pattern, for a while: what is then found in one can be shown in it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::time::Timestamp;
use crate::model::trace::{Trace, TraceSpan, TraceWork};

use super::held::{Held, OpenTrace, Work};

/// Spans that are kept, over all traces; a span takes about 150 bytes beside what it shares.
const MAX_SPANS: usize = 100_000;
/// Traces that are kept: those of some windows, as findings follow within seconds.
const MAX_TRACES: usize = 1_000;

/// The traces; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shelf(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    traces: VecDeque<Arc<Trace>>,
    spans: usize,
}

impl Shelf {
    /// The trace, if it is an example and did not end too long ago.
    pub fn get(&self, id: u128) -> Option<Arc<Trace>> {
        let kept = self.kept();
        let newest = kept.traces.iter().rev();
        newest.into_iter().find(|trace| trace.id == id).cloned()
    }

    pub(super) fn put(&self, id: u128, trace: &OpenTrace) {
        let trace = Arc::new(whole(id, trace));
        let mut kept = self.kept();
        kept.spans += trace.spans.len();
        kept.traces.push_back(trace);
        while kept.spans > MAX_SPANS || kept.traces.len() > MAX_TRACES {
            let Some(oldest) = kept.traces.pop_front() else {
                break;
            };
            kept.spans -= oldest.spans.len();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A trace as it is shown.
fn whole(id: u128, trace: &OpenTrace) -> Trace {
    let mut spans: Vec<TraceSpan> = trace.spans.iter().map(shown).collect();
    spans.sort_by_key(|span| (span.start, span.parent.is_some(), span.id));
    Trace {
        id,
        spans,
        left_out: trace.left_out,
        notes: Vec::new(),
    }
}

fn shown(held: &Held) -> TraceSpan {
    TraceSpan {
        id: held.id,
        parent: (held.parent != 0).then_some(held.parent),
        start: Timestamp::from_unix_nanos(held.start),
        elapsed: Duration::from_nanos(held.elapsed()),
        kind: held.kind,
        failed: held.failed,
        maker: Arc::clone(&held.maker),
        name: Arc::clone(&held.name),
        work: match &held.work {
            Work::Entry { .. } => TraceWork::Entry,
            Work::Query(asked) => TraceWork::Query {
                fingerprint: asked.statement.fingerprint,
                template: asked.statement.template.clone(),
                target: asked.scope.target.clone(),
                batch: asked.batch,
            },
            Work::Connection { pool } => TraceWork::Connection {
                pool: Arc::clone(pool),
            },
            Work::Peer { name, system } => TraceWork::Peer {
                name: Arc::clone(name),
                system: Arc::clone(system),
            },
            Work::Internal => TraceWork::Internal,
        },
    }
}

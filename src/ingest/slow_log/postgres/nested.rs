//! Statements that a function, a procedure or a trigger runs: `auto_explain.log_nested_statements`.
//!
//! Each is logged as it ends, before the statement that it is a part of, and its context says where it stands:
//!
//! ```text
//! CONTEXT:  SQL function "g" statement 1                 what ran inside the next ...
//!           SQL statement "SELECT g(i) FROM t"           ... has a context that ends with all of the next one's
//!           PL/pgSQL function f(integer) line 3 at SQL statement
//! ```
//!
//! It is told as a run of its own, and the run around it is told how much of its time that is.

use std::time::Duration;

use super::Record;
use super::plan::Explained;
use super::session::Session;
use super::sessions::{Sessions, Tell};
use crate::model::event::Nesting;
use crate::model::time::Timestamp;

/// What the context of a nested statement starts with; that of others may tell their parameters.
const FRAMES: [&[u8]; 4] = [
    b"SQL statement ",
    b"SQL function ",
    b"SQL expression ",
    b"PL/",
];

/// Places in functions that are remembered at once for one statement; the oldest is counted for the whole.
const MAX_PLACES: usize = 64;

/// Of a longer context its end is kept, for that is what contexts have in common.
const MAX_CONTEXT_BYTES: usize = 4 << 10;

/// Ends are told to the millisecond.
const SLACK: Duration = Duration::from_millis(2);

/// What ran inside the statement that a process has not finished.
#[derive(Debug, Default)]
pub(super) struct Inside(Vec<Place>);

/// Runs from one place in a function, one after the other.
#[derive(Debug)]
struct Place {
    /// Where the record of the first starts.
    from: u64,
    context: Box<[u8]>,
    elapsed: Duration,
    /// End of the last.
    at: Option<Timestamp>,
}

/// Whether what has this context ran inside another statement.
pub(super) fn is_nested(context: &[u8]) -> bool {
    FRAMES.iter().any(|frame| context.starts_with(frame))
}

impl Inside {
    /// Takes note of a run; says how much of it was that of runs inside it.
    fn note(&mut self, record: &Record<'_>, elapsed: Duration) -> Duration {
        let context = tail(&record.context);
        let inner = self.drain(record.at, elapsed, |place| {
            let rest = place.context.strip_suffix(context);
            rest.is_some_and(|rest| rest.ends_with(b"\n"))
        });
        if let Some(place) = self.0.iter_mut().find(|place| *place.context == *context) {
            place.elapsed = place.elapsed.saturating_add(elapsed);
            place.at = record.at;
            return inner;
        }
        // one of them is that of the whole
        if self.0.len() + 1 >= MAX_PLACES {
            self.forget_oldest();
        }
        self.0.push(Place {
            from: record.from,
            context: context.into(),
            elapsed,
            at: record.at,
        });
        inner
    }

    /// Time of the runs inside one that took `elapsed` and ended at `end`, in no other that is told.
    pub(super) fn take(&mut self, end: Option<Timestamp>, elapsed: Duration) -> Duration {
        if self.is_empty() {
            return Duration::ZERO;
        }
        let inner = self.drain(end, elapsed, |_| true);
        self.clear();
        inner
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Where the oldest record starts that is a part of what has not ended.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.0.iter().map(|place| place.from).min()
    }

    /// Bytes that it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(|place| place.context.len() + 64).sum()
    }

    /// Takes those out that `is_part` says; what ended before the run began is a part of one that was not logged.
    fn drain(
        &mut self,
        end: Option<Timestamp>,
        elapsed: Duration,
        is_part: impl Fn(&Place) -> bool,
    ) -> Duration {
        let start = end.map(|end| end.minus(elapsed.saturating_add(SLACK)));
        let mut inner = Duration::ZERO;
        self.0.retain(|place| {
            let part = is_part(place);
            let is_before = place.at.zip(start).is_some_and(|(at, start)| at < start);
            if part && !is_before {
                inner = inner.saturating_add(place.elapsed);
            }
            !part
        });
        inner.min(elapsed)
    }

    /// Makes the oldest place that of the whole statement.
    fn forget_oldest(&mut self) {
        let Some(first) = self.0.iter().position(|place| !place.context.is_empty()) else {
            return;
        };
        let oldest = self.0.remove(first);
        match self.0.iter_mut().find(|place| place.context.is_empty()) {
            Some(whole) => {
                whole.elapsed = whole.elapsed.saturating_add(oldest.elapsed);
                whole.at = whole.at.max(oldest.at);
            }
            None => self.0.push(Place {
                context: Box::default(),
                ..oldest
            }),
        }
    }
}

fn tail(context: &[u8]) -> &[u8] {
    &context[context.len().saturating_sub(MAX_CONTEXT_BYTES)..]
}

impl Sessions {
    /// A run inside another.
    pub(super) fn ran_inside(
        &mut self,
        record: &Record<'_>,
        (elapsed, explained): (Duration, Explained<'_>),
        session: &mut Session,
        tell: Tell<'_>,
    ) {
        self.note_time(record.from, elapsed);
        // of all sessions together nobody knows which run it is a part of: that run counts for it
        let inner = if record.pid == 0 {
            elapsed
        } else {
            session.inside.note(record, elapsed)
        };
        let mut run = self.entry(record, &explained.sql);
        run.elapsed = elapsed;
        run.rows = explained.rows;
        run.access = Some(explained.access);
        run.nesting = Nesting {
            is_inside: true,
            inner,
        };
        self.tell(record.from, run, tell);
    }
}

#[cfg(test)]
mod tests;

//! Every source's windows, and the one ordered stream that leaves them.
//!
//! Invariants:
//! - A [`Flush`] contains a source's checkpoint if and only if every event before it is in this or an earlier
//!   flush, and none after it is: batches are observed whole, and every flush takes all that changed.
//! - The last flush of a window comes before its `Closed`.
//! - An event is in exactly one window. What comes too late for its own is in the oldest one still open.
//!
//! A window opens at its first event, so there are never more of them than events in a batch, and, since the
//! watermark follows the latest end, no more than a few between batches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::Coverage;
use crate::model::id::{FingerprintId, SourceId};
use crate::model::schema::Schema;
use crate::model::sql::StatementRef;
use crate::model::time::{Interval, Timestamp};
use crate::normalise::EventBatch;
use crate::window::course::book::Courses;
use crate::window::join::join;
use crate::window::pack::{UnpackError, unpack_body};
use crate::window::source::{Due, Source};
use crate::window::table::{OTHER_STATEMENTS, QueryTable, lost_statement, other_statements};
use crate::window::{Flush, Output, PackedCourses, PackedWindow, Settings, WindowKey, trace};

/// Fingerprints that are known to be stored. Beyond, all are forgotten and told again, which changes nothing.
const MAX_TOLD: usize = 200_000;

/// So are they after this time: the store may have dropped what did not run for long.
const TOLD_FOR: Duration = Duration::from_secs(3_600);

/// A window that ends so long before now is recorded, not alerted: a log that appears late, or that was not read for
/// a while, tells of outages that are over, and one that goes on shows in the windows that follow.
const STALE_AFTER: Duration = Duration::from_secs(15 * 60);

/// Things worth a metric, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Entries that came after their window had closed; they are in a later one.
    pub late: u64,
    /// Windows that ended too long ago to alert anybody.
    pub stale: u64,
    /// Entries whose end lay too far in the future.
    pub skewed: u64,
    /// Entries of statements for which their window had no room; they are summed up as one.
    pub overflowed: u64,
}

/// The stage: all windows of all sources.
#[derive(Debug)]
pub struct Windows {
    settings: Settings,
    sources: BTreeMap<SourceId, Source>,
    schemas: BTreeMap<SourceId, Arc<Schema>>,
    trace: trace::Settings,
    shelf: trace::Shelf,
    told: BTreeSet<FingerprintId>,
    told_since: Timestamp,
    new_statements: Vec<StatementRef>,
    last_flush: Timestamp,
    counters: Counters,
}

impl Windows {
    /// Nothing is open yet.
    pub fn new(settings: Settings, now: Timestamp) -> Self {
        Self {
            settings: settings.clamped(),
            sources: BTreeMap::new(),
            schemas: BTreeMap::new(),
            trace: trace::Settings::default(),
            shelf: trace::Shelf::default(),
            told: BTreeSet::new(),
            told_since: now,
            new_statements: Vec::new(),
            last_flush: now,
            counters: Counters::default(),
        }
    }

    /// Knows the tables of these sources by their DDL; to be called before anything else.
    #[must_use]
    pub fn with_schemas(mut self, schemas: BTreeMap<SourceId, Arc<Schema>>) -> Self {
        self.schemas = schemas;
        self
    }

    /// Puts traces together so; to be called before anything else.
    #[must_use]
    pub fn with_traces(mut self, settings: trace::Settings) -> Self {
        self.trace = settings;
        self
    }

    /// Where traces stand that are examples of a pattern.
    pub fn shelf(&self) -> trace::Shelf {
        self.shelf.clone()
    }

    /// Knows what runs cost over weeks; to be called before [`Windows::restore_history`]. Hands back the sources
    /// whose courses cannot be read: theirs begin anew.
    pub fn restore_courses(&mut self, stored: Vec<PackedCourses>) -> Vec<(SourceId, UnpackError)> {
        let mut damaged = Vec::new();
        for packed in stored {
            match Courses::unpack(&packed.body) {
                Ok(courses) => self.source(&packed.source).restore_courses(courses),
                Err(error) => damaged.push((packed.source, error)),
            }
        }
        damaged
    }

    /// Opens every window again that is stored but not judged, those of a backlog too: one that is left out
    /// would be replaced by what its later events make of it. Hands back those that cannot be read.
    pub fn restore(
        &mut self,
        mut unjudged: Vec<PackedWindow>,
        statements: impl Fn(FingerprintId) -> Option<StatementRef>,
    ) -> Vec<(WindowKey, UnpackError)> {
        unjudged.sort_by_key(|window| window.key.start);
        let mut damaged = Vec::new();
        for window in unjudged {
            match self.table(&window, &statements) {
                Ok((table, coverage)) => {
                    let source = self.source(&window.key.source);
                    source.reopen(window.key.start, table, coverage, window.backlog);
                }
                Err(error) => damaged.push((window.key, error)),
            }
        }
        damaged
    }

    /// Remembers judged windows, at least the newest of each source (so that no entry opens it again), better
    /// those of the last 90 minutes (so that there are baselines). Hands back those that cannot be read.
    pub fn restore_history(
        &mut self,
        mut judged: Vec<PackedWindow>,
        statements: impl Fn(FingerprintId) -> Option<StatementRef>,
    ) -> Vec<(WindowKey, UnpackError)> {
        judged.sort_by_key(|window| window.key.start);
        let mut damaged = Vec::new();
        for window in judged {
            let span = Interval {
                from: window.key.start,
                to: window.end,
            };
            let read = self.table(&window, &statements);
            let (table, coverage) = read.unwrap_or_else(|error| {
                damaged.push((window.key.clone(), error));
                (QueryTable::new(1), Coverage::default())
            });
            let source = self.source(&window.key.source);
            source.remember(span, table, coverage);
        }
        damaged
    }

    /// Adds a batch to its windows and closes what it is the end of.
    pub fn observe(&mut self, batch: EventBatch, now: Timestamp) -> Vec<Output> {
        let EventBatch {
            source: meta,
            events,
            spans,
            errors,
            mark,
            ..
        } = batch;
        self.forget_told(now);
        for event in &events {
            self.tell(&event.statement);
        }
        // When the batch was read, not when its turn came: a replay may be far ahead of this stage.
        let arrival = mark.idle_at.map_or(now, |at| at.min(now));
        let mut counters = self.counters;
        let source = self.source(&meta.id);
        let doubled = source.assemble(spans, &events, arrival);
        for (run, event) in events.iter().enumerate() {
            if !doubled.has(run) {
                source.observe(event, &mark, arrival, &mut counters);
            }
        }
        for error in &errors {
            source.observe_error(error, &mark, arrival, &mut counters);
        }
        source.mark(mark, arrival);
        source.settle_traces();
        let due = source.take_due();
        self.counters = counters;
        self.output(&meta.id, due, now, arrival)
    }

    /// To be called about once a second: stores what has changed.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Output> {
        let next = self.last_flush.plus(self.settings.flush_interval);
        // a clock that was set back must not keep what changed from the store for hours
        if (self.last_flush..next).contains(&now) {
            return Vec::new();
        }
        self.last_flush = now;
        self.flush(None).into_iter().collect()
    }

    /// To be called before the end: stores what has changed, closes nothing.
    pub fn drain(&mut self) -> Vec<Output> {
        self.flush(None).into_iter().collect()
    }

    /// What happened since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What became of the traces since the start.
    pub fn trace_counters(&self) -> trace::TraceCounters {
        let sources = self.sources.values();
        sources.fold(trace::TraceCounters::default(), |sum, source| {
            sum.plus(source.trace_counters())
        })
    }

    fn output(
        &mut self,
        id: &SourceId,
        mut due: Vec<Due>,
        now: Timestamp,
        arrival: Timestamp,
    ) -> Vec<Output> {
        if due.is_empty() {
            return self.tick(now);
        }
        self.last_flush = now;
        let mut outputs: Vec<Output> = self.flush(Some((id, &mut due))).into_iter().collect();
        let source = self.source(id);
        let mut stale = 0;
        let ended: Vec<_> = due.into_iter().map(|due| source.close(due)).collect();
        let sources = &self.sources;
        let closed = ended.into_iter().map(|mut closed| {
            join(&mut closed, sources.iter());
            let is_idle = closed.profiles.is_empty()
                && closed.errors.is_empty()
                && closed.operations.is_empty();
            if arrival.since(closed.span.to) > STALE_AFTER && !is_idle {
                closed.backlog = true;
                stale += 1;
            }
            Output::Closed(Box::new(closed))
        });
        outputs.extend(closed);
        self.counters.stale += stale;
        outputs
    }

    fn flush(&mut self, mut closing: Option<(&SourceId, &mut Vec<Due>)>) -> Option<Output> {
        let mut flush = Flush {
            statements: std::mem::take(&mut self.new_statements),
            ..Flush::default()
        };
        for (id, source) in &mut self.sources {
            let due = match &mut closing {
                Some((closing, due)) if *closing == id => due.as_mut_slice(),
                _ => &mut [],
            };
            flush.windows.extend(source.take_changes(due));
            flush.checkpoints.extend(source.take_checkpoint());
            flush.courses.extend(source.take_courses());
        }
        let empty = flush.windows.is_empty()
            && flush.statements.is_empty()
            && flush.checkpoints.is_empty()
            && flush.courses.is_empty();
        (!empty).then_some(Output::Flush(flush))
    }

    fn forget_told(&mut self, now: Timestamp) {
        let is_fresh = (self.told_since..self.told_since.plus(TOLD_FOR)).contains(&now);
        if self.told.len() >= MAX_TOLD || !is_fresh {
            self.told.clear();
            self.told_since = now;
        }
    }

    fn tell(&mut self, statement: &StatementRef) {
        if self.told.insert(statement.fingerprint) {
            self.new_statements.push(statement.clone());
        }
    }

    fn source(&mut self, id: &SourceId) -> &mut Source {
        let settings = &self.settings;
        let (schemas, trace, shelf) = (&self.schemas, &self.trace, &self.shelf);
        let sources = &mut self.sources;
        sources.entry(id.clone()).or_insert_with(|| {
            let schema = schemas.get(id).cloned().unwrap_or_default();
            Source::new(id.clone(), settings.clone(), schema).with_traces(trace, shelf)
        })
    }

    fn table(
        &mut self,
        window: &PackedWindow,
        statements: impl Fn(FingerprintId) -> Option<StatementRef>,
    ) -> Result<(QueryTable, Coverage), UnpackError> {
        let mut table = QueryTable::new(self.settings.max_statements);
        let body = unpack_body(&window.body)?;
        for query in body.queries {
            let fingerprint = query.fingerprint;
            let statement = match statements(fingerprint) {
                _ if fingerprint == OTHER_STATEMENTS => other_statements(),
                Some(statement) => {
                    self.told.insert(fingerprint);
                    statement
                }
                None => lost_statement(fingerprint),
            };
            table.add(&statement, &query.scope, &query.stats);
        }
        table.errors.unpack(body.errors);
        Ok((table, body.coverage))
    }
}

//! The windows of one source: open ones, recent ones, and what came before.
//!
//! ```text
//! open ── watermark ──► closing ─► recent (60 s) ─► history (1 h) ─► forgotten; the store has it
//! ```

mod errors;
mod long;
mod open;
mod traces;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::ingest::{Checkpoint, Mark};
use crate::model::event::{Coverage, QueryEvent};
use crate::model::id::SourceId;
use crate::model::schema::Schema;
use crate::model::subject::{Horizon, QueryProfile};
use crate::model::time::{Interval, Timestamp};
use crate::window::facts::TableBook;
use crate::window::history::History;
use crate::window::profile::{Frame, View, declare};
use crate::window::source::open::OpenWindow;
use crate::window::table::{QueryTable, Scope};
use crate::window::watermark::Watermark;
use crate::window::{Closed, Counters, PackedWindow, Settings, WindowKey, trace};

/// Windows without events that are told at each end of a gap, so that problems can rest: a quiet night is not
/// thousands of windows.
const IDLE_TOLD: usize = 6;

/// Scopes that are looked for before a new one is made.
const CACHED_SCOPES: usize = 32;

/// State of one source.
#[derive(Debug)]
pub(super) struct Source {
    id: SourceId,
    settings: Settings,
    watermark: Watermark,
    /// Windows that start before this are closed.
    closed_until: Option<Timestamp>,
    /// What came before is not known.
    watched_since: Option<Timestamp>,
    open: BTreeMap<Timestamp, OpenWindow>,
    recent: VecDeque<(Interval, QueryTable)>,
    history: History,
    book: TableBook,
    schema: Arc<Schema>,
    scopes: VecDeque<Arc<Scope>>,
    coverage: Coverage,
    backlog: bool,
    /// How much later than others of its time something may come.
    lateness: Duration,
    checkpoint: Option<Checkpoint>,
    trace: trace::Settings,
    shelf: trace::Shelf,
    /// Of a source that tells of spans.
    traces: Option<Box<trace::Traces>>,
}

/// A window that has come to its end; `None` when nothing ran in it.
#[derive(Debug)]
pub(super) struct Due {
    start: Timestamp,
    window: Option<OpenWindow>,
}

impl Source {
    pub(super) fn new(id: SourceId, settings: Settings, schema: Arc<Schema>) -> Self {
        Self {
            id,
            watermark: Watermark::default(),
            closed_until: None,
            watched_since: None,
            open: BTreeMap::new(),
            recent: VecDeque::new(),
            history: History::new(settings.max_statements),
            book: TableBook::default(),
            schema,
            scopes: VecDeque::new(),
            coverage: Coverage::default(),
            backlog: false,
            lateness: Duration::ZERO,
            checkpoint: None,
            trace: trace::Settings::default(),
            shelf: trace::Shelf::default(),
            traces: None,
            settings,
        }
    }

    /// Opens a stored window again. Windows come in order: what lies before the first may have been judged.
    pub(super) fn reopen(
        &mut self,
        start: Timestamp,
        table: QueryTable,
        coverage: Coverage,
        backlog: bool,
    ) {
        self.closed_until.get_or_insert(start);
        self.watched_since.get_or_insert(start);
        self.coverage = coverage;
        let window = OpenWindow {
            table,
            backlog,
            dirty: false,
        };
        self.open.insert(start, window);
    }

    /// Remembers a judged window. Windows come in order.
    pub(super) fn remember(&mut self, span: Interval, table: QueryTable, coverage: Coverage) {
        self.closed_until = self.closed_until.max(Some(span.to));
        self.watched_since.get_or_insert(span.from);
        self.coverage = coverage;
        self.learn(&table, span.to);
        self.recent.push_back((span, table));
        self.age_recent(span.to);
    }

    /// Adds a run to its window.
    pub(super) fn observe(
        &mut self,
        event: &QueryEvent,
        mark: &Mark,
        now: Timestamp,
        counters: &mut Counters,
    ) {
        let scope = self.scope(event);
        let (end, window) = self.window_of(event.end, mark, now, counters);
        let overflowed = window.table.overflowed();
        window.table.observe(event, &scope, end);
        counters.overflowed += window.table.overflowed() - overflowed;
    }

    /// The window of what happened at `end`, and the instant that it is counted at.
    fn window_of(
        &mut self,
        end: Timestamp,
        mark: &Mark,
        now: Timestamp,
        counters: &mut Counters,
    ) -> (Timestamp, &mut OpenWindow) {
        let placed = self.watermark.place(end, now, self.settings.allowed_skew);
        counters.skewed += u64::from(placed.skewed);
        let own = placed.end.floor(self.settings.length);
        let late = self.closed_until.filter(|&closed| own < closed);
        counters.late += u64::from(late.is_some());
        let start = match late {
            Some(closed) => self.open.keys().next().copied().unwrap_or(closed),
            None => own,
        };
        let window = self.open.entry(start).or_insert_with(|| OpenWindow {
            table: QueryTable::new(self.settings.max_statements),
            backlog: true,
            dirty: true,
        });
        window.backlog &= mark.backlog;
        window.dirty = true;
        (placed.end, window)
    }

    /// Takes note of what is true after a batch.
    pub(super) fn mark(&mut self, mark: Mark, now: Timestamp) {
        self.coverage = mark.coverage;
        self.backlog = mark.backlog;
        self.lateness = mark.lateness;
        if mark.checkpoint.is_some() {
            self.checkpoint = mark.checkpoint;
        }
        if let Some(at) = mark.idle_at {
            self.watermark.idle(at, now);
        }
    }

    /// Takes out the windows whose end the watermark has passed, oldest first, idle ones among them.
    pub(super) fn take_due(&mut self) -> Vec<Due> {
        let Some(mark) = self
            .watermark
            .at(self.settings.allowed_lateness.max(self.lateness))
        else {
            return Vec::new();
        };
        let until = mark.floor(self.settings.length);
        if self.closed_until.is_some_and(|closed| closed >= until) {
            return Vec::new();
        }
        let still_open = self.open.split_off(&until);
        let ended = std::mem::replace(&mut self.open, still_open);
        let Some(first) = self.closed_until.or(ended.keys().next().copied()) else {
            // nothing has ever run: there is nothing to tell about the time before the first look
            self.closed_until = self.open.is_empty().then_some(until);
            self.watched_since = self.watched_since.or(self.closed_until);
            return Vec::new();
        };
        self.closed_until = Some(until);
        self.watched_since.get_or_insert(first);
        let mut due = Vec::new();
        let mut cursor = first;
        for (start, window) in ended {
            self.idle_between(cursor, start, &mut due);
            cursor = cursor.max(start.plus(self.settings.length));
            let window = Some(window);
            due.push(Due { start, window });
        }
        self.idle_between(cursor, until, &mut due);
        due
    }

    /// Closes a window and makes the profiles of what ran in it.
    pub(super) fn close(&mut self, due: Due) -> Closed {
        let span = self.span_from(due.start);
        self.age_recent(span.to);
        let idle = due.window.is_none();
        let backlog = due.window.as_ref().map_or(self.backlog, |w| w.backlog);
        let mut times = BTreeMap::new();
        if let Some(window) = due.window {
            times = window.table.times();
            self.learn(&window.table, span.to);
            self.recent.push_back((span, window.table));
        }
        let (mut profiles, errors) = if idle {
            (Vec::new(), Vec::new())
        } else {
            (self.recent_profiles(span), self.error_profiles())
        };
        let long_from = span.from.floor(self.settings.long_every);
        let long_due = long_from != span.to.floor(self.settings.long_every) && !backlog;
        let operations = self.operations(span, long_due);
        if long_due {
            profiles.extend(self.long_profiles(span));
        }
        for profile in &mut profiles {
            declare(profile, &self.schema);
        }
        Closed {
            key: WindowKey {
                source: self.id.clone(),
                start: due.start,
            },
            span,
            profiles,
            errors,
            operations,
            times,
            backlog,
        }
    }

    /// Packs what has changed since the last call; `due` windows, which are about to close, too.
    pub(super) fn take_changes(&mut self, due: &mut [Due]) -> Vec<PackedWindow> {
        let (id, coverage, length) = (&self.id, self.coverage, self.settings.length);
        let ended = due.iter_mut();
        let ended = ended.filter_map(|d| d.window.as_mut().map(|w| (d.start, w)));
        let open = self.open.iter_mut().map(|(&start, w)| (start, w));
        let changed = ended.chain(open).filter(|(_, window)| window.dirty);
        let packed = changed.map(|(start, window)| {
            window.dirty = false;
            window.pack(id, start, length, coverage)
        });
        packed.collect()
    }

    /// The checkpoint that is true of everything observed, if it moved since the last call.
    pub(super) fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        self.checkpoint.take()
    }

    fn recent_profiles(&self, span: Interval) -> Vec<QueryProfile> {
        let Some((_, closing)) = self.recent.back() else {
            return Vec::new();
        };
        let frame = self.frame(
            self.watched(span, span.to.minus(self.settings.recent)),
            Horizon::Recent,
        );
        let view = View::of(self.recent.iter().map(|(_, table)| table).collect());
        let ran = View::keys_of(closing);
        ran.map(|(key, ran)| {
            let baseline = self.history.baseline(key);
            view.profile(key, &ran.statement, &frame, baseline)
        })
        .collect()
    }

    /// The interval since `from` in which somebody watched, whether anything ran in it or not: quiet time is part of
    /// a rate.
    fn watched(&self, closing: Interval, from: Timestamp) -> Interval {
        let since = self.watched_since.unwrap_or(closing.from);
        Interval {
            from: from.max(since).min(closing.from),
            to: closing.to,
        }
    }

    fn frame(&self, span: Interval, horizon: Horizon) -> Frame<'_> {
        Frame {
            span,
            horizon,
            coverage: self.coverage,
            book: &self.book,
            recent: self.recent.iter().map(|(_, table)| table).collect(),
            minute: Interval {
                from: span.to.minus(self.settings.recent),
                to: span.to,
            },
        }
    }

    fn learn(&mut self, table: &QueryTable, now: Timestamp) {
        for (key, ran) in table.iter() {
            let database = &key.scope.target.namespace;
            self.book.learn(database, &ran.statement, &ran.stats, now);
        }
    }

    /// Hands windows that are no longer recent at `now` over to history.
    fn age_recent(&mut self, now: Timestamp) {
        let recent_from = now.minus(self.settings.recent);
        while self
            .recent
            .front()
            .is_some_and(|(span, _)| span.from < recent_from)
        {
            if let Some((span, table)) = self.recent.pop_front() {
                self.history.absorb(span, table);
            }
        }
        self.history.expire(now);
    }

    fn idle_between(&self, from: Timestamp, to: Timestamp, due: &mut Vec<Due>) {
        let length = self.settings.length;
        let mut start = from;
        let mut told = 0;
        while start < to {
            due.push(Due {
                start,
                window: None,
            });
            start = start.plus(length);
            told += 1;
            if told == IDLE_TOLD {
                let last_few = to.minus(length * u32::try_from(IDLE_TOLD).unwrap_or_default());
                start = start.max(last_few.floor(length));
            }
        }
    }

    fn span_from(&self, start: Timestamp) -> Interval {
        let to = start.plus(self.settings.length);
        Interval { from: start, to }
    }

    fn scope(&mut self, event: &QueryEvent) -> Arc<Scope> {
        if let Some(known) = self.scopes.iter().find(|scope| scope.holds(event)) {
            return known.clone();
        }
        let scope = Arc::new(Scope::of(event));
        self.scopes.push_front(scope.clone());
        self.scopes.truncate(CACHED_SCOPES);
        scope
    }
}

//! What the stage promises, seen from outside. `Store` does with outputs what the real one does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::ingest::{Mark, SourceMeta};
use crate::model::event::{Coverage, DbTarget, Nesting, Origin, Outcome, QueryEvent, RowCounts};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::{Dialect, Parsed, Shape, Statement, Template};
use crate::model::subject::Horizon;
use crate::normalise::{self, EventBatch, Normaliser};

/// A round number, so that windows are easy to tell.
const T0: u64 = 1_800_000_000;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_unix_secs(T0 + secs)
}

pub(super) fn statement(id: u64) -> StatementRef {
    Arc::new(Statement {
        fingerprint: FingerprintId(id),
        loose: FingerprintId(id),
        template: Template::new("SELECT a FROM t"),
        dialect: Dialect::Mysql,
        parsed: Parsed::Shape(Box::new(Shape {
            tables: vec![Arc::from("t")],
            ..Shape::default()
        })),
        truncated: false,
    })
}

pub(super) fn event(end: Timestamp, id: u64, elapsed_ms: u64) -> QueryEvent {
    QueryEvent {
        end,
        elapsed: Duration::from_millis(elapsed_ms),
        lock: None,
        service: ServiceName::new("shop"),
        target: DbTarget::default(),
        statement: statement(id),
        parameters: elapsed_ms,
        offset: None,
        rows: RowCounts {
            examined: Some(elapsed_ms * 10),
            ..RowCounts::default()
        },
        bytes_sent: None,
        access: None,
        outcome: Outcome::Ok,
        user: Arc::from("app"),
        client: Arc::from(""),
        trace: None,
        weight: 1,
        nesting: Nesting::default(),
        origin: Origin::Log,
    }
}

fn batch(events: Vec<QueryEvent>, offset: u64) -> EventBatch {
    let id = SourceId::new("slow_log:test");
    let checkpoint = Checkpoint {
        source: id.clone(),
        path: PathBuf::from("slow.log"),
        file: (1, 1),
        offset,
        head_len: 0,
        head_hash: 0,
        tail_len: 0,
        tail_hash: 0,
        coverage: Coverage::default(),
        context: String::new(),
    };
    EventBatch {
        source: Arc::new(SourceMeta {
            id,
            service: ServiceName::new("shop"),
            target: DbTarget::default(),
        }),
        events,
        errors: Vec::new(),
        spans: Vec::new(),
        mark: Mark {
            checkpoint: Some(checkpoint),
            ..Mark::default()
        },
        opaque: 0,
    }
}

fn idle(secs: u64) -> EventBatch {
    let mut batch = batch(Vec::new(), 0);
    batch.mark.checkpoint = None;
    batch.mark.idle_at = Some(at(secs));
    batch
}

fn windows() -> Windows {
    let length = Duration::from_secs(10);
    let settings = Settings {
        length,
        ..Settings::default()
    };
    Windows::new(settings, at(0))
}

fn closed(outputs: &[Output]) -> Vec<&Closed> {
    let closed = outputs.iter().filter_map(|output| match output {
        Output::Closed(closed) => Some(&**closed),
        Output::Flush(_) => None,
    });
    closed.collect()
}

#[derive(Debug, Default)]
struct Store {
    windows: BTreeMap<WindowKey, PackedWindow>,
    judged: BTreeMap<WindowKey, Timestamp>,
    offset: u64,
    statements: BTreeMap<FingerprintId, StatementRef>,
    courses: BTreeMap<SourceId, PackedCourses>,
}

impl Store {
    fn commit(&mut self, output: Output) {
        match output {
            Output::Flush(flush) => {
                for window in flush.windows {
                    let judged = self.judged.contains_key(&window.key);
                    assert!(!judged, "{:?} changed after it was judged", window.key);
                    self.windows.insert(window.key.clone(), window);
                }
                let courses = flush.courses.into_iter();
                self.courses.extend(courses.map(|c| (c.source.clone(), c)));
                let new = flush.statements.into_iter();
                self.statements.extend(new.map(|s| (s.fingerprint, s)));
                if let Some(checkpoint) = flush.checkpoints.last() {
                    self.offset = checkpoint.offset;
                }
            }
            Output::Closed(closed) => {
                // an idle window has nothing stored, hence nothing to mark
                if self.windows.contains_key(&closed.key) {
                    self.judged.insert(closed.key, closed.span.to);
                }
            }
        }
    }

    fn reopened(&self) -> Windows {
        let is_judged = |w: &PackedWindow| self.judged.contains_key(&w.key);
        let (judged, unjudged) = self.windows.values().cloned().partition(is_judged);
        let statements = |id| self.statements.get(&id).cloned();
        let mut windows = windows();
        let courses = self.courses.values().cloned().collect();
        assert!(windows.restore_courses(courses).is_empty());
        assert!(windows.restore_history(judged, statements).is_empty());
        assert!(windows.restore(unjudged, statements).is_empty());
        windows
    }

    fn sums(&self) -> BTreeMap<FingerprintId, (u64, Duration)> {
        let mut sums: BTreeMap<FingerprintId, (u64, Duration)> = BTreeMap::new();
        for query in self
            .windows
            .values()
            .flat_map(|w| pack::unpack(&w.body).unwrap())
        {
            assert!(
                self.statements.contains_key(&query.fingerprint),
                "statement not stored"
            );
            let (count, time) = sums.entry(query.fingerprint).or_default();
            *count += query.stats.count();
            *time += query.stats.elapsed();
        }
        sums
    }
}

#[test]
fn a_window_closes_when_the_log_has_passed_its_end_by_the_allowed_lateness() {
    let mut windows = windows();
    let early = windows.observe(
        batch(vec![event(at(3), 1, 5), event(at(11), 1, 5)], 1),
        at(12),
    );
    assert!(closed(&early).is_empty());
    let outputs = windows.observe(batch(vec![event(at(12), 1, 5)], 2), at(12));
    assert!(
        matches!(outputs[0], Output::Flush(_)),
        "the last flush comes first"
    );
    let closed = closed(&outputs);
    assert_eq!(closed[0].key.start, at(0));
    assert_eq!(closed[0].profiles[0].load.count, 1);
}

#[test]
fn what_ended_long_ago_is_recorded_and_alerts_nobody() {
    let mut windows = windows();
    let day = 24 * 3600;
    let old = windows.observe(
        batch(vec![event(at(3), 1, 5), event(at(15), 1, 5)], 1),
        at(day),
    );
    let is_old: Vec<_> = closed(&old).iter().map(|c| c.backlog).collect();
    assert_eq!(is_old, [true]);
    let live = vec![event(at(day + 3), 1, 5), event(at(day + 15), 1, 5)];
    let outputs = windows.observe(batch(live, 2), at(day + 16));
    let newest = closed(&outputs)
        .into_iter()
        .find(|c| c.key.start == at(day));
    assert!(newest.is_some_and(|c| !c.backlog));
    assert!(windows.counters().stale > 0);
}

#[test]
fn an_entry_that_comes_too_late_is_counted_in_the_oldest_open_window() {
    let mut windows = windows();
    windows.observe(
        batch(vec![event(at(3), 1, 5), event(at(15), 1, 5)], 1),
        at(16),
    );
    windows.observe(batch(vec![event(at(4), 1, 5)], 2), at(16));
    let outputs = windows.observe(idle(25), at(25));
    assert_eq!(closed(&outputs)[0].key.start, at(10));
    let load = &closed(&outputs)[0].profiles[0].load;
    assert_eq!(load.count, 3, "recent sums hold both windows");
    assert_eq!(windows.counters().late, 1);
}

#[test]
fn one_record_from_the_future_does_not_close_what_is_open() {
    let mut windows = windows();
    let skewed = event(at(86_400), 1, 5);
    let outputs = windows.observe(batch(vec![event(at(3), 1, 5), skewed], 1), at(3));
    assert!(closed(&outputs).is_empty());
    assert_eq!(windows.counters().skewed, 1);
}

#[test]
fn an_idle_source_closes_empty_windows_so_that_problems_can_rest() {
    let mut windows = windows();
    windows.observe(batch(vec![event(at(3), 1, 5)], 1), at(3));
    let outputs = windows.observe(idle(33), at(33));
    let starts: Vec<_> = closed(&outputs).iter().map(|c| c.key.start).collect();
    assert_eq!(starts, [at(0), at(10), at(20)]);
    assert!(closed(&outputs)[2].profiles.is_empty());
}

#[test]
fn a_quiet_year_is_a_dozen_windows() {
    let mut windows = windows();
    windows.observe(batch(vec![event(at(3), 1, 5)], 1), at(3));
    let year = 365 * 86_400;
    let outputs = windows.observe(idle(year), at(year));
    let closed = closed(&outputs);
    assert_eq!(closed.len(), 13);
    assert!(closed[12].span.to > at(year - 20));
    assert!(closed.windows(2).all(|pair| pair[0].key < pair[1].key));
}

#[test]
fn what_only_a_backlog_showed_is_never_judged() {
    let mut windows = windows();
    let mut old = batch(vec![event(at(3), 1, 5), event(at(30), 1, 5)], 1);
    old.mark.backlog = true;
    let outputs = windows.observe(old, at(5_000));
    assert!(closed(&outputs).iter().all(|closed| closed.backlog));
    let live = batch(vec![event(at(31), 1, 5), event(at(50), 1, 5)], 2);
    let outputs = windows.observe(live, at(5_000));
    assert!(!closed(&outputs)[0].backlog, "live runs are in it too");
}

#[test]
fn the_baseline_is_what_ran_before_the_last_minute() {
    let mut windows = windows();
    let mut profiles = Vec::new();
    for second in 0..200 {
        let slow = second >= 140;
        let run = event(at(second), 1, if slow { 900 } else { 10 });
        let outputs = windows.observe(batch(vec![run], second), at(second));
        profiles.extend(closed(&outputs).iter().flat_map(|c| c.profiles.clone()));
    }
    let last = profiles.last().unwrap();
    let baseline = last.baseline.as_ref().unwrap();
    assert_eq!(last.horizon, Horizon::Recent);
    assert_eq!(last.span.duration(), Duration::from_secs(60));
    assert_eq!(baseline.span.to, last.span.from);
    assert_eq!(baseline.load.elapsed.max, Duration::from_millis(10));
    assert!(last.load.elapsed.p95 > Duration::from_millis(890));
    assert!(profiles[0].baseline.is_none());
}

#[test]
fn a_statement_is_told_again_after_an_hour_for_the_store_may_have_dropped_it() {
    let mut windows = windows();
    let mut told = 0;
    for second in [0, 1_800, 3_599, 3_600, 5_000] {
        let run = event(at(second), 1, 5);
        let mut outputs = windows.observe(batch(vec![run], second), at(second));
        outputs.extend(windows.drain());
        let flushed = outputs.iter().map(|output| match output {
            Output::Flush(flush) => flush.statements.len(),
            Output::Closed(_) => 0,
        });
        told += flushed.sum::<usize>();
    }
    assert_eq!(told, 2);
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_from_the_store() {
    let mut windows = windows();
    windows.observe(batch(vec![event(at(7_203), 1, 5)], 1), at(7_203));
    assert!(windows.tick(at(7_203)).is_empty(), "flushed just now");
    windows.observe(batch(vec![event(at(7_203), 1, 5)], 2), at(7_203));
    assert!(matches!(windows.tick(at(3))[..], [Output::Flush(_)]));
}

#[test]
fn the_time_of_a_window_is_its_own_and_counted_once() {
    let mut windows = windows();
    let mut told = Duration::ZERO;
    for minute in 0..5 {
        let run = event(at(minute * 60 + 3), 1, 3_000);
        let mut outputs = windows.observe(batch(vec![run], minute), at(minute * 60 + 3));
        let idle_at = minute * 60 + 50;
        outputs.extend(windows.observe(idle(idle_at), at(idle_at)));
        told += closed(&outputs)
            .iter()
            .flat_map(|c| c.times.values())
            .sum::<Duration>();
    }
    assert_eq!(told, Duration::from_secs(15));
}

#[test]
fn statements_beyond_the_bound_are_counted_as_one() {
    let settings = Settings {
        max_statements: 10,
        ..Settings::default()
    };
    let mut windows = Windows::new(settings, at(0));
    let events = (1..=1_000).map(|id| event(at(3), id, 5)).collect();
    windows.observe(batch(events, 1), at(3));
    let outputs = windows.observe(idle(20), at(20));
    let closed = closed(&outputs)[0];
    assert_eq!(closed.profiles.len(), 10);
    assert_eq!(closed.profiles[0].total.count, 1_000);
    assert_eq!(windows.counters().overflowed, 990);
}

#[test]
fn a_sampled_run_counts_as_many() {
    let mut windows = windows();
    let mut sampled = event(at(3), 1, 5);
    sampled.weight = 20;
    windows.observe(batch(vec![sampled], 1), at(3));
    let outputs = windows.observe(idle(20), at(20));
    let load = &closed(&outputs)[0].profiles[0].load;
    assert_eq!(load.count, 20);
    assert_eq!(load.elapsed.total, Duration::from_millis(100));
    assert_eq!(load.rows_examined.unwrap().total, 1_000);
}

mod courses;
mod crash;
mod errors;
mod horizon;

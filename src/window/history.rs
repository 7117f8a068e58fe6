//! The hour before: what is normal for a statement.
//!
//! Windows that are no longer recent are summed up in steps of half an hour; two whole steps and the one that has
//! begun are kept; each that ends is a point of the courses of its statements. A baseline therefore spans 60 to 90 minutes and never overlaps what it is compared with.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::course::CoursePoint;
use crate::model::subject::{Baseline, Basis, ErrorLoad};
use crate::model::time::{Interval, Timestamp};
use crate::window::course::book::{Courses, point_of};
use crate::window::errors::{self, ErrorKey};
use crate::window::query::QueryStats;
use crate::window::table::{QueryKey, QueryTable};

pub(super) const STEP: Duration = Duration::from_secs(30 * 60);
const STEPS: usize = 3;

/// Sums of the last hour or so, per statement.
#[derive(Debug, Clone)]
pub(super) struct History {
    steps: VecDeque<(Interval, QueryTable)>,
    courses: Courses,
    capacity: usize,
}

impl History {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            steps: VecDeque::new(),
            courses: Courses::default(),
            capacity,
        }
    }

    /// Adds a window that is no longer recent. Windows come in order.
    pub(super) fn absorb(&mut self, span: Interval, mut table: QueryTable) {
        self.expire(span.from);
        table.forget_cheap_detail();
        let step_of = |at: Timestamp| at.floor(STEP);
        match self.steps.back_mut() {
            Some((known, sums)) if step_of(known.from) >= step_of(span.from) => {
                *known = known.hull(span);
                sums.merge(&table);
            }
            _ => {
                self.end_step();
                let mut sums = QueryTable::new(self.capacity);
                sums.merge(&table);
                self.steps.push_back((span, sums));
            }
        }
    }

    /// The first instant that is remembered at `now`.
    pub(super) fn reach(now: Timestamp) -> Timestamp {
        let begun = u32::try_from(STEPS - 1).unwrap_or_default();
        now.floor(STEP).minus(STEP * begun)
    }

    /// Forgets what is too old to be compared with `now`.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let oldest = Self::reach(now);
        while self
            .steps
            .front()
            .is_some_and(|(span, _)| span.to <= oldest)
        {
            if self.steps.len() == 1 {
                self.end_step();
            }
            self.steps.pop_front();
        }
    }

    /// The courses of its statements.
    pub(super) fn courses(&mut self) -> &mut Courses {
        &mut self.courses
    }

    /// What a run of a statement cost over weeks, the half hour that has begun included.
    pub(super) fn course(&self, key: &QueryKey) -> Vec<CoursePoint> {
        let begun = self.steps.back();
        let begun = begun.and_then(|(span, table)| point_of(span.from, &table.get(key)?.stats));
        self.courses.of(key, begun)
    }

    /// Nothing more comes into the step that has begun.
    fn end_step(&mut self) {
        if let Some((span, table)) = self.steps.back() {
            self.courses.learn(*span, table);
        }
    }

    /// What one statement used to do.
    pub(super) fn baseline(&self, key: &QueryKey) -> Option<Baseline> {
        let mut sums: Option<QueryStats> = None;
        for ran in self.steps.iter().filter_map(|(_, table)| table.get(key)) {
            sums.get_or_insert_default().merge(&ran.stats);
        }
        Some(Baseline {
            span: self.span()?,
            basis: Basis::PreviousHour,
            load: sums?.load(),
        })
    }

    /// What one family of errors used to do, by step.
    pub(super) fn errors(&self, key: &ErrorKey) -> impl Iterator<Item = (Interval, u64)> {
        self.steps.iter().map(move |(span, table)| {
            let count = table.errors.get(key).map_or(0, |stats| stats.load.count);
            (*span, count)
        })
    }

    /// All that is remembered of one family of errors.
    pub(super) fn error_load(&self, key: &ErrorKey) -> ErrorLoad {
        let mut sums = ErrorLoad::default();
        for stats in self.tables().filter_map(|table| table.errors.get(key)) {
            errors::merge(&mut sums, &stats.load);
        }
        sums
    }

    /// The interval that is remembered.
    pub(super) fn span(&self) -> Option<Interval> {
        let spans = self.steps.iter().map(|(span, _)| *span);
        spans.reduce(Interval::hull)
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &QueryTable> {
        self.steps.iter().map(|(_, table)| table)
    }
}

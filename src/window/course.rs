//! What a run of a statement cost over weeks, in at most [`MAX_POINTS`] points however long it is watched.
//!
//! ```text
//! half hours ─► hours ─► 2, 4, 8 hours ─► days ─► 2, 4, … days       a step is doubled when its points are too many
//! ```
//!
//! Steps up to a day divide it, so that points can be put together to days at any time.

pub(super) mod book;
pub(super) mod sampler;

use std::time::Duration;

use crate::model::course::CoursePoint;

/// Points of one statement: a month of days.
pub(super) const MAX_POINTS: usize = 32;

/// The shortest step: that of `history`.
pub(super) const HALF_HOUR: Duration = Duration::from_secs(30 * 60);

/// Steps up to a day, in half hours; from there on each is twice the one before.
const UP_TO_A_DAY: [u32; 6] = [1, 2, 4, 8, 16, 48];

/// The longest step, in doublings: longer than clocks reach.
const MAX_LEVEL: u8 = 20;

/// The points of one statement, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Course {
    level: u8,
    points: Vec<CoursePoint>,
}

impl Course {
    /// Adds what was seen in one stretch, in any order.
    pub(super) fn add(&mut self, mut point: CoursePoint) {
        point.at = point.at.floor(step(self.level));
        let at = self.points.partition_point(|p| p.at < point.at);
        match self.points.get_mut(at).filter(|p| p.at == point.at) {
            Some(known) => *known = known.together(point),
            None => self.points.insert(at, point),
        }
        while self.points.len() > MAX_POINTS && self.level < MAX_LEVEL {
            self.coarsen();
        }
        // only a clock that leaps over centuries comes here
        let too_many = self.points.len().saturating_sub(MAX_POINTS);
        self.points.drain(..too_many);
    }

    /// Points, oldest first.
    pub(super) fn points(&self) -> &[CoursePoint] {
        &self.points
    }

    fn coarsen(&mut self) {
        self.level += 1;
        let step = step(self.level);
        for point in &mut self.points {
            point.at = point.at.floor(step);
        }
        self.points.dedup_by(|later, kept| {
            let is_same = later.at == kept.at;
            if is_same {
                *kept = kept.together(*later);
            }
            is_same
        });
    }
}

fn step(level: u8) -> Duration {
    let day = UP_TO_A_DAY.len() - 1;
    let level = usize::from(level);
    match UP_TO_A_DAY.get(level) {
        Some(half_hours) => HALF_HOUR * *half_hours,
        None => HALF_HOUR * UP_TO_A_DAY[day] * (1 << (level - day)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::time::Timestamp;

    fn point(half_hour: u64, runs: u64, rows: u64) -> CoursePoint {
        CoursePoint {
            at: Timestamp::from_unix_secs(half_hour * 1_800),
            runs,
            rows_examined: rows,
            elapsed: Duration::from_micros(rows),
        }
    }

    fn course(points: impl IntoIterator<Item = CoursePoint>) -> Course {
        let mut course = Course::default();
        points.into_iter().for_each(|p| course.add(p));
        course
    }

    #[test]
    fn half_hours_of_one_morning_stay_apart() {
        let points: Vec<_> = (0..20).map(|n| point(n, 1, n)).collect();
        assert_eq!(course(points.clone()).points(), points);
    }

    #[test]
    fn a_month_is_told_by_days() {
        let course = course((0..30 * 48).map(|n| point(n, 2, n / 48)));
        let rows: Vec<u64> = course.points().iter().map(|p| p.rows_examined).collect();
        assert_eq!(rows, (0..30).collect::<Vec<_>>());
        assert!(course.points().iter().all(|p| p.runs == 96));
    }

    proptest! {
        #[test]
        fn no_run_is_lost_and_the_number_of_points_is_bounded(
            told in prop::collection::vec((0_u64..10_000_000, 1_u64..1_000, 0_u64..u64::MAX / 2_000), 0..200),
        ) {
            let runs: u64 = told.iter().map(|(_, runs, _)| runs).sum();
            let course = course(told.into_iter().map(|(at, runs, rows)| point(at, runs, rows)));
            prop_assert!(course.points().len() <= MAX_POINTS);
            prop_assert!(course.points().is_sorted_by(|a, b| a.at < b.at));
            prop_assert_eq!(course.points().iter().map(|p| p.runs).sum::<u64>(), runs);
        }
    }
}

//! The course of one statement of a digested file, run by run: a sample of each half hour tells its medians.

use std::time::Duration;

use crate::model::course::CoursePoint;
use crate::model::time::Timestamp;
use crate::window::course::{Course, HALF_HOUR};

/// Runs of a half hour that are kept; a day has up to 48 times as many.
const KEPT: usize = 16;

/// Makes a course of single runs.
#[derive(Debug, Clone, Default)]
pub(in crate::window) struct Sampler {
    course: Course,
    /// The half hour since the epoch that the sample is of.
    cell: u64,
    /// Runs in it.
    seen: u64,
    /// Rows and seconds; single precision is more than a median of sixteen is worth.
    sample: Vec<(f32, f32)>,
}

impl Sampler {
    /// Takes note of a run.
    pub(in crate::window) fn note(&mut self, end: Timestamp, rows: u64, elapsed: Duration) {
        let cell = end.as_unix_secs() / HALF_HOUR.as_secs();
        if cell != self.cell {
            self.settle();
            self.cell = cell;
        }
        self.seen += 1;
        let told = || (single(rows), elapsed.as_secs_f32());
        if self.sample.len() < KEPT {
            self.sample.push(told());
            return;
        }
        if let Some(slot) = self.sample.get_mut(place_of(self.seen)) {
            *slot = told();
        }
    }

    /// Adds what another one noted.
    pub(in crate::window) fn merge(&mut self, other: &Self) {
        for point in other.points() {
            self.course.add(point);
        }
    }

    /// All that was noted.
    pub(in crate::window) fn points(&self) -> Vec<CoursePoint> {
        let mut whole = self.clone();
        whole.settle();
        whole.course.points().to_vec()
    }

    fn settle(&mut self) {
        if self.seen == 0 {
            return;
        }
        let elapsed = median(self.sample.iter().map(|(_, seconds)| *seconds));
        self.course.add(CoursePoint {
            at: Timestamp::from_unix_secs(self.cell.saturating_mul(HALF_HOUR.as_secs())),
            runs: self.seen,
            rows_examined: whole(median(self.sample.iter().map(|(rows, _)| *rows))),
            elapsed: Duration::try_from_secs_f32(elapsed).unwrap_or_default(),
        });
        self.seen = 0;
        self.sample.clear();
    }
}

/// Where the run of that number goes so that all of a half hour have the same chance to be kept (Vitter's
/// algorithm R); beyond the sample for most. The number is mixed instead of drawn: the same log gives the same
/// report.
fn place_of(number: u64) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (number ^ number >> 7).wrapping_mul(ODD);
    let drawn = (u128::from(mixed) * u128::from(number)) >> 64;
    usize::try_from(drawn).unwrap_or(usize::MAX)
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sample needs no more than 24 bits"
)]
fn single(rows: u64) -> f32 {
    rows as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a count, and a cast saturates"
)]
fn whole(rows: f32) -> u64 {
    rows.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn sampler(runs: impl IntoIterator<Item = (u64, u64)>) -> Sampler {
        let mut sampler = Sampler::default();
        for (second, rows) in runs {
            let end = Timestamp::from_unix_secs(1_795_000_000 / DAY * DAY + second);
            sampler.note(end, rows, Duration::from_millis(rows));
        }
        sampler
    }

    #[test]
    fn each_day_is_told_by_its_median() {
        let run = |n: u64| (n / 100 * DAY + n % 100, 1_000 * (1 + n / 100));
        let points = sampler((0..500).map(run)).points();
        let rows: Vec<u64> = points.iter().map(|p| p.rows_examined).collect();
        assert_eq!(rows, [1_000, 2_000, 3_000, 4_000, 5_000]);
        assert!(points.iter().all(|p| p.runs == 100));
        assert_eq!(points[4].elapsed.as_millis(), 5_000);
    }

    #[test]
    fn one_large_customer_among_many_does_not_move_the_median() {
        let run = |n: u64| (n % 1_000, if n.is_multiple_of(5) { 1_000_000 } else { 10 });
        let points = sampler((0..2_000).map(run)).points();
        assert_eq!(points[0].rows_examined, 10);
    }

    #[test]
    fn late_runs_have_the_same_chance_as_early_ones() {
        let run = |n: u64| (n % 1_000, n);
        let kept = sampler((0..10_000).map(run)).sample;
        let late = kept.iter().filter(|(rows, _)| *rows >= 5_000.0).count();
        assert!(
            (4..=12).contains(&late),
            "{late} of 16 are of the second half"
        );
    }

    #[test]
    fn files_may_come_in_any_order() {
        let days = [3_u64, 1, 2];
        let runs = days
            .iter()
            .flat_map(|day| (0..50).map(move |n| (day * DAY + n, 100 * day)));
        let rows: Vec<u64> = sampler(runs)
            .points()
            .iter()
            .map(|p| p.rows_examined)
            .collect();
        assert_eq!(rows, [100, 200, 300]);
    }
}

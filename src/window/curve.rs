//! Load over time, of any length of time, in a bounded number of steps.
//!
//! Steps are of 1, 2, 4, … seconds, counted from the epoch. When the log spans too many, each two become one; so
//! the result depends on what was observed alone, not on its order.

use std::time::Duration;

use crate::model::sql::StatementKind;
use crate::model::time::Timestamp;

/// Steps that a curve may span; a chart has two pixels for each.
const MAX_STEPS: u64 = 256;

/// A run is spread over at most so long a time: a log that tells more is wrong or tells of a replica.
const MAX_SPREAD: Duration = Duration::from_secs(7 * 86_400);

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Run time of one step, by what the statements do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// Of statements that read.
    pub read: Duration,
    /// Of statements that change rows.
    pub write: Duration,
    /// Of all others.
    pub other: Duration,
}

/// Run time by the time at which it was spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Curve {
    /// A step is two to the power of this many seconds long.
    power: u32,
    /// Number of the step since the epoch, and its nanoseconds: of reads, of writes and of all else; sorted.
    steps: Vec<(u64, [u64; 3])>,
    /// Where the run before went: most follow it.
    last: usize,
    /// Some run neither began nor ended at a whole second: the log has a finer clock.
    is_fine: bool,
}

impl Curve {
    /// Adds a run that ended at `end` and stands for `weight` equal ones: each step gets what was spent in it.
    pub fn observe(&mut self, end: Timestamp, kind: StatementKind, elapsed: Duration, weight: u32) {
        let start = end.minus(elapsed.min(MAX_SPREAD));
        self.is_fine = self.is_fine || is_within_a_second(start) && is_within_a_second(end);
        let (from, to) = (start.as_unix_secs(), end.as_unix_secs());
        self.make_room(from, to);
        let step = SECOND << self.power;
        let (start, end) = (start.as_unix_nanos(), end.as_unix_nanos());
        let (part, times) = (part(kind), u64::from(weight.max(1)));
        for number in from >> self.power..=to >> self.power {
            let begun = number.saturating_mul(step);
            let over = begun.saturating_add(step);
            let within = end.min(over).saturating_sub(start.max(begun));
            let spent = &mut self.step_at(number)[part];
            *spent = spent.saturating_add(within.saturating_mul(times));
        }
    }

    /// Whether the log tells whole seconds, so that a run may have been up to one second earlier or later.
    pub fn is_coarse(&self) -> bool {
        !self.is_fine && !self.steps.is_empty()
    }

    /// The same in steps of at least `step`.
    #[must_use]
    pub fn in_steps_of(&self, step: Duration) -> Self {
        let mut curve = self.clone();
        while curve.step() < step {
            curve.halve();
        }
        curve
    }

    /// Length of a step.
    pub fn step(&self) -> Duration {
        Duration::from_secs(1 << self.power)
    }

    /// Starts of the steps in which something ran, and their load, the first first.
    pub fn steps(&self) -> impl Iterator<Item = (Timestamp, Step)> {
        self.steps.iter().map(|(number, nanos)| {
            let start = Timestamp::from_unix_secs(number << self.power);
            let [read, write, other] = nanos.map(Duration::from_nanos);
            (start, Step { read, write, other })
        })
    }

    fn step_at(&mut self, number: u64) -> &mut [u64; 3] {
        let is_last = self.steps.get(self.last).is_some_and(|s| s.0 == number);
        if !is_last {
            let found = self.steps.binary_search_by_key(&number, |s| s.0);
            self.last = found.unwrap_or_else(|at| {
                self.steps.insert(at, (number, [0; 3]));
                at
            });
        }
        &mut self.steps[self.last].1
    }

    /// Makes steps so long that few enough of them span all of it.
    fn make_room(&mut self, from: u64, to: u64) {
        loop {
            let from = from >> self.power;
            let to = to >> self.power;
            let first = self.steps.first().map_or(from, |step| step.0.min(from));
            let last = self.steps.last().map_or(to, |step| step.0.max(to));
            if last - first < MAX_STEPS {
                return;
            }
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.power += 1;
        for step in &mut self.steps {
            step.0 >>= 1;
        }
        self.steps.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                for (kept, later) in kept.1.iter_mut().zip(later.1) {
                    *kept = kept.saturating_add(later);
                }
            }
            is_same
        });
    }
}

/// Where in a step the time of a statement goes.
fn part(kind: StatementKind) -> usize {
    match kind {
        StatementKind::Select => 0,
        StatementKind::Insert
        | StatementKind::Update
        | StatementKind::Delete
        | StatementKind::Replace
        | StatementKind::Merge => 1,
        _ => 2,
    }
}

fn is_within_a_second(at: Timestamp) -> bool {
    !at.as_unix_nanos().is_multiple_of(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn curve(runs: &[(u64, u64)]) -> Curve {
        let mut curve = Curve::default();
        for (second, seconds) in runs {
            let end = Timestamp::from_unix_secs(*second);
            curve.observe(end, StatementKind::Select, Duration::from_secs(*seconds), 1);
        }
        curve
    }

    fn told(curve: &Curve) -> Vec<(Timestamp, Step)> {
        curve.steps().collect()
    }

    fn read(curve: &Curve) -> Vec<(u64, u64)> {
        let steps = curve.steps();
        steps
            .map(|(at, s)| (at.as_unix_secs(), s.read.as_secs()))
            .collect()
    }

    #[test]
    fn a_short_log_has_steps_of_a_second() {
        let curve = curve(&[(100, 1), (100, 2), (103, 2)]);
        assert_eq!(curve.step(), Duration::from_secs(1));
        let spent = [(98, 1), (99, 2), (100, 0), (101, 1), (102, 1), (103, 0)];
        assert_eq!(read(&curve), spent);
    }

    #[test]
    fn a_clock_of_whole_seconds_is_known_by_its_runs() {
        let mut curve = curve(&[(100, 1)]);
        let after = |millis: u64| Timestamp::from_unix_millis(100_000 + millis);
        let run = |curve: &mut Curve, end, millis| {
            curve.observe(end, StatementKind::Select, Duration::from_millis(millis), 1);
        };
        // it began at a whole second, or ended at one
        run(&mut curve, after(1_500), 500);
        run(&mut curve, after(2_000), 300);
        assert!(curve.is_coarse());
        let told = curve.in_steps_of(Duration::from_secs(8));
        assert_eq!((told.step().as_secs(), told.steps().count()), (8, 1));
        run(&mut curve, after(2_500), 300);
        assert!(!curve.is_coarse());
    }

    #[test]
    fn a_long_run_is_spread_over_the_time_in_which_it_ran() {
        let hour = 3_600;
        let curve = curve(&[(10 * hour, hour), (10 * hour, hour), (10 * hour, hour)]);
        let most = curve.steps().map(|(_, step)| step.read).max().unwrap();
        assert_eq!(most, curve.step() * 3);
    }

    #[test]
    fn a_long_log_has_longer_steps_and_loses_nothing() {
        let runs: Vec<_> = (0..100_000).map(|i| (1_795_255_200 + i * 60, 1)).collect();
        let curve = curve(&runs);
        assert!(curve.steps().count() <= 256);
        let sum: Duration = curve.steps().map(|(_, step)| step.read).sum();
        assert_eq!(sum.as_secs(), 100_000);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(
            runs in prop::collection::vec((prop_oneof![0..300_u64, 0..u64::MAX / 2_000_000_000], 0..9_u64), 0..60),
        ) {
            let backwards: Vec<_> = runs.iter().rev().copied().collect();
            prop_assert_eq!(told(&curve(&backwards)), told(&curve(&runs)));
        }
    }
}

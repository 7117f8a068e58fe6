//! What the runs of a statement read, stretch by stretch of a log in any order: at most [`MAX_STRETCHES`] of them.
//!
//! ```text
//! minutes ─► 2 minutes ─► 4, 8, … minutes       a stretch is doubled when there are too many of them
//! ```

use crate::model::stretch::Stretch;
use crate::model::time::Timestamp;

/// Nanoseconds of a minute.
const MINUTE: u64 = 60 * 1_000_000_000;

/// Stretches of one statement: none is more than an eighth of its log.
const MAX_STRETCHES: usize = 16;

/// The longest stretch, in doublings of a minute: longer than clocks reach.
const MAX_LEVEL: u32 = 31;

/// Stretches of one statement, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Stretches {
    level: u32,
    kept: Vec<Stretch>,
}

impl Stretches {
    /// Adds what was read at one time.
    pub(super) fn add(&mut self, mut read: Stretch) {
        let step = self.step();
        if let Some(last) = self.kept.last_mut()
            && begins_by(last.at, read.at, step)
        {
            // most runs end in the stretch of the run before, which spares the division
            read.at = last.at;
            *last = last.together(read);
            return;
        }
        read.at = floor(read.at, step);
        let at = self.kept.partition_point(|known| known.at < read.at);
        match self.kept.get_mut(at).filter(|known| known.at == read.at) {
            Some(known) => *known = known.together(read),
            None => self.kept.insert(at, read),
        }
        while self.kept.len() > MAX_STRETCHES && self.level < MAX_LEVEL {
            self.coarsen();
        }
    }

    /// Adds what was read by a statement that turned out to be this one.
    pub(super) fn merge(&mut self, other: &Self) {
        while self.level < other.level {
            self.coarsen();
        }
        for read in &other.kept {
            self.add(*read);
        }
    }

    /// All of them, the oldest first.
    pub(super) fn kept(&self) -> &[Stretch] {
        &self.kept
    }

    /// Nanoseconds of a stretch.
    fn step(&self) -> u64 {
        MINUTE.saturating_mul(1 << self.level)
    }

    fn coarsen(&mut self) {
        self.level += 1;
        let step = self.step();
        for stretch in &mut self.kept {
            stretch.at = floor(stretch.at, step);
        }
        self.kept.dedup_by(|later, kept| {
            let is_same = later.at == kept.at;
            if is_same {
                *kept = kept.together(*later);
            }
            is_same
        });
    }
}

/// Whether what begins at `start` is not over at `at`.
fn begins_by(start: Timestamp, at: Timestamp, step: u64) -> bool {
    let since = at.as_unix_nanos().checked_sub(start.as_unix_nanos());
    since.is_some_and(|since| since < step)
}

fn floor(at: Timestamp, step: u64) -> Timestamp {
    let nanos = at.as_unix_nanos();
    Timestamp::from_unix_nanos(nanos - nanos % step)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn run(second: u64, rows: u64) -> Stretch {
        let end = Timestamp::from_unix_secs(second);
        Stretch::of(end, rows, 1, Duration::from_millis(rows))
    }

    fn stretches(runs: &[(u64, u64)]) -> Vec<Stretch> {
        let mut stretches = Stretches::default();
        for (second, rows) in runs {
            stretches.add(run(*second, *rows));
        }
        stretches.kept().to_vec()
    }

    #[test]
    fn minutes_of_a_quarter_of_an_hour_stay_apart() {
        let runs: Vec<_> = (0..15).map(|n| (n * 60, n)).collect();
        let rows: Vec<u64> = stretches(&runs).iter().map(|read| read.rows).collect();
        assert_eq!(rows, (0..15).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn the_order_of_runs_changes_nothing_and_none_is_lost(
            runs in prop::collection::vec((0_u64..10_000_000, 0_u64..1_000_000_000), 0..200),
            turn in 0_usize..200,
        ) {
            let sorted = stretches(&runs);
            let mut other = runs.clone();
            other.reverse();
            other.rotate_left(turn.min(runs.len()));
            prop_assert_eq!(&sorted, &stretches(&other));
            prop_assert!(sorted.len() <= MAX_STRETCHES);
            prop_assert!(sorted.is_sorted_by(|a, b| a.at < b.at));
            prop_assert_eq!(sorted.iter().map(|read| read.runs).sum::<u64>(), runs.len() as u64);
        }
    }
}

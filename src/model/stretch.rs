//! What the runs of a statement read in one stretch of time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// Logarithms are summed up in this part of one: whole numbers come to the same sum in any order.
const PER_DOUBLING: u64 = 256;

/// Sums over the runs of one statement that ended in one stretch of time and told what they read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stretch {
    /// Where it begins.
    pub at: Timestamp,
    /// Runs.
    pub runs: u64,
    /// Rows that they read.
    pub rows: u64,
    /// Rows that the one that read most read.
    pub most: u64,
    /// Rows that they sent or changed.
    pub answered: u64,
    /// Nanoseconds that they took.
    nanos: u64,
    /// Doublings of one row that each of them read, summed up.
    doublings: u64,
}

impl Stretch {
    /// Of one run.
    pub fn of(at: Timestamp, rows: u64, answered: u64, elapsed: Duration) -> Self {
        Self {
            at,
            runs: 1,
            rows,
            most: rows,
            answered,
            nanos: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
            doublings: doublings(rows),
        }
    }

    /// Of so many equal runs.
    #[must_use]
    pub fn times(self, runs: u32) -> Self {
        if runs == 1 {
            return self;
        }
        let runs = u64::from(runs);
        Self {
            runs: self.runs.saturating_mul(runs),
            rows: self.rows.saturating_mul(runs),
            answered: self.answered.saturating_mul(runs),
            nanos: self.nanos.saturating_mul(runs),
            doublings: self.doublings.saturating_mul(runs),
            ..self
        }
    }

    /// Two of them as one.
    #[must_use]
    pub fn together(self, other: Self) -> Self {
        let at = match (self.runs, other.runs) {
            (0, _) => other.at,
            (_, 0) => self.at,
            _ => self.at.min(other.at),
        };
        Self {
            at,
            runs: self.runs.saturating_add(other.runs),
            rows: self.rows.saturating_add(other.rows),
            most: self.most.max(other.most),
            answered: self.answered.saturating_add(other.answered),
            nanos: self.nanos.saturating_add(other.nanos),
            doublings: self.doublings.saturating_add(other.doublings),
        }
    }

    /// Time that they took.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// Rows that a run read, by the geometric mean: a few heavy runs do not move it far, nor do a few light ones.
    pub fn typical(&self) -> f64 {
        let each = float(self.doublings) / float(PER_DOUBLING) / float(self.runs.max(1));
        each.exp2() - 1.0
    }
}

/// How often one row is doubled to come to so many, and one more: a straight line between two powers.
fn doublings(rows: u64) -> u64 {
    let rows = rows.saturating_add(1);
    // behind the highest bit, which says how often, the eight next say how far it is to the next time
    let beyond = (rows << rows.leading_zeros()) << 1 >> (u64::BITS - PER_DOUBLING.ilog2());
    u64::from(rows.ilog2()) * PER_DOUBLING + beyond
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a mean needs no more than 53 bits"
)]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: u64) -> Stretch {
        Stretch::of(Timestamp::EPOCH, rows, 1, Duration::from_secs(1))
    }

    #[test]
    fn what_is_typical_is_what_most_runs_read() {
        let heavy = run(1_000_000);
        let typical = (0..99)
            .fold(heavy, |sum, _| sum.together(run(40)))
            .typical();
        assert!((40.0..60.0).contains(&typical), "{typical}");
        for rows in [0, 1, 7, 40, 1_000, u64::MAX - 1] {
            let typical = run(rows).times(9).typical();
            let rows = float(rows);
            assert!(
                typical >= rows * 0.9 && typical <= rows * 1.1,
                "{rows} {typical}"
            );
        }
    }

    #[test]
    fn a_doubling_has_as_many_parts_as_its_rows_have_steps() {
        let parts = [0, 1, 2, 3, 4, 255, 256, 999].map(doublings);
        assert_eq!(parts, [0, 256, 384, 512, 576, 2048, 2049, 2548]);
        assert_eq!(doublings(u64::MAX - 1), 63 * 256 + 255);
    }

    #[test]
    fn equal_runs_are_as_many_runs() {
        let two = run(7).together(run(7));
        assert_eq!(run(7).times(2), two);
        assert_eq!(two.elapsed().as_secs(), 2);
    }
}

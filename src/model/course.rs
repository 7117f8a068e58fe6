//! What a run of a statement cost, stretch by stretch, over days and weeks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// What a run of one statement cost in one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoursePoint {
    /// Start of the stretch.
    pub at: Timestamp,
    /// Runs in it that told how many rows they read.
    pub runs: u64,
    /// Rows read by the median run.
    pub rows_examined: u64,
    /// Time of the median run.
    pub elapsed: Duration,
}

impl CoursePoint {
    /// Two stretches as one. The median of both is not known any more: the mean of the medians, by runs, stands for it.
    #[must_use]
    pub fn together(self, other: Self) -> Self {
        let runs = self.runs.saturating_add(other.runs).max(1);
        let mean = |ours: u128, theirs: u128| {
            let ours = ours.saturating_mul(u128::from(self.runs));
            let theirs = theirs.saturating_mul(u128::from(other.runs));
            let mean = ours.saturating_add(theirs) / u128::from(runs);
            u64::try_from(mean).unwrap_or(u64::MAX)
        };
        let elapsed = mean(self.elapsed.as_nanos(), other.elapsed.as_nanos());
        Self {
            at: self.at.min(other.at),
            runs,
            rows_examined: mean(self.rows_examined.into(), other.rows_examined.into()),
            elapsed: Duration::from_nanos(elapsed),
        }
    }
}

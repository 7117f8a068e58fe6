//! What a log shows of what ran: the time below which statements are not logged, and sampling.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::event::{Coverage, CoverageSource};

/// What is known of the server's threshold and of sampling.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Threshold {
    fastest: Option<Duration>,
    stated: Option<Duration>,
    one_in: Option<u32>,
}

impl Threshold {
    /// Takes note of one entry.
    pub(super) fn observe(&mut self, elapsed: Duration, one_in: Option<u32>) {
        self.one_in = one_in.or(self.one_in);
        // an unknown time says nothing of the threshold
        if elapsed > Duration::ZERO {
            self.fastest = Some(self.fastest.map_or(elapsed, |fastest| fastest.min(elapsed)));
        }
    }

    /// The log says that the threshold changes to this.
    pub(super) fn state(&mut self, threshold: Duration) {
        self.stated = Some(threshold);
    }

    /// Whether runs are missing because they were fast.
    pub(super) fn leaves_out_runs(&self) -> bool {
        /// Servers that log everything log faster runs before long.
        const FAST: Duration = Duration::from_millis(1);
        self.coverage()
            .slower_than
            .is_none_or(|threshold| threshold >= FAST)
    }

    /// What follows of it.
    pub(super) fn coverage(&self) -> Coverage {
        let known_by = match (self.stated, self.fastest) {
            (Some(_), _) => CoverageSource::Stated,
            (None, Some(_)) => CoverageSource::Observed,
            (None, None) => CoverageSource::Unknown,
        };
        Coverage {
            slower_than: self.stated.or(self.fastest),
            one_in: self.one_in,
            known_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_that_is_stated_beats_one_that_is_seen() {
        let mut threshold = Threshold::default();
        assert_eq!(threshold.coverage().known_by, CoverageSource::Unknown);
        threshold.observe(Duration::from_millis(700), Some(10));
        assert_eq!(threshold.coverage().known_by, CoverageSource::Observed);
        threshold.state(Duration::from_millis(500));
        let coverage = threshold.coverage();
        assert_eq!(coverage.slower_than, Some(Duration::from_millis(500)));
        assert_eq!(coverage.known_by, CoverageSource::Stated);
        assert_eq!(coverage.one_in, Some(10));
    }
}

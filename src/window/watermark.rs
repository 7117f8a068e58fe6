//! How far a source's own clock has come: windows that end before it receive nothing any more.
//!
//! The mark is the latest end seen, or the latest look at a source that had nothing more, minus the allowed
//! lateness. An end ahead of our clock counts only up to the allowed skew, so that one wrong record cannot close
//! every window. Nothing here depends on when batches arrive, save for that cap; hence a replay is exact.

use std::time::Duration;

use crate::model::time::Timestamp;

/// Clock of one source.
#[derive(Debug, Clone, Default)]
pub(super) struct Watermark {
    latest: Option<Timestamp>,
    /// End of the entry before, for entries that tell none.
    previous: Option<Timestamp>,
}

/// Where an entry belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) end: Timestamp,
    /// The source claims that it lies further ahead than allowed.
    pub(super) skewed: bool,
}

impl Watermark {
    /// Takes note of an entry that ended at `end`, which is the epoch when it does not tell.
    pub(super) fn place(
        &mut self,
        end: Timestamp,
        now: Timestamp,
        allowed_skew: Duration,
    ) -> Placed {
        let told = if end == Timestamp::EPOCH {
            self.previous.unwrap_or(now)
        } else {
            end
        };
        let limit = now.plus(allowed_skew);
        let end = told.min(limit);
        self.previous = Some(end);
        self.latest = self.latest.max(Some(end));
        let skewed = told > limit;
        Placed { end, skewed }
    }

    /// Takes note that the source had nothing more at `at`.
    pub(super) fn idle(&mut self, at: Timestamp, now: Timestamp) {
        self.latest = self.latest.max(Some(at.min(now)));
    }

    /// The mark, once anything is known.
    pub(super) fn at(&self, allowed_lateness: Duration) -> Option<Timestamp> {
        self.latest.map(|latest| latest.minus(allowed_lateness))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKEW: Duration = Duration::from_secs(5);

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_unix_secs(secs)
    }

    #[test]
    fn a_record_from_the_future_moves_the_mark_by_the_allowed_skew_only() {
        let mut mark = Watermark::default();
        let placed = mark.place(at(9_999_999), at(100), SKEW);
        let expected = Placed {
            end: at(105),
            skewed: true,
        };
        assert_eq!(placed, expected);
        assert_eq!(mark.at(Duration::from_secs(2)), Some(at(103)));
    }

    #[test]
    fn an_entry_without_a_time_belongs_to_the_one_before() {
        let mut mark = Watermark::default();
        assert_eq!(mark.place(Timestamp::EPOCH, at(100), SKEW).end, at(100));
        mark.place(at(90), at(100), SKEW);
        assert_eq!(mark.place(Timestamp::EPOCH, at(101), SKEW).end, at(90));
    }

    #[test]
    fn an_idle_source_follows_the_clock() {
        let mut mark = Watermark::default();
        mark.place(at(90), at(100), SKEW);
        mark.idle(at(120), at(121));
        assert_eq!(mark.at(Duration::ZERO), Some(at(120)));
    }
}

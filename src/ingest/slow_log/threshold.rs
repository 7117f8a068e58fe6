//! What a log shows of what ran: the time below which statements are not logged, and sampling.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::event::{Coverage, CoverageSource};

/// With fewer runs that are there for their time alone, a fast one may be there for another reason.
const MIN_RUNS: u64 = 100;

/// Runs in a hundred that may be there against the threshold: of a session, or of an hour, that had a lower one.
const ODD_PERCENT: u64 = 1;

/// What is known of the server's threshold and of sampling.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Threshold {
    fastest: Option<Duration>,
    stated: Option<Duration>,
    /// Runs before that was stated.
    unstated: u64,
    /// Another was stated before.
    is_restated: bool,
    one_in: Option<u32>,
    /// Run times of what is logged for its time alone.
    timed: Spread,
    /// Run times of what may be logged for the lack of an index, however fast it was.
    doubtful: Spread,
}

/// Why a run may be in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// For its time alone.
    Time,
    /// For its time, or because it used no index.
    TimeOrScan,
}

impl Threshold {
    /// Takes note of the run time of one entry. What failed, and commands of the protocol, are logged for other
    /// reasons than their time, and must not be shown here.
    pub(super) fn observe(&mut self, elapsed: Duration, reason: Reason) {
        // an unknown time says nothing of the threshold
        if elapsed.is_zero() {
            return;
        }
        if reason == Reason::TimeOrScan {
            return self.doubtful.add(elapsed);
        }
        self.timed.add(elapsed);
        self.fastest = Some(self.fastest.map_or(elapsed, |fastest| fastest.min(elapsed)));
    }

    /// An entry says of how many runs it is one.
    pub(super) fn sampled(&mut self, one_in: Option<u32>) {
        self.one_in = one_in.or(self.one_in);
    }

    /// The log says that the threshold changes to this.
    pub(super) fn state(&mut self, threshold: Duration) {
        if self.stated == Some(threshold) {
            return;
        }
        self.is_restated = self.stated.is_some();
        self.unstated = self.runs();
        self.stated = Some(threshold);
    }

    /// What is known when `later` was seen behind this.
    pub(super) fn then(&self, later: &Self) -> Self {
        let is_the_same = later.stated == self.stated && !later.is_restated;
        let unstated = match later.stated {
            Some(_) if !is_the_same => self.runs().saturating_add(later.unstated),
            _ => self.unstated,
        };
        let is_another = later.stated.is_some() && self.stated.is_some() && !is_the_same;
        Self {
            fastest: match (self.fastest, later.fastest) {
                (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
                (ours, theirs) => ours.or(theirs),
            },
            stated: later.stated.or(self.stated),
            unstated,
            is_restated: self.is_restated || later.is_restated || is_another,
            one_in: later.one_in.or(self.one_in),
            timed: self.timed.with(&later.timed),
            doubtful: self.doubtful.with(&later.doubtful),
        }
    }

    /// Whether runs are missing because they were fast. Servers that log everything log a faster run before long.
    pub(super) fn leaves_out_runs(&self) -> bool {
        self.stated
            .or(self.fastest)
            .is_none_or(|threshold| threshold >= Coverage::COMPLETE)
    }

    /// What follows of it for what is logged now.
    pub(super) fn coverage(&self) -> Coverage {
        self.judged(self.stated)
    }

    /// What follows of it for all that was read: what is stated at the end of a log was not so before.
    pub(super) fn coverage_of_all(&self) -> Coverage {
        let odd = self.runs() * ODD_PERCENT / 100;
        self.judged(self.stated.filter(|_| self.unstated <= odd))
    }

    fn judged(&self, stated: Option<Duration>) -> Coverage {
        let observed = self.observed();
        let known_by = match (stated, observed) {
            (Some(_), _) => CoverageSource::Stated,
            (None, Some(_)) => CoverageSource::Observed,
            (None, None) => CoverageSource::Unknown,
        };
        Coverage {
            slower_than: stated.or(observed),
            one_in: self.one_in,
            known_by,
        }
    }

    fn runs(&self) -> u64 {
        self.timed.runs() + self.doubtful.runs()
    }

    /// What nearly all runs exceed. That slow runs are all there is may be said of any number of them; that fast ones
    /// are there, too, of enough of those that nothing but their time can have brought there.
    fn observed(&self) -> Option<Duration> {
        if self.timed.runs() >= MIN_RUNS {
            return self.timed.low();
        }
        let all = self.timed.with(&self.doubtful).low();
        all.filter(|low| *low > Coverage::COMPLETE)
    }
}

/// Run times, by powers of two of milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Spread(Vec<Bin>);

/// Runs, and the nanoseconds of the fastest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Bin(u64, u64);

impl Spread {
    fn add(&mut self, elapsed: Duration) {
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let millis = nanos / 1_000_000;
        let power = millis.checked_ilog2().map_or(0, |power| power as usize + 1);
        if self.0.len() <= power {
            self.0.resize(power + 1, Bin::default());
        }
        self.0[power].merge(Bin(1, nanos));
    }

    fn with(&self, other: &Self) -> Self {
        let mut sum = self.0.clone();
        sum.resize(sum.len().max(other.0.len()), Bin::default());
        for (ours, theirs) in sum.iter_mut().zip(&other.0) {
            ours.merge(*theirs);
        }
        Self(sum)
    }

    fn runs(&self) -> u64 {
        self.0.iter().map(|bin| bin.0).sum()
    }

    /// A time that all but [`ODD_PERCENT`] of the runs reach.
    fn low(&self) -> Option<Duration> {
        let odd = self.runs() * ODD_PERCENT / 100;
        let mut seen = 0;
        let low = self.0.iter().find(|bin| {
            seen += bin.0;
            seen > odd
        });
        low.map(|bin| Duration::from_nanos(bin.1))
    }
}

impl Bin {
    fn merge(&mut self, other: Self) {
        let least = if self.0 == 0 || other.0 == 0 {
            self.1.max(other.1)
        } else {
            self.1.min(other.1)
        };
        *self = Self(self.0.saturating_add(other.0), least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_micros(200);
    const SLOW: Duration = Duration::from_millis(1_100);

    fn observed(runs: &[(u64, Duration, Reason)]) -> Threshold {
        let mut threshold = Threshold::default();
        for (count, elapsed, reason) in runs {
            for _ in 0..*count {
                threshold.observe(*elapsed, *reason);
            }
        }
        threshold
    }

    fn slower_than(runs: &[(u64, Duration, Reason)]) -> Option<Duration> {
        observed(runs).coverage().slower_than
    }

    #[test]
    fn a_threshold_that_is_stated_beats_one_that_is_seen() {
        let mut threshold = Threshold::default();
        assert_eq!(threshold.coverage().known_by, CoverageSource::Unknown);
        threshold.observe(Duration::from_millis(700), Reason::Time);
        threshold.sampled(Some(10));
        assert_eq!(threshold.coverage().known_by, CoverageSource::Observed);
        threshold.state(Duration::from_millis(500));
        let coverage = threshold.coverage();
        assert_eq!(coverage.slower_than, Some(Duration::from_millis(500)));
        assert_eq!(coverage.known_by, CoverageSource::Stated);
        assert_eq!(coverage.one_in, Some(10));
    }

    #[test]
    fn what_is_stated_at_the_end_is_not_said_of_all() {
        let mut first = observed(&[(400, FAST, Reason::Time)]);
        let mut last = observed(&[(2, FAST, Reason::Time)]);
        last.state(10 * SLOW);
        assert_eq!(first.then(&last).coverage().slower_than, Some(10 * SLOW));
        let all = first.then(&last).coverage_of_all();
        assert_eq!(
            (all.slower_than, all.known_by),
            (Some(FAST), CoverageSource::Observed)
        );
        first.state(FAST);
        assert_eq!(first.coverage().known_by, CoverageSource::Stated);
        assert_eq!(first.coverage_of_all().known_by, CoverageSource::Observed);
        let mut whole = Threshold::default();
        whole.state(SLOW);
        let mut next = observed(&[(9, 2 * SLOW, Reason::Time)]);
        next.state(SLOW);
        let all = whole.then(&next).coverage_of_all();
        assert_eq!(
            (all.slower_than, all.known_by),
            (Some(SLOW), CoverageSource::Stated)
        );
    }

    #[test]
    fn one_fast_run_is_no_log_of_every_run() {
        let slow = (60, SLOW, Reason::Time);
        assert_eq!(slower_than(&[slow]), Some(SLOW));
        assert_eq!(slower_than(&[slow, (1, FAST, Reason::Time)]), None);
        let many = (400, SLOW, Reason::Time);
        assert_eq!(slower_than(&[many, (4, FAST, Reason::Time)]), Some(SLOW));
        assert_eq!(slower_than(&[many, (40, FAST, Reason::Time)]), Some(FAST));
    }

    #[test]
    fn what_is_there_for_its_scan_says_nothing_of_the_threshold() {
        let scans = (2_000, FAST, Reason::TimeOrScan);
        assert_eq!(slower_than(&[scans]), None);
        assert_eq!(slower_than(&[scans, (60, SLOW, Reason::Time)]), None);
        let enough = (600, SLOW, Reason::Time);
        assert_eq!(slower_than(&[scans, enough]), Some(SLOW));
    }

    #[test]
    fn slow_runs_alone_are_what_they_are_whatever_brought_them_there() {
        let scans = (30, 2 * SLOW, Reason::TimeOrScan);
        assert_eq!(slower_than(&[scans, (1, SLOW, Reason::Time)]), Some(SLOW));
    }

    #[test]
    fn a_restart_forgets_no_run() {
        let before = observed(&[(400, SLOW, Reason::Time), (9, FAST, Reason::TimeOrScan)]);
        let stored = serde_json::to_string(&before).unwrap();
        let after: Threshold = serde_json::from_str(&stored).unwrap();
        assert_eq!(after.coverage(), before.coverage());
        assert_eq!(after.doubtful, before.doubtful);
    }
}

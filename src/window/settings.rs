//! `[window]`: how long windows are and when they close.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[window]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Length of a window; at least 1 s. A problem fires after its second sick window, and the first one with a sign
    /// of it may show too little: three windows and the lateness must fit into the 30 s that people may wait.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub length: Duration,
    /// A window closes this long after its end by the source's own clock. Slow logs are written in the order in
    /// which statements end, save for what threads race.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub allowed_lateness: Duration,
    /// An end further ahead of our clock than this is taken for this much, so that one wrong record closes nothing.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub allowed_skew: Duration,
    /// Changed windows are stored so often; a crash reads at most this much of the log again.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub flush_interval: Duration,
    /// What acute detectors look at: long enough for rates, short enough to see the onset.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub recent: Duration,
    /// Chronic detectors look at the last hour so often.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub long_every: Duration,
    /// They look at statements with at least this share of all time or of all bytes sent, 0 to 1; the rest is not worth
    /// advice.
    pub long_min_share: f64,
    /// Distinct statements in a window; what comes beyond is summed up as one. Bounds memory.
    pub max_statements: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            length: Duration::from_secs(5),
            allowed_lateness: Duration::from_secs(2),
            allowed_skew: Duration::from_secs(5),
            flush_interval: Duration::from_secs(1),
            recent: Duration::from_secs(60),
            long_every: Duration::from_secs(300),
            long_min_share: 0.01,
            max_statements: 10_000,
        }
    }
}

impl Settings {
    /// The same with every value in the range in which windows work.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.length = self.length.max(Duration::from_secs(1));
        self.recent = self.recent.max(self.length);
        self.long_every = self.long_every.max(self.length);
        self.max_statements = self.max_statements.max(1);
        self
    }
}

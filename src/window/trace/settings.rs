//! `[trace]`: how long a trace is waited for, and how much of it is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[trace]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A trace to which nothing was added for so long, and that misses no parent, has come to its end. SDKs send every
    /// 5 s by default, so that those of two services come within that time.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub quiet_after: Duration,
    /// One that misses a parent is waited for so long: a span is sent when it ends, hence children come first.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub incomplete_after: Duration,
    /// No trace is kept open for longer.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub max_age: Duration,
    /// Spans that are kept of one trace; what comes beyond is counted.
    pub max_spans: usize,
    /// Traces that are open at once; the one that is due first makes room.
    pub max_traces: usize,
    /// Memory for open traces, estimated. Beyond, the one that is due first is judged by what has come of it.
    pub max_megabytes: usize,
    /// Operations of a window that are told apart; what comes beyond is counted as one.
    pub max_operations: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quiet_after: Duration::from_secs(6),
            incomplete_after: Duration::from_secs(30),
            max_age: Duration::from_secs(300),
            max_spans: 4_096,
            max_traces: 50_000,
            max_megabytes: 48,
            max_operations: 256,
        }
    }
}

impl Settings {
    /// The same with every value in the range in which assembly works.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.incomplete_after = self.incomplete_after.max(self.quiet_after);
        self.max_age = self.max_age.max(self.incomplete_after);
        self.max_spans = self.max_spans.clamp(16, 1 << 20);
        self.max_traces = self.max_traces.max(1);
        self.max_megabytes = self.max_megabytes.max(1);
        self.max_operations = self.max_operations.max(1);
        self
    }
}

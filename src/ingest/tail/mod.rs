//! Follows live log files through rotation, truncation and restarts.
//!
//! ```text
//! Tail (thread: polls, waits, backs off) ─► Follower (which file is next) ─► Reading (one file, its parser, its place)
//! ```

mod file;
mod follower;
mod gathered;
mod memory;
pub mod pattern;
mod reading;
mod siblings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use crate::ingest::tail::follower::Follower;
pub use crate::ingest::tail::reading::MakeParser;
pub use crate::ingest::tail::siblings::log_of;

use crate::clock::Clock;
use crate::ingest::intake::{Intake, Refusal, pause};
use crate::ingest::{Checkpoint, IngestError, SourceMeta};

/// A file that cannot be read is tried again after this long at the most.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// The part of `[[slow_log]]` that says which file is followed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The log, or a link to it, or a pattern of names (`postgresql-*.log`). It need not be there yet.
    pub path: PathBuf,
    /// Where to begin when this log was never read before.
    pub start: Start,
    /// How often the file is looked at; 200 ms is well below the shortest window and costs a few system calls.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            start: Start::default(),
            poll_interval: Duration::from_millis(200),
        }
    }
}

/// Where to begin with a log that was never read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At its end: only what comes from now on.
    #[default]
    End,
    /// At its beginning: what is there already is recorded, not alerted.
    Beginning,
}

/// A thread that follows one log.
#[derive(Debug)]
pub struct Tail {
    follower: Follower,
    path: PathBuf,
    poll_interval: Duration,
    clock: Clock,
}

impl Tail {
    /// Prepares to follow the log of `source`, from `resume` if an earlier run left a checkpoint.
    pub fn new(
        settings: Settings,
        source: Arc<SourceMeta>,
        resume: Option<Checkpoint>,
        make: MakeParser,
        clock: Clock,
    ) -> Self {
        let Settings {
            path,
            start,
            poll_interval,
        } = settings;
        Self {
            follower: Follower::new(path.clone(), start, source, resume, make),
            path,
            poll_interval,
            clock,
        }
    }

    /// Follows until told to stop. A file that cannot be read is no reason to end: it is told once and tried again.
    pub fn run(mut self, intake: &Intake, stop: &CancellationToken) -> Result<(), IngestError> {
        let mut trouble = Trouble::default();
        while !stop.is_cancelled() {
            match self.follower.poll(self.clock.now()) {
                Ok(Some(batch)) => match intake.send_blocking(batch, stop) {
                    Ok(()) => trouble.is_over(&self.path),
                    // the entries are read again from the checkpoint before them
                    Err(refused) if refused.reason == Refusal::Full => return Ok(()),
                    Err(refused) => return Err(refused.into()),
                },
                Ok(None) => {
                    trouble.is_over(&self.path);
                    pause(self.poll_interval, stop);
                }
                Err(error) => {
                    trouble.tell(&error);
                    pause(trouble.patience(&error, self.poll_interval), stop);
                }
            }
        }
        Ok(())
    }
}

/// Keeps the same complaint from being made twice.
#[derive(Debug, Default)]
struct Trouble {
    told: String,
    times: u32,
}

impl Trouble {
    fn tell(&mut self, error: &IngestError) {
        let message = error.to_string();
        self.times = self.times.saturating_add(1);
        if message == self.told {
            tracing::debug!(error = error as &dyn std::error::Error, "still");
            return;
        }
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "a log is not followed for now"
        );
        self.told = message;
        self.times = 0;
    }

    /// Whoever read the complaint must learn that nothing is left to do.
    fn is_over(&mut self, path: &Path) {
        if !std::mem::take(self).told.is_empty() {
            tracing::info!(path = %path.display(), "the log is followed now");
        }
    }

    /// A file that is not there yet may appear any moment; what needs a hand is asked for less and less often.
    fn patience(&self, error: &IngestError, interval: Duration) -> Duration {
        if error.is_missing() {
            return interval;
        }
        interval
            .saturating_mul(1 << self.times.min(10))
            .min(MAX_BACKOFF)
    }
}

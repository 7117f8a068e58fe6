//! Feeds a recorded log into the pipeline as if it were being written, as fast as wanted.
//!
//! The clock of the app is moved by the recording, idle seconds too, so that windows close as they did then and a
//! replay gives the same incidents every time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::ingest::intake::Intake;
use crate::ingest::slow_log::{self, Format, Names, Next, Options};
use crate::ingest::{Checkpoint, Mark, RawBatch, RawEntry, SourceMeta};
use crate::model::event::Coverage;
use crate::model::id::SourceId;
use crate::model::time::Timestamp;

/// Time passes in steps of this.
const STEP: Duration = Duration::from_secs(1);

/// A recording, read and ready to be played.
#[derive(Debug)]
pub struct Recording {
    entries: VecDeque<RawEntry>,
    coverage: Coverage,
}

impl Recording {
    /// Reads the text of a log.
    pub fn read(log: &[u8], format: Format) -> Self {
        let mut parser = slow_log::parser(format, &Options::default());
        let (mut names, mut entries) = (Names::default(), Vec::new());
        parser.parse(log, Next::End, &mut |entry| {
            entries.push(entry.into_raw(&mut names));
        });
        let mut last = Timestamp::EPOCH;
        for entry in &mut entries {
            last = *entry.run.end.get_or_insert(last);
        }
        // Threads race to write: a stable sort keeps what ended at once in the order of the file.
        entries.sort_by_key(|entry| entry.run.end);
        Self {
            entries: entries.into(),
            coverage: parser.coverage(),
        }
    }

    /// When its first and its last statement ended; `None` for an empty one.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((
            self.entries.front()?.run.end?,
            self.entries.back()?.run.end?,
        ))
    }

    /// Moves all of it, so that its first statement ends at `at`.
    pub fn begin_at(&mut self, at: Timestamp) {
        let Some((first, _)) = self.span() else {
            return;
        };
        for entry in &mut self.entries {
            entry.run.end = entry.run.end.map(|end| at.plus(end.since(first)));
        }
    }

    /// Plays it, and `rest` of idle time after it; `speed` is how much faster than it happened, `None` as fast as
    /// it goes. Ends early, with `false`, when told to stop.
    pub fn play(
        mut self,
        source: &Arc<SourceMeta>,
        player: &Player<'_>,
        rest: Duration,
        speed: Option<f64>,
    ) -> bool {
        let Some((first, last)) = self.span() else {
            return true;
        };
        let mut now = first.floor(STEP);
        while now < last.plus(rest) {
            now = now.plus(STEP);
            let due = self
                .entries
                .iter()
                .take_while(|e| e.run.end.is_some_and(|end| end < now))
                .count();
            let entries: Vec<_> = self.entries.drain(..due).collect();
            player.clock.advance_to(now);
            let mark = Mark {
                checkpoint: Some(place(&source.id, self.coverage)),
                idle_at: Some(now),
                coverage: self.coverage,
                ..Mark::default()
            };
            let batch = RawBatch::of_entries(Arc::clone(source), entries, mark);
            if player.intake.send_blocking(batch, player.stop).is_err()
                || player.stop.is_cancelled()
            {
                return false;
            }
            if let Some(speed) = speed {
                std::thread::sleep(STEP.div_f64(speed.max(1.0)));
            }
        }
        true
    }
}

/// A recording is never gone on with; this shows that it is a source, and what its log shows.
fn place(source: &SourceId, coverage: Coverage) -> Checkpoint {
    Checkpoint {
        coverage,
        ..Checkpoint::nowhere(source)
    }
}

/// What a recording is played into.
#[derive(Debug)]
pub struct Player<'a> {
    /// Where batches go.
    pub intake: &'a Intake,
    /// The clock of the app, which must be a manual one.
    pub clock: &'a Clock,
    /// When to end early.
    pub stop: &'a CancellationToken,
}

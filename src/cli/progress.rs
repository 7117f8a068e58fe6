//! One line on a terminal that says how far a log has been read and how long it will take, and nothing anywhere else.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use crate::clock::Clock;
use crate::ingest::slow_log::offline::Position;
use crate::model::time::Timestamp;
use crate::report::unit;

/// A new line is written after so much: some twenty times a second at full speed.
const STEP_BYTES: u64 = 16 << 20;

/// Before so much of a file has been read, nobody knows how long the rest takes.
const MIN_SHARE: f64 = 0.02;

/// Columns of the bar.
const BAR: usize = 20;

/// Progress of one file.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    path: &'a Path,
    is_watched: bool,
    clock: Clock,
    begun: Timestamp,
    shown: u64,
}

impl<'a> Progress<'a> {
    /// Nothing is shown yet: a small file is read before anybody looks.
    pub(super) fn new(path: &'a Path) -> Self {
        let clock = Clock::system();
        Self {
            path,
            is_watched: io::stderr().is_terminal(),
            begun: clock.now(),
            clock,
            shown: 0,
        }
    }

    /// So much has been read.
    pub(super) fn show(&mut self, position: Position) {
        if !self.is_watched || position.bytes.saturating_sub(self.shown) < STEP_BYTES {
            return;
        }
        self.shown = position.bytes;
        let line = line(position, self.clock.now().since(self.begun));
        // A terminal that has gone is no reason to stop.
        drop(write!(
            io::stderr().lock(),
            "\r\x1b[Kreading {}: {line}",
            self.path.display()
        ));
    }

    /// Leaves the line empty for what comes next.
    pub(super) fn clear(&self) {
        if self.shown > 0 {
            drop(write!(io::stderr().lock(), "\r\x1b[K"));
        }
    }
}

/// A bar, the share, what was read and the time that is left, as far as these are known.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers for people; the bar is clamped"
)]
fn line(position: Position, took: Duration) -> String {
    let size = unit::bytes(position.bytes as f64);
    // A file that grows while it is read is never more than read.
    let share = position
        .size
        .map(|size| (position.taken as f64 / size as f64).min(1.0));
    let Some(share) = share.filter(|share| *share >= MIN_SHARE) else {
        return size;
    };
    let full = (share * BAR as f64) as usize;
    let bar = "█".repeat(full) + &"░".repeat(BAR.saturating_sub(full));
    let left = took.as_secs_f64() * (1.0 - share) / share;
    let left = unit::duration(Duration::from_secs(left.ceil() as u64));
    format!("{bar} {}, {size}, {left} left", unit::percent(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left_follows_from_what_is_done() {
        let quarter = Position {
            bytes: 1 << 30,
            taken: 25,
            size: Some(100),
        };
        assert_eq!(
            line(quarter, Duration::from_secs(10)),
            "█████░░░░░░░░░░░░░░░ 25 %, 1 GiB, 30 s left"
        );
    }

    #[test]
    fn a_pipe_has_no_end_to_wait_for() {
        let pipe = Position {
            bytes: 1 << 20,
            taken: 1 << 20,
            size: None,
        };
        assert_eq!(line(pipe, Duration::from_secs(10)), "1 MiB");
        let empty = Position {
            size: Some(0),
            ..pipe
        };
        assert!(line(empty, Duration::ZERO).contains("100 %"));
    }
}

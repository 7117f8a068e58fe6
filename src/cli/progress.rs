//! One line on a terminal that says how far a log has been read, and nothing anywhere else.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::report::unit;

/// A new line is written after so much: some twenty times a second at full speed.
const STEP_BYTES: u64 = 16 << 20;

/// Progress of one file.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    path: &'a Path,
    is_watched: bool,
    shown: u64,
}

impl<'a> Progress<'a> {
    /// Nothing is shown yet: a small file is read before anybody looks.
    pub(super) fn new(path: &'a Path) -> Self {
        Self {
            path,
            is_watched: io::stderr().is_terminal(),
            shown: 0,
        }
    }

    /// So much has been read.
    pub(super) fn show(&mut self, bytes: u64) {
        if !self.is_watched || bytes.saturating_sub(self.shown) < STEP_BYTES {
            return;
        }
        self.shown = bytes;
        #[expect(clippy::cast_precision_loss, reason = "a size for people")]
        let size = unit::bytes(bytes as f64);
        // A terminal that has gone is no reason to stop.
        drop(write!(
            io::stderr().lock(),
            "\r\x1b[Kreading {}: {size}",
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

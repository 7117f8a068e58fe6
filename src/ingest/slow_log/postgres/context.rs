//! What a restart must know: never a statement, only distances and what is known of the server.

use serde::{Deserialize, Serialize};

use super::{Framing, Postgres};
use crate::ingest::slow_log::threshold::Threshold;

/// Times without a text that are remembered.
const MAX_TEXTLESS: usize = 256;

/// The state at a checkpoint, which may be some bytes before what has been read.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Context {
    /// Runs that this many bytes behind the checkpoint tell were told.
    told: u64,
    /// What waited in this many bytes behind the checkpoint was told.
    settled: u64,
    skipping: bool,
    lost: bool,
    /// The `log_line_prefix` that was learned.
    prefix: Option<String>,
    threshold: Threshold,
    /// Times without a text that waited, this many bytes behind the checkpoint.
    textless: Vec<u64>,
}

impl Context {
    pub(super) fn of(parser: &Postgres) -> Self {
        let sessions = &parser.sessions;
        let held = sessions.held(parser.offset);
        let checkpoint = parser.offset - held;
        Self {
            told: held.max(sessions.told_until.saturating_sub(checkpoint)),
            settled: sessions.settled_until.saturating_sub(checkpoint),
            // a checkpoint that is set back is at the start of a record
            skipping: parser.skipping && held == 0,
            lost: parser.lost && held == 0,
            prefix: match &parser.framing {
                Framing::Stderr(prefix) => prefix.learned().map(str::to_owned),
                Framing::Csv | Framing::Json => None,
            },
            threshold: sessions.threshold.clone(),
            textless: sessions
                .textless_starts()
                .filter_map(|from| from.checked_sub(checkpoint))
                .take(MAX_TEXTLESS)
                .collect(),
        }
    }

    pub(super) fn apply(self, parser: &mut Postgres) {
        let sessions = &mut parser.sessions;
        sessions.told_until = parser.offset.saturating_add(self.told);
        sessions.settled_until = parser.offset.saturating_add(self.settled);
        sessions.threshold = self.threshold;
        sessions.textless_waited = self
            .textless
            .iter()
            .map(|distance| parser.offset.saturating_add(*distance))
            .collect();
        if let Framing::Stderr(prefix) = &mut parser.framing {
            prefix.restore(self.prefix);
        }
        parser.skipping = self.skipping;
        parser.lost = self.lost;
    }
}

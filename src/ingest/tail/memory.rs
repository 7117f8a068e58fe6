//! What a restart needs beside the place in the file.

use serde::{Deserialize, Serialize};

use crate::ingest::Checkpoint;
use crate::ingest::tail::file::{FileId, Place};
use crate::model::time::Timestamp;

/// What goes into [`Checkpoint::context`]: the parser's own memory, and the tail's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    pub(super) parser: String,
    /// Entries before this offset are backlog.
    pub(super) backlog_until: u64,
    /// Files last written before this instant are done with.
    pub(super) horizon: Timestamp,
    /// How far the other files of a pattern were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<(FileId, Place)>,
}

impl Memory {
    /// What a checkpoint remembers; nothing if it cannot be read.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        serde_json::from_str(&checkpoint.context).unwrap_or_default()
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

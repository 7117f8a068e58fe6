//! What looks at a file bring, until it is told.

use crate::ingest::RawEntry;
use crate::model::event::Coverage;

/// What is gathered for a batch.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) entries: Vec<RawEntry>,
    pub(super) bytes: u64,
    pub(super) unparsed: u64,
    pub(super) gap: u64,
    /// Why bytes may be lost, even when it is not known how many.
    pub(super) lost_by: Option<&'static str>,
    pub(super) backlog: bool,
    /// Of the file that ended.
    pub(super) coverage: Coverage,
}

impl Gathered {
    /// Nothing was read, told or lost.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0 && self.entries.is_empty() && self.gap == 0 && self.unparsed == 0
    }
}

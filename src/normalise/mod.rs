//! Turns raw statements into identified, redacted ones. Only this stage sees `sqlparser` and raw SQL.
//!
//! ```text
//! raw SQL ─► lexer ─► shape key ─► cache ─hit──────────────────────► StatementRef
//!                                    └─miss─► parser thread ─► Shape ─┘
//! ```

use std::sync::Arc;

use crate::ingest::{Mark, SourceMeta};
use crate::model::event::QueryEvent;

/// Raised whenever a change of the normaliser changes a fingerprint; stored beside every fingerprint.
pub const FINGERPRINT_VERSION: u32 = 1;

/// A batch after normalisation: the same entries in the same order, identified and redacted.
#[derive(Debug)]
pub struct EventBatch {
    /// Source.
    pub source: Arc<SourceMeta>,
    /// Runs.
    pub events: Vec<QueryEvent>,
    /// State of the source after them.
    pub mark: Mark,
    /// Events whose statement the parser could not read.
    pub opaque: u64,
}

//! Identifies the entries of a log that were read together.

use std::sync::Arc;

use super::Normaliser;
use crate::ingest::{Mark, RawBatch, SourceMeta};
use crate::model::error::ErrorEvent;
use crate::model::event::QueryEvent;
use crate::model::span::Span;
use crate::model::sql::Parsed;

/// A batch after normalisation: the same entries in the same order, identified and redacted.
#[derive(Debug)]
pub struct EventBatch {
    /// Source.
    pub source: Arc<SourceMeta>,
    /// Runs.
    pub events: Vec<QueryEvent>,
    /// Errors, those of the runs among them.
    pub errors: Vec<ErrorEvent>,
    /// Spans, which name their runs by index.
    pub spans: Vec<Span>,
    /// State of the source after them.
    pub mark: Mark,
    /// Events whose statement the parser could not read.
    pub opaque: u64,
}

impl Normaliser {
    /// Identifies every entry of a batch. An entry without a time has the time of the one before it.
    pub fn normalise(&mut self, batch: RawBatch) -> EventBatch {
        let RawBatch {
            source,
            entries,
            mark,
            ..
        } = batch;
        let mut last_end = self
            .last_end
            .get(&source.id)
            .copied()
            .or(mark.idle_at)
            .unwrap_or_default();
        let mut opaque = 0;
        let mut events = Vec::with_capacity(entries.len());
        let mut errors = Vec::new();
        for entry in entries {
            let end = entry.run.end.unwrap_or(last_end);
            last_end = end;
            let told = self.told(entry.sql.reveal(), entry.run, &source, end);
            errors.extend(told.error);
            let Some(event) = told.run else { continue };
            if matches!(event.statement.parsed, Parsed::Opaque { .. }) {
                opaque += u64::from(event.weight);
            }
            events.push(event);
        }
        self.last_end.insert(source.id.clone(), last_end);
        EventBatch {
            source,
            events,
            errors,
            spans: Vec::new(),
            mark,
            opaque,
        }
    }
}

//! OTLP: traces, metrics and logs, as protobuf or JSON, by gRPC, by HTTP, or in files.
//!
//! ```text
//! body ─┬─ protobuf ──────────────┬─► spans::read ─► SpanBatch { places in the body } ─► normalise
//!       └─ JSON ─► json ─► protobuf ┘
//! ```

pub mod budget;
pub mod file;
pub mod json;
pub mod json_schema;
pub mod logs;
pub mod points;
pub mod semconv;
pub mod server;
pub mod spans;
#[cfg(test)]
mod tests;
pub mod wire;

use crate::model::id::SourceId;

/// The source of all spans; who asked whom is told by each run.
pub fn source_id() -> SourceId {
    SourceId::new("otlp")
}

/// The source of all log records: of its own, for an error may be told by a span and by a record, and counts once in each.
pub fn logs_id() -> SourceId {
    SourceId::new("otlp:logs")
}

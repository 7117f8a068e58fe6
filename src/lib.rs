//! sqleuth, the SQL incident sidecar.
//!
//! ```text
//! ingest ─► normalise ─► window ─► detect ─► incident ─► store ─► alert, report, serve
//! ```
//!
//! Each stage is a folder and imports only the stages before it (`tests/layering.rs`); `app` alone joins
//! them with channels. [`model`] holds the nouns they share.

pub mod alert;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod detect;
pub mod forward;
pub mod incident;
pub mod ingest;
pub mod metrics;
pub mod model;
pub mod normalise;
pub mod report;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod topology;
pub mod window;

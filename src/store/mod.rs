//! Keeps windows, findings, incidents, checkpoints and the outbox in one SQLite file.
//!
//! One named thread writes: all that queued up during a commit is the next commit. Readers have their own
//! read-only connections. A crash at any instant leaves the state of the last commit.

pub mod view;

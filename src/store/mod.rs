//! Keeps windows, findings, incidents, checkpoints and the outbox in one SQLite file.
//!
//! ```text
//! Change ─► StoreHandle ─► queue ─► Writer (one thread) ─► SQLite (WAL) ─► Reader (read-only connections)
//! ```
//!
//! One named thread writes: all that queued up during a commit is the next commit. A crash at any instant leaves
//! the state of the last commit. The machine losing power may take the last commits of windows and checkpoints
//! with it, always both (the log is then read again), but never an incident or an outbox row: a transaction that
//! holds one is written with `synchronous=FULL`, all others with `NORMAL`.

mod change;
mod embedded;
mod gaps;
mod ladder;
mod load;
mod lock;
mod outbox;
mod read;
mod recover;
mod retention;
mod row;
mod schema;
mod series;
mod sums;
mod traces;
pub mod view;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

pub use change::{Change, Delivery};
pub use read::Reader;
pub use recover::Recovered;
pub use writer::{Committed, StoreHandle, Writer};

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The SQLite file; its folder must exist.
    pub path: PathBuf,
    /// The file is kept below this size by dropping the oldest windows, never an incident. 1 GiB holds 5,000
    /// statements for 30 days.
    pub max_bytes: ByteSize,
    /// Windows, findings and statements older than this (by the clock of the data) are dropped; a month shows
    /// what a monthly job did the last time.
    #[serde(with = "crate::model::time::days")]
    pub retention: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: PathBuf::from("sqleuth.db"),
            max_bytes: ByteSize::gib(1),
            retention: Duration::from_secs(30 * 24 * 3_600),
        }
    }
}

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("{}", refusal(.0))]
    Database(#[from] rusqlite::Error),
    /// A file could not be opened, locked or moved.
    #[error("store.path: {} cannot be used; let the user of sqleuth write there, or name another file", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by another sqleuth; stop that one, or set another store.path")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// Something else is in the file.
    #[error("{path} is there and is no store; set store.path to a file of its own")]
    Foreign {
        /// Which.
        path: PathBuf,
    },
    /// A later version has written it.
    #[error(
        "{path} has schema {found}, this sqleuth knows up to {known}: use a newer sqleuth, or another store.path"
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A row that this program cannot read.
    #[error("a row of {table} is not readable")]
    Row {
        /// Of which table.
        table: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cursor of a list was not one that the list gave out.
    #[error("not a cursor of this list")]
    Cursor,
    /// The writer has stopped.
    #[error("the store has stopped")]
    Stopped,
}

/// What SQLite says, in words of whoever has to mend it: a monitor of databases that speaks of a database means another.
fn refusal(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => "the disk that the store is on is full",
        Some(Code::SystemIoFailure) => {
            "the disk that the store is on does not take what is written"
        }
        Some(Code::CannotOpen | Code::ReadOnly | Code::PermissionDenied) => {
            "the store may not be written"
        }
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => "the store is locked by another program",
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => "the store is broken",
        _ => "the store refused",
    }
}

impl StoreError {
    /// Whether the same commit may succeed later: the disk is full, or the file is briefly out of reach.
    pub fn is_retryable(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        let Self::Database(error) = self else {
            return false;
        };
        matches!(
            error.sqlite_error_code(),
            Some(
                Code::DiskFull
                    | Code::SystemIoFailure
                    | Code::DatabaseBusy
                    | Code::DatabaseLocked
                    | Code::CannotOpen
                    | Code::ReadOnly
            )
        )
    }
}

#[cfg(test)]
mod tests;

//! Reads what servers and programs say of errors.
//!
//! ```text
//! file ─► Records (which lines belong together) ─► Grammar (what they tell) ─► Entry with an error
//! ```

pub mod class;
mod deadlock;
mod mysql_error;
mod phrases;
mod records;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::mysql_error::MysqlError;
use self::records::Records;
use crate::ingest::slow_log::Parser;

/// Who writes a log of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The error log of MySQL, Percona Server or MariaDB.
    MysqlError,
}

impl Kind {
    /// The name, as in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MysqlError => "mysql-error",
        }
    }
}

/// Makes a parser that starts at the beginning of a file; dates that name no zone are in `zone`.
pub fn parser(kind: Kind, zone: &TimeZone) -> Box<dyn Parser> {
    match kind {
        Kind::MysqlError => Box::new(Records::new(MysqlError::new(zone.clone()))),
    }
}

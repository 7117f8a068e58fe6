//! Reads what servers and programs say of errors.
//!
//! ```text
//! file ─► Records (which lines belong together) ─► Grammar (what they tell) ─► Entry with an error
//! ```

mod application;
pub mod class;
mod deadlock;
mod mysql_error;
mod phrases;
mod records;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::application::Application;
use self::mysql_error::MysqlError;
use self::records::Records;
use crate::clock::Clock;
use crate::ingest::slow_log::Parser;

/// Who writes a log of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The error log of MySQL, Percona Server or MariaDB.
    MysqlError,
    /// A program that uses a database: its messages, stack traces, or lines of JSON.
    Application,
}

impl Kind {
    /// The name, as in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MysqlError => "mysql-error",
            Self::Application => "application",
        }
    }
}

/// Makes a parser that starts at the beginning of a file; dates that name no zone are in `zone`, and what a program
/// writes without a date is from when it is read by `clock`.
pub fn parser(kind: Kind, zone: &TimeZone, clock: Option<Clock>) -> Box<dyn Parser> {
    match kind {
        Kind::MysqlError => Box::new(Records::new(MysqlError::new(zone.clone()))),
        Kind::Application => Box::new(Records::new(Application::new(zone.clone(), clock))),
    }
}

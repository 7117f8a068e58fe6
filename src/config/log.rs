//! `[[log]]`: logs of errors, beside the slow logs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{General, Zone, value};
use crate::ingest::server_log::Kind;
use crate::ingest::tail;
use crate::model::id::{ServiceName, SourceId};

/// `[[log]]`: one log of errors to follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The log, or a link to it; it need not be there yet.
    #[serde(deserialize_with = "value::path")]
    pub path: PathBuf,
    /// Who writes it; `auto`, which is also the default: told by the first lines of each file.
    #[serde(default)]
    pub kind: KindSetting,
    /// Service whose errors it tells; `general.service` when not given.
    #[serde(default)]
    pub service: Option<ServiceName>,
    /// Database of errors that name none.
    #[serde(default)]
    pub database: String,
    /// IANA zone of dates that name none; `general.time_zone` when not given.
    #[serde(default)]
    pub time_zone: Option<Zone>,
    /// Where to begin with a log that was never read before.
    #[serde(default)]
    pub start: tail::Start,
    /// How often the file is looked at.
    #[serde(default = "super::poll_interval", with = "value::poll_interval")]
    pub poll_interval: Duration,
}

/// `kind` of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindSetting {
    /// Told by the first lines.
    #[default]
    Auto,
    /// The error log of MySQL, Percona Server or MariaDB.
    MysqlError,
    /// The log of a program.
    Application,
}

impl KindSetting {
    /// What was said; `None` for `auto`.
    pub fn known(self) -> Option<Kind> {
        match self {
            Self::Auto => None,
            Self::MysqlError => Some(Kind::MysqlError),
            Self::Application => Some(Kind::Application),
        }
    }
}

impl Log {
    /// Its name in metrics and the store.
    pub fn id(&self) -> SourceId {
        SourceId::new(format!("log:{}", self.path.display()))
    }

    /// What `ingest::tail` needs to know.
    pub fn tail(&self) -> tail::Settings {
        tail::Settings {
            path: self.path.clone(),
            start: self.start,
            poll_interval: self.poll_interval,
        }
    }

    /// Zone of dates that name none.
    pub fn zone(&self, general: &General) -> TimeZone {
        self.time_zone.as_ref().unwrap_or(&general.time_zone).get()
    }
}

impl AsRef<Path> for Log {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::parse;

    #[test]
    fn unknown_keys_and_kinds_are_refused_with_what_is_known() {
        let told = parse("f", "[[log]]\npath = \"a\"\nkind = \"oracle\"\n", []);
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("f:3") && told.contains("mysql-error") && told.contains("application"),
            "{told}"
        );
        let told = parse(
            "f",
            "[[log]]\npath = \"a\"\nkind = \"mysql-error\"\nformat = \"auto\"\n",
            [],
        );
        let told = told.unwrap_err().to_string();
        assert!(told.contains("f:4") && told.contains("format"), "{told}");
    }

    #[test]
    fn a_log_is_followed_once() {
        let log = "[[log]]\npath = \"a\"\nkind = \"mysql-error\"\n";
        let told = parse("f", &log.repeat(2), []).unwrap_err().to_string();
        assert!(told.contains("twice"), "{told}");
        let config = parse("f", &format!("[[slow_log]]\npath = \"a\"\n{log}"), []).unwrap();
        let told = config.consistent().unwrap_err().to_string();
        assert!(told.contains("`log.path`"), "{told}");
    }
}

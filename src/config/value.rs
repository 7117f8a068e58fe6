//! Values whose types refuse what means nothing, so that it is told with its line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ingest::slow_log;

/// Looking more often costs a core and tells nothing sooner.
const MIN_POLL: Duration = Duration::from_millis(10);

/// A time zone, by its IANA name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of a name; `None` when there is no such zone.
    pub fn of(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        let name = name.to_owned();
        Some(Self { name, zone })
    }

    /// The zone.
    pub fn get(&self) -> TimeZone {
        self.zone.clone()
    }
}

impl Default for Zone {
    fn default() -> Self {
        let (name, zone) = ("UTC".to_owned(), TimeZone::UTC);
        Self { name, zone }
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::of(&name).ok_or_else(|| D::Error::custom(format!("{name:?} is no IANA time zone")))
    }
}

/// Logs; one that is named twice would be counted twice.
pub(super) fn distinct<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + AsRef<Path>,
{
    let logs = Vec::<T>::deserialize(from)?;
    let mut seen = BTreeSet::new();
    let mut paths = logs.iter().map(T::as_ref);
    if let Some(twice) = paths.find(|path: &&Path| !seen.insert(*path)) {
        return Err(D::Error::custom(format!(
            "{} is followed twice; remove one of the two",
            twice.display()
        )));
    }
    Ok(logs)
}

/// The path of a file.
pub(super) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(from)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom("an empty path names no file"));
    }
    Ok(path)
}

/// A `log_line_prefix` that can be read.
pub(super) fn prefix<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let prefix = Option::<String>::deserialize(from)?;
    match &prefix {
        Some(text) if !slow_log::is_prefix(text) => Err(D::Error::custom(format!(
            "{text:?} is no log_line_prefix that can be read"
        ))),
        _ => Ok(prefix),
    }
}

/// An address to listen on, or `"off"`.
pub(super) mod port {
    use std::net::SocketAddr;

    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error as _;

    const OFF: &str = "off";

    #[expect(
        clippy::ref_option,
        reason = "serde hands over a reference to the field"
    )]
    pub(in crate::config) fn serialize<S: Serializer>(
        port: &Option<SocketAddr>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match port {
            Some(address) => to.collect_str(address),
            None => to.serialize_str(OFF),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SocketAddr>, D::Error> {
        let text = String::deserialize(from)?;
        if text == OFF {
            return Ok(None);
        }
        let address = text.parse().map_err(|_| {
            D::Error::custom(format!("{text:?} is no address with a port, nor \"off\""))
        })?;
        Ok(Some(address))
    }
}

/// How often a file is looked at.
pub(super) mod poll_interval {
    use super::{Deserializer, Duration, MIN_POLL, Serializer};
    use jiff::fmt::serde::unsigned_duration::friendly::compact::required;
    use serde::de::Error as _;

    pub(in crate::config) fn serialize<S: Serializer>(
        interval: &Duration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        required::serialize(interval, to)
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Duration, D::Error> {
        let interval: Duration = required::deserialize(from)?;
        if interval < MIN_POLL {
            return Err(D::Error::custom(
                "looking that often is a loop without a pause",
            ));
        }
        Ok(interval)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::parse;

    #[test]
    fn values_that_mean_nothing_are_told_at_once_each_with_its_line_and_what_to_write() {
        let told = parse(
            "f",
            "[general]\ntime_zone = \"Mars\"\n[[slow_log]]\npath = \"\"\ntime_zone = \"Seoul\"\nlog_line_prefix = \"%u%d\"\n\
             poll_interval = \"0s\"\n[[log]]\npath = \"a\"\ntime_zone = \"KST9\"\npoll_interval = \"0s\"\n",
            [],
        );
        let told = told.unwrap_err().to_string();
        for (line, sign) in [
            ("f:2", "Asia/Seoul"),
            ("f:4", "/var/log/mysql/slow.log"),
            ("f:5", "Asia/Seoul"),
            ("f:6", "%m [%p] "),
            ("f:7", "200ms"),
            ("f:10", "Asia/Seoul"),
            ("f:11", "200ms"),
        ] {
            let is_told = told
                .lines()
                .any(|problem| problem.starts_with(&format!("{line}: ")) && problem.contains(sign));
            assert!(is_told, "{line} {sign}: {told}");
        }
        assert_eq!(told.lines().count(), 7, "{told}");
    }

    #[test]
    fn a_prefix_needs_escapes_that_can_be_told_apart() {
        for (prefix, is_read) in [
            ("%m [%p] %q%u@%d ", true),
            ("", false),
            ("db: ", false),
            ("%u%d", false),
        ] {
            let text = format!("[[slow_log]]\npath = \"a\"\nlog_line_prefix = \"{prefix}\"\n");
            assert_eq!(parse("f", &text, []).is_ok(), is_read, "{prefix}");
        }
    }
}

//! The configuration file, as typed sections with safe defaults.
//!
//! `src/defaults.toml` lists every key with its default and what it means; a test keeps the two alike.
//! [`load`] reports every problem at once, each with file, line and fix.

pub mod load;
mod log;
mod sense;
mod value;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::detect::catalogue::{self, DetectSettings};
use crate::ingest::slow_log::Format;
use crate::ingest::tail;
use crate::model::id::{ServiceName, SourceId};
use crate::report::{Lang, Links, Style};
use crate::{alert, incident, normalise, serve, store, window};

pub use self::log::Log;
pub use self::value::Zone;

/// The default configuration, commented.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[general]`
    pub general: General,
    /// `[listen]`
    pub listen: Listen,
    /// `[auth]`
    pub auth: serve::auth::Settings,
    /// `[store]`
    pub store: store::Settings,
    /// `[[slow_log]]`
    #[serde(deserialize_with = "distinct_logs")]
    pub slow_log: Vec<SlowLog>,
    /// `[[log]]`
    #[serde(deserialize_with = "log::distinct")]
    pub log: Vec<Log>,
    /// `[fingerprint]`
    pub fingerprint: normalise::Settings,
    /// `[window]`
    pub window: window::Settings,
    /// `[detect.<slug>]`
    pub detect: DetectSettings,
    /// `[incident]`
    pub incident: incident::Settings,
    /// `[slack]`
    pub slack: alert::Settings,
    /// `[telemetry]`
    pub telemetry: Telemetry,
}

impl Config {
    /// Every log that is followed, as metrics and the store name it.
    pub fn sources(&self) -> Vec<SourceId> {
        let slow = self.slow_log.iter().map(SlowLog::id);
        slow.chain(self.log.iter().map(Log::id)).collect()
    }

    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let slow = self.slow_log.iter().map(|log| &log.path);
        slow.chain(self.log.iter().map(|log| &log.path))
    }

    /// How people want to be told.
    pub fn style(&self) -> Style {
        let general = &self.general;
        Style {
            lang: general.language,
            zone: general.time_zone.get(),
            links: Links {
                public_url: general.public_url.clone(),
                jaeger_url: general.jaeger_url.clone(),
                grafana_url: general.grafana_url.clone(),
            },
            lookup: catalogue::find,
        }
    }

    /// Whether its parts fit together.
    ///
    /// # Errors
    /// The first that does not, naming its key.
    pub fn consistent(&self) -> Result<(), Misconfigured> {
        if self.paths().any(|path| *path == self.store.path) {
            return Err(Misconfigured(format!(
                "`store.path`: {} is a log that is followed; give the store a file of its own",
                self.store.path.display()
            )));
        }
        if let Some(log) = self.log.iter().find(|log| log.is_slow_log(&self.slow_log)) {
            return Err(Misconfigured(format!(
                "`log.path`: {} is a [[slow_log]], too, which tells its errors already; remove one of the two",
                log.path.display()
            )));
        }
        let is_filter = |text: &str| {
            text.contains('=') || text.parse::<tracing::level_filters::LevelFilter>().is_ok()
        };
        if !self.telemetry.log.split(',').any(is_filter) {
            return Err(Misconfigured(format!(
                "`telemetry.log`: {:?} names no level; write off, error, warn, info, debug or trace",
                self.telemetry.log
            )));
        }
        match &self.telemetry.otlp {
            Some(url) if !(url.starts_with("http://") || url.starts_with("https://")) => {
                Err(Misconfigured(format!(
                    "`telemetry.otlp`: {url:?} is no URL; write it like http://127.0.0.1:4317"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Makes the folder of the store, if it is not there yet.
    ///
    /// # Errors
    /// The folder cannot be made; names the key.
    pub fn make_store_folder(&self) -> anyhow::Result<()> {
        match self.store.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder)
                .with_context(|| {
                    format!("`store.path`: cannot make the folder {}", folder.display())
                }),
            _ => Ok(()),
        }
    }
}

/// A log that is named twice would be counted twice.
fn distinct_logs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SlowLog>, D::Error> {
    let logs = Vec::<SlowLog>::deserialize(from)?;
    let mut seen = BTreeSet::new();
    match logs.iter().find(|log| !seen.insert(&log.path)) {
        Some(twice) => Err(D::Error::custom(format!(
            "{} is followed twice; remove one of the two",
            twice.path.display()
        ))),
        None => Ok(logs),
    }
}

/// A value that can be read and means nothing; names its key and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(pub String);

/// `[[slow_log]]`: one log to follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowLog {
    /// The log, or a link to it; it need not be there yet.
    #[serde(deserialize_with = "value::path")]
    pub path: PathBuf,
    /// Format; by default told by the content.
    #[serde(default)]
    pub format: LogFormat,
    /// Database of entries that name none.
    #[serde(default)]
    pub database: String,
    /// IANA zone of dates that name none; `general.time_zone` when not given.
    #[serde(default)]
    pub time_zone: Option<Zone>,
    /// `log_line_prefix` of PostgreSQL; guessed when not given.
    #[serde(default, deserialize_with = "value::prefix")]
    pub log_line_prefix: Option<String>,
    /// Where to begin with a log that was never read before.
    #[serde(default)]
    pub start: tail::Start,
    /// DDL of the database: dumps or migrations, in order.
    #[serde(default)]
    pub schema: Vec<PathBuf>,
    /// How often the file is looked at.
    #[serde(default = "poll_interval", with = "value::poll_interval")]
    pub poll_interval: Duration,
}

fn poll_interval() -> Duration {
    tail::Settings::default().poll_interval
}

impl SlowLog {
    /// Its name in metrics and the store.
    pub fn id(&self) -> SourceId {
        SourceId::new(format!("slow_log:{}", self.path.display()))
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

/// Format of a log, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the format it is named after")]
pub enum LogFormat {
    /// Told by the content.
    #[default]
    Auto,
    MysqlSlow,
    PostgresStderr,
    PostgresCsv,
    PostgresJson,
}

impl LogFormat {
    /// The format, unless the content is to tell it.
    pub fn known(self) -> Option<Format> {
        match self {
            Self::Auto => None,
            Self::MysqlSlow => Some(Format::MysqlSlow),
            Self::PostgresStderr => Some(Format::PostgresStderr),
            Self::PostgresCsv => Some(Format::PostgresCsv),
            Self::PostgresJson => Some(Format::PostgresJson),
        }
    }
}

/// `[general]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct General {
    /// `service.name` of the application this sidecar runs beside.
    pub service: ServiceName,
    /// IANA time zone for messages and postmortems, and of log dates that name none.
    pub time_zone: Zone,
    /// Language of messages, postmortems and the page.
    pub language: Lang,
    /// Where people reach this sidecar's page; links in messages use it.
    pub public_url: Option<String>,
    /// Where people reach Jaeger.
    pub jaeger_url: Option<String>,
    /// Where people reach Grafana.
    pub grafana_url: Option<String>,
}

impl Default for General {
    fn default() -> Self {
        Self {
            service: ServiceName::new("unnamed"),
            time_zone: Zone::default(),
            language: Lang::En,
            public_url: None,
            jaeger_url: None,
            grafana_url: None,
        }
    }
}

/// `[listen]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Page, API, metrics and health.
    pub http: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 7470)),
        }
    }
}

/// `[telemetry]`: what sqleuth tells of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Log filter in the syntax of `RUST_LOG`.
    pub log: String,
    /// Log lines as JSON.
    pub json: bool,
    /// OTLP/gRPC endpoint for sqleuth's own spans; none are made without it.
    pub otlp: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            json: false,
            otlp: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults(text: &str) -> Config {
        load::parse("defaults.toml", text, []).unwrap()
    }

    #[test]
    fn the_printed_defaults_are_the_defaults() {
        let told = toml::to_string(&defaults(DEFAULTS)).unwrap();
        assert_eq!(told, toml::to_string(&Config::default()).unwrap());
    }

    #[test]
    fn every_key_is_printed_with_a_comment_and_every_commented_key_is_one() {
        let is_key = |line: &str| {
            line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# [["))
        };
        let uncommented: Vec<&str> = DEFAULTS
            .lines()
            .map(|line| if is_key(line) { &line[2..] } else { line })
            .collect();
        let all = toml::to_string(&defaults(&uncommented.join("\n"))).unwrap();
        let keys = all
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .map(|(key, _)| key);
        for key in keys {
            let at = DEFAULTS
                .lines()
                .position(|l| l.trim_start_matches("# ").starts_with(&format!("{key} = ")));
            let at = at.unwrap_or_else(|| panic!("{key} is not printed"));
            let above = DEFAULTS.lines().nth(at - 1).unwrap_or_default();
            assert!(above.starts_with("# "), "{key} has no comment");
        }
    }
}

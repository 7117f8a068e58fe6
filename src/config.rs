//! The configuration file, as typed sections with safe defaults.
//!
//! `src/defaults.toml` lists every key with its default and what it means; a test keeps the two alike.
//! [`load`] reports every problem at once, each with file, line and fix.

mod listen;
pub mod load;
mod log;
mod sense;
mod value;

use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::detect::catalogue::{self, DetectSettings};
use crate::ingest::otlp;
use crate::ingest::slow_log::Format;
use crate::ingest::tail::{self, pattern::Pattern};
use crate::model::id::{ServiceName, SourceId};
use crate::report::{Lang, Links, Style};
use crate::{alert, forward, incident, normalise, serve, store, window};

pub use self::listen::Listen;
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
    #[serde(deserialize_with = "value::distinct")]
    pub slow_log: Vec<SlowLog>,
    /// `[[log]]`
    #[serde(deserialize_with = "value::distinct")]
    pub log: Vec<Log>,
    /// `[fingerprint]`
    pub fingerprint: normalise::Settings,
    /// `[window]`
    pub window: window::Settings,
    /// `[trace]`
    pub trace: window::trace::Settings,
    /// `[detect.<slug>]`
    pub detect: DetectSettings,
    /// `[incident]`
    pub incident: incident::Settings,
    /// `[slack]`
    pub slack: alert::Settings,
    /// `[forward]`
    pub forward: forward::Settings,
    /// `[telemetry]`
    pub telemetry: Telemetry,
}

impl Config {
    /// Every log that is followed, and OTLP, as metrics and the store name it.
    pub fn sources(&self) -> Vec<SourceId> {
        let slow = self.slow_log.iter().map(SlowLog::id);
        let logs = slow.chain(self.log.iter().map(Log::id));
        let otlp = self.listen.otlp().next();
        let otlp = otlp.map(|_| [otlp::source_id(), otlp::logs_id()]);
        logs.chain(otlp.into_iter().flatten()).collect()
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
    /// All that does not, naming the keys.
    pub fn consistent(&self) -> Result<(), Misconfigured> {
        let problems = self.inconsistencies();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Misconfigured(problems.join("\n")))
    }

    /// What does not fit together.
    pub fn inconsistencies(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let store = &self.store.path;
        if self.paths().any(|path| overlap(path, store)) {
            problems.push(format!(
                "`store.path`: {} is a log that is followed; give the store a file of its own",
                store.display()
            ));
        }
        problems.extend(self.followed_twice());
        problems.extend(self.telemetry.nonsense());
        let own = self.listen.otlp().map(|(_, address)| address.port());
        if self.forward.returns_to(own) {
            problems.push(
                "`forward.otlp`: that is a port of this sqleuth, which would send to itself for ever; give the backend another \
                 port, or this sqleuth (listen.otlp_grpc, listen.otlp_http)"
                    .to_owned(),
            );
        }
        problems
    }

    /// Logs that two sections follow, by whatever names.
    fn followed_twice(&self) -> Option<String> {
        let slow = |path: &PathBuf| self.slow_log.iter().any(|log| overlap(&log.path, path));
        if let Some(log) = self.log.iter().find(|log| slow(&log.path)) {
            return Some(format!(
                "`log.path`: {} is a [[slow_log]], too, which tells its errors already; remove one of the two",
                log.path.display()
            ));
        }
        let paths: Vec<&PathBuf> = self.paths().collect();
        let pairs = paths
            .iter()
            .enumerate()
            .flat_map(|(at, first)| paths[at + 1..].iter().map(move |second| (*first, *second)));
        let (first, second) = pairs
            .into_iter()
            .find(|(first, second)| overlap(first, second))?;
        Some(format!(
            "`path` of a log: {} and {} are the same file, or may be, which would be counted twice; remove one of the two",
            first.display(),
            second.display()
        ))
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

/// Whether two paths stand for the same file, one for a file of the other's pattern among them.
fn overlap(first: &Path, second: &Path) -> bool {
    let file = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let is_one_of = |path: &Path, other: &Path| {
        Pattern::of(other).is_some_and(|pattern| {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            folder.unwrap_or(Path::new(".")) == pattern.folder
                && path.file_name().is_some_and(|name| pattern.fits(name))
        })
    };
    first == second
        || file(first).is_some_and(|id| file(second) == Some(id))
        || is_one_of(first, second)
        || is_one_of(second, first)
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
    /// One statement in so many is logged: `log_slow_rate_limit` of MariaDB, which does not write it into its log.
    #[serde(default)]
    pub rate_limit: Option<NonZeroU32>,
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

impl AsRef<Path> for SlowLog {
    fn as_ref(&self) -> &Path {
        &self.path
    }
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

impl Telemetry {
    /// What of it can be read and means nothing.
    fn nonsense(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let is_filter = |text: &str| {
            text.contains('=') || text.parse::<tracing::level_filters::LevelFilter>().is_ok()
        };
        if !self.log.split(',').any(is_filter) {
            problems.push(format!(
                "`telemetry.log`: {:?} names no level; write off, error, warn, info, debug or trace",
                self.log
            ));
        }
        if let Some(url) = &self.otlp
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            problems.push(format!(
                "`telemetry.otlp`: {url:?} is no URL; write it like http://127.0.0.1:4317"
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_does_not_fit_together_is_told_at_once() {
        let config = defaults("[telemetry]\nlog = \"loud\"\notlp = \"nowhere\"\n");
        let told = config.inconsistencies();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("`telemetry.log`") && told[1].contains("`telemetry.otlp`"));
    }

    #[test]
    fn what_is_forwarded_does_not_come_back() {
        let forwarding =
            |url: &str| defaults(&format!("[forward]\notlp = \"{url}\"\n")).inconsistencies();
        for own in ["http://127.0.0.1:4317", "http://localhost:4318/"] {
            assert_eq!(forwarding(own).len(), 1, "{own}");
        }
        for other in ["http://127.0.0.1:14317", "https://tempo.example.com:4317"] {
            assert_eq!(forwarding(other), Vec::<String>::new(), "{other}");
        }
    }

    #[test]
    fn a_file_is_followed_once_under_whatever_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("a.log"), "").unwrap();
        std::os::unix::fs::symlink(path("a.log"), path("link")).unwrap();
        let follow = |paths: [&str; 2]| {
            let section = |name: &str| format!("[[slow_log]]\npath = \"{}\"\n", path(name));
            defaults(&paths.map(section).concat()).inconsistencies()
        };
        for twice in [
            ["a.log", "link"],
            ["*.log", "a.log"],
            ["postgresql-S??.log", "postgresql-*.log"],
        ] {
            assert_eq!(follow(twice).len(), 1, "{twice:?}");
        }
        assert_eq!(follow(["*.csv", "*.log"]), Vec::<String>::new());
        assert_eq!(follow(["a.log", "b.log"]), Vec::<String>::new());
    }

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

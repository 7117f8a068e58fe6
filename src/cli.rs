//! The command line: what may be typed and what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Language;

/// SQL incident sidecar: what is wrong, since when, because of what, and what to do about it.
#[derive(Debug, Parser)]
#[command(
    name = "sqleuth",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = "\
Start here:
  sqleuth demo                        see real incidents, no server needed
  sqleuth digest /var/log/mysql/slow.log   what to fix first, from a log you have
  sqleuth defaults > sqleuth.toml     a commented configuration to edit
  sqleuth check sqleuth.toml && sqleuth run --config sqleuth.toml

Exit codes: 0 ok, 1 failed, 2 partial (some input could not be read), 64 bad usage or configuration.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run beside a service: follow its logs, tell of incidents, serve the page
    Run(ConfigFile),
    /// Replay recordings made on real servers and serve the page; needs no server
    Demo(Demo),
    /// Sum a slow-query log up: which statements cost most, and what is wrong with them
    Digest(Digest),
    /// Read statements from standard input and print their fingerprints
    Fingerprint(Fingerprint),
    /// List the incidents of the store, the newest first
    Incidents(Incidents),
    /// Write the postmortem of an incident as Markdown, ready to be edited
    Postmortem(Postmortem),
    /// Explain a detector: what it sees, why it hurts, how it decides
    Explain(Explain),
    /// Check a configuration: every key, every file, every login
    Check {
        /// Configuration file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print the default configuration, commented
    Defaults,
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Configuration file; without it: safe defaults, loopback only, and `SQLEUTH__SECTION__KEY` variables
    #[arg(long, value_name = "FILE", env = "SQLEUTH_CONFIG")]
    pub config: Option<PathBuf>,
}

/// `sqleuth demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Only this recording; may be given several times
    #[arg(long = "case", value_name = "NAME")]
    pub cases: Vec<String>,
    /// Print the incidents and end, instead of serving the page
    #[arg(long)]
    pub once: bool,
    /// Port of the page, on loopback; 0 takes any
    #[arg(long, default_value_t = 7470)]
    pub port: u16,
}

/// `sqleuth digest`
#[derive(Debug, Args)]
pub struct Digest {
    /// Format of the input
    #[arg(long, value_enum, default_value_t = Input::Auto)]
    pub input: Input,
    /// Format of the report
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub format: Output,
    /// Only statements that ended at or after this time (RFC 3339, or a duration ago such as 2h)
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only statements that ended before this time
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// Show only the N costliest statements; JSON has all of them unless this is given
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Logs, .gz .xz and .zst too; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Format of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each variant is the format it is named after")]
pub enum Input {
    Auto,
    MysqlSlow,
    PostgresStderr,
    PostgresCsv,
    PostgresJson,
}

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each variant is the format it is named after")]
pub enum Output {
    Text,
    Json,
}

/// `sqleuth fingerprint`
#[derive(Debug, Args)]
pub struct Fingerprint {
    /// Dialect of the statements
    #[arg(long, value_enum, default_value_t = DialectChoice::Auto)]
    pub dialect: DialectChoice,
    /// Statements are separated by NUL instead of `;`
    #[arg(long)]
    pub null: bool,
    /// Format of the answer; JSON is one line per statement
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub format: Output,
}

/// Dialect as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each variant is the dialect it is named after")]
pub enum DialectChoice {
    Auto,
    Mysql,
    Postgres,
    Generic,
}

/// `sqleuth incidents`
#[derive(Debug, Args)]
pub struct Incidents {
    /// Configuration, for the store's place
    #[command(flatten)]
    pub config: ConfigFile,
    /// Format of the answer
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub format: Output,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
}

/// `sqleuth postmortem`
#[derive(Debug, Args)]
pub struct Postmortem {
    /// Incident, for example INC-20261121-3
    #[arg(value_name = "ID")]
    pub id: String,
    /// Language; the configuration's when not given
    #[arg(long, value_enum)]
    pub lang: Option<Language>,
    /// Write README.md, charts and evidence below this directory instead of printing the text
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Configuration, for the store's place
    #[command(flatten)]
    pub config: ConfigFile,
}

/// `sqleuth explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// Detector, for example full-scan; without it all are listed
    #[arg(value_name = "SLUG")]
    pub slug: Option<String>,
}

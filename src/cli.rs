//! The command line: what may be typed and what it means.

mod check;
mod compare;
mod copies;
mod demo;
mod digest;
mod explain;
mod fingerprint;
mod incidents;
mod inputs;
mod moment;
mod postmortem;
mod progress;
mod run;
mod twins;

use std::fmt;
use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::alert::AlertError;
use crate::cli::digest::interrupt::Interrupt;
use crate::config::load::LoadError;
use crate::config::{self, Config, LogFormat, Misconfigured, Zone};
use crate::ingest::otlp::server::ListenError;
use crate::ingest::slow_log;
use crate::ingest::token::TokenError;
use crate::report::Lang;
use crate::serve::ServeError;
use crate::store;
use crate::topology::Fault;

pub use compare::{Compare, CompareFormat};
pub use moment::Moment;

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
  sqleuth compare --before a.jsonl --after b.jsonl   did the fix help? logs, or traces of a Collector
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
    /// Sum slow-query logs and recorded traces up: which statements cost most, and what is wrong with them
    Digest(Digest),
    /// Hold logs or recorded traces of two times against each other: did it help?
    Compare(Compare),
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
    #[arg(long, value_enum, default_value_t = LogFormat::Auto)]
    pub input: LogFormat,
    /// IANA zone of dates that name none, or an ambiguous one (CST, IST): the server's; `general.time_zone`, UTC by
    /// default, when not given
    #[arg(long, value_name = "NAME", value_parser = zone)]
    pub time_zone: Option<Zone>,
    /// `log_line_prefix` of the PostgreSQL server; learned from the log when not given
    #[arg(long, value_name = "P", value_parser = line_prefix)]
    pub log_line_prefix: Option<String>,
    /// One statement in N is logged: `log_slow_rate_limit` of MariaDB, which does not write it into its log
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<NonZeroU32>,
    /// Database of statements that name none
    #[arg(long, value_name = "NAME", default_value = "")]
    pub database: String,
    /// Format of the report: text for a terminal, json for programs, md for a ticket, html as one file for a browser
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Language of the report; the configuration's when not given
    #[arg(long, value_parser = language)]
    pub lang: Option<Lang>,
    /// Only statements that ended at or after this time: 2026-11-21T10:05:00Z, "2026-11-21 10:05" (`general.time_zone`,
    /// UTC by default), 10:05 when it was last so late before the log ends, or 2h ago as 2h
    #[arg(long, value_name = "T")]
    pub since: Option<Moment>,
    /// Only statements that ended before this time; 10:05 is the first after --since
    #[arg(long, value_name = "T")]
    pub until: Option<Moment>,
    /// Schema dump or migration, to find missing indexes; may be given several times, in order
    #[arg(long, value_name = "FILE.sql")]
    pub schema: Vec<PathBuf>,
    /// Show the N costliest statements, 15 unless this is given; JSON has all of them unless this is given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub top: Option<NonZeroUsize>,
    /// Threads. One by default: a log is often digested on the database's own host, in the middle of an outage; no
    /// more than there are cores
    #[arg(long, value_name = "N", default_value = "1", value_parser = jobs)]
    pub jobs: NonZeroUsize,
    /// Configuration: thresholds of detectors, folding of names, time zone
    #[command(flatten)]
    pub config: ConfigFile,
    /// Logs, and files of OTLP as a Collector writes them; .gz .xz and .zst too; directories and patterns ("slow.log*")
    /// of them; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "not a whole number from 1 on".to_owned())
}

/// More threads than this wait for the one that parses.
const MAX_JOBS: usize = 64;

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<NonZeroUsize>().ok();
    let fits = number.filter(|jobs| jobs.get() <= MAX_JOBS);
    fits.ok_or_else(|| format!("a number of threads is between 1 and {MAX_JOBS}"))
}

/// Format of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each variant is the format it is named after")]
pub enum ReportFormat {
    Text,
    Json,
    Md,
    Html,
}

/// Format of an answer.
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
    /// Configuration: folding of names
    #[command(flatten)]
    pub config: ConfigFile,
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
    #[arg(long, default_value = "20", value_parser = at_least_one)]
    pub limit: NonZeroUsize,
}

/// `sqleuth postmortem`
#[derive(Debug, Args)]
pub struct Postmortem {
    /// Incident, for example INC-20261121-3
    #[arg(value_name = "ID")]
    pub id: String,
    /// Language; the configuration's when not given
    #[arg(long, value_parser = language)]
    pub lang: Option<Lang>,
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

fn zone(name: &str) -> Result<Zone, String> {
    Zone::of(name).ok_or_else(|| "no IANA time zone; write it like Asia/Seoul".to_owned())
}

fn line_prefix(text: &str) -> Result<String, String> {
    if slow_log::is_prefix(text) {
        return Ok(text.to_owned());
    }
    Err("no prefix that can be read; give the server's own, like '%m [%p] %q%u@%d '".to_owned())
}

fn language(text: &str) -> Result<Lang, String> {
    [Lang::En, Lang::Ko]
        .into_iter()
        .find(|lang| lang.as_str() == text)
        .ok_or_else(|| "en or ko".to_owned())
}

/// Words that were understood one by one, but not together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

/// Bad usage or configuration, as `sysexits.h` has it.
const USAGE: u8 = 64;
/// Something could not be done in time, or only in part.
const PARTIAL: u8 = 2;

/// Answers words that were not understood, and `--help`.
pub fn refuse(error: &clap::Error) -> ExitCode {
    // Nobody may be reading any more.
    drop(error.print());
    if error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// Does what was asked; a failure is printed once, with its chain.
pub fn main(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Run(config) => run::run(&config),
        Command::Demo(demo) => demo::demo(&demo),
        Command::Digest(options) => digest::print(&options),
        Command::Compare(options) => compare::compare(&options),
        Command::Fingerprint(options) => fingerprint::fingerprint(&options),
        Command::Incidents(options) => incidents::incidents(&options),
        Command::Postmortem(options) => postmortem::postmortem(&options),
        Command::Explain(options) => explain::explain(&options),
        Command::Check { file } => check::check(&file),
        Command::Defaults => print(config::DEFAULTS).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| fail(&error))
}

/// `sqleuth digest` with its report written to `out`, for who wants to read it; nothing listens to Ctrl-C.
///
/// # Errors
///
/// When the configuration or a time is wrong, and when `out` takes no more.
pub fn digest(options: &Digest, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    digest::digest(options, Interrupt::default(), out)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    if error
        .downcast_ref::<io::Error>()
        .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    {
        return ExitCode::SUCCESS;
    }
    tell(format_args!("sqleuth: {error:#}"));
    let is_late = matches!(error.downcast_ref::<Fault>(), Some(Fault::Late(_)));
    let is_usage = error.is::<LoadError>()
        || error.is::<Misconfigured>()
        || error.is::<Misuse>()
        || error.is::<AlertError>()
        || error.is::<TokenError>()
        || matches!(
            error.downcast_ref::<ListenError>(),
            Some(ListenError::OpenBind { .. })
        )
        || matches!(
            error.downcast_ref::<ServeError>(),
            Some(ServeError::OpenBind { .. })
        );
    match (is_usage, is_late) {
        (true, _) => ExitCode::from(USAGE),
        (_, true) => ExitCode::from(PARTIAL),
        _ => ExitCode::FAILURE,
    }
}

/// Writes to standard output; a reader that has gone is an [`io::ErrorKind::BrokenPipe`].
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a line to standard error, if anybody listens.
fn tell(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// The configuration of a command: the file, the environment, and the place systemd keeps for us.
fn load(file: Option<&Path>) -> Result<Config, LoadError> {
    let variables = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let mut config = config::load::load(file, variables)?;
    if config.store.path == store::Settings::default().path
        && let Some(folder) = std::env::var_os("STATE_DIRECTORY")
    {
        config.store.path = Path::new(&folder).join(&config.store.path);
    }
    Ok(config)
}

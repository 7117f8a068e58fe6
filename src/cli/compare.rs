//! `sqleuth compare`: two times, each read and judged as `digest` does, held against each other.

mod changes;
mod side;

use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use self::changes::held_against;
use self::side::Side;
use super::{
    ConfigFile, Digest, PARTIAL, ReportFormat, at_least_one, jobs, language, line_prefix, load,
    zone,
};
use crate::cli::digest::interrupt::Interrupt;
use crate::cli::digest::read;
use crate::cli::digest::reading::Read;
use crate::config::{LogFormat, Zone};
use crate::model::schema::Schema;
use crate::report::Lang;
use crate::report::compare::{Form, render};

/// Columns where nobody says how wide the page is.
const WIDTH: usize = 120;

/// Operations and statements that are shown where nobody asks for another number.
const SHOWN: usize = 15;

/// `sqleuth compare`
#[derive(Debug, Args)]
pub struct Compare {
    /// Logs or recordings of OTLP from before; packed ones, directories and patterns, too
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub before: Vec<PathBuf>,
    /// The same from after
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub after: Vec<PathBuf>,
    /// Format of the report: text for a terminal, json for programs, md for a ticket
    #[arg(long, value_enum, default_value_t = CompareFormat::Text)]
    pub format: CompareFormat,
    /// Language of the report; the configuration's when not given
    #[arg(long, value_parser = language)]
    pub lang: Option<Lang>,
    /// Show N operations and statements; JSON has all of them
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub top: Option<NonZeroUsize>,
    /// Format of the input
    #[arg(long, value_enum, default_value_t = LogFormat::Auto)]
    pub input: LogFormat,
    /// As for `digest`
    #[arg(long, value_name = "NAME", value_parser = zone)]
    pub time_zone: Option<Zone>,
    /// As for `digest`
    #[arg(long, value_name = "P", value_parser = line_prefix)]
    pub log_line_prefix: Option<String>,
    /// As for `digest`
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<NonZeroU32>,
    /// As for `digest`
    #[arg(long, value_name = "NAME", default_value = "")]
    pub database: String,
    /// As for `digest`
    #[arg(long, value_name = "N", default_value = "1", value_parser = jobs)]
    pub jobs: NonZeroUsize,
    /// Configuration: thresholds of detectors, folding of names, time zone
    #[command(flatten)]
    pub config: ConfigFile,
}

/// Format of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each variant is the format it is named after")]
pub enum CompareFormat {
    Text,
    Json,
    Md,
}

/// Prints the comparison; exit code 2 when some of the files could not be read, 1 when one side has none.
pub(super) fn compare(options: &Compare) -> anyhow::Result<ExitCode> {
    let config = load(options.config.config.as_deref())?;
    let style = config.style();
    let style = style.in_lang(options.lang.unwrap_or(config.general.language));
    let interrupt = Interrupt::listen();
    let side = |files: &[PathBuf]| read(&options.side(files), &config, interrupt.clone());
    let (before, after) = (side(&options.before)?, side(&options.after)?);
    let is_empty = |side: &[Read]| side.iter().all(|read| read.source.files.is_empty());
    if is_empty(&before) || is_empty(&after) {
        return Ok(ExitCode::FAILURE);
    }
    let comparison = {
        let schema = Schema::default();
        let sides = [&before, &after].map(|side| Side::new(side, &schema, &config));
        held_against(&sides, &style)
    };
    let told = match options.format {
        CompareFormat::Json => serde_json::to_string(&comparison)? + "\n",
        CompareFormat::Text => {
            let form = Form::Text { width: WIDTH };
            render(&comparison, &style, form, options.shown())
        }
        CompareFormat::Md => render(&comparison, &style, Form::Markdown, options.shown()),
    };
    let mut out = io::stdout().lock();
    out.write_all(told.as_bytes())?;
    out.flush()?;
    let is_partial = before.iter().chain(&after).any(|read| read.source.partial);
    Ok(if is_partial {
        ExitCode::from(PARTIAL)
    } else {
        ExitCode::SUCCESS
    })
}

impl Compare {
    fn shown(&self) -> usize {
        self.top.map_or(SHOWN, NonZeroUsize::get)
    }

    /// How one side is read.
    fn side(&self, files: &[PathBuf]) -> Digest {
        Digest {
            input: self.input,
            time_zone: self.time_zone.clone(),
            log_line_prefix: self.log_line_prefix.clone(),
            rate_limit: self.rate_limit,
            database: self.database.clone(),
            format: ReportFormat::Text,
            lang: self.lang,
            since: None,
            until: None,
            schema: Vec::new(),
            top: None,
            jobs: self.jobs,
            config: ConfigFile { config: None },
            files: files.to_vec(),
        }
    }
}

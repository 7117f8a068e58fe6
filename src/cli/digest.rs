//! `sqleuth digest`: reads logs, sums them up, judges the sums, reports.

mod crew;
mod error_log;
pub(super) mod interrupt;
mod joined;
pub(super) mod judging;
pub(super) mod reading;
mod show;
mod summing;
mod traced;

use std::collections::HashMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::tz::TimeZone;

use crate::app::schema::{self, Declared};
use crate::cli::copies::Copy;
use crate::cli::inputs::Inputs;
use crate::cli::moment::Moment;
use crate::cli::twins::Twin;
use crate::cli::{Digest as Options, Misuse, PARTIAL, load, tell};
use crate::clock::Clock;
use crate::config::{Config, Zone};
use crate::ingest::tail::log_of;
use crate::model::time::Timestamp;
use crate::report::digest::Asked;
use crate::report::moment;

use self::error_log::ErrorLog;
use self::interrupt::Interrupt;
use self::judging::Judging;
use self::reading::{Read, Reading};
use self::summing::{Sink, Summing};

/// Statements of a schema that are told of when they cannot be read.
const UNREAD_TOLD: usize = 5;

/// Prints the report.
pub(super) fn print(options: &Options) -> anyhow::Result<ExitCode> {
    digest(options, Interrupt::listen(), &mut io::stdout())
}

/// Writes the report; exit code 2 when some of the files could not be read.
pub(super) fn digest(
    options: &Options,
    interrupt: Interrupt,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let config = load(options.config.config.as_deref())?;
    let style = config.style();
    let style = style.in_lang(options.lang.unwrap_or(config.general.language));
    let schema = schema(options);
    let read = read(options, &config, interrupt)?;
    if read.iter().all(|read| read.source.files.is_empty()) {
        return Ok(ExitCode::FAILURE);
    }
    let judge = |read| Judging::new(read, &schema.schema, &config);
    let judged: Vec<Judging<'_>> = read.iter().map(judge).collect();
    show::show(&judged, options, &style, out)?;
    let is_partial = read.iter().any(|read| read.source.partial);
    Ok(if is_partial || !schema.failed.is_empty() {
        ExitCode::from(PARTIAL)
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads all files that were asked for.
pub(super) fn read(
    options: &Options,
    config: &Config,
    interrupt: Interrupt,
) -> anyhow::Result<Vec<Read>> {
    let style = config.style();
    let zone = options
        .time_zone
        .as_ref()
        .map_or_else(|| style.zone.clone(), Zone::get);
    let mut reading = Reading::new(zone, interrupt, config);
    let inputs = Inputs::of(&options.files, &reading.log_options(options));
    let kept = kept(options, &style.zone, || {
        last_end(&inputs, &reading, options)
    })?;
    reading.ask(kept);
    tell_of(&inputs, &mut reading, &style.zone);
    let mut summing = Summing::new(config, kept);
    match options.jobs.get().min(cores()) {
        1 => read_all(&mut reading, (&inputs, options), &mut summing),
        jobs => {
            let read = |sink: &mut dyn Sink| read_all(&mut reading, (&inputs, options), sink);
            ((), summing) = crew::with_crew(jobs, summing, read);
        }
    }
    let mut read = reading.end(summing.end());
    joined::name_holders(&mut read);
    joined::join(&mut read);
    Ok(read)
}

/// More threads than cores take memory and give nothing.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Reads one file after the other, until somebody has enough.
fn read_all(reading: &mut Reading, (inputs, options): (&Inputs, &Options), sink: &mut dyn Sink) {
    let mut logs: HashMap<PathBuf, usize> = HashMap::new();
    for log in inputs.files.iter().filter_map(|input| log_of(&input.path)) {
        *logs.entry(log).or_default() += 1;
    }
    for input in &inputs.files {
        if let Err(error) = reading.read(input, options, sink) {
            // a log directory holds other files too, but a rotated log is none
            let is_rotated = || log_of(&input.path).is_some_and(|log| logs.get(&log) > Some(&1));
            let is_wanted = input.is_named || is_rotated();
            if is_wanted || !error.is_no_log() {
                reading.lack();
            }
            match Some(&input.path)
                .filter(|_| error.is_no_log())
                .and_then(|path| ErrorLog::of(path))
            {
                Some(log) => tell(format_args!("sqleuth: {log}")),
                None => tell(format_args!("sqleuth: {:#}", anyhow::Error::from(error))),
            }
        }
        if reading.is_interrupted() {
            tell(format_args!(
                "sqleuth: interrupted; this is what was read until then"
            ));
            return;
        }
    }
}

/// Reads what declares the tables, and tells what of it cannot be read.
fn schema(options: &Options) -> Declared {
    let declared = schema::read(&options.schema);
    for failed in &declared.failed {
        tell(format_args!("sqleuth: {failed}"));
    }
    for unread in declared.unread.iter().take(UNREAD_TOLD) {
        tell(format_args!("sqleuth: {unread}"));
    }
    let rest = declared.unread_count.saturating_sub(UNREAD_TOLD as u64);
    if rest > 0 {
        tell(format_args!(
            "sqleuth: {rest} more statements of the schema could not be read"
        ));
    }
    declared
}

/// Tells what of the files that were asked for is not read.
fn tell_of(inputs: &Inputs, reading: &mut Reading, zone: &TimeZone) {
    for failure in &inputs.failures {
        reading.lack();
        tell(format_args!("sqleuth: {failure}"));
    }
    for input in &inputs.files {
        let Some(Twin { path: of, from }) = &input.twin else {
            continue;
        };
        let until = from.map_or_else(String::new, |from| moment::full(from, zone));
        tell(format_args!(
            "sqleuth: {} is read up to {until} only: {} has the same records from then on",
            input.path.display(),
            of.display()
        ));
    }
    for Copy { path, of } in &inputs.copies {
        let (path, of) = (path.display(), of.display());
        tell(format_args!(
            "sqleuth: {path} is left out: {of} has the same content"
        ));
    }
}

/// When the last run of all files ended. Of the standard input, which is read once, nobody knows it before.
fn last_end(inputs: &Inputs, reading: &Reading, options: &Options) -> Option<Timestamp> {
    let files = inputs.files.iter();
    let files = files.filter(|input| input.path != Path::new("-"));
    files
        .filter_map(|input| reading.last_end(input, options))
        .max()
}

/// The interval that was asked for. A time of day is of the day on which the log ends.
fn kept(
    options: &Options,
    zone: &TimeZone,
    last_end: impl FnOnce() -> Option<Timestamp>,
) -> Result<Asked, Misuse> {
    let mut now = Clock::system().now();
    let is_of_log = matches!(options.since, Some(Moment::Clock(_)))
        || options.since.is_none() && matches!(options.until, Some(Moment::Clock(_)));
    if is_of_log {
        now = last_end().unwrap_or(now);
    }
    let none = || Misuse("there is no such time in general.time_zone".to_owned());
    let since = options
        .since
        .map(|t| t.resolve(now, zone, None).ok_or_else(none));
    let since = since.transpose()?;
    let until = options
        .until
        .map(|t| t.resolve(now, zone, since).ok_or_else(none));
    let until = until.transpose()?;
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Misuse("--since is not before --until".to_owned()));
    }
    Ok(Asked { since, until })
}

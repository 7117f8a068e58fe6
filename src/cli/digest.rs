//! `sqleuth digest`: reads logs, sums them up, judges the sums, reports.

mod crew;
mod interrupt;
mod judging;
mod reading;
mod show;
mod summing;

use std::process::ExitCode;

use crate::app::schema::{self, Declared};
use crate::cli::inputs::Inputs;
use crate::cli::{Digest as Options, Misuse, PARTIAL, tell};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::time::{Interval, Timestamp};

use self::interrupt::Interrupt;
use self::judging::Judging;
use self::reading::Reading;
use self::summing::{Sink, Summing};

/// Statements of a schema that are told of when they cannot be read.
const UNREAD_TOLD: usize = 5;

/// Prints the report; exit code 2 when some of the files could not be read.
pub(super) fn digest(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::default();
    let schema = schema(options);
    let inputs = Inputs::of(&options.files)?;
    let mut reading = Reading::new(kept(options)?, Interrupt::listen());
    let mut summing = Summing::new(&config);
    match options.jobs.get() {
        1 => read_all(&mut reading, (&inputs, options), &mut summing),
        jobs => {
            let read = |sink: &mut dyn Sink| read_all(&mut reading, (&inputs, options), sink);
            ((), summing) = crew::with_crew(jobs, summing, read);
        }
    }
    let read = reading.end(summing.end());
    if read.source.files.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let judging = Judging::new(&read, &schema.schema, &config);
    show::show(&judging, options, &config.style()?.in_lang(options.lang))?;
    Ok(if read.source.partial || !schema.failed.is_empty() {
        ExitCode::from(PARTIAL)
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads one file after the other, until somebody has enough.
fn read_all(reading: &mut Reading, (inputs, options): (&Inputs, &Options), sink: &mut dyn Sink) {
    let named = inputs.named.iter().map(|path| (path, true));
    let found = inputs.found.iter().map(|path| (path, false));
    for (path, is_named) in named.chain(found) {
        if let Err(error) = reading.read(path, options, sink) {
            // a log directory holds other files too
            if is_named || !error.is_no_log() {
                reading.lack();
            }
            tell(format_args!("sqleuth: {:#}", anyhow::Error::from(error)));
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

/// The interval that was asked for.
fn kept(options: &Options) -> Result<Interval, Misuse> {
    let now = Clock::system().now();
    let kept = Interval {
        from: options.since.map_or(Timestamp::EPOCH, |t| t.before(now)),
        to: options
            .until
            .map_or(Timestamp::from_unix_nanos(u64::MAX), |t| t.before(now)),
    };
    if kept.from >= kept.to {
        return Err(Misuse("--since is not before --until".to_owned()));
    }
    Ok(kept)
}

//! Reads logs one after the other into one set of sums.

use jiff::tz::TimeZone;

use crate::cli::digest::error_log::ErrorLog;
use crate::cli::digest::interrupt::Interrupt;
use crate::cli::digest::summing::Sink;
use crate::cli::digest::traced::Traced;
use crate::cli::inputs::Input;
use crate::cli::progress::Progress;
use crate::cli::{Digest as Options, tell};
use crate::config::Config;
use crate::ingest::otlp::file::{self, Sniffed};
use crate::ingest::slow_log;
use crate::ingest::slow_log::offline::{self, OfflineError, Summary};
use crate::model::event::{Coverage, Origin};
use crate::model::time::Timestamp;
use crate::model::upkeep::Upkeep;
use crate::report::digest::{Asked, LoadCurve, Server, Source};
use crate::window::Totals;
use crate::window::trace::Operation;

/// Logs as they are read.
#[derive(Debug)]
pub(super) struct Reading {
    zone: TimeZone,
    interrupt: Interrupt,
    source: Source,
    coverage: Option<Coverage>,
    upkeep: Upkeep,
    traced: Traced,
}

/// All that was read of one kind: a run that a log and a span tell of is part of both, and of the shares of each.
pub(in crate::cli) struct Read {
    pub(in crate::cli) origin: Origin,
    pub(in crate::cli) source: Source,
    pub(in crate::cli) totals: Totals,
    pub(in crate::cli) coverage: Coverage,
    /// What traces show, and a log does not.
    pub(in crate::cli) operations: Vec<Operation>,
}

impl Reading {
    /// Dates without a zone are of `zone`.
    pub(super) fn new(zone: TimeZone, interrupt: Interrupt, config: &Config) -> Self {
        Self {
            zone,
            traced: Traced::new(config),
            interrupt,
            source: Source::default(),
            coverage: None,
            upkeep: Upkeep::default(),
        }
    }

    /// Reads one file: runs that ended within what was asked for, and those that do not tell their end. What was read
    /// of it before a failure counts, and is said to be of it.
    pub(super) fn read(
        &mut self,
        input: &Input,
        options: &Options,
        sink: &mut dyn Sink,
    ) -> Result<(), OfflineError> {
        let path = input.path.as_path();
        let mut source = offline::Source::open(path)?;
        if options.input.known().is_none() {
            let interrupt = &self.interrupt;
            match file::sniff(&source.head(&mut |_| interrupt.flow())) {
                Some(Sniffed::Otlp(format)) => {
                    let done = self.traced.read(source, format, &self.interrupt);
                    self.source.partial |= self.interrupt.came();
                    return done;
                }
                Some(Sniffed::Foreign(foreign)) => {
                    return Err(OfflineError::Foreign {
                        path: path.to_owned(),
                        what: foreign.as_str(),
                    });
                }
                None => {}
            }
        }
        self.read_log(source, input, options, sink)
    }

    fn read_log(
        &mut self,
        source: offline::Source,
        input: &Input,
        options: &Options,
        sink: &mut dyn Sink,
    ) -> Result<(), OfflineError> {
        let path = input.path.as_path();
        let told_elsewhere = input.twin.as_ref().and_then(|twin| twin.from);
        let mut summary = Summary::default();
        let mut progress = Progress::new(path);
        let log = self.log_options(options);
        let interrupt = &self.interrupt;
        let format = (options.input.known(), &log);
        let tell_progress = &mut |position| {
            progress.show(position);
            interrupt.flow()
        };
        let (mut twice, mut end) = (0, Timestamp::EPOCH);
        // What another log tells, too, must be left out entry by entry.
        let done = match sink.crew().filter(|_| told_elsewhere.is_none()) {
            Some(crew) => offline::read_by_crew(source, format, &mut summary, tell_progress, crew),
            None => offline::read(
                source,
                format,
                &mut summary,
                tell_progress,
                &mut |dialect, entry| {
                    end = entry.ended().unwrap_or(end);
                    if told_elsewhere.is_some_and(|from| end >= from) {
                        twice += 1;
                    } else {
                        sink.add(dialect, entry);
                    }
                },
            ),
        };
        progress.clear();
        let is_forced = options.input.known().is_some() && summary.entries == 0;
        if done.is_ok() && is_forced && ErrorLog::of(path).is_some() {
            return Err(OfflineError::UnknownFormat(path.to_owned()));
        }
        summary.entries -= twice;
        self.source.partial |= self.interrupt.came();
        if done.is_ok() && summary.format.is_none() {
            tell(format_args!("sqleuth: {} is empty", path.display()));
        }
        if let Some(zone) = &summary.unclear_zone {
            let (path, taken) = (
                path.display(),
                self.zone.iana_name().unwrap_or("the given zone"),
            );
            tell(format_args!(
                "sqleuth: {path} has dates of {zone}, which is several zones or none that is known; they are read as {taken}: \
                 name the server's with --time-zone"
            ));
        }
        if done.is_ok() || summary.entries > 0 {
            self.source.files.push(path.display().to_string());
            self.note(&summary);
        }
        done
    }

    /// When the last run of a file ended, by the last of its entries that tells; nothing of it is kept.
    pub(super) fn last_end(&self, input: &Input, options: &Options) -> Option<Timestamp> {
        let log = self.log_options(options);
        let mut source = offline::Source::open(&input.path).ok()?;
        let interrupt = &self.interrupt;
        let tell_progress = &mut |_| interrupt.flow();
        if options.input.known().is_none()
            && let Some(Sniffed::Otlp(format)) = file::sniff(&source.head(tell_progress))
        {
            return self.traced.last_end(source, format, interrupt);
        }
        let mut last = None;
        let read = offline::read(
            source,
            (options.input.known(), &log),
            &mut Summary::default(),
            tell_progress,
            &mut |_, entry| {
                last = entry.ended().or(last);
            },
        );
        // what cannot be read is told when it is read
        drop(read);
        last
    }

    /// From here on this is what is read.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.source.asked = asked;
        self.traced.ask(asked);
    }

    /// How logs are read.
    pub(super) fn log_options(&self, options: &Options) -> slow_log::Options {
        slow_log::Options {
            time_zone: self.zone.clone(),
            is_zone_given: options.time_zone.is_some(),
            database: options.database.clone(),
            log_line_prefix: options.log_line_prefix.clone(),
            rate_limit: options.rate_limit,
            newest: None,
            asked: (self.source.asked.since, self.source.asked.until),
            reads_ahead: options.jobs.get() > 1,
        }
    }

    /// Somebody wants no more to be read.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.came()
    }

    /// Something that was asked for could not be read.
    pub(super) fn lack(&mut self) {
        self.source.partial = true;
    }

    /// There are no more files, and these are the sums of the runs of logs. What was not read is left out, but one.
    pub(super) fn end(self, (totals, outside): (Totals, u64)) -> Vec<Read> {
        let Self {
            mut source,
            coverage,
            upkeep,
            traced,
            ..
        } = self;
        source.frequent_checkpoints = upkeep.checkpoints.too_frequent;
        source.unread_plans = upkeep.unread_plans;
        source.server = Server::of(&upkeep);
        source.outside = outside;
        let mut all = traced.end(source.partial);
        let of_logs = Read {
            origin: Origin::Log,
            source,
            totals,
            coverage: coverage.unwrap_or_default(),
            operations: Vec::new(),
        };
        if all.is_empty() || !of_logs.source.files.is_empty() {
            all.insert(0, of_logs);
        }
        all.iter_mut().for_each(Read::sum_up);
        all
    }

    fn note(&mut self, summary: &Summary) {
        self.upkeep.merge(&summary.upkeep);
        let source = &mut self.source;
        source.bytes += summary.bytes;
        source.entries += summary.entries;
        source.unparsed_entries += summary.unparsed;
        let Some(format) = summary.format else {
            return;
        };
        source.be_of(format.as_str());
        self.coverage = Some(match self.coverage {
            Some(known) => widest(known, summary.coverage),
            None => summary.coverage,
        });
    }
}

impl Read {
    /// What the sums say of all of it.
    fn sum_up(&mut self) {
        let Self { source, totals, .. } = self;
        source.statements = totals.count();
        source.nested_statements = totals.nested();
        source.opaque_statements = totals.opaque();
        source.load = LoadCurve::of(totals.curve());
        let seen = totals.seen();
        source.from = seen.map(|s| s.from);
        source.to = seen.map(|s| s.to);
    }
}

/// Of two logs together no more is known than of the one that shows less.
fn widest(a: Coverage, b: Coverage) -> Coverage {
    match (a.slower_than, b.slower_than) {
        (Some(x), Some(y)) if x >= y => a,
        (Some(_), Some(_)) => b,
        (None, _) => a,
        (_, None) => b,
    }
}

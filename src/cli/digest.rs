//! `sqleuth digest`: reads logs, sums them up, judges the sums, reports.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;

use crate::cli::progress::Progress;
use crate::cli::{Digest as Options, Misuse, Output, PARTIAL, print, print_json, tell};
use crate::clock::Clock;
use crate::config::Config;
use crate::detect::catalogue::Catalogue;
use crate::ingest::SourceMeta;
use crate::ingest::slow_log::Names;
use crate::ingest::slow_log::offline::{self, Summary};
use crate::model::event::{Coverage, DbTarget, QueryEvent};
use crate::model::finding::{Finding, Verdict};
use crate::model::sql::Parsed;
use crate::model::time::{Interval, Timestamp};
use crate::normalise::{self, Normaliser};
use crate::report::digest::{Digest, NotJudged, Seconds, Source, Summed, render};
use crate::window::{Ran, Role, Totals};

/// Statements that are not parsed again; the totals keep apart no more.
const MAX_SHAPES: usize = 200_000;

/// The same in bytes, most of which the totals share.
const MAX_SHAPE_BYTES: ByteSize = ByteSize::mib(512);

/// Prints the report; exit code 2 when some of the files could not be read.
pub(super) fn digest(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::default();
    let mut reading = Reading::new(&config, kept(options)?);
    let mut failed = 0;
    for path in &options.files {
        if let Err(error) = reading.read(path, options) {
            failed += 1;
            tell(format_args!("sqleuth: {:#}", anyhow::Error::from(error)));
        }
    }
    if reading.source.files.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let report = reading.report(&config)?;
    match options.format {
        Output::Json => {
            let report = report.top(options.top.unwrap_or(usize::MAX));
            print_json(&report)?;
        }
        Output::Text => print(&render(&report, options.top))?,
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(PARTIAL)
    })
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

/// Logs as they are read.
struct Reading {
    normaliser: Normaliser,
    names: Names,
    totals: Totals,
    source: Source,
    coverage: Option<Coverage>,
    meta: SourceMeta,
    kept: Interval,
}

impl Reading {
    fn new(config: &Config, kept: Interval) -> Self {
        // The totals keep each statement anyway: to remember it costs little, to parse it at every run a lot.
        let fingerprint = normalise::Settings {
            max_shapes: MAX_SHAPES,
            max_bytes: MAX_SHAPE_BYTES,
            ..config.fingerprint.clone()
        };
        Self {
            // Parameters are told apart within this run only.
            normaliser: Normaliser::new(&fingerprint, Clock::system().now().as_unix_nanos()),
            names: Names::default(),
            totals: Totals::default(),
            source: Source::default(),
            coverage: None,
            meta: SourceMeta {
                id: crate::model::id::SourceId::new("digest"),
                service: config.general.service.clone(),
                target: DbTarget::default(),
            },
            kept,
        }
    }

    /// Reads one file. What was read of it before a failure counts, and is said to be of it.
    fn read(&mut self, path: &Path, options: &Options) -> Result<(), offline::OfflineError> {
        let mut opaque = 0;
        let mut statements = 0;
        let Self {
            normaliser,
            names,
            totals,
            meta,
            kept,
            ..
        } = self;
        let mut summary = Summary::default();
        let mut progress = Progress::new(path);
        let done = offline::read(
            path,
            options.input.known(),
            &mut summary,
            &mut |bytes| progress.show(bytes),
            &mut |dialect, entry| {
                meta.target.system = dialect;
                let end = entry.end.unwrap_or_default();
                let (sql, run) = entry.split(names);
                let event = normaliser.run(&sql, run, meta, end);
                let is_kept = event.end == Timestamp::EPOCH
                    || (kept.from <= event.end && event.end < kept.to);
                if is_kept {
                    statements += u64::from(event.weight);
                    opaque += opaque_runs(&event);
                    totals.observe(&event);
                }
            },
        );
        progress.clear();
        if done.is_ok() || summary.entries > 0 {
            let source = &mut self.source;
            source.files.push(path.display().to_string());
            source.statements += statements;
            source.opaque_statements += opaque;
            self.add(&summary);
        }
        done
    }

    fn add(&mut self, summary: &Summary) {
        let source = &mut self.source;
        source.bytes += summary.bytes;
        source.entries += summary.entries;
        source.unparsed_entries += summary.unparsed;
        let Some(format) = summary.format else {
            return;
        };
        let is_other = !source.format.is_empty() && source.format != format.as_str();
        source.format = if is_other {
            "mixed".to_owned()
        } else {
            format.to_string()
        };
        self.coverage = Some(match self.coverage {
            Some(known) => widest(known, summary.coverage),
            None => summary.coverage,
        });
    }

    fn report(self, config: &Config) -> anyhow::Result<Digest> {
        let Self {
            normaliser,
            totals,
            mut source,
            coverage,
            ..
        } = self;
        // The report needs the room of the statements that it remembers.
        drop(normaliser);
        let coverage = coverage.unwrap_or_default();
        let seen = totals.seen();
        source.from = seen.map(|s| s.from);
        source.to = seen.map(|s| s.to);
        let catalogue = Catalogue::new(&config.detect);
        let mut findings: Vec<Finding> = Vec::new();
        let mut sight: BTreeMap<&str, Sight> = BTreeMap::new();
        let mut fastest = Duration::MAX;
        for profile in totals.profiles(coverage) {
            fastest = fastest.min(profile.load.elapsed.min);
            for (meta, verdict) in catalogue.inspect(&profile) {
                let seen = sight.entry(meta.slug).or_insert(Sight {
                    needs: meta.needs,
                    has_judged: false,
                });
                seen.has_judged |= !matches!(verdict, Verdict::Insufficient { .. });
                if let Verdict::Found(found) = verdict {
                    findings.extend(found);
                }
            }
        }
        // A threshold that was lowered within the log, or of some connections only: what is there speaks louder.
        source.slower_than_s = coverage
            .slower_than
            .map(|limit| Seconds(limit.min(fastest)));
        let blind = sight.into_iter().filter(|(_, seen)| !seen.has_judged);
        source.not_judged = blind
            .map(|(detector, seen)| NotJudged {
                detector,
                needs: seen.needs,
            })
            .collect();
        let ran = totals.queries().into_iter();
        let summed = ran.map(|ran| summed(ran, &totals)).collect();
        Ok(Digest::new(source, summed, findings, &config.style()?))
    }
}

/// What a detector could make of the log.
struct Sight {
    needs: &'static str,
    has_judged: bool,
}

fn opaque_runs(event: &QueryEvent) -> u64 {
    match event.statement.parsed {
        Parsed::Opaque { .. } => u64::from(event.weight),
        Parsed::Shape(_) => 0,
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

fn summed(ran: &Ran, totals: &Totals) -> Summed {
    let stats = &ran.stats;
    let seen = stats
        .first_seen()
        .zip(stats.last_seen())
        .map(|(from, to)| Interval { from, to });
    Summed {
        statement: Arc::clone(&ran.statement),
        load: stats.load(),
        lock: totals.lock(ran.statement.fingerprint),
        seen,
        names: [Role::Database, Role::User, Role::Client].map(|role| stats.names(role)),
    }
}

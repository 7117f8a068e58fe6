//! One thread per configured log.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::app::Sources;
use crate::clock::Clock;
use crate::config::{Config, Log, SlowLog, Zone};
use crate::ingest::SourceMeta;
use crate::ingest::intake::Intake;
use crate::ingest::server_log::{self, Kind};
use crate::ingest::slow_log::{self, Format};
use crate::ingest::tail::pattern::is_dated;
use crate::ingest::tail::{MakeParser, Tail};
use crate::model::event::DbTarget;
use crate::model::sql::Dialect;
use crate::topology::Topology;

/// Follows every `[[slow_log]]` and every `[[log]]`.
pub(super) fn follow_all(topology: &mut Topology, intake: Intake, sources: Sources) {
    let Sources {
        config,
        clock,
        mut checkpoints,
    } = sources;
    for log in config.slow_log.iter().filter(|log| is_dated(&log.path)) {
        tracing::warn!(
            path = %log.path.display(),
            "the name has a date, and what the server writes to its next file is not followed; give a pattern, like \
             postgresql-*.log"
        );
    }
    let slow = config.slow_log.iter().map(|log| {
        let make = make_parser(&config, log, clock.clone());
        (log.tail(), meta(&config, log), make)
    });
    let errors = config.log.iter().map(|log| {
        let make = make_error_parser(log, log.zone(&config.general), clock.clone());
        (log.tail(), meta_of_errors(&config, log), make)
    });
    let all: Vec<_> = slow.chain(errors).collect();
    let is_idle = all.is_empty();
    let takes_otlp = config.listen.otlp().next().is_some();
    for (settings, source, make) in all {
        let resume = checkpoints
            .iter()
            .position(|c| c.source == source.id)
            .map(|at| checkpoints.swap_remove(at));
        let tail = Tail::new(settings, Arc::new(source), resume, make, clock.clone());
        let (intake, stop) = (intake.clone(), topology.stop_token());
        topology.spawn_blocking("tail", move || Ok(tail.run(&intake, &stop)?));
    }
    if is_idle && takes_otlp {
        tracing::info!(
            "no log is followed: there is no [[slow_log]] and no [[log]]; what is found is found in OTLP alone"
        );
    } else if is_idle {
        tracing::warn!(
            "no log is followed: there is no [[slow_log]] and no [[log]], and nothing will be found; give their paths in the file \
             of --config, of which `sqleuth defaults` prints one"
        );
    }
    if is_idle {
        // Nothing to follow: the page still shows what was stored, until the stop.
        let stop = topology.stop_token();
        topology.spawn("idle", async move {
            stop.cancelled().await;
            drop(intake);
            Ok(())
        });
    }
}

fn meta(config: &Config, log: &SlowLog) -> SourceMeta {
    SourceMeta {
        id: log.id(),
        service: config.general.service.clone(),
        target: DbTarget {
            system: log.format.known().map_or(Dialect::Generic, dialect),
            namespace: Arc::from(log.database.as_str()),
            server: Arc::from(""),
        },
    }
}

fn meta_of_errors(config: &Config, log: &Log) -> SourceMeta {
    let service = log.service.as_ref().unwrap_or(&config.general.service);
    SourceMeta {
        id: log.id(),
        service: service.clone(),
        target: DbTarget {
            system: Dialect::Generic,
            namespace: Arc::from(log.database.as_str()),
            server: Arc::from(""),
        },
    }
}

fn make_error_parser(log: &Log, zone: TimeZone, clock: Clock) -> MakeParser {
    let (path, set) = (log.path.clone(), log.kind.known());
    Box::new(move |head| {
        let (kind, parser) = server_log::open(head, set, &zone, Some(clock.clone()))?;
        tell_kind(&path, set, kind, head);
        Some(parser)
    })
}

/// A guess is told, and so is a setting that the file belies.
fn tell_kind(path: &Path, set: Option<Kind>, kind: Kind, head: &[u8]) {
    let path = path.display();
    match (set, Kind::sniff(head)) {
        (None, _) => tracing::info!(%path, %kind, "the log tells its kind by its first lines"),
        (Some(set), Some(told)) if set != told => {
            tracing::warn!(%path, %set, looks_like = %told, "the log does not look like its kind");
        }
        _ => {}
    }
}

/// Dialect of the servers that write a format.
pub(super) fn dialect(format: Format) -> Dialect {
    match format {
        Format::MysqlSlow => Dialect::Mysql,
        Format::PostgresStderr | Format::PostgresCsv | Format::PostgresJson => Dialect::Postgres,
    }
}

fn make_parser(config: &Config, log: &SlowLog, clock: Clock) -> MakeParser {
    let options = slow_log::Options {
        time_zone: log.zone(&config.general),
        is_zone_given: log.time_zone.is_some() || config.general.time_zone != Zone::default(),
        database: log.database.clone(),
        log_line_prefix: log.log_line_prefix.clone(),
        rate_limit: log.rate_limit,
        ..slow_log::Options::default()
    };
    let format = log.format.known();
    Box::new(move |head| {
        let options = slow_log::Options {
            newest: Some(clock.now()),
            ..options.clone()
        };
        slow_log::open(head, format, &options).map(|(_, parser)| parser)
    })
}

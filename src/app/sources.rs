//! One thread per configured log.

use std::sync::Arc;

use crate::app::Sources;
use crate::clock::Clock;
use crate::config::{Config, SlowLog};
use crate::ingest::SourceMeta;
use crate::ingest::intake::Intake;
use crate::ingest::slow_log::{self, Format};
use crate::ingest::tail::{MakeParser, Tail};
use crate::model::event::DbTarget;
use crate::model::id::SourceId;
use crate::model::sql::Dialect;
use crate::topology::Topology;

/// Follows every `[[slow_log]]`.
pub(super) fn follow_logs(
    topology: &mut Topology,
    intake: Intake,
    sources: Sources,
) -> anyhow::Result<()> {
    let Sources {
        config,
        clock,
        mut checkpoints,
    } = sources;
    for log in &config.slow_log {
        let id = log.id();
        let resume = checkpoints
            .iter()
            .position(|c| c.source == id)
            .map(|at| checkpoints.swap_remove(at));
        let source = Arc::new(meta(&config, log, id));
        let tail = Tail::new(
            log.tail(),
            source,
            resume,
            make_parser(&config, log, clock.clone())?,
            clock.clone(),
        );
        let (intake, stop) = (intake.clone(), topology.stop_token());
        topology.spawn_blocking("tail", move || Ok(tail.run(&intake, &stop)?));
    }
    if config.slow_log.is_empty() {
        // Nothing to follow: the page still shows what was stored, until the stop.
        let stop = topology.stop_token();
        topology.spawn("idle", async move {
            stop.cancelled().await;
            drop(intake);
            Ok(())
        });
    }
    Ok(())
}

fn meta(config: &Config, log: &SlowLog, id: SourceId) -> SourceMeta {
    SourceMeta {
        id,
        service: config.general.service.clone(),
        target: DbTarget {
            system: log.format.known().map_or(Dialect::Generic, dialect),
            namespace: Arc::from(log.database.as_str()),
            server: Arc::from(""),
        },
    }
}

/// Dialect of the servers that write a format.
pub(super) fn dialect(format: Format) -> Dialect {
    match format {
        Format::MysqlSlow => Dialect::Mysql,
        Format::PostgresStderr | Format::PostgresCsv | Format::PostgresJson => Dialect::Postgres,
    }
}

fn make_parser(config: &Config, log: &SlowLog, clock: Clock) -> anyhow::Result<MakeParser> {
    let options = slow_log::Options {
        time_zone: log.zone(&config.general)?,
        database: log.database.clone(),
        log_line_prefix: log.log_line_prefix.clone(),
        newest: None,
    };
    let format = log.format.known();
    Ok(Box::new(move |head| {
        let options = slow_log::Options {
            newest: Some(clock.now()),
            ..options.clone()
        };
        slow_log::open(head, format, &options).map(|(_, parser)| parser)
    }))
}

//! The demo: recordings made on real servers, embedded, replayed through the same pipeline into a store that goes
//! away with it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::app::replay::{Player, Recording};
use crate::app::{Sources, sources};
use crate::clock::Clock;
use crate::ingest::intake::Intake;
use crate::ingest::slow_log::Format;
use crate::ingest::{Mark, RawBatch, SourceMeta};
use crate::model::event::DbTarget;
use crate::model::id::{ServiceName, SourceId};
use crate::model::time::Timestamp;
use crate::topology::Topology;

/// Idle time after a recording: long enough for its incident to be over.
const REST: Duration = Duration::from_secs(200);
/// Time between one recording and the next, which is skipped: long enough not to be the same outage again.
const PAUSE: Duration = Duration::from_secs(20 * 60);
/// A multiple of every window's length.
const GRID: Duration = Duration::from_secs(60);
/// How much faster than it happened a recording is played for people to watch.
const SPEED: f64 = 12.0;

/// A recording that is built in.
#[derive(Debug)]
pub struct Case {
    /// Name for `--case`.
    pub name: &'static str,
    /// One line: what happened.
    pub story: &'static str,
    format: Format,
    packed: &'static [u8],
}

/// Every recording. `tests/record` makes them anew.
pub static CASES: &[Case] = &[
    Case {
        name: "union-mariadb",
        story: "MariaDB 10.11: a report's UNION reads two tables from end to end and takes the connections of a shop",
        format: Format::MysqlSlow,
        packed: include_bytes!("demo/union-mariadb.log.zst"),
    },
    Case {
        name: "union-postgres",
        story: "PostgreSQL 15: the same shop, the same UNION, seen through a json log with auto_explain",
        format: Format::PostgresJson,
        packed: include_bytes!("demo/union-postgres.log.zst"),
    },
];

/// A recording is a few megabytes; more would be a mistake of ours.
const MAX_LOG_BYTES: u64 = 64 << 20;

impl Case {
    fn recording(&self) -> anyhow::Result<Recording> {
        let mut log = Vec::new();
        zstd::Decoder::new(self.packed)
            .and_then(|decoder| decoder.take(MAX_LOG_BYTES).read_to_end(&mut log))
            .with_context(|| format!("recording {} cannot be unpacked", self.name))?;
        Ok(Recording::read(&log, self.format))
    }

    fn source(&self) -> Arc<SourceMeta> {
        Arc::new(SourceMeta {
            id: SourceId::new(format!("recording:{}", self.name)),
            service: ServiceName::new("shop"),
            target: DbTarget {
                system: sources::dialect(self.format),
                namespace: Arc::from("shop"),
                server: Arc::from(self.name),
            },
        })
    }
}

/// Recordings one after the other, the last of which ends at a given time.
#[derive(Debug)]
pub struct Programme {
    items: Vec<(Arc<SourceMeta>, Recording)>,
    begin: Timestamp,
    fast: bool,
}

impl Programme {
    /// Reads the cases; `fast` plays them as fast as they can be judged and then ends.
    ///
    /// # Errors
    /// A recording that cannot be unpacked.
    pub fn new(cases: &[&Case], end: Timestamp, fast: bool) -> anyhow::Result<Self> {
        let mut items = Vec::new();
        for case in cases {
            items.push((case.source(), case.recording()?));
        }
        let lengths = items
            .iter()
            .filter_map(|(_, r)| r.span())
            .map(|(from, to)| to.since(from) + REST + PAUSE);
        // On the grid of windows, whenever the demo is started: what falls into one window does so every time.
        let begin = end.minus(lengths.sum()).floor(GRID);
        let mut at = begin;
        for (_, recording) in &mut items {
            recording.begin_at(at);
            if let Some((_, last)) = recording.span() {
                at = last.plus(REST + PAUSE);
            }
        }
        Ok(Self { items, begin, fast })
    }

    /// The clock that it is to be played by.
    pub fn clock(&self) -> Clock {
        Clock::manual(self.begin)
    }

    /// Starts the source that plays it. After it, time goes on as it does outside, unless it is `fast`.
    pub(crate) fn play(
        self,
        topology: &mut Topology,
        intake: Intake,
        sources: Sources,
        done: impl FnOnce() + Send + 'static,
    ) {
        let stop = topology.stop_token();
        topology.spawn_blocking("recordings", move || {
            let player = Player {
                intake: &intake,
                clock: &sources.clock,
                stop: &stop,
            };
            let speed = (!self.fast).then_some(SPEED);
            let mut metas = Vec::new();
            for (meta, recording) in self.items {
                if !recording.play(&meta, &player, REST, speed) {
                    break;
                }
                metas.push(meta);
            }
            done();
            while !stop.is_cancelled() {
                std::thread::sleep(Duration::from_millis(200));
                if !self.fast {
                    idle(&player, &metas);
                }
            }
            Ok(())
        });
    }
}

/// Lets idle time pass for every source that has been played.
fn idle(player: &Player<'_>, metas: &[Arc<SourceMeta>]) {
    let now = Clock::system().now();
    player.clock.advance_to(now);
    for source in metas {
        let mark = Mark {
            idle_at: Some(now),
            ..Mark::default()
        };
        let batch = RawBatch::of_entries(Arc::clone(source), Vec::new(), mark);
        if player.intake.send_blocking(batch, player.stop).is_err() {
            return;
        }
    }
}

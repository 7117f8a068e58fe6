//! What one statement did over all of a log.

use crate::model::course::CoursePoint;
use crate::model::subject::{Latency, Load};
use crate::model::time::Timestamp;
use crate::window::course::sampler::Sampler;
use crate::window::minutes::{Minutes, Spent};
use crate::window::names::Role;
use crate::window::query::{Detail, QueryStats, latency, nanos};
use crate::window::run::Run;
use crate::window::sketch::Sketch;
use crate::window::stretches::Stretches;

/// What one statement did.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// Sums.
    pub stats: QueryStats,
    /// Waits for locks: windows keep their sum alone, a report shows how they are spread.
    pub(super) lock: Sketch,
    course: Sampler,
    minutes: Minutes,
    stretches: Stretches,
}

impl Sums {
    pub(super) fn add(&mut self, run: &Run<'_>, end: Timestamp, detail: Detail) {
        self.stats.add(run, end, detail);
        self.stats.note_name(Role::Database, run.database);
        if let Some(rows) = run.rows.examined.filter(|_| end != Timestamp::EPOCH) {
            self.course.note(end, rows, run.elapsed);
        }
        if let Some(lock) = run.lock {
            let weight = u64::from(run.weight.max(1));
            self.lock.record(nanos(lock), weight);
        }
        if end != Timestamp::EPOCH {
            let read = run.read(end);
            let spent = Spent {
                elapsed: run.own(),
                lock: run.lock.unwrap_or_default(),
                read,
                weight: run.weight,
            };
            self.minutes.add(end, &spent);
            if let Some(read) = read {
                self.stretches.add(read);
            }
        }
    }

    /// What a detector reads.
    pub(super) fn load(&self) -> Load {
        Load {
            peak: self.minutes.peak(),
            stretches: self.stretches.kept().to_vec(),
            ..self.stats.load()
        }
    }

    /// What a run cost, half hour by half hour or in longer steps; runs without a time have no part in it.
    pub(super) fn course(&self) -> Vec<CoursePoint> {
        self.course.points()
    }

    /// How long the runs waited for locks; `None` when none told.
    pub fn lock(&self) -> Option<Latency> {
        (self.lock.count() > 0).then(|| latency(&self.lock))
    }

    /// Adds what was done elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        self.stats.merge(&other.stats);
        self.lock.merge(&other.lock);
        self.course.merge(&other.course);
        self.minutes.merge(&other.minutes);
        self.stretches.merge(&other.stretches);
    }
}

//! What the server did by itself, as the document has it.

use serde::Serialize;

use crate::model::upkeep::{Checkpoints, Chores, Upkeep};
use crate::report::digest::Seconds;

/// What the log tells of the server itself, within the interval that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// How often a process of it died, or all of it had.
    pub crashes: u64,
    /// How often it was ready for connections after a start or a recovery.
    pub starts: u64,
    /// Checkpoints; `None` where the log tells of none.
    pub checkpoints: Option<CheckpointTimes>,
    /// Runs of autovacuum.
    pub vacuums: Option<ChoreTimes>,
    /// Runs of autoanalyze.
    pub analyzes: Option<ChoreTimes>,
}

/// What checkpoints took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Checkpoints`")]
pub struct CheckpointTimes {
    pub count: u64,
    pub too_frequent: u64,
    pub total_s: Seconds,
    pub longest_s: Seconds,
    pub longest_write_s: Seconds,
    pub longest_sync_s: Seconds,
    pub longest_file_s: Seconds,
}

/// What one kind of work on tables took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Chores`")]
pub struct ChoreTimes {
    pub count: u64,
    pub total_s: Seconds,
    pub longest_s: Seconds,
    pub longest_table: String,
}

impl Server {
    /// What is told; `None` when that is nothing.
    pub fn of(upkeep: &Upkeep) -> Option<Self> {
        let told = Upkeep {
            // no work of the server's
            unread_plans: 0,
            ..upkeep.clone()
        };
        (!told.is_empty()).then(|| Self {
            crashes: upkeep.crashes,
            starts: upkeep.starts,
            checkpoints: CheckpointTimes::of(&upkeep.checkpoints),
            vacuums: ChoreTimes::of(&upkeep.vacuums),
            analyzes: ChoreTimes::of(&upkeep.analyzes),
        })
    }
}

impl CheckpointTimes {
    fn of(told: &Checkpoints) -> Option<Self> {
        (*told != Checkpoints::default()).then_some(Self {
            count: told.count,
            too_frequent: told.too_frequent,
            total_s: Seconds(told.total),
            longest_s: Seconds(told.longest),
            longest_write_s: Seconds(told.longest_write),
            longest_sync_s: Seconds(told.longest_sync),
            longest_file_s: Seconds(told.longest_file),
        })
    }
}

impl ChoreTimes {
    fn of(told: &Chores) -> Option<Self> {
        (told.count > 0).then(|| Self {
            count: told.count,
            total_s: Seconds(told.total),
            longest_s: Seconds(told.longest),
            longest_table: told.longest_table.clone(),
        })
    }
}

//! What a server does by itself, beside the statements of its clients.

use std::time::Duration;

/// What the log of a server tells of the server itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// How often a process of it died, or all of it had.
    pub crashes: u64,
    /// How often it was ready for connections after a start or a recovery.
    pub starts: u64,
    /// Plans in a format that is not read; their runs count without one.
    pub unread_plans: u64,
    /// Checkpoints, and restart points of a standby.
    pub checkpoints: Checkpoints,
    /// Runs of autovacuum.
    pub vacuums: Chores,
    /// Runs of autoanalyze.
    pub analyzes: Chores,
}

/// What checkpoints took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkpoints {
    /// How many ended.
    pub count: u64,
    /// How often the server said that they come too often.
    pub too_frequent: u64,
    /// Time of all.
    pub total: Duration,
    /// Time of the longest.
    pub longest: Duration,
    /// The longest time that one wrote.
    pub longest_write: Duration,
    /// The longest time that one synced.
    pub longest_sync: Duration,
    /// The longest sync of one file: so long the disk had nothing else to give.
    pub longest_file: Duration,
}

/// What one kind of work on tables took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chores {
    /// Runs.
    pub count: u64,
    /// Time of all.
    pub total: Duration,
    /// Time of the longest.
    pub longest: Duration,
    /// Of which table that was.
    pub longest_table: String,
}

impl Upkeep {
    /// Nothing is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another log tells.
    pub fn merge(&mut self, other: &Self) {
        self.crashes = self.crashes.saturating_add(other.crashes);
        self.starts = self.starts.saturating_add(other.starts);
        self.unread_plans = self.unread_plans.saturating_add(other.unread_plans);
        self.checkpoints.merge(&other.checkpoints);
        self.vacuums.merge(&other.vacuums);
        self.analyzes.merge(&other.analyzes);
    }
}

impl Checkpoints {
    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.too_frequent = self.too_frequent.saturating_add(other.too_frequent);
        self.total = self.total.saturating_add(other.total);
        self.longest = self.longest.max(other.longest);
        self.longest_write = self.longest_write.max(other.longest_write);
        self.longest_sync = self.longest_sync.max(other.longest_sync);
        self.longest_file = self.longest_file.max(other.longest_file);
    }
}

impl Chores {
    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.total = self.total.saturating_add(other.total);
        if other.longest > self.longest || self.longest_table.is_empty() {
            self.longest = other.longest;
            self.longest_table.clone_from(&other.longest_table);
        }
    }
}

//! The busiest minute of a statement in a log of any length and in any order, in a bounded number of minutes.
//!
//! A run belongs to every minute in which it ran. In a log in the order of time only the minutes that the next run may
//! reach back to are kept, and the busiest of those that are over. Where a run comes late (several hosts, a log sorted by
//! something else), more of them are kept, those with the most time: what takes more than a share of `1 / MAX_SPARE` of
//! all time is never lost, whatever comes in between (Misra and Gries).

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::stretch::Stretch;
use crate::model::subject::Peak;
use crate::model::time::{Interval, Timestamp};
use crate::window::query::nanos;

const MINUTE: Duration = Duration::from_secs(60);
const NANOS: u64 = 60 * 1_000_000_000;

/// Minutes that a run reaches back at most: what it did before is in its sums, and in no minute.
const MAX_REACH: u32 = 119;

/// Minutes that are over and kept of a statement whose runs come in any order: an hour of them is known to the last run.
const MAX_SPARE: usize = 64;

/// Minutes of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Minutes {
    /// Sorted.
    kept: Vec<Minute>,
    /// How many the longest run reached back.
    reach: u32,
    /// A run came when its minute was over.
    is_mixed: bool,
    /// Nanoseconds waited in the minute, of those that were let go, with the longest waits.
    most_waited: u64,
    /// Runs in the minute of those with the most runs.
    most_runs: u32,
    /// Nanoseconds between the ends of the two runs that were closest.
    apart: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Minute {
    /// Since the epoch.
    number: u32,
    /// Runs that were under way.
    runs: u32,
    /// Nanoseconds of run time.
    elapsed: u64,
    /// The same without what had to make room for others.
    score: u64,
    /// Nanoseconds of waits.
    waited: u64,
    /// End of the latest run that ended in it, in nanoseconds; 0 for none.
    ended: u64,
    /// What the runs that ended in it read.
    read: Stretch,
}

/// What a run took and read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) elapsed: Duration,
    pub(super) lock: Duration,
    /// What it read, where told.
    pub(super) read: Option<Stretch>,
    /// It stands for so many equal ones.
    pub(super) weight: u32,
}

impl Minutes {
    /// Adds a run.
    pub(super) fn add(&mut self, end: Timestamp, spent: &Spent) {
        let weight = spent.weight;
        let end = end.as_unix_nanos();
        let elapsed = nanos(spent.elapsed).min(end);
        let lock = nanos(spent.lock).min(elapsed);
        let start = end - elapsed;
        // what ends as a minute begins ran in the one before
        let last = number(start.max(end.saturating_sub(1)));
        let first = number(start).max(last.saturating_sub(MAX_REACH));
        self.note_end(last, end, weight);
        self.is_mixed |= last < self.open_from();
        self.reach = self.reach.max(last - first);
        let known = self.kept.len();
        let within = |number| {
            let from = u64::from(number) * NANOS;
            let to = from.saturating_add(NANOS);
            let within = end.min(to).saturating_sub(start.max(from));
            (within, share(lock, within, elapsed))
        };
        for number in first..last {
            self.minute(number).add(within(number), weight);
        }
        let minute = self.minute(last);
        minute.add(within(last), weight);
        minute.ended = minute.ended.max(end);
        if let Some(read) = spent.read {
            minute.read = minute.read.together(read);
        }
        if self.kept.len() > known {
            self.make_room();
        }
    }

    /// The busiest of all; `None` where no run told when it ended.
    pub(super) fn peak(&self) -> Option<Peak> {
        let busiest = self.kept.iter().max_by_key(|m| (m.elapsed, m.runs))?;
        let most_waited = self.kept.iter().map(|m| m.waited).max().unwrap_or(0);
        let most_runs = self.kept.iter().map(|m| m.runs).max().unwrap_or(0);
        let from = Timestamp::from_unix_secs(u64::from(busiest.number) * MINUTE.as_secs());
        Some(Peak {
            span: Interval {
                from,
                to: from.plus(MINUTE),
            },
            runs: u64::from(most_runs.max(self.most_runs)),
            elapsed: Duration::from_nanos(busiest.elapsed),
            waited: Duration::from_nanos(most_waited.max(self.most_waited)),
            apart: self.apart.map(Duration::from_nanos),
            reading: self.reading(),
        })
    }

    /// What the runs read that ended in the minute whose runs took longest; `None` where none told it.
    fn reading(&self) -> Option<Stretch> {
        let told = self.kept.iter().map(|minute| minute.read);
        let told = told.filter(|read| read.runs > 0);
        told.max_by_key(Stretch::elapsed)
    }

    /// Adds those of a statement that turned out to be this one.
    pub(super) fn merge(&mut self, other: &Self) {
        self.reach = self.reach.max(other.reach);
        self.is_mixed = true;
        self.most_waited = self.most_waited.max(other.most_waited);
        self.most_runs = self.most_runs.max(other.most_runs);
        self.apart = match (self.apart, other.apart) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        for theirs in &other.kept {
            if theirs.ended > 0 {
                self.note_end(theirs.number, theirs.ended, 1);
            }
            self.minute(theirs.number).merge(theirs);
        }
    }

    /// Finds the run that ended closest to this one among those that are known.
    #[inline]
    fn note_end(&mut self, minute: u32, end: u64, weight: u32) {
        if weight > 1 {
            self.apart = Some(0);
        }
        // what runs so often has no closer neighbours to look for
        if self.apart.is_none_or(|apart| apart >= NANOS) {
            self.find_neighbours(minute, end);
        }
    }

    fn find_neighbours(&mut self, minute: u32, end: u64) {
        let behind = self.kept.partition_point(|m| m.number < minute);
        let (before, after) = self.kept.split_at(behind);
        let before = before.iter().rev().find(|m| m.ended > 0);
        let after = after.iter().find(|m| m.ended > 0);
        let beyond = self.kept.get(behind + 1..).unwrap_or_default();
        let beyond = beyond.iter().find(|m| m.ended > 0);
        let neighbours = [before, after, beyond].into_iter().flatten();
        let apart = neighbours.map(|m| end.abs_diff(m.ended));
        self.apart = apart.chain(self.apart).min();
    }

    /// The first minute that a run in the order of time may reach, or that it misses by a little.
    fn open_from(&self) -> u32 {
        let newest = self.kept.last().map_or(0, |minute| minute.number);
        newest.saturating_sub(self.reach + 1)
    }

    /// Lets minutes go that are over, those with the least time.
    fn make_room(&mut self) {
        let spare = if self.is_mixed { MAX_SPARE } else { 1 };
        let open_from = self.open_from();
        loop {
            let over = self.kept.partition_point(|m| m.number < open_from);
            let over = &mut self.kept[..over];
            let scores = over.iter().map(|m| (m.score, m.runs)).enumerate();
            let least = scores.min_by_key(|(_, score)| *score);
            let Some((least, (score, _))) = least.filter(|_| over.len() > spare) else {
                return;
            };
            if self.is_mixed {
                for minute in over {
                    minute.score -= score;
                }
            }
            let gone = self.kept.remove(least);
            self.most_waited = self.most_waited.max(gone.waited);
            self.most_runs = self.most_runs.max(gone.runs);
        }
    }

    #[inline]
    fn minute(&mut self, number: u32) -> &mut Minute {
        let last = self.kept.len().saturating_sub(1);
        let at = match self.kept.last() {
            Some(minute) if minute.number == number => last,
            _ => self.place(number),
        };
        &mut self.kept[at]
    }

    fn place(&mut self, number: u32) -> usize {
        let found = self.kept.binary_search_by_key(&number, |m| m.number);
        found.unwrap_or_else(|at| {
            let minute = Minute {
                number,
                ..Minute::default()
            };
            self.kept.reserve_exact(1);
            self.kept.insert(at, minute);
            at
        })
    }
}

impl Minute {
    fn add(&mut self, (elapsed, waited): (u64, u64), weight: u32) {
        let weight = weight.max(1);
        let times = u64::from(weight);
        let elapsed = elapsed.saturating_mul(times);
        self.runs = self.runs.saturating_add(weight);
        self.elapsed = self.elapsed.saturating_add(elapsed);
        self.score = self.score.saturating_add(elapsed);
        self.waited = self.waited.saturating_add(waited.saturating_mul(times));
    }

    fn merge(&mut self, other: &Self) {
        self.runs = self.runs.saturating_add(other.runs);
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
        self.score = self.score.saturating_add(other.score);
        self.waited = self.waited.saturating_add(other.waited);
        self.ended = self.ended.max(other.ended);
        self.read = self.read.together(other.read);
    }
}

/// The minute of an instant.
fn number(nanos: u64) -> u32 {
    u32::try_from(nanos / NANOS).unwrap_or(u32::MAX)
}

/// Of `all`, as much as `part` is of `whole`.
fn share(all: u64, part: u64, whole: u64) -> u64 {
    if part == whole {
        // nearly every run is within a minute, and spares the division
        return all;
    }
    let product = u128::from(all) * u128::from(part);
    u64::try_from(product / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

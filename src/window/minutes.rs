//! The busiest minute of a statement in a log of any length, in a bounded number of minutes.
//!
//! Runs come in the order in which they end, each with the time that it took, hence only the minutes that the next
//! run may reach back to are kept open. A run belongs to every minute in which it ran.

use std::time::Duration;

use crate::model::subject::Peak;
use crate::model::time::{Interval, Timestamp};
use crate::window::query::nanos;

const MINUTE: Duration = Duration::from_secs(60);
const NANOS: u64 = 60 * 1_000_000_000;

/// Classes of rows read: of 0, of 1 to 3, and so on by powers of 4 to a billion and more.
const CLASSES: usize = 16;

/// Minutes that a run reaches back at most: what it did before is in its sums, and in no minute.
const MAX_OPEN: u32 = 120;

/// Minutes of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Minutes {
    /// Those that are not over, sorted.
    open: Vec<Minute>,
    /// How many the longest run reached back.
    reach: u32,
    /// The one with the most run time of those that are over.
    busiest: Minute,
    /// Nanoseconds waited in the minute, of those that are over, with the longest waits.
    most_waited: u64,
    /// End of the latest run, in nanoseconds; 0 before the first.
    latest: u64,
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
    /// Nanoseconds of waits.
    waited: u64,
    /// Runs that ended in it and told what they read, which is `examined`; and what they sent or changed.
    told: u32,
    examined: u64,
    answered: u64,
    /// Those runs, by the rows that they read.
    read: [u16; CLASSES],
}

/// What a run took and read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) elapsed: Duration,
    pub(super) lock: Duration,
    /// Rows read, where told.
    pub(super) examined: Option<u64>,
    /// Rows sent or changed.
    pub(super) answered: u64,
    /// It stands for so many equal ones.
    pub(super) weight: u32,
}

/// What the runs of a minute read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MinuteRead {
    /// Runs that told it.
    pub(super) runs: u64,
    classes: [u16; CLASSES],
    /// Rows read.
    pub(super) examined: u64,
    /// Rows sent or changed.
    pub(super) answered: u64,
}

impl MinuteRead {
    /// Rows that all but a share of the runs, in hundredths, read at least; at most a factor of 4 too low.
    pub(super) fn all_but(&self, percent: u64) -> u64 {
        let classified: u64 = self.classes.iter().map(|count| u64::from(*count)).sum();
        let skipped = classified * percent / 100;
        let mut below = 0;
        let class = self.classes.iter().position(|count| {
            below += u64::from(*count);
            below > skipped
        });
        match class {
            None | Some(0) => 0,
            Some(class) => 1 << (2 * (class - 1)),
        }
    }
}

impl Minutes {
    /// Adds a run.
    pub(super) fn add(&mut self, end: Timestamp, spent: &Spent) {
        let weight = spent.weight;
        let end = end.as_unix_nanos();
        self.note_end(end, weight);
        let elapsed = nanos(spent.elapsed).min(end);
        let lock = nanos(spent.lock).min(elapsed);
        let start = end - elapsed;
        // what ends as a minute begins ran in the one before
        let last = number(start.max(end.saturating_sub(1)));
        let is_within = number(start) == last;
        if let Some(minute) = self.open.last_mut()
            && minute.number == last
            && is_within
        {
            minute.add(elapsed, lock, weight);
            return minute.note(spent);
        }
        let first = number(start).max(last.saturating_sub(MAX_OPEN - 1));
        self.reach = self.reach.max(last - first);
        self.close_before(first, last);
        for number in first..=last {
            let from = u64::from(number) * NANOS;
            let within = end
                .min(from.saturating_add(NANOS))
                .saturating_sub(start.max(from));
            let waited = share(lock, within, elapsed);
            self.minute(number).add(within, waited, weight);
        }
        self.minute(last).note(spent);
    }

    /// What the runs that ended in the busiest minute read.
    pub(super) fn read(&self) -> Option<MinuteRead> {
        let busiest = self.busiest()?;
        (busiest.told > 0).then_some(MinuteRead {
            runs: u64::from(busiest.told),
            classes: busiest.read,
            examined: busiest.examined,
            answered: busiest.answered,
        })
    }

    fn busiest(&self) -> Option<&Minute> {
        let minutes = self.open.iter().chain([&self.busiest]);
        minutes
            .filter(|minute| minute.runs > 0)
            .max_by_key(|minute| (minute.elapsed, minute.runs))
    }

    /// The busiest of all; `None` where no run told when it ended.
    pub(super) fn peak(&self) -> Option<Peak> {
        let minutes = self.open.iter().chain([&self.busiest]);
        let most_waited = minutes.map(|m| m.waited).max().unwrap_or(0);
        let busiest = self.busiest()?;
        let from = Timestamp::from_unix_secs(u64::from(busiest.number) * MINUTE.as_secs());
        Some(Peak {
            span: Interval {
                from,
                to: from.plus(MINUTE),
            },
            runs: u64::from(busiest.runs),
            elapsed: Duration::from_nanos(busiest.elapsed),
            waited: Duration::from_nanos(most_waited.max(self.most_waited)),
            apart: self.apart.map(Duration::from_nanos),
            reading: None,
        })
    }

    /// Adds those of a statement that turned out to be this one: of its minutes those that are not over, and its
    /// busiest.
    pub(super) fn merge(&mut self, other: &Self) {
        self.reach = self.reach.max(other.reach);
        self.latest = self.latest.max(other.latest);
        self.most_waited = self.most_waited.max(other.most_waited);
        self.apart = match (self.apart, other.apart) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let busiest = Some(&other.busiest).filter(|minute| minute.runs > 0);
        for theirs in other.open.iter().chain(busiest) {
            self.minute(theirs.number).merge(theirs);
        }
    }

    fn note_end(&mut self, end: u64, weight: u32) {
        let apart = match (self.latest, weight) {
            (_, 2..) => Some(0),
            (0, _) => None,
            (latest, _) => Some(end.abs_diff(latest)),
        };
        self.latest = end;
        if let Some(apart) = apart {
            self.apart = Some(self.apart.map_or(apart, |known| known.min(apart)));
        }
    }

    /// Closes what no later run is likely to reach; all of it, when another file begins long before.
    fn close_before(&mut self, first: u32, last: u32) {
        let newest = self.open.last().map_or(0, |minute| minute.number);
        let oldest = self.open.first().map_or(0, |minute| minute.number);
        let keep_from = if first < oldest && newest.saturating_sub(last) > MAX_OPEN {
            u32::MAX
        } else {
            newest.max(last).saturating_sub(self.reach)
        };
        let closed = self.open.partition_point(|m| m.number < keep_from);
        for minute in self.open.drain(..closed) {
            self.most_waited = self.most_waited.max(minute.waited);
            if (minute.elapsed, minute.runs) > (self.busiest.elapsed, self.busiest.runs) {
                self.busiest = minute;
            }
        }
    }

    fn minute(&mut self, number: u32) -> &mut Minute {
        let found = self.open.binary_search_by_key(&number, |m| m.number);
        let at = found.unwrap_or_else(|at| {
            let minute = Minute {
                number,
                ..Minute::default()
            };
            self.open.reserve_exact(1);
            self.open.insert(at, minute);
            at
        });
        &mut self.open[at]
    }
}

impl Minute {
    fn add(&mut self, elapsed: u64, waited: u64, weight: u32) {
        let weight = weight.max(1);
        let times = u64::from(weight);
        self.runs = self.runs.saturating_add(weight);
        self.elapsed = self.elapsed.saturating_add(elapsed.saturating_mul(times));
        self.waited = self.waited.saturating_add(waited.saturating_mul(times));
    }

    fn merge(&mut self, other: &Self) {
        self.runs = self.runs.saturating_add(other.runs);
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
        self.waited = self.waited.saturating_add(other.waited);
        self.told = self.told.saturating_add(other.told);
        self.examined = self.examined.saturating_add(other.examined);
        self.answered = self.answered.saturating_add(other.answered);
        for (ours, theirs) in self.read.iter_mut().zip(&other.read) {
            *ours = ours.saturating_add(*theirs);
        }
    }

    /// Takes note of what a run read that ended in it.
    fn note(&mut self, spent: &Spent) {
        let Some(rows) = spent.examined else { return };
        let class = rows
            .checked_ilog2()
            .map_or(0, |power| power as usize / 2 + 1);
        let weight = spent.weight.max(1);
        let count = &mut self.read[class.min(CLASSES - 1)];
        *count = count.saturating_add(u16::try_from(weight).unwrap_or(u16::MAX));
        self.told = self.told.saturating_add(weight);
        let times = u64::from(weight);
        self.examined = self.examined.saturating_add(rows.saturating_mul(times));
        self.answered = self
            .answered
            .saturating_add(spent.answered.saturating_mul(times));
    }
}

/// The minute of an instant.
fn number(nanos: u64) -> u32 {
    u32::try_from(nanos / NANOS).unwrap_or(u32::MAX)
}

/// Of `all`, as much as `part` is of `whole`.
fn share(all: u64, part: u64, whole: u64) -> u64 {
    let product = u128::from(all) * u128::from(part);
    u64::try_from(product / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round minute.
    const T0: u64 = 1_800_000_000;

    fn minutes(runs: &[(u64, u64)]) -> Minutes {
        let mut minutes = Minutes::default();
        for (end, seconds) in runs {
            let end = Timestamp::from_unix_secs(T0 + end);
            let elapsed = Duration::from_secs(*seconds);
            let spent = Spent {
                elapsed,
                lock: elapsed / 2,
                examined: Some(*seconds),
                answered: 1,
                weight: 1,
            };
            minutes.add(end, &spent);
        }
        minutes
    }

    #[test]
    fn a_minute_knows_what_nearly_all_of_its_runs_read_and_not_what_one_did() {
        let quiet = (0..60).map(|minute| (minute * 60 + 30, 2));
        let bad = (0..8).map(|second| (7_210 + second, 5));
        let runs: Vec<_> = quiet.chain(bad).chain([(7_230, 1)]).collect();
        let read = minutes(&runs).read().unwrap();
        assert_eq!((read.runs, read.answered), (9, 9));
        assert_eq!((read.all_but(0), read.all_but(25)), (1, 4));
        assert!(Minutes::default().read().is_none());
    }

    fn peak(runs: &[(u64, u64)]) -> (u64, u64, u64, u64) {
        let peak = minutes(runs).peak().unwrap();
        let at = peak.span.from.as_unix_nanos() / 1_000_000_000 - T0;
        (at, peak.runs, peak.elapsed.as_secs(), peak.waited.as_secs())
    }

    #[test]
    fn what_is_spread_over_a_day_is_no_busy_minute() {
        let day: Vec<_> = (0..180).map(|i| (i * 480 + 30, 1)).collect();
        assert_eq!(peak(&day).1..=peak(&day).2, 1..=1);
    }

    #[test]
    fn one_bad_minute_is_not_thinned_out_by_the_day() {
        let quiet = (0..1_000).map(|i| (i * 60 + 30, 1));
        let bad = (0..59).map(|i| (36_000 + i, 1));
        let bad = bad.chain([(36_059, 1)]);
        let mut runs: Vec<_> = quiet.chain(bad).collect();
        runs.sort_unstable();
        assert_eq!(peak(&runs), (36_000, 60, 60, 30));
    }

    #[test]
    fn long_runs_are_counted_in_the_minutes_in_which_they_ran() {
        let reports = [(3_605, 3_600), (3_605, 3_600), (3_605, 3_600)];
        assert_eq!(peak(&reports), (3_540, 3, 180, 90));
    }

    #[test]
    fn runs_that_end_apart_meet_in_the_minute_that_they_share() {
        let (_, runs, elapsed, _) = peak(&[(1_200, 1_200), (2_400, 2_400), (3_000, 3_000)]);
        assert_eq!((runs, elapsed), (3, 180));
    }

    #[test]
    fn a_second_file_of_the_same_day_is_summed_up_again() {
        let day: Vec<_> = (0..1_440).map(|i| (i * 60 + 30, 1)).collect();
        let twice: Vec<_> = day.iter().chain(&day).copied().collect();
        let minutes = minutes(&twice);
        assert_eq!(minutes.peak().unwrap().elapsed.as_secs(), 1);
        assert!(minutes.open.len() <= 2);
    }

    #[test]
    fn no_number_of_long_runs_opens_more_minutes() {
        let runs: Vec<_> = (0..500).map(|i| (i * 977, 900_000)).collect();
        assert!(minutes(&runs).open.len() <= MAX_OPEN as usize);
    }

    #[test]
    fn a_nightly_run_is_a_day_apart_from_the_next() {
        let apart = |runs: &[(u64, u64)]| minutes(runs).peak().unwrap().apart;
        let day = 86_400;
        assert_eq!(apart(&[(day, 1)]), None);
        assert_eq!(
            apart(&[(day, 1), (2 * day, 1)]),
            Some(Duration::from_secs(day))
        );
        let again = [(day, 1), (2 * day, 1), (2 * day + 40, 1), (3 * day, 1)];
        assert_eq!(apart(&again), Some(Duration::from_secs(40)));
    }

    #[test]
    fn nothing_told_is_no_minute() {
        assert!(Minutes::default().peak().is_none());
    }
}

//! Which processes hold something back, in the order of the file, and until when.
//!
//! Whether one is due depends on its own record and on the record that asks, and on no other that waits: thus a
//! restart, which reads them again from the oldest that still waits, comes to the same.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::time::Timestamp;

/// The other half of a run is logged right behind the first: in this many bytes, and this much time.
pub(super) const PATIENCE_BYTES: u64 = 512 << 10;
const PATIENCE: Duration = Duration::from_secs(1);

/// A process that holds back what its record at `from` told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) from: u64,
    pub(super) at: Option<Timestamp>,
    pub(super) pid: u32,
}

impl Waiter {
    /// Whether a record of `asker` at `from` and `now` should not be waited beyond. How late it is counts for the records
    /// of others only: its own process has the other half to say, or something else that settles it.
    fn is_due(&self, from: u64, now: Option<Timestamp>, asker: u32) -> bool {
        let far = from.saturating_sub(self.from) > PATIENCE_BYTES;
        let late = self
            .at
            .zip(now)
            .is_some_and(|(at, now)| now > at.plus(PATIENCE));
        let is_own = asker == self.pid && asker != 0;
        far || (late && !is_own)
    }
}

/// All that wait; those that have their other half leave only when they are due.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: VecDeque<Waiter>,
    /// No waiter is older.
    oldest: Option<Timestamp>,
}

impl Waiting {
    pub(super) fn push(&mut self, waiter: Waiter) {
        self.oldest = self.oldest.into_iter().chain(waiter.at).min();
        match self.queue.back_mut() {
            // A process holds one record back. Without this the queue of a log of one session grows to all its records.
            Some(last) if last.pid == waiter.pid => *last = waiter,
            _ => self.queue.push_back(waiter),
        }
    }

    /// Takes one that is due when a record of `asker` at `from` and `now` comes.
    #[inline]
    pub(super) fn take_due(
        &mut self,
        from: u64,
        now: Option<Timestamp>,
        asker: u32,
    ) -> Option<Waiter> {
        let first = self.queue.front()?;
        let is_far = from.saturating_sub(first.from) > PATIENCE_BYTES;
        let may_be_late = self
            .oldest
            .zip(now)
            .is_some_and(|(oldest, now)| now > oldest.plus(PATIENCE));
        if !is_far && !may_be_late {
            return None;
        }
        self.take_any_due(from, now, asker)
    }

    /// The same, where one may be due.
    fn take_any_due(&mut self, from: u64, now: Option<Timestamp>, asker: u32) -> Option<Waiter> {
        let first = self.queue.front()?;
        if first.is_due(from, now, asker) {
            return self.queue.pop_front();
        }
        let due = self.queue.iter().position(|w| w.is_due(from, now, asker));
        if due.is_none() {
            self.oldest = self.queue.iter().filter_map(|w| w.at).min();
        }
        self.queue.remove(due?)
    }

    /// Takes the first, due or not.
    pub(super) fn take(&mut self) -> Option<Waiter> {
        let first = self.queue.pop_front();
        if self.queue.is_empty() {
            self.oldest = None;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(from: u64, pid: u32, secs: u64) -> Waiter {
        Waiter {
            from,
            at: Some(Timestamp::from_unix_secs(secs)),
            pid,
        }
    }

    #[test]
    fn one_that_is_late_does_not_wait_for_those_before_it() {
        let mut waiting = Waiting::default();
        waiting.push(waiter(0, 1, 100));
        waiting.push(waiter(1, 2, 90));
        let now = Some(Timestamp::from_unix_secs(92));
        assert_eq!(waiting.take_due(2, now, 7), Some(waiter(1, 2, 90)));
        assert_eq!(waiting.take_due(2, now, 7), None);
        let far = PATIENCE_BYTES + 1;
        assert_eq!(waiting.take_due(far, now, 7), Some(waiter(0, 1, 100)));
        assert_eq!(waiting.take_due(far, now, 7), None);
    }

    #[test]
    fn a_log_of_one_session_has_one_that_waits() {
        let mut waiting = Waiting::default();
        for from in 0..100 {
            waiting.push(waiter(from, 1, 100));
        }
        assert_eq!(waiting.take(), Some(waiter(99, 1, 100)));
        assert_eq!(waiting.take(), None);
    }

    #[test]
    fn its_own_process_is_never_too_late() {
        let mut waiting = Waiting::default();
        waiting.push(waiter(0, 1, 100));
        let now = Some(Timestamp::from_unix_secs(200));
        assert_eq!(waiting.take_due(1, now, 1), None);
        assert_eq!(waiting.take_due(1, now, 7), Some(waiter(0, 1, 100)));
    }
}

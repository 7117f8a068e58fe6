//! What `statement_timeout` may be, for the log does not tell how long a cancelled statement ran.
//!
//! The time since the session's record before is the run and whatever the session was idle before it. The limit is
//! the same for all statements of a role, as a rule: thus the shortest of the latest such times is nearest to it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Times remembered of a role: a limit that was raised is believed after so many.
const MAX_TIMES: usize = 8;

/// Roles remembered.
const MAX_ROLES: usize = 64;

/// The latest times of each role, which is a hash of user and database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Limits(BTreeMap<u64, VecDeque<Duration>>);

impl Limits {
    /// How long a statement of a role ran that hit the limit, when at most `most` has passed.
    pub(super) fn observe(&mut self, role: u64, most: Option<Duration>) -> Option<Duration> {
        if let Some(most) = most
            && (self.0.len() < MAX_ROLES || self.0.contains_key(&role))
        {
            let times = self.0.entry(role).or_default();
            times.truncate(MAX_TIMES - 1);
            times.push_front(most);
        }
        let known = self.0.get(&role).and_then(|times| times.iter().min());
        known.copied().into_iter().chain(most).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn idle_time_before_a_run_is_not_told_as_the_run() {
        let mut limits = Limits::default();
        assert_eq!(limits.observe(1, Some(SECOND)), Some(SECOND));
        assert_eq!(limits.observe(1, Some(9 * SECOND)), Some(SECOND));
        assert_eq!(limits.observe(1, None), Some(SECOND));
        assert_eq!(limits.observe(2, None), None);
    }

    #[test]
    fn a_limit_that_was_raised_is_believed_in_the_end() {
        let mut limits = Limits::default();
        limits.observe(1, Some(SECOND));
        for _ in 0..MAX_TIMES {
            limits.observe(1, Some(30 * SECOND));
        }
        assert_eq!(limits.observe(1, Some(40 * SECOND)), Some(30 * SECOND));
    }
}

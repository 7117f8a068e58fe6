//! `[incident]`: when a problem is told, when it is over, and what belongs together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[incident]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Sick windows before a problem fires; a critical finding fires at once, and so do deadlocks and waits
    /// for locks that the server tells of, each of which is a sign of its own, and a burst of errors that comes again. Two 5-second windows tell a
    /// problem from a hiccup and stay within half a minute. What is linked with a problem that fires needs no second one.
    pub fire_after: u32,
    /// Sick windows further apart than this do not add up. Longer than the minute that a window's recent load
    /// covers.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub fire_within: Duration,
    /// A problem that is not judged for so long, while its source lives, is well: its statement does not run.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub quiet_after: Duration,
    /// All of an incident's problems must be well for so long before it is over. Doubled by each recent relapse,
    /// up to eight times, so that a flapping problem is one incident.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub resolve_after: Duration,
    /// The same problem within this time after the end continues the old incident.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub reopen_within: Duration,
    /// A linked problem that begins within this time of an open incident joins it; effects follow causes within
    /// minutes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub group_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fire_after: 2,
            fire_within: Duration::from_secs(60),
            quiet_after: Duration::from_secs(60),
            resolve_after: Duration::from_secs(60),
            reopen_within: Duration::from_secs(15 * 60),
            group_within: Duration::from_secs(5 * 60),
        }
    }
}

//! How often an error happens, whatever the interval that its profile sums up.

use std::time::Duration;

use crate::model::subject::{ErrorProfile, Horizon};
use crate::model::time::Timestamp;

const ONE_MINUTE: Duration = Duration::from_secs(60);
const ONE_HOUR: Duration = Duration::from_secs(3_600);

/// Errors within a minute: in a whole file those of its busiest one, else of the last.
pub(in crate::detect) fn within_a_minute(profile: &ErrorProfile) -> u64 {
    let load = &profile.load;
    let span = profile.span.duration();
    match profile.horizon {
        Horizon::Whole => load.busiest_minute,
        // what is recent may be configured to be longer
        _ if span > ONE_MINUTE => {
            let mean = load.count.saturating_mul(60) / span.as_secs().max(60);
            mean.max(load.busiest_minute).min(load.count)
        }
        _ => load.count,
    }
}

/// Time that these waited in that minute, of which none can wait for longer than it lasts.
pub(in crate::detect) fn waited_within_a_minute(profile: &ErrorProfile) -> Duration {
    let load = &profile.load;
    let waits = within_a_minute(profile).max(u64::from(load.count > 0));
    let most = ONE_MINUTE.saturating_mul(u32::try_from(waits).unwrap_or(u32::MAX));
    let waited = match profile.horizon {
        Horizon::Whole => load.busiest_waited,
        Horizon::Recent | Horizon::Long => load.waited,
    };
    waited.min(most)
}

/// Errors within an hour: in a whole file those of its busiest one, else of the last, as far as it is remembered.
pub(in crate::detect) fn within_an_hour(profile: &ErrorProfile) -> u64 {
    let all = profile.load.count.saturating_add(profile.earlier.count);
    match profile.horizon {
        Horizon::Whole => profile.load.busiest_hour,
        Horizon::Recent | Horizon::Long => {
            let watched = profile.baseline.map(|before| before.span.from);
            let from = first_seen(profile).into_iter().chain(watched).min();
            let span = from.map_or(ONE_HOUR, |from| profile.span.to.since(from));
            // At least an hour: ten minutes with one of them do not tell six an hour.
            all.saturating_mul(3_600) / span.max(ONE_HOUR).as_secs()
        }
    }
}

/// When the last burst before this one ended, if one is remembered: batches with rests between them never make two sick
/// windows in a row, and are no hiccup.
pub(in crate::detect) fn burst_before(profile: &ErrorProfile, errors: u64) -> Option<Timestamp> {
    let earlier = &profile.earlier;
    let is_burst = profile.horizon != Horizon::Whole && earlier.busiest_minute >= errors;
    Some(earlier.seen.filter(|_| is_burst)?.to)
}

/// The first of all that are remembered.
pub(in crate::detect) fn first_seen(profile: &ErrorProfile) -> Option<Timestamp> {
    let seen = profile.earlier.seen.or(profile.load.seen)?;
    Some(seen.from)
}

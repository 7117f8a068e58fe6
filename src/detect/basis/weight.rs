//! How much a problem matters: time lost per second, and the share of all time where the log allows one.

use std::time::Duration;

use crate::model::evidence::Evidence;
use crate::model::finding::Severity;
use crate::model::sql::Dialect;
use crate::model::subject::{Horizon, Peak, QueryProfile};

/// The rate of a minute that is not known is taken over at least this long: a few seconds of work are no load,
/// however short the time that was seen.
const ONE_MINUTE: Duration = Duration::from_secs(60);

/// Runs that lie so far apart, or further, in all of a file: it runs by a schedule, or seldom.
const SELDOM: Duration = Duration::from_secs(30 * 60);

/// Time that one statement takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Weight {
    /// Seconds of run time in the interval.
    pub seconds: f64,
    /// Seconds of run time per second of the busiest minute, of which a run takes only what it ran in it; of the whole
    /// interval, where that is more of a long one, or no minute is known. 1.0 is one connection that is busy all the time.
    pub load: f64,
    /// Share of all time of the origin, 0 to 1; `None` when the log does not show nearly everything.
    pub share: Option<f64>,
}

impl Weight {
    /// Weighs a statement.
    pub(in crate::detect) fn of(profile: &QueryProfile) -> Self {
        let spent = profile.load.own();
        let all = || per_second(spent, profile.span.duration());
        let load = match profile.load.peak {
            Some(peak) if profile.horizon == Horizon::Long => rate(peak, peak.elapsed).max(all()),
            Some(peak) => rate(peak, peak.elapsed),
            None => all(),
        };
        let tellable = profile.coverage.is_complete() && !profile.total.elapsed.is_zero();
        Self {
            seconds: spent.as_secs_f64(),
            load,
            share: tellable.then(|| times(spent, profile.total.elapsed).min(1.0)),
        }
    }

    /// Critical from `min_critical_load` on, else a warning.
    pub(in crate::detect) fn severity(self, min_critical_load: f64) -> Severity {
        if self.load >= min_critical_load {
            Severity::Critical
        } else {
            Severity::Warning
        }
    }

    /// The cost, as evidence.
    pub(in crate::detect) fn evidence(self, profile: &QueryProfile) -> Evidence {
        Evidence::Cost {
            seconds: self.seconds,
            share: self.share,
            over: profile.span,
        }
    }
}

/// Seconds waited for locks per second of the minute with the most of it.
pub(in crate::detect) fn waiting(profile: &QueryProfile) -> f64 {
    let waited = profile.load.lock.unwrap_or_default();
    let all = || per_second(waited, profile.span.duration());
    let peak = profile.load.peak;
    peak.map_or_else(all, |peak| rate(peak, peak.waited))
}

/// Whether a whole file has no minute with `min_runs` runs: worth advice, and nothing that somebody would have been
/// called for.
pub(in crate::detect) fn is_rare(profile: &QueryProfile, min_runs: u64) -> bool {
    let peak = profile
        .load
        .peak
        .filter(|_| profile.horizon == Horizon::Whole);
    peak.is_some_and(|peak| peak.runs < min_runs)
}

/// Whether it ran before as it runs now: somewhere before the interval, or again and again with long rests, as a file shows.
pub(in crate::detect) fn is_routine(profile: &QueryProfile) -> bool {
    let before = profile.baseline.as_ref();
    let peak = profile
        .load
        .peak
        .filter(|_| profile.horizon == Horizon::Whole);
    before.is_some_and(|b| b.load.count > 0)
        || peak
            .and_then(|peak| peak.apart)
            .is_some_and(|apart| apart >= SELDOM)
}

fn rate(peak: Peak, spent: Duration) -> f64 {
    times(spent, peak.span.duration())
}

/// Seconds per second; none where nobody knows how long it was.
fn per_second(spent: Duration, over: Duration) -> f64 {
    if over.is_zero() {
        return 0.0;
    }
    times(spent, over.max(ONE_MINUTE))
}

/// A count as a number of evidence.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count of evidence needs no more than 53 bits"
)]
pub(in crate::detect) fn number(count: u64) -> f64 {
    count as f64
}

/// `part` of `whole`; 0 for an empty whole.
pub(in crate::detect) fn part(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    number(part) / number(whole)
}

/// Runs among which those with a flag are counted; 0 where the server flags nothing.
///
/// MariaDB writes the line of flags only for a run that sets one of them: the other runs are runs without. PostgreSQL
/// tells of the runs whose plan was logged, and nothing of the others.
pub(in crate::detect) fn told_runs(profile: &QueryProfile) -> u64 {
    let load = &profile.load;
    match profile.target.system {
        Dialect::Mysql if load.access_known > 0 => load.count,
        _ => load.access_known,
    }
}

/// How many times as long `a` is as `b`, exact for round numbers; 0 when either is nothing.
pub(in crate::detect) fn times(a: Duration, b: Duration) -> f64 {
    if b.is_zero() {
        return 0.0;
    }
    a.div_duration_f64(b)
}

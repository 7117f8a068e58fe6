//! How much a problem matters: time lost per second, and the share of all time where the log allows one.

use std::time::Duration;

use crate::model::evidence::Evidence;
use crate::model::finding::Severity;
use crate::model::sql::Dialect;
use crate::model::subject::QueryProfile;

/// A rate is taken over at most this long: an alarm looks at a minute, and in a whole file one bad minute
/// must not be thinned out by the quiet hours around it.
const ONE_MINUTE: Duration = Duration::from_secs(60);

/// Time that one statement takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Weight {
    /// Seconds of run time in the interval.
    pub seconds: f64,
    /// Seconds of run time per second of the interval, or of one minute where the interval is longer:
    /// 1.0 is one connection that is busy all the time.
    pub load: f64,
    /// The same over all of the interval.
    sustained: f64,
    /// Share of all time of the origin, 0 to 1; `None` when the log does not show nearly everything.
    pub share: Option<f64>,
}

impl Weight {
    /// Weighs a statement.
    pub(in crate::detect) fn of(profile: &QueryProfile) -> Self {
        let spent = profile.load.elapsed.total;
        let over = profile.span.duration().min(ONE_MINUTE);
        let tellable = profile.coverage.is_complete() && !profile.total.elapsed.is_zero();
        Self {
            seconds: spent.as_secs_f64(),
            load: times(spent, over),
            sustained: times(spent, profile.span.duration()),
            share: tellable.then(|| times(spent, profile.total.elapsed).min(1.0)),
        }
    }

    /// Critical when `min_critical_load` lasts all of the interval, else a warning.
    pub(in crate::detect) fn severity(self, min_critical_load: f64) -> Severity {
        if self.sustained >= min_critical_load {
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

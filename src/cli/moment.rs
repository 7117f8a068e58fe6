//! A point in time as people type it.

use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::time::Timestamp;

/// A time, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// RFC 3339, or date and time in UTC.
    At(Timestamp),
    /// A duration before now.
    Ago(Duration),
}

impl Moment {
    /// The time, given what time it is.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.minus(ago),
        }
    }
}

/// It is none of what is understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "a time such as 2026-11-21T10:05:00Z or \"2026-11-21 10:05\", or a duration ago such as 2h"
)]
pub struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(at.into()));
        }
        let civil = text.parse::<DateTime>().ok();
        if let Some(at) = civil.and_then(|at| at.to_zoned(TimeZone::UTC).ok()) {
            return Ok(Self::At(at.timestamp().into()));
        }
        let ago: jiff::Span = text.parse().map_err(|_| NoMoment)?;
        let ago = ago.to_duration(SpanRelativeTo::days_are_24_hours());
        let ago = ago.ok().and_then(|ago| Duration::try_from(ago).ok());
        ago.map(Self::Ago).ok_or(NoMoment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_understood_in_the_forms_that_people_type() {
        let at = Moment::At(Timestamp::from_unix_secs(1_795_255_500));
        for text in [
            "2026-11-21T10:05:00Z",
            "2026-11-21T19:05:00+09:00",
            "2026-11-21 10:05",
            "2026-11-21T10:05:00",
        ] {
            assert_eq!(text.parse::<Moment>().unwrap(), at, "{text}");
        }
        let ago = "1h 30m".parse::<Moment>().unwrap();
        assert_eq!(ago, Moment::Ago(Duration::from_secs(5_400)));
        let ago = "2d".parse::<Moment>().unwrap();
        assert_eq!(ago, Moment::Ago(Duration::from_secs(172_800)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["yesterday", "", "-5h", "25:00", "2026-13-01"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}

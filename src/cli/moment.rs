//! A point in time as people type it.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SpanRelativeTo, ToSpan};

use crate::model::time::Timestamp;

/// A time, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// RFC 3339.
    At(Timestamp),
    /// Date and time, in the zone of the report.
    On(DateTime),
    /// A time of day: of the day on which it was last, or of the first after another moment.
    Clock(Time),
    /// A duration before now.
    Ago(Duration),
}

impl Moment {
    /// The time, given what time it is and where. A time of day is the first one after `since`, where that is given,
    /// else the last one before now.
    pub(super) fn resolve(
        self,
        now: Timestamp,
        zone: &TimeZone,
        since: Option<Timestamp>,
    ) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::On(at) => instant(at, zone),
            Self::Clock(clock) => match since {
                Some(since) => on_days(since, clock, zone, [0, 1]).find(|at| *at > since),
                None => on_days(now, clock, zone, [0, -1]).find(|at| *at <= now),
            },
            Self::Ago(ago) => Some(now.minus(ago)),
        }
    }
}

fn instant(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let at = at.to_zoned(zone.clone()).ok()?;
    Some(at.timestamp().into())
}

/// A time of day on days that are so far from a day.
fn on_days(
    day: Timestamp,
    clock: Time,
    zone: &TimeZone,
    away: [i64; 2],
) -> impl Iterator<Item = Timestamp> {
    let day = day.to_jiff().to_zoned(zone.clone()).date();
    let days = away
        .into_iter()
        .filter_map(move |n| day.checked_add(n.days()).ok());
    days.filter_map(move |day| instant(day.to_datetime(clock), zone))
}

/// It is none of what is understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "a time such as 2026-11-21T10:05:00Z, \"2026-11-21 10:05\" or 10:05, or a duration ago with its unit such as 2h"
)]
pub struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(at.into()));
        }
        // A span may be written as a time of day, too: nobody means that.
        if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(':') {
            let clock = text.parse::<Time>().map(Self::Clock);
            let is_clock = text.split(':').next().is_some_and(|hour| hour.len() <= 2);
            return match clock {
                Ok(clock) if is_clock => Ok(clock),
                _ => text.parse().map(Self::On).map_err(|_| NoMoment),
            };
        }
        if let Ok(on) = text.parse::<DateTime>() {
            return Ok(Self::On(on));
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

    /// 2026-11-21T10:05:00Z
    const AT: Timestamp = Timestamp::from_unix_secs(1_795_255_500);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn resolved(text: &str, now: Timestamp, since: Option<Timestamp>) -> Option<Timestamp> {
        let moment: Moment = text.parse().unwrap_or_else(|_| panic!("{text}"));
        moment.resolve(now, &TimeZone::UTC, since)
    }

    #[test]
    fn a_time_is_understood_in_the_forms_that_people_type() {
        for text in [
            "2026-11-21T10:05:00Z",
            "2026-11-21T19:05:00+09:00",
            "2026-11-21 10:05",
            "2026-11-21T10:05:00",
        ] {
            assert_eq!(resolved(text, Timestamp::EPOCH, None), Some(AT), "{text}");
        }
        assert_eq!(
            "1h 30m".parse::<Moment>().unwrap(),
            Moment::Ago(HOUR * 3 / 2)
        );
        assert_eq!("2d".parse::<Moment>().unwrap(), Moment::Ago(HOUR * 48));
    }

    #[test]
    fn a_time_of_day_is_the_last_one_that_there_was() {
        for text in ["10:05", "10:05:00"] {
            for later in [Duration::ZERO, HOUR, HOUR * 23] {
                assert_eq!(resolved(text, AT.plus(later), None), Some(AT), "{text}");
            }
            let before = resolved(text, AT.minus(HOUR), None);
            assert_eq!(before, Some(AT.minus(HOUR * 24)), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_that_ends_something_comes_after_its_beginning() {
        let now = AT.plus(HOUR * 1_000);
        assert_eq!(resolved("11:05", now, Some(AT)), Some(AT.plus(HOUR)));
        let next_day = AT.plus(HOUR * 23);
        assert_eq!(resolved("09:05", now, Some(AT)), Some(next_day));
    }

    #[test]
    fn a_date_is_of_the_zone_of_the_report() {
        let moment: Moment = "2026-11-21 19:05".parse().unwrap();
        let seoul = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(moment.resolve(Timestamp::EPOCH, &seoul, None), Some(AT));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "yesterday",
            "",
            "-5h",
            "25:00",
            "2026-13-01",
            "90",
            "10",
            "100:05:00",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}

//! The year of a syslog date, which names none.
//!
//! It is the one that brings the first date nearest before the end of the log; later ones go on from there: from
//! December to January is a new year.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ingest::slow_log::{Options, scan};
use crate::model::time::Timestamp;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// A jump by more months than this is a new year, or the old one again.
const HALF_A_YEAR: i16 = 6;

/// From one 29 February to the next at most, over a year like 2100.
const LONGEST_LEAP: i16 = 8;

/// What is known of the year.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Years {
    /// No date is later: when the log was last written.
    #[serde(skip)]
    latest: Option<Date>,
    /// Year and month of the date before.
    last: Option<(i16, i8)>,
}

impl Years {
    pub(super) fn new(options: &Options) -> Self {
        let latest = options
            .newest
            .map(|at: Timestamp| at.to_jiff().to_zoned(TimeZone::UTC).date());
        Self { latest, last: None }
    }

    /// Goes on with the year of a context.
    pub(super) fn restore(&mut self, known: Self) {
        self.last = known.last;
    }

    /// `Nov 21 19:26:58` as `2026-11-21 19:26:58`; other dates as they are, and nothing when no year is known.
    pub(super) fn date(&mut self, date: &[u8]) -> Vec<u8> {
        let Some(month) = date.get(..3).and_then(month) else {
            return date.to_vec();
        };
        let day = date[4..6].trim_ascii();
        let day = scan::whole(day).and_then(|day| i8::try_from(day).ok());
        let Some((year, day)) = day.and_then(|day| Some((self.year(month, day)?, day))) else {
            return Vec::new();
        };
        self.last = Some((year, month));
        let mut whole = format!("{year:04}-{month:02}-{day:02} ").into_bytes();
        whole.extend_from_slice(&date[7..]);
        whole
    }

    fn year(&self, month: i8, day: i8) -> Option<i16> {
        if let Some((year, last)) = self.last {
            let step = i16::from(month) - i16::from(last);
            return Some(match step {
                step if step < -HALF_A_YEAR => year + 1,
                step if step > HALF_A_YEAR => year - 1,
                _ => year,
            });
        }
        let latest = self.latest?;
        // zones differ by a day at the most
        let end = latest.tomorrow().unwrap_or(latest);
        let years = (0..=LONGEST_LEAP).map(|back| end.year() - back);
        let mut dates = years.filter_map(|year| Date::new(year, month, day).ok());
        dates.find(|date| *date <= end).map(Date::year)
    }
}

/// `Nov` as 11.
pub(super) fn month(name: &[u8]) -> Option<i8> {
    let index = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(index + 1).ok()
}

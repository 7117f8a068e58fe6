//! When a program wrote a line, as its logger puts it.
//!
//! | written by | looks like |
//! |---|---|
//! | most | `2026-11-22T04:00:00.123+09:00`, `2026-11-22 04:00:00,123`, `[2026-11-22 04:00:00]`, `2026/11/22 04:00:00` |
//! | Tomcat, PHP | `22-Nov-2026 04:00:00.123`, `[22-Nov-2026 04:00:00 UTC]` |
//! | `java.util.logging` | `Nov 22, 2026 4:00:00 AM` |
//! | short patterns | `04:00:00.123`, which tells no day |

use jiff::tz::TimeZone;

use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;
use crate::model::time::Timestamp;

/// A stamp begins here at the latest: behind a level or a bracket.
const MAX_OFFSET: usize = 24;

/// Bytes of a date in any form.
const DATE_BYTES: usize = 40;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// What the beginning of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// When.
    At(Timestamp),
    /// A time of some day, or a level: a line of its own that does not tell when.
    Unknown,
}

/// Reads stamps.
#[derive(Debug)]
pub(super) struct Stamps(Calendar);

impl Stamps {
    /// Dates that name no zone are in `zone`.
    pub(super) fn new(zone: TimeZone) -> Self {
        Self(Calendar::new(zone))
    }

    /// The stamp that a line begins with; `None` for a line that goes on with another.
    pub(super) fn of(&mut self, line: &[u8]) -> Option<Stamp> {
        if matches!(line.first(), None | Some(b' ' | b'\t' | b'}' | b')' | b'{')) {
            return None;
        }
        let head = &line[..line.len().min(MAX_OFFSET + DATE_BYTES)];
        let mut last = b' ';
        for at in 0..head.len().min(MAX_OFFSET) {
            let begins = head[at].is_ascii_alphanumeric() && !last.is_ascii_alphanumeric();
            last = head[at];
            if !begins {
                continue;
            }
            if let Some(at) = self.date(&head[at..]) {
                return Some(Stamp::At(at));
            }
            if is_time(&head[at..]) {
                return Some(Stamp::Unknown);
            }
        }
        has_level(head).then_some(Stamp::Unknown)
    }

    /// A date alone, as in a field.
    pub(super) fn date(&mut self, text: &[u8]) -> Option<Timestamp> {
        let first = *text.first()?;
        if first.is_ascii_digit() {
            let iso = |text: &[u8], calendar: &mut Calendar| Some(calendar.date(text)?.0);
            return match (text.get(4)?, text.get(2)?) {
                (b'-', _) => iso(text, &mut self.0),
                (b'/', _) => iso(&with_dashes(text)?, &mut self.0),
                (_, b'-' | b'/' | b' ') => iso(&of_day_first(text)?, &mut self.0),
                _ => None,
            };
        }
        let told = of_month_first(text)?;
        Some(self.0.date(&told)?.0)
    }
}

/// `2026/11/22 ...` as `2026-11-22 ...`.
fn with_dashes(text: &[u8]) -> Option<Vec<u8>> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut told = date.to_vec();
    told[4] = b'-';
    told[7] = b'-';
    told.extend_from_slice(rest);
    Some(told)
}

/// `22-Nov-2026 04:00:00.123`, `22/Nov/2026:04:00:00 +0000`, `22 Nov 2026 04:00:00`.
fn of_day_first(text: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = text.split_at_checked(11)?;
    let month = month(&head[3..6])?;
    let is_date = head[2] == head[6] && head[7..].iter().all(u8::is_ascii_digit);
    let rest = rest
        .strip_prefix(b":")
        .or_else(|| rest.strip_prefix(b" "))?;
    is_date.then(|| [&head[7..], month, &head[..2], b" ", rest].concat())
}

/// `Nov 22, 2026 4:00:00 AM`.
fn of_month_first(text: &[u8]) -> Option<Vec<u8>> {
    let month = month(text.get(..3)?)?;
    let (day, length) = scan::leading_whole(text.get(4..)?)?;
    let rest = text.get(4 + length..)?.strip_prefix(b", ")?;
    let (year, rest) = rest.split_at_checked(4)?;
    let (hour, length) = scan::leading_whole(rest.strip_prefix(b" ")?)?;
    let (minutes, rest) = rest.get(1 + length..)?.split_at_checked(6)?;
    let is_afternoon = rest.starts_with(b" PM") || rest.starts_with(b"\xe2\x80\xafPM");
    let hour = hour % 12 + if is_afternoon { 12 } else { 0 };
    let (day, hour) = (format!("{day:02} "), format!("{hour:02}"));
    Some([year, month, day.as_bytes(), hour.as_bytes(), minutes].concat())
}

/// `Nov` as `-11-`.
fn month(name: &[u8]) -> Option<&'static [u8]> {
    const NUMBERS: [&[u8]; 12] = [
        b"-01-", b"-02-", b"-03-", b"-04-", b"-05-", b"-06-", b"-07-", b"-08-", b"-09-", b"-10-",
        b"-11-", b"-12-",
    ];
    let at = MONTHS.iter().position(|month| month[..] == *name)?;
    Some(NUMBERS[at])
}

/// `04:00:00`.
fn is_time(text: &[u8]) -> bool {
    let Some(head) = text.first_chunk::<8>() else {
        return false;
    };
    let digit = |at: usize| head[at].is_ascii_digit();
    [0, 1, 3, 4, 6, 7].into_iter().all(digit) && head[2] == b':' && head[5] == b':'
}

/// `ERROR:root:...`, `fail: ...`, `level=error ...`.
fn has_level(head: &[u8]) -> bool {
    const BEFORE_COLON: [&[u8]; 13] = [
        b"ERROR",
        b"WARNING",
        b"WARN",
        b"INFO",
        b"DEBUG",
        b"CRITICAL",
        b"FATAL",
        b"TRACE",
        b"fail",
        b"warn",
        b"info",
        b"dbug",
        b"crit",
    ];
    if head.starts_with(b"level=") || head.starts_with(b"lvl=") {
        return true;
    }
    let length = head.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let is_level = BEFORE_COLON.contains(&&head[..length]);
    is_level && matches!(head.get(length), Some(b':' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<String> {
        let stamp = Stamps::new(TimeZone::UTC).of(line.as_bytes())?;
        Some(match stamp {
            Stamp::At(at) => at.to_string(),
            Stamp::Unknown => "unknown".to_owned(),
        })
    }

    #[test]
    fn the_stamp_of_every_logger_is_read() {
        for line in [
            "2026-11-22T04:00:00Z x",
            "2026-11-22 13:00:00+09:00 x",
            "[2026-11-22 04:00:00] production.ERROR: x",
            "2026/11/22 04:00:00 x",
            "22-Nov-2026 04:00:00 SEVERE [main] x",
            "[22-Nov-2026 04:00:00 UTC] PHP Fatal error: x",
            "10.0.0.7 - - [22/Nov/2026:13:00:00 +0900] x",
            "Nov 22, 2026 4:00:00 AM org.shop.Orders load",
            "E, [2026-11-22T04:00:00 #17] ERROR -- : x",
            "ERROR 2026-11-22 04:00:00 x",
            "time=2026-11-22T04:00:00Z level=ERROR msg=x",
        ] {
            assert_eq!(
                read(line).as_deref(),
                Some("2026-11-22T04:00:00Z"),
                "{line}"
            );
        }
    }

    #[test]
    fn noon_and_midnight_are_told_apart() {
        let noon = read("Nov 2, 2026 12:30:00 PM a");
        assert_eq!(noon.as_deref(), Some("2026-11-02T12:30:00Z"));
        let midnight = read("Nov 2, 2026 12:30:00 AM a");
        assert_eq!(midnight.as_deref(), Some("2026-11-02T00:30:00Z"));
    }

    #[test]
    fn a_time_without_a_day_and_a_level_begin_a_line_and_nothing_else_does() {
        for line in [
            "04:00:00.123 [main] ERROR x",
            "[04:00:00 ERR] x",
            "ERROR:root:x",
            "fail: x",
            "level=error",
        ] {
            assert_eq!(read(line).as_deref(), Some("unknown"), "{line}");
        }
        for line in [
            "",
            "\tat x.Y",
            "Caused by: x",
            "java.sql.SQLException: x",
            "}",
            "error: column",
            "12345",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}

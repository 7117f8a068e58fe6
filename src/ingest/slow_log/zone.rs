//! Turns the dates of a log into instants.
//!
//! Finding an instant in a time zone is slow and logs tell the same second again and again, so that the last
//! one is remembered.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::scan;
use crate::model::time::Timestamp;

/// Reads dates, in the server's zone where they name none.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Calendar {
    zone: TimeZone,
    last: Option<(Second, u64)>,
    /// The digits of the last date, which are compared sooner than read.
    last_text: Option<([u8; 19], Zone, u64)>,
    /// The zone that the last date named.
    last_zone: Option<ZoneName>,
    /// The first name of a zone that is not known.
    unclear: Option<String>,
}

/// A second as the log writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Second {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    seconds: i8,
    zone: Zone,
}

/// ` UTC`, as the bytes of a number: one comparison finds it again.
#[derive(Debug, Clone, Copy)]
struct ZoneName {
    bytes: u64,
    length: u32,
    zone: Zone,
}

impl ZoneName {
    /// The name that `text` starts with, when it was told to be of this length; one with digits may go on.
    fn new(text: &[u8], length: usize, zone: Zone) -> Option<Self> {
        let is_letter = |b: &u8| *b == b' ' || b.is_ascii_uppercase();
        let is_name = length > 0 && zone != Zone::Server && text[..length].iter().all(is_letter);
        let length = u32::try_from(length).ok().filter(|_| is_name)?;
        Some(Self {
            bytes: first_eight(text),
            length,
            zone,
        })
    }

    /// The zone and the length of its name, when `text` starts with it.
    #[inline]
    fn read(self, text: &[u8]) -> Option<(Zone, usize)> {
        let bytes = first_eight(text);
        let is_same = (bytes ^ self.bytes) << (64 - 8 * self.length) == 0;
        let next = bytes.to_le_bytes()[self.length as usize];
        (is_same && !next.is_ascii_uppercase()).then_some((self.zone, self.length as usize))
    }
}

/// The first eight bytes; zeros stand behind a shorter text.
#[inline]
fn first_eight(text: &[u8]) -> u64 {
    let bytes = text.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes[..text.len()].copy_from_slice(text);
        bytes
    });
    u64::from_le_bytes(bytes)
}

/// The zone a date names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// None, or one that means several: the server's is taken.
    Server,
    /// Seconds east of Greenwich.
    East(i32),
}

impl Calendar {
    pub(in crate::ingest) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            last: None,
            last_text: None,
            last_zone: None,
            unclear: None,
        }
    }

    /// The first name of a zone that is not known, or that several have: those dates were taken as the server's.
    pub(in crate::ingest) fn unclear(&self) -> Option<&str> {
        self.unclear.as_deref()
    }

    /// Reads the date that `text` starts with, `2026-11-21 19:26:58.608 UTC` or RFC 3339 with any number of
    /// digits, and says how many bytes it took.
    pub(in crate::ingest) fn date(&mut self, text: &[u8]) -> Option<(Timestamp, usize)> {
        if let Some(date) = self.date_as_before(text) {
            return Some(date);
        }
        let head: &[u8; 19] = text.first_chunk()?;
        let (nanos, fraction) = fraction(&text[19..]);
        let (zone, named) = zone(&text[19 + fraction..]);
        let at = self.second(head, zone)?;
        let name = &text[19 + fraction..];
        if zone == Zone::Server && self.unclear.is_none() {
            let name = name_of_zone(name);
            self.unclear = name.map(|name| String::from_utf8_lossy(name).into_owned());
        }
        self.last_zone = ZoneName::new(name, named, zone);
        Some((at_nanos(at, nanos), 19 + fraction + named))
    }

    /// The same for a date that names the zone that the one before it named: most do, and it takes half the time.
    pub(in crate::ingest) fn date_as_before(&mut self, text: &[u8]) -> Option<(Timestamp, usize)> {
        let head: &[u8; 19] = text.first_chunk()?;
        let last = self.last_zone?;
        let (nanos, fraction) = fraction(&text[19..]);
        let (zone, named) = last.read(&text[19 + fraction..])?;
        let at = self.second(head, zone)?;
        Some((at_nanos(at, nanos), 19 + fraction + named))
    }

    /// Seconds since the Unix epoch of `2026-11-21 19:26:58`.
    #[inline]
    fn second(&mut self, head: &[u8; 19], zone: Zone) -> Option<u64> {
        match &self.last_text {
            Some((last, its_zone, at)) if last == head && *its_zone == zone => Some(*at),
            _ => self.next_second(head, zone),
        }
    }

    fn next_second(&mut self, head: &[u8; 19], zone: Zone) -> Option<u64> {
        let marks = [head[4], head[7], head[10], head[13], head[16]];
        if !matches!(marks, [b'-', b'-', b' ' | b'T', b':', b':']) {
            return None;
        }
        let second = Second {
            year: i16::from(two(head, 0)?) * 100 + i16::from(two(head, 2)?),
            month: two(head, 5)?,
            day: two(head, 8)?,
            hour: two(head, 11)?,
            minute: two(head, 14)?,
            seconds: two(head, 17)?,
            zone,
        };
        let at = self.instant(second)?;
        self.last_text = Some((*head, zone, at));
        Some(at)
    }

    /// Reads `081127  8:51:20`, which MySQL before 5.7 and MariaDB write in the server's zone, and the fraction of a
    /// second behind it.
    pub(in crate::ingest) fn short_date(&mut self, text: &[u8]) -> Option<(Timestamp, Duration)> {
        let head: &[u8; 6] = text.first_chunk()?;
        let time = text[6..].trim_ascii();
        let (hour, length) = scan::leading_whole(time)?;
        let rest: &[u8; 6] = time.get(length..)?.first_chunk()?;
        if rest[0] != b':' || rest[3] != b':' {
            return None;
        }
        let second = Second {
            year: 2000 + i16::from(two(head, 0)?),
            month: two(head, 2)?,
            day: two(head, 4)?,
            hour: i8::try_from(hour).ok()?,
            minute: two(rest, 1)?,
            seconds: two(rest, 4)?,
            zone: Zone::Server,
        };
        let (nanos, _) = fraction(&time[length + rest.len()..]);
        let at = Timestamp::from_unix_secs(self.instant(second)?);
        Some((at, Duration::from_nanos(nanos)))
    }

    /// Seconds since the Unix epoch; `None` for a date that does not exist or is before 1970.
    fn instant(&mut self, second: Second) -> Option<u64> {
        if let Some((last, at)) = self.last
            && last == second
        {
            return Some(at);
        }
        let Second {
            year,
            month,
            day,
            hour,
            minute,
            seconds,
            zone,
        } = second;
        let civil = DateTime::new(year, month, day, hour, minute, seconds.min(59), 0).ok()?;
        let at = match zone {
            Zone::Server => self.zone.to_timestamp(civil).ok()?,
            Zone::East(offset) => Offset::from_seconds(offset)
                .ok()?
                .to_timestamp(civil)
                .ok()?,
        };
        let at = u64::try_from(at.as_second()).ok()?;
        self.last = Some((second, at));
        Some(at)
    }
}

fn at_nanos(secs: u64, nanos: u64) -> Timestamp {
    Timestamp::from_unix_nanos(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Reads the two digits at `at`.
fn two(text: &[u8], at: usize) -> Option<i8> {
    let tens = text.get(at)?.wrapping_sub(b'0');
    let ones = text.get(at + 1)?.wrapping_sub(b'0');
    if tens > 9 || ones > 9 {
        return None;
    }
    i8::try_from(tens * 10 + ones).ok()
}

/// Reads `.608` as nanoseconds, and says how many bytes it took; digits behind the ninth are dropped.
fn fraction(text: &[u8]) -> (u64, usize) {
    match text {
        // milliseconds, which most dates end with
        [
            b'.',
            a @ b'0'..=b'9',
            b @ b'0'..=b'9',
            c @ b'0'..=b'9',
            next,
            ..,
        ] if !next.is_ascii_digit() => {
            let [a, b, c] = [a, b, c].map(|digit| u64::from(digit - b'0'));
            return ((a * 100 + b * 10 + c) * 1_000_000, 4);
        }
        [b'.' | b',', ..] => {}
        _ => return (0, 0),
    }
    let digits = text[1..].iter().take_while(|b| b.is_ascii_digit());
    let mut nanos = 0;
    let mut place = 1_000_000_000;
    let mut length = 1;
    for digit in digits {
        place /= 10;
        nanos += u64::from(digit - b'0') * place;
        length += 1;
    }
    (nanos, length)
}

/// Reads `Z`, `+09:00`, `+0900`, ` +09` or ` KST`, and says how many bytes it took.
fn zone(text: &[u8]) -> (Zone, usize) {
    let spaces = usize::from(text.first() == Some(&b' '));
    let rest = &text[spaces..];
    match rest.first() {
        Some(sign @ (b'+' | b'-')) => offset(&rest[1..], *sign == b'-')
            .map_or((Zone::Server, 0), |(zone, length)| {
                (zone, spaces + 1 + length)
            }),
        Some(first) if first.is_ascii_uppercase() => {
            let length = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
            if length > 5 {
                return (Zone::Server, 0);
            }
            (abbreviation(&rest[..length]), spaces + length)
        }
        _ => (Zone::Server, 0),
    }
}

fn offset(text: &[u8], west: bool) -> Option<(Zone, usize)> {
    let hours = i32::from(two(text, 0)?);
    let colon = usize::from(text.get(2) == Some(&b':'));
    let (minutes, length) = match two(text, 2 + colon) {
        Some(minutes) => (i32::from(minutes), 4 + colon),
        None => (0, 2),
    };
    let east = hours * 3600 + minutes * 60;
    Some((Zone::East(if west { -east } else { east }), length))
}

/// Abbreviations that mean one zone. `CST` and `IST` mean several and are taken as the server's zone.
fn abbreviation(name: &[u8]) -> Zone {
    let minutes = match name {
        b"Z" | b"UTC" | b"GMT" | b"UCT" | b"WET" => 0,
        b"CET" | b"WEST" | b"BST" | b"WAT" => 60,
        b"CEST" | b"EET" | b"SAST" | b"CAT" => 120,
        b"EEST" | b"MSK" | b"TRT" | b"EAT" => 180,
        b"PKT" => 300,
        b"NPT" => 345,
        b"WIB" | b"ICT" => 420,
        b"SGT" | b"HKT" | b"AWST" | b"WITA" | b"MYT" | b"PHT" => 480,
        b"KST" | b"JST" | b"WIT" => 540,
        b"ACST" => 570,
        b"AEST" => 600,
        b"ACDT" => 630,
        b"AEDT" => 660,
        b"NZST" => 720,
        b"NZDT" => 780,
        b"NDT" => -150,
        b"ART" | b"BRT" => -180,
        b"NST" => -210,
        b"EDT" => -240,
        b"EST" | b"CDT" => -300,
        b"MDT" => -360,
        b"MST" | b"PDT" => -420,
        b"PST" | b"AKDT" => -480,
        b"AKST" => -540,
        b"HST" => -600,
        _ => return Zone::Server,
    };
    Zone::East(minutes * 60)
}

/// The name of a zone that `text` starts with, and not a severity: all end with a T.
fn name_of_zone(text: &[u8]) -> Option<&[u8]> {
    const LENGTHS: std::ops::RangeInclusive<usize> = 3..=5;
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let length = text.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let ends_there = !matches!(
        text.get(length),
        Some(b':' | b'_' | b'0'..=b'9' | b'a'..=b'z')
    );
    let name = &text[..length];
    (LENGTHS.contains(&length) && name.ends_with(b"T") && ends_there).then_some(name)
}

#[cfg(test)]
mod tests;

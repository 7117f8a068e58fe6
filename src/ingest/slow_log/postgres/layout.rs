//! Learns the `log_line_prefix` of a file from the prefixes of some of its records.
//!
//! ```text
//! 2026-11-21 19:26:58 UTC:10.0.0.1(58786):app@shop:[24085]:
//! date                   :value          :value@value:[value]:      most records have these parts in this order
//! %m                     :%r             :%u@%d:[%p]:               what the values of a part have in common
//! ```

use super::column::Column;
use super::prefix::{epoch, session_pid};
use super::template::Template;
use crate::ingest::slow_log::zone::Calendar;
use crate::model::time::Timestamp;

/// What ends a value.
const SEPARATORS: &[u8] = b" ,;|:\t[]()<>=@/'\"{}#";

/// Of all records so many must have the same parts, and so many must be read by what is learned.
const MIN_SAME: (usize, usize) = (1, 3);
const MIN_READ: (usize, usize) = (4, 5);

/// Length of `2026-11-21 19:26:58`.
const DATE_BYTES: usize = 19;

/// A part of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a [u8]),
    Date(Date),
    Epoch,
    Session,
    Value(&'a [u8]),
}

/// A date, and whether it names its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Date {
    is_zoned: bool,
    at: Timestamp,
}

impl Part<'_> {
    /// Whether it is the same but for the value.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(_), Self::Value(_)) | (Self::Date(_), Self::Date(_)) => true,
            _ => self == other,
        }
    }
}

/// The setting that wrote these prefixes, as far as it can be told.
pub(super) fn learn(prefixes: &[Vec<u8>], calendar: &mut Calendar) -> Option<String> {
    let all: Vec<Vec<Part<'_>>> = prefixes.iter().map(|p| parts(p, calendar)).collect();
    let is_like = |a: &[Part<'_>], b: &[Part<'_>]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_like(b))
    };
    let (most, like) = all
        .iter()
        .map(|one| (one, all.iter().filter(|other| is_like(one, other)).count()))
        .max_by_key(|(one, like)| (*like, one.len()))?;
    if like * MIN_SAME.1 < all.len() * MIN_SAME.0 {
        return None;
    }
    let same: Vec<&Vec<Part<'_>>> = all.iter().filter(|other| is_like(most, other)).collect();
    let setting = setting(&same)?;
    let template = Template::new(&setting)?;
    let read = prefixes
        .iter()
        .filter(|prefix| template.read(prefix, calendar).is_some())
        .count();
    (read * MIN_READ.1 >= prefixes.len() * MIN_READ.0).then_some(setting)
}

/// Takes a prefix apart.
fn parts<'a>(prefix: &'a [u8], calendar: &mut Calendar) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let (mut at, mut text) = (0, 0);
    while at < prefix.len() {
        let rest = &prefix[at..];
        let is_key = at > text && prefix[at - 1] == b'=';
        let may_start = at == 0 || SEPARATORS.contains(&prefix[at - 1]) || prefix[at - 1] == b'-';
        let found = may_start.then(|| value(rest, calendar)).flatten();
        let found = found.or_else(|| is_key.then_some((Part::Value(b""), 0)));
        let Some((part, length)) = found else {
            at += 1;
            continue;
        };
        if at > text {
            parts.push(Part::Text(&prefix[text..at]));
        }
        parts.push(part);
        at += length;
        text = at;
        // the separator behind an empty value belongs to the text
        at += usize::from(length == 0);
    }
    if text < prefix.len() {
        parts.push(Part::Text(&prefix[text..]));
    }
    parts
}

/// The value that a text starts with, and its length; a key with its `=` is none.
fn value<'a>(rest: &'a [u8], calendar: &mut Calendar) -> Option<(Part<'a>, usize)> {
    if let Some((at, length)) = calendar.date(rest) {
        let is_zoned = rest[DATE_BYTES.min(length)..length]
            .iter()
            .any(|b| b.is_ascii_alphabetic() || matches!(b, b'+' | b'-'));
        return Some((Part::Date(Date { is_zoned, at }), length));
    }
    if let Some((_, length)) = epoch(rest) {
        return Some((Part::Epoch, length));
    }
    for name in [b"[local]".as_slice(), b"[unknown]"] {
        if rest.starts_with(name) {
            return Some((Part::Value(&rest[..name.len()]), name.len()));
        }
    }
    if let Some(length) = address(rest) {
        return Some((Part::Value(&rest[..length]), length));
    }
    let length = word(rest);
    let mut found = &rest[..length];
    if session_pid(found.split(|b| *b == b'-').next()?).is_some() {
        let length = found.iter().take_while(|b| **b != b'-').count();
        return Some((Part::Session, length));
    }
    let is_number = found.first().is_some_and(u8::is_ascii_digit);
    if is_number && let Some(dash) = memchr::memchr(b'-', found) {
        // `[%p-1]`
        found = &found[..dash];
    }
    let next = rest.get(found.len());
    if found.is_empty() || next == Some(&b'=') {
        return None;
    }
    // a port behind the host, or the other half of `%v`
    let is_pair = next == Some(&b'/') && found.iter().all(u8::is_ascii_digit);
    let tail = match next {
        Some(b'(') => port(&rest[found.len()..]),
        Some(b'/') if is_pair => 1 + word(&rest[found.len() + 1..]),
        _ => 0,
    };
    let length = found.len() + tail;
    Some((Part::Value(&rest[..length]), length))
}

fn word(text: &[u8]) -> usize {
    text.iter().take_while(|b| !SEPARATORS.contains(b)).count()
}

/// Length of `(58786)`; 0 for anything else.
fn port(text: &[u8]) -> usize {
    let Some(inner) = text.strip_prefix(b"(") else {
        return 0;
    };
    let digits = inner.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_port = digits > 0 && inner.get(digits) == Some(&b')');
    if is_port { digits + 2 } else { 0 }
}

/// Length of an IPv6 address, whose colons part nothing; a port may follow.
fn address(text: &[u8]) -> Option<usize> {
    let is_part = |b: &u8| b.is_ascii_hexdigit() || *b == b':' || *b == b'.';
    let length = text.iter().take_while(|b| is_part(b)).count();
    let host =
        std::str::from_utf8(text[..length].strip_suffix(b":").unwrap_or(&text[..length])).ok()?;
    let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
    is_address.then(|| host.len() + port(&text[host.len()..]))
}

/// Writes the setting that tells the parts of these prefixes.
fn setting(same: &[&Vec<Part<'_>>]) -> Option<String> {
    let first = same.first()?;
    let letters = letters(same);
    let written = written(same);
    let mut setting = String::new();
    let mut may_end = false;
    for (index, part) in first.iter().enumerate() {
        let letter = match part {
            Part::Text(text) => {
                let text = std::str::from_utf8(text).ok()?.replace('%', "%%");
                let is_session = |letter: &u8| matches!(letter, b'u' | b'd' | b'r' | b'a');
                let next = letters.get(index + 1).copied().flatten();
                // a process without session ends before what is told of the session
                if !may_end && index > 0 && next.as_ref().is_some_and(is_session) {
                    may_end = true;
                    let split = text.rfind(' ').map_or(text.len(), |blank| blank + 1);
                    setting.push_str(&text[..split]);
                    setting.push_str("%q");
                    setting.push_str(&text[split..]);
                } else {
                    setting.push_str(&text);
                }
                continue;
            }
            Part::Date(_) if written == Some(index) => b'm',
            Part::Date(_) => b's',
            Part::Epoch => b'n',
            Part::Session => b'c',
            Part::Value(_) => letters[index].unwrap_or(b'a'),
        };
        setting.push('%');
        setting.push(char::from(letter));
    }
    Some(setting)
}

/// The part that tells when a record was written: a session starts before, and syslog names no zone.
fn written(same: &[&Vec<Part<'_>>]) -> Option<usize> {
    let last = |index: usize| {
        let dates = same.iter().filter_map(|parts| match parts.get(index) {
            Some(Part::Date(date)) => Some(*date),
            _ => None,
        });
        dates.max()
    };
    let count = same.first().map_or(0, |first| first.len());
    let dates = (0..count).filter_map(|index| Some((last(index)?, std::cmp::Reverse(index))));
    dates.max().map(|(_, index)| index.0)
}

/// The letter of each part that is a value.
fn letters(same: &[&Vec<Part<'_>>]) -> Vec<Option<u8>> {
    let count = same.first().map_or(0, |first| first.len());
    let columns: Vec<Option<Column<'_>>> = (0..count).map(|index| column(same, index)).collect();
    let mut letters: Vec<Option<u8>> = columns
        .iter()
        .map(|c| c.as_ref().and_then(|c| c.by_key().or_else(|| c.by_looks())))
        .collect();
    let is_free = |letters: &[Option<u8>], index: usize| letters[index].is_none();
    let number_at = |index: usize| columns[index].as_ref().filter(|c| c.is_number());
    // `[%l-1]`
    let is_line = |index: usize| {
        let behind = columns.get(index + 2).and_then(Option::as_ref);
        number_at(index)
            .is_some_and(|c| c.is_one() || c.behind == b"-" && behind.is_some_and(Column::is_one))
    };
    let numbers: Vec<usize> = (0..count)
        .filter(|i| is_free(&letters, *i) && number_at(*i).is_some())
        .collect();
    // a session tells its process
    let is_told =
        letters.contains(&Some(b'p')) || same.iter().any(|parts| parts.contains(&Part::Session));
    let is_counter = |index: usize| {
        let others = numbers
            .iter()
            .filter(|other| **other != index && !is_line(**other));
        let others: Vec<&Column<'_>> = others.filter_map(|other| number_at(*other)).collect();
        number_at(index).is_some_and(|c| c.counts_lines(&others))
    };
    let may_be_pid = |index: &usize| !is_line(*index) && !is_counter(*index);
    let candidates = numbers.iter().copied().filter(may_be_pid);
    // the first, but for one that is as small as no process of a server beside others
    let is_small = |index: &usize| number_at(*index).is_some_and(|c| !c.may_be_process());
    let pid = candidates.min_by_key(is_small).filter(|_| !is_told);
    for index in 0..count {
        if is_free(&letters, index) && number_at(index).is_some() {
            let is_pid = pid == Some(index);
            letters[index] = Some(if is_pid { b'p' } else { b'l' });
        }
    }
    for (at, letter) in names(&columns, &letters).into_iter().zip([b'u', b'd']) {
        let is_new = !letters.contains(&Some(letter));
        if is_new && letters.get(at).is_some_and(Option::is_none) {
            letters[at] = Some(letter);
        }
    }
    letters
}

/// The parts that are user and database: `%u@%d`, or the first two names. A name alone may be that of anything, and
/// a wrong user is worse than none.
fn names(columns: &[Option<Column<'_>>], letters: &[Option<u8>]) -> Vec<usize> {
    let is_user = |c: &Option<Column<'_>>| c.as_ref().is_some_and(|c| c.behind == b"@");
    if let Some(user) = columns.iter().position(is_user) {
        return vec![user, user + 2];
    }
    let names: Vec<usize> = (0..columns.len())
        .filter(|i| letters[*i].is_none() && columns[*i].as_ref().is_some_and(Column::is_name))
        .collect();
    if names.len() < 2 { Vec::new() } else { names }
}

fn column<'a>(same: &[&Vec<Part<'a>>], index: usize) -> Option<Column<'a>> {
    let text = |at: Option<usize>| match same.first().zip(at).and_then(|(parts, at)| parts.get(at))
    {
        Some(Part::Text(text)) => *text,
        _ => b"",
    };
    let values = same.iter().filter_map(|parts| match parts.get(index) {
        Some(Part::Value(value)) => Some(*value),
        _ => None,
    });
    let values: Vec<&[u8]> = values.collect();
    (!values.is_empty()).then(|| Column {
        before: text(index.checked_sub(1)),
        behind: text(Some(index + 1)),
        values,
    })
}

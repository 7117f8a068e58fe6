//! The error log of MySQL, Percona Server and MariaDB.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use memchr::memmem;

use super::records::{First, Grammar};
use super::{class, crash, deadlock, phrases};
use crate::ingest::RawError;
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::error::ErrorClass;
use crate::model::sql::{Dialect, RawSql};
use crate::model::time::Timestamp;

/// More of a message is not looked at.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// Why a connection broke, as the server puts it, and the number of that.
const BREAKS: &[(&[u8], &str)] = &[
    (b"Too many connections", "1040"),
    (b"Got timeout reading", "1159"),
    (b"Got timeout writing", "1161"),
    (b"Got an error writing", "1160"),
    (b"Got a packet bigger than", "1153"),
    (b"Connection was killed", "1927"),
    (b"Got an error reading", "1158"),
];

/// What its lines mean.
#[derive(Debug)]
pub(super) struct MysqlError {
    calendar: Calendar,
    dump: Dump,
    /// It told of a crash, after which it recovers.
    crashed: bool,
}

/// How far the dump of a deadlock has come, in the record begun last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dump {
    None,
    Open,
    Done,
}

/// A line that begins with a date.
#[derive(Debug)]
struct Header<'l> {
    at: Timestamp,
    is_error: bool,
    /// The number in `[MY-010914]`.
    number: Option<&'l [u8]>,
    text: &'l [u8],
}

impl MysqlError {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            calendar: Calendar::new(zone),
            dump: Dump::None,
            crashed: false,
        }
    }

    /// Whether a line is like those of the server alone: a date, the number of the thread, and one of its levels.
    pub(super) fn is_typical(&mut self, line: &[u8]) -> bool {
        let Some((_, rest)) = self.date(line) else {
            return false;
        };
        let rest = rest.trim_ascii_start();
        let number = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let is_short = line.get(6) == Some(&b' ');
        let levels = [&b"[Note]"[..], b"[Warning]", b"[ERROR]", b"[System]"];
        let level = rest[number..].trim_ascii_start();
        (number > 0 || is_short) && levels.iter().any(|known| level.starts_with(known))
    }

    fn header<'l>(&mut self, line: &'l [u8]) -> Option<Header<'l>> {
        let (at, rest) = self.date(line)?;
        if let Some(text) = rest.strip_prefix(crash::UTC) {
            return Some(Header {
                at,
                is_error: true,
                number: None,
                text,
            });
        }
        let open = memchr::memchr(b'[', &rest[..rest.len().min(64)])?;
        let close = open + memchr::memchr(b']', &rest[open..])?;
        let level = &rest[open + 1..close];
        let mut header = Header {
            at,
            is_error: level.eq_ignore_ascii_case(b"error") || level == b"Critical",
            number: None,
            text: rest[close + 1..].trim_ascii_start(),
        };
        // `[MY-010914] [Server] `
        while let Some(tag) = header.text.strip_prefix(b"[") {
            let Some(end) = memchr::memchr(b']', &tag[..tag.len().min(32)]) else {
                break;
            };
            header.number = header.number.or(tag[..end].strip_prefix(b"MY-"));
            header.text = tag[end + 1..].trim_ascii_start();
        }
        Some(header)
    }

    /// `2026-11-22  2:38:43`, `2026-11-22T02:38:43.123456Z` or `261122  2:38:43`.
    fn date<'l>(&mut self, line: &'l [u8]) -> Option<(Timestamp, &'l [u8])> {
        let mut head = [0_u8; 48];
        let length = line.len().min(head.len());
        head[..length].copy_from_slice(&line[..length]);
        if head[10] == b' ' && head[11] == b' ' {
            head[11] = b'0';
        }
        if let Some((at, length)) = self.calendar.date(&head[..length]) {
            return Some((at, &line[length..]));
        }
        let (at, _) = self.calendar.short_date(line.get(..15)?)?;
        Some((at, &line[15..]))
    }
}

impl Grammar for MysqlError {
    type State = ();

    fn state(&self) -> &() {
        &()
    }

    fn restore(&mut self, (): ()) {}

    fn first(&mut self, line: &[u8]) -> First {
        self.dump = Dump::None;
        if !self.is_header(line) {
            return First::Skip;
        }
        if contains(line, deadlock::BEGIN) {
            self.dump = Dump::Open;
        }
        First::Begins
    }

    fn goes_on(&mut self, line: &[u8]) -> bool {
        match self.dump {
            Dump::Open if contains(line, deadlock::END) => self.dump = Dump::Done,
            // the server writes a dump as several lines with dates, all of them its own
            Dump::Open => return contains(line, b"InnoDB") || !self.is_header(line),
            Dump::None if line.starts_with(deadlock::BEGIN) => self.dump = Dump::Open,
            Dump::None | Dump::Done => return !self.is_header(line),
        }
        true
    }

    fn is_header(&mut self, line: &[u8]) -> bool {
        line.first().is_some_and(u8::is_ascii_digit) && self.header(line).is_some()
    }

    fn is_open(&self) -> bool {
        self.dump == Dump::Open
    }

    fn tell(&mut self, record: &[u8], tell: &mut dyn FnMut(Entry<'_>)) {
        let first = record.split(|b| *b == b'\n').next().unwrap_or_default();
        let Some(header) = self.header(first.trim_ascii_end()) else {
            return;
        };
        let at = header.at;
        if self.dump != Dump::None
            && let Some(found) = deadlock::read(record, |line| self.is_header(line))
        {
            tell(Entry {
                sql: found.victim.into(),
                end: Some(at),
                database: found.database.into(),
                error: Some(Box::new(found.error)),
                ..Entry::default()
            });
            return;
        }
        if let Some(crash) = crash::read(header.text, record) {
            // the recovery that follows is of the same crash, and may be told in two lines
            if std::mem::replace(&mut self.crashed, true) && crash.is_recovery {
                return;
            }
            tell(Entry {
                sql: crash.sql.into(),
                end: Some(at),
                error: Some(Box::new(error(
                    ErrorClass::Crash,
                    &crash.code,
                    crash.message,
                ))),
                ..Entry::default()
            });
            return;
        }
        if memmem::find(header.text, b": ready for connections").is_some() {
            self.crashed = false;
        }
        if let Some(entry) = aborted(&header).or_else(|| failure(&header)) {
            tell(entry);
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }
}

fn contains(line: &[u8], mark: &[u8]) -> bool {
    memmem::find(line, mark).is_some()
}

/// `Aborted connection 8 to db: 'shop' user: 'app' host: '10.0.0.7' (Got timeout reading communication packets)`.
fn aborted<'l>(header: &Header<'l>) -> Option<Entry<'l>> {
    let rest = header.text.strip_prefix(b"Aborted connection ")?;
    let reason = &rest[memmem::rfind(rest, b" (")? + 2..];
    // what looks whether the server is there, or says goodbye, has no error
    let (text, code) = BREAKS.iter().find(|(text, _)| reason.starts_with(text))?;
    let told = |name: &[u8], unknown: &[u8]| {
        let value = quoted(rest, name).filter(|value| *value != unknown);
        scan::name(value.unwrap_or_default())
    };
    let message = [b"Aborted connection (", *text, b")"].concat();
    Some(Entry {
        end: Some(header.at),
        database: told(b" db: '", b"unconnected"),
        user: told(b" user: '", b"unauthenticated"),
        client: told(b" host: '", b"connecting host"),
        error: Some(Box::new(error(class::of_code(code), code, &message))),
        ..Entry::default()
    })
}

fn failure<'l>(header: &Header<'l>) -> Option<Entry<'l>> {
    let text = &header.text[..header.text.len().min(MAX_MESSAGE_BYTES)];
    let known = phrases::find(text);
    if known.is_none() && !header.is_error {
        return None;
    }
    let code = match known {
        Some((_, code)) => Cow::Borrowed(code),
        None => number(header),
    };
    let class = class::of_code(&code);
    let client = (class == ErrorClass::Access).then(|| quoted(text, b"'@'"));
    Some(Entry {
        end: Some(header.at),
        client: scan::name(client.flatten().unwrap_or_default()),
        error: Some(Box::new(error(class, &code, text))),
        ..Entry::default()
    })
}

/// The number of the error that the server met, or else that of the message: `Error_code: 1062`, `[MY-010584]`.
fn number<'l>(header: &Header<'l>) -> Cow<'l, str> {
    for mark in [&b"rror_code: MY-"[..], b"rror_code: ", b"rror code: "] {
        let Some(at) = memmem::find(header.text, mark) else {
            continue;
        };
        if let Some((number, _)) = scan::leading_whole(&header.text[at + mark.len()..]) {
            return number.to_string().into();
        }
    }
    match header.number.and_then(scan::whole) {
        // numbers of messages that only the log has
        Some(number) if number >= 10_000 => format!("MY-{number:06}").into(),
        Some(number) => number.to_string().into(),
        None => "".into(),
    }
}

fn quoted<'l>(text: &'l [u8], mark: &[u8]) -> Option<&'l [u8]> {
    let rest = &text[memmem::find(text, mark)? + mark.len()..];
    Some(&rest[..memchr::memchr(b'\'', rest)?])
}

fn error(class: ErrorClass, code: &str, message: &[u8]) -> RawError {
    RawError {
        class,
        code: code.into(),
        message: RawSql::new(message),
        alone: true,
        ..RawError::default()
    }
}

#[cfg(test)]
mod tests;

//! Frames the records of `log_destination = jsonlog`: one object a line.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::csv::without_port;
use super::{Frame, MAX_STATEMENT_BYTES, Record, Severity, WINDOW_BYTES, message};
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Next, scan};

/// The keys that are read; the others are the columns of csvlog, which `CloudNativePG` writes as JSON. A collector may
/// write both.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Line<'a> {
    timestamp: Text<'a>,
    log_time: Text<'a>,
    user: Text<'a>,
    user_name: Text<'a>,
    dbname: Text<'a>,
    database_name: Text<'a>,
    pid: Whole,
    process_id: Whole,
    connection_from: Text<'a>,
    remote_host: Text<'a>,
    error_severity: Text<'a>,
    state_code: Text<'a>,
    sql_state_code: Text<'a>,
    message: Text<'a>,
    statement: Text<'a>,
    query: Text<'a>,
    detail: Text<'a>,
    context: Text<'a>,
}

/// A number, or what a collector made of one: a text, or null for none.
#[derive(Debug, Default, Clone, Copy)]
struct Whole(u32);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyWhole)
    }
}

struct AnyWhole;

impl Visitor<'_> for AnyWhole {
    type Value = Whole;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(u32::try_from(number).unwrap_or(0)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Whole, E> {
        Ok(Whole::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Whole, E> {
        Ok(Whole(text.parse().unwrap_or(0)))
    }

    fn visit_unit<E>(self) -> Result<Whole, E> {
        Ok(Whole::default())
    }
}

/// A text, or what a collector made of one: a number, or null for none.
#[derive(Debug, Default)]
struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    fn or(self, other: Self) -> Cow<'a, str> {
        if self.0.is_empty() { other.0 } else { self.0 }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText)
    }
}

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number or null")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(text.to_owned().into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(text.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Text(number.to_string().into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Text(number.to_string().into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }
}

/// Frames the record that `rest` starts with.
pub(super) fn frame<'a>(rest: &'a [u8], next: Next, calendar: &mut Calendar) -> Frame<'a> {
    let window = &rest[..rest.len().min(WINDOW_BYTES)];
    let full = rest.len() > WINDOW_BYTES;
    let length = match scan::line_length(window) {
        Some(length) => length,
        None if full => return large(window, calendar),
        None if next == Next::End => window.len(),
        None => return Frame::Wait,
    };
    let Some(record) = record(&window[..length], calendar) else {
        return Frame::Junk(length);
    };
    if record.severity == Severity::Note && !message::is_wanted(&record.message) {
        return Frame::Skip(length);
    }
    Frame::Record(record, length)
}

/// An object that does not end in the window: its keys up to the one that is too long are read.
fn large<'a>(window: &'a [u8], calendar: &mut Calendar) -> Frame<'a> {
    // leaves room for a character or an escape that the cut has split
    const SPLIT_BYTES: usize = 12;
    let cut = window.len().min(MAX_STATEMENT_BYTES);
    let text = String::from_utf8_lossy(&window[..cut]);
    for split in 0..SPLIT_BYTES {
        let Some(head) = text.get(..text.len().saturating_sub(split)) else {
            continue;
        };
        if let Some(record) = record(format!("{head}\"}}").as_bytes(), calendar) {
            let record = Record {
                truncated: true,
                ..owned(record)
            };
            return Frame::Large(record, window.len() - 1);
        }
    }
    Frame::Junk(window.len())
}

fn record<'a>(line: &'a [u8], calendar: &mut Calendar) -> Option<Record<'a>> {
    // looked at once as a whole, and not once more for each of its texts
    if let Ok(text) = std::str::from_utf8(line) {
        return convert(serde_json::from_str(text).ok()?, calendar);
    }
    // a server with `SQL_ASCII` databases writes what is not UTF-8
    let text = String::from_utf8_lossy(line);
    let line = serde_json::from_str::<Line<'_>>(&text).ok()?;
    convert(line, calendar).map(owned)
}

fn convert<'a>(line: Line<'a>, calendar: &mut Calendar) -> Option<Record<'a>> {
    let severity = match &*line.error_severity.0 {
        "" => return None,
        "ERROR" | "FATAL" | "PANIC" => Severity::Error,
        _ => Severity::Note,
    };
    let message = line.message.0;
    Some(Record {
        from: 0,
        pid: line.process_id.0.max(line.pid.0),
        at: calendar
            .date(line.timestamp.or(line.log_time).as_bytes())
            .map(|(at, _)| at),
        severity,
        truncated: message.len() > MAX_STATEMENT_BYTES,
        message: cut(message),
        statement: cut(line.statement.or(line.query)),
        detail: cut(line.detail.0),
        context: cut(line.context.0),
        code: bytes(line.state_code.or(line.sql_state_code)),
        user: bytes(line.user.or(line.user_name)),
        database: bytes(line.dbname.or(line.database_name)),
        client: client(line.remote_host.0, &line.connection_from.0),
        plan: None,
    })
}

/// The host, which the columns of csvlog tell with its port.
fn client<'a>(host: Cow<'a, str>, connection: &str) -> Cow<'a, [u8]> {
    if connection.is_empty() {
        return bytes(host);
    }
    without_port(connection.as_bytes()).to_vec().into()
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

fn cut(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match bytes(text) {
        Cow::Borrowed(text) => text[..text.len().min(MAX_STATEMENT_BYTES)].into(),
        Cow::Owned(mut text) => {
            text.truncate(MAX_STATEMENT_BYTES);
            text.into()
        }
    }
}

fn owned<'a>(record: Record<'_>) -> Record<'a> {
    Record {
        from: record.from,
        pid: record.pid,
        at: record.at,
        severity: record.severity,
        message: record.message.into_owned().into(),
        statement: record.statement.into_owned().into(),
        detail: record.detail.into_owned().into(),
        context: record.context.into_owned().into(),
        code: record.code.into_owned().into(),
        user: record.user.into_owned().into(),
        database: record.database.into_owned().into(),
        client: record.client.into_owned().into(),
        truncated: record.truncated,
        plan: None,
    }
}

//! Frames the records of `log_destination = jsonlog`: one object a line.

use std::borrow::Cow;

use serde::Deserialize;

use super::csv::without_port;
use super::{Frame, MAX_STATEMENT_BYTES, Record, Severity, WINDOW_BYTES, message};
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Next, scan};

/// The keys that are read; the others are the columns of csvlog, which `CloudNativePG` writes as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, alias = "log_time")]
    timestamp: Cow<'a, str>,
    #[serde(borrow, alias = "user_name")]
    user: Cow<'a, str>,
    #[serde(borrow, alias = "database_name")]
    dbname: Cow<'a, str>,
    pid: u32,
    #[serde(borrow)]
    process_id: Cow<'a, str>,
    #[serde(borrow)]
    connection_from: Cow<'a, str>,
    #[serde(borrow)]
    remote_host: Cow<'a, str>,
    #[serde(borrow)]
    error_severity: Cow<'a, str>,
    #[serde(borrow, alias = "sql_state_code")]
    state_code: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow, alias = "query")]
    statement: Cow<'a, str>,
    #[serde(borrow)]
    detail: Cow<'a, str>,
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
    if let Ok(line) = serde_json::from_slice::<Line<'_>>(line) {
        return convert(line, calendar);
    }
    // a server with `SQL_ASCII` databases writes what is not UTF-8
    let Cow::Owned(text) = String::from_utf8_lossy(line) else {
        return None;
    };
    let line = serde_json::from_str::<Line<'_>>(&text).ok()?;
    convert(line, calendar).map(owned)
}

fn convert<'a>(line: Line<'a>, calendar: &mut Calendar) -> Option<Record<'a>> {
    let severity = match &*line.error_severity {
        "" => return None,
        "ERROR" | "FATAL" | "PANIC" => Severity::Error,
        _ => Severity::Note,
    };
    Some(Record {
        from: 0,
        pid: match line.process_id.parse() {
            Ok(pid) => pid,
            Err(_) => line.pid,
        },
        at: calendar.date(line.timestamp.as_bytes()).map(|(at, _)| at),
        severity,
        truncated: line.message.len() > MAX_STATEMENT_BYTES,
        message: cut(line.message),
        statement: cut(line.statement),
        detail: cut(line.detail),
        code: bytes(line.state_code),
        user: bytes(line.user),
        database: bytes(line.dbname),
        client: client(line.remote_host, &line.connection_from),
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
        code: record.code.into_owned().into(),
        user: record.user.into_owned().into(),
        database: record.database.into_owned().into(),
        client: record.client.into_owned().into(),
        truncated: record.truncated,
    }
}

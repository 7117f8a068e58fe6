//! Frames the records of `log_destination = csvlog`.

use std::borrow::Cow;

use super::prefix::known;
use super::{Frame, MAX_STATEMENT_BYTES, Record, Severity, WINDOW_BYTES, message};
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Next, scan};

// columns, as the manual lists them
const TIME: usize = 0;
const USER: usize = 1;
const DATABASE: usize = 2;
const PID: usize = 3;
const CLIENT: usize = 4;
const SEVERITY: usize = 11;
const CODE: usize = 12;
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
const CONTEXT: usize = 18;
const QUERY: usize = 19;

/// PostgreSQL 9.0 writes 23 columns, 14 and later 26; only these are read.
const COLUMNS: usize = QUERY + 1;

/// Length of `2026-11-21 19:26:58`.
const DATE_BYTES: usize = 19;

/// Raw fields, quotes and all.
type Row<'a> = [&'a [u8]; COLUMNS];

/// What a row came to.
enum Scanned<'a> {
    /// After so many bytes.
    Whole(Row<'a>, usize),
    /// Not in the window, in this column.
    Open(Row<'a>, usize),
    /// A quote is where none may be.
    Broken,
}

/// Whether `text` starts with the date that starts a record; `None` when it is too short to tell.
pub(super) fn starts_record(text: &[u8]) -> Option<bool> {
    const SHAPE: &[u8; DATE_BYTES] = b"0000-00-00 00:00:00";
    for (index, shape) in SHAPE.iter().enumerate() {
        let byte = text.get(index)?;
        let fits = if *shape == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == shape
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a line looks like the first of a record.
pub(in crate::ingest::slow_log) fn looks_like_csv(line: &[u8]) -> bool {
    let row = match scan_row(line) {
        Scanned::Whole(row, _) | Scanned::Open(row, _) => row,
        Scanned::Broken => return false,
    };
    starts_record(line) == Some(true) && severity(row[SEVERITY]).is_some()
}

/// Frames the record that `rest` starts with.
pub(super) fn frame<'a>(rest: &'a [u8], next: Next, calendar: &mut Calendar) -> Frame<'a> {
    let window = &rest[..rest.len().min(WINDOW_BYTES)];
    let full = rest.len() > WINDOW_BYTES;
    match starts_record(window) {
        Some(true) => {}
        None if next != Next::End => return Frame::Wait,
        _ => return junk(window, full, next),
    }
    match scan_row(window) {
        Scanned::Whole(row, length) => match record(&row, calendar) {
            Some(record)
                if record.severity == Severity::Note && !message::is_wanted(&record.message) =>
            {
                Frame::Skip(length)
            }
            Some(record) => Frame::Record(record, length),
            None => junk(window, full, next),
        },
        Scanned::Broken => junk(window, full, next),
        Scanned::Open(..) if !full && next != Next::End => Frame::Wait,
        Scanned::Open(row, column) => match record(&row, calendar) {
            // a record that was cut behind its statement is whole enough
            Some(record) if column >= MESSAGE => {
                let record = Record {
                    truncated: column == MESSAGE,
                    ..record
                };
                if full {
                    Frame::Large(record, window.len() - 1)
                } else {
                    Frame::Record(record, window.len())
                }
            }
            _ => junk(window, full, next),
        },
    }
}

/// One line that is no record.
fn junk<'a>(window: &[u8], full: bool, next: Next) -> Frame<'a> {
    match scan::line_length(window) {
        Some(length) => Frame::Junk(length),
        None if full || next == Next::End => Frame::Junk(window.len()),
        None => Frame::Wait,
    }
}

/// Splits the row that `text` starts with.
fn scan_row(text: &[u8]) -> Scanned<'_> {
    let mut row: Row<'_> = [b""; COLUMNS];
    let mut at = 0;
    let mut column = 0;
    loop {
        let Some(length) = field_length(&text[at..]) else {
            set(&mut row, column, &text[at..]);
            return Scanned::Open(row, column);
        };
        set(&mut row, column, &text[at..at + length]);
        at += length;
        match text.get(at) {
            Some(b',') => {
                at += 1;
                column += 1;
            }
            Some(b'\n') => return Scanned::Whole(row, at + 1),
            Some(b'\r') if text.get(at + 1) == Some(&b'\n') => return Scanned::Whole(row, at + 2),
            None | Some(b'\r') => return Scanned::Open(row, column),
            Some(_) => return Scanned::Broken,
        }
    }
}

fn set<'a>(row: &mut Row<'a>, column: usize, field: &'a [u8]) {
    if let Some(place) = row.get_mut(column) {
        *place = field;
    }
}

/// Length of a field with its quotes; `None` when its quote does not close.
fn field_length(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        let end = memchr::memchr3(b',', b'\n', b'\r', text);
        return Some(end.unwrap_or(text.len()));
    }
    let mut at = 1;
    loop {
        at += memchr::memchr(b'"', &text[at..])? + 1;
        if text.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

fn record<'a>(row: &Row<'a>, calendar: &mut Calendar) -> Option<Record<'a>> {
    let severity = severity(row[SEVERITY])?;
    let (at, _) = calendar.date(row[TIME])?;
    let text = row[MESSAGE];
    let client = match unquoted(row[CLIENT]) {
        Cow::Borrowed(client) => without_port(client).into(),
        Cow::Owned(client) => without_port(&client).to_vec().into(),
    };
    Some(Record {
        from: 0,
        pid: scan::whole(row[PID])
            .and_then(|pid| u32::try_from(pid).ok())
            .unwrap_or(0),
        at: Some(at),
        severity,
        message: unquoted(text),
        statement: unquoted(row[QUERY]),
        detail: unquoted(row[DETAIL]),
        context: unquoted(row[CONTEXT]),
        code: unquoted(row[CODE]),
        user: name(row[USER]),
        database: name(row[DATABASE]),
        client,
        truncated: text.len() > MAX_STATEMENT_BYTES,
        plan: None,
    })
}

fn name(field: &[u8]) -> Cow<'_, [u8]> {
    match unquoted(field) {
        Cow::Borrowed(name) => known(name).into(),
        owned @ Cow::Owned(_) => owned,
    }
}

/// `127.0.0.1:58786` or `[local]`.
pub(super) fn without_port(client: &[u8]) -> &[u8] {
    memchr::memrchr(b':', client).map_or(client, |colon| &client[..colon])
}

fn severity(word: &[u8]) -> Option<Severity> {
    Some(match word {
        b"LOG" | b"WARNING" | b"NOTICE" | b"INFO" => Severity::Note,
        b"ERROR" | b"FATAL" | b"PANIC" => Severity::Error,
        word if word.starts_with(b"DEBUG") => Severity::Note,
        _ => return None,
    })
}

/// A field without its quotes, cut where a statement is cut.
fn unquoted(field: &[u8]) -> Cow<'_, [u8]> {
    let field = &field[..field.len().min(MAX_STATEMENT_BYTES)];
    let Some(inner) = field.strip_prefix(b"\"") else {
        return field.into();
    };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let Some(first) = memchr::memchr(b'"', inner) else {
        return inner.into();
    };
    let mut text = Vec::with_capacity(inner.len());
    text.extend_from_slice(&inner[..first]);
    let mut rest = &inner[first..];
    while let Some(quote) = memchr::memchr(b'"', rest) {
        text.extend_from_slice(&rest[..=quote]);
        let behind = &rest[quote + 1..];
        rest = behind.strip_prefix(b"\"").unwrap_or(behind);
    }
    text.extend_from_slice(rest);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_quotes_are_one() {
        assert_eq!(&*unquoted(br#""a ""b"" c""#), br#"a "b" c"#);
        assert_eq!(&*unquoted(b"plain"), b"plain");
        assert_eq!(&*unquoted(b"\"\""), b"");
    }

    #[test]
    fn a_field_may_hold_lines_and_commas() {
        let Scanned::Whole(row, length) = scan_row(b"a,\"b,\n\"\"c\",d\nnext") else {
            panic!("the row is whole");
        };
        assert_eq!(row[1], b"\"b,\n\"\"c\"");
        assert_eq!(length, 13);
    }
}

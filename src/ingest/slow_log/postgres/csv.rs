//! Frames the records of `log_destination = csvlog`.

pub(super) mod usual;

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
#[derive(Debug, Default)]
struct Row<'a> {
    fields: [&'a [u8]; COLUMNS],
    /// The fields with doubled quotes in them, a bit each.
    doubled: u32,
}

/// A field and its end.
#[derive(Debug, Clone, Copy)]
struct Field {
    length: usize,
    /// It has doubled quotes in it.
    is_doubled: bool,
    /// It is quoted, and the quote does not close.
    is_open: bool,
}

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
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte == shape,
    };
    match text.first_chunk::<DATE_BYTES>() {
        Some(date) => Some(date.iter().zip(SHAPE).all(fits)),
        None if text.iter().zip(SHAPE).all(fits) => None,
        None => Some(false),
    }
}

/// Whether a line looks like the first of a record.
pub(in crate::ingest::slow_log) fn looks_like_csv(line: &[u8]) -> bool {
    let row = match scan_row(line) {
        Scanned::Whole(row, _) | Scanned::Open(row, _) => row,
        Scanned::Broken => return false,
    };
    starts_record(line) == Some(true) && severity(row.fields[SEVERITY]).is_some()
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
    let mut row = Row::default();
    let mut at = 0;
    let mut column = 0;
    loop {
        let field = field(&text[at..]);
        row.set(column, &text[at..at + field.length], field.is_doubled);
        at += field.length;
        if field.is_open {
            return Scanned::Open(row, column);
        }
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

impl<'a> Row<'a> {
    fn set(&mut self, column: usize, field: &'a [u8], is_doubled: bool) {
        if let Some(place) = self.fields.get_mut(column) {
            *place = field;
            self.doubled |= u32::from(is_doubled) << column;
        }
    }

    /// A field without its quotes, cut where a statement is cut.
    fn unquoted(&self, column: usize) -> Cow<'a, [u8]> {
        let field = self.fields[column];
        let field = &field[..field.len().min(MAX_STATEMENT_BYTES)];
        let Some(inner) = field.strip_prefix(b"\"") else {
            return field.into();
        };
        let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
        if self.doubled & (1 << column) == 0 {
            return inner.into();
        }
        undoubled(inner).into()
    }

    fn name(&self, column: usize) -> Cow<'a, [u8]> {
        match self.unquoted(column) {
            Cow::Borrowed(name) => known(name).into(),
            owned @ Cow::Owned(_) => owned,
        }
    }
}

/// Finds the end of a field with its quotes. Most are short or empty, so that a search takes longer than a look.
fn field(text: &[u8]) -> Field {
    let mut field = Field {
        length: text.len(),
        is_doubled: false,
        is_open: false,
    };
    if text.first() != Some(&b'"') {
        field.length = scan::find_soon_of([b',', b'\n', b'\r'], text).unwrap_or(text.len());
        return field;
    }
    let mut at = 1;
    while let Some(quote) = scan::find_soon(b'"', &text[at..]) {
        at += quote + 1;
        if text.get(at) != Some(&b'"') {
            field.length = at;
            return field;
        }
        field.is_doubled = true;
        at += 1;
    }
    field.is_open = true;
    field
}

fn record<'a>(row: &Row<'a>, calendar: &mut Calendar) -> Option<Record<'a>> {
    let severity = severity(row.fields[SEVERITY])?;
    let (at, _) = calendar.date(row.fields[TIME])?;
    let text = row.fields[MESSAGE];
    let client = match row.unquoted(CLIENT) {
        Cow::Borrowed(client) => without_port(client).into(),
        Cow::Owned(client) => without_port(&client).to_vec().into(),
    };
    Some(Record {
        from: 0,
        pid: scan::whole(row.fields[PID])
            .and_then(|pid| u32::try_from(pid).ok())
            .unwrap_or(0),
        at: Some(at),
        severity,
        message: row.unquoted(MESSAGE),
        statement: row.unquoted(QUERY),
        detail: row.unquoted(DETAIL),
        context: row.unquoted(CONTEXT),
        code: row.unquoted(CODE),
        user: row.name(USER),
        database: row.name(DATABASE),
        client,
        truncated: text.len() > MAX_STATEMENT_BYTES,
        plan: None,
    })
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

/// The same with one quote for two.
fn undoubled(text: &[u8]) -> Vec<u8> {
    let mut single = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(quote) = scan::find_soon(b'"', rest) {
        single.extend_from_slice(&rest[..=quote]);
        let behind = &rest[quote + 1..];
        rest = behind.strip_prefix(b"\"").unwrap_or(behind);
    }
    single.extend_from_slice(rest);
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unquoted(text: &[u8]) -> Vec<u8> {
        match scan_row(text) {
            Scanned::Whole(row, _) | Scanned::Open(row, _) => row.unquoted(0).into_owned(),
            Scanned::Broken => panic!("the row is not broken"),
        }
    }

    #[test]
    fn doubled_quotes_are_one() {
        assert_eq!(unquoted(br#""a ""b"" c""#), br#"a "b" c"#);
        assert_eq!(unquoted(br#""a ""b"" c"#), br#"a "b" c"#);
        assert_eq!(unquoted(b"plain"), b"plain");
        assert_eq!(unquoted(b"\"\""), b"");
    }

    #[test]
    fn a_row_starts_with_a_date() {
        assert_eq!(starts_record(b"2026-11-21 19:26:58.608"), Some(true));
        assert_eq!(starts_record(b"2026-11-21"), None);
        assert_eq!(starts_record(b"2026:11"), Some(false));
        assert_eq!(starts_record(b"2026-11-21T19:26:58.608"), Some(false));
    }

    #[test]
    fn a_field_may_hold_lines_and_commas() {
        let Scanned::Whole(row, length) = scan_row(b"a,\"b,\n\"\"c\",d\nnext") else {
            panic!("the row is whole");
        };
        assert_eq!(row.fields[1], b"\"b,\n\"\"c\"");
        assert_eq!(length, 13);
    }
}

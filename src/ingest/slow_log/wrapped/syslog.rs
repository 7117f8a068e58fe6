//! Lines of syslog: RFC 3164, RFC 5424, and what rsyslog and journald write with an ISO date.
//!
//! PostgreSQL numbers its messages and their parts, `[3-1]`, `[3-2]` (`syslog_sequence_numbers`): a part is a line of
//! the message, which begins with a tab but for the first, or the rest of a line that was too long
//! (`syslog_split_messages`), cut before a blank where there is one. Where control characters are escaped a tab comes as
//! `#011`, and the line ends of a message that was not split as `#012`.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::line::{split_word, stamp};
use super::pieces::{Joins, Part};
use super::year::Years;
use crate::ingest::slow_log::postgres::severity_of;
use crate::ingest::slow_log::scan;

/// Length of `#011`.
const ESCAPE_BYTES: usize = 4;

/// What stands before the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) date: &'a [u8],
    /// Process, or 0.
    pid: u32,
    tag: &'a [u8],
    text: &'a [u8],
}

/// Takes a part of a message out of a line.
pub(super) fn fragment<'a>(line: &'a [u8], years: &mut Years) -> Option<Part<'a>> {
    let head = head(line)?;
    let date = years.date(head.date);
    let (number, text) = numbered(head.text);
    let text = unescaped(text);
    let found = severity_of(scan::line_at(&text, 0).0);
    let is_line = text.first() == Some(&b'\t') || found.is_some();
    let begins = found.is_some_and(|parts| !parts.is_detail());
    let joins = match number {
        Some(1) => Joins::Begins,
        Some(_) => Joins::Always,
        None if begins => Joins::Begins,
        None => Joins::OrForeign,
    };
    let mut whole = Vec::with_capacity(text.len() + 40);
    if joins == Joins::Begins {
        whole.extend_from_slice(&date);
        whole.extend_from_slice(format!(" [{}] ", head.pid).as_bytes());
    } else if is_line {
        whole.push(b'\n');
    } else if number.is_none() && text.first() != Some(&b' ') {
        // a line was cut before a blank; this is another
        whole.extend_from_slice(b"\n\t");
    }
    whole.extend_from_slice(&text);
    Some(Part {
        source: 0,
        stream: u64::from(head.pid),
        text: Cow::Owned(whole),
        joins,
        is_open: true,
    })
}

/// Takes a line of a file out of a line.
pub(super) fn line(line: &[u8]) -> Option<Part<'_>> {
    let head = head(line)?;
    Some(Part {
        source: xxh3_64(head.tag),
        stream: 0,
        text: unescaped(head.text),
        joins: Joins::Begins,
        is_open: false,
    })
}

/// Reads what stands before the text; `None` for a line that is not of syslog.
pub(super) fn head(line: &[u8]) -> Option<Head<'_>> {
    let (rest, has_priority) = match line.first() {
        Some(b'<') => (
            &line[memchr::memchr(b'>', &line[..line.len().min(6)])? + 1..],
            true,
        ),
        _ => (line, false),
    };
    if let Some(rest) = rest.strip_prefix(b"1 ").filter(|_| has_priority) {
        return rfc5424(rest);
    }
    let length = match stamp(rest) {
        Some(length) => length,
        None => short_date(rest)?,
    };
    let (date, rest) = rest.split_at(length);
    // the host, then `postgres[24085]:`
    let (host, rest) = split_word(rest.strip_prefix(b" ")?.trim_ascii_start())?;
    let (tag, text) = split_word(rest).unwrap_or((rest, b""));
    let tag = tag.strip_suffix(b":")?;
    // rsyslog's imfile tells no process
    let (name, pid) = match memchr::memrchr(b'[', tag) {
        Some(open) => (
            &tag[..open],
            scan::whole(tag[open + 1..].strip_suffix(b"]")?)?,
        ),
        None => (tag, 0),
    };
    (!host.is_empty() && !name.is_empty()).then_some(Head {
        date,
        pid: u32::try_from(pid).ok()?,
        tag,
        text,
    })
}

/// `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`
fn rfc5424(text: &[u8]) -> Option<Head<'_>> {
    let (date, rest) = split_word(text)?;
    let (_host, rest) = split_word(rest)?;
    let (app, rest) = split_word(rest)?;
    let (pid, rest) = split_word(rest)?;
    let (_id, rest) = split_word(rest)?;
    let text = without_data(rest)?;
    Some(Head {
        date,
        pid: match pid {
            b"-" => 0,
            pid => u32::try_from(scan::whole(pid)?).ok()?,
        },
        tag: app,
        text: without_mark(text),
    })
}

/// The text without its mark of UTF-8, or without the blank that rsyslog leaves before what it got in the old form.
fn without_mark(text: &[u8]) -> &[u8] {
    let marked = text.strip_prefix(b"\xEF\xBB\xBF");
    marked.or(text.strip_prefix(b" ")).unwrap_or(text)
}

/// What stands behind `-` or `[id key="value"][...]`, whose quotes and brackets may be escaped.
fn without_data(text: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = text.strip_prefix(b"-") {
        return Some(rest.strip_prefix(b" ").unwrap_or(rest));
    }
    let (mut at, mut is_quoted) = (0, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => is_quoted = !is_quoted,
            b' ' if !is_quoted && at > 0 && text[at - 1] == b']' => return text.get(at + 1..),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Length of `Nov 21 19:26:58` or `Nov  1 19:26:58.123456`.
fn short_date(text: &[u8]) -> Option<usize> {
    const LENGTH: usize = 15;
    let head = text.get(..LENGTH)?;
    let fits = super::year::month(&head[..3]).is_some()
        && head[3] == b' '
        && head[6] == b' '
        && head[9] == b':'
        && head[12] == b':';
    let length = memchr::memchr(b' ', &text[LENGTH..])?;
    let is_digit = |b: &u8| b.is_ascii_digit();
    let has_fraction = |fraction: &[u8]| {
        fraction
            .split_first()
            .is_some_and(|(point, digits)| *point == b'.' && digits.iter().all(is_digit))
    };
    let fraction = &text[LENGTH..LENGTH + length];
    (fits && (fraction.is_empty() || has_fraction(fraction))).then_some(LENGTH + length)
}

/// `[3-1] text`: the number of the part.
fn numbered(text: &[u8]) -> (Option<u64>, &[u8]) {
    let read = || {
        let inner = text.strip_prefix(b"[")?;
        let close = memchr::memchr(b']', &inner[..inner.len().min(32)])?;
        let dash = memchr::memchr(b'-', &inner[..close])?;
        scan::whole(&inner[..dash])?;
        let part = scan::whole(&inner[dash + 1..close])?;
        let rest = &inner[close + 1..];
        Some((part, rest.strip_prefix(b" ").unwrap_or(rest)))
    };
    read().map_or((None, text), |(part, rest)| (Some(part), rest))
}

/// The text with its control characters, which come as `#` and three octal digits.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !memchr::memchr_iter(b'#', text).any(|at| control(&text[at..]).is_some()) {
        return text.into();
    }
    let mut whole = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'#', rest) {
        whole.extend_from_slice(&rest[..at]);
        let Some(byte) = control(&rest[at..]) else {
            whole.push(b'#');
            rest = &rest[at + 1..];
            continue;
        };
        whole.push(byte);
        rest = &rest[at + ESCAPE_BYTES..];
        if byte == b'\n' && !is_line(rest) {
            // as the server would write it to a file
            whole.push(b'\t');
        }
    }
    whole.extend_from_slice(rest);
    whole.into()
}

/// Whether what stands behind an escaped line end is a line as the server writes them: with its tab, or a detail.
fn is_line(rest: &[u8]) -> bool {
    let end = memchr::memmem::find(rest, b"#012").unwrap_or(rest.len());
    control(rest) == Some(b'\t') || severity_of(&rest[..end]).is_some()
}

/// The control character that `text` starts with, in the form `#011`.
fn control(text: &[u8]) -> Option<u8> {
    let [b'#', b'0', tens @ b'0'..=b'3', ones @ b'0'..=b'7', ..] = text else {
        return None;
    };
    Some((tens - b'0') * 8 + (ones - b'0'))
}

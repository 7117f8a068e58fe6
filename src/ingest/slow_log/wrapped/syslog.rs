//! Lines of syslog: RFC 3164, RFC 5424, and what rsyslog and journald write with an ISO date.
//!
//! PostgreSQL numbers its messages and their parts, `[3-1]`, `[3-2]` (`syslog_sequence_numbers`): a part is a line of
//! the message, which begins with a tab but for the first, or the rest of a line that was too long
//! (`syslog_split_messages`), cut before a blank where there is one. The tab comes as `#011` where control characters are escaped.

use std::borrow::Cow;

use super::line::{split_word, stamp};
use super::pieces::{Joins, Part};
use super::year::Years;
use crate::ingest::slow_log::postgres::severity_of;
use crate::ingest::slow_log::scan;

/// What stands before the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) date: &'a [u8],
    pid: u32,
    text: &'a [u8],
}

/// Takes a part of a message out of a line.
pub(super) fn fragment<'a>(line: &'a [u8], years: &mut Years) -> Option<Part<'a>> {
    let head = head(line)?;
    let date = years.date(head.date);
    let (number, text) = numbered(head.text);
    let text = unescaped(text);
    let found = severity_of(&text);
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
        stream: u64::from(head.pid),
        text: Cow::Owned(whole),
        joins,
        is_open: true,
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
    let open = memchr::memrchr(b'[', tag)?;
    let pid = scan::whole(tag[open + 1..].strip_suffix(b"]")?)?;
    (!host.is_empty() && open > 0).then_some(Head {
        date,
        pid: u32::try_from(pid).ok()?,
        text,
    })
}

/// `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`
fn rfc5424(text: &[u8]) -> Option<Head<'_>> {
    let (date, rest) = split_word(text)?;
    let (_host, rest) = split_word(rest)?;
    let (_app, rest) = split_word(rest)?;
    let (pid, rest) = split_word(rest)?;
    let (_id, rest) = split_word(rest)?;
    let text = without_data(rest)?;
    Some(Head {
        date,
        pid: u32::try_from(scan::whole(pid)?).ok()?,
        text: text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text),
    })
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

/// Length of `Nov 21 19:26:58` or `Nov  1 19:26:58`.
fn short_date(text: &[u8]) -> Option<usize> {
    const LENGTH: usize = 15;
    let head = text.get(..LENGTH)?;
    let fits = super::year::month(&head[..3]).is_some()
        && head[3] == b' '
        && head[6] == b' '
        && head[9] == b':'
        && head[12] == b':'
        && text.get(LENGTH) == Some(&b' ');
    fits.then_some(LENGTH)
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

/// The text with its tabs, which come as `#011`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    const TAB: &[u8] = b"#011";
    if memchr::memmem::find(text, TAB).is_none() {
        return text.into();
    }
    let mut whole = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, TAB) {
        whole.extend_from_slice(&rest[..at]);
        whole.push(b'\t');
        rest = &rest[at + TAB.len()..];
    }
    whole.extend_from_slice(rest);
    whole.into()
}

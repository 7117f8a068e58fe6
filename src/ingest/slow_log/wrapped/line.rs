//! What a log may be wrapped in, and how one line is taken out of it.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::document::Unit;
use super::pieces::{Joins, Part};
use super::year::Years;
use super::{document, json, syslog};
use crate::ingest::slow_log::postgres::severity_of;
use crate::ingest::slow_log::scan;

/// Lines that are looked at to tell a wrapping.
const MAX_LINES: usize = 100;

/// Length of `2026-11-21T19:26:58`.
const DATE_BYTES: usize = 19;

/// What a log is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest::slow_log) enum Wrapping {
    /// One JSON object a line, which holds a line or a message: Docker, Kubernetes, Cloud Logging, `CloudWatch`, Azure.
    Json,
    /// `2026-11-21T19:26:58.608123456Z stdout F text`: the log files of a Kubernetes node.
    Cri,
    /// The same objects in a document of several lines: a list, or one behind the other.
    Document,
    /// RFC 3164, RFC 5424, and the ISO dates of rsyslog and journald.
    Syslog,
    /// The same around lines of a file, as rsyslog's imfile ships them.
    SyslogLines,
    /// `2026-11-21T19:26:58.608Z text`: `kubectl logs --timestamps`, `CloudWatch` exports.
    Stamped,
    /// `postgres-1  | text`: `docker compose logs`; `[pod/db-0/mysql] text`: `kubectl logs --prefix`.
    Compose,
}

impl Wrapping {
    const ALL: [Self; 7] = [
        Self::Json,
        Self::Document,
        Self::Cri,
        Self::Syslog,
        Self::SyslogLines,
        Self::Stamped,
        Self::Compose,
    ];

    /// Takes what an outer line holds out of it; `None` when it cannot be read.
    pub(super) fn fragment<'a>(self, line: &'a [u8], years: &mut Years) -> Option<Part<'a>> {
        match self {
            Self::Json | Self::Document => json::fragment(line),
            Self::Cri => cri(line),
            Self::Syslog => syslog::fragment(line, years),
            Self::SyslogLines => syslog::line(line),
            // an event of several lines has one time stamp
            Self::Stamped => Some(whole(stamped(line).unwrap_or(line))),
            Self::Compose => Some(match compose(line) {
                Some((name, text)) => Part {
                    source: xxh3_64(name),
                    ..whole(text)
                },
                None => whole(line),
            }),
        }
    }

    /// Whether a line looks like this, and like nothing else.
    fn is_typical(self, line: &[u8]) -> bool {
        match self {
            Self::Json => json::fragment(line).is_some(),
            // not told by a line
            Self::Document => false,
            Self::Cri => cri(line).is_some(),
            Self::Syslog | Self::SyslogLines => syslog::head(line).is_some(),
            Self::Stamped => stamped(line).is_some_and(is_start),
            Self::Compose => compose(line).is_some(),
        }
    }
}

/// What the lines of `head` are wrapped in; `None` for a plain log.
pub(in crate::ingest::slow_log) fn wrapping_of(head: &[u8]) -> Option<Wrapping> {
    wrappings_of(head).next()
}

/// What the lines of `head` may be wrapped in, the likeliest first.
pub(in crate::ingest::slow_log) fn wrappings_of(head: &[u8]) -> impl Iterator<Item = Wrapping> {
    let lines = || {
        head.split(|b| *b == b'\n')
            .map(without_return)
            .filter(|line| !line.iter().all(|b| *b == 0))
            .take(MAX_LINES)
    };
    let all = lines().count();
    Wrapping::ALL.into_iter().filter(move |wrapping| {
        if *wrapping == Wrapping::Document {
            return document::is_document(head);
        }
        let first_is = lines().next().is_some_and(|l| wrapping.is_typical(l));
        let typical = lines().filter(|line| wrapping.is_typical(line)).count();
        let is_sparse = *wrapping == Wrapping::Stamped && first_is;
        typical > 0 && (2 * typical > all || is_sparse)
    })
}

/// What `head` holds without its wrapping, to tell the format by.
pub(in crate::ingest::slow_log) fn unwrapped(wrapping: Wrapping, head: &[u8]) -> Vec<u8> {
    let mut years = Years::default();
    let mut text = Vec::with_capacity(head.len());
    for unit in units(wrapping, head) {
        if let Some(part) = wrapping.fragment(without_return(unit), &mut years) {
            text.extend_from_slice(&part.text);
            if !part.text.ends_with(b"\n") {
                text.push(b'\n');
            }
        }
    }
    text
}

/// The lines of `head`, or the objects of a document.
fn units(wrapping: Wrapping, head: &[u8]) -> Vec<&[u8]> {
    if wrapping != Wrapping::Document {
        return head.split(|b| *b == b'\n').collect();
    }
    let (mut objects, mut at) = (Vec::new(), 0);
    while at < head.len() {
        match document::next(&head[at..]) {
            Unit::Gap(length) => at += length,
            Unit::Object(length) => {
                objects.push(&head[at..at + length]);
                at += length;
            }
            Unit::Open => break,
        }
    }
    objects
}

/// A line without the carriage return of a Windows line end; its blanks and tabs are its own.
pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line that needs no other.
fn whole(text: &[u8]) -> Part<'_> {
    Part {
        source: 0,
        stream: 0,
        text: text.into(),
        joins: Joins::Begins,
        is_open: false,
    }
}

/// `2026-11-21T19:26:58.608123456Z stdout F text`; `P` says that the next one goes on.
fn cri(line: &[u8]) -> Option<Part<'_>> {
    let rest = line[stamp(line)?..].strip_prefix(b" ")?;
    let (stream, rest) = split_word(rest)?;
    let is_stream = matches!(stream, b"stdout" | b"stderr");
    let (tags, text) = split_word(rest).unwrap_or((rest, b""));
    let tag = tags.split(|b| *b == b':').next()?;
    (is_stream && matches!(tag, b"F" | b"P")).then(|| Part {
        source: 0,
        stream: u64::from(stream == b"stderr"),
        text: text.into(),
        joins: Joins::IfOpen,
        is_open: tag == b"P",
    })
}

/// What stands behind `2026-11-21T19:26:58.608Z `.
fn stamped(line: &[u8]) -> Option<&[u8]> {
    line[stamp(line)?..].strip_prefix(b" ")
}

/// Whether a text begins a record of some log: without it, a time stamp in front may be the log's own.
fn is_start(text: &[u8]) -> bool {
    let date = text.first_chunk::<5>();
    let is_dated = date.is_some_and(|d| d[..4].iter().all(u8::is_ascii_digit) && d[4] == b'-');
    text.starts_with(b"# ") || (is_dated && severity_of(text).is_some())
}

/// `postgres-1  | text` or `[pod/db-0/mysql] text`, as the name and the text.
fn compose(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const LONGEST_NAME: usize = 64;
    const LONGEST_POD: usize = 512;
    if let Some(inner) = line.strip_prefix(b"[pod/") {
        let end = memchr::memchr(b']', &inner[..inner.len().min(LONGEST_POD)])?;
        let text = &inner[end + 1..];
        return Some((&inner[..end], text.strip_prefix(b" ").unwrap_or(text)));
    }
    let bar = memchr::memchr(b'|', &line[..line.len().min(LONGEST_NAME)])?;
    let name = line[..bar].strip_suffix(b" ")?.trim_ascii_end();
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || !name.iter().all(is_name) {
        return None;
    }
    let text = &line[bar + 1..];
    Some((name, text.strip_prefix(b" ").unwrap_or(text)))
}

/// Length of the RFC 3339 time stamp, with its `T`, that a line starts with.
pub(super) fn stamp(line: &[u8]) -> Option<usize> {
    let head = line.get(..DATE_BYTES)?;
    let fits = head.iter().enumerate().all(|(index, byte)| match index {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    if !fits {
        return None;
    }
    let rest = &line[DATE_BYTES..];
    let length = memchr::memchr(b' ', rest)?;
    let zone = &rest[..length];
    let is_zone =
        |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'+' | b'-' | b':' | b'Z');
    zone.iter().all(is_zone).then_some(DATE_BYTES + length)
}

/// The first word, and what stands behind the blank after it.
pub(super) fn split_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr::memchr(b' ', text)?;
    Some((&text[..blank], &text[blank + 1..]))
}

/// The lines of a message, as PostgreSQL writes them to a file: further lines start with a tab, which transports
/// that know messages take off.
pub(super) fn with_tabs(message: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let Some(first) = scan::line_length(&message).filter(|end| *end < message.len()) else {
        return message;
    };
    let Some(shape) = severity_of(&message[..first]).map(|parts| parts.shape(&message)) else {
        return message;
    };
    let mut text = message[..first].to_vec();
    for line in message[first..].split_inclusive(|b| *b == b'\n') {
        let is_own = line.first() == Some(&b'\t')
            || severity_of(line).is_some_and(|parts| parts.shape(line) == shape);
        if !is_own {
            text.push(b'\t');
        }
        text.extend_from_slice(line);
    }
    text.into()
}

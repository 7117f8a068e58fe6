//! Frames the records of `log_destination = stderr`, whatever their prefix.
//!
//! ```text
//! PREFIX ERROR:  message        first line: has a severity
//! <tab>more of the message      any number of lines that start with a tab
//! PREFIX DETAIL:  ...           lines of the same report, each with its own continuation
//! PREFIX STATEMENT:  ...
//! ```

use std::borrow::Cow;

use super::prefix::{Prefix, is_code};
use super::{Frame, MAX_STATEMENT_BYTES, Record, Severity, WINDOW_BYTES, message};
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Next, scan};

/// A severity stands within this part of a line: a prefix is short.
const MAX_PREFIX_BYTES: usize = 1024;

/// What stands behind a severity.
const COLON: &[u8] = b":  ";

/// The parts of a first line.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest::slow_log) struct Parts {
    /// Where the prefix ends.
    prefix: usize,
    severity: Severity,
    pub(super) is_log: bool,
    /// `DETAIL`.
    explains: bool,
    /// `CONTEXT`.
    is_context: bool,
    /// Where the message starts.
    pub(super) message: usize,
}

impl Parts {
    /// The prefix of the line that these are the parts of.
    pub(super) fn prefix(self, line: &[u8]) -> &[u8] {
        line.get(..self.prefix).unwrap_or_default()
    }

    /// The same without its digits, which differ from record to record of one process.
    pub(in crate::ingest::slow_log) fn shape(self, line: &[u8]) -> Vec<u8> {
        let is_kept = |b: &u8| !b.is_ascii_digit();
        self.prefix(line).iter().copied().filter(is_kept).collect()
    }

    /// Whether it is part of the record before it.
    pub(in crate::ingest::slow_log) fn is_detail(self) -> bool {
        matches!(self.severity, Severity::Statement | Severity::Detail)
    }
}

/// Finds the severity of a line; `None` for a line that has none, as the lines that continue another.
pub(in crate::ingest::slow_log) fn severity_of(line: &[u8]) -> Option<Parts> {
    if line.first() == Some(&b'\t') {
        return None;
    }
    let head = &line[..line.len().min(MAX_PREFIX_BYTES)];
    // none of the colons in a date stands behind a severity
    let from = if starts_with_date(head) { 19 } else { 0 };
    let mut colons = memchr::memchr_iter(b':', &head[from..]);
    colons.find_map(|colon| {
        let colon = from + colon;
        if !head[colon..].starts_with(COLON) {
            return None;
        }
        let letters = head[..colon]
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            .count();
        let (word, severity) = last_word(&head[colon - letters..colon])?;
        Some(Parts {
            prefix: colon - word.len(),
            severity,
            is_log: word == b"LOG",
            explains: word == b"DETAIL",
            is_context: word == b"CONTEXT",
            message: colon + COLON.len(),
        })
    })
}

/// The severity that `letters` end with: a prefix without a blank at its end touches it, `worker1LOG`.
fn last_word(letters: &[u8]) -> Option<(&[u8], Severity)> {
    const LONGEST: usize = b"STATEMENT".len();
    let from = letters.len().saturating_sub(LONGEST);
    (from..letters.len()).find_map(|at| Some((&letters[at..], severity(&letters[at..])?)))
}

/// `log_error_verbosity = verbose` writes the SQLSTATE before the message: `00000: duration: 1 ms ...`.
pub(super) fn verbose(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (code, message) = (text.get(..5)?, text.get(5..)?.strip_prefix(b": ")?);
    let is_note = code.starts_with(b"0") && code.iter().all(u8::is_ascii_alphanumeric);
    (is_note || is_code(code)).then_some((code, message))
}

/// `2026-11-21 19:26:58`
fn starts_with_date(head: &[u8]) -> bool {
    let is_date = |date: &[u8; 19]| {
        let marks = [date[4], date[7], date[10], date[13], date[16]];
        let digits = [date[0], date[14], date[17]];
        marks == *b"-- ::" && digits.iter().all(u8::is_ascii_digit)
    };
    head.first_chunk().is_some_and(is_date)
}

fn severity(word: &[u8]) -> Option<Severity> {
    Some(match word {
        b"LOG" | b"WARNING" | b"NOTICE" | b"INFO" | b"DEBUG" => Severity::Note,
        b"DEBUG1" | b"DEBUG2" | b"DEBUG3" | b"DEBUG4" | b"DEBUG5" => Severity::Note,
        b"ERROR" | b"FATAL" | b"PANIC" => Severity::Error,
        b"STATEMENT" => Severity::Statement,
        b"DETAIL" | b"HINT" | b"CONTEXT" | b"QUERY" | b"LOCATION" | b"BACKTRACE" => {
            Severity::Detail
        }
        _ => return None,
    })
}

/// What follows some lines.
enum Tail {
    /// They end here.
    At(usize),
    /// They do not end in the window.
    Large,
    Wait,
}

/// What stands behind the message of a report.
#[derive(Debug, Default)]
struct Report<'a> {
    statement: &'a [u8],
    explained: &'a [u8],
    context: &'a [u8],
    end: usize,
    /// It does not end in the window.
    large: bool,
    /// The parts of the line behind it.
    ahead: Option<Parts>,
}

impl Report<'_> {
    fn large(end: usize) -> Self {
        Self {
            end,
            large: true,
            ..Self::default()
        }
    }
}

/// What the line behind some lines is.
enum Behind {
    /// Of the report before it, with the lines that continue it: it ends here.
    Detail(Parts, usize),
    /// Another record's; its parts, where it has any and they will not change when more bytes come.
    Other(Option<Parts>),
}

/// Frames the record that `rest` starts with, which starts at the byte `from` of the file.
pub(super) fn frame<'a>(
    rest: &'a [u8],
    from: u64,
    next: Next,
    prefix: &mut Prefix,
    calendar: &mut Calendar,
) -> Frame<'a> {
    let lines = Lines {
        window: &rest[..rest.len().min(WINDOW_BYTES)],
        full: rest.len() > WINDOW_BYTES,
        next,
    };
    let (first, large) = match lines.text_end(0) {
        Tail::At(end) => (end, false),
        Tail::Large => (lines.window.len() - 1, true),
        Tail::Wait => return Frame::Wait,
    };
    let known = prefix.take_ahead(from);
    let Some(parts) = known.or_else(|| severity_of(&lines.window[..first])) else {
        return Frame::Junk(line_end(lines.window).min(first));
    };
    if parts.is_detail() {
        // the record they belong to is before the first byte of this file
        return if large {
            Frame::Junk(first)
        } else {
            Frame::Skip(first)
        };
    }
    let text = &lines.window[parts.message.min(first)..first];
    let (code, text) = verbose(text).unwrap_or((b"", text));
    let report = if large {
        Report::large(first)
    } else if let Some(report) = lines.report(first) {
        report
    } else {
        return Frame::Wait;
    };
    let Report {
        statement,
        explained,
        context,
        mut end,
        large,
        ahead,
    } = report;
    prefix.ahead = ahead.map(|parts| (from + end as u64, parts));
    if large {
        end = lines.window.len() - 1;
    } else if parts.is_log && !message::is_wanted(text) {
        return unwanted(text, end);
    }
    let mut record = record(parts, (rest, text, statement), prefix, calendar);
    record.detail = joined(explained);
    record.context = joined(context);
    if !code.is_empty() {
        record.code = code.into();
    }
    if large {
        record.truncated = true;
        return Frame::Large(record, end);
    }
    Frame::Record(record, end)
}

/// A message that tells nothing of statements; a time in another language would, and is counted.
fn unwanted<'a>(text: &[u8], end: usize) -> Frame<'a> {
    if message::is_duration_of_another_language(text) {
        return Frame::Junk(end);
    }
    Frame::Skip(end)
}

fn line_end(text: &[u8]) -> usize {
    scan::line_length(text).unwrap_or(text.len())
}

fn record<'a>(
    parts: Parts,
    (line, text, statement): (&'a [u8], &'a [u8], &'a [u8]),
    prefix: &mut Prefix,
    calendar: &mut Calendar,
) -> Record<'a> {
    let fields = prefix.read(parts.prefix(line), calendar);
    Record {
        from: 0,
        pid: fields.pid,
        at: fields.at,
        severity: parts.severity,
        message: joined(text),
        statement: joined(statement),
        detail: Cow::default(),
        context: Cow::default(),
        code: fields.code.into(),
        user: fields.user.into(),
        database: fields.database.into(),
        client: fields.client.into(),
        truncated: text.len() > MAX_STATEMENT_BYTES,
    }
}

/// The message without the tab that PostgreSQL puts at the start of each further line. A plan in JSON keeps them:
/// between its values they are white space, and in its strings there is no line end.
fn joined(text: &[u8]) -> Cow<'_, [u8]> {
    let text = &text[..text.len().min(MAX_STATEMENT_BYTES)];
    let text = text.trim_ascii_end();
    let mut ends = memchr::memchr_iter(b'\n', text).peekable();
    if ends.peek().is_none() || message::is_json_plan(text) {
        return text.into();
    }
    let mut whole = Vec::with_capacity(text.len());
    let mut start = 0;
    for end in ends.map(|end| end + 1).chain([text.len()]) {
        let line = &text[start..end];
        whole.extend_from_slice(line.strip_prefix(b"\t").unwrap_or(line));
        start = end;
    }
    whole.into()
}

/// The lines of a buffer.
struct Lines<'a> {
    window: &'a [u8],
    full: bool,
    next: Next,
}

impl<'a> Lines<'a> {
    /// Finds the end of the line at `at` and of those that continue it.
    fn text_end(&self, at: usize) -> Tail {
        let mut end = at;
        loop {
            match scan::line_length(&self.window[end..]) {
                Some(length) => end += length,
                None if self.full => return Tail::Large,
                None if self.next == Next::End => return Tail::At(self.window.len()),
                None => return Tail::Wait,
            }
            match self.window.get(end) {
                Some(b'\t') => {}
                Some(_) => return Tail::At(end),
                None if self.full => return Tail::Large,
                None if self.next == Next::More => return Tail::Wait,
                None => return Tail::At(end),
            }
        }
    }

    /// Reads the details of the report whose message ends at `first`; `None` when more bytes are needed.
    fn report(&self, first: usize) -> Option<Report<'a>> {
        let mut report = Report {
            end: first,
            ..Report::default()
        };
        loop {
            let at = report.end;
            match self.behind(at) {
                Ok(Behind::Detail(detail, behind)) => {
                    let text = &self.window[(at + detail.message).min(behind)..behind];
                    if detail.severity == Severity::Statement {
                        report.statement = text;
                    } else if detail.explains {
                        report.explained = text;
                    } else if detail.is_context {
                        report.context = text;
                    }
                    report.end = behind;
                }
                Ok(Behind::Other(ahead)) => {
                    report.ahead = ahead;
                    return Some(report);
                }
                Err(Tail::Large) => {
                    report.large = true;
                    return Some(report);
                }
                Err(Tail::Wait | Tail::At(_)) => return None,
            }
        }
    }

    /// Reads the line at `at`, which may belong to the report before it.
    fn behind(&self, at: usize) -> Result<Behind, Tail> {
        let rest = &self.window[at..];
        let line = &rest[..line_end(rest)];
        let may_go_on = !line.ends_with(b"\n") && line.len() < MAX_PREFIX_BYTES;
        let waits = may_go_on && self.next != Next::End;
        if waits && !(line.is_empty() && self.next == Next::Quiet) {
            return Err(if self.full { Tail::Large } else { Tail::Wait });
        }
        let parts = severity_of(line);
        let Some(detail) = parts.filter(|parts| parts.is_detail()) else {
            return Ok(Behind::Other(parts.filter(|_| !may_go_on)));
        };
        match self.text_end(at) {
            Tail::At(end) => Ok(Behind::Detail(detail, end)),
            tail => Err(tail),
        }
    }
}

//! Finds the lines of a report: its message, and the details behind it, each with the lines that continue it.

use std::borrow::Cow;

use super::level::{Level, MAX_PREFIX_BYTES, Parts};
use super::prefix::Prefix;
use super::{MAX_STATEMENT_BYTES, Next};
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;

/// What follows some lines.
pub(super) enum Tail {
    /// They end here.
    At(Text),
    /// They do not end in the window.
    Large,
    Wait,
}

/// Where a line ends, with those that continue it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    pub(super) end: usize,
    /// None continues it.
    pub(super) is_line: bool,
}

impl Text {
    /// Several lines, perhaps.
    pub(super) fn lines(end: usize) -> Self {
        Self {
            end,
            is_line: false,
        }
    }
}

/// What a line and those that continue it say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub(super) text: &'a [u8],
    /// It is known to be one line.
    pub(super) is_line: bool,
}

impl<'a> Said<'a> {
    /// The same without the tab that PostgreSQL puts at the start of each further line.
    #[inline]
    pub(super) fn joined(self) -> Cow<'a, [u8]> {
        if self.text.is_empty() {
            return Cow::default();
        }
        let text = &self.text[..self.text.len().min(MAX_STATEMENT_BYTES)];
        let text = text.trim_ascii_end();
        if self.is_line {
            return text.into();
        }
        without_tabs(text)
    }
}

/// Lines without the tab at the start of each but the first.
pub(super) fn without_tabs(text: &[u8]) -> Cow<'_, [u8]> {
    let mut ends = memchr::memchr_iter(b'\n', text).peekable();
    if ends.peek().is_none() {
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

/// What stands behind the message of a report.
#[derive(Debug, Default)]
pub(super) struct Report<'a> {
    pub(super) statement: Said<'a>,
    pub(super) explained: Said<'a>,
    pub(super) context: Said<'a>,
    pub(super) end: usize,
    /// It does not end in the window.
    pub(super) is_large: bool,
    /// The parts of the line behind it, and its length.
    pub(super) ahead: Option<(Parts, usize)>,
}

impl Report<'_> {
    pub(super) fn large(end: usize) -> Self {
        Self {
            end,
            is_large: true,
            ..Self::default()
        }
    }
}

/// What the line behind some lines is.
enum Behind {
    /// Of the report before it, with the lines that continue it.
    Detail(Parts, Text),
    /// Another record's; its parts and its length, where it has any and they will not change when more bytes come.
    Other(Option<(Parts, usize)>),
}

/// The lines of a buffer.
pub(super) struct Lines<'a> {
    pub(super) window: &'a [u8],
    pub(super) full: bool,
    pub(super) next: Next,
}

impl<'a> Lines<'a> {
    /// Finds the end of the line at `at`, whose length may be known, and of those that continue it.
    pub(super) fn text_end(&self, at: usize, length: Option<usize>) -> Tail {
        let mut end = at;
        let mut known = length;
        let mut is_line = true;
        loop {
            let length = known.take();
            match length.or_else(|| scan::line_length(&self.window[end..])) {
                Some(length) => end += length,
                None if self.full => return Tail::Large,
                None if self.next == Next::End => {
                    let end = self.window.len();
                    return Tail::At(Text { end, is_line });
                }
                None => return Tail::Wait,
            }
            match self.window.get(end) {
                Some(b'\t') => is_line = false,
                None if self.full => return Tail::Large,
                None if self.next == Next::More => return Tail::Wait,
                _ => return Tail::At(Text { end, is_line }),
            }
        }
    }

    /// Reads the details of the report whose first line has these parts, and whose message ends at `first`; `None` when
    /// more bytes are needed.
    pub(super) fn report(
        &self,
        (parts, first): (Parts, usize),
        prefix: &mut Prefix,
        calendar: &mut Calendar,
    ) -> Option<Report<'a>> {
        let mut report = Report {
            end: first,
            ..Report::default()
        };
        loop {
            let at = report.end;
            match self.behind(at, parts, prefix, calendar) {
                Ok(Behind::Detail(detail, behind)) => {
                    let said = Said {
                        text: &self.window[(at + detail.message).min(behind.end)..behind.end],
                        is_line: behind.is_line,
                    };
                    match detail.level {
                        Level::Statement => report.statement = said,
                        Level::Detail => report.explained = said,
                        Level::Context => report.context = said,
                        _ => {}
                    }
                    report.end = behind.end;
                }
                Ok(Behind::Other(ahead)) => {
                    report.ahead = ahead;
                    return Some(report);
                }
                Err(Tail::Large) => {
                    report.is_large = true;
                    return Some(report);
                }
                Err(Tail::Wait | Tail::At(_)) => return None,
            }
        }
    }

    /// Reads the line at `at`, which may belong to the report before it.
    fn behind(
        &self,
        at: usize,
        first: Parts,
        prefix: &mut Prefix,
        calendar: &mut Calendar,
    ) -> Result<Behind, Tail> {
        let rest = &self.window[at..];
        let length = scan::line_length(rest);
        let line = &rest[..length.unwrap_or(rest.len())];
        let may_go_on = length.is_none() && line.len() < MAX_PREFIX_BYTES;
        let waits = may_go_on && self.next != Next::End;
        if waits && !(line.is_empty() && self.next == Next::Quiet) {
            return Err(if self.full { Tail::Large } else { Tail::Wait });
        }
        // details repeat the prefix to the millisecond
        let parts = first.repeated(self.window, line);
        let parts = parts.or_else(|| prefix.parts(line, calendar));
        let Some(detail) = parts.filter(|parts| parts.is_detail()) else {
            // where the line does not end its length is not known
            return Ok(Behind::Other(parts.zip(length)));
        };
        match self.text_end(at, length) {
            Tail::At(text) => Ok(Behind::Detail(detail, text)),
            tail => Err(tail),
        }
    }
}

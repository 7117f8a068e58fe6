//! Frames the records of `log_destination = stderr`, whatever their prefix.
//!
//! ```text
//! PREFIX ERROR:  message        first line: has a severity
//! <tab>more of the message      any number of lines that start with a tab
//! PREFIX DETAIL:  ...           lines of the same report, each with its own continuation
//! PREFIX STATEMENT:  ...
//! ```

use std::borrow::Cow;

use super::level::{Level, Parts, verbose};
use super::plan::{self, Explained};
use super::prefix::{Ahead, Prefix};
use super::report::{Lines, Report, Said, Tail, Text};
use super::{Frame, MAX_STATEMENT_BYTES, Record, WINDOW_BYTES, message};
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Next, scan};

/// The first line of a record, with those that continue it.
struct First<'a> {
    parts: Parts,
    said: Said<'a>,
    end: usize,
    /// It does not end in the window.
    is_large: bool,
    plan: Option<Box<Explained<'a>>>,
}

/// What starts with no record.
enum Other {
    Junk(usize),
    Skip(usize),
    Wait,
}

impl From<Other> for Frame<'_> {
    fn from(other: Other) -> Self {
        match other {
            Other::Junk(length) => Self::Junk(length),
            Other::Skip(length) => Self::Skip(length),
            Other::Wait => Self::Wait,
        }
    }
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
    let first = match first(&lines, from, prefix, calendar) {
        Ok(first) => first,
        Err(other) => return other.into(),
    };
    let report = if first.is_large {
        Report::large(first.end)
    } else if let Some(report) = lines.report((first.parts, first.end), prefix, calendar) {
        report
    } else {
        return Frame::Wait;
    };
    prefix.ahead = report.ahead.map(|(parts, length)| Ahead {
        from: from + report.end as u64,
        parts,
        length,
    });
    let (code, text) = verbose(first.said.text).unwrap_or((b"", first.said.text));
    let is_log = first.parts.level == Level::Log;
    if !report.is_large && is_log && !message::is_wanted(text) {
        return unwanted(text, report.end);
    }
    let fields = prefix.fields(rest, first.parts, calendar);
    let record = Record {
        from: 0,
        pid: fields.pid,
        at: fields.at,
        severity: first.parts.level.severity(),
        message: message_of(Said { text, ..first.said }),
        statement: report.statement.joined(),
        detail: report.explained.joined(),
        context: report.context.joined(),
        code: if code.is_empty() { fields.code } else { code }.into(),
        user: fields.user.into(),
        database: fields.database.into(),
        client: fields.client.into(),
        truncated: report.is_large || text.len() > MAX_STATEMENT_BYTES,
        plan: first.plan,
    };
    if report.is_large {
        return Frame::Large(record, lines.window.len() - 1);
    }
    Frame::Record(record, report.end)
}

/// Reads the first line, and those that continue it.
fn first<'a>(
    lines: &Lines<'a>,
    from: u64,
    prefix: &mut Prefix,
    calendar: &mut Calendar,
) -> Result<First<'a>, Other> {
    let ahead = prefix.take_ahead(from);
    let plan = ahead.and_then(|ahead| plan_of(lines.window, ahead.parts));
    let (plan, text, is_large) = match plan {
        Some((plan, end)) => (Some(plan), Text::lines(end), false),
        None => match lines.text_end(0, ahead.map(|ahead| ahead.length)) {
            Tail::At(text) => (None, text, false),
            Tail::Large => (None, Text::lines(lines.window.len() - 1), true),
            Tail::Wait => return Err(Other::Wait),
        },
    };
    let end = text.end;
    let parts = ahead.map(|ahead| ahead.parts);
    let Some(parts) = parts.or_else(|| prefix.parts(&lines.window[..end], calendar)) else {
        return Err(Other::Junk(line_end(lines.window).min(end)));
    };
    if parts.is_detail() {
        // the record they belong to is before the first byte of this file
        return Err(if is_large {
            Other::Junk(end)
        } else {
            Other::Skip(end)
        });
    }
    let said = Said {
        text: &lines.window[parts.message.min(end)..end],
        is_line: text.is_line,
    };
    Ok(First {
        parts,
        said,
        end,
        is_large,
        plan,
    })
}

/// The plan that a record tells, and where the record's lines end: both are found in one pass.
fn plan_of(window: &[u8], parts: Parts) -> Option<(Box<Explained<'_>>, usize)> {
    let text = window.get(parts.message..)?;
    let start = message::json_plan(text).filter(|_| parts.level == Level::Log)?;
    let (plan, length) = plan::logged(&text[start..])?;
    Some((Box::new(plan), parts.message + start + length))
}

/// The message as it was written. A plan in JSON keeps its tabs: between its values they are white space, and in its
/// strings there is no line end.
fn message_of(said: Said<'_>) -> Cow<'_, [u8]> {
    let is_plan = !said.is_line && message::json_plan(said.text).is_some();
    Said {
        is_line: said.is_line || is_plan,
        ..said
    }
    .joined()
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

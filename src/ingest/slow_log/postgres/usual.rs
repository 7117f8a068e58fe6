//! Takes the runs that nearly all records of a busy log are, with no record made of them in between: a statement of the
//! simple protocol, behind a prefix that was seen before, of which nothing else is known.
//!
//! It takes a run whole or not at all. What it does not take is left to [`super::stderr`] and [`Sessions::observe`], which
//! come to the same in four times the time.

use std::borrow::Cow;
use std::time::Duration;

use super::level::{Level, Parts};
use super::message;
use super::prefix::{Ahead, Prefix};
use super::report::without_tabs;
use super::seen::Who;
use super::sessions::{Sessions, Tell};
use super::texts;
use crate::ingest::slow_log::threshold::Reason;
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::time::Timestamp;

/// A run whose text is longer may be cut, and is not usual.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// A run of which nothing else is known.
pub(super) struct Run<'a> {
    /// Byte of the file where its record starts.
    pub(super) from: u64,
    pub(super) at: Timestamp,
    pub(super) elapsed: Duration,
    pub(super) sql: &'a [u8],
}

/// Takes the run that `rest` starts with, which starts at the byte `from` of the file, and says how many bytes it is;
/// `None` for anything else, of which nothing is taken.
pub(super) fn take(
    rest: &[u8],
    from: u64,
    (prefix, calendar): (&mut Prefix, &mut Calendar),
    sessions: &mut Sessions,
    tell: Tell<'_>,
) -> Option<usize> {
    let ahead = prefix.ahead.filter(|ahead| ahead.from == from)?;
    let known = ahead
        .parts
        .known
        .filter(|_| ahead.parts.level == Level::Log)?;
    let (elapsed, sql) = message::usual_run(rest.get(ahead.parts.message..ahead.length)?)?;
    let start = ahead.length - sql.len();
    let end = text_end(rest, ahead.length)?;
    let behind = next(rest, end, ahead.parts, (prefix, calendar))?;
    let sql = rest[start..end].trim_ascii_end();
    let sql = if end == ahead.length {
        Cow::Borrowed(sql)
    } else {
        without_tabs(sql)
    };
    let run = Run {
        from,
        at: known.at,
        elapsed,
        sql: &sql,
    };
    let is_told = sessions.ran_alone(&run, prefix.who(rest, ahead.parts)?, tell);
    is_told.then(|| {
        prefix.ahead = Some(Ahead {
            from: from + end as u64,
            ..behind
        });
        end
    })
}

/// Where the text ends whose first line ends at `end`; `None` when it is not known, or too long.
#[inline]
fn text_end(rest: &[u8], mut end: usize) -> Option<usize> {
    while *rest.get(end)? == b'\t' {
        end += scan::line_length(&rest[end..])?;
    }
    (end <= MAX_BYTES).then_some(end)
}

/// The line at `at`, which must begin another record and end.
#[inline]
fn next(
    rest: &[u8],
    at: usize,
    first: Parts,
    (prefix, calendar): (&Prefix, &mut Calendar),
) -> Option<Ahead> {
    // no known prefix holds a line end
    let line = &rest[at..];
    let parts = first
        .repeated(rest, line)
        .or_else(|| prefix.parts_as_before(line, calendar))
        .filter(|parts| !parts.is_detail())?;
    let length = parts.message + scan::line_length(line.get(parts.message..)?)?;
    (length <= MAX_BYTES).then_some(Ahead {
        from: 0,
        parts,
        length,
    })
}

impl Sessions {
    /// Tells a run of the simple protocol if its session has said nothing that it may be joined with; `false` when it
    /// must be observed like any other record.
    #[inline]
    pub(super) fn ran_alone(&mut self, run: &Run<'_>, who: &Who, tell: Tell<'_>) -> bool {
        if who.pid == 0 || run.sql.is_empty() {
            return false;
        }
        self.tell_due((run.from, Some(run.at), who.pid), tell);
        let Some(session) = self.session_at_rest(who.pid) else {
            return false;
        };
        session.fetches |= texts::fetches(run.sql);
        session.close_unnamed();
        if self.is_new(run.from) {
            self.threshold.observe(run.elapsed, Reason::Time);
            let database = if who.database.is_empty() {
                &*self.database
            } else {
                &*who.database
            };
            tell(Entry {
                sql: scan::without_end(run.sql).into(),
                end: Some(run.at),
                elapsed: run.elapsed,
                database: database.into(),
                user: (&*who.user).into(),
                client: (&*who.client).into(),
                weight: 1,
                ..Entry::default()
            });
        }
        true
    }
}

#[cfg(test)]
mod tests;

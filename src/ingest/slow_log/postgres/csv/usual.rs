//! Takes the rows that nearly all are of a busy log, with no record made of them in between, as [`super::super::usual`] does
//! of stderr.
//!
//! ```text
//! 2026-11-21 19:26:58.611 UTC,"app","shop",24085,"10.0.0.1:58786",6b01f082.5e15,3,"SELECT",...,LOG,00000,"duration: ..."
//! └─────────── date ────────┘└──────────── who, seen before ──────────────────┘
//! ```

use std::borrow::Cow;

use super::super::seen::{Seen, Who};
use super::super::sessions::{Sessions, Tell};
use super::super::usual::{MAX_BYTES, Run};
use super::{Scanned, field, record, scan_row, undoubled};
use crate::ingest::slow_log::postgres::message;
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;

/// Length of `2026-11-21`.
const DAY_BYTES: usize = 10;

/// User, database, process, client and session.
const WHO_COLUMNS: usize = 5;

/// Line, command, start of the session, virtual transaction and transaction.
const WHAT_COLUMNS: usize = 5;

/// Takes the row that `rest` starts with, which starts at the byte `from` of the file, and says how many bytes it is; `None`
/// for anything else, of which nothing is taken.
pub(in super::super) fn take(
    rest: &[u8],
    from: u64,
    (seen, calendar): (&mut Seen, &mut Calendar),
    sessions: &mut Sessions,
    tell: Tell<'_>,
) -> Option<usize> {
    const LEVEL: &[u8] = b",LOG,00000,";
    // `T` between date and time is no row's
    let (at, date) = calendar
        .date_as_before(rest)
        .filter(|_| rest.get(DAY_BYTES) == Some(&b' '))?;
    let who_end = columns(rest, date, WHO_COLUMNS)?;
    let level = columns(rest, who_end, WHAT_COLUMNS)?;
    let text = rest[level..].strip_prefix(LEVEL)?;
    let (elapsed, sql) = message::usual_run(text.strip_prefix(b"\"")?)?;
    let message = field(text);
    let text_end = level + LEVEL.len() + message.length;
    let end = row_end(rest, text_end).filter(|end| !message.is_open && *end <= MAX_BYTES)?;
    let sql = rest.get(rest.len() - sql.len()..text_end - 1)?;
    let sql = if message.is_doubled {
        Cow::Owned(undoubled(sql))
    } else {
        Cow::Borrowed(sql)
    };
    let prefix = &rest[date..who_end];
    let Some(who) = seen.who_of(prefix) else {
        learn(prefix, rest, (seen, calendar));
        return None;
    };
    let run = Run {
        from,
        at,
        elapsed,
        sql: &sql,
    };
    sessions.ran_alone(&run, who, tell).then_some(end)
}

/// Where so many columns end that follow a comma at `at`.
#[inline]
fn columns(rest: &[u8], mut at: usize, count: usize) -> Option<usize> {
    for _ in 0..count {
        let text = rest.get(at..)?.strip_prefix(b",")?;
        let field = field(text);
        if field.is_open {
            return None;
        }
        at += 1 + field.length;
    }
    Some(at)
}

/// Where the row ends whose message ends at `at`, if nothing is told of it but the application and what comes behind.
#[inline]
fn row_end(rest: &[u8], at: usize) -> Option<usize> {
    // detail, hint, query, its place, context, statement, its place, location
    const NOTHING: &[u8] = b",,,,,,,,";
    let mut at = at
        + rest
            .get(at..)?
            .starts_with(NOTHING)
            .then_some(NOTHING.len())?;
    loop {
        match rest.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            [b',', ..] => at = columns(rest, at, 1)?,
            _ => return None,
        }
    }
}

/// Remembers whose rows have `prefix`, with which the row at the start of `rest` has it.
fn learn(prefix: &[u8], rest: &[u8], (seen, calendar): (&mut Seen, &mut Calendar)) {
    if let Scanned::Whole(row, _) = scan_row(rest)
        && let Some(record) = record(&row, calendar)
    {
        let who = Who {
            pid: record.pid,
            user: scan::name(&record.user).into(),
            database: scan::name(&record.database).into(),
            client: scan::name(&record.client).into(),
        };
        seen.know(prefix, who);
    }
}

#[cfg(test)]
mod tests;

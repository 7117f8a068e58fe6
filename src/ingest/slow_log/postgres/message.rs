//! Tells what a message of PostgreSQL says.

use std::time::Duration;

use super::server::{self, Told};
use crate::ingest::slow_log::scan;

/// What a message says, as far as statements are concerned.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// A statement has run: `duration: 1 ms  statement: ...`.
    Ran(Duration, &'a [u8]),
    /// The same by the extended protocol: `duration: 1 ms  execute S_1: ...`.
    Executed(Duration, Portal<'a>),
    /// `duration: 1 ms  parse S_1: ...`; the portal of the run before may still be open.
    Parsed(Duration, &'a [u8]),
    /// `duration: 1 ms  bind S_1: ...`; the unnamed portal has been closed before one that is unnamed too.
    Bound(Duration, Portal<'a>),
    /// `auto_explain`: `duration: 1 ms  plan:`, and the plan with the text of the statement.
    Plan(Duration, &'a [u8]),
    /// A time of what no text is told of, as `fastpath function call: "lo_open"`, or of a kind that is not known.
    Textless,
    /// `log_duration`: the statement was logged before it ran.
    Took(Duration),
    /// `log_statement`: a statement starts.
    Starts(&'a [u8]),
    /// The same by the extended protocol: `execute S_1: ...`.
    Executes(Portal<'a>),
    /// `log_temp_files`: so many bytes were written to a temporary file.
    Spilled(u64),
    /// `log_min_duration_statement` was changed; `None` when that cannot be read.
    Threshold(Option<Duration>),
    /// `log_lock_waits`: a process waits for a lock, or has it after a long wait.
    Waits(Wait<'a>),
    /// What the server says of itself.
    Server(Told<'a>),
    /// The connection broke.
    Broke(Broken<'a>),
    /// The session has ended.
    Left,
    /// Nothing of these.
    Other,
}

/// A wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait<'a> {
    /// `ShareLock on transaction 739`.
    pub(super) lock: &'a [u8],
    /// Since it began.
    pub(super) elapsed: Duration,
    /// The lock was acquired.
    pub(super) is_over: bool,
}

/// What the server says of a connection that broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken<'a>(pub(super) &'a [u8]);

/// What the extended protocol runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Portal<'a> {
    pub(super) sql: &'a [u8],
    /// A named one stays open beside others.
    pub(super) is_named: bool,
    /// It ran before, and goes on: `execute fetch from S_1/C_2: ...`.
    pub(super) goes_on: bool,
}

/// Whether a message that is no error says something of statements.
pub(super) fn is_wanted(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 11] = [
        b"duration: ",
        b"statement: ",
        b"execute ",
        b"temporary file: ",
        b"connection ",
        b"disconnection: ",
        b"parameter \"log_min_duration_statement\"",
        b"process ",
        b"could not receive data from client",
        b"could not send data to client",
        b"unexpected EOF on client connection",
    ];
    STARTS.iter().any(|start| text.starts_with(start)) || server::read(text).is_some()
}

/// Whether a message is like `Dauer: 0.888 ms  Anweisung: ...`: the `lc_messages` of the server is another.
pub(super) fn is_duration_of_another_language(text: &[u8]) -> bool {
    /// In no language does the word before the time take more.
    const HEAD: usize = 64;
    let head = &text[..text.len().min(HEAD)];
    let unit = memchr::memmem::find(head, b" ms");
    unit.is_some_and(|unit| {
        let number = head[..unit].iter().rev();
        let digits = number.clone().take_while(|b| b.is_ascii_digit()).count();
        digits == 3 && matches!(number.clone().nth(3), Some(b'.' | b','))
    })
}

/// Where the plan of `auto_explain.log_format = json` starts that a message tells, as it stands in the log.
pub(super) fn json_plan(text: &[u8]) -> Option<usize> {
    const HEAD: &[u8] = b"duration: ";
    const MARK: &[u8] = b" ms  plan:\n\t{";
    let rest = text.strip_prefix(HEAD)?;
    let is_part = |b: &u8| b.is_ascii_digit() || *b == b'.';
    let length = rest.iter().take_while(|b| is_part(b)).count();
    let is_plan = rest[length..].starts_with(MARK);
    is_plan.then_some(HEAD.len() + length + MARK.len() - 1)
}

/// The time and the statement of `duration: 0.888 ms  statement: ...`, which most messages are; [`read`] reads any.
#[inline]
pub(super) fn usual_run(text: &[u8]) -> Option<(Duration, &[u8])> {
    let (elapsed, rest) = scan::usual_milliseconds(text.strip_prefix(b"duration: ")?)?;
    Some((elapsed, rest.strip_prefix(b" ms  statement: ")?))
}

/// Reads a message.
pub(super) fn read(text: &[u8]) -> Message<'_> {
    if let Some(rest) = text.strip_prefix(b"duration: ") {
        return duration(rest).unwrap_or(Message::Textless);
    }
    if let Some(sql) = text.strip_prefix(b"statement: ") {
        return Message::Starts(sql);
    }
    if let Some(rest) = text.strip_prefix(b"execute ") {
        return portal(rest).map_or(Message::Other, Message::Executes);
    }
    if text.starts_with(b"temporary file: ") {
        return spilled(text).map_or(Message::Other, Message::Spilled);
    }
    if let Some(rest) = text.strip_prefix(b"process ") {
        return waits(rest).map_or(Message::Other, Message::Waits);
    }
    if let Some(told) = server::read(text) {
        return Message::Server(told);
    }
    if text.starts_with(b"could not ") || text.starts_with(b"unexpected EOF") {
        return Message::Broke(Broken(text));
    }
    if text.starts_with(b"disconnection: ") {
        return Message::Left;
    }
    match text.strip_prefix(b"parameter \"log_min_duration_statement\" changed to ") {
        Some(value) => Message::Threshold(setting(value)),
        None => Message::Other,
    }
}

/// `0.888 ms  statement: ...`
fn duration(text: &[u8]) -> Option<Message<'_>> {
    let (elapsed, rest) = scan::usual_milliseconds(text).or_else(|| {
        let unit = memchr::memchr(b' ', &text[..text.len().min(32)])?;
        Some((scan::milliseconds(&text[..unit])?, &text[unit..]))
    })?;
    let rest = rest.strip_prefix(b" ms")?;
    let rest = rest.strip_prefix(b"  ").unwrap_or(rest).trim_ascii_start();
    if rest.is_empty() {
        return Some(Message::Took(elapsed));
    }
    if let Some(sql) = rest.strip_prefix(b"statement: ") {
        return Some(Message::Ran(elapsed, sql));
    }
    if let Some(plan) = rest.strip_prefix(b"plan:") {
        return Some(Message::Plan(elapsed, plan));
    }
    if let Some(named) = rest.strip_prefix(b"execute ") {
        return Some(Message::Executed(elapsed, portal(named)?));
    }
    if let Some(named) = rest.strip_prefix(b"parse ") {
        return Some(Message::Parsed(elapsed, behind_name(named)?.1));
    }
    let named = rest.strip_prefix(b"bind ")?;
    Some(Message::Bound(elapsed, portal(named)?))
}

/// `S_1: `, `S_1/C_2: ` or `fetch from S_1/C_2: `, and the statement.
fn portal(text: &[u8]) -> Option<Portal<'_>> {
    let fetched = text.strip_prefix(b"fetch from ");
    let (name, sql) = behind_name(fetched.unwrap_or(text))?;
    Some(Portal {
        sql,
        is_named: name.contains(&b'/'),
        goes_on: fetched.is_some(),
    })
}

/// The name before the statement, and the statement.
fn behind_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    // a name is short, and holds few colons
    let mut colon = scan::find_soon(b':', text)?;
    while text.get(colon + 1) != Some(&b' ') {
        colon += 1 + scan::find_soon(b':', &text[colon + 1..])?;
    }
    Some((&text[..colon], &text[colon + 2..]))
}

/// `12 still waiting for ShareLock on transaction 739 after 1000.072 ms`, `12 acquired ... after 5000.1 ms`
fn waits(text: &[u8]) -> Option<Wait<'_>> {
    let (_, length) = scan::leading_whole(text)?;
    let rest = &text[length..];
    let over = rest.strip_prefix(b" acquired ");
    let lock = over.or_else(|| rest.strip_prefix(b" still waiting for "))?;
    let after = memchr::memmem::rfind(lock, b" after ")?;
    let time = lock[after + b" after ".len()..].strip_suffix(b" ms")?;
    Some(Wait {
        lock: &lock[..after],
        elapsed: scan::milliseconds(time)?,
        is_over: over.is_some(),
    })
}

/// `path "base/pgsql_tmp/pgsql_tmp1.0", size 1234`
fn spilled(text: &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"\", size ";
    let at = memchr::memmem::rfind(text, MARK)?;
    scan::leading_whole(&text[at + MARK.len()..]).map(|(bytes, _)| bytes)
}

/// `"250ms"`, `"1s"`, `"2min"`; a bare number is milliseconds, and -1 is "nothing is logged".
fn setting(text: &[u8]) -> Option<Duration> {
    let text = text.strip_prefix(b"\"")?;
    let (number, length) = scan::leading_whole(text)?;
    let millis = match text[length..].split(|b| *b == b'"').next()? {
        b"" | b"ms" => 1,
        b"s" => 1_000,
        b"min" => 60_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.saturating_mul(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn runs_and_their_preparation_are_told_apart() {
        assert_eq!(
            read(b"duration: 1.000 ms  statement: BEGIN"),
            Message::Ran(MS, b"BEGIN")
        );
        assert_eq!(
            read(b"duration: 1.000 ms  execute S_1/C_2: FETCH"),
            Message::Executed(
                MS,
                Portal {
                    sql: b"FETCH",
                    is_named: true,
                    goes_on: false
                }
            )
        );
        assert_eq!(
            read(b"duration: 1.000 ms  parse <unnamed>: SELECT $1"),
            Message::Parsed(MS, b"SELECT $1")
        );
        assert_eq!(
            read(b"duration: 1.000 ms  bind <unnamed>: SELECT $1"),
            Message::Bound(
                MS,
                Portal {
                    sql: b"SELECT $1",
                    is_named: false,
                    goes_on: false
                }
            )
        );
        assert_eq!(read(b"duration: 1.000 ms"), Message::Took(MS));
        assert_eq!(
            read(b"duration: 1.000 ms  plan:\nQuery"),
            Message::Plan(MS, b"\nQuery")
        );
        assert_eq!(read(b"duration: forever"), Message::Textless);
    }

    #[test]
    fn rows_fetched_later_are_of_the_same_portal() {
        let portal = Portal {
            sql: b"SELECT 1",
            is_named: true,
            goes_on: true,
        };
        assert_eq!(
            read(b"duration: 1.000 ms  execute fetch from S_1/C_2: SELECT 1"),
            Message::Executed(MS, portal)
        );
        assert_eq!(
            read(b"execute fetch from S_1/C_2: SELECT 1"),
            Message::Executes(portal)
        );
    }

    #[test]
    fn a_wait_for_a_lock_is_told_with_its_time() {
        let wait = |is_over| Wait {
            lock: b"ShareLock on transaction 739",
            elapsed: MS,
            is_over,
        };
        assert_eq!(
            read(b"process 12 still waiting for ShareLock on transaction 739 after 1.000 ms"),
            Message::Waits(wait(false))
        );
        assert_eq!(
            read(b"process 12 acquired ShareLock on transaction 739 after 1.000 ms"),
            Message::Waits(wait(true))
        );
        assert_eq!(read(b"process 12 of the import has ended"), Message::Other);
    }

    #[test]
    fn the_size_of_a_temporary_file_is_read() {
        let text = br#"temporary file: path "base/pgsql_tmp/pgsql_tmp1.0", size 1234"#;
        assert_eq!(read(text), Message::Spilled(1234));
    }

    #[test]
    fn a_changed_threshold_is_read_with_its_unit() {
        let text = br#"parameter "log_min_duration_statement" changed to "1s""#;
        assert_eq!(read(text), Message::Threshold(Some(Duration::from_secs(1))));
    }
}

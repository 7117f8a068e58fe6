//! What a record says went wrong: code, kind, and the words of the server.
//!
//! ```text
//! words of a pool ─► words of MySQL ─► words of PostgreSQL ─► code of a driver ─► name of an exception
//! ```

use std::borrow::Cow;

use memchr::memmem;

use super::{codes, exceptions, message, pool};
use crate::ingest::server_log::{class, phrases};
use crate::model::error::ErrorClass;
use crate::model::sql::Dialect;

/// Words of MySQL that other programs say, too: a driver must stand beside them.
const LOOSE: [&str; 6] = ["1040", "1045", "1037", "1021", "1114", "2013"];

/// Lines of a record that are looked at for words; a chain of causes has one each, and frames do not count.
const MAX_LINES: usize = 64;

/// Bytes of such a line.
const MAX_LINE_BYTES: usize = 8 << 10;

/// A connection that nobody answered.
const REFUSED: [&[u8]; 4] = [
    b"Connection refused",
    b"ECONNREFUSED",
    b"connection refused",
    b"the database system is ",
];

/// A connection that broke.
const BROKEN: [&[u8]; 5] = [
    b"Communications link failure",
    b"server closed the connection unexpectedly",
    b"Connection terminated unexpectedly",
    b"driver: bad connection",
    b"PROTOCOL_CONNECTION_LOST",
];

/// What went wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) class: ErrorClass,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    /// Who says such things, where that is clear.
    pub(super) dialect: Option<Dialect>,
    /// Where in the record the message begins.
    pub(super) at: usize,
}

/// The cause that a record tells; `None` when it has nothing to do with a database, unless a driver is known to say it.
pub(super) fn find(record: &[u8], is_driver: bool) -> Option<Cause> {
    if pool::is_told(record) {
        return Some(Cause {
            class: ErrorClass::ConnectionRefused,
            code: pool::CODE.into(),
            message: pool::MESSAGE.to_owned(),
            dialect: None,
            at: record.len(),
        });
    }
    let is_sql = is_driver || exceptions::is_sql(record);
    if let Some(cause) = of_mysql(record, is_sql) {
        return Some(cause);
    }
    if is_sql && let Some(cause) = of_postgres(record) {
        return Some(cause);
    }
    if let Some(code) = codes::find(record, is_sql) {
        return Some(of_code(code, record));
    }
    if !is_sql {
        return None;
    }
    of_network(record).or_else(|| of_exception(record))
}

fn of_mysql(record: &[u8], is_sql: bool) -> Option<Cause> {
    let (at, code) = phrases::find(record)?;
    (is_sql || !LOOSE.contains(&code)).then(|| Cause {
        class: class::of_code(code),
        code: code.into(),
        message: message::keep(&record[at..]),
        dialect: Some(Dialect::Mysql),
        at,
    })
}

/// PostgreSQL's words begin a message: behind the name of an exception, or behind a severity.
fn of_postgres(record: &[u8]) -> Option<Cause> {
    let mut start = 0;
    let mut looked = 0;
    for line in record.split(|b| *b == b'\n') {
        let line_start = start;
        start += line.len() + 1;
        if matches!(line.first(), None | Some(b'\t')) || looked >= MAX_LINES {
            continue;
        }
        looked += 1;
        let line = &line[..line.len().min(MAX_LINE_BYTES)];
        if let Some((at, state)) = words_in(line) {
            let text = &line[at..];
            return Some(Cause {
                class: class::of_postgres(state, text),
                code: state.into(),
                message: message::keep(text),
                dialect: Some(Dialect::Postgres),
                at: line_start + at,
            });
        }
    }
    None
}

/// Where in a line PostgreSQL's words begin, and their SQLSTATE.
fn words_in(line: &[u8]) -> Option<(usize, &'static str)> {
    let behind_colon = memmem::find_iter(line, b": ").map(|at| at + 2);
    let behind_dash = memmem::find_iter(line, b" - ").map(|at| at + 3);
    let behind_mark = memchr::memchr3_iter(b'[', b'`', b'"', line).map(|at| at + 1);
    // SQLAlchemy: `(psycopg2.errors.UndefinedColumn) column ...`
    let behind_bracket = memmem::find_iter(line, b") ").map(|at| at + 2);
    let starts = behind_colon
        .chain(behind_dash)
        .chain(behind_mark)
        .chain(behind_bracket);
    starts.chain([0]).find_map(|at| {
        let blanks = line[at..].iter().take_while(|b| **b == b' ').count();
        let at = at + blanks;
        let state = class::postgres_code(&line[at..]);
        (!state.is_empty()).then_some((at, state))
    })
}

fn of_code(found: codes::Code, record: &[u8]) -> Cause {
    let behind = &record[found.behind.min(record.len())..];
    let skipped = behind
        .iter()
        .take_while(|b| b.is_ascii_punctuation() || **b == b' ')
        .count();
    let is_number = found.code.len() == 4;
    Cause {
        class: class::of_code(&found.code),
        message: message::keep(&behind[skipped..]),
        dialect: is_number.then_some(Dialect::Mysql),
        at: found.behind,
        code: found.code.into(),
    }
}

fn of_network(record: &[u8]) -> Option<Cause> {
    let first = |all: &[&'static [u8]]| {
        let found = all
            .iter()
            .filter_map(|words| Some((memmem::find(record, words)?, *words)));
        found.min_by_key(|(at, _)| *at)
    };
    let (class, code, (at, words)) = match (first(&REFUSED), first(&BROKEN)) {
        (Some(found), _) => (ErrorClass::ConnectionRefused, "08001", found),
        (None, Some(found)) => (ErrorClass::ConnectionAborted, "08006", found),
        (None, None) => return None,
    };
    Some(Cause {
        class,
        code: code.into(),
        message: String::from_utf8_lossy(words).trim_end().to_owned(),
        dialect: None,
        at,
    })
}

fn of_exception(record: &[u8]) -> Option<Cause> {
    let (name, class) = exceptions::find(record)?;
    Some(Cause {
        class,
        code: name.into(),
        message: String::new(),
        dialect: None,
        at: record.len(),
    })
}

//! The log of a program: which of its records tell that the database said no.
//!
//! ```text
//! line ─► may tell of an error? ─no─► skipped, and done with at once
//!              └yes─► Trace (its lines) ─► Cause (code, kind, words) + statement ─► Entry
//! ```
//!
//! A record is one error, however many exceptions wrap it. Nothing of it goes on but code, kind, the statement and
//! the words that a server would say.

mod cause;
mod codes;
mod exceptions;
mod json;
mod message;
mod pool;
mod stamp;
mod statement;
mod trace;

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use memchr::memmem::{self, Finder};
use serde::{Deserialize, Serialize};

use self::stamp::{Stamp, Stamps};
use self::trace::Trace;
use super::records::{First, Grammar};
use crate::clock::Clock;
use crate::ingest::RawError;
use crate::ingest::slow_log::Entry;
use crate::model::sql::{Dialect, RawSql};
use crate::model::time::Timestamp;

/// One of these is in a line that tells of an error, or above the trace of one.
static MARKS: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| {
    let marks = [
        "rror",
        "RROR",
        "xception",
        "raceback",
        "SQL",
        "onnect",
        "imeout",
        "imed out",
        "ATAL",
        "fail",
        "Fail",
        "WARN",
        "warn",
        "CRIT",
        "SEVERE",
        "panic",
        " pq: ",
        "eadlock",
        "Duplicate entry",
        "Unknown ",
    ];
    marks.into_iter().map(Finder::new).collect()
});

/// Bytes of a line that are looked at for marks.
const MAX_MARKED_BYTES: usize = 8 << 10;

/// Hibernate tells each error twice on lines of its own, and then throws it.
const TOLD_AGAIN: &[u8] = b"SqlExceptionHelper";

/// What the lines of a program's log mean.
#[derive(Debug)]
pub(super) struct Application {
    stamps: Stamps,
    /// For lines without a stamp: they are new when they are read. `None` for a log that is read as a whole.
    clock: Option<Clock>,
    /// The latest stamp.
    latest: Option<Timestamp>,
    trace: Trace,
    state: State,
}

/// What is remembered at a checkpoint.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Who speaks of errors as this log does.
    dialect: Dialect,
}

impl Application {
    /// Dates that name no zone are in `zone`.
    pub(super) fn new(zone: TimeZone, clock: Option<Clock>) -> Self {
        Self {
            stamps: Stamps::new(zone),
            clock,
            latest: None,
            trace: Trace::default(),
            state: State::default(),
        }
    }

    /// Whether a line is like those that programs write.
    pub(super) fn is_typical(&mut self, line: &[u8]) -> bool {
        let is_object = trace::is_object(line);
        let is_log = |object: json::Object| object.at.is_some() || !object.text.is_empty();
        if is_object {
            return json::read(line, &mut self.stamps).is_some_and(is_log);
        }
        !is_of_web_server(line) && (self.stamps.of(line).is_some() || trace::begins(line))
    }

    /// Whether the line has a stamp; remembers it.
    fn note_stamp(&mut self, line: &[u8]) -> bool {
        let stamp = self.stamps.of(line);
        if let Some(Stamp::At(at)) = stamp {
            self.latest = Some(at);
        }
        stamp.is_some()
    }

    fn entry(
        &mut self,
        record: &[u8],
        sql: Option<&str>,
        at: Option<Timestamp>,
    ) -> Option<Entry<'static>> {
        let said = said(record, sql)?;
        if let Some(dialect) = said.dialect {
            self.state.dialect = dialect;
        }
        Some(Entry {
            sql: said.sql.into(),
            truncated: said.truncated,
            end: at.or_else(|| self.clock.as_ref().map(Clock::now)),
            error: Some(Box::new(said.error)),
            ..Entry::default()
        })
    }
}

impl Grammar for Application {
    type State = State;

    fn state(&self) -> &State {
        &self.state
    }

    fn restore(&mut self, state: State) {
        self.state = state;
    }

    fn first(&mut self, line: &[u8]) -> First {
        let is_stamped = self.note_stamp(line);
        if !may_tell(line) {
            return First::Skip;
        }
        self.trace = Trace::begin(line, is_stamped);
        First::Begins
    }

    fn goes_on(&mut self, line: &[u8]) -> bool {
        let is_stamped = self.stamps.of(line).is_some();
        self.trace.goes_on(line, is_stamped)
    }

    fn is_header(&mut self, line: &[u8]) -> bool {
        trace::is_object(line) || self.note_stamp(line) || trace::names_exception(line)
    }

    fn is_open(&self) -> bool {
        false
    }

    fn tell(&mut self, record: &[u8], tell: &mut dyn FnMut(Entry<'_>)) {
        let first = record.split(|b| *b == b'\n').next().unwrap_or_default();
        if memmem::find(first, TOLD_AGAIN).is_some() {
            return;
        }
        let told = if trace::is_object(first.trim_ascii_end())
            && let Some(object) = json::read(first, &mut self.stamps)
        {
            self.entry(object.text.as_bytes(), object.sql.as_deref(), object.at)
        } else {
            self.entry(record, None, self.latest)
        };
        if let Some(entry) = told {
            tell(entry);
        }
    }

    fn dialect(&self) -> Dialect {
        self.state.dialect
    }
}

/// What a record of a program's log says of a database.
#[derive(Debug)]
pub struct Said {
    /// The statement; empty when it is not told.
    pub sql: Vec<u8>,
    /// Its end is missing.
    pub truncated: bool,
    /// What went wrong.
    pub error: RawError,
    /// Who says such things, where that is clear.
    pub dialect: Option<Dialect>,
}

/// What a whole record says: its message, and the trace below it. `sql` is the statement where it is told apart.
pub fn of_record(record: &[u8], sql: Option<&str>) -> Option<Said> {
    let may_tell = record.split(|byte| *byte == b'\n').any(may_tell);
    may_tell.then(|| said(record, sql))?
}

fn said(record: &[u8], sql: Option<&str>) -> Option<Said> {
    let cause = cause::find(record, false)?;
    let found = match sql {
        Some(sql) => Some((sql.as_bytes().into(), false)),
        None => statement::find(record, cause.at),
    };
    let (sql, truncated) = found.unwrap_or_default();
    Some(Said {
        sql: sql.into_owned(),
        truncated,
        error: RawError {
            class: cause.class,
            code: cause.code.as_ref().into(),
            message: RawSql::new(cause.message.into_bytes()),
            alone: true,
            ..RawError::default()
        },
        dialect: cause.dialect,
    })
}

/// What a driver's words say went wrong: type and message of an exception.
pub fn of_driver(text: &[u8]) -> Option<RawError> {
    let cause = cause::find(text, true)?;
    Some(RawError {
        class: cause.class,
        code: cause.code.as_ref().into(),
        message: RawSql::new(cause.message.into_bytes()),
        ..RawError::default()
    })
}

/// Whether a line may tell of an error, or stand above the trace of one.
fn may_tell(line: &[u8]) -> bool {
    let head = &line[..line.len().min(MAX_MARKED_BYTES)];
    MARKS.iter().any(|mark| mark.find(head).is_some())
}

/// Whether a line is one of an access log, `"GET / HTTP/1.1" 200`: a web server's, or what a program says beside what is
/// typical of it. No such line tells an error of a database.
fn is_of_web_server(line: &[u8]) -> bool {
    let mut protocols = memmem::find_iter(line, b" HTTP/");
    protocols.any(|at| {
        let version = |b: &&u8| b.is_ascii_digit() || **b == b'.';
        let rest = &line[at + b" HTTP/".len()..];
        let rest = &rest[rest.iter().take_while(version).count()..];
        let code = rest.strip_prefix(b"\" ").unwrap_or_default();
        code.len() >= 3 && code[..3].iter().all(u8::is_ascii_digit)
    })
}

#[cfg(test)]
mod tests;

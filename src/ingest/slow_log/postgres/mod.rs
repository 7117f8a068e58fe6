//! Reads the server log of PostgreSQL, in its three framings.
//!
//! ```text
//! stderr ┐
//! csv    ┼─ framing ─► Record ─► Sessions: joins what one server process says of one statement ─► tell
//! json   ┘
//! ```
//!
//! Records of several processes are mixed, and what belongs to one statement may stand in several records. What
//! waits for its other half is kept by [`sessions::Sessions`]; bytes from the oldest such record on are *held*.

mod by_pid;
mod column;
mod context;
mod csv;
mod failure;
mod json;
mod layout;
mod level;
mod message;
mod nested;
mod pending;
mod plan;
mod prefix;
mod report;
mod runs;
mod seen;
mod server;
mod session;
mod sessions;
mod stderr;
mod template;
mod textless;
mod texts;
mod usual;
mod waiting;

use std::borrow::Cow;

use super::zone::Calendar;
use super::{Entry, MAX_STATEMENT_BYTES, Next, Options, Parser, Progress, scan};
use crate::model::event::Coverage;
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;
use crate::model::upkeep::Upkeep;

use self::context::Context;
pub(super) use self::csv::looks_like_csv;
pub(super) use self::level::severity_of;
use self::plan::Explained;
pub(super) use self::prefix::Prefix;
pub use self::prefix::is_prefix;
use self::seen::Seen;
use self::sessions::Sessions;

/// A record is looked at up to here; its statement is cut long before.
const WINDOW_BYTES: usize = MAX_STATEMENT_BYTES + (64 << 10);

/// How much a record matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Severity {
    /// `LOG`, `NOTICE`, `WARNING`, `INFO`, `DEBUG1` ...
    #[default]
    Note,
    /// `ERROR`, `FATAL`, `PANIC`.
    Error,
    /// `STATEMENT`: the text belongs to the record before.
    Statement,
    /// `DETAIL`, `HINT`, `CONTEXT`, `QUERY`, `LOCATION`: part of the record before.
    Detail,
}

/// One record, whatever the framing.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    /// Byte of the file, as far as this parser has seen it, where the record starts.
    from: u64,
    /// Process; 0 when not told.
    pid: u32,
    at: Option<Timestamp>,
    severity: Severity,
    message: Cow<'a, [u8]>,
    /// The statement that an error or a note is about; empty when not told.
    statement: Cow<'a, [u8]>,
    /// `DETAIL`: who waits for whom, among others; empty when not told.
    detail: Cow<'a, [u8]>,
    /// `CONTEXT`: which function ran it, the innermost first; empty when not told.
    context: Cow<'a, [u8]>,
    /// SQLSTATE; empty when not told.
    code: Cow<'a, [u8]>,
    user: Cow<'a, [u8]>,
    database: Cow<'a, [u8]>,
    client: Cow<'a, [u8]>,
    /// The text was cut.
    truncated: bool,
    /// The plan that the message tells, where it was read as its lines were found.
    plan: Option<Box<Explained<'a>>>,
}

impl Record<'_> {
    /// The same, without a copy of its texts.
    fn borrowed(&self) -> Record<'_> {
        Record {
            from: self.from,
            pid: self.pid,
            at: self.at,
            severity: self.severity,
            message: Cow::Borrowed(&self.message),
            statement: Cow::Borrowed(&self.statement),
            detail: Cow::Borrowed(&self.detail),
            context: Cow::Borrowed(&self.context),
            code: Cow::Borrowed(&self.code),
            user: Cow::Borrowed(&self.user),
            database: Cow::Borrowed(&self.database),
            client: Cow::Borrowed(&self.client),
            truncated: self.truncated,
            plan: None,
        }
    }
}

/// How records are written.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for a log")]
pub(super) enum Framing {
    Stderr(Prefix),
    Csv,
    Json,
}

/// What a framing found at the start of a buffer.
#[derive(Debug)]
enum Frame<'a> {
    /// A record of so many bytes.
    Record(Record<'a>, usize),
    /// A record that does not end within the window: it is cut, and its rest must be skipped.
    Large(Record<'a>, usize),
    /// So many bytes that are nobody's.
    Junk(usize),
    /// So many bytes that nobody misses.
    Skip(usize),
    /// More bytes are needed.
    Wait,
}

/// Parser of PostgreSQL's server log.
#[derive(Debug)]
pub(super) struct Postgres {
    framing: Framing,
    calendar: Calendar,
    is_zone_given: bool,
    sessions: Sessions,
    /// How the rows of a session start, behind their date.
    csv_seen: Seen,
    /// Bytes consumed so far.
    offset: u64,
    /// The rest of a large record is being skipped.
    skipping: bool,
    /// Junk is being skipped, and has been counted.
    lost: bool,
    unparsed: u64,
}

impl Postgres {
    pub(super) fn new(framing: Framing, options: &Options) -> Self {
        let mut sessions = Sessions::new(&options.database);
        sessions.asked = options.asked;
        Self {
            framing,
            calendar: Calendar::new(options.time_zone.clone()),
            is_zone_given: options.is_zone_given,
            sessions,
            csv_seen: Seen::default(),
            offset: 0,
            skipping: false,
            lost: false,
            unparsed: 0,
        }
    }

    fn frame<'a>(&mut self, rest: &'a [u8], next: Next) -> Frame<'a> {
        let is_blank = |b: &u8| matches!(b, 0 | b'\n' | b'\r');
        if rest.first().is_some_and(is_blank) {
            return Frame::Skip(rest.iter().take_while(|b| is_blank(b)).count());
        }
        match &mut self.framing {
            Framing::Stderr(prefix) => {
                stderr::frame(rest, self.offset, next, prefix, &mut self.calendar)
            }
            Framing::Csv => csv::frame(rest, next, &mut self.calendar),
            Framing::Json => json::frame(rest, next, &mut self.calendar),
        }
    }

    /// Skips the rest of a record that was too large, line by line; says how many bytes it took.
    fn skip(&mut self, rest: &[u8], next: Next) -> usize {
        let mut at = 0;
        while let Some(length) = scan::line_length(&rest[at..]) {
            at += length;
            let starts = match &self.framing {
                Framing::Stderr(_) => rest.get(at).map(|byte| *byte != b'\t'),
                Framing::Csv => csv::starts_record(&rest[at..]),
                Framing::Json => Some(true),
            };
            match starts {
                Some(true) => {
                    self.skipping = false;
                    return at;
                }
                Some(false) => {}
                // the line end stays, so that the next look starts at a line
                None if next != Next::End => return at - 1,
                None => return rest.len(),
            }
        }
        rest.len()
    }

    fn lose(&mut self) {
        // junk before this byte was counted before the restart
        if !self.lost && self.offset >= self.sessions.told_until {
            self.unparsed += 1;
        }
        self.lost = true;
    }

    /// Takes the run that `rest` starts with, if it is like most.
    #[inline]
    fn usual(&mut self, rest: &[u8], tell: &mut dyn FnMut(Entry<'_>)) -> Option<usize> {
        let (from, calendar, sessions) = (self.offset, &mut self.calendar, &mut self.sessions);
        let length = match &mut self.framing {
            Framing::Stderr(prefix) => usual::take(rest, from, (prefix, calendar), sessions, tell),
            Framing::Csv => {
                csv::usual::take(rest, from, (&mut self.csv_seen, calendar), sessions, tell)
            }
            Framing::Json => None,
        }?;
        self.lost = false;
        Some(length)
    }

    /// Takes one frame; says how many bytes it took, 0 to wait.
    fn step(&mut self, rest: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> usize {
        if self.skipping {
            return self.skip(rest, next);
        }
        if let Some(length) = self.usual(rest, tell) {
            return length;
        }
        let mut frame = self.frame(rest, next);
        let is_large = matches!(frame, Frame::Large(..));
        // not moved out of the frame: a record is large
        match &mut frame {
            Frame::Record(record, length) | Frame::Large(record, length) => {
                self.lost = false;
                self.skipping = is_large;
                record.from = self.offset;
                self.sessions.observe(record, tell);
                *length
            }
            Frame::Junk(length) => {
                self.lose();
                self.skipping = !rest[..*length].ends_with(b"\n");
                *length
            }
            Frame::Skip(length) => *length,
            Frame::Wait => 0,
        }
    }
}

impl Parser for Postgres {
    fn parse(&mut self, buffer: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Progress {
        if let Framing::Stderr(prefix) = &mut self.framing {
            prefix.learn(buffer, self.offset, next, &self.calendar);
        }
        let mut at = 0;
        while at < buffer.len() {
            let took = self.step(&buffer[at..], next, tell);
            if took == 0 {
                break;
            }
            at += took;
            self.offset += took as u64;
        }
        if next == Next::End || (next == Next::Quiet && at == buffer.len()) {
            self.sessions.settle(self.offset, tell);
        }
        if next == Next::End {
            self.sessions.end();
        }
        Progress {
            consumed: at,
            held: self.sessions.held(self.offset),
            unparsed: std::mem::take(&mut self.unparsed) + self.sessions.take_textless(),
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn unclear_zone(&self) -> Option<&str> {
        self.calendar.unclear().filter(|_| !self.is_zone_given)
    }

    fn coverage(&self) -> Coverage {
        self.sessions.threshold.coverage()
    }

    fn coverage_of_all(&self) -> Coverage {
        self.sessions.threshold.coverage_of_all()
    }

    fn upkeep(&self) -> Upkeep {
        self.sessions.upkeep.clone()
    }

    fn context(&self) -> String {
        serde_json::to_string(&Context::of(self)).unwrap_or_default()
    }

    fn restore(&mut self, context: &str) {
        if let Ok(context) = serde_json::from_str::<Context>(context) {
            context.apply(self);
        }
    }
}

#[cfg(test)]
mod oddities;
#[cfg(test)]
mod tests;

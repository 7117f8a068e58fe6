//! Splits the slow-query log of MySQL, Percona Server and MariaDB.
//!
//! ```text
//!            header line                    header line, or end
//! Between ───────────────► header, body ──────────────────────────► tell, Between
//!    │ ▲                        │ body too large
//!    │ │ line end               ▼
//!    └─► Line                 Rest ──── header beyond doubt ──────► Between
//! ```
//!
//! An entry is consumed as a whole, so that nothing is ever held back.

mod ahead;
mod asker;
mod body;
mod boundary;
mod doubt;
mod explain;
mod head;
mod header;
mod hidden;
mod literal;
mod part;
mod server;
mod told;
mod usual;

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use self::ahead::Ahead;
use self::body::Body;
pub(super) use self::body::is_banner;
use self::boundary::End;
use self::doubt::Doubt;
use self::explain::Plans;
use self::head::{Line, Unknown};
use self::header::{Header, Known};
use self::literal::Literal;
pub(super) use self::part::seam;
use self::server::Server;
use self::told::LastNames;
use super::parts::Part;
use super::zone::Calendar;
use super::{Entry, MAX_STATEMENT_BYTES, Next, Options, Parser, Progress, scan};
use crate::model::event::Coverage;
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;

/// An entry is looked at up to here; its statement is cut long before.
const WINDOW_BYTES: usize = MAX_STATEMENT_BYTES + (64 << 10);

/// No header is longer, not even with the plan of a UNION of a thousand branches.
const MAX_HEADER_BYTES: usize = 512 << 10;

/// Bytes kept back while skipping, so that a line end and the `#` behind it are seen together.
const OVERLAP_BYTES: usize = 2;

/// Where in the file the parser is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// At the start of a line that belongs to no entry yet.
    #[default]
    Between,
    /// Inside a line that belongs to no entry.
    Line,
    /// In the rest of a statement that was too large.
    Rest,
}

/// What must be known to go on from a checkpoint.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    place: Place,
    /// Junk is being skipped, and has been counted.
    lost: bool,
    /// What `use db;` said last.
    database: Option<String>,
    /// What `# Time:` said last, for entries of old servers that have no time of their own.
    time: Option<Timestamp>,
    server: Server,
    /// In so many bytes from here entries may be what a string holds: they are counted, and nothing of them is shown.
    doubtful: usize,
    /// The last header told its user: one that does not is a comment.
    users: bool,
    /// Some date was of RFC 3339: the server is no MySQL before 5.7.
    is_modern: bool,
}

/// Parser of slow-query logs of the MySQL family.
#[derive(Debug)]
pub(super) struct Mysql {
    known: Known,
    database: String,
    /// One statement in so many is logged, where the log does not tell.
    rate_limit: Option<u32>,
    state: State,
    plans: Plans,
    names: LastNames,
    /// Bytes consumed.
    offset: u64,
    ahead: Ahead,
    unparsed: u64,
}

/// What one look at the buffer came to.
enum Step {
    /// So many bytes are done with.
    Took(usize),
    /// More bytes are needed.
    Wait,
}

impl Mysql {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            known: Known::new(Calendar::new(options.time_zone.clone())),
            database: options.database.clone(),
            rate_limit: options
                .rate_limit
                .map(NonZeroU32::get)
                .filter(|limit| *limit > 1),
            state: State::default(),
            plans: Plans::default(),
            names: LastNames::default(),
            offset: 0,
            ahead: Ahead::default(),
            unparsed: 0,
        }
    }

    /// Skips what stands between entries, up to the line that starts one.
    fn between(&mut self, rest: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Step {
        let blank = rest
            .iter()
            .take_while(|b| b.is_ascii_whitespace() || **b == 0)
            .count();
        if blank > 0 {
            return Step::Took(blank);
        }
        match head::first_line(rest, next) {
            Line::Header => return self.entry(rest, next, tell),
            Line::Unknown if rest.len() <= WINDOW_BYTES => return Step::Wait,
            Line::Unknown | Line::Other => {}
        }
        let length = match scan::line_length(rest) {
            Some(length) => length,
            None if next == Next::End => rest.len(),
            None if rest.len() <= WINDOW_BYTES => return Step::Wait,
            None => {
                self.lose();
                self.state.place = Place::Line;
                return Step::Took(rest.len());
            }
        };
        let line = &rest[..length];
        let stray_command = line.starts_with(b"# administrator command:");
        if !stray_command && !is_banner(line) {
            self.lose();
        }
        Step::Took(length)
    }

    /// Counts junk once, however long it is.
    fn lose(&mut self) {
        if !self.state.lost {
            self.unparsed += 1;
        }
        self.state.lost = true;
    }

    /// Reads one entry from its first header line on.
    fn entry(&mut self, rest: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Step {
        if self.state.doubtful > 0 {
            return self.doubtful(rest, next, tell);
        }
        let window = &rest[..rest.len().min(WINDOW_BYTES)];
        let full = rest.len() > WINDOW_BYTES;
        // what is behind a full window must not decide what is in it
        let next = if full { Next::More } else { next };
        let mut header = Header::default();
        let start = match self.header(window, next, &mut header) {
            Lines::Header(start) => start,
            Lines::Cut(length) => {
                self.state.lost = false;
                self.lose();
                return Step::Took(length);
            }
            Lines::Wait if full => return Step::Took(self.skip_line(rest)),
            Lines::Wait => return Step::Wait,
        };
        let text = &window[start..];
        let mut is_cut = false;
        self.state.users = header.has_user;
        self.state.is_modern |= header.is_modern;
        let (length, took) = match self.end_of(text, start, (next, full)) {
            End::At(end) => (end, start + end),
            End::Cut(end) => {
                is_cut = true;
                (end, start + end)
            }
            End::Doubt(doubt, code, end) => {
                is_cut = true;
                if doubt == Doubt::Entries {
                    self.state.doubtful = start + end;
                    (code, start + code)
                } else {
                    (code, start + end)
                }
            }
            End::Nowhere | End::Unknown if full => {
                self.state.place = Place::Rest;
                (
                    text.len(),
                    start + MAX_STATEMENT_BYTES.min(text.len()) - OVERLAP_BYTES,
                )
            }
            End::Unknown => return Step::Wait,
            End::Nowhere if next == Next::More => return Step::Wait,
            End::Nowhere if next == Next::Quiet && !Body::is_whole(text) => return Step::Wait,
            End::Nowhere => {
                is_cut = Literal::default().holds(text, text.len());
                (text.len(), rest.len())
            }
        };
        self.state.lost = false;
        let mut body = Body::read(&text[..length]);
        body.truncated |= is_cut;
        self.tell(&header, &body, tell);
        Step::Took(took)
    }

    /// Finds where the statement `text` ends, which starts behind a header of `start` bytes.
    fn end_of(&mut self, text: &[u8], start: usize, (next, full): (Next, bool)) -> End {
        let known = boundary::Known {
            users: self.state.users,
            at: self.offset + start as u64,
            // what more bytes may show otherwise is not remembered
            ahead: if next == Next::Quiet {
                &mut Ahead::default()
            } else {
                &mut self.ahead
            },
            is_full: full,
        };
        boundary::find(text, next, known)
    }

    /// Gives up on a header that does not end.
    fn skip_line(&mut self, rest: &[u8]) -> usize {
        self.lose();
        scan::line_length(rest).unwrap_or_else(|| {
            self.state.place = Place::Line;
            rest.len()
        })
    }

    /// Reads the `#` lines that `window` starts with, and says where the statement starts.
    fn header<'a>(&mut self, window: &'a [u8], next: Next, header: &mut Header<'a>) -> Lines {
        let mut at = 0;
        let mut plan = None;
        while at < MAX_HEADER_BYTES {
            let rest = header.usual_lines(&window[at..], &mut self.known);
            at = window.len() - rest.len();
            // a statement need not have a line end in sight
            if rest.first().is_some_and(|byte| *byte != b'#') {
                break;
            }
            let length = match scan::line_length(rest) {
                Some(length) => length,
                None if next == Next::End && !rest.is_empty() => rest.len(),
                None if next == Next::End => return Lines::Cut(at),
                None => return Lines::Wait,
            };
            let line = rest[..length].trim_ascii_end();
            if line.starts_with(b"# administrator command:") {
                break;
            }
            let may_be_first = matches!(line.get(2), Some(b'T' | b'U'));
            let next_entry =
                may_be_first && (line.starts_with(b"# Time:") || line.starts_with(b"# User@Host:"));
            if next_entry && header.elapsed.is_some() {
                return Lines::Cut(at);
            }
            if line.starts_with(b"# explain:") {
                plan.get_or_insert(at);
                header.explain = &window[plan.unwrap_or(at)..at + length];
            } else {
                header.line(line, &mut self.known);
            }
            at += length;
        }
        if header.elapsed.is_none() {
            return Lines::Cut(at);
        }
        Lines::Header(at)
    }

    /// Skips the rest of a statement that was too large.
    fn rest(&mut self, rest: &[u8], next: Next) -> Step {
        match head::find_proven(rest, next, self.state.users) {
            Ok(Some(at)) => {
                self.state.place = Place::Between;
                Step::Took(at)
            }
            _ if next == Next::End => Step::Took(rest.len()),
            Err(Unknown) if rest.len() <= WINDOW_BYTES => Step::Wait,
            _ if rest.len() <= OVERLAP_BYTES => Step::Wait,
            _ => Step::Took(rest.len() - OVERLAP_BYTES),
        }
    }

    /// Skips the rest of a line that belongs to no entry.
    fn line(&mut self, rest: &[u8]) -> Step {
        let Some(length) = scan::line_length(rest) else {
            return Step::Took(rest.len());
        };
        self.state.place = Place::Between;
        Step::Took(length)
    }
}

/// What the `#` lines of an entry came to.
enum Lines {
    /// A whole header; the statement starts here.
    Header(usize),
    /// A header without its statement or without its time; the next line starts here.
    Cut(usize),
    /// More bytes are needed.
    Wait,
}

impl Parser for Mysql {
    fn parse(&mut self, buffer: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Progress {
        self.parse_until(buffer, buffer.len(), next, tell)
    }

    fn part(&self) -> Option<Part> {
        Some(Part::new(self.fork()))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn coverage(&self) -> Coverage {
        self.state.server.coverage()
    }

    fn coverage_of_all(&self) -> Coverage {
        self.state.server.coverage_of_all()
    }

    fn context(&self) -> String {
        serde_json::to_string(&self.state).unwrap_or_default()
    }

    fn restore(&mut self, context: &str) {
        if let Ok(state) = serde_json::from_str(context) {
            self.state = state;
        }
    }
}

#[cfg(test)]
mod oddities;
#[cfg(test)]
mod tests;

//! Takes a log out of what carried it: JSON lines of container runtimes and clouds, CRI, syslog, time stamps.
//!
//! ```text
//! outer line ─► Wrapping::piece ─► Pieces (in order of their start, joined again) ─► inner bytes ─► parser of the log
//! ```
//!
//! A checkpoint is a byte of the *outer* file: the line where the oldest inner byte comes from that is not done
//! with; the context says how many inner bytes of that line are.

mod document;
mod json;
mod line;
mod pieces;
mod syslog;
mod year;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use self::document::{Inside, Unit};
use self::line::without_return;
pub(super) use self::line::{Wrapping, unwrapped, wrapping_of, wrappings_of};
use self::pieces::{Joins, Part, Pieces};
use self::year::Years;
use super::format::{begins_entry, is_detail};
use super::{Entry, MAX_STATEMENT_BYTES, Next, Options, Parser, Progress, scan};
use crate::model::event::Coverage;
use crate::model::sql::Dialect;
use crate::model::upkeep::Upkeep;

/// An outer line that is longer holds more than one statement may, and is passed over.
const MAX_LINE_BYTES: usize = MAX_STATEMENT_BYTES + (64 << 10);

/// Reads a wrapped log by the parser of what is in it.
pub(super) struct Wrapped {
    wrapping: Wrapping,
    inner: Box<dyn Parser>,
    years: Years,
    pieces: Pieces,
    /// Inner bytes that the inner parser has not consumed.
    buffer: Vec<u8>,
    sources: VecDeque<Source>,
    /// Inner bytes consumed, of all that there were.
    consumed: u64,
    /// Of them, those that belong to entries not told.
    held: u64,
    /// Outer bytes done with.
    offset: u64,
    /// Inner bytes at the beginning that were done with before a restart.
    skip: u64,
    /// Fragments before this byte, whose beginning is before the checkpoint, were used before the restart.
    seen_until: u64,
    /// Inside an outer line, or an object of a document, that is too long.
    skipping: bool,
    /// Where in that object.
    inside: Inside,
    /// Outer byte where the first entry of some source begins: what belongs to none behind it is of other programs.
    begun_at: Option<u64>,
    /// Sources whose next lines are of a header that was used before the restart.
    amid: Vec<u64>,
    unparsed: u64,
}

/// Where inner bytes come from.
#[derive(Debug, Clone)]
struct Source {
    /// First inner byte.
    inner: u64,
    /// Start of the outer line.
    outer: u64,
    /// Sources of which only a header had come there.
    amid: Vec<u64>,
}

/// What must be known to go on from a checkpoint.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Context {
    inner: String,
    skip: u64,
    seen: u64,
    skipping: bool,
    inside: Inside,
    has_begun: bool,
    amid: Vec<u64>,
    years: Years,
}

impl Wrapped {
    pub(super) fn new(wrapping: Wrapping, inner: Box<dyn Parser>, options: &Options) -> Self {
        Self {
            wrapping,
            inner,
            years: Years::new(options),
            pieces: Pieces::default(),
            buffer: Vec::new(),
            sources: VecDeque::new(),
            consumed: 0,
            held: 0,
            offset: 0,
            skip: 0,
            seen_until: 0,
            skipping: false,
            inside: Inside::default(),
            begun_at: None,
            amid: Vec::new(),
            unparsed: 0,
        }
    }

    /// Takes the outer lines that `outer` holds; says how many bytes they are.
    fn lines(&mut self, outer: &[u8], next: Next) -> usize {
        let mut at = 0;
        while at < outer.len() {
            let rest = &outer[at..];
            let (length, is_whole) = match self.unit(rest) {
                Unit::Object(length) => (length, true),
                Unit::Gap(length) => {
                    at += length;
                    self.offset += length as u64;
                    continue;
                }
                Unit::Open if next == Next::End || self.skipping => (rest.len(), false),
                Unit::Open if rest.len() > MAX_LINE_BYTES => {
                    self.inside = Inside::default();
                    self.inside.end(rest);
                    (rest.len(), false)
                }
                Unit::Open => break,
            };
            self.line(&rest[..length], is_whole);
            at += length;
            self.offset += length as u64;
            // few pieces wait at a time, whatever the size of the block
            self.release();
        }
        at
    }

    /// The line, or the object of a document, that `rest` starts with.
    fn unit(&mut self, rest: &[u8]) -> Unit {
        let length = match self.wrapping {
            Wrapping::Document if !self.skipping => return document::next(rest),
            Wrapping::Document => self.inside.end(rest),
            _ => scan::line_length(rest),
        };
        length.map_or(Unit::Open, Unit::Object)
    }

    fn line(&mut self, line: &[u8], is_whole: bool) {
        let rest_of_another = std::mem::replace(&mut self.skipping, false);
        if rest_of_another || line.len() > MAX_LINE_BYTES {
            self.unparsed += u64::from(!rest_of_another);
            self.skipping = !is_whole;
            return;
        }
        let text = without_return(line.strip_suffix(b"\n").unwrap_or(line));
        if text.iter().all(|b| *b == 0 || b.is_ascii_whitespace()) {
            return;
        }
        let part = self.wrapping.fragment(text, &mut self.years);
        let was_taken = part.is_some_and(|part| {
            let part = self.of_entry(part);
            self.pieces.add(part, self.offset)
        });
        if !was_taken && self.offset >= self.seen_until {
            self.unparsed += 1;
        }
    }

    /// Where several programs write, the lines of an entry are a piece, and what is of no entry is of another program.
    fn of_entry<'a>(&mut self, part: Part<'a>) -> Part<'a> {
        if part.source == 0 {
            return part;
        }
        let is_header = part.text.starts_with(b"# ");
        let was_used = is_header && self.amid.contains(&part.source);
        if !is_header {
            self.amid.retain(|source| *source != part.source);
        }
        let begins = !was_used && begins_entry(scan::line_at(&part.text, 0).0);
        if begins {
            self.begun_at.get_or_insert(self.offset);
        }
        let has_begun = self.begun_at.is_some();
        let joins = match begins {
            true => Joins::BeginsEntry,
            // whatever came between
            false if has_begun && is_detail(&part.text) => Joins::IfOpen,
            false if has_begun => Joins::OrForeign,
            false => Joins::Begins,
        };
        let mut text = part.text.into_owned();
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        Part {
            source: part.source,
            stream: part.source,
            text: text.into(),
            joins,
            is_open: has_begun,
        }
    }

    /// Moves the pieces that are whole to the inner buffer.
    fn release(&mut self) {
        while let Some(piece) = self.pieces.take_whole(self.offset) {
            let skipped = usize::try_from(self.skip).map_or(0, |s| s.min(piece.text.len()));
            self.skip = 0;
            self.sources.push_back(Source {
                inner: (self.consumed + self.buffer.len() as u64).saturating_sub(skipped as u64),
                outer: piece.start,
                amid: piece.amid,
            });
            self.buffer.extend_from_slice(&piece.text[skipped..]);
        }
    }

    /// The first inner byte that a restart needs.
    fn inner_checkpoint(&self) -> u64 {
        self.consumed.saturating_sub(self.held)
    }

    /// Forgets where inner bytes come from that no restart needs.
    fn forget(&mut self) {
        let needed = self.inner_checkpoint();
        let end = self.consumed + self.buffer.len() as u64;
        if needed >= end {
            self.sources.clear();
        }
        while self.sources.get(1).is_some_and(|s| s.inner <= needed) {
            self.sources.pop_front();
        }
    }

    /// The first outer byte that a restart needs.
    fn checkpoint(&self) -> u64 {
        let source = self.sources.front().map(|s| s.outer);
        let piece = || self.pieces.first().map(|piece| piece.start);
        source.or_else(piece).unwrap_or(self.offset)
    }
}

impl Parser for Wrapped {
    fn parse(&mut self, buffer: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Progress {
        let consumed = self.lines(buffer, next);
        if next != Next::More {
            self.pieces.close();
        }
        self.release();
        let inner = self.inner.parse(&self.buffer, next, tell);
        self.buffer.drain(..inner.consumed.min(self.buffer.len()));
        self.consumed += inner.consumed as u64;
        self.held = inner.held;
        self.forget();
        Progress {
            consumed,
            held: self.offset - self.checkpoint(),
            unparsed: inner.unparsed + std::mem::take(&mut self.unparsed),
        }
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn coverage(&self) -> Coverage {
        self.inner.coverage()
    }

    fn coverage_of_all(&self) -> Coverage {
        self.inner.coverage_of_all()
    }

    fn unclear_zone(&self) -> Option<&str> {
        self.inner.unclear_zone()
    }

    fn upkeep(&self) -> Upkeep {
        self.inner.upkeep()
    }

    fn context(&self) -> String {
        let first = self.sources.front();
        let context = Context {
            inner: self.inner.context(),
            skip: first.map_or(self.skip, |s| {
                self.inner_checkpoint().saturating_sub(s.inner)
            }),
            seen: self.offset.max(self.seen_until) - self.checkpoint(),
            skipping: self.skipping,
            inside: self.inside,
            has_begun: self.begun_at.is_some_and(|at| at < self.checkpoint()),
            amid: match (first, self.pieces.first()) {
                (Some(source), _) => source.amid.clone(),
                (None, Some(piece)) => piece.amid.clone(),
                (None, None) => Vec::new(),
            },
            years: self.years,
        };
        serde_json::to_string(&context).unwrap_or_default()
    }

    fn restore(&mut self, context: &str) {
        let Ok(context) = serde_json::from_str::<Context>(context) else {
            return;
        };
        self.inner.restore(&context.inner);
        self.skip = context.skip;
        self.consumed = context.skip;
        self.seen_until = self.offset + context.seen;
        self.skipping = context.skipping;
        self.inside = context.inside;
        self.amid = context.amid;
        self.begun_at = context.has_begun.then_some(0);
        self.years.restore(context.years);
    }
}

impl std::fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wrapped")
            .field("wrapping", &self.wrapping)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod carriers;
#[cfg(test)]
mod tests;

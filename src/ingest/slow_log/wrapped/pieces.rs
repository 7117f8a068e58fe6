//! Joins what a transport has cut, in the order in which each piece began.
//!
//! Container runtimes cut long lines, and syslog cuts lines and long statements; several streams or processes mix.
//! A piece is whole when its last part says so, when its stream begins another, or when nothing came for it for a
//! while, or too much of others; one that is whole waits for those that began before it, so that the order is always the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use crate::ingest::slow_log::MAX_STATEMENT_BYTES;

/// The parts of one message are written together: after this many bytes of others no more are expected.
const PATIENCE_BYTES: u64 = 16 << 10;

/// Where programs write at the same time, an entry is over after this many bytes of others, whatever else its program
/// writes: what it writes may be no part of the entry, and all others wait for it.
const MAX_BYTES_AMID: u64 = 64 << 10;

/// The rest of a piece that is larger is dropped; the parser cuts its statement before.
const MAX_PIECE_BYTES: usize = MAX_STATEMENT_BYTES + (128 << 10);

/// A part of the log.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// The program that wrote it, where what carried it tells; else 0.
    pub(super) source: u64,
    /// Its stream or process.
    pub(super) stream: u64,
    pub(super) text: Cow<'a, [u8]>,
    pub(super) joins: Joins,
    /// Another part of the same line or message may follow.
    pub(super) is_open: bool,
}

/// Whether a part goes on with the piece of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    /// It begins a piece.
    Begins,
    /// It begins an entry, unless the piece is an entry of which only lines of the header came.
    BeginsEntry,
    /// It goes on with one that is open, and else begins one.
    IfOpen,
    /// It goes on, and is nothing by itself.
    Always,
    /// The same, and belongs to another program when nothing is open.
    OrForeign,
}

/// Parts of one line or message.
#[derive(Debug)]
pub(super) struct Piece {
    stream: u64,
    /// It is of one of several programs.
    has_source: bool,
    /// Outer byte where it began.
    pub(super) start: u64,
    /// Outer byte of its latest part.
    latest: u64,
    pub(super) text: Vec<u8>,
    /// Bytes of all parts that came before it.
    before: u64,
    /// Bytes of its parts, dropped ones among them.
    own: u64,
    /// Other streams of which only the header of an entry had come when it began.
    pub(super) amid: Vec<u64>,
}

/// The pieces that are not whole, and those that wait behind them.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    waiting: VecDeque<Piece>,
    /// Pieces taken.
    taken: usize,
    /// Which piece of each stream is open, all that were taken counted.
    open: BTreeMap<u64, usize>,
    /// Bytes of all parts.
    bytes: u64,
}

impl Pieces {
    /// Takes a part at the outer byte `at`; says whether it belongs anywhere.
    pub(super) fn add(&mut self, part: Part<'_>, at: u64) -> bool {
        self.bytes += part.text.len() as u64;
        let open = self.open.get(&part.stream).copied();
        let Some(piece) = open.and_then(|n| self.waiting.get_mut(n - self.taken)) else {
            return match part.joins {
                Joins::Always => false,
                Joins::OrForeign => true,
                Joins::Begins | Joins::BeginsEntry | Joins::IfOpen => self.begin(part, at),
            };
        };
        let goes_on = match part.joins {
            Joins::Begins => false,
            Joins::BeginsEntry => ends_in_header(&piece.text),
            Joins::IfOpen | Joins::Always | Joins::OrForeign => true,
        };
        if !goes_on {
            return self.begin(part, at);
        }
        let is_full = !piece.append(&part.text, at);
        if !part.is_open || (is_full && part.joins == Joins::OrForeign) {
            self.open.remove(&part.stream);
        }
        true
    }

    /// A piece begins, and ends the one of its stream.
    fn begin(&mut self, part: Part<'_>, at: u64) -> bool {
        self.open.remove(&part.stream);
        let amid = match part.joins {
            Joins::BeginsEntry => self.in_header().collect(),
            _ => Vec::new(),
        };
        if part.is_open {
            let number = self.taken + self.waiting.len();
            self.open.insert(part.stream, number);
        }
        let own = part.text.len() as u64;
        self.waiting.push_back(Piece {
            amid,
            stream: part.stream,
            has_source: part.source != 0,
            start: at,
            latest: at,
            text: part.text.into_owned(),
            before: self.bytes - own,
            own,
        });
        true
    }

    /// Takes the first piece when no more of it is expected at the outer byte `at`; its last line is ended.
    pub(super) fn take_whole(&mut self, at: u64) -> Option<Piece> {
        let first = self.waiting.front()?;
        let is_open = self.open.get(&first.stream) == Some(&self.taken);
        let amid = self.bytes - first.before - first.own;
        let is_late = at.saturating_sub(first.latest) > PATIENCE_BYTES
            || (first.has_source && amid > MAX_BYTES_AMID);
        if is_open && !is_late {
            return None;
        }
        let mut piece = self.waiting.pop_front()?;
        if is_open {
            self.open.remove(&piece.stream);
        }
        self.taken += 1;
        if !piece.text.ends_with(b"\n") {
            piece.text.push(b'\n');
        }
        Some(piece)
    }

    /// Expects no more of any piece.
    pub(super) fn close(&mut self) {
        self.open.clear();
    }

    /// The first piece.
    pub(super) fn first(&self) -> Option<&Piece> {
        self.waiting.front()
    }

    /// Streams of which only the header of an entry has come.
    fn in_header(&self) -> impl Iterator<Item = u64> {
        let open = self.open.values();
        let pieces = open.filter_map(|number| self.waiting.get(number - self.taken));
        pieces
            .filter(|piece| ends_in_header(&piece.text))
            .map(|piece| piece.stream)
    }
}

impl Piece {
    /// Appends a part; false when that is dropped, because it would be too much.
    fn append(&mut self, text: &[u8], at: u64) -> bool {
        self.latest = at;
        self.own += text.len() as u64;
        let fits = self.text.len() + text.len() <= MAX_PIECE_BYTES;
        if fits {
            self.text.extend_from_slice(text);
        }
        fits
    }
}

/// Whether the last line of a text is one of those above the statement of a slow log.
fn ends_in_header(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let line = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    text[line..].starts_with(b"# ")
}

//! Joins what a transport has cut, in the order in which each piece began.
//!
//! Container runtimes cut long lines, and syslog cuts lines and long statements; several streams or processes mix.
//! A piece is whole when its last part says so, when its stream begins another, or when nothing came for it for a
//! while; one that is whole waits for those that began before it, so that the order is always the same.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::ingest::slow_log::MAX_STATEMENT_BYTES;

/// The parts of one message are written together: after this many bytes of others no more are expected.
const PATIENCE_BYTES: u64 = 16 << 10;

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
    /// Outer byte where it began.
    pub(super) start: u64,
    /// Outer byte of its latest part.
    latest: u64,
    pub(super) text: Vec<u8>,
    is_open: bool,
    /// Other streams of which only the header of an entry had come when it began.
    pub(super) amid: Vec<u64>,
}

/// The pieces that are not whole, and those that wait behind them.
#[derive(Debug, Default)]
pub(super) struct Pieces(VecDeque<Piece>);

impl Pieces {
    /// Takes a part at the outer byte `at`; says whether it belongs anywhere.
    pub(super) fn add(&mut self, part: Part<'_>, at: u64) -> bool {
        let open = self
            .0
            .iter_mut()
            .rev()
            .find(|p| p.is_open && p.stream == part.stream);
        match (open, part.joins) {
            (Some(piece), Joins::BeginsEntry) if !ends_in_header(&piece.text) => {
                piece.is_open = false;
            }
            (
                Some(piece),
                Joins::BeginsEntry | Joins::IfOpen | Joins::Always | Joins::OrForeign,
            ) => {
                if piece.text.len() + part.text.len() <= MAX_PIECE_BYTES {
                    piece.text.extend_from_slice(&part.text);
                }
                piece.latest = at;
                piece.is_open = part.is_open;
                return true;
            }
            (None, Joins::Always) => return false,
            (None, Joins::OrForeign) => return true,
            (Some(piece), Joins::Begins) => piece.is_open = false,
            (None, Joins::Begins | Joins::BeginsEntry | Joins::IfOpen) => {}
        }
        let amid = match part.joins {
            Joins::BeginsEntry => self.in_header().filter(|s| *s != part.stream).collect(),
            _ => Vec::new(),
        };
        self.0.push_back(Piece {
            amid,
            stream: part.stream,
            start: at,
            latest: at,
            text: part.text.into_owned(),
            is_open: part.is_open,
        });
        true
    }

    /// Takes the first piece when no more of it is expected at the outer byte `at`; its last line is ended.
    pub(super) fn take_whole(&mut self, at: u64) -> Option<Piece> {
        let first = self.0.front()?;
        if first.is_open && at.saturating_sub(first.latest) <= PATIENCE_BYTES {
            return None;
        }
        let mut piece = self.0.pop_front()?;
        if !piece.text.ends_with(b"\n") {
            piece.text.push(b'\n');
        }
        Some(piece)
    }

    /// Expects no more of any piece.
    pub(super) fn close(&mut self) {
        for piece in &mut self.0 {
            piece.is_open = false;
        }
    }

    /// The first piece.
    pub(super) fn first(&self) -> Option<&Piece> {
        self.0.front()
    }

    fn in_header(&self) -> impl Iterator<Item = u64> {
        let open = self.0.iter().filter(|piece| piece.is_open);
        open.filter(|piece| ends_in_header(&piece.text))
            .map(|piece| piece.stream)
    }
}

/// Whether the last line of a text is one of those above the statement of a slow log.
fn ends_in_header(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let line = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    text[line..].starts_with(b"# ")
}

//! Parts of one log that are read beside each other, and put together to what the log tells as a whole.
//!
//! ```text
//! log ─► split at entries ─► part ─► Part: its entries, read without what stands before ─┐
//!                            part ─► Part: ...                                            ├─► Whole, in order
//!                            part ─► ...                                                 ─┘
//! ```
//!
//! Where a part begins is a guess. It holds when the part before ended there between two entries; otherwise the
//! [`Whole`] reads the part again, from where it is itself.

use std::sync::Arc;

use super::buffer::Buffer;
use super::mysql::{Mysql, State, seam};
use super::{Entry, Next, Parser};
use crate::model::event::Coverage;
use crate::model::time::Timestamp;

/// Bytes of the following part that a part is read with: the header there ends its last entry.
const LOOKAHEAD_BYTES: usize = 4 << 10;

/// A piece of a log, and a little of what follows it.
#[derive(Debug)]
pub struct Piece {
    /// Its bytes and those behind it.
    pub text: Buffer,
    /// So many bytes are its own.
    pub length: usize,
    /// What follows the text.
    pub next: Next,
}

/// Gives a log in pieces, in its order.
pub trait Pieces: Send {
    /// The next piece, which uses the room of `spare`; `None` when there is no more to be had.
    fn next_piece(&mut self, spare: Buffer) -> Option<Piece>;
}

/// Reads parts of one log.
#[derive(Debug)]
pub struct Part(Mysql);

/// What a part takes for given, and is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guess {
    pub(super) users: bool,
    pub(super) is_modern: bool,
    pub(super) tells_access: bool,
}

/// What entries of a part have from those before it, where they do not tell it themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inherited {
    /// The database.
    pub database: Arc<str>,
    /// When they ended.
    pub time: Option<Timestamp>,
}

/// What reading a part came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    guess: Guess,
    consumed: usize,
    unparsed: u64,
    entries: u64,
    state: State,
}

/// Puts parts together; they come in the order of the log.
#[derive(Debug)]
pub struct Whole {
    parser: Mysql,
    /// Of the parts before, what belongs to an entry that goes on.
    rest: Vec<u8>,
    /// So many bytes of the next part were read with the last one.
    ahead: usize,
    bytes: u64,
    entries: u64,
    unparsed: u64,
}

impl Piece {
    /// Splits the beginning off `text`, at a place where an entry starts if there is one in sight; what remains is left
    /// in `text`, in the room of `spare`.
    ///
    /// # Errors
    ///
    /// Gives `spare` back when more of the log should be seen.
    pub fn split(text: &mut Buffer, mut spare: Buffer, is_full: bool) -> Result<Self, Buffer> {
        let length = match seam(text) {
            Some(seam) => seam,
            None if is_full => text.len(),
            None => return Err(spare),
        };
        spare.fill(&text[length..]);
        text.truncate(length + LOOKAHEAD_BYTES);
        Ok(Self {
            text: std::mem::replace(text, spare),
            length,
            next: Next::More,
        })
    }
}

impl Part {
    pub(super) fn new(parser: Mysql) -> Self {
        Self(parser)
    }

    /// Another one, for another thread.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(self.0.fork())
    }

    /// What puts the parts of a log together, from its beginning.
    pub fn whole(&self) -> Whole {
        Whole {
            parser: self.0.fork(),
            rest: Vec::new(),
            ahead: 0,
            bytes: 0,
            entries: 0,
            unparsed: 0,
        }
    }

    /// Reads a part as if it were the beginning.
    pub fn read(
        &mut self,
        piece: &Piece,
        guess: Guess,
        tell: &mut dyn FnMut(&mut Entry<'_>),
    ) -> Outcome {
        self.0.begin(guess);
        let mut entries = 0;
        let (text, next) = (&piece.text, piece.next);
        let progress = self
            .0
            .parse_until(text, piece.length, next, &mut |mut entry| {
                entries += 1;
                tell(&mut entry);
            });
        Outcome {
            guess,
            consumed: progress.consumed,
            unparsed: progress.unparsed,
            entries,
            state: self.0.state(),
        }
    }
}

impl Whole {
    /// Takes what was read of the next part. `None` when that does not hold; then it must be [read](Self::read) here.
    pub fn follow(&mut self, piece: &Piece, read: Outcome) -> Option<Inherited> {
        let is_seam = self.rest.is_empty() && self.ahead == 0;
        if !is_seam || self.parser.guess() != Some(read.guess) {
            return None;
        }
        let inherited = self.parser.inherited();
        self.parser.go_on(read.consumed, read.state);
        self.entries += read.entries;
        self.unparsed += read.unparsed;
        self.bytes += read.consumed as u64;
        match piece.text.get(read.consumed..piece.length) {
            Some(rest) => self.rest.extend_from_slice(rest),
            None => self.ahead = read.consumed - piece.length,
        }
        Some(inherited)
    }

    /// Reads the next part, with what is left of those before.
    pub fn read(&mut self, piece: &Piece, tell: &mut dyn FnMut(Entry<'_>)) {
        if self.ahead >= piece.length && piece.next == Next::More {
            self.ahead -= piece.length;
            return;
        }
        let behind = piece.text.len() - piece.length;
        let mut text = std::mem::take(&mut self.rest);
        text.extend_from_slice(piece.text.get(self.ahead..).unwrap_or_default());
        let limit = text.len().saturating_sub(behind);
        let mut entries = 0;
        let progress = self
            .parser
            .parse_until(&text, limit, piece.next, &mut |entry| {
                entries += 1;
                tell(entry);
            });
        self.entries += entries;
        self.unparsed += progress.unparsed;
        self.bytes += progress.consumed as u64;
        self.ahead = progress.consumed.saturating_sub(limit);
        text.truncate(limit);
        text.drain(..progress.consumed.min(limit));
        self.rest = text;
    }

    /// Bytes and entries read, and what could not be read.
    pub fn counts(&self) -> [u64; 3] {
        [self.bytes, self.entries, self.unparsed]
    }

    /// What the next part may take for given.
    pub fn guess(&self) -> Guess {
        self.parser.guess().unwrap_or_default()
    }

    /// Something is left that was not read to its end.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What is known of the log's coverage.
    pub fn coverage(&self) -> Coverage {
        self.parser.coverage_of_all()
    }
}

#[cfg(test)]
mod tests;

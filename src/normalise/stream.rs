//! The token stream of one statement, with no literal in it: what the lexer writes and all later steps read.
//!
//! Each token is a tag below [`FIRST_TEXT_BYTE`] and its text, so that the bytes are at once a sound cache key
//! and decodable. Lists of literals and repeated rows are folded while they are written: a bulk
//! `INSERT` of 64 MB leaves one row here.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use super::attributes::{Counter, Likes};
use super::chains::{Chains, Joint};
use super::chunk::{CHUNK_BYTES, Chunk};
use super::paging::Paging;
use super::signal_words::{
    BY, FALSE, HAVING, LIMIT, OFFSET, ON, OR, SELECT, SET, TRUE, UNION, UPDATE, VALUES, WHEN, WHERE,
};
use crate::model::event::TraceRef;

/// A bare word, lower-cased.
pub(super) const WORD: u8 = 1;
/// A quoted identifier, folded as the dialect does.
pub(super) const QUOTED: u8 = 2;
/// Any literal or placeholder; no text. Where it is compared with something, [`INTEGER`], [`DECIMAL`] or [`TEXT`].
pub(super) const LITERAL: u8 = 3;
/// A column number in an ORDER BY or GROUP BY list: identity, not data.
pub(super) const ORDINAL: u8 = 4;
/// Eight hex digits: hash of the key behind `->` and `->>`.
pub(super) const KEY: u8 = 5;
/// An operator or punctuation mark.
pub(super) const SIGN: u8 = 6;
/// `/*!` or `/*+`; the text is the second mark.
pub(super) const HINT_OPEN: u8 = 7;
/// The end of a hint.
pub(super) const HINT_CLOSE: u8 = 8;
/// A whole number that something is compared with.
pub(super) const INTEGER: u8 = 9;
/// The same with digits behind a point.
pub(super) const DECIMAL: u8 = 10;
/// The same in quotes.
pub(super) const TEXT: u8 = 11;
/// Smallest byte that may stand in a token's text.
pub(super) const FIRST_TEXT_BYTE: u8 = 0x20;

/// A statement whose folded stream is longer is cut here: no shape that a person wrote is.
pub(super) const MAX_STREAM_BYTES: usize = 1 << 20;
/// Longer identifiers are cut: MySQL allows 64 characters, PostgreSQL 63 bytes.
const MAX_NAME_BYTES: usize = 256;
/// Parentheses deeper than this are not searched for rows.
const MAX_ROW_DEPTH: usize = 64;

/// What stands for a name that was written like a string; no other name begins so.
pub(super) fn hashed_name(name: &[u8]) -> String {
    format!("'{:016x}", xxh3_64(&name.to_ascii_lowercase()))
}

/// One statement's tokens, reused from statement to statement.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent observations of one text"
)]
pub(super) struct Stream {
    pub(super) out: Vec<u8>,
    pub(super) parameters: Vec<u8>,
    pub(super) frames: Vec<Frame>,
    pub(super) depth: usize,
    pub(super) last_row: (usize, usize),
    pub(super) by_list: bool,
    /// Inside a WHERE or ON, where columns are compared.
    pub(super) compares: bool,
    /// Literals of which is kept how they are written.
    pub(super) typed: u8,
    /// A value was left out of the text: equal texts need not be equal runs.
    pub(super) placeholders: bool,
    /// How long lists and runs of rows are.
    pub(super) counter: Counter,
    /// Very long chains, if there are any.
    pub(super) chains: Option<Box<Chains>>,
    /// Kinds of patterns of LIKE.
    pub(super) likes: Likes,
    /// The last comment that may have tags.
    pub(super) comment: Vec<u8>,
    /// Rows that are skipped.
    pub(super) paging: Paging,
    /// Trace context of a comment.
    pub(super) trace: Option<TraceRef>,
    /// The text ended inside a literal or a comment.
    pub(super) unterminated: bool,
    /// Where the first string stands whose end hangs on what a backslash means.
    pub(super) doubtful_from: Option<usize>,
    /// Something was read as code that no server takes for code.
    pub(super) nonsense: bool,
    /// A `"..."` that was read as a string stands where only a table can.
    pub(super) quoted_table: bool,
    /// The stream was cut at its limit.
    pub(super) overflow: bool,
    /// The hash of all tokens, where the same were read before.
    pub(super) known_key: Option<u128>,
}

/// One open parenthesis.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent observations of what is inside and around it"
)]
pub(super) struct Frame {
    pub(super) start: usize,
    pub(super) row: bool,
    pub(super) list: bool,
    /// Commas between its items.
    pub(super) commas: u32,
    /// Behind it, an ORDER BY list goes on.
    by_list: bool,
    /// Behind it, conditions go on.
    compares: bool,
}

impl Stream {
    /// Forgets the last statement.
    pub(super) fn clear(&mut self) {
        let Self {
            out,
            parameters,
            frames,
            comment,
            depth,
            last_row,
            by_list,
            compares,
            typed,
            placeholders,
            counter,
            chains,
            likes,
            paging,
            trace,
            unterminated,
            doubtful_from,
            nonsense,
            quoted_table,
            overflow,
            known_key,
        } = self;
        out.clear();
        parameters.clear();
        frames.clear();
        comment.clear();
        (*depth, *last_row, *typed) = (0, (0, 0), 0);
        (*by_list, *compares, *placeholders) = (false, false, false);
        (*counter, *likes) = (Counter::default(), Likes::default());
        (*chains, *paging, *known_key) = (None, Paging::default(), None);
        (*trace, *doubtful_from) = (None, None);
        (*unterminated, *nonsense) = (false, false);
        (*quoted_table, *overflow) = (false, false);
    }

    /// The tokens, encoded.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Strong hash of the tokens: equal streams are the same statement.
    pub(super) fn key(&self) -> u128 {
        if let Some(key) = self.known_key {
            return key;
        }
        let dropped = self.chains.as_ref().map_or(0, |chains| chains.dropped());
        xxh3_128(&self.out).wrapping_add(dropped << 16)
    }

    /// Keyed hash of the literals, in order; 0 where values were left out of the text.
    pub(super) fn parameter_hash(&self, seed: u64) -> u64 {
        if self.placeholders {
            return 0;
        }
        xxh3_64_with_seed(&self.parameters, seed)
    }

    /// Whether the stream is full, so that reading on is pointless.
    #[inline]
    pub(super) fn is_full(&mut self) -> bool {
        self.overflow |= self.out.len() > MAX_STREAM_BYTES;
        self.overflow
    }

    /// A bare word.
    pub(super) fn word(&mut self, text: &[u8]) {
        if text.len() <= CHUNK_BYTES {
            return self.short_word(Chunk::of(text), text.len());
        }
        self.out.push(WORD);
        let start = self.out.len();
        self.out
            .extend_from_slice(&text[..text.len().min(MAX_NAME_BYTES)]);
        self.out[start..].make_ascii_lowercase();
    }

    /// A bare word that fits into a chunk.
    #[inline]
    pub(super) fn short_word(&mut self, text: Chunk, length: usize) {
        self.out.push(WORD);
        let end = self.out.len() + length;
        let word = text.lower();
        self.out.extend_from_slice(&word.bytes());
        self.out.truncate(end);
        match word {
            BY => (self.by_list, self.compares) = (true, false),
            SELECT => {
                (self.by_list, self.compares) = (false, false);
                self.holds_a_query();
            }
            LIMIT | OFFSET => {
                (self.by_list, self.compares) = (false, false);
                self.paging.begin();
            }
            HAVING | VALUES | SET => {
                (self.by_list, self.compares) = (false, false);
            }
            UNION => {
                (self.by_list, self.compares) = (false, false);
                self.may_repeat(Joint::Union, length);
            }
            WHERE | ON => self.compares = true,
            UPDATE => self.compares = false,
            // They become literals later, where their place allows it.
            TRUE | FALSE => self.parameters.extend_from_slice(&text.bytes()[..length]),
            WHEN => self.may_repeat(Joint::When, length),
            OR => self.may_repeat(Joint::Or, length),
            _ => {}
        }
    }

    #[inline]
    fn may_repeat(&mut self, joint: Joint, length: usize) {
        if self.is_long() {
            self.joins(joint, self.out.len() - length - 1);
        }
    }

    /// The innermost parentheses hold a query, not a list of values.
    #[inline]
    fn holds_a_query(&mut self) {
        if self.frames.len() == self.depth
            && let Some(frame) = self.frames.last_mut()
        {
            frame.list = false;
        }
    }

    /// A quoted identifier without its quotes.
    pub(super) fn quoted(&mut self, text: &[u8], quote: u8, fold_case: bool) {
        self.out.push(QUOTED);
        let start = self.out.len();
        let mut rest = &text[..text.len().min(MAX_NAME_BYTES)];
        while let Some((&byte, tail)) = rest.split_first() {
            let doubled = byte == quote && tail.first() == Some(&quote);
            self.out.push(byte.max(FIRST_TEXT_BYTE));
            rest = if doubled { &tail[1..] } else { tail };
        }
        if fold_case {
            self.out[start..].make_ascii_lowercase();
        }
    }

    /// A name in the quotes of a string. Should it be data all the same, no more than a hash of it is shown.
    pub(super) fn alias(&mut self, text: &[u8]) {
        self.out.push(QUOTED);
        self.out.extend_from_slice(hashed_name(text).as_bytes());
    }

    /// An operator or punctuation mark other than a parenthesis.
    #[inline]
    pub(super) fn sign(&mut self, text: &[u8]) {
        self.out.push(SIGN);
        self.out.extend_from_slice(text);
    }

    /// `,`, `;` or `=`.
    #[inline]
    pub(super) fn separator(&mut self, mark: u8) {
        self.sign(&[mark]);
        if mark != b',' {
            return;
        }
        if self.frames.len() == self.depth
            && let Some(frame) = self.frames.last_mut()
        {
            frame.commas = frame.commas.saturating_add(1);
        }
        self.may_repeat(Joint::Comma, 1);
    }

    /// The start or the end of a hint.
    pub(super) fn hint(&mut self, open: Option<u8>) {
        match open {
            Some(mark) => self.out.extend_from_slice(&[HINT_OPEN, mark]),
            None => self.out.push(HINT_CLOSE),
        }
    }

    /// `(` or `[`.
    #[inline]
    pub(super) fn open(&mut self, bracket: u8) {
        let start = self.out.len();
        let list = match bracket {
            b'(' => {
                self.out.ends_with(b"\x01in")
                    || self.out.ends_with(b"\x01any")
                    || self.out.ends_with(b"\x01all")
            }
            _ => self.out.ends_with(b"\x01array"),
        };
        let inside_list = self.frames.last().is_some_and(|frame| frame.list);
        let row = bracket == b'('
            && (self.out.ends_with(b"\x01values")
                || (inside_list && matches!(self.out[..], [.., SIGN, b'(']))
                || (self.last_row.1 > 0
                    && start == self.last_row.1 + 2
                    && self.out[start - 1] == b','));
        let by_list = std::mem::take(&mut self.by_list);
        let compares = self.compares;
        self.depth += 1;
        if self.frames.len() < MAX_ROW_DEPTH && self.frames.len() + 1 == self.depth {
            self.frames.push(Frame {
                start,
                row,
                list,
                commas: 0,
                by_list,
                compares,
            });
        }
        self.out.extend_from_slice(&[SIGN, bracket]);
    }

    /// `)` or `]`; a row equal to the one before it is dropped.
    #[inline]
    pub(super) fn close(&mut self, bracket: u8) {
        self.out.extend_from_slice(&[SIGN, bracket]);
        self.by_list = false;
        let frame = if self.frames.len() == self.depth {
            self.frames.pop()
        } else {
            None
        };
        self.depth = self.depth.saturating_sub(1);
        if let Some(frame) = frame {
            (self.by_list, self.compares) = (frame.by_list, frame.compares);
            self.count_items(&frame);
        }
        let Some(frame) = frame.filter(|frame| frame.row) else {
            return;
        };
        let (start, end) = self.last_row;
        let is_next = end > 0 && frame.start == end + 2;
        self.counter.row(!is_next);
        let equal = is_next && self.out[start..end] == self.out[frame.start..];
        let repeats = equal || self.is_long() && self.is_known_row(frame.start, is_next);
        if repeats {
            self.forget_row(end);
        } else {
            self.last_row = (frame.start, self.out.len());
        }
    }

    /// Takes back the last token, a word of so many bytes.
    pub(super) fn forget_word(&mut self, bytes: usize) {
        self.out.truncate(self.out.len().saturating_sub(bytes + 1));
    }

    /// Counts the items of a list that is over; rows are counted as such.
    fn count_items(&mut self, list: &Frame) {
        let inside = self.out.get(list.start + 2..).unwrap_or_default();
        let is_row_or_empty = matches!(inside, [SIGN, b'(' | b')' | b']', ..]);
        if list.list && !is_row_or_empty {
            self.counter.list(list.commas.saturating_add(1));
        }
    }

    /// Whether the last token is one of these words.
    pub(super) fn after_word(&self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| {
            self.out
                .strip_suffix(*word)
                .is_some_and(|head| head.last() == Some(&WORD))
        })
    }

    pub(super) fn last_tag(&self) -> u8 {
        self.last_token().0
    }

    /// Tag and text of the last token.
    pub(super) fn last_token(&self) -> (u8, &[u8]) {
        match self.out.iter().rposition(|&b| b < FIRST_TEXT_BYTE) {
            Some(tag) => (self.out[tag], &self.out[tag + 1..]),
            None => (WORD, &[]),
        }
    }
}

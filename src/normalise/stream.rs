//! The token stream of one statement, with no literal in it: what the lexer writes and all later steps read.
//!
//! Each token is a tag below [`FIRST_TEXT_BYTE`] and its text, so that the bytes are at once a sound cache key
//! and decodable. Lists of literals and repeated rows are folded while they are written: a bulk
//! `INSERT` of 64 MB leaves one row here.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use super::chunk::{CHUNK_BYTES, Chunk};
use super::signal_words::{
    AND, BY, FALSE, HAVING, ILIKE, LIKE, LIMIT, OFFSET, OR, SELECT, SET, TRUE, UNION, VALUES,
};
use crate::model::event::TraceRef;

/// A bare word, lower-cased.
pub(super) const WORD: u8 = 1;
/// A quoted identifier, folded as the dialect does.
pub(super) const QUOTED: u8 = 2;
/// Any literal or placeholder; no text.
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
/// Smallest byte that may stand in a token's text.
pub(super) const FIRST_TEXT_BYTE: u8 = 0x20;

/// A statement whose folded stream is longer is cut here: no shape that a person wrote is.
const MAX_STREAM_BYTES: usize = 1 << 20;
/// Longer identifiers are cut: MySQL allows 64 characters, PostgreSQL 63 bytes.
const MAX_NAME_BYTES: usize = 256;
/// Parentheses deeper than this are not searched for rows.
const MAX_ROW_DEPTH: usize = 64;
/// Longer literals go into the parameter hash by their own hash.
const MAX_PARAMETER_BYTES: usize = 64;

/// One statement's tokens, reused from statement to statement.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent observations of one text"
)]
pub(super) struct Stream {
    pub(super) out: Vec<u8>,
    parameters: Vec<u8>,
    pub(super) frames: Vec<Frame>,
    pub(super) depth: usize,
    pub(super) last_row: (usize, usize),
    by_list: bool,
    /// A LIKE waits for its pattern.
    like: bool,
    /// A value was left out of the text: equal texts need not be equal runs.
    placeholders: bool,
    /// The pattern of a LIKE begins with a wildcard.
    pub(super) leading_wildcard: bool,
    /// Trace context of a comment.
    pub(super) trace: Option<TraceRef>,
    /// The text ended inside a literal or a comment.
    pub(super) unterminated: bool,
    /// A backslash stood before a quote: the dialect decides what that means.
    pub(super) escaped_quote: bool,
    /// A `"..."` that was read as a string stands where only a table can.
    pub(super) quoted_table: bool,
    /// The stream was cut at its limit.
    pub(super) overflow: bool,
}

/// One open parenthesis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    start: usize,
    pub(super) row: bool,
    pub(super) list: bool,
    /// Behind it, an ORDER BY list goes on.
    by_list: bool,
}

impl Stream {
    /// Forgets the last statement.
    pub(super) fn clear(&mut self) {
        let (mut out, mut parameters, mut frames) = (
            std::mem::take(&mut self.out),
            std::mem::take(&mut self.parameters),
            std::mem::take(&mut self.frames),
        );
        out.clear();
        parameters.clear();
        frames.clear();
        *self = Self {
            out,
            parameters,
            frames,
            ..Self::default()
        };
    }

    /// The tokens, encoded.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Strong hash of the tokens: equal streams are the same statement.
    pub(super) fn key(&self) -> u128 {
        xxh3_128(&self.out)
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
            BY => self.by_list = true,
            LIMIT | OFFSET | HAVING | VALUES | SET | UNION | SELECT => self.by_list = false,
            // They become literals later, where their place allows it.
            TRUE | FALSE => self.parameters.extend_from_slice(&text.bytes()[..length]),
            LIKE | ILIKE => self.like = true,
            AND | OR => self.like = false,
            _ => {}
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

    /// An operator or punctuation mark other than a parenthesis.
    #[inline]
    pub(super) fn sign(&mut self, text: &[u8]) {
        self.out.push(SIGN);
        self.out.extend_from_slice(text);
    }

    /// The start or the end of a hint.
    pub(super) fn hint(&mut self, open: Option<u8>) {
        match open {
            Some(mark) => self.out.extend_from_slice(&[HINT_OPEN, mark]),
            None => self.out.push(HINT_CLOSE),
        }
    }

    /// A literal, of which only a keyed hash remains.
    #[inline]
    pub(super) fn literal(&mut self, text: &[u8]) {
        self.like = false;
        let mut end = self.out.len();
        if let [.., before, op, SIGN, sign @ (b'-' | b'+')] = self.out[..end] {
            self.parameters.push(sign);
            if before == SIGN && op != b')' && op != b']' {
                end -= 2;
            }
        }
        self.parameter(text);
        let folds = self.frames.last().is_some_and(|frame| frame.list);
        if folds && matches!(self.out[..end], [.., LITERAL, SIGN, b',']) {
            self.out.truncate(end - 2);
            return;
        }
        self.out.truncate(end);
        self.out.push(LITERAL);
    }

    /// A placeholder: a literal whose value is told elsewhere, or nowhere.
    #[inline]
    pub(super) fn placeholder(&mut self) {
        self.placeholders = true;
        self.literal(b"?");
    }

    /// A whole number: a literal, or a column's place in an ORDER BY list.
    #[inline]
    pub(super) fn integer(&mut self, text: &[u8]) {
        let in_place = self.by_list
            && text.len() <= 3
            && (self.out.ends_with(b"\x01by") || matches!(self.out[..], [.., SIGN, b',']));
        if !in_place {
            return self.literal(text);
        }
        self.out.push(ORDINAL);
        self.out.extend_from_slice(text);
    }

    /// A quoted literal: data, or the key of a JSON field, which is identity.
    #[inline]
    pub(super) fn text_literal(&mut self, text: &[u8]) {
        if self.out.last() == Some(&b'>') && self.after_json_operator() {
            return self.json_key(text);
        }
        if text.first() == Some(&b'$') && self.is_json_argument() {
            return self.json_key(text);
        }
        self.leading_wildcard |= self.like && matches!(text, [b'%' | b'_', ..]);
        self.literal(text);
    }

    fn after_json_operator(&self) -> bool {
        let operators: [&[u8]; 4] = [b"\x06->", b"\x06->>", b"\x06#>", b"\x06#>>"];
        operators
            .iter()
            .any(|operator| self.out.ends_with(operator))
    }

    /// A path inside the parentheses of a function whose name begins with `json`.
    fn is_json_argument(&self) -> bool {
        let Some(frame) = self.frames.last() else {
            return false;
        };
        let before = &self.out[..frame.start];
        let name = before.iter().rposition(|&b| b < FIRST_TEXT_BYTE);
        name.is_some_and(|at| before[at] == WORD && before[at + 1..].starts_with(b"json"))
    }

    fn json_key(&mut self, text: &[u8]) {
        self.out.push(KEY);
        match text {
            // The key of a template, hashed already.
            [b'#', hex @ ..] if hex.len() == 8 && hex.iter().all(u8::is_ascii_hexdigit) => {
                self.out.extend_from_slice(hex);
            }
            _ => {
                let hash = format!("{:016x}", xxh3_64(text));
                self.out.extend_from_slice(&hash.as_bytes()[..8]);
            }
        }
    }

    fn parameter(&mut self, text: &[u8]) {
        if self.parameters.len() > MAX_STREAM_BYTES {
            let so_far = xxh3_64(&self.parameters).to_le_bytes();
            self.parameters.clear();
            self.parameters.extend_from_slice(&so_far);
        }
        if text.len() > MAX_PARAMETER_BYTES {
            self.parameters
                .extend_from_slice(&xxh3_64(text).to_le_bytes());
        } else {
            self.parameters.extend_from_slice(text);
        }
        self.parameters.push(0);
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
        self.depth += 1;
        if self.frames.len() < MAX_ROW_DEPTH && self.frames.len() + 1 == self.depth {
            self.frames.push(Frame {
                start,
                row,
                list,
                by_list,
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
        self.by_list = frame.is_some_and(|frame| frame.by_list);
        let Some(frame) = frame.filter(|frame| frame.row) else {
            return;
        };
        let (start, end) = self.last_row;
        let repeats =
            end > 0 && frame.start == end + 2 && self.out[start..end] == self.out[frame.start..];
        if repeats {
            self.out.truncate(end);
        } else {
            self.last_row = (frame.start, self.out.len());
        }
    }

    /// Whether the last token ends an operand, as far as bytes tell; a keyword passes for a name.
    pub(super) fn after_operand(&self) -> bool {
        match self.out[..] {
            [] => false,
            [.., SIGN, mark] => mark == b')' || mark == b']',
            [.., LITERAL] => true,
            [.., HINT_CLOSE] => false,
            _ => self.last_tag() != SIGN,
        }
    }

    /// Whether the last token is this sign.
    pub(super) fn after_sign(&self, sign: u8) -> bool {
        matches!(self.out[..], [.., SIGN, last] if last == sign)
    }

    /// Whether the last token is one of these words.
    pub(super) fn after_word(&self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| {
            self.out
                .strip_suffix(*word)
                .is_some_and(|head| head.last() == Some(&WORD))
        })
    }

    /// Whether only a table can follow; FROM inside a function is none of that.
    pub(super) fn expects_table(&self) -> bool {
        let function = self.frames.last().is_some_and(|frame| {
            let before = &self.out[..frame.start];
            let tag = before.iter().rposition(|&b| b < FIRST_TEXT_BYTE);
            let operators: [&[u8]; 5] = [b"in", b"exists", b"any", b"as", b"from"];
            tag.is_some_and(|at| before[at] == WORD && !operators.contains(&&before[at + 1..]))
        });
        self.after_word(&[b"join", b"into", b"update"]) || !function && self.after_word(&[b"from"])
    }

    fn last_tag(&self) -> u8 {
        let tag = self.out.iter().rev().find(|&&b| b < FIRST_TEXT_BYTE);
        tag.copied().unwrap_or(WORD)
    }
}

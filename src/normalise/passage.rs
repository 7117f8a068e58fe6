//! A text between two values, and what the lexer knows behind it.
//!
//! A passage holds no literal and ends where a token does, whatever follows: see `again.rs`. Behind it may stand
//! a value that is written so plainly that no more than its kind matters for what follows.

use memchr::memchr2;

use super::attributes::{Counter, Likes};
use super::chunk::{CHUNK_BYTES, Chunk};
use super::lexer::Lexer;
use super::marks::is_word_byte;
use super::paging::{Page, Paging};
use super::stream::{Frame, Stream};
use crate::model::sql::Dialect;

/// Numbers of more digits are of another type.
const MAX_DIGITS: usize = 18;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `42`
    Whole,
    /// `7.5`
    Decimal,
    /// `'open'`
    Text,
}

/// A value that is over where it seems to be, whatever stands before and behind it.
#[derive(Debug)]
pub(super) struct PlainValue<'s> {
    pub(super) kind: Kind,
    /// Without its quotes.
    text: &'s [u8],
    /// Where it ends, its quotes included.
    pub(super) end: usize,
}

/// What values come to behind the tokens of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected {
    /// Of a whole number matters that there is one.
    pub(super) whole: bool,
    /// Of a text matters that there is one.
    pub(super) text: bool,
    /// It is a pattern of LIKE.
    pub(super) pattern: bool,
    /// The sign before it.
    pub(super) sign: Option<u8>,
    /// What a whole number is to LIMIT and OFFSET.
    pub(super) page: Option<Page>,
}

/// A text without values, and all that the lexer knows behind it.
#[derive(Debug, Default)]
pub(super) struct Passage {
    dialect: Dialect,
    text: Box<[u8]>,
    /// The byte behind it, which may decide where its last token ends; `None` at the end of a text.
    next: Option<u8>,
    /// All from the beginning of the text on.
    tokens: Box<[u8]>,
    /// Of this passage alone: TRUE and FALSE, which are values in some places, and placeholders.
    parameters: Box<[u8]>,
    placeholders: bool,
    frames: Box<[Frame]>,
    depth: usize,
    last_row: (usize, usize),
    by_list: bool,
    compares: bool,
    typed: u8,
    counter: Counter,
    paging: Paging,
    /// Of the tokens, when no more follow.
    key: Option<u128>,
    expected: Expected,
    /// What kinds of values followed, and where the passages behind them are.
    branches: Vec<(Kind, usize)>,
}

impl Passage {
    /// That of a text whose first tokens `lexer` has read.
    pub(super) fn first(text: &[u8], lexer: &Lexer<'_>, dialect: Dialect) -> Self {
        let stream = &*lexer.stream;
        let next = lexer.sql.get(lexer.at).copied();
        Self {
            dialect,
            text: text.into(),
            next,
            tokens: stream.out.as_slice().into(),
            parameters: stream.parameters.as_slice().into(),
            placeholders: stream.placeholders,
            frames: stream.frames.as_slice().into(),
            depth: stream.depth,
            last_row: stream.last_row,
            by_list: stream.by_list,
            compares: stream.compares,
            typed: stream.typed,
            counter: stream.counter,
            paging: stream.paging,
            key: next.is_none().then(|| stream.key()),
            expected: stream.expected(lexer.rules.string_aliases),
            branches: Vec::new(),
        }
    }

    /// That which `lexer` has read behind this one and a value; `parameters` so many bytes were there before it.
    pub(super) fn followed_by(&self, text: &[u8], lexer: &Lexer<'_>, parameters: usize) -> Self {
        let all = &lexer.stream.parameters;
        Self {
            parameters: all.get(parameters..).unwrap_or_default().into(),
            ..Self::first(text, lexer, self.dialect)
        }
    }

    /// Bytes of its text.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.text.len()
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.text.len() + self.tokens.len() + self.parameters.len();
        size_of::<Self>() + texts + size_of_val(&*self.frames)
    }

    /// Whether `sql` begins so.
    #[inline]
    pub(super) fn begins(&self, sql: &[u8], dialect: Dialect) -> bool {
        self.follows(sql) && self.dialect == dialect
    }

    /// Whether `rest` begins so. Digits are alike: none of them goes on with a token that ended before another.
    #[inline]
    pub(super) fn follows(&self, rest: &[u8]) -> bool {
        let Some(behind) = rest.strip_prefix(&*self.text) else {
            return false;
        };
        match (self.next, behind.first()) {
            (None, None) => true,
            (Some(known), Some(next)) => {
                known == *next || known.is_ascii_digit() && next.is_ascii_digit()
            }
            _ => false,
        }
    }

    /// The value that stands at `at`, behind this passage; `None` for one of which more matters than its kind.
    #[inline]
    pub(super) fn value<'s>(&self, sql: &'s [u8], at: usize) -> Option<PlainValue<'s>> {
        match self.next? {
            b'0'..=b'9' => number(sql, at).filter(|n| n.kind != Kind::Whole || self.expected.whole),
            b'\'' if self.expected.text => text(sql, at),
            _ => None,
        }
    }

    /// Takes the value behind it for what values come to here; what is written behind that is [written](Self::write) later.
    #[inline]
    pub(super) fn take(&self, value: &PlainValue<'_>, stream: &mut Stream) {
        stream.parameters.extend(self.expected.sign);
        if self.expected.pattern && value.kind == Kind::Text {
            stream.likes |= Likes::of(value.text);
        }
        if let Some(page) = self.expected.page
            && value.kind == Kind::Whole
        {
            stream.paging.reach(self.paging);
            stream.paging.take(page, value.text);
        }
        stream.parameter(value.text);
    }

    /// Where the passages are that followed a value of this kind.
    #[inline]
    pub(super) fn branches_behind(&self, kind: Kind) -> impl Iterator<Item = usize> {
        let branches = self.branches.iter().filter(move |branch| branch.0 == kind);
        branches.map(|(_, place)| *place)
    }

    /// A passage that followed such a value is kept at `place`.
    pub(super) fn branch(&mut self, kind: Kind, place: usize) {
        self.branches.push((kind, place));
    }

    pub(super) fn forget_branches(&mut self) {
        self.branches = Vec::new();
    }

    /// Adds its parameters to those of the text.
    #[inline]
    pub(super) fn tell_parameters(&self, stream: &mut Stream) {
        if !self.parameters.is_empty() {
            stream.parameters.extend_from_slice(&self.parameters);
        }
    }

    /// Writes all but parameters to a stream with nothing else in it.
    #[inline]
    pub(super) fn write(&self, stream: &mut Stream) {
        stream.out.extend_from_slice(&self.tokens);
        if !self.frames.is_empty() {
            stream.frames.extend_from_slice(&self.frames);
        }
        (stream.depth, stream.last_row) = (self.depth, self.last_row);
        (stream.by_list, stream.compares) = (self.by_list, self.compares);
        stream.counter = self.counter;
        stream.paging.reach(self.paging);
        (stream.typed, stream.placeholders) = (self.typed, self.placeholders);
        stream.known_key = self.key;
    }
}

/// A number without exponents, that no name or range goes on with.
#[inline]
fn number(sql: &[u8], at: usize) -> Option<PlainValue<'_>> {
    let whole = digits_end(sql, at)?;
    let has_point = sql.get(whole) == Some(&b'.');
    let end = if has_point {
        digits_end(sql, whole + 1)?
    } else {
        whole
    };
    let is_over = sql
        .get(end)
        .is_none_or(|byte| !is_word_byte(*byte) && *byte != b'.');
    let is_plain = is_over && (!has_point || end > whole + 1);
    let kind = if has_point {
        Kind::Decimal
    } else {
        Kind::Whole
    };
    is_plain.then(|| PlainValue {
        kind,
        text: &sql[at..end],
        end,
    })
}

/// Where the digits from `from` on end; `None` when they are very many.
#[inline]
fn digits_end(sql: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    while end - from <= MAX_DIGITS {
        let digits = Chunk::at(sql, end).digits();
        end += digits;
        if digits < CHUNK_BYTES {
            return (end - from <= MAX_DIGITS).then_some(end);
        }
    }
    None
}

/// A text with neither quotes nor backslashes in it.
#[inline]
fn text(sql: &[u8], at: usize) -> Option<PlainValue<'_>> {
    let start = at + 1;
    let end = start + memchr2(b'\'', b'\\', sql.get(start..)?)?;
    let is_over = sql[end] == b'\'' && sql.get(end + 1) != Some(&b'\'');
    is_over.then(|| PlainValue {
        kind: Kind::Text,
        text: &sql[start..end],
        end: end + 1,
    })
}

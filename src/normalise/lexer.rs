//! Reads SQL bytes once and writes its tokens without its literals.
//!
//! Any bytes are accepted: invalid UTF-8 passes through names, NUL is white space, and what is never closed
//! ends with the text. Where a choice is open, the reading is taken that shows less.

use super::chunk::{CHUNK_BYTES, Chunk};
use super::copy;
use super::dialect::{DoubleQuote, Rules};
use super::marks::{Class, LONG_OPERATORS, class, ends_operator, is_word_byte};
use super::quoting::{is_string_prefix, may_start_comment};
use super::stream::{DECIMAL, INTEGER, LITERAL, SIGN, Stream};

/// More digits at the beginning of a name are data.
const MAX_NAME_DIGITS: usize = 5;

/// Words that may stand behind a number without a space.
const KEYWORDS_BEHIND_NUMBERS: [&[u8]; 44] = [
    b"and",
    b"or",
    b"limit",
    b"offset",
    b"order",
    b"group",
    b"union",
    b"from",
    b"where",
    b"when",
    b"then",
    b"else",
    b"end",
    b"between",
    b"is",
    b"in",
    b"xor",
    b"not",
    b"having",
    b"like",
    b"ilike",
    b"rlike",
    b"regexp",
    b"for",
    b"as",
    b"except",
    b"intersect",
    b"minus",
    b"div",
    b"mod",
    b"asc",
    b"desc",
    b"returning",
    b"join",
    b"left",
    b"right",
    b"inner",
    b"cross",
    b"natural",
    b"on",
    b"fetch",
    b"into",
    b"lock",
    b"window",
];

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Writes the tokens of `sql` to `stream`.
pub(super) fn lex(sql: &[u8], rules: Rules, stream: &mut Stream) {
    Lexer::new(sql, rules, stream).run();
}

/// Where a keyword starts that stands right behind digits: `1AND b = 2`.
fn keyword_start(number: &[u8]) -> Option<usize> {
    let at = number.iter().rposition(|b| !b.is_ascii_alphabetic())? + 1;
    let word = &number[at..];
    let follows = KEYWORDS_BEHIND_NUMBERS
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword));
    follows.then_some(at)
}

/// A name that starts with digits, as MySQL allows; not `1e5`.
fn is_digit_name(text: &[u8]) -> bool {
    let exponent = text.iter().position(|b| !b.is_ascii_digit());
    let scientific = exponent.is_some_and(|at| {
        let tail = &text[at + 1..];
        matches!(text[at], b'e' | b'E') && tail.iter().all(u8::is_ascii_digit)
    });
    !scientific && text.iter().all(|&b| is_word_byte(b))
}

pub(super) struct Lexer<'a> {
    pub(super) sql: &'a [u8],
    pub(super) at: usize,
    pub(super) rules: Rules,
    pub(super) stream: &'a mut Stream,
    /// The mark of the comment whose inside is being read: `+` of a hint, `!` of code.
    pub(super) comment: Option<u8>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a [u8], rules: Rules, stream: &'a mut Stream) -> Self {
        stream.clear();
        let blank = sql.iter().take_while(|b| class(**b) == Class::Space);
        let mark = blank.count();
        let has_mark = sql[mark..].starts_with(BYTE_ORDER_MARK);
        Self {
            sql,
            at: if has_mark {
                mark + BYTE_ORDER_MARK.len()
            } else {
                0
            },
            rules,
            stream,
            comment: None,
        }
    }
}

impl Lexer<'_> {
    pub(super) fn run(&mut self) {
        while let Some(&byte) = self.sql.get(self.at) {
            self.token(byte);
            if self.stream.is_full() {
                return;
            }
        }
    }

    #[inline]
    pub(super) fn token(&mut self, byte: u8) {
        match class(byte) {
            Class::Space => self.at += 1,
            Class::Word => self.word(),
            Class::Digit => self.number(),
            Class::Other => self.mark(byte),
        }
    }

    #[inline]
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.sql.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// First index from `from` on whose byte is no part of a word.
    #[inline]
    pub(super) fn word_end(&self, from: usize) -> usize {
        let mut end = from;
        loop {
            let length = Chunk::at(self.sql, end).word_length();
            end += length;
            if length < CHUNK_BYTES {
                return end;
            }
        }
    }

    #[inline]
    fn word(&mut self) {
        let chunk = Chunk::at(self.sql, self.at);
        let length = chunk.word_length();
        let is_prefix = matches!(chunk.byte(length), b'\'' | b'"' | b'&');
        if length == CHUNK_BYTES || is_prefix {
            return self.long_word();
        }
        self.at += length;
        self.stream.short_word(chunk.first(length), length);
    }

    /// A word of any length, or the prefix of a string.
    fn long_word(&mut self) {
        let start = self.at;
        self.at = self.word_end(start);
        let text = &self.sql[start..self.at];
        match self.peek(0) {
            b'\'' if matches!(text, b"e" | b"E") => self.escape_string(),
            b'\'' if is_string_prefix(text) => self.string(b'\''),
            b'"' if text[0] == b'_' && self.rules.double_quote == DoubleQuote::Text => {
                self.string(b'"');
            }
            b'&' if matches!(text, b"u" | b"U") && self.peek(1) == b'\'' => {
                self.at += 1;
                self.plain_string(b'\'');
            }
            b'&' if matches!(text, b"u" | b"U") && self.peek(1) == b'"' => {
                self.at += 1;
                self.double_quoted();
            }
            _ => self.stream.word(text),
        }
    }

    #[inline]
    fn number(&mut self) {
        let chunk = Chunk::at(self.sql, self.at);
        let digits = chunk.digits();
        let next = chunk.byte(digits);
        if digits == CHUNK_BYTES || next == b'.' || is_word_byte(next) {
            return self.long_number();
        }
        let start = self.at;
        self.at += digits;
        self.stream.integer(&self.sql[start..self.at]);
    }

    /// A number of any form.
    fn long_number(&mut self) {
        let start = self.at;
        let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X' | b'b' | b'B');
        self.at = self.word_end(start);
        if !hex {
            if self.peek(0) == b'.' {
                self.at = self.word_end(self.at + 1);
            }
            self.signed_exponent();
            self.at = keyword_start(&self.sql[start..self.at]).map_or(self.at, |at| start + at);
        }
        let text = &self.sql[start..self.at];
        if text.iter().all(u8::is_ascii_digit) {
            self.stream.integer(text);
        } else if self.rules.digit_names && !hex && self.is_digit_name(text) {
            self.stream.word(text);
        } else {
            let tag = self.number_tag(hex);
            self.stream.value(text, tag);
        }
    }

    /// How a number that is not whole counts. MySQL takes a hexadecimal one for a string where it likes.
    fn number_tag(&self, hex: bool) -> u8 {
        match (hex, self.rules.decimals) {
            (true, _) => LITERAL,
            (false, true) => DECIMAL,
            (false, false) => INTEGER,
        }
    }

    /// The exponent of a number that ends with `e` here.
    fn signed_exponent(&mut self) {
        let signed = matches!(self.peek(0), b'+' | b'-')
            && matches!(self.sql[self.at - 1], b'e' | b'E')
            && self.peek(1).is_ascii_digit();
        if signed {
            self.at = self.word_end(self.at + 1);
        }
    }

    /// Many digits are data save where only a table can stand.
    fn is_digit_name(&self, text: &[u8]) -> bool {
        let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
        let is_table = || self.stream.expects_table() || self.stream.after_word(&[b"table"]);
        is_digit_name(text) && (digits <= MAX_NAME_DIGITS || self.is_behind_dot() || is_table())
    }

    fn is_behind_dot(&self) -> bool {
        self.stream.out.ends_with(&[SIGN, b'.'])
    }

    fn mark(&mut self, byte: u8) {
        match byte {
            b'[' if self.expanding_placeholder() || self.bracketed_name() => {}
            b'(' | b'[' => {
                self.stream.open(byte);
                self.at += 1;
            }
            b')' | b']' => {
                self.stream.close(byte);
                self.at += 1;
            }
            b';' if self.stream.copies() => self.skip_copied_rows(),
            b',' | b';' | b'=' if self.peek(1) != b'=' && self.peek(1) != b'>' => {
                self.stream.separator(byte);
                self.at += 1;
            }
            b'\'' => self.string(b'\''),
            b'"' => self.double_quoted(),
            b'`' => self.quoted_name(b'`'),
            b'-' if self.starts_dash_comment() => self.line_comment(),
            b'#' if self.rules.hash_comment => self.line_comment(),
            b'#' if self.rules.doubtful_comments && may_start_comment(self.sql, self.at) => {
                self.line_comment();
            }
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'*' if self.comment.is_some() && self.peek(1) == b'/' => self.end_of_code(),
            b'.' if self.peek(1).is_ascii_digit() && !self.is_glued() => self.fraction(),
            b'{' | b'#' | b'$' if self.braced_end(byte).is_some() => {
                self.at = self.braced_end(byte).unwrap_or(self.sql.len());
                self.stream.placeholder();
            }
            b'$' => self.dollar(),
            b'?' => self.question(),
            b'&' if self.rules.and_sign && self.peek(1) == b'&' => {
                self.stream.word(b"and");
                self.at += 2;
            }
            b':' | b'@' | b'%' => self.named_placeholder(byte),
            b'\\' => {
                self.stream.nonsense = true;
                self.operator();
            }
            _ => self.operator(),
        }
    }

    /// The rows behind `COPY ... FROM stdin;`, as they stand in a dump.
    fn skip_copied_rows(&mut self) {
        self.stream.sign(b";");
        self.at += 1 + copy::rows_end(&self.sql[self.at + 1..]).unwrap_or(self.sql.len());
        self.at = self.at.min(self.sql.len());
    }

    /// Whether a name or a quote ends right here, without a space.
    pub(super) fn is_glued(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.sql[at]);
        before.is_some_and(|b| is_word_byte(b) || matches!(b, b'`' | b'"' | b']'))
    }

    fn fraction(&mut self) {
        let start = self.at;
        self.at = self.word_end(start + 1);
        self.signed_exponent();
        let tag = self.number_tag(false);
        self.stream.value(&self.sql[start..self.at], tag);
    }

    #[inline]
    pub(super) fn operator(&mut self) {
        if ends_operator(self.peek(1)) {
            return self.long_operator();
        }
        self.stream.sign(&[self.sql[self.at]]);
        self.at += 1;
    }

    fn long_operator(&mut self) {
        let rest = &self.sql[self.at..];
        let long = LONG_OPERATORS.iter().find(|op| rest.starts_with(op));
        match long {
            // The ellipsis of a digest text stands for more of the same list.
            Some(&b"...") => self.stream.literal(b""),
            Some(op) => self.stream.sign(op),
            None => self.stream.sign(&rest[..1]),
        }
        self.at += long.map_or(1, |op| op.len());
    }
}

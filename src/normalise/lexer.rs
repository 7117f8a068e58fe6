//! Reads SQL bytes once and writes its tokens without its literals.
//!
//! Any bytes are accepted: invalid UTF-8 passes through names, NUL is white space, and what is never closed
//! ends with the text. Where a choice is open, the reading is taken that shows less.

use memchr::{memchr, memmem};

use super::dialect::{DoubleQuote, Rules};
use super::quoting::{comment_end, find_close, is_string_prefix};
use super::stream::Stream;
use super::trace_comment;

/// Longest tag of a dollar quote.
const MAX_DOLLAR_TAG_BYTES: usize = 64;

/// Words after which `"..."` is a table even where the dialect is not known.
const TABLE_WORDS: [&[u8]; 6] = [b"from", b"join", b"into", b"update", b"table", b"as"];

/// Operators of more than one mark, longest first.
const LONG_OPERATORS: [&[u8]; 30] = [
    b"<=>", b"->>", b"#>>", b"!~*", b"~~*", b"...", b"<=", b">=", b"<>", b"!=", b":=", b"||",
    b"&&", b"<<", b">>", b"->", b"=>", b"::", b"@>", b"<@", b"#>", b"#-", b"?|", b"?&", b"~*",
    b"!~", b"~~", b"@@", b"@?", b"==",
];

/// Byte classes: what a token that starts with the byte may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Digit,
    Other,
}

const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut table = [Class::Other; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            0..=b' ' | 0x7f => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => Class::Word,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Other,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

#[inline]
fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

#[inline]
fn is_word_byte(byte: u8) -> bool {
    matches!(class(byte), Class::Word | Class::Digit) || byte == b'$'
}

/// Writes the tokens of `sql` to `stream`.
pub(super) fn lex(sql: &[u8], rules: Rules, stream: &mut Stream) {
    stream.clear();
    let mut lexer = Lexer {
        sql,
        at: 0,
        rules,
        stream,
        in_hint: false,
    };
    lexer.run();
}

struct Lexer<'a> {
    sql: &'a [u8],
    at: usize,
    rules: Rules,
    stream: &'a mut Stream,
    in_hint: bool,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.sql.get(self.at) {
            match class(byte) {
                Class::Space => self.at += 1,
                Class::Word => self.word(),
                Class::Digit => self.number(),
                Class::Other => self.mark(byte),
            }
            if self.stream.is_full() {
                return;
            }
        }
    }

    #[inline]
    fn peek(&self, ahead: usize) -> u8 {
        self.sql.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// First index from `from` on whose byte is no part of a word.
    #[inline]
    fn word_end(&self, from: usize) -> usize {
        let rest = self.sql.get(from..).unwrap_or_default();
        let length = rest.iter().position(|&b| !is_word_byte(b));
        from + length.unwrap_or(rest.len())
    }

    #[inline]
    fn word(&mut self) {
        let start = self.at;
        self.at = self.word_end(start);
        let text = &self.sql[start..self.at];
        match self.peek(0) {
            b'\'' if is_string_prefix(text) => {
                let escapes = self.rules.backslash || matches!(text, b"e" | b"E");
                self.string(b'\'', escapes);
            }
            b'"' if text[0] == b'_' && self.rules.double_quote == DoubleQuote::Text => {
                self.string(b'"', self.rules.backslash);
            }
            b'&' if matches!(text, b"u" | b"U") && self.peek(1) == b'\'' => {
                self.at += 1;
                self.string(b'\'', false);
            }
            _ => self.stream.word(text),
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X' | b'b' | b'B');
        self.at = self.word_end(start);
        if !hex {
            if self.peek(0) == b'.' {
                self.at = self.word_end(self.at + 1);
            }
            let signed_exponent = matches!(self.peek(0), b'+' | b'-')
                && matches!(self.sql[self.at - 1], b'e' | b'E')
                && self.peek(1).is_ascii_digit();
            if signed_exponent {
                self.at = self.word_end(self.at + 1);
            }
        }
        let text = &self.sql[start..self.at];
        if text.iter().all(u8::is_ascii_digit) {
            self.stream.integer(text);
        } else {
            self.stream.literal(text);
        }
    }

    fn mark(&mut self, byte: u8) {
        match byte {
            b'(' | b'[' => {
                self.stream.open(byte);
                self.at += 1;
            }
            b')' | b']' => {
                self.stream.close(byte);
                self.at += 1;
            }
            b',' | b';' | b'=' if self.peek(1) != b'=' && self.peek(1) != b'>' => {
                self.stream.sign(&[byte]);
                self.at += 1;
            }
            b'\'' => self.string(b'\'', self.rules.backslash),
            b'"' => self.double_quoted(),
            b'`' => self.quoted_name(b'`'),
            b'-' if self.starts_dash_comment() => self.line_comment(),
            b'#' if self.rules.hash_comment => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'*' if self.in_hint && self.peek(1) == b'/' => {
                self.in_hint = false;
                self.stream.hint(None);
                self.at += 2;
            }
            b'.' if self.peek(1).is_ascii_digit() && !self.stream.after_operand() => {
                self.fraction();
            }
            b'$' => self.dollar(),
            b'?' => self.question(),
            b':' | b'@' | b'%' => self.named_placeholder(byte),
            _ => self.operator(),
        }
    }

    fn fraction(&mut self) {
        let start = self.at;
        self.at = self.word_end(start + 1);
        self.stream.literal(&self.sql[start..self.at]);
    }

    fn operator(&mut self) {
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

    /// `?`, `?1`, and the operators of `jsonb`.
    fn question(&mut self) {
        let operator = self.rules.question_operator
            && (matches!(self.peek(1), b'|' | b'&') || self.stream.after_operand());
        if operator {
            return self.operator();
        }
        self.at = self.word_end(self.at + 1);
        self.stream.literal(b"?");
    }

    /// `:name`, `@name`, `@@variable`, `%s`, `%(name)s`, or an operator.
    fn named_placeholder(&mut self, byte: u8) {
        let next = self.peek(1);
        let glued = self.at > 0 && is_word_byte(self.sql[self.at - 1]);
        let end = match (byte, next) {
            (b'@', b'@') if class(self.peek(2)) == Class::Word => {
                let end = self.word_end(self.at + 2);
                self.stream.word(&self.sql[self.at..end]);
                self.at = end;
                return;
            }
            (b'@', b'\'' | b'`' | b'"') => {
                self.at += 1;
                return self.string(next, self.rules.backslash);
            }
            (b'%', b'(') => self.python_placeholder_end(),
            (b'%', b's' | b'd') if !glued && !is_word_byte(self.peek(2)) => Some(self.at + 2),
            (b'%', _) => None,
            (_, _) if is_word_byte(next) => Some(self.word_end(self.at + 1)),
            _ => None,
        };
        let Some(end) = end else {
            return self.operator();
        };
        self.at = end;
        self.stream.literal(b"?");
    }

    fn python_placeholder_end(&self) -> Option<usize> {
        let name_end = self.word_end(self.at + 2);
        let closed = self.sql.get(name_end) == Some(&b')')
            && matches!(self.sql.get(name_end + 1), Some(b's' | b'd'));
        (closed && name_end > self.at + 2).then_some(name_end + 2)
    }

    /// `$1`, `$tag$...$tag$`, or a name that starts with `$`.
    fn dollar(&mut self) {
        if self.peek(1).is_ascii_digit() {
            self.at = self.word_end(self.at + 1);
            return self.stream.literal(b"?");
        }
        if !self.rules.dollar_quotes {
            return self.dollar_name();
        }
        let tail = &self.sql[self.at + 1..];
        let window = &tail[..tail.len().min(MAX_DOLLAR_TAG_BYTES)];
        let Some(tag_len) =
            memchr(b'$', window).filter(|&len| window[..len].iter().all(|&b| is_word_byte(b)))
        else {
            return self.dollar_name();
        };
        let fence = &self.sql[self.at..self.at + tag_len + 2];
        let body = self.at + fence.len();
        let end = memmem::find(&self.sql[body..], fence);
        self.stream.unterminated |= end.is_none();
        let end = end.map_or(self.sql.len(), |length| body + length);
        self.at = (end + fence.len()).min(self.sql.len());
        self.stream.text_literal(&self.sql[body..end]);
    }

    fn dollar_name(&mut self) {
        let end = self.word_end(self.at + 1);
        self.stream.word(&self.sql[self.at..end]);
        self.at = end;
    }

    fn double_quoted(&mut self) {
        let name = match self.rules.double_quote {
            DoubleQuote::Text => false,
            DoubleQuote::Name => true,
            DoubleQuote::ByPlace => {
                let (_, after, _) = find_close(self.sql, self.at + 1, b'"', false);
                self.stream.after_sign(b'.')
                    || self.sql.get(after) == Some(&b'.')
                    || self.stream.after_word(&TABLE_WORDS)
            }
        };
        if name {
            self.quoted_name(b'"');
        } else {
            self.string(b'"', self.rules.backslash);
        }
    }

    fn quoted_name(&mut self, quote: u8) {
        let (end, after, closed) = find_close(self.sql, self.at + 1, quote, false);
        if closed {
            let text = &self.sql[self.at + 1..end];
            self.stream.quoted(text, quote, self.rules.fold_quoted);
        } else {
            // What is never closed may be anything: it is not shown.
            self.stream.unterminated = true;
            self.stream.literal(b"");
        }
        self.at = after;
    }

    fn string(&mut self, quote: u8, escapes: bool) {
        let start = self.at + 1;
        let (end, after, closed) = find_close(self.sql, start, quote, escapes);
        self.stream.unterminated |= !closed;
        let text = &self.sql[start..end];
        self.stream.escaped_quote |=
            text.last() == Some(&b'\\') || memmem::find(text, b"\\'").is_some();
        self.stream.text_literal(text);
        self.at = after;
    }

    fn starts_dash_comment(&self) -> bool {
        self.peek(1) == b'-' && (!self.rules.dash_needs_space || self.peek(2) <= b' ')
    }

    fn line_comment(&mut self) {
        let rest = &self.sql[self.at..];
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        self.comment(&rest[..length]);
        self.at += length;
    }

    fn block_comment(&mut self) {
        let code = match (self.peek(2), self.peek(3)) {
            (b'+', _) => Some((b'+', 3)),
            (b'!', _) if self.rules.code_comments => Some((b'!', 3)),
            (b'M', b'!') if self.rules.code_comments => Some((b'!', 4)),
            _ => None,
        };
        if let Some((mark, skip)) = code.filter(|_| !self.in_hint) {
            self.in_hint = true;
            self.stream.hint(Some(mark));
            self.at += skip;
            // The server version that a code comment asks for.
            while mark == b'!' && self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            return;
        }
        let end = comment_end(self.sql, self.at + 2, self.rules.nested_comments);
        self.stream.unterminated |= end.is_none();
        let end = end.unwrap_or(self.sql.len());
        self.comment(&self.sql[self.at..end]);
        self.at = end;
    }

    /// Comments are dropped; the trace context in them is kept.
    fn comment(&mut self, text: &[u8]) {
        if self.stream.trace.is_none() {
            self.stream.trace = trace_comment::trace_ref(text);
        }
    }
}

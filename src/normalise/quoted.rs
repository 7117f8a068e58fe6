//! Reads what stands in quotes: strings, and names where one may stand.

use std::ops::Range;

use memchr::memchr;

use super::dialect::DoubleQuote;
use super::lexer::Lexer;
use super::marks::{Class, class, is_word_byte};
use super::quoting::{escape_string_end, find_close, has_escaped_quote};

/// Longer texts in double quotes are no table where they may be a string; MySQL allows 64 characters.
const MAX_TABLE_BYTES: usize = 64;

impl Lexer<'_> {
    /// `[name]` where no subscript can stand; the name is written.
    pub(super) fn bracketed_name(&mut self) -> bool {
        let start = self.at + 1;
        let named = self.rules.bracket_names
            && matches!(class(self.peek(1)), Class::Word)
            && !(self.at > 0 && self.is_glued());
        let Some(length) = memchr(b']', &self.sql[start..]).filter(|_| named) else {
            return false;
        };
        let text = &self.sql[start..start + length];
        if !text.iter().all(|&b| is_word_byte(b) || b == b' ') {
            return false;
        }
        self.stream.quoted(text, b']', self.rules.fold_quoted);
        self.at = start + length + 1;
        true
    }

    /// `"..."`: by the dialect, or by its place.
    pub(super) fn double_quoted(&mut self) {
        let name = match self.rules.double_quote {
            DoubleQuote::Name => true,
            DoubleQuote::Text => {
                self.stream.quoted_table |= self.is_quoted_table();
                false
            }
            DoubleQuote::ByPlace => {
                let table = self.is_quoted_table();
                self.stream.quoted_table |= table;
                table || self.is_qualified() || self.is_named_by_a_word()
            }
            DoubleQuote::Column => {
                self.is_qualified() || self.is_quoted_table() || !self.stream.expects_value()
            }
        };
        if name {
            self.quoted_name(b'"');
        } else {
            self.string(b'"');
        }
    }

    /// Whether only a table can stand here, or a part of a name.
    fn is_quoted_table(&self) -> bool {
        let place = self.stream.expects_table() || self.is_behind_quoted_dot();
        place && self.may_be_name()
    }

    /// `"x"."y"`: no string stands there.
    fn is_behind_quoted_dot(&self) -> bool {
        self.at > 1 && self.sql[self.at - 1] == b'.' && matches!(self.sql[self.at - 2], b'"' | b'`')
    }

    /// A part of `x."y".z`.
    fn is_qualified(&self) -> bool {
        let (_, after, closed) = find_close(self.sql, self.at + 1, b'"', false);
        let part = |b: &u8| is_word_byte(*b) || matches!(b, b'"' | b'`' | b'*');
        let qualifies =
            self.sql.get(after) == Some(&b'.') && self.sql.get(after + 1).is_some_and(part);
        let qualified =
            self.at > 1 && self.sql[self.at - 1] == b'.' && part(&self.sql[self.at - 2]);
        closed && (qualifies || qualified)
    }

    fn is_named_by_a_word(&self) -> bool {
        self.stream.after_word(&[b"table", b"as"]) && self.may_be_name()
    }

    /// Whether the text in the quotes looks like a name, not like data or a statement.
    fn may_be_name(&self) -> bool {
        let (end, _, closed) = find_close(self.sql, self.at + 1, b'"', false);
        let text = &self.sql[self.at + 1..end];
        let plain = |b: &u8| is_word_byte(*b) || matches!(b, b' ' | b'-' | b'.' | b'#');
        closed && text.len() <= MAX_TABLE_BYTES && text.iter().all(plain)
    }

    pub(super) fn quoted_name(&mut self, quote: u8) {
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

    /// A string in which a backslash means what the mode of the server says.
    pub(super) fn string(&mut self, quote: u8) {
        let start = self.at + 1;
        let (end, after, closed) = find_close(self.sql, start, quote, self.rules.backslash);
        if has_escaped_quote(&self.sql[start..end], quote) && self.doubtful_string(after) {
            return;
        }
        self.push_string(start..end, after, closed);
    }

    /// A string in which a backslash means nothing.
    pub(super) fn plain_string(&mut self, quote: u8) {
        let start = self.at + 1;
        let (end, after, closed) = find_close(self.sql, start, quote, false);
        self.push_string(start..end, after, closed);
    }

    /// The string behind `E`, which may go on in the next line.
    pub(super) fn escape_string(&mut self) {
        let start = self.at + 1;
        let (end, after, closed) = escape_string_end(self.sql, start);
        self.push_string(start..end, after, closed);
    }

    #[inline]
    fn push_string(&mut self, text: Range<usize>, after: usize, closed: bool) {
        self.stream.unterminated |= !closed;
        let sql = self.sql;
        let may_be_alias = closed && self.rules.string_aliases && !self.stream.after_sign();
        if may_be_alias && self.stream.expects_alias(&sql[after..]) {
            self.stream.alias(&sql[text]);
        } else {
            self.stream.text_literal(&sql[text]);
        }
        self.at = after;
    }

    /// Notes a string that another mode of the server would end elsewhere; says whether it hid the rest of the text.
    #[cold]
    fn doubtful_string(&mut self, after: usize) -> bool {
        let stream = &mut *self.stream;
        let here = stream.out.len();
        stream.doubtful_from.get_or_insert(here);
        stream.nonsense |= self.sql.get(after).copied().is_some_and(is_word_byte);
        if self.rules.hides_doubtful {
            stream.unterminated = true;
            stream.literal(&self.sql[self.at..]);
            self.at = self.sql.len();
        }
        self.rules.hides_doubtful
    }
}

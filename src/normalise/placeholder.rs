//! Reads the placeholders of every driver, and what else begins with their marks.

use memchr::{memchr, memmem};

use super::lexer::Lexer;
use super::marks::{Class, class, is_word_byte};

/// Longest tag of a dollar quote.
const MAX_DOLLAR_TAG_BYTES: usize = 64;

impl Lexer<'_> {
    /// Where a placeholder like `{0}`, `{name}`, `#{name}` or `${name}` ends, if one begins here.
    pub(super) fn braced_end(&self, byte: u8) -> Option<usize> {
        let brace = self.at + usize::from(byte != b'{');
        let open = self.sql.get(brace) == Some(&b'{');
        let end = self.word_end(brace + 1);
        (open && end > brace + 1 && self.sql.get(end) == Some(&b'}')).then_some(end + 1)
    }

    /// `?`, `?1`, and the operators of `jsonb`.
    pub(super) fn question(&mut self) {
        let operator = self.rules.question_operator
            && (matches!(self.peek(1), b'|' | b'&') || self.stream.after_operand());
        if operator {
            return self.operator();
        }
        self.at = self.word_end(self.at + 1);
        self.stream.placeholder();
    }

    /// `:name`, `@name`, `@@variable`, `%s`, `%(name)s`, or an operator.
    pub(super) fn named_placeholder(&mut self, byte: u8) {
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
        self.stream.placeholder();
    }

    fn python_placeholder_end(&self) -> Option<usize> {
        let name_end = self.word_end(self.at + 2);
        let closed = self.sql.get(name_end) == Some(&b')')
            && matches!(self.sql.get(name_end + 1), Some(b's' | b'd'));
        (closed && name_end > self.at + 2).then_some(name_end + 2)
    }

    /// `$1`, `$tag$...$tag$`, or a name that starts with `$`.
    pub(super) fn dollar(&mut self) {
        if self.peek(1).is_ascii_digit() {
            self.at = self.word_end(self.at + 1);
            return self.stream.placeholder();
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
}

//! Reads the placeholders of every driver, and what else begins with their marks.

use memchr::{memchr, memmem};

use super::lexer::Lexer;
use super::marks::{Class, class, is_word_byte};
use super::quoting::dollar_fence;

impl Lexer<'_> {
    /// Where a placeholder like `{0}`, `{name}`, `#{name}` or `${name}` ends, if one begins here.
    pub(super) fn braced_end(&self, byte: u8) -> Option<usize> {
        let brace = self.at + usize::from(byte != b'{');
        let open = self.sql.get(brace) == Some(&b'{');
        let end = self.word_end(brace + 1);
        (open && end > brace + 1 && self.sql.get(end) == Some(&b'}')).then_some(end + 1)
    }

    /// `__[POSTCOMPILE_name]`: a list that `SQLAlchemy` writes out when it knows how long it is.
    pub(super) fn expanding_placeholder(&mut self) -> bool {
        let rest = &self.sql[self.at..];
        let end = memchr(b']', rest).filter(|_| rest.starts_with(b"[POSTCOMPILE_"));
        let (Some(end), true) = (end, self.stream.after_word(&[b"__"])) else {
            return false;
        };
        self.at += end + 1;
        self.stream.forget_word(2);
        self.stream.placeholder();
        true
    }

    /// `?`, `?1`, and the operators of `jsonb`.
    pub(super) fn question(&mut self) {
        let operator = self.rules.question_operator
            && (matches!(self.peek(1), b'|' | b'&')
                || self.stream.after_operand() && !self.stream.after_keyword());
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
        let postgres = self.rules.question_operator;
        let end = match (byte, next) {
            // The bound of a slice, and the operator of a text search.
            (b':', _) if postgres && (glued || self.is_behind_bracket()) => None,
            (b'@', b'@') if postgres => None,
            (b'@', b'@') if !postgres && class(self.peek(2)) == Class::Word => {
                let end = self.word_end(self.at + 2);
                self.stream.word(&self.sql[self.at..end]);
                self.at = end;
                return;
            }
            (b'@', b'\'' | b'`' | b'"') => {
                self.at += 1;
                return self.string(next);
            }
            (b'%', b'(') => self.python_placeholder_end(),
            (b'%', b's' | b'd')
                if !glued && !is_word_byte(self.peek(2)) && !self.stream.after_column() =>
            {
                Some(self.at + 2)
            }
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

    fn is_behind_bracket(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.sql[at]);
        matches!(before, Some(b'[' | b']' | b')'))
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
        let Some(length) = dollar_fence(self.sql, self.at) else {
            return self.dollar_name();
        };
        let (fence, body) = self.sql[self.at..].split_at(length);
        let end = memmem::find(body, fence);
        if end.is_none() && !self.rules.dollar_quotes {
            return self.dollar_name();
        }
        self.stream.unterminated |= end.is_none();
        let text = &body[..end.unwrap_or(body.len())];
        self.at = (self.at + length + text.len() + length).min(self.sql.len());
        self.stream.text_literal(text);
    }

    fn dollar_name(&mut self) {
        let end = self.word_end(self.at + 1);
        self.stream.word(&self.sql[self.at..end]);
        self.at = end;
    }
}

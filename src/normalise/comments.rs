//! Reads comments: what is code in them, a hint, or told by them beside the statement.

use memchr::memchr;

use super::lexer::Lexer;
use super::quoting::{comment_end, widest_comment_end};
use super::{tags, trace_comment};

impl Lexer<'_> {
    pub(super) fn starts_dash_comment(&self) -> bool {
        self.peek(1) == b'-' && (!self.rules.dash_needs_space || self.peek(2) <= b' ')
    }

    pub(super) fn line_comment(&mut self) {
        let rest = &self.sql[self.at..];
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        self.comment(&rest[..length]);
        self.at += length;
    }

    pub(super) fn block_comment(&mut self) {
        let code = match (self.peek(2), self.peek(3)) {
            (b'+', _) => Some((b'+', 3)),
            (b'!', _) if self.rules.code_comments => Some((b'!', 3)),
            (b'M', b'!') if self.rules.code_comments => Some((b'!', 4)),
            _ => None,
        };
        if let Some((mark, skip)) = code.filter(|_| self.comment.is_none()) {
            self.comment = Some(mark);
            self.at += skip;
            if mark == b'+' {
                self.stream.hint(Some(mark));
            }
            // The server version that a code comment asks for.
            while mark == b'!' && self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            return;
        }
        let end = if self.rules.doubtful_comments {
            widest_comment_end(self.sql, self.at + 2)
        } else {
            comment_end(self.sql, self.at + 2, self.rules.nested_comments)
        };
        self.stream.unterminated |= end.is_none();
        let end = end.unwrap_or(self.sql.len());
        self.comment(&self.sql[self.at..end]);
        self.at = end;
    }

    /// The code of `/*! */` counts as code; a hint stays apart.
    pub(super) fn end_of_code(&mut self) {
        if self.comment.take() == Some(b'+') {
            self.stream.hint(None);
        }
        self.at += 2;
    }

    /// Comments are dropped; the trace context in them is kept, and the last one that has tags.
    fn comment(&mut self, text: &[u8]) {
        if self.stream.trace.is_none() {
            self.stream.trace = trace_comment::trace_ref(text);
        }
        if tags::has_some(text) {
            self.stream.comment.clear();
            self.stream.comment.extend_from_slice(text);
        }
    }
}

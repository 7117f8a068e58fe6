//! Tells whether a place in a statement is inside a string, a quoted name or a comment.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The search is prepared once.
static COMMENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"/*"));

/// Where in a statement the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Inside {
    #[default]
    Code,
    /// A literal or name that this quote closes.
    Quotes(u8),
    BlockComment,
    LineComment,
}

/// Reads a statement from its start, as far as it is asked to.
#[derive(Debug, Default)]
pub(super) struct Literal {
    inside: Inside,
    at: usize,
}

impl Literal {
    /// Goes on at the byte `at`, which is inside of something.
    pub(super) fn resumed(inside: Inside, at: usize) -> Self {
        Self { inside, at }
    }

    /// What the place that was asked for last is inside of.
    pub(super) fn inside(&self) -> Inside {
        self.inside
    }

    /// Whether the byte at `place` of `sql` belongs to a string, a quoted name or a comment of several lines;
    /// places must be asked in order.
    pub(super) fn holds(&mut self, sql: &[u8], place: usize) -> bool {
        let rest = &sql[self.at..place];
        let nothing_to_open = self.inside == Inside::Code
            && memchr::memchr3(b'\'', b'"', b'`', rest).is_none()
            && COMMENT.find(rest).is_none();
        if nothing_to_open {
            self.at = place;
            return false;
        }
        while self.at < place {
            self.at += self.idle(&sql[self.at..place]);
            if self.at < place {
                self.step(sql);
            }
        }
        matches!(self.inside, Inside::Quotes(_) | Inside::BlockComment)
    }

    /// Goes behind the end of what it is inside of; `None` when that is not before `place`.
    pub(super) fn close(&mut self, sql: &[u8], place: usize) -> Option<usize> {
        let mut inside = self.inside;
        while self.at < place {
            self.step(sql);
            let quote_is_doubled = match inside {
                Inside::Quotes(quote) => sql.get(self.at) == Some(&quote),
                _ => false,
            };
            if self.inside == Inside::Code && !quote_is_doubled {
                return Some(self.at);
            }
            inside = self.inside;
        }
        None
    }

    /// Goes behind the next byte that is code and part of no quotes; `None` when there is none before `place`.
    pub(super) fn next_code(&mut self, sql: &[u8], place: usize) -> Option<usize> {
        while self.at < place {
            let (before, at) = (self.inside, self.at);
            self.step(sql);
            if before == Inside::Code && self.inside == Inside::Code {
                return Some(at);
            }
        }
        None
    }

    /// Number of bytes that `text` starts with and that open and close nothing.
    fn idle(&self, text: &[u8]) -> usize {
        let next = match self.inside {
            Inside::Code => text
                .iter()
                .position(|byte| matches!(byte, b'\'' | b'"' | b'`' | b'/' | b'#' | b'-')),
            Inside::Quotes(b'`') => memchr::memchr(b'`', text),
            Inside::Quotes(quote) => memchr::memchr2(quote, b'\\', text),
            Inside::BlockComment => memchr::memchr(b'*', text),
            Inside::LineComment => memchr::memchr(b'\n', text),
        };
        next.unwrap_or(text.len())
    }

    fn step(&mut self, sql: &[u8]) {
        let byte = sql[self.at];
        let next = sql.get(self.at + 1);
        self.at += 1;
        match self.inside {
            Inside::Code => self.open(byte, next),
            Inside::Quotes(quote) if byte == quote => self.inside = Inside::Code,
            // a quoted name knows no backslash
            Inside::Quotes(quote) if byte == b'\\' && quote != b'`' => self.at += 1,
            Inside::BlockComment if byte == b'*' && next == Some(&b'/') => {
                self.inside = Inside::Code;
                self.at += 1;
            }
            Inside::LineComment if byte == b'\n' => self.inside = Inside::Code,
            _ => {}
        }
    }

    fn open(&mut self, byte: u8, next: Option<&u8>) {
        match (byte, next) {
            (b'\'' | b'"' | b'`', _) => self.inside = Inside::Quotes(byte),
            (b'/', Some(b'*')) => {
                self.inside = Inside::BlockComment;
                self.at += 1;
            }
            (b'#', _) => self.inside = Inside::LineComment,
            (b'-', Some(b'-')) => self.inside = Inside::LineComment,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_skipped_at_once_is_what_changes_nothing(sql in "[a'\"`/*#\\-\n\\\\]{0,24}") {
            let sql = sql.as_bytes();
            let mut by_byte = Literal::default();
            while by_byte.at < sql.len() {
                by_byte.step(sql);
            }
            let is_held = matches!(by_byte.inside, Inside::Quotes(_) | Inside::BlockComment);
            prop_assert_eq!(Literal::default().holds(sql, sql.len()), is_held);
        }
    }

    fn holds(sql: &str, before: &str) -> bool {
        let place = sql.find(before).unwrap();
        Literal::default().holds(sql.as_bytes(), place)
    }

    #[test]
    fn a_place_in_a_string_is_held() {
        assert!(holds("SELECT 'a;\n# Time'", "# Time"));
        assert!(holds(r"SELECT 'it\'s # Time'", "# Time"));
        assert!(holds("SELECT 'it''s # Time'", "# Time"));
        assert!(holds("SELECT 'x' /* a\n# Time */", "# Time"));
        assert!(holds("SELECT 1 /* a\n# Time */", "# Time"));
    }

    #[test]
    fn a_place_behind_a_string_is_free() {
        assert!(!holds("SELECT 'a', \"b\", `c\\`;\n# Time", "# Time"));
        assert!(!holds("SELECT 'a' -- it's\n;\n# Time", "# Time"));
        assert!(!holds("SELECT 1;\n# Time", "# Time"));
    }
}

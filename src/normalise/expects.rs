//! What may follow the tokens that a stream holds.

use memchr::memmem;

use super::stream::{FIRST_TEXT_BYTE, SIGN, Stream};

impl Stream {
    /// Whether only a table can follow; FROM inside a function is none of that, nor is that of PREPARE.
    pub(super) fn expects_table(&self) -> bool {
        if self.after_word(&[b"join", b"into", b"update"]) {
            return true;
        }
        let Some(head) = self.out.strip_suffix(b"\x01from") else {
            return false;
        };
        let last = head.iter().rposition(|&b| b < FIRST_TEXT_BYTE);
        let prepares = last.is_some_and(|at| head[..at].ends_with(b"\x01prepare"));
        !prepares && !head.ends_with(b"\x01distinct") && self.is_in_statement()
    }

    /// Whether the innermost parentheses, if there are any, hold a statement.
    fn is_in_statement(&self) -> bool {
        let verbs: [&[u8]; 4] = [b"\x01select", b"\x01with", b"\x01delete", b"\x01update"];
        let inside = self.frames.last().map(|frame| &self.out[frame.start..]);
        let inside = inside.map(|inside| inside.strip_prefix(b"\x06(").unwrap_or(inside));
        self.frames.len() == self.depth
            && inside.is_none_or(|inside| verbs.iter().any(|verb| inside.starts_with(verb)))
    }

    /// Whether a value is likelier to follow than a column.
    pub(super) fn expects_value(&self) -> bool {
        let listed = self.frames.last().is_some_and(|f| f.list || f.row);
        let compared = match self.out[..] {
            [.., SIGN, mark] => matches!(mark, b'=' | b'<' | b'>'),
            [.., SIGN, a, b] => matches!(&[a, b], b"<=" | b">=" | b"<>" | b"!=" | b":=" | b"=="),
            _ => false,
        };
        let words: [&[u8]; 7] = [
            b"like",
            b"ilike",
            b"rlike",
            b"regexp",
            b"between",
            b"escape",
            b"interval",
        ];
        listed || compared || self.after_word(&words)
    }

    /// Whether the last statement is a COPY whose rows follow it.
    pub(super) fn copies(&self) -> bool {
        let last = memmem::rfind(&self.out, b"\x06;").map_or(0, |at| at + 2);
        let statement = &self.out[last..];
        statement.starts_with(b"\x01copy")
            && memmem::find(statement, b"\x01from\x01stdin").is_some()
    }
}

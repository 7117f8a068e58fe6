//! What may follow the tokens that a stream holds.

use memchr::memmem;

use super::keywords::{OPERAND_KEYWORDS, is_keyword, may_be_column};
use super::stream::{
    DECIMAL, FIRST_TEXT_BYTE, HINT_CLOSE, INTEGER, LITERAL, QUOTED, SIGN, Stream, TEXT, WORD,
};

/// Words behind which a string is data, though they are no keywords.
const BEFORE_STRINGS: [&[u8]; 6] = [b"date", b"time", b"timestamp", b"binary", b"zone", b"at"];

impl Stream {
    /// Whether the last token ends an operand, as far as bytes tell; a keyword passes for a name.
    pub(super) fn after_operand(&self) -> bool {
        match self.out[..] {
            [] => false,
            [.., SIGN, mark] => matches!(mark, b')' | b']' | b'}'),
            [.., LITERAL | INTEGER | DECIMAL | TEXT] => true,
            [.., HINT_CLOSE] => false,
            _ => self.last_tag() != SIGN,
        }
    }

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

    /// Whether the last token is a word that no operand ends with.
    #[cold]
    pub(super) fn after_keyword(&self) -> bool {
        let (WORD, word) = self.last_token() else {
            return false;
        };
        let head = &self.out[..self.out.len() - word.len() - 1];
        let counts = head.ends_with(b"\x01fetch") && matches!(word, b"first" | b"next");
        let keyword = std::str::from_utf8(word).is_ok_and(|word| {
            is_keyword(word) && !may_be_column(word) && !OPERAND_KEYWORDS.contains(&word)
        });
        counts || keyword && !head.ends_with(b"\x06.")
    }

    /// Whether the last token is a sign that no operand ends with.
    #[inline]
    pub(super) fn after_sign(&self) -> bool {
        matches!(self.out[..], [.., SIGN, mark] if mark != b')')
    }

    /// Whether the last token is a name, behind which `%` is an operator.
    pub(super) fn after_column(&self) -> bool {
        match self.last_token() {
            (QUOTED, _) => true,
            (WORD, word) => !is_word(word) && !BEFORE_STRINGS.contains(&word),
            _ => false,
        }
    }

    /// Whether the string between the last token and `rest` is the alias of a select item.
    #[cold]
    pub(super) fn expects_alias(&self, rest: &[u8]) -> bool {
        let verbs: [&[u8]; 6] = [
            b"\x01select",
            b"\x01with",
            b"\x06(",
            b"\x01insert",
            b"\x01replace",
            b"\x01explain",
        ];
        if !verbs.iter().any(|verb| self.out.starts_with(verb)) {
            return false;
        }
        let rest = rest.trim_ascii_start();
        let word = rest
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"from"));
        let ends_item = rest.first() == Some(&b',') || word;
        match self.last_token() {
            (WORD, b"as") => true,
            (WORD, b"end" | b"null") | (QUOTED, _) | (SIGN, b")") => ends_item,
            (WORD, word) => {
                let prefix = word.starts_with(b"_") || word.starts_with(b"sql_");
                ends_item && !prefix && !is_word(word) && !BEFORE_STRINGS.contains(&word)
            }
            _ => false,
        }
    }

    /// Whether the last statement is a COPY whose rows follow it.
    pub(super) fn copies(&self) -> bool {
        let last = memmem::rfind(&self.out, b"\x06;").map_or(0, |at| at + 2);
        let statement = &self.out[last..];
        statement.starts_with(b"\x01copy")
            && memmem::find(statement, b"\x01from\x01stdin").is_some()
    }
}

fn is_word(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(is_keyword)
}

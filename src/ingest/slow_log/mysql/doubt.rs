//! Judges a string that is open at a header and closes before the next one.
//!
//! ```text
//! INSERT INTO t VALUES ('a copy        SELECT 'cut
//! # Query_time: 1                      # Query_time: 1
//! SELECT 1;');                         SELECT b FROM t WHERE c = 'cut as well
//! # Query_time: 1                      # Query_time: 1
//! ```
//!
//! Either it holds the header, or two texts were cut, each in a string. What is code in the one reading is a literal
//! in the other, hence nothing between the headers may be shown, whichever is more likely; that decides only whether
//! there is one entry or several.

use super::literal::Literal;

/// What a text between two headers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The end of a string, with nothing behind it that could be somebody's data.
    Harmless,
    /// More likely the end of a string.
    String,
    /// More likely entries, the last of which was cut.
    Entries,
}

/// Words behind which a string begins.
const BEFORE_STRING: [&[u8]; 14] = [
    b"like", b"in", b"select", b"and", b"or", b"between", b"then", b"else", b"when", b"regexp",
    b"values", b"by", b"as", b"set",
];

/// Judges `body[header..end]`: the statement that `body` starts with has a string, or a comment, open at `header` and
/// none at `end`.
pub(super) fn judge(body: &[u8], header: usize, end: usize) -> Doubt {
    let mut literal = Literal::default();
    if !literal.holds(body, header) {
        return Doubt::Harmless;
    }
    let Some(close) = literal.close(body, end) else {
        return Doubt::Entries;
    };
    if !holds_words(&mut literal, body, end) {
        return Doubt::Harmless;
    }
    if begins_string(&body[header..close - 1]) || is_word(body.get(close)) {
        return Doubt::Entries;
    }
    Doubt::String
}

/// Whether a letter stands in the code from where `literal` is up to `end`.
fn holds_words(literal: &mut Literal, body: &[u8], end: usize) -> bool {
    while let Some(at) = literal.next_code(body, end) {
        if body[at].is_ascii_alphabetic() || body[at] >= 0x80 {
            return true;
        }
    }
    false
}

/// Whether a quote behind `text` is likely to open a string.
fn begins_string(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let start = text.iter().rposition(|b| !is_word(Some(b)));
    let word = start.map_or(text, |at| &text[at + 1..]);
    if word.is_empty() {
        let sign = text.last();
        return sign.is_some_and(|b| b"=(,<>+*/|!&^%".contains(b));
    }
    BEFORE_STRING.iter().any(|w| w.eq_ignore_ascii_case(word))
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &str, between: &str) -> Doubt {
        let text = format!("{before}{between}");
        judge(text.as_bytes(), before.len(), text.len())
    }

    #[test]
    fn a_string_that_ends_with_the_statement_is_harmless() {
        for end in ["');\n", "', 5, '2026-01-02');\n", "' \n;\n", "'), ('b');\n"] {
            let between = format!("# Query_time: 1\nSELECT fake;\n{end}");
            assert_eq!(of("INSERT INTO t VALUES ('", &between), Doubt::Harmless);
        }
    }

    #[test]
    fn a_string_that_goes_on_as_a_statement_would_is_one() {
        for end in ["' WHERE id = 5;\n", "', NOW());\n", "it''s' AND b = 1;\n"] {
            let between = format!("# Query_time: 1\nSELECT fake;\n{end}");
            assert_eq!(of("UPDATE t SET a = '", &between), Doubt::String, "{end}");
        }
    }

    #[test]
    fn what_opens_a_string_is_an_entry() {
        for cut in [
            "SELECT a FROM t WHERE b = 'cut",
            "SELECT a FROM t WHERE b LIKE '%cut",
            "SELECT a FROM t WHERE b IN ('a', 'cut",
            "SELECT a FROM t WHERE b = N'cut",
        ] {
            let between = format!("# Query_time: 1\n{cut};\n");
            assert_eq!(of("SELECT 'x;\n", &between), Doubt::Entries, "{cut}");
        }
    }
}

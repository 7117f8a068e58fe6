//! Whether a text was cut, and which of its tokens are surely those of the whole one.

use super::stream::{FIRST_TEXT_BYTE, SIGN, Stream, WORD};

/// Words that end no statement.
const DANGLING_WORDS: [&[u8]; 22] = [
    b"select",
    b"from",
    b"where",
    b"and",
    b"or",
    b"not",
    b"by",
    b"join",
    b"into",
    b"in",
    b"is",
    b"as",
    b"like",
    b"ilike",
    b"between",
    b"having",
    b"limit",
    b"offset",
    b"union",
    b"distinct",
    b"when",
    b"then",
];

impl Stream {
    /// Whether the text ended inside a literal, a comment or a parenthesis, behind a word or an operator that
    /// something must follow, or was longer than the stream.
    pub(super) fn is_cut(&self) -> bool {
        self.unterminated || self.overflow || self.depth > 0 || self.dangles()
    }

    fn dangles(&self) -> bool {
        let Some(tag) = self.out.iter().rposition(|&b| b < FIRST_TEXT_BYTE) else {
            return false;
        };
        let text = &self.out[tag + 1..];
        match self.out[tag] {
            SIGN => !matches!(text, b")" | b"]" | b";" | b"*" | b"?" | b"}" | b"%"),
            WORD => DANGLING_WORDS.contains(&text),
            _ => false,
        }
    }

    /// The tokens of a cut text that are surely those of the whole one: the last may be cut itself, and a row
    /// behind a whole one is folded.
    pub(super) fn certain(&self) -> &[u8] {
        let (_, row_end) = self.last_row;
        let partial_row = row_end > 0
            && self.out[row_end..].starts_with(b"\x06,")
            && self
                .frames
                .last()
                .is_none_or(|frame| frame.row || frame.list);
        if partial_row {
            return &self.out[..row_end];
        }
        let last = self.out.iter().rposition(|&b| b < FIRST_TEXT_BYTE);
        let mut certain = &self.out[..last.unwrap_or(0)];
        while let Some(shorter) = certain.strip_suffix(b"\x06,") {
            certain = shorter;
        }
        certain
    }
}

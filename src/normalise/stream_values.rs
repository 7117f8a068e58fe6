//! Literals on their way into the stream: of each remains that there is one, and where something is compared with
//! it, how it is written.

use xxhash_rust::xxh3::xxh3_64;

use super::attributes::Likes;
use super::json_path;
use super::passage::Expected;
use super::stream::{
    DECIMAL, FIRST_TEXT_BYTE, INTEGER, KEY, LITERAL, MAX_STREAM_BYTES, ORDINAL, SIGN, Stream, TEXT,
    WORD,
};

/// Literals of a text of which is kept how they are written: each doubles the texts that a statement may have.
const MAX_TYPED: u8 = 12;
/// Longer literals go into the parameter hash by their own hash.
const MAX_PARAMETER_BYTES: usize = 64;

/// Whole numbers of more digits are `numeric` to PostgreSQL.
const MAX_BIGINT_DIGITS: usize = 19;

impl Stream {
    /// A literal, of which only a keyed hash remains.
    #[inline]
    pub(super) fn literal(&mut self, text: &[u8]) {
        self.value(text, LITERAL);
    }

    /// A literal that is written so.
    #[inline]
    pub(super) fn value(&mut self, text: &[u8], tag: u8) {
        let mut end = self.out.len();
        if let [.., before, op, SIGN, sign @ (b'-' | b'+')] = self.out[..end] {
            self.parameters.push(sign);
            if before == SIGN && !matches!(op, b')' | b']' | b'}' | b'?') {
                end -= 2;
            }
        }
        self.parameter(text);
        let folds = self.frames.last().is_some_and(|frame| frame.list);
        if folds
            && matches!(
                self.out[..end],
                [.., LITERAL | INTEGER | DECIMAL | TEXT, SIGN, b',']
            )
        {
            self.out.truncate(end - 2);
            return;
        }
        self.out.truncate(end);
        let tag = if self.compares && self.typed < MAX_TYPED {
            self.compared(tag, folds)
        } else {
            LITERAL
        };
        self.out.push(tag);
    }

    /// The tag where something is compared with the literal; how others are written matters to nobody.
    fn compared(&mut self, tag: u8, in_list: bool) -> u8 {
        let is_compared = match self.out.last() {
            Some(b'=' | b'<' | b'>') => true,
            Some(b'(') => in_list,
            Some(b'n') => self.after_word(&[b"between"]),
            _ => false,
        };
        if !is_compared || tag == LITERAL {
            return LITERAL;
        }
        self.typed += 1;
        tag
    }

    /// A placeholder: a literal whose value is told elsewhere, or nowhere.
    #[inline]
    pub(super) fn placeholder(&mut self) {
        self.placeholders = true;
        self.literal(b"?");
    }

    /// A whole number: a literal, or a column's place in an ORDER BY list.
    #[inline]
    pub(super) fn integer(&mut self, text: &[u8]) {
        let in_place = self.by_list
            && text.len() <= 3
            && (self.out.ends_with(b"\x01by") || matches!(self.out[..], [.., SIGN, b',']));
        if self.paging.expects {
            self.page(text);
        }
        if !in_place {
            let is_bigint = text.len() <= MAX_BIGINT_DIGITS;
            return self.value(text, if is_bigint { INTEGER } else { DECIMAL });
        }
        self.out.push(ORDINAL);
        self.out.extend_from_slice(text);
    }

    /// A quoted literal: data, or the key of a JSON field, which is identity.
    #[inline]
    pub(super) fn text_literal(&mut self, text: &[u8]) {
        let key = match self.out.last() {
            Some(b'>') => self.after_json_operator(),
            Some(b'[') => self.after_subscript(),
            _ => false,
        };
        if key {
            return self.json_key(text);
        }
        let is_key = json_path::is_plain(text) || hashed_key(text).is_some();
        if is_key && (self.after_word(&[b"path"]) || self.expects_json_path()) {
            return self.json_key(text);
        }
        if self.begins_pattern() {
            self.likes |= Likes::of(text);
        }
        self.value(text, TEXT);
    }

    /// Whether what comes next is the pattern of a LIKE, or what that begins with.
    fn begins_pattern(&self) -> bool {
        /// What may stand before a pattern.
        const WRAPS: [&[u8]; 5] = [
            b"\x06(",
            b"\x01concat",
            b"\x01binary",
            b"\x01lower",
            b"\x01upper",
        ];
        const LIKES: [&[u8]; 6] = [
            b"\x01like",
            b"\x01ilike",
            b"\x06~~",
            b"\x06~~*",
            b"\x06!~~",
            b"\x06!~~*",
        ];
        let mut before = &*self.out;
        while let Some(outside) = WRAPS.iter().find_map(|wrap| before.strip_suffix(*wrap)) {
            before = outside;
        }
        LIKES.iter().any(|like| before.ends_with(like))
    }

    fn after_json_operator(&self) -> bool {
        let operators: [&[u8]; 4] = [b"\x06->", b"\x06->>", b"\x06#>", b"\x06#>>"];
        operators
            .iter()
            .any(|operator| self.out.ends_with(operator))
    }

    /// Whether `[` stands behind an operand, and so before a key of a document.
    fn after_subscript(&self) -> bool {
        let Some(head) = self.out.strip_suffix(b"\x06[") else {
            return false;
        };
        let list = self.frames.last().is_some_and(|frame| frame.list);
        let nested = matches!(head, [.., SIGN, b'[' | b',' | b'(']);
        !list && !nested && !head.is_empty()
    }

    /// Whether the next argument of the innermost function is a path.
    fn expects_json_path(&self) -> bool {
        let Some(frame) = self
            .frames
            .last()
            .filter(|_| self.frames.len() == self.depth)
        else {
            return false;
        };
        let (before, inside) = self.out.split_at(frame.start);
        let name = before.iter().rposition(|&b| b < FIRST_TEXT_BYTE);
        name.filter(|&at| before[at] == WORD)
            .is_some_and(|at| json_path::is_expected(&before[at + 1..], inside))
    }

    fn json_key(&mut self, text: &[u8]) {
        self.out.push(KEY);
        if let Some(hex) = hashed_key(text) {
            self.out.extend_from_slice(hex);
        } else {
            let hash = format!("{:016x}", xxh3_64(text));
            self.out.extend_from_slice(&hash.as_bytes()[..8]);
        }
    }

    /// What a value comes to here. An alias may stand in the quotes of a string, if there are `string_aliases`.
    pub(super) fn expected(&self, string_aliases: bool) -> Expected {
        // whatever follows it
        let may_be_alias = string_aliases && !self.after_sign() && self.expects_alias(b",");
        let may_be_key = self.after_json_operator()
            || self.after_subscript()
            || self.after_word(&[b"path"])
            || self.expects_json_path();
        Expected {
            whole: !self.by_list,
            text: !may_be_alias && !may_be_key,
            pattern: self.begins_pattern(),
            sign: match self.out[..] {
                [.., _, _, SIGN, sign @ (b'-' | b'+')] => Some(sign),
                _ => None,
            },
            page: self.paging.expects.then(|| self.next_page()),
        }
    }

    /// The text of a value, of which a keyed hash remains.
    #[inline]
    pub(super) fn parameter(&mut self, text: &[u8]) {
        if self.parameters.len() > MAX_STREAM_BYTES {
            let so_far = xxh3_64(&self.parameters).to_le_bytes();
            self.parameters.clear();
            self.parameters.extend_from_slice(&so_far);
        }
        if text.len() > MAX_PARAMETER_BYTES {
            self.parameters
                .extend_from_slice(&xxh3_64(text).to_le_bytes());
        } else {
            self.parameters.extend_from_slice(text);
        }
        self.parameters.push(0);
    }
}

/// The digits of a key in a template, which is hashed already.
fn hashed_key(text: &[u8]) -> Option<&[u8]> {
    let hex = text.strip_prefix(b"#")?;
    (hex.len() == 8 && hex.iter().all(u8::is_ascii_hexdigit)).then_some(hex)
}

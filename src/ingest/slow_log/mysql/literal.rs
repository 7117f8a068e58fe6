//! Tells whether a place in a statement is inside a string, a quoted name or a comment.

use super::head::may_start;

/// Bytes of code that are looked at together.
const BLOCK_BYTES: usize = 8;

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
        while self.at < place {
            self.at += self.idle(&sql[self.at..place]);
            if self.at < place {
                self.step(sql);
            }
        }
        self.is_held()
    }

    /// Whether the place that was asked for last belongs to a string, a quoted name or a comment of several lines.
    #[inline]
    pub(super) fn is_held(&self) -> bool {
        matches!(self.inside, Inside::Quotes(_) | Inside::BlockComment)
    }

    /// Goes to the next place where a header may start, whatever it is inside of.
    pub(super) fn next_start(&mut self, sql: &[u8]) -> Option<usize> {
        loop {
            self.at += self.idle_up_to_mark(sql.get(self.at..)?);
            let at = self.at;
            if *sql.get(at)? == b'#' && may_start(sql, at) {
                return Some(at);
            }
            self.step(sql);
        }
    }

    /// Goes on behind that place.
    pub(super) fn pass_start(&mut self, sql: &[u8]) {
        self.step(sql);
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
            Inside::Code => return code_length(text),
            Inside::Quotes(b'`') => memchr::memchr(b'`', text),
            Inside::Quotes(quote) => memchr::memchr2(quote, b'\\', text),
            Inside::BlockComment => memchr::memchr(b'*', text),
            Inside::LineComment => memchr::memchr(b'\n', text),
        };
        next.unwrap_or(text.len())
    }

    /// The same, and holds no `#`.
    #[inline]
    fn idle_up_to_mark(&self, text: &[u8]) -> usize {
        let next = match self.inside {
            Inside::Code => return code_length(text),
            Inside::Quotes(b'`') => memchr::memchr2(b'`', b'#', text),
            Inside::Quotes(quote) => memchr::memchr3(quote, b'\\', b'#', text),
            Inside::BlockComment => memchr::memchr2(b'*', b'#', text),
            Inside::LineComment => memchr::memchr2(b'\n', b'#', text),
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

/// Bytes that are looked at together, which a compiler does by vectors.
const LANES: usize = 16;

/// Whether all quotes are closed where `text` ends, and all comments, as far as that can be told without their order:
/// there are quotes of one kind alone, an even number, and nothing that may be a backslash or begin a comment. To follow
/// them in their order takes 7 % of the time of a digest.
pub(super) fn closes_its_quotes(text: &[u8]) -> bool {
    let mut marks = Marks::default();
    let mut rest = text;
    while let Some((block, behind)) = rest.split_first_chunk::<LANES>()
        && let Some(next) = rest.get(1..).and_then(<[u8]>::first_chunk)
    {
        marks.note(block, next);
        rest = behind;
    }
    let (mut block, mut next) = ([0; LANES], [0; LANES]);
    block[..rest.len()].copy_from_slice(rest);
    next[..LANES - 1].copy_from_slice(&block[1..]);
    marks.note(&block, &next);
    marks.are_closed()
}

/// What was seen in each lane.
#[derive(Debug, Default)]
struct Marks {
    /// A bit for each kind of quotes, and one for what may change the meaning of others.
    kinds: [u8; LANES],
    /// A bit for each kind of quotes of which the number is odd.
    odd: [u8; LANES],
}

impl Marks {
    /// Takes note of a block; `next` begins one byte later.
    #[inline]
    fn note(&mut self, block: &[u8; LANES], next: &[u8; LANES]) {
        for lane in 0..LANES {
            let is = |mark: u8| u8::from(block[lane] == mark);
            let before = |mark: u8| u8::from(next[lane] == mark);
            let quotes = is(b'\'') | is(b'"') << 1 | is(b'`') << 2;
            let other = is(b'-') & before(b'-') | is(b'/') & before(b'*') | is(b'\\');
            self.kinds[lane] |= quotes | other << 3;
            self.odd[lane] ^= quotes;
        }
    }

    fn are_closed(&self) -> bool {
        let kinds = self.kinds.iter().fold(0, |all, kinds| all | kinds);
        let odd = self.odd.iter().fold(0, |all, odd| all ^ odd);
        matches!(kinds, 0 | 1 | 2 | 4) && odd == 0
    }
}

/// Number of bytes of code that `text` starts with and that open nothing.
#[inline]
fn code_length(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks();
    for (count, block) in blocks.iter().enumerate() {
        let marks = openers(u64::from_le_bytes(*block));
        if marks != 0 {
            return BLOCK_BYTES * count + marks.trailing_zeros() as usize / 8;
        }
    }
    let next = rest.iter().position(|byte| may_open(*byte));
    next.map_or(text.len(), |at| text.len() - rest.len() + at)
}

/// Whether a quote or a comment may begin with `byte`.
fn may_open(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'`' | b'/' | b'#' | b'-')
}

/// Sets the highest bit of each byte that may open something. Arithmetic on all eight has no branch, and there are more
/// of them than `memchr` can search for.
#[inline]
fn openers(block: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // the sum carries into the highest bit save from 0, and never beyond it
    let is = |bytes: u64, byte: u8| !((bytes ^ (u64::from(byte) * ONES)) + 0x7f * ONES);
    let low = block & !HIGH;
    // neighbours but for one bit: `"` and `#`, `-` and `/`
    let marks = is(low, b'\'') | is(low, b'`') | is(low | ONES, b'#') | is(low | (2 * ONES), b'/');
    marks & !block & HIGH
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

    proptest! {
        #[test]
        fn each_place_for_a_header_is_found_with_what_it_is_inside_of(
            sql in "([a'\"`/*#\\-\n\0\\\\]|\n# ){0,48}",
        ) {
            let sql = sql.as_bytes();
            let mut found = Literal::default();
            let mut places = Vec::new();
            while let Some(at) = found.next_start(sql) {
                places.push((at, found.is_held()));
                found.pass_start(sql);
            }
            let starts = (0..sql.len()).filter(|&at| sql[at] == b'#' && may_start(sql, at));
            let mut asked = Literal::default();
            let expected: Vec<_> = starts.map(|at| (at, asked.holds(sql, at))).collect();
            prop_assert_eq!(places, expected);
        }

        #[test]
        fn code_is_as_long_in_blocks_as_byte_by_byte(
            quiet in "[a-z ]{0,20}",
            bytes in prop::collection::vec(any::<u8>(), 0..24),
        ) {
            let sql = [quiet.as_bytes(), &bytes].concat();
            let one_by_one = sql.iter().position(|byte| may_open(*byte));
            prop_assert_eq!(code_length(&sql), one_by_one.unwrap_or(sql.len()));
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

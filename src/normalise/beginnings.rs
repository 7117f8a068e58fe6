//! How the texts that were read lately begin, up to their first value: an application sends the same statements with
//! other values, so that most of a text need not be read again.
//!
//! ```text
//! SELECT name FROM customers WHERE id = 7
//! └────────── beginning ───────────────┘└─ what ended it
//! ```
//!
//! A beginning holds no literal and ends where a token does, whatever follows: see [`Lexer::is_plain`]. It is found by
//! a hash of as many of its bytes as make one of the [`LEVELS`], and then compared.

use super::attributes::Counter;
use super::lexer::Lexer;
use super::paging::Paging;
use super::stream::{Frame, Stream};
use crate::model::sql::Dialect;

/// Beginnings kept. A newer one takes the place of the one it falls on.
const MAX_BEGINNINGS: usize = 512;

/// A longer text is no gain for its memory.
pub(super) const MAX_BEGINNING_BYTES: usize = 512;

/// Eights of bytes by which a beginning is found. The more, the fewer beginnings fall on one another.
const LEVELS: [usize; 10] = [1, 2, 3, 4, 5, 6, 8, 12, 24, 48];

/// The beginnings of many texts.
#[derive(Debug)]
pub(super) struct Beginnings {
    /// Hashes apart from what they stand for: most are looked at in vain.
    hashes: Box<[u64; MAX_BEGINNINGS]>,
    known: Vec<Beginning>,
    /// So many levels are of use: no beginning is so long as those behind them.
    levels: usize,
}

/// How a text begins, and what the lexer knows behind that.
#[derive(Debug, Default)]
struct Beginning {
    dialect: Dialect,
    text: Box<[u8]>,
    /// The byte behind it, which may decide where its last token ends; `None` for a whole text.
    next: Option<u8>,
    tokens: Box<[u8]>,
    /// TRUE and FALSE, which are values in some places, and placeholders.
    parameters: Box<[u8]>,
    placeholders: bool,
    frames: Box<[Frame]>,
    depth: usize,
    last_row: (usize, usize),
    by_list: bool,
    compares: bool,
    counter: Counter,
    paging: Paging,
}

impl Default for Beginnings {
    fn default() -> Self {
        Self {
            hashes: Box::new([0; MAX_BEGINNINGS]),
            known: Vec::new(),
            levels: 0,
        }
    }
}

impl Beginnings {
    /// Writes the tokens that `sql` begins with to `stream`, where they are known, and says how many bytes they are.
    pub(super) fn resume(
        &self,
        sql: &[u8],
        dialect: Dialect,
        stream: &mut Stream,
    ) -> Option<usize> {
        let mut hashes = [0; LEVELS.len()];
        let count = self.hashes_of(sql, &mut hashes);
        for &hash in hashes[..count].iter().rev() {
            let place = place(hash);
            if self.hashes[place] == hash
                && let Some(known) = self.known.get(place)
                && known.begins(sql, dialect)
            {
                known.write(stream);
                return Some(known.text.len());
            }
        }
        None
    }

    /// Remembers what was read of a text up to its first value.
    pub(super) fn keep(&mut self, lexer: &Lexer<'_>, dialect: Dialect) {
        let text = &lexer.sql[..lexer.at];
        let next = lexer.sql.get(lexer.at).copied();
        let is_short = text.len() < 8;
        // a short text is found by all of it
        if text.is_empty() || is_short && next.is_some() || text.len() > MAX_BEGINNING_BYTES {
            return;
        }
        let level = LEVELS.iter().rposition(|eights| 8 * eights <= text.len());
        let level = level.unwrap_or_default();
        self.levels = self.levels.max(level + 1);
        let mut hashes = [0; LEVELS.len()];
        let count = self.hashes_of(lexer.sql, &mut hashes);
        let Some(&hash) = hashes[..count].get(level) else {
            return;
        };
        if self.known.is_empty() {
            self.known.resize_with(MAX_BEGINNINGS, Beginning::default);
        }
        let place = place(hash);
        self.hashes[place] = hash;
        self.known[place] = Beginning::of(text, next, dialect, lexer.stream);
    }

    /// The hashes that beginnings of `sql` may have, by their level, and how many they are.
    #[inline]
    fn hashes_of(&self, sql: &[u8], into: &mut [u64; LEVELS.len()]) -> usize {
        let (chunks, rest) = sql.as_chunks::<8>();
        if chunks.is_empty() {
            let mut whole = [0; 8];
            whole[..rest.len()].copy_from_slice(rest);
            into[0] = mixed(rest.len() as u64, whole);
            return 1;
        }
        let mut hash = u64::MAX;
        let mut level = 0;
        let deepest = LEVELS[..self.levels].last();
        for (chunk, eights) in chunks.iter().take(*deepest.unwrap_or(&0)).zip(1..) {
            hash = mixed(hash, *chunk);
            if LEVELS[level] == eights {
                into[level] = hash;
                level += 1;
            }
        }
        level
    }
}

impl Beginning {
    fn of(text: &[u8], next: Option<u8>, dialect: Dialect, stream: &Stream) -> Self {
        Self {
            dialect,
            text: text.into(),
            next,
            tokens: stream.out.as_slice().into(),
            parameters: stream.parameters.as_slice().into(),
            placeholders: stream.placeholders,
            frames: stream.frames.as_slice().into(),
            depth: stream.depth,
            last_row: stream.last_row,
            by_list: stream.by_list,
            compares: stream.compares,
            counter: stream.counter,
            paging: stream.paging,
        }
    }

    /// Whether `sql` begins so. Digits are alike: none of them goes on with a token that ended before another.
    #[inline]
    fn begins(&self, sql: &[u8], dialect: Dialect) -> bool {
        let Some(rest) = sql.strip_prefix(&*self.text) else {
            return false;
        };
        let goes_on_alike = match (self.next, rest.first()) {
            (None, None) => true,
            (Some(known), Some(next)) => {
                known == *next || known.is_ascii_digit() && next.is_ascii_digit()
            }
            _ => false,
        };
        goes_on_alike && self.dialect == dialect
    }

    /// Writes it to a stream with nothing in it.
    #[inline]
    fn write(&self, stream: &mut Stream) {
        stream.out.extend_from_slice(&self.tokens);
        if !self.parameters.is_empty() {
            stream.parameters.extend_from_slice(&self.parameters);
        }
        if !self.frames.is_empty() {
            stream.frames.extend_from_slice(&self.frames);
        }
        (stream.depth, stream.last_row) = (self.depth, self.last_row);
        (stream.by_list, stream.compares) = (self.by_list, self.compares);
        (stream.counter, stream.paging) = (self.counter, self.paging);
        stream.placeholders = self.placeholders;
    }
}

/// Where the beginning with this hash is kept.
#[inline]
fn place(hash: u64) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default() % MAX_BEGINNINGS
}

/// Whoever writes the statements can choose some that fall on one another, and only has his own read twice.
#[inline]
fn mixed(hash: u64, chunk: [u8; 8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (hash ^ u64::from_le_bytes(chunk)).wrapping_mul(ODD);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::normalise::dialect::Rules;
    use crate::normalise::lexer::{lex, lex_known};

    const PARTS: [&str; 48] = [
        "SELECT ",
        "a",
        " FROM t ",
        "WHERE b = ",
        "b=",
        "7",
        "42 ",
        "'x'",
        "''",
        "'it\\'s",
        "`q`",
        "`q``r`",
        "`q",
        "\"n\"",
        "N",
        "x",
        "_utf8",
        "E",
        "&",
        "&&",
        "(",
        ")",
        ",",
        ", ",
        "=",
        "==",
        "=>",
        "<",
        "<=",
        "<->",
        "-",
        "->",
        "-- c\n",
        "/* c */",
        "/*+ h */",
        "*/",
        ".",
        "..",
        ".5",
        "::int",
        " IN (",
        " LIMIT ",
        " TRUE",
        "?",
        "$1",
        ":p",
        ";",
        "\u{feff}",
    ];

    proptest! {
        #[test]
        fn a_text_is_read_the_same_whatever_was_read_before(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&PARTS[..]), 0..10), 1..5),
            shared in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..8),
            dialect in prop::sample::select(&[Dialect::Mysql, Dialect::Postgres, Dialect::Generic][..]),
        ) {
            let mut beginnings = Beginnings::default();
            let (mut alone, mut known) = (Stream::default(), Stream::default());
            for text in &texts {
                let sql = format!("{}{}", shared.concat(), text.concat());
                for _ in 0..2 {
                    lex(sql.as_bytes(), Rules::of(dialect), &mut alone);
                    lex_known(sql.as_bytes(), dialect, &mut known, &mut beginnings);
                    prop_assert_eq!(format!("{:?}", known), format!("{:?}", alone), "{}", sql);
                }
            }
        }
    }

    fn known_bytes(first: &str, second: &str) -> Option<usize> {
        let mut beginnings = Beginnings::default();
        let mut stream = Stream::default();
        lex_known(
            first.as_bytes(),
            Dialect::Mysql,
            &mut stream,
            &mut beginnings,
        );
        stream.clear();
        beginnings.resume(second.as_bytes(), Dialect::Mysql, &mut stream)
    }

    #[test]
    fn what_differs_in_its_values_begins_alike_up_to_the_first() {
        let text = "SELECT name FROM customers WHERE id = ";
        assert_eq!(
            known_bytes(&format!("{text}7"), &format!("{text}12 AND b = 5")),
            Some(text.len())
        );
        assert_eq!(
            known_bytes(&format!("{text}'a'"), &format!("{text}'b'")),
            Some(text.len())
        );
        let prepared = "SELECT name FROM t WHERE id = $1 AND b = ? LIMIT $2";
        assert_eq!(known_bytes(prepared, prepared), Some(prepared.len()));
        assert_eq!(known_bytes("COMMIT", "COMMIT"), Some(6));
        assert_eq!(known_bytes("ROLLBACK", "ROLLBACK"), Some(8));
    }

    #[test]
    fn what_follows_differently_is_read_anew() {
        let text = "SELECT name FROM customers WHERE id =";
        for (first, second) in [("7", "'7'"), ("7", ">7"), ("7", ""), ("", "7")] {
            let (first, second) = (format!("{text}{first}"), format!("{text}{second}"));
            assert_eq!(known_bytes(&first, &second), None, "{first}, {second}");
        }
        assert_eq!(known_bytes("COMMIT", "COMMIT "), None);
        assert_eq!(known_bytes("ROLLBACK", "ROLLBACKS"), None);
    }

    #[test]
    fn any_number_of_beginnings_takes_bounded_room() {
        let mut beginnings = Beginnings::default();
        let mut stream = Stream::default();
        for i in 0..2_000 {
            let sql = format!("SELECT {} FROM t{i} WHERE b = 7", "a, ".repeat(i));
            lex_known(sql.as_bytes(), Dialect::Mysql, &mut stream, &mut beginnings);
        }
        assert_eq!(beginnings.known.len(), MAX_BEGINNINGS);
        assert!(
            beginnings
                .known
                .iter()
                .all(|known| known.text.len() <= MAX_BEGINNING_BYTES)
        );
    }
}

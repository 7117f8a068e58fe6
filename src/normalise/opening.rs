//! What a text begins with, so that a text that its log had cut finds the statement that it is the beginning of.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::stream::{DECIMAL, FIRST_TEXT_BYTE, INTEGER, LITERAL, TEXT};
use super::{Normaliser, Text};
use crate::model::sql::Dialect;

/// Fewer whole tokens are no beginning that tells anything.
const MIN_TOKENS: usize = 2;

/// The tokens of a text without its values; of one that was cut those that are surely of the whole one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tokens(Box<[u8]>);

/// Hash of the tokens that a text begins with: texts that share it begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opening(u64);

impl Opening {
    /// As a number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl Tokens {
    /// Of a stream, or of the beginning of one.
    pub(super) fn new(stream: &[u8], dialect: Dialect) -> Self {
        // How a value is written tells no statement from another.
        let tokens = stream.iter().map(|&byte| match byte {
            INTEGER | DECIMAL | TEXT => LITERAL,
            other => other,
        });
        Self([dialect as u8].into_iter().chain(tokens).collect())
    }

    /// As they are kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// That of all of them; `None` where they are too few.
    pub fn opening(&self) -> Option<Opening> {
        openings(&self.0).last()
    }

    /// They are too few to be the beginning of anything.
    pub(super) fn are_few(&self) -> bool {
        self.opening().is_none()
    }
}

/// All that tokens, as they were kept, begin with.
pub fn openings(tokens: &[u8]) -> impl Iterator<Item = Opening> {
    let starts = starts_of(tokens).chain([tokens.len()]);
    let mut from = 0;
    let mut hash = 0;
    let hashes = starts.skip(1).map(move |to| {
        hash = xxh3_64_with_seed(&tokens[from..to], hash);
        from = to;
        Opening(hash)
    });
    // The first is the dialect.
    hashes.skip(MIN_TOKENS)
}

/// Where each token begins.
fn starts_of(tokens: &[u8]) -> impl Iterator<Item = usize> {
    let places = tokens.iter().enumerate();
    places.filter_map(|(at, &byte)| (byte < FIRST_TEXT_BYTE).then_some(at))
}

impl Normaliser {
    /// The tokens of the text that was read last.
    pub fn tokens(&self, last_read: &Text) -> Tokens {
        let stream = if last_read.cut {
            self.stream.certain()
        } else {
            self.stream.bytes()
        };
        Tokens::new(stream, last_read.dialect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::Settings;

    fn tokens(sql: &str, dialect: Dialect, cut: bool) -> Tokens {
        let mut normaliser = Normaliser::new(&Settings::default(), 0);
        let text = normaliser.read(sql.as_bytes(), dialect, cut);
        normaliser.tokens(&text)
    }

    fn begins(whole: &str, cut: &str) -> bool {
        let whole = tokens(whole, Dialect::Mysql, false);
        let opening = tokens(cut, Dialect::Mysql, true).opening();
        opening.is_some_and(|cut| openings(whole.as_bytes()).any(|known| known == cut))
    }

    #[test]
    fn a_text_begins_with_what_is_sure_of_a_cut_one_and_with_no_other() {
        let whole = "SELECT a, b FROM t WHERE c = 5 AND d IN ('x', 'y') ORDER BY e";
        for cut in [
            "SELECT a, b FR",
            "SELECT a, b FROM t WHERE c = 77 AN",
            "SELECT a, b FROM t WHERE c = 77 AND d IN ('z', 'zz",
            "SELECT a, b FROM t WHERE c = 77.5 AND d IN (1) ORDER BY e",
        ] {
            assert!(begins(whole, cut), "{cut}");
        }
        for cut in ["SELECT a", "SELECT a, c FR", "SELECT a, b FROM s WHERE"] {
            assert!(!begins(whole, cut), "{cut}");
        }
    }

    #[test]
    fn texts_of_two_kinds_of_servers_share_no_beginning() {
        let of = |dialect| tokens("SELECT a FROM t", dialect, false).opening();
        assert_ne!(of(Dialect::Mysql), of(Dialect::Postgres));
    }
}

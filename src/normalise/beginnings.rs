//! How the texts that were read lately go: an application sends the same statements with other values, so that most of a
//! text need not be read again.
//!
//! ```text
//! SELECT name FROM customers WHERE id = 7 AND state = 'open' LIMIT 20
//! └────────── beginning ───────────────┘└─────────────┘    └──────┘
//!                                         passages, each behind a value
//! ```
//!
//! A beginning is found by a hash of as many of its bytes as make one of the [`LEVELS`], and then compared; of what
//! follows a value only what followed there before is compared.

use super::lexer::Lexer;
use super::passage::{Passage, PlainValue};
use super::stream::Stream;
use crate::model::sql::Dialect;

/// Beginnings kept. A newer one takes the place of the older of two that it falls on.
const MAX_BEGINNINGS: usize = 512;

/// A longer text between two values is no gain for its memory.
pub(super) const MAX_PASSAGE_BYTES: usize = 512;

/// Bytes that all passages behind values take together. When there are more, all go: those in use are soon back.
const MAX_BYTES: usize = 512 << 10;

/// Values of a text behind which passages are kept.
const MAX_VALUES: u8 = 48;

/// Passages kept behind one value.
const MAX_BRANCHES: usize = 8;

/// Eights of bytes by which a beginning is found. The more, the fewer beginnings fall on one another.
const LEVELS: [usize; 10] = [1, 2, 3, 4, 5, 6, 8, 12, 24, 48];

/// How many texts go.
#[derive(Debug)]
pub(super) struct Beginnings {
    /// Hashes apart from what they stand for: most are looked at in vain.
    hashes: Box<[u64; MAX_BEGINNINGS]>,
    /// The beginnings, and behind them the passages.
    known: Vec<Passage>,
    /// Bytes of the passages.
    bytes: usize,
    /// So many levels are of use: no beginning is so long as those behind them.
    levels: usize,
}

/// How far a text is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// So many bytes of it.
    pub(super) at: usize,
    /// The last of its passages.
    passage: usize,
    /// Values passed.
    values: u8,
}

impl Default for Beginnings {
    fn default() -> Self {
        Self {
            hashes: Box::new([0; MAX_BEGINNINGS]),
            known: Vec::new(),
            bytes: 0,
            levels: 0,
        }
    }
}

impl Beginnings {
    /// Writes the tokens of `sql` from `start` on to `stream`, as far as they are known, and says how far that is.
    pub(super) fn resume(
        &self,
        sql: &[u8],
        start: usize,
        dialect: Dialect,
        stream: &mut Stream,
    ) -> Option<Reached> {
        let text = &sql[start..];
        let passage = self.beginning(text, dialect)?;
        let mut here = &self.known[passage];
        let mut reached = Reached {
            at: start + here.length(),
            passage,
            values: 0,
        };
        here.tell_parameters(stream);
        while let Some(value) = here.value(sql, reached.at)
            && let Some((passage, next)) = self.behind(here, &value, sql)
        {
            here.take(&value, stream);
            next.tell_parameters(stream);
            here = next;
            reached = Reached {
                at: value.end + next.length(),
                passage,
                values: reached.values + 1,
            };
        }
        here.write(stream);
        Some(reached)
    }

    /// The beginning of `text`.
    #[inline]
    fn beginning(&self, text: &[u8], dialect: Dialect) -> Option<usize> {
        let mut hashes = [0; LEVELS.len()];
        let count = self.hashes_of(text, &mut hashes);
        for &hash in hashes[..count].iter().rev() {
            for place in places(hash) {
                if self.hashes[place] == hash
                    && let Some(known) = self.known.get(place)
                    && known.begins(text, dialect)
                {
                    return Some(place);
                }
            }
        }
        None
    }

    /// What stands behind a value.
    #[inline]
    fn behind(
        &self,
        here: &Passage,
        value: &PlainValue<'_>,
        sql: &[u8],
    ) -> Option<(usize, &Passage)> {
        let rest = &sql[value.end..];
        let branches = here.branches_behind(value.kind);
        let mut passages = branches.filter_map(|at| Some((at, self.known.get(at)?)));
        passages.find(|(_, passage)| passage.follows(rest))
    }

    /// The value behind what is known of `sql`, if what follows it is worth to be kept.
    pub(super) fn value_behind<'s>(
        &self,
        sql: &'s [u8],
        reached: Reached,
    ) -> Option<PlainValue<'s>> {
        let here = self.known.get(reached.passage)?;
        let value = here.value(sql, reached.at)?;
        let has_room = here.branches_behind(value.kind).count() < MAX_BRANCHES;
        (has_room && reached.values < MAX_VALUES).then_some(value)
    }

    /// Remembers what was read behind a value, up to the next one; `parameters` so many bytes were there before.
    pub(super) fn keep_behind(
        &mut self,
        reached: Reached,
        value: &PlainValue<'_>,
        (lexer, parameters): (&Lexer<'_>, usize),
    ) {
        let Some(here) = self.known.get(reached.passage) else {
            return;
        };
        let text = &lexer.sql[value.end..lexer.at];
        let passage = here.followed_by(text, lexer, parameters);
        if passage.bytes() > MAX_PASSAGE_BYTES * 4 {
            return;
        }
        if self.bytes + passage.bytes() > MAX_BYTES {
            return self.forget_passages();
        }
        self.bytes += passage.bytes();
        let place = self.known.len();
        self.known.push(passage);
        self.known[reached.passage].branch(value.kind, place);
    }

    fn forget_passages(&mut self) {
        self.bytes = 0;
        self.known.truncate(MAX_BEGINNINGS);
        self.known.iter_mut().for_each(Passage::forget_branches);
    }

    /// Remembers what was read of a text from `start` on, up to its first value.
    pub(super) fn keep(&mut self, lexer: &Lexer<'_>, start: usize, dialect: Dialect) {
        let text = &lexer.sql[start..lexer.at];
        let next = lexer.sql.get(lexer.at).copied();
        let is_short = text.len() < 8;
        // a short text is found by all of it
        if text.is_empty() || is_short && next.is_some() || text.len() > MAX_PASSAGE_BYTES {
            return;
        }
        let level = LEVELS.iter().rposition(|eights| 8 * eights <= text.len());
        let level = level.unwrap_or_default();
        self.levels = self.levels.max(level + 1);
        let mut hashes = [0; LEVELS.len()];
        let count = self.hashes_of(&lexer.sql[start..], &mut hashes);
        let Some(&hash) = hashes[..count].get(level) else {
            return;
        };
        if self.known.is_empty() {
            self.known.resize_with(MAX_BEGINNINGS, Passage::default);
        }
        let [newer, older] = places(hash);
        // so that two that come in turn do not drive each other out
        self.hashes.swap(newer, older);
        self.known.swap(newer, older);
        self.hashes[newer] = hash;
        self.known[newer] = Passage::first(text, lexer, dialect);
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

/// Where the beginning with this hash may be kept.
#[inline]
fn places(hash: u64) -> [usize; 2] {
    let pair = usize::try_from(hash >> 32).unwrap_or_default() % MAX_BEGINNINGS / 2;
    [2 * pair, 2 * pair + 1]
}

/// Whoever writes the statements can choose some that fall on one another, and only has his own read twice.
#[inline]
fn mixed(hash: u64, chunk: [u8; 8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (hash ^ u64::from_le_bytes(chunk)).wrapping_mul(ODD);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests;

//! Finds the family of a statement that its source had cut, while texts come: the one known statement that begins like
//! it.
//!
//! Whole texts are remembered as token streams, sorted, so that those with one beginning stand side by side. Who reads
//! whole files joins at their end, by what all texts of them [begin with](super::opening).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::Normaliser;
use super::cache::shape_key;
use super::opening::Tokens;
use super::stream::FIRST_TEXT_BYTE;
use crate::model::sql::{Dialect, Statement, StatementRef};

/// Texts that are looked at before the beginning counts as ambiguous.
const MAX_TEXTS: usize = 4096;
/// What an entry costs beside its text.
const ENTRY_BYTES: usize = 96;

/// Statements by their token streams; the oldest go first.
#[derive(Debug)]
pub(super) struct Families {
    texts: BTreeMap<Arc<[u8]>, StatementRef>,
    order: VecDeque<Arc<[u8]>>,
    bytes: usize,
    max_bytes: usize,
}

impl Families {
    /// Remembers none yet, and at most so many bytes of them.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            texts: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            max_bytes,
        }
    }

    /// Remembers a text that was not cut.
    pub(super) fn learn(&mut self, stream: &[u8], dialect: Dialect, statement: &StatementRef) {
        let cost = stream.len() + ENTRY_BYTES;
        if cost > self.max_bytes {
            return;
        }
        let text: Arc<[u8]> = Tokens::new(stream, dialect).as_bytes().into();
        if self
            .texts
            .insert(Arc::clone(&text), Arc::clone(statement))
            .is_some()
        {
            return;
        }
        self.order.push_back(text);
        self.bytes += cost;
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.texts.remove(&oldest);
            self.bytes -= oldest.len() - 1 + ENTRY_BYTES;
        }
    }

    /// The only known statement that begins with `beginning`, which ends with a whole token.
    pub(super) fn of(&self, beginning: &[u8], dialect: Dialect) -> Option<StatementRef> {
        let tokens = Tokens::new(beginning, dialect);
        if tokens.are_few() {
            return None;
        }
        let from = tokens.as_bytes();
        let texts = self
            .texts
            .range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
        let mut family: Option<&StatementRef> = None;
        for (seen, (text, statement)) in texts.enumerate() {
            let Some(rest) = text.strip_prefix(from) else {
                break;
            };
            if rest.first().is_some_and(|&b| b >= FIRST_TEXT_BYTE) {
                continue;
            }
            let other = family.is_some_and(|f| f.fingerprint != statement.fingerprint);
            if other || seen >= MAX_TEXTS {
                return None;
            }
            family = Some(statement);
        }
        family.cloned()
    }
}

impl Normaliser {
    /// Joins no cut text to its family: who asks does so when all texts are known.
    #[must_use]
    pub fn joining_later(mut self) -> Self {
        self.joins_later = true;
        self
    }

    /// Remembers the text in the stream, which is new.
    pub(super) fn learn(&mut self, statement: &StatementRef) {
        if !statement.truncated && !self.joins_later {
            let dialect = statement.dialect;
            self.families.learn(self.stream.bytes(), dialect, statement);
        }
    }

    /// The statement that the cut text in the stream is the beginning of, as far as it is known by now.
    pub(super) fn whole_of_cut(&mut self, dialect: Dialect) -> Option<StatementRef> {
        let whole = self.families.of(self.stream.certain(), dialect)?;
        let key = shape_key(whole.fingerprint, 0, true, dialect);
        if let Some(cut) = self.shapes.get(key) {
            return Some(cut);
        }
        let mut cut = Statement::clone(&whole);
        cut.truncated = true;
        let cut = Arc::new(cut);
        self.shapes.insert(key, Arc::clone(&cut));
        Some(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::FingerprintId;
    use crate::model::sql::{Parsed, Template};

    fn statement(id: u64) -> StatementRef {
        Arc::new(Statement {
            fingerprint: FingerprintId(id),
            loose: FingerprintId(id),
            template: Template::new("?"),
            dialect: Dialect::Mysql,
            parsed: Parsed::Shape(Box::default()),
            truncated: false,
        })
    }

    fn found(families: &Families, beginning: &[u8]) -> Option<u64> {
        families
            .of(beginning, Dialect::Mysql)
            .map(|s| s.fingerprint.0)
    }

    #[test]
    fn a_beginning_that_two_statements_share_has_no_family() {
        let mut families = Families::new(10_000);
        families.learn(
            b"\x01select\x01a\x01from\x01t",
            Dialect::Mysql,
            &statement(1),
        );
        assert_eq!(found(&families, b"\x01select\x01a"), Some(1));
        families.learn(
            b"\x01select\x01a\x01from\x01s",
            Dialect::Mysql,
            &statement(2),
        );
        assert_eq!(found(&families, b"\x01select\x01a"), None);
        assert_eq!(found(&families, b"\x01select\x01a\x01from\x01s"), Some(2));
        assert_eq!(found(&families, b"\x01select\x01b"), None);
    }

    #[test]
    fn a_longer_name_does_not_begin_with_a_shorter_one() {
        let mut families = Families::new(10_000);
        families.learn(b"\x01select\x01ab", Dialect::Mysql, &statement(1));
        assert_eq!(found(&families, b"\x01select\x01a"), None);
        assert_eq!(
            families
                .of(b"\x01select\x01ab", Dialect::Postgres)
                .map(|s| s.fingerprint),
            None
        );
    }

    #[test]
    fn the_oldest_texts_make_room() {
        let mut families = Families::new(3 * (ENTRY_BYTES + 20));
        for id in 0..100_u8 {
            let text = [b"\x01select\x01a", &[id + 32][..]].concat();
            families.learn(&text, Dialect::Mysql, &statement(id.into()));
        }
        assert!(families.texts.len() <= 3 && families.order.len() == families.texts.len());
        assert_eq!(
            families
                .of(b"\x01select\x01a\x83", Dialect::Mysql)
                .map(|s| s.fingerprint.0),
            Some(99)
        );
    }
}

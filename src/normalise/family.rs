//! Finds the family of a statement that its log had cut: the one known statement that begins like it.
//!
//! Whole texts are remembered as token streams, sorted, so that those with one beginning stand side by side. Who reads
//! whole files asks at their end ([`Normaliser::joined_later`]): then it does not matter what stands where in them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Normaliser;
use super::cache::shape_key;
use super::stream::{DECIMAL, FIRST_TEXT_BYTE, INTEGER, LITERAL, TEXT};
use crate::model::sql::{Dialect, Statement, StatementKey, StatementRef};

/// Fewer whole tokens are no beginning that tells anything.
const MIN_TOKENS: usize = 2;
/// Texts that are looked at before the beginning counts as ambiguous.
const MAX_TEXTS: usize = 4096;
/// What an entry costs beside its text.
const ENTRY_BYTES: usize = 96;

/// Cut statements that are remembered until the end.
const MAX_CUTS: usize = 4096;
/// Of their beginnings so much is kept: no other statement begins with as much of it.
const MAX_CUT_BYTES: usize = 4096;

/// Families that several normalisers know of.
#[derive(Debug, Clone)]
pub(super) struct SharedFamilies(Arc<Mutex<Families>>);

impl SharedFamilies {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Families::new(max_bytes))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Families> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Statements by their token streams; the oldest go first.
#[derive(Debug)]
pub(super) struct Families {
    texts: BTreeMap<Arc<[u8]>, StatementRef>,
    order: VecDeque<Arc<[u8]>>,
    bytes: usize,
    max_bytes: usize,
    /// The shortest beginnings of cut statements that wait for the end.
    cuts: BTreeMap<StatementKey, Box<[u8]>>,
}

impl Families {
    /// Remembers none yet, and at most so many bytes of them.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            texts: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            max_bytes,
            cuts: BTreeMap::new(),
        }
    }

    /// Remembers the beginning of a text that was cut, which ends with a whole token. Of two texts of one statement
    /// the shorter one: it joins nothing that the longer one does not join.
    fn wait(&mut self, beginning: &[u8], statement: StatementKey) {
        let is_full = self.cuts.len() >= MAX_CUTS && !self.cuts.contains_key(&statement);
        if is_full || beginning.len() > MAX_CUT_BYTES {
            return;
        }
        let known = self.cuts.get(&statement);
        let rank = |text: &[u8]| (text.len(), text.to_vec());
        if known.is_none_or(|known| rank(beginning) < rank(known)) {
            self.cuts.insert(statement, beginning.into());
        }
    }

    /// Remembers a text that was not cut.
    pub(super) fn learn(&mut self, stream: &[u8], dialect: Dialect, statement: &StatementRef) {
        let cost = stream.len() + ENTRY_BYTES;
        if cost > self.max_bytes {
            return;
        }
        let text: Arc<[u8]> = key(stream, dialect).into();
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
        if beginning.iter().filter(|&&b| b < FIRST_TEXT_BYTE).count() < MIN_TOKENS {
            return None;
        }
        let from = key(beginning, dialect);
        let texts = self
            .texts
            .range::<[u8], _>((Bound::Included(&*from), Bound::Unbounded));
        let mut family: Option<&StatementRef> = None;
        for (seen, (text, statement)) in texts.enumerate() {
            let Some(rest) = text.strip_prefix(&*from) else {
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
    /// Cut texts keep an identity of their own until [`Self::joined_later`] is asked.
    #[must_use]
    pub fn joining_later(mut self) -> Self {
        self.joins_later = true;
        self
    }

    /// Knows the families that `other` knows, and joins when it does.
    #[must_use]
    pub fn sharing(mut self, other: &Self) -> Self {
        self.families = other.families.clone();
        self.joins_later = other.joins_later;
        self
    }

    /// Cut statements, and the one statement among all that were read that begins like each.
    pub fn joined_later(&self) -> Vec<(StatementKey, StatementRef)> {
        let families = self.families.lock();
        let joined = families.cuts.iter().filter_map(|(cut, beginning)| {
            let whole = families.of(beginning, cut.dialect)?;
            Some((*cut, whole))
        });
        joined.collect()
    }

    /// Remembers the text in the stream, which is new.
    pub(super) fn learn(&mut self, statement: &StatementRef) {
        let mut families = self.families.lock();
        if !statement.truncated {
            families.learn(self.stream.bytes(), statement.dialect, statement);
        } else if self.joins_later {
            families.wait(self.stream.certain(), statement.key());
        }
    }

    /// The statement that the cut text in the stream is the beginning of, as far as it is known by now.
    pub(super) fn whole_of_cut(&mut self, dialect: Dialect) -> Option<StatementRef> {
        let whole = self.families.lock().of(self.stream.certain(), dialect)?;
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

fn key(stream: &[u8], dialect: Dialect) -> Vec<u8> {
    let mut key = Vec::with_capacity(stream.len() + 1);
    key.push(dialect as u8);
    // How a value is written tells no family from another.
    key.extend(stream.iter().map(|&byte| match byte {
        INTEGER | DECIMAL | TEXT => LITERAL,
        other => other,
    }));
    key
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

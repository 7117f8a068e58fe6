//! Statements already known, bounded by count and by bytes; the least used go first (second chance).

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, Parsed, Statement, StatementRef};

/// What an entry costs beside its texts: map slot, queue slot, `Arc` and the fixed part of a shape.
const ENTRY_BYTES: usize = 512;
/// A name, a predicate or a join in a shape.
const PART_BYTES: usize = 64;

/// Statements by a strong key.
#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<u128, Entry, Keyed>,
    queue: VecDeque<u128>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    statement: StatementRef,
    bytes: usize,
    used: bool,
}

impl Cache {
    /// An empty cache; at least one entry is always kept.
    pub(super) fn new(max_entries: usize, max_bytes: usize, seed: u64) -> Self {
        Self {
            entries: HashMap::with_hasher(Keyed(seed)),
            queue: VecDeque::new(),
            bytes: 0,
            max_entries: max_entries.max(1),
            max_bytes,
        }
    }

    /// The statement of `key`, if known.
    #[inline]
    pub(super) fn get(&mut self, key: u128) -> Option<StatementRef> {
        let entry = self.entries.get_mut(&key)?;
        entry.used = true;
        Some(Arc::clone(&entry.statement))
    }

    /// Keeps `statement`, and lets others go where there is no room.
    pub(super) fn insert(&mut self, key: u128, statement: StatementRef) {
        let bytes = cost(&statement);
        while !self.queue.is_empty()
            && (self.entries.len() >= self.max_entries || self.bytes + bytes > self.max_bytes)
        {
            self.evict_one();
        }
        let entry = Entry {
            statement,
            bytes,
            used: false,
        };
        match self.entries.insert(key, entry) {
            Some(old) => self.bytes -= old.bytes,
            None => self.queue.push_back(key),
        }
        self.bytes += bytes;
    }

    /// An entry that was used since the hand passed is given another round, so the loop ends.
    fn evict_one(&mut self) {
        while let Some(key) = self.queue.pop_front() {
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            if std::mem::take(&mut entry.used) {
                self.queue.push_back(key);
                continue;
            }
            self.bytes -= entry.bytes;
            self.entries.remove(&key);
            return;
        }
    }
}

/// Hashes of the keys. They are strong hashes already, but whoever writes the statements can compute them: the seed
/// keeps them from choosing statements that fall on one another.
#[derive(Debug, Clone, Copy)]
struct Keyed(u64);

impl BuildHasher for Keyed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Keyed {
    /// Both halves of the product of both halves: each bit of the key changes each bit of it.
    #[inline]
    fn write_u128(&mut self, key: u128) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let [low, high] = halves(key);
        let product = u128::from(low ^ self.0) * u128::from(high ^ ODD);
        let [low, high] = halves(product);
        self.0 = low ^ high;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// The key of a parsed statement. Texts of one whose values are written differently are parsed apart.
pub(super) fn shape_key(
    fingerprint: FingerprintId,
    values: u64,
    cut: bool,
    dialect: Dialect,
) -> u128 {
    u128::from(values) << 80
        | u128::from(fingerprint.0) << 16
        | u128::from(cut) << 8
        | u128::from(dialect as u8)
}

fn cost(statement: &Statement) -> usize {
    let parts = match &statement.parsed {
        Parsed::Shape(shape) => {
            shape.tables.len()
                + shape.predicates.len()
                + 2 * shape.joins.len()
                + shape.order_by.len()
                + shape.group_by.len()
        }
        Parsed::Opaque { tables, .. } => tables.len(),
    };
    ENTRY_BYTES + statement.template.as_str().len() + parts * PART_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sql::Template;

    fn statement(id: u64) -> StatementRef {
        Arc::new(Statement {
            fingerprint: FingerprintId(id),
            loose: FingerprintId(id),
            template: Template::new("SELECT ?"),
            dialect: Dialect::Generic,
            parsed: Parsed::Shape(Box::default()),
            truncated: false,
        })
    }

    #[test]
    fn a_full_cache_lets_the_unused_go_first() {
        let mut cache = Cache::new(2, usize::MAX, 7);
        cache.insert(1, statement(1));
        cache.insert(2, statement(2));
        assert!(cache.get(1).is_some());
        cache.insert(3, statement(3));
        assert!(cache.get(1).is_some());
        assert!(cache.get(2).is_none());
    }

    #[test]
    fn bytes_bound_the_cache_too() {
        let mut cache = Cache::new(1000, 3 * ENTRY_BYTES, 7);
        for key in 0..100_u64 {
            cache.insert(u128::from(key), statement(key));
        }
        assert!(cache.entries.len() <= 3);
        assert_eq!(cache.entries.len(), cache.queue.len());
    }
}

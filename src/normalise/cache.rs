//! Statements already known, bounded by count and by bytes; the least used go first (second chance).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::model::sql::{Parsed, Statement, StatementRef};

/// What an entry costs beside its texts: map slot, queue slot, `Arc` and the fixed part of a shape.
const ENTRY_BYTES: usize = 512;
/// A name, a predicate or a join in a shape.
const PART_BYTES: usize = 64;

/// Statements by a strong key.
#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<u128, Entry>,
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
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            entries: HashMap::new(),
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
    use crate::model::id::FingerprintId;
    use crate::model::sql::{Dialect, Template};

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
        let mut cache = Cache::new(2, usize::MAX);
        cache.insert(1, statement(1));
        cache.insert(2, statement(2));
        assert!(cache.get(1).is_some());
        cache.insert(3, statement(3));
        assert!(cache.get(1).is_some());
        assert!(cache.get(2).is_none());
    }

    #[test]
    fn bytes_bound_the_cache_too() {
        let mut cache = Cache::new(1000, 3 * ENTRY_BYTES);
        for key in 0..100_u64 {
            cache.insert(u128::from(key), statement(key));
        }
        assert!(cache.entries.len() <= 3);
        assert_eq!(cache.entries.len(), cache.queue.len());
    }
}

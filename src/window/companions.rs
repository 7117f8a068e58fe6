//! Finds the page queries that a count runs beside: same tables, same conditions, another select list.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::model::id::FingerprintId;
use crate::model::sql::{Join, Predicate, Shape, StatementKind, StatementRef};
use crate::model::subject::Companion;
use crate::window::table::{QueryTable, Scope};

/// Page queries that are kept of one set of conditions, the most frequent ones.
pub(super) const MAX_COMPANIONS: usize = 4;

/// Page queries by who asks where, and by what they read.
#[derive(Debug, Default)]
pub(super) struct Pages<'a>(BTreeMap<(&'a Scope, u64), BTreeMap<FingerprintId, Page<'a>>>);

/// What one page query did.
#[derive(Debug)]
struct Page<'a> {
    statement: &'a StatementRef,
    count: u64,
    elapsed: Duration,
}

impl<'a> Pages<'a> {
    /// Those of several windows.
    pub(super) fn of(tables: &[&'a QueryTable]) -> Self {
        let mut pages = Self::default();
        for table in tables {
            for (key, ran) in table.iter() {
                let Some(shape) = ran.statement.shape().filter(|shape| is_page(shape)) else {
                    continue;
                };
                let alike = pages.0.entry((&key.scope, reads(shape))).or_default();
                let page = alike.entry(key.fingerprint).or_insert(Page {
                    statement: &ran.statement,
                    count: 0,
                    elapsed: Duration::ZERO,
                });
                page.count = page.count.saturating_add(ran.stats.count());
                page.elapsed = page.elapsed.saturating_add(ran.stats.elapsed());
            }
        }
        pages
    }

    /// Pages of what `count` counts, the most frequent first.
    pub(super) fn beside(&self, scope: &Scope, count: &Shape) -> Vec<Companion> {
        let alike = self.0.get(&(scope, reads(count)));
        let mut pages: Vec<_> = alike.into_iter().flat_map(BTreeMap::values).collect();
        pages.sort_by_key(|page| std::cmp::Reverse(page.count));
        pages.truncate(MAX_COMPANIONS);
        let companion = |page: &Page<'_>| Companion {
            statement: StatementRef::clone(page.statement),
            count: page.count,
            elapsed: page.elapsed,
        };
        pages.into_iter().map(companion).collect()
    }
}

/// Whether a statement shows a part of what there is.
pub(super) fn is_page(shape: &Shape) -> bool {
    shape.kind == StatementKind::Select && shape.limit.is_some() && !shape.aggregates
}

/// What a statement reads: its tables and conditions, in whatever order they are written.
pub(super) fn reads(shape: &Shape) -> u64 {
    let hash_of = |part: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        part(&mut hasher);
        hasher.finish()
    };
    let conditions = shape.predicates.iter();
    let what = |p: &Predicate| hash_of(&|h| (&p.column, p.op, p.wrapped).hash(h));
    let mut parts: Vec<u64> = conditions.map(what).collect();
    let ends = |join: &Join| {
        (
            join.left.clone().min(join.right.clone()),
            join.left.clone().max(join.right.clone()),
        )
    };
    let joins = shape.joins.iter().map(ends);
    parts.extend(joins.map(|join| hash_of(&|h| join.hash(h))));
    parts.sort_unstable();
    hash_of(&|h| {
        shape.tables.hash(h);
        parts.hash(h);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sql::Dialect;
    use crate::normalise::{Normaliser, Settings};

    fn key(sql: &str) -> u64 {
        let mut normaliser = Normaliser::new(&Settings::default(), 0);
        let known = normaliser.statement(sql.as_bytes(), Dialect::Mysql, false);
        reads(known.statement.shape().unwrap())
    }

    #[test]
    fn a_count_reads_what_its_page_reads() {
        let page = key("SELECT * FROM t WHERE a = 1 AND b > 2 ORDER BY c LIMIT 20 OFFSET 40");
        assert_eq!(page, key("SELECT COUNT(*) FROM t WHERE b > 2 AND a = 7"));
        let nested = "SELECT COUNT(*) FROM (SELECT id FROM t WHERE a = 1 AND b > 3) AS s";
        assert_eq!(page, key(nested));
    }

    #[test]
    fn other_conditions_or_tables_are_another_reading() {
        let page = key("SELECT * FROM t WHERE a = 1 LIMIT 20");
        for other in [
            "SELECT COUNT(*) FROM t",
            "SELECT COUNT(*) FROM t WHERE a > 1",
            "SELECT COUNT(*) FROM t WHERE b = 1",
            "SELECT COUNT(*) FROM s WHERE a = 1",
        ] {
            assert_ne!(page, key(other), "{other}");
        }
    }
}

//! What the statements of all files tell of the tables, each of which is of a kind of server and of a database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::sql::{Dialect, Statement};
use crate::model::subject::TableFacts;
use crate::model::time::Timestamp;
use crate::window::facts::TableBook;
use crate::window::names::Role;
use crate::window::profile::{bare, written};
use crate::window::query::{QueryStats, nanos};
use crate::window::totals::hash::Hashed;

/// Tables of all servers.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Nanoseconds of all statements that name a table.
    time: ByTable,
    /// Runs that wrote to a table, by its name without its schema.
    writes: ByTable,
    books: BTreeMap<Dialect, TableBook>,
}

impl Tables {
    /// Learns from what a statement did in a log that ended at `now`.
    pub(super) fn learn(&mut self, statement: &Statement, stats: &QueryStats, now: Timestamp) {
        let database = database(stats);
        let place = (statement.dialect, &*database);
        for table in statement.tables() {
            self.time.add(place, table, nanos(stats.elapsed()));
        }
        for table in written(statement) {
            self.writes.add(place, bare(table), stats.count());
        }
        let book = self.books.entry(statement.dialect).or_default();
        book.learn(&database, statement, stats, now);
    }

    /// What is known of the tables of a statement.
    pub(super) fn facts(&self, statement: &Statement, stats: &QueryStats) -> Vec<TableFacts> {
        let dialect = statement.dialect;
        let databases = stats.names(Role::Database);
        let book = self.books.get(&dialect);
        let facts = statement.tables().iter().map(|name| TableFacts {
            name: Arc::clone(name),
            schema: None,
            rows: book.and_then(|book| book.rows(&database(stats), name)),
            elapsed: Duration::from_nanos(self.time.of(dialect, &databases, name)),
            writes: self.writes.of(dialect, &databases, bare(name)),
        });
        facts.collect()
    }
}

/// The database of a statement that ran on one; empty for any other.
pub(super) fn database(stats: &QueryStats) -> Arc<str> {
    match stats.names(Role::Database).as_slice() {
        [one] => Arc::clone(one),
        _ => Arc::from(""),
    }
}

/// Sums by a hash of dialect, database and table.
#[derive(Debug, Default)]
struct ByTable(HashMap<u64, u64, Hashed>);

impl ByTable {
    fn add(&mut self, (dialect, database): (Dialect, &str), table: &str, count: u64) {
        let known = self.0.entry(key(dialect, database, table)).or_default();
        *known = known.saturating_add(count);
    }

    /// The sum of a table in these databases. What ran on several, or nobody knows on which, may have been on any.
    fn of(&self, dialect: Dialect, databases: &[Arc<str>], table: &str) -> u64 {
        let anywhere = [Arc::from("")];
        let databases = databases.iter().chain(&anywhere);
        let sums = databases.filter_map(|database| self.0.get(&key(dialect, database, table)));
        sums.fold(0, |sum, count| sum.saturating_add(*count))
    }
}

fn key(dialect: Dialect, database: &str, table: &str) -> u64 {
    let server = xxh3_64_with_seed(database.as_bytes(), dialect as u64);
    xxh3_64_with_seed(table.as_bytes(), server)
}

//! Statements that are seldom looked at, compressed: 100,000 of them take as much room as the sums of a thousand.

use std::sync::Arc;

use super::blocks::{self, Blocks, Place};
use super::compact;
use crate::model::id::FingerprintId;
use crate::model::sql::{Statement, StatementRef};
use crate::window::table::lost_statement;

/// Nobody reads a template to this length; such a statement alone would fill the memory of many.
const MAX_BYTES: usize = 128 << 20;

/// Statements in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Shelf(Blocks);

impl Shelf {
    /// There is no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.0.bytes() >= MAX_BYTES
    }

    pub(super) fn put(&mut self, statement: &Statement) -> Place {
        self.0.put(|open| {
            // Nothing in a statement can fail to be written; if it did, reading would tell of a lost statement.
            drop(compact::write(statement, open));
        })
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader(self.0.reader())
    }
}

/// Reads statements; quickest for those that stand together.
#[derive(Debug)]
pub(super) struct Reader<'a>(blocks::Reader<'a>);

impl Reader<'_> {
    /// The statement that was put there, by the name that it has now.
    pub(super) fn statement(&mut self, place: Place, fingerprint: FingerprintId) -> StatementRef {
        match self.read(place) {
            Some(found) => Arc::new(Statement {
                fingerprint,
                ..found
            }),
            None => lost_statement(fingerprint),
        }
    }

    fn read(&mut self, place: Place) -> Option<Statement> {
        compact::read(self.0.at(place)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sql::Dialect;
    use crate::normalise::{Normaliser, Settings};

    #[test]
    fn a_statement_is_read_as_it_was_put_whatever_the_block() {
        let mut normaliser = Normaliser::new(&Settings::default(), 0);
        let mut statement = |sql: &str| {
            normaliser
                .statement(sql.as_bytes(), Dialect::Mysql, false)
                .statement
        };
        let mut shelf = Shelf::default();
        let letter = |n: u32| char::from_u32(u32::from(b'a') + n).unwrap();
        let put: Vec<_> = (0..26 * 8)
            .map(|n| {
                let (a, b) = (letter(n % 26), letter(n / 26));
                let sql =
                    format!("SELECT c_{a}, `\n` FROM t_{b} WHERE c_{a} = 1 ORDER BY c_{a} -- ü");
                let statement = statement(&sql);
                (shelf.put(&statement), statement)
            })
            .collect();
        assert!(shelf.0.len() > 4);
        let mut reader = shelf.reader();
        for (place, statement) in put.iter().rev() {
            assert_eq!(&reader.statement(*place, statement.fingerprint), statement);
        }
    }
}

//! Statements that are seldom looked at, compressed: 100,000 of them take as much room as the sums of a thousand.
//!
//! Statements of one log resemble each other: the first ones are kept as they are, and serve as the dictionary of
//! all others. So blocks may be short, and to read one statement takes little more than its own text.

mod frame;

use std::sync::Arc;

use crate::model::id::FingerprintId;
use crate::model::sql::{Statement, StatementRef};
use crate::window::table::lost_statement;

use self::frame::{Packer, Unpacker};

/// A block is closed when it is so long, which a few statements are: the report reads them in any order.
const BLOCK_BYTES: usize = 2 << 10;

/// The first statements, up to this length, are the dictionary.
const DICTIONARY_BYTES: usize = 16 << 10;

/// Nobody reads a template to this length; such a statement alone would fill the memory of many.
const MAX_BYTES: usize = 128 << 20;

/// Where a statement is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    block: u32,
    offset: u32,
}

/// Statements in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// The first of them is the dictionary, as it is.
    blocks: Vec<Box<[u8]>>,
    packer: Option<Packer>,
    open: Vec<u8>,
    bytes: usize,
}

impl Shelf {
    /// There is no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }

    pub(super) fn put(&mut self, statement: &Statement) -> Place {
        let long = if self.blocks.is_empty() {
            DICTIONARY_BYTES
        } else {
            BLOCK_BYTES
        };
        if self.open.len() >= long {
            self.close();
        }
        let place = Place {
            block: u32::try_from(self.blocks.len()).unwrap_or(u32::MAX),
            offset: u32::try_from(self.open.len()).unwrap_or(u32::MAX),
        };
        // Nothing in a statement can fail to be written; if it did, reading would tell of a lost statement.
        drop(serde_json::to_writer(&mut self.open, statement));
        self.open.push(b'\n');
        place
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            shelf: self,
            unpacker: None,
            block: None,
            text: Vec::new(),
        }
    }

    fn close(&mut self) {
        let block = match self.blocks.first() {
            None => self.open.as_slice().into(),
            Some(dictionary) => {
                let packer = &mut self.packer;
                let packer = packer.get_or_insert_with(|| Packer::new(dictionary));
                packer.pack(&self.open)
            }
        };
        self.bytes += block.len();
        self.blocks.push(block);
        // One giant must not make every later block as large.
        self.open.clear();
        self.open.shrink_to(2 * DICTIONARY_BYTES);
    }
}

/// Reads statements; quickest for those that stand together.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    shelf: &'a Shelf,
    unpacker: Option<Unpacker>,
    block: Option<u32>,
    text: Vec<u8>,
}

impl Reader<'_> {
    pub(super) fn statement(&mut self, place: Place, fingerprint: FingerprintId) -> StatementRef {
        let found = self.read(place).map(Arc::new);
        found.unwrap_or_else(|| lost_statement(fingerprint))
    }

    fn read(&mut self, place: Place) -> Option<Statement> {
        let text = self.block(place.block)?;
        let rest = text.get(usize::try_from(place.offset).ok()?..)?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        serde_json::from_slice(&rest[..end]).ok()
    }

    fn block(&mut self, number: u32) -> Option<&[u8]> {
        let blocks = &self.shelf.blocks;
        let dictionary = blocks.first().filter(|_| number > 0);
        let (Some(dictionary), Some(packed)) = (dictionary, blocks.get(number as usize)) else {
            let first = blocks.first().filter(|_| number == 0);
            return Some(first.map_or(self.shelf.open.as_slice(), |first| first));
        };
        if self.block != Some(number) {
            self.block = None;
            let unpacker = &mut self.unpacker;
            let unpacker = unpacker.get_or_insert_with(|| Unpacker::new(dictionary));
            unpacker.unpack(packed, &mut self.text)?;
            self.block = Some(number);
        }
        Some(&self.text)
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
        assert!(shelf.blocks.len() > 4);
        let mut reader = shelf.reader();
        for (place, statement) in put.iter().rev() {
            assert_eq!(&reader.statement(*place, statement.fingerprint), statement);
        }
    }

    #[test]
    fn a_damaged_place_tells_of_a_lost_statement() {
        let shelf = Shelf::default();
        let place = Place {
            block: 0,
            offset: 7,
        };
        let lost = shelf.reader().statement(place, FingerprintId(5));
        assert_eq!(lost.fingerprint, FingerprintId(5));
    }
}

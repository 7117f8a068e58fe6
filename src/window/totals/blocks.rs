//! Records that are seldom looked at, in compressed blocks.
//!
//! Those of one log resemble each other: the first ones are kept as they are, and serve as the dictionary of all
//! others. So blocks may be short, and to read one record takes little more than its own text.

mod frame;

use self::frame::{Packer, Unpacker};

/// A block is closed when it is so long, which a few records are: the report reads them in any order.
const BLOCK_BYTES: usize = 2 << 10;

/// The first records, up to this length, are the dictionary.
const DICTIONARY_BYTES: usize = 16 << 10;

/// Where a record is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    block: u32,
    offset: u32,
}

/// Records in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The first of them is the dictionary, as it is.
    closed: Vec<Box<[u8]>>,
    packer: Option<Packer>,
    open: Vec<u8>,
    bytes: usize,
}

impl Blocks {
    /// What the closed ones take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Blocks, the open one among them.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.closed.len() + 1).unwrap_or(u32::MAX)
    }

    /// Keeps what `write` appends.
    pub(super) fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Place {
        let long = if self.closed.is_empty() {
            DICTIONARY_BYTES
        } else {
            BLOCK_BYTES
        };
        if self.open.len() >= long {
            self.close();
        }
        let place = Place {
            block: u32::try_from(self.closed.len()).unwrap_or(u32::MAX),
            offset: u32::try_from(self.open.len()).unwrap_or(u32::MAX),
        };
        write(&mut self.open);
        place
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            blocks: self,
            unpacker: None,
            block: None,
            text: Vec::new(),
        }
    }

    fn close(&mut self) {
        let block = match self.closed.first() {
            None => self.open.as_slice().into(),
            Some(dictionary) => {
                let packer = &mut self.packer;
                let packer = packer.get_or_insert_with(|| Packer::new(dictionary));
                packer.pack(&self.open)
            }
        };
        self.bytes += block.len();
        self.closed.push(block);
        // One giant must not make every later block as large.
        self.open.clear();
        self.open.shrink_to(2 * DICTIONARY_BYTES);
    }
}

/// Reads records; quickest for those that stand together.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    blocks: &'a Blocks,
    unpacker: Option<Unpacker>,
    block: Option<u32>,
    text: Vec<u8>,
}

impl Reader<'_> {
    /// A record, and all that stands behind it in its block.
    pub(super) fn at(&mut self, place: Place) -> Option<&[u8]> {
        let text = self.block(place.block)?;
        text.get(usize::try_from(place.offset).ok()?..)
    }

    /// A block; `None` when it cannot be read.
    pub(super) fn block(&mut self, number: u32) -> Option<&[u8]> {
        let blocks = &self.blocks.closed;
        let dictionary = blocks.first().filter(|_| number > 0);
        let (Some(dictionary), Some(packed)) = (dictionary, blocks.get(number as usize)) else {
            let first = blocks.first().filter(|_| number == 0);
            return Some(first.map_or(self.blocks.open.as_slice(), |first| first));
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

    #[test]
    fn a_place_that_was_never_given_is_read_as_nothing() {
        let mut blocks = Blocks::default();
        blocks.put(|open| open.extend_from_slice(b"abc"));
        let place = Place {
            block: 0,
            offset: 7,
        };
        assert_eq!(blocks.reader().at(place), None);
    }
}

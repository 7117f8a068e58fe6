//! The tokens of all texts that are whole, and which statement each is a run of: one that was cut is a run of the
//! statement that alone begins like it, and no text of a log may be forgotten when that is asked.

use super::blocks::Blocks;
use crate::normalise::{Opening, Tokens, openings};

/// Of texts that begin alike no more is kept than some ten bytes of each: this is a million.
const MAX_BYTES: usize = 16 << 20;

/// Length of a slot's number, and of the length of a text.
const NUMBER: usize = size_of::<u32>();

/// Texts in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Texts {
    kept: Blocks,
    /// There were more than are kept.
    lacks_some: bool,
}

impl Texts {
    /// Keeps the tokens of a text, of which the runs go to a slot.
    pub(super) fn keep(&mut self, slot: u32, tokens: &Tokens) {
        let tokens = tokens.as_bytes();
        let Ok(length) = u32::try_from(tokens.len()) else {
            return self.lack();
        };
        if self.kept.bytes() >= MAX_BYTES {
            return self.lack();
        }
        self.kept.put(|open| {
            open.extend_from_slice(&slot.to_le_bytes());
            open.extend_from_slice(&length.to_le_bytes());
            open.extend_from_slice(tokens);
        });
    }

    /// There is a text that is not kept.
    pub(super) fn lack(&mut self) {
        self.lacks_some = true;
    }

    /// Tells all that each text begins with, and its slot; false when it cannot tell it of all texts.
    pub(super) fn each_opening(&self, mut tell: impl FnMut(Opening, u32)) -> bool {
        let mut reader = self.kept.reader();
        for number in 0..self.kept.len() {
            let Some(mut rest) = reader.block(number) else {
                return false;
            };
            while let Some((slot, tokens)) = next(&mut rest) {
                openings(tokens).for_each(|opening| tell(opening, slot));
            }
        }
        !self.lacks_some
    }
}

/// The next text of a block.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let (slot, behind) = rest.split_first_chunk::<NUMBER>()?;
    let (length, behind) = behind.split_first_chunk::<NUMBER>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (tokens, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some((u32::from_le_bytes(*slot), tokens))
}

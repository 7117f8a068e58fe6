//! Eight bytes of a text at once: where a word ends in them, and what it is in lower case.
//!
//! A word's end is as good as random to a branch predictor; arithmetic on all eight bytes has no branch. The
//! technique is known as SWAR ("SIMD within a register"): each byte is compared by an addition that cannot carry
//! into the next, because the highest bit of each byte is taken off before.

/// Bytes in a chunk.
pub(super) const CHUNK_BYTES: usize = 8;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// The bytes of a text from some place on, the first in the lowest bits; zeros behind the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk(u64);

impl Chunk {
    /// A word of at most eight letters, to be compared with.
    pub(super) const fn of(word: &[u8]) -> Self {
        let mut chunk = 0;
        let mut index = word.len();
        while index > 0 {
            index -= 1;
            chunk = chunk << 8 | word[index] as u64;
        }
        Self(chunk)
    }

    /// The bytes of `text` from `at` on.
    #[inline]
    pub(super) fn at(text: &[u8], at: usize) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(bytes) = rest.first_chunk() {
            return Self(u64::from_le_bytes(*bytes));
        }
        let Some(last) = text.last_chunk() else {
            return Self::tail(rest);
        };
        // what stands before `at` is in the lowest bits of the last chunk; all eight bytes cannot be shifted out at once
        let before = CHUNK_BYTES - rest.len();
        Self(u64::from_le_bytes(*last) >> 8 >> (8 * (before - 1)))
    }

    /// The bytes of a text that is shorter than a chunk.
    #[cold]
    fn tail(rest: &[u8]) -> Self {
        let bytes = rest.iter().rev();
        Self(bytes.fold(0, |chunk, byte| chunk << 8 | u64::from(*byte)))
    }

    /// Number of leading bytes that may stand in a word: letters, digits, `_`, `$` and all that is not ASCII.
    #[inline]
    pub(super) fn word_length(self) -> usize {
        let low = self.0 & !HIGH;
        let letters = between(low | (0x20 * ONES), b'a', b'z');
        let digits = between(low, b'0', b'9');
        let marks = equal(low, b'_') | equal(low, b'$');
        leading(letters | digits | marks | self.0)
    }

    /// Number of leading digits.
    #[inline]
    pub(super) fn digits(self) -> usize {
        leading(between(self.0 & !HIGH, b'0', b'9') & !self.0)
    }

    /// The byte at `index`, 0 beyond the chunk.
    #[inline]
    pub(super) fn byte(self, index: usize) -> u8 {
        self.0.to_le_bytes().get(index).copied().unwrap_or(0)
    }

    /// The same with zeros behind the first `length` bytes.
    #[inline]
    pub(super) fn first(self, length: usize) -> Self {
        let bits = u32::try_from(8 * length).unwrap_or(u64::BITS);
        Self(self.0 & !u64::MAX.checked_shl(bits).unwrap_or(0))
    }

    /// The same with ASCII letters in lower case.
    #[inline]
    pub(super) fn lower(self) -> Self {
        let upper = between(self.0 & !HIGH, b'A', b'Z') & !self.0 & HIGH;
        Self(self.0 | upper >> 2)
    }

    /// The bytes.
    #[inline]
    pub(super) fn bytes(self) -> [u8; CHUNK_BYTES] {
        self.0.to_le_bytes()
    }
}

/// Sets the highest bit of each byte that is between `first` and `last`; the bytes must be ASCII.
#[inline]
fn between(bytes: u64, first: u8, last: u8) -> u64 {
    let reaches = bytes + u64::from(0x80 - first) * ONES;
    let exceeds = bytes + u64::from(0x7f - last) * ONES;
    reaches & !exceeds
}

/// Sets the highest bit of each byte that is `byte`; the bytes must be ASCII.
#[inline]
fn equal(bytes: u64, byte: u8) -> u64 {
    !((bytes ^ (u64::from(byte) * ONES)) + 0x7f * ONES)
}

/// Number of leading bytes of which the highest bit is set.
#[inline]
fn leading(marks: u64) -> usize {
    (!marks & HIGH).trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_word_byte(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
    }

    #[test]
    fn the_last_bytes_of_a_text_are_followed_by_zeros() {
        for length in 0..=2 * CHUNK_BYTES {
            let text = &b"SELECT name WHERE"[..length];
            for at in 0..=length + 1 {
                let rest = text.get(at..).unwrap_or_default();
                let one_by_one = Chunk::tail(&rest[..rest.len().min(CHUNK_BYTES)]);
                assert_eq!(Chunk::at(text, at), one_by_one, "{length}, {at}");
            }
        }
    }

    #[test]
    fn every_byte_is_judged_and_folded_as_one_at_a_time() {
        for byte in 0..=u8::MAX {
            for place in 0..CHUNK_BYTES {
                let mut text = *b"aZ9_$\xff0z";
                text[place] = byte;
                let chunk = Chunk::at(&text, 0);
                let word = text.iter().take_while(|b| is_word_byte(**b)).count();
                assert_eq!(chunk.word_length(), word, "{text:?}");
                assert_eq!(chunk.lower().bytes(), text.map(|b| b.to_ascii_lowercase()));
                text = *b"01234567";
                text[place] = byte;
                let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
                assert_eq!(Chunk::at(&text, 0).digits(), digits, "{text:?}");
            }
        }
    }

    #[test]
    fn nothing_but_zeros_is_behind_the_text_and_behind_what_is_kept() {
        assert_eq!(&Chunk::at(b"select 1", 5).bytes(), b"t 1\0\0\0\0\0");
        assert_eq!(&Chunk::at(b"select 1", 9).bytes(), b"\0\0\0\0\0\0\0\0");
        let chunk = Chunk::at(b"select 1", 0);
        assert_eq!(&chunk.first(6).bytes(), b"select\0\0");
        assert_eq!(chunk.first(8).bytes(), chunk.bytes());
        assert_eq!((chunk.byte(7), chunk.byte(8)), (b'1', 0));
    }
}

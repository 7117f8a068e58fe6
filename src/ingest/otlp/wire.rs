//! Walks protobuf: the fields of one message, borrowed, without a schema and without a copy.
//!
//! Every length is checked against what is there; nothing here recurses, so depth is the caller's to bound.
//! Encoding: <https://protobuf.dev/programming-guides/encoding/>.

/// Bytes that are no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The message ends inside a field.
    #[error("the message ends inside a field")]
    Truncated,
    /// A number of more than ten bytes.
    #[error("a varint has more than ten bytes")]
    Varint,
    /// Field number 0, or a group or unknown wire type.
    #[error("a field has no valid tag")]
    Tag,
    /// A field that is not of the type that the schema says.
    #[error("a field is of another type than its schema says")]
    Type,
    /// An id of another length than 16 (trace) or 8 (span) bytes.
    #[error("an id has a wrong length")]
    Id,
    /// Messages in messages, too deep.
    #[error("messages are nested too deeply")]
    Depth,
}

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// `int32`, `int64`, `uint32`, `uint64`, `bool`, `enum`.
    Varint(u64),
    /// `fixed64`, `double`.
    Fixed64(u64),
    /// `string`, `bytes`, messages.
    Bytes(&'a [u8]),
    /// `fixed32`, `float`.
    Fixed32(u32),
}

impl<'a> Value<'a> {
    /// A string, bytes or a message.
    pub fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed::Type),
        }
    }

    /// A number of variable length.
    pub fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(number) => Ok(number),
            _ => Err(Malformed::Type),
        }
    }

    /// A number of eight bytes.
    pub fn fixed64(self) -> Result<u64, Malformed> {
        match self {
            Self::Fixed64(number) => Ok(number),
            _ => Err(Malformed::Type),
        }
    }

    /// The fields of a message.
    pub fn message(self) -> Result<Fields<'a>, Malformed> {
        self.bytes().map(Fields::of)
    }
}

/// The fields of one message, in the order of its bytes.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of this message.
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field's number and value; `None` at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "an error ends the walk: `?` in a `while let` reads better than an iterator of results"
    )]
    pub fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed::Tag)?;
        let number = tag >> 3;
        if number == 0 {
            return Err(Malformed::Tag);
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.delimited()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Malformed::Tag),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte holds one bit; what is above it is lost, as everywhere.
            number |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        Err(if self.rest.len() < 10 {
            Malformed::Truncated
        } else {
            Malformed::Varint
        })
    }

    fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

/// Writes single fields.
pub mod write {
    const VARINT: u32 = 0;
    const DELIMITED: u32 = 2;

    /// A number, without its field.
    pub fn number(out: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            out.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        out.push(number.to_le_bytes()[0]);
    }

    /// A field of variable length; 0 is what is not written.
    pub fn varint(out: &mut Vec<u8>, field: u32, value: u64) {
        if value > 0 {
            number(out, u64::from(field << 3 | VARINT));
            number(out, value);
        }
    }

    /// A string, bytes or a message.
    pub fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
        number(out, u64::from(field << 3 | DELIMITED));
        number(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(message: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Malformed> {
        let mut fields = Fields::of(message);
        let mut seen = Vec::new();
        while let Some(field) = fields.next()? {
            seen.push(field);
        }
        Ok(seen)
    }

    #[test]
    fn the_four_kinds_of_fields_are_read() {
        let message = [
            0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 2, 0, 0,
            0,
        ];
        assert_eq!(
            all(&message).unwrap(),
            [
                (1, Value::Varint(150)),
                (2, Value::Bytes(b"hi")),
                (3, Value::Fixed64(1)),
                (4, Value::Fixed32(2)),
            ]
        );
    }

    #[test]
    fn what_is_no_message_is_refused_and_never_read_beyond_its_end() {
        for (message, why) in [
            (&[0x08][..], Malformed::Truncated),
            (&[0x12, 0x05, b'h'], Malformed::Truncated),
            (
                &[
                    0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ],
                Malformed::Truncated,
            ),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ],
                Malformed::Varint,
            ),
            (&[0x0b], Malformed::Tag),
            (&[0x00, 0x00], Malformed::Tag),
            (&[0x19, 1, 2], Malformed::Truncated),
        ] {
            assert_eq!(all(message), Err(why), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(all(&bytes));
        }
    }
}

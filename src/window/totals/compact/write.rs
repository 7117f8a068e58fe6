//! Writes values without the names of their fields.

use serde::Serialize;
use serde::de::value::Error;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Appends to what was written.
#[derive(Debug)]
pub(super) struct Writer<'w>(pub(super) &'w mut Vec<u8>);

type Done = Result<(), Error>;

impl Writer<'_> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push((number & 0x7f) as u8);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    fn next(&mut self, value: &(impl Serialize + ?Sized)) -> Done {
        value.serialize(Writer(self.0))
    }

    fn field(&mut self, value: &(impl Serialize + ?Sized)) -> Done {
        self.0.push(1);
        self.next(value)
    }

    fn counted(mut self, length: Option<usize>) -> Result<Self, Error> {
        let length = length.ok_or_else(|| Error::custom("a list of no known length"))?;
        self.number(length as u64);
        Ok(self)
    }

    fn variant(mut self, index: u32) -> Self {
        self.number(u64::from(index));
        self
    }
}

impl Serializer for Writer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn serialize_bool(mut self, value: bool) -> Done {
        self.number(u64::from(value));
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i64(mut self, value: i64) -> Done {
        self.number(u64::from_ne_bytes(value.to_ne_bytes()));
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u64(mut self, value: u64) -> Done {
        self.number(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(mut self, value: f64) -> Done {
        self.number(value.to_bits());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_u32(u32::from(value))
    }

    fn serialize_str(mut self, value: &str) -> Done {
        self.text(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Done {
        self.text(value);
        Ok(())
    }

    fn serialize_none(mut self) -> Done {
        self.number(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Done {
        self.field(value)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Done {
        self.variant(index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        value.serialize(self.variant(index))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Error> {
        self.counted(length)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        Ok(self.variant(index))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Error> {
        self.counted(length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        Ok(self.variant(index))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What holds its items one after the other.
macro_rules! one_after_the_other {
    ($($what:ident $item:ident)*) => {
        $(impl $what for Writer<'_> {
            type Ok = ();
            type Error = Error;

            fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.next(value)
            }

            fn end(self) -> Done {
                Ok(())
            }
        })*
    };
}

one_after_the_other! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// What has fields that may be left out.
macro_rules! field_by_field {
    ($($what:ident)*) => {
        $(impl $what for Writer<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Done {
                self.field(value)
            }

            fn skip_field(&mut self, _: &'static str) -> Done {
                self.number(0);
                Ok(())
            }

            fn end(self) -> Done {
                Ok(())
            }
        })*
    };
}

field_by_field! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Writer<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.next(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.next(value)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

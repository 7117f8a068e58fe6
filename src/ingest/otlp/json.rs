//! Writes an OTLP/JSON request down as protobuf, so that there is one reader for both.
//!
//! Tolerant as senders are sloppy: `null`, unknown fields, numbers as strings and strings as numbers, `"NaN"`, names of
//! enums, ids in capitals are all taken. An id that is no hexadecimal number makes its span a rejected one, not the request
//! a bad one. Rules: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! Depth is bounded by `serde_json` (128). Protobuf is shorter than its JSON; what makes more of it (a list of thousands
//! of empty objects) is refused, so that the caller knows how much comes out at most: [`most_of`].

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ingest::otlp::json_schema::{Kind, Message};
use crate::ingest::otlp::wire::write;

/// Room for what is short and has the long lengths that are written here.
const ROOM: usize = 1024;

/// Bytes that come out of so many bytes of JSON, at most.
pub fn most_of(json: usize) -> usize {
    json.saturating_add(ROOM)
}

/// The request as protobuf.
///
/// # Errors
/// What `serde_json` says, with line and column; or that more comes out than [`most_of`] it.
pub fn to_protobuf(json: &[u8], schema: &'static Message) -> Result<Vec<u8>, serde_json::Error> {
    // Protobuf is shorter than its JSON, but for the long lengths that are written here.
    let mut out = Vec::with_capacity(json.len() / 2);
    let mut reader = serde_json::Deserializer::from_slice(json);
    let request = Seed {
        kind: Kind::Root(schema),
        number: 0,
        most: most_of(json.len()),
        out: &mut out,
    };
    request.deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

/// Reads one value and writes it as field `number`.
struct Seed<'o> {
    kind: Kind,
    number: u32,
    most: usize,
    out: &'o mut Vec<u8>,
}

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const DELIMITED: u32 = 2;
const FIXED32: u32 = 5;

impl Seed<'_> {
    fn again(&mut self) -> Seed<'_> {
        Seed {
            kind: self.kind,
            number: self.number,
            most: self.most,
            out: self.out,
        }
    }

    fn tag(&mut self, wire: u32) {
        write::number(self.out, u64::from(self.number << 3 | wire));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        write::bytes(self.out, self.number, bytes);
    }

    fn fixed64(&mut self, bits: u64) {
        self.tag(FIXED64);
        self.out.extend_from_slice(&bits.to_le_bytes());
    }

    /// A number, told as one.
    fn integer(&mut self, number: i64) {
        match self.kind {
            Kind::Varint | Kind::Enum(_) => {
                self.tag(VARINT);
                write::number(self.out, number.cast_unsigned());
            }
            Kind::Fixed64 => self.fixed64(number.cast_unsigned()),
            Kind::Fixed32 => {
                self.tag(FIXED32);
                let low = u32::try_from(number).unwrap_or_default();
                self.out.extend_from_slice(&low.to_le_bytes());
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "a double told without a fraction is one all the same"
            )]
            Kind::Double => self.fixed64((number as f64).to_bits()),
            Kind::Text => self.bytes(number.to_string().as_bytes()),
            Kind::Root(_) | Kind::Message(_) | Kind::Id | Kind::Base64 => {}
        }
    }

    fn text(&mut self, text: &str) {
        match self.kind {
            Kind::Text => self.bytes(text.as_bytes()),
            Kind::Id => {
                // What is no id has a wrong length, so that the reader rejects its span.
                let id = hex(text).unwrap_or_else(|| vec![0]);
                self.bytes(&id);
            }
            Kind::Base64 => {
                let bytes = STANDARD.decode(text).unwrap_or_default();
                self.bytes(&bytes);
            }
            Kind::Double => {
                if let Ok(number) = text.trim().parse::<f64>() {
                    self.fixed64(number.to_bits());
                }
            }
            Kind::Varint | Kind::Fixed64 | Kind::Fixed32 => match text.trim() {
                "true" => self.integer(1),
                "false" => self.integer(0),
                digits => self.digits(digits),
            },
            Kind::Enum(names) => match names.iter().position(|name| *name == text) {
                Some(at) => self.integer(i64::try_from(at).unwrap_or_default()),
                None => self.digits(text),
            },
            Kind::Root(_) | Kind::Message(_) => {}
        }
    }

    fn digits(&mut self, digits: &str) {
        let unsigned = digits.parse::<u64>().map(u64::cast_signed);
        if let Ok(number) = unsigned.or_else(|_| digits.parse::<i64>()) {
            self.integer(number);
        }
    }

    /// Writes a message whose length is told once it is known, in four bytes.
    fn message<'de, A: MapAccess<'de>>(
        &mut self,
        schema: &'static Message,
        map: A,
    ) -> Result<(), A::Error> {
        self.tag(DELIMITED);
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0; LENGTH]);
        fields(schema, map, self.most, self.out)?;
        let length = self.out.len() - length_at - LENGTH;
        let place = self.out.get_mut(length_at..length_at + LENGTH);
        let (Some(place), Ok(length)) = (place, u32::try_from(length)) else {
            return Err(A::Error::custom("a message is too long"));
        };
        if length >> (7 * LENGTH) != 0 {
            return Err(A::Error::custom("a message is too long"));
        }
        for (at, byte) in place.iter_mut().enumerate() {
            let more = if at + 1 < LENGTH { 0x80 } else { 0 };
            *byte = (length >> (7 * at)).to_le_bytes()[0] & 0x7f | more;
        }
        Ok(())
    }
}

/// Bytes of a length that is not known before: 2^28 is more than any body.
const LENGTH: usize = 4;

fn fields<'de, A: MapAccess<'de>>(
    schema: &'static Message,
    mut map: A,
    most: usize,
    out: &mut Vec<u8>,
) -> Result<(), A::Error> {
    while let Some(field) = map.next_key_seed(Name(schema))? {
        match field {
            Some((number, kind)) => map.next_value_seed(Seed {
                kind,
                number,
                most,
                out,
            })?,
            None => drop(map.next_value::<IgnoredAny>()?),
        }
        bounded(out, most)?;
    }
    Ok(())
}

fn bounded<E: Error>(out: &[u8], most: usize) -> Result<(), E> {
    if out.len() > most {
        return Err(E::custom("the request holds next to nothing, too often"));
    }
    Ok(())
}

/// Finds a field by its name, without a copy of the name.
struct Name(&'static Message);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<(u32, Kind)>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<(u32, Kind)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(name))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of OTLP/JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.integer(i64::from(value));
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.integer(value);
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.integer(value.cast_signed());
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        if matches!(self.kind, Kind::Double) {
            self.fixed64(value.to_bits());
        } else {
            // A time in nanoseconds that some script wrote as 1.79e18.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, and is the nearest"
            )]
            self.integer(value as i64);
        }
        Ok(())
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.text(value);
        Ok(())
    }

    /// Repeated fields are written one by one.
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.again())?.is_some() {
            bounded(self.out, self.most)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        match self.kind {
            Kind::Root(schema) => fields(schema, map, self.most, self.out),
            Kind::Message(schema) => self.message(schema, map),
            _ => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(())
            }
        }
    }
}

/// Bytes of an even number of hexadecimal digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() || text.len() > 64 {
        return None;
    }
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok())
        .collect()
}

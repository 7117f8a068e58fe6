//! Values without the names of their fields: what one process writes for itself and reads again, several times over.
//!
//! Numbers take seven bits a byte, the lowest first. A text, a list and a map have their length before them, an enum the
//! number of its variant, each field of a struct a byte that says whether it is there. Of a statement that is a quarter of
//! its JSON, and read in a fifth of the time.

mod read;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::Error;

/// Appends a value.
pub(super) fn write(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(write::Writer(out))
}

/// The value that `bytes` begin with.
pub(super) fn read<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, Error> {
    T::deserialize(read::Reader(&mut bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Unit,
        Newtype(u64),
        Tuple(i8, bool),
        Struct {
            name: Arc<str>,
            inner: Option<Box<Kind>>,
        },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Record {
        kinds: Vec<Kind>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skipped: Option<i64>,
        pair: (u16, char),
        by_name: BTreeMap<String, f64>,
        nothing: (),
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let leaf = prop_oneof![
            Just(Kind::Unit),
            any::<u64>().prop_map(Kind::Newtype),
            any::<(i8, bool)>().prop_map(|(number, is_so)| Kind::Tuple(number, is_so)),
        ];
        leaf.prop_recursive(3, 8, 1, |inner| {
            ("\\PC*", prop::option::of(inner)).prop_map(|(name, inner)| Kind::Struct {
                name: Arc::from(name),
                inner: inner.map(Box::new),
            })
        })
    }

    proptest! {
        #[test]
        fn a_value_is_read_as_it_was_written_whatever_follows(
            kinds in prop::collection::vec(kind(), 0..5),
            skipped in any::<Option<i64>>(),
            pair in any::<(u16, char)>(),
            by_name in prop::collection::btree_map("[a-z]{0,3}", any::<i32>(), 0..4),
            behind in any::<[u8; 3]>(),
        ) {
            let by_name = by_name.into_iter().map(|(name, number)| (name, f64::from(number) / 8.0));
            let record = Record { kinds, skipped, pair, by_name: by_name.collect(), nothing: () };
            let mut bytes = Vec::new();
            write(&record, &mut bytes).unwrap();
            let length = bytes.len();
            bytes.extend(behind);
            prop_assert_eq!(read::<Record>(&bytes).unwrap(), record);
            prop_assert!((0..length).all(|end| read::<Record>(&bytes[..end]).is_err()));
        }

        #[test]
        fn no_bytes_make_it_panic_or_take_memory(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(read::<Record>(&bytes));
        }
    }
}

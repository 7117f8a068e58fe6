//! Maps whose keys are strong hashes already need no other.

use std::hash::{BuildHasher, Hasher};

use crate::model::sql::StatementKey;

/// A statement of one dialect: fingerprints are strong hashes, and differ by nothing that another dialect adds.
pub(super) fn of_key(key: StatementKey) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    key.fingerprint.0 ^ (key.dialect as u64).wrapping_mul(ODD)
}

/// Takes the key as its own hash.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hashed;

/// The first number of a key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct First(u64);

impl BuildHasher for Hashed {
    type Hasher = First;

    fn build_hasher(&self) -> First {
        First::default()
    }
}

impl Hasher for First {
    fn write_u64(&mut self, number: u64) {
        self.0 ^= number;
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

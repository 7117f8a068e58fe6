//! Maps whose keys are strong hashes already need no other.

use std::hash::{BuildHasher, Hasher};

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

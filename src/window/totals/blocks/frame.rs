//! Blocks of text that are compressed and read again with the same dictionary and the same working memory.

use std::fmt;

use zstd::bulk::{Compressor, Decompressor};

/// Zstandard's fastest: higher ones gain little on blocks so short.
const LEVEL: i32 = 1;

/// Makes blocks.
pub(super) struct Packer {
    context: Compressor<'static>,
    buffer: Vec<u8>,
}

/// Reads blocks.
pub(super) struct Unpacker(Decompressor<'static>);

impl Packer {
    /// Of texts that resemble `dictionary`.
    pub(super) fn new(dictionary: &[u8]) -> Self {
        let mut context = Compressor::default();
        // Fails when memory does alone. Then nothing of a block can be read, which tells of lost statements.
        drop(context.set_dictionary(LEVEL, dictionary));
        Self {
            context,
            buffer: Vec::new(),
        }
    }

    /// The block of `text`; empty when it cannot be made.
    pub(super) fn pack(&mut self, text: &[u8]) -> Box<[u8]> {
        self.buffer.clear();
        self.buffer.reserve(zstd::compress_bound(text.len()));
        match self.context.compress_to_buffer(text, &mut self.buffer) {
            Ok(length) => self.buffer.get(..length).unwrap_or_default().into(),
            Err(_) => Box::default(),
        }
    }
}

impl Unpacker {
    /// Of blocks that were made with the same dictionary.
    pub(super) fn new(dictionary: &[u8]) -> Self {
        let mut context = Decompressor::default();
        // as above
        drop(context.set_dictionary(dictionary));
        Self(context)
    }

    /// Puts the text of a block in the place of what `text` holds; `None` when it cannot be read.
    pub(super) fn unpack(&mut self, block: &[u8], text: &mut Vec<u8>) -> Option<()> {
        let length = zstd::decompressed_size(block)?;
        text.clear();
        text.reserve(usize::try_from(length).ok()?);
        self.0.decompress_to_buffer(block, text).ok().map(drop)
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

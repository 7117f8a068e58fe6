//! Room for what is read, which is used again and again.

use std::io::{self, Read};
use std::ops::Deref;

/// Bytes that were read and are not done with. The room behind them stays as it is: clearing it for every block would
/// cost a tenth of what reading costs.
#[derive(Debug, Default)]
pub struct Buffer {
    room: Vec<u8>,
    length: usize,
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.room[..self.length]
    }
}

impl Buffer {
    /// Appends what one call of `stream` gives, at most `max` bytes; how many.
    ///
    /// # Errors
    ///
    /// When it cannot be read; what was there stays.
    pub fn read(&mut self, stream: &mut dyn Read, max: usize) -> io::Result<usize> {
        let end = self.length + max;
        self.grow(end);
        loop {
            match stream.read(&mut self.room[self.length..end]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.length += *read.as_ref().unwrap_or(&0);
                    return read;
                }
            }
        }
    }

    /// Removes so many bytes from its beginning.
    pub fn consume(&mut self, bytes: usize) {
        self.room.copy_within(bytes..self.length, 0);
        self.length -= bytes;
    }

    /// Removes what is behind so many bytes.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Replaces all by `bytes`.
    pub fn fill(&mut self, bytes: &[u8]) {
        self.grow(bytes.len());
        self.room[..bytes.len()].copy_from_slice(bytes);
        self.length = bytes.len();
    }

    /// Bytes that it takes.
    pub fn room(&self) -> usize {
        self.room.capacity()
    }

    fn grow(&mut self, length: usize) {
        if self.room.len() < length {
            self.room.resize(length, 0);
        }
    }

    /// Empties it, and gives back the room beyond so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.length = 0;
        self.room.truncate(bytes);
        self.room.shrink_to(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_were_read_however_the_room_was_used_before() {
        let mut buffer = Buffer::default();
        let mut stream = &b"# Query_time: 1\nSELECT 1;\n"[..];
        assert_eq!(buffer.read(&mut stream, 8).unwrap(), 8);
        assert_eq!(buffer.read(&mut stream, 100).unwrap(), 18);
        assert_eq!(buffer.read(&mut stream, 100).unwrap(), 0);
        buffer.consume(16);
        assert_eq!(&*buffer, b"SELECT 1;\n");
        buffer.truncate(8);
        assert_eq!(&*buffer, b"SELECT 1");
        buffer.fill(b"x");
        assert_eq!(&*buffer, b"x");
        buffer.fill(&[7; 100]);
        assert_eq!(&*buffer, [7; 100]);
        buffer.shrink_to(10);
        assert!(buffer.is_empty() && buffer.room() < 100);
        assert_eq!(buffer.read(&mut &b"abc"[..], 2).unwrap(), 2);
        assert_eq!(&*buffer, b"ab");
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let mut buffer = Buffer::default();
        buffer.fill(b"abc");
        assert!(buffer.read(&mut Failing, 10).is_err());
        assert_eq!(&*buffer, b"abc");
    }
}

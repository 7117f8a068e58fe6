//! Reads and unpacks on a thread of its own, a few blocks ahead of who takes them.
//!
//! ```text
//! file ─► unpack ─► blocks ─► taker
//!           ▲                   │
//!           └─── empty ones ◄───┘
//! ```

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::BLOCK_BYTES;

/// Blocks on their way.
const BLOCKS: usize = 3;

/// A stream that somebody else reads.
#[derive(Debug)]
pub(super) struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    empty: SyncSender<Vec<u8>>,
    block: Vec<u8>,
    taken: usize,
    /// The stream has ended, or failed.
    is_over: bool,
}

impl Ahead {
    /// Begins to read `stream`. The thread ends with the stream, or at the next block when nobody takes them any more;
    /// it is not waited for, as the other end of a pipe may have no more to say.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had.
    pub(super) fn of(stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let (filled, blocks) = sync_channel(BLOCKS);
        let (empty, inbox) = sync_channel(BLOCKS);
        for _ in 0..BLOCKS {
            // There is room for them, and the other end is here.
            empty.try_send(Vec::new()).map_err(io::Error::other)?;
        }
        thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || read(stream, &inbox, &filled))?;
        Ok(Self {
            blocks,
            empty,
            block: Vec::new(),
            taken: 0,
            is_over: false,
        })
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.block.len() && !self.is_over {
            self.take_next()?;
        }
        let rest = self.block.get(self.taken..).unwrap_or_default();
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        Ok(length)
    }
}

impl Ahead {
    fn take_next(&mut self) -> io::Result<()> {
        // The thread may have ended: the blocks that are left are taken all the same.
        drop(self.empty.try_send(std::mem::take(&mut self.block)));
        self.taken = 0;
        let lost = || Err(io::Error::other("the thread that reads it was lost"));
        let next = self.blocks.recv().unwrap_or_else(|_| lost());
        self.is_over = next.as_ref().map_or(true, Vec::is_empty);
        self.block = next?;
        Ok(())
    }
}

/// What the thread does; an empty block is the end.
fn read(
    mut stream: Box<dyn Read + Send>,
    empty: &Receiver<Vec<u8>>,
    filled: &SyncSender<io::Result<Vec<u8>>>,
) {
    while let Ok(mut block) = empty.recv() {
        block.resize(BLOCK_BYTES, 0);
        let read = loop {
            match stream.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let length = *read.as_ref().unwrap_or(&0);
        block.truncate(length);
        if filled.send(read.map(|_| block)).is_err() || length == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives pieces, the last of which may be a failure.
    struct Pieces(Vec<io::Result<Vec<u8>>>);

    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0)?;
            into[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn all_is_read_in_its_order_however_it_comes() {
        let pieces: Vec<Vec<u8>> = (0..50_u8)
            .map(|n| vec![n; 1 + usize::from(n) * 100])
            .collect();
        let whole = pieces.concat();
        let stream = Pieces(pieces.into_iter().map(Ok).collect());
        let mut read = Vec::new();
        Ahead::of(Box::new(stream))
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, whole);
    }

    #[test]
    fn what_comes_before_a_failure_is_read_and_the_failure_is_told() {
        let failure = io::Error::other("the disk is gone");
        let stream = Pieces(vec![Ok(b"SELECT".to_vec()), Err(failure)]);
        let mut read = Vec::new();
        let told = Ahead::of(Box::new(stream)).unwrap().read_to_end(&mut read);
        assert_eq!(read, b"SELECT");
        assert_eq!(told.unwrap_err().to_string(), "the disk is gone");
    }
}

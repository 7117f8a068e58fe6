//! Where a file's bytes come from: opened, and unpacked when its first bytes say that it is packed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use super::{BLOCK_BYTES, HEAD_BYTES, OfflineError, Position};
use crate::clock::Clock;
use crate::model::time::Timestamp;

/// Memory that unpacking an `.xz` file may take.
const MAX_XZ_BYTES: u64 = 80 << 20;

/// Hears how far a file has been read, and may end it.
pub type TellProgress<'f> = &'f mut dyn FnMut(Position) -> ControlFlow<()>;

/// A file, or the standard input, that was opened.
#[expect(
    missing_debug_implementations,
    reason = "a stream tells nothing of itself"
)]
pub struct Source {
    pub(super) path: PathBuf,
    /// Unpacked.
    pub(super) stream: Box<dyn Read + Send>,
    /// It takes work to read it.
    pub(super) is_packed: bool,
    /// When it was last written.
    pub(super) newest: Timestamp,
    taken: Arc<AtomicU64>,
    size: Option<u64>,
}

impl Source {
    /// Opens the file at `path`, or the standard input for `-`.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or is packed in a way that is not known.
    pub fn open(path: &Path) -> Result<Self, OfflineError> {
        let failed = |source| OfflineError::Open {
            path: path.to_owned(),
            source,
        };
        let mut newest = Clock::system().now();
        let mut size = None;
        let file: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(OfflineError::Directory(path.to_owned()));
            }
            newest = written(&metadata).unwrap_or(newest);
            size = metadata.is_file().then_some(metadata.len());
            Box::new(file)
        };
        let taken = Arc::default();
        let mut file = Counted {
            inner: file,
            taken: Arc::clone(&taken),
        };
        let mut magic = Vec::new();
        file.by_ref()
            .take(6)
            .read_to_end(&mut magic)
            .map_err(failed)?;
        let whole = BufReader::with_capacity(64 << 10, io::Cursor::new(magic.clone()).chain(file));
        let (stream, is_packed) = unpacked(&magic, whole).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            stream,
            is_packed,
            newest,
            taken,
            size,
        })
    }

    /// Bytes that come from elsewhere, under this name.
    pub fn of(path: &Path, stream: impl Read + Send + 'static) -> Self {
        Self {
            path: path.to_owned(),
            stream: Box::new(stream),
            is_packed: false,
            newest: Timestamp::EPOCH,
            taken: Arc::default(),
            size: None,
        }
    }

    /// Its path, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it begins; it is read from there all the same. What cannot be read is told by whoever reads on.
    pub fn head(&mut self, tell_progress: TellProgress<'_>) -> Vec<u8> {
        let mut head = Vec::with_capacity(BLOCK_BYTES);
        let mut block = vec![0; HEAD_BYTES];
        let mut fault = None;
        while head.len() < HEAD_BYTES && tell_progress(self.position(0)).is_continue() {
            match self.stream.read(&mut block) {
                Ok(0) => break,
                Ok(length) => head.extend_from_slice(block.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        let rest = std::mem::replace(&mut self.stream, Box::new(io::empty()));
        let rest = Faulty { fault, inner: rest };
        self.stream = Box::new(io::Cursor::new(head.clone()).chain(rest));
        head
    }

    /// The next bytes of it.
    ///
    /// # Errors
    ///
    /// When there are more, and they cannot be read.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, OfflineError> {
        loop {
            match self.stream.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|source| super::unreadable(&self.path, source)),
            }
        }
    }

    /// How far it was read, `bytes` of what is in it being done with.
    pub fn position(&self, bytes: u64) -> Position {
        Position {
            bytes,
            taken: self.taken.load(Ordering::Relaxed),
            size: self.size,
        }
    }
}

/// Counts what is taken from a file.
struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.taken.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// A stream that has failed already, and says so when it is read again.
struct Faulty<R> {
    fault: Option<io::Error>,
    inner: R,
}

impl<R: Read> Read for Faulty<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.inner.read(into),
        }
    }
}

/// When a file was last written.
fn written(metadata: &std::fs::Metadata) -> Option<Timestamp> {
    let since_epoch = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.plus(since_epoch))
}

fn unpacked(
    magic: &[u8],
    whole: impl io::BufRead + Send + 'static,
) -> io::Result<(Box<dyn Read + Send>, bool)> {
    let stream: Box<dyn Read + Send> = if magic.starts_with(b"\x1f\x8b") {
        Box::new(flate2::bufread::MultiGzDecoder::new(whole))
    } else if magic.starts_with(b"\xfd7zXZ\0") {
        let stream = liblzma::stream::Stream::new_stream_decoder(
            MAX_XZ_BYTES,
            liblzma::stream::CONCATENATED,
        )?;
        Box::new(liblzma::bufread::XzDecoder::new_stream(whole, stream))
    } else if magic.starts_with(b"\x28\xb5\x2f\xfd") {
        Box::new(zstd::stream::read::Decoder::with_buffer(whole)?)
    } else if magic.starts_with(b"BZh") {
        return Err(io::Error::other(
            "it is packed by bzip2, which is not read; unpack it first, or pipe `bzcat` into `-`",
        ));
    } else {
        return Ok((Box::new(whole), false));
    };
    Ok((stream, true))
}

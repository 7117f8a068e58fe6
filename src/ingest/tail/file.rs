//! A log file as the tail needs it: who it is, how long it is, and whether it still holds what was read.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::ingest::{Checkpoint, IngestError};
use crate::model::time::Timestamp;

/// Bytes of a file's head that identify it: more than the banner every log of a server begins with.
pub(super) const HEAD: usize = 1024;

/// Bytes before an offset that identify a copy: more than one entry, hence a time that never comes again.
pub(super) const TAIL: usize = 1024;

/// Device and inode.
pub(super) type FileId = (u64, u64);

/// An open regular file.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    /// Name it was opened by; a rotation may have renamed it since.
    pub(super) path: PathBuf,
    /// Who it is, whatever its name.
    pub(super) id: FileId,
}

/// What the file system says about a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    pub(super) id: FileId,
    pub(super) len: u64,
    pub(super) modified: Timestamp,
}

impl LogFile {
    /// Opens a regular file; a pipe is refused before opening, because that would wait for its writer.
    pub(super) fn open(path: &Path) -> Result<Self, IngestError> {
        Stat::of(path)?;
        let at = |e| IngestError::at(path, e);
        let file = File::open(path).map_err(at)?;
        let stat = Stat::new(path, &file.metadata().map_err(at)?)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            id: stat.id,
        })
    }

    /// What is true of it now.
    pub(super) fn stat(&self) -> Result<Stat, IngestError> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|e| IngestError::at(&self.path, e))?;
        Stat::new(&self.path, &metadata)
    }

    /// Up to `len` bytes from `offset`; fewer only where the file ends.
    pub(super) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, IngestError> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        while filled < len {
            match self
                .file
                .read_at(&mut bytes[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(IngestError::at(&self.path, e)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

impl Stat {
    /// Of the file that a path leads to, through symbolic links.
    pub(super) fn of(path: &Path) -> Result<Self, IngestError> {
        let metadata = fs::metadata(path).map_err(|e| IngestError::at(path, e))?;
        Self::new(path, &metadata)
    }

    /// When it was last written, if nothing is in it.
    pub(super) fn if_empty(self) -> Option<Timestamp> {
        (self.len == 0).then_some(self.modified)
    }

    fn new(path: &Path, metadata: &Metadata) -> Result<Self, IngestError> {
        if metadata.is_dir() {
            return Err(IngestError::Directory(path.to_owned()));
        }
        if !metadata.is_file() {
            return Err(IngestError::NotAFile(path.to_owned()));
        }
        Ok(Self {
            id: (metadata.dev(), metadata.ino()),
            len: metadata.len(),
            modified: modified(metadata),
        })
    }
}

/// When it was last written; the epoch for times before it.
fn modified(metadata: &Metadata) -> Timestamp {
    let secs = u64::try_from(metadata.mtime()).unwrap_or(0);
    let nanos = u64::try_from(metadata.mtime_nsec()).unwrap_or(0);
    Timestamp::from_unix_nanos(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// A place in a file that can be found again by what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) head: Trace,
    pub(super) tail: Trace,
}

/// Length and hash of a stretch of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trace {
    pub(super) len: u32,
    pub(super) hash: u64,
}

impl Trace {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            hash: xxh3_64(bytes),
        }
    }

    fn is_at(self, file: &LogFile, offset: u64) -> Result<bool, IngestError> {
        Ok(Self::of(&file.read(offset, self.len as usize)?) == self)
    }
}

impl Place {
    /// The place that a checkpoint names.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        let place = Self {
            offset: checkpoint.offset,
            head: Trace {
                len: checkpoint.head_len,
                hash: checkpoint.head_hash,
            },
            tail: Trace {
                len: checkpoint.tail_len,
                hash: checkpoint.tail_hash,
            },
        };
        place.believed()
    }

    /// Its lengths come from the store, and are not trusted with memory.
    pub(super) fn believed(mut self) -> Self {
        let limit = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        self.head.len = self.head.len.min(limit(HEAD));
        self.tail.len = self.tail.len.min(limit(TAIL));
        self
    }

    /// The end of a file as it is now.
    pub(super) fn end(file: &LogFile) -> Result<Self, IngestError> {
        let offset = file.stat()?.len;
        let length = |limit: usize| usize::try_from(offset).map_or(limit, |len| len.min(limit));
        let before = length(TAIL);
        Ok(Self {
            offset,
            head: Trace::of(&file.read(0, length(HEAD))?),
            tail: Trace::of(&file.read(offset - before as u64, before)?),
        })
    }

    /// Whether `file` holds, up to this place, what was read there.
    pub(super) fn is_in(&self, file: &LogFile) -> Result<bool, IngestError> {
        let before = self.offset.saturating_sub(u64::from(self.tail.len));
        Ok(file.stat()?.len >= self.offset
            && self.head.is_at(file, 0)?
            && self.tail.is_at(file, before)?)
    }

    /// Whether there are bytes to recognise a file by.
    pub(super) fn is_telling(&self) -> bool {
        self.head.len > 0
    }
}

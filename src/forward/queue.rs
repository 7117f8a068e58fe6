//! Requests that the backend has not taken yet, one file each.
//!
//! ```text
//! push ─► 00000000000000000017.otlp, mode 0600 ─► take (held) ─┬─ taken ──► remove
//!                                                              └─ not yet ─► release
//! ```
//!
//! What was pushed survives the end of the process, however that comes: the file is whole before `push` returns, and
//! one that is not whole was never acknowledged. It is not flushed to the disk itself, so a power cut may cost the last
//! seconds. A file goes as soon as its request is taken: it holds literals of queries.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::forward::ForwardError;
use crate::ingest::relay::{Encoding, Export, Signal};
use crate::model::time::Timestamp;

/// What the name of a file ends with.
const SUFFIX: &str = "otlp";
/// First bytes of a file: what it is, and the version of its form.
const MAGIC: &[u8; 6] = b"sqlfw1";
/// Bytes before the body: magic, signal, encoding, length, hash, time.
const HEAD: usize = 32;
/// A file of ours is no longer: the largest request and its head.
const MAX_FILE: u64 = 1 << 30;

/// A folder of requests; one process at a time.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
    max_bytes: u64,
    waiting: Mutex<Waiting>,
    _lock: File,
}

#[derive(Debug, Default)]
struct Waiting {
    files: BTreeMap<u64, Waits>,
    bytes: u64,
    next: u64,
}

/// One file.
#[derive(Debug, Clone, Copy)]
struct Waits {
    bytes: u64,
    since: Timestamp,
    held: bool,
}

/// What was in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Requests.
    pub requests: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were no whole request, and are removed.
    pub damaged: u64,
}

/// Why a request was not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// The queue has its size.
    #[error("the queue is full")]
    Full,
    /// It could not be written.
    #[error("a file of the queue cannot be written")]
    Unwritable(#[source] io::Error),
}

/// A request on its way, and its place in the queue.
#[derive(Debug)]
pub struct Held {
    /// Its place.
    pub id: u64,
    /// The request.
    pub export: Export,
}

impl Queue {
    /// Opens the folder, which is made when it is missing, and finds what an earlier process left.
    ///
    /// # Errors
    /// When it cannot be read or written, or another process has it.
    pub fn open(folder: &Path, max_bytes: u64) -> Result<(Self, Found), ForwardError> {
        let failed = |source| ForwardError::Queue {
            path: folder.to_owned(),
            source,
        };
        let mut make = DirBuilder::new();
        make.recursive(true).mode(0o700);
        make.create(folder).map_err(failed)?;
        let lock = private(OpenOptions::new().create(true).truncate(false))
            .open(folder.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ForwardError::InUse {
                    path: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let (waiting, found) = find(folder).map_err(failed)?;
        let queue = Self {
            folder: folder.to_owned(),
            max_bytes,
            waiting: Mutex::new(waiting),
            _lock: lock,
        };
        Ok((queue, found))
    }

    /// Writes a request down; `held` when somebody has it in hand already. Blocks for the disk.
    ///
    /// # Errors
    /// When there is no room for it, in the queue or on the disk; nothing of it is left then.
    pub fn push(&self, export: &Export, now: Timestamp, held: bool) -> Result<u64, NotKept> {
        let bytes = (HEAD + export.body.len()) as u64;
        let id = {
            let mut waiting = self.waiting();
            if waiting.bytes.saturating_add(bytes) > self.max_bytes {
                return Err(NotKept::Full);
            }
            waiting.bytes += bytes;
            waiting.next += 1;
            waiting.next - 1
        };
        let path = self.path(id);
        let written = write(&path, export, now);
        let mut waiting = self.waiting();
        match written {
            Ok(()) => {
                let since = now;
                waiting.files.insert(id, Waits { bytes, since, held });
                Ok(id)
            }
            Err(error) => {
                waiting.bytes -= bytes;
                std::fs::remove_file(&path).ok();
                Err(NotKept::Unwritable(error))
            }
        }
    }

    /// Takes requests in hand, the oldest first, from the one after `behind` on: as many as `most`, and no more bytes than
    /// `most_bytes` after the first. Those that are damaged or gone are removed, and counted. Blocks for the disk.
    pub fn take(&self, behind: Option<u64>, most: usize, most_bytes: u64) -> (Vec<Held>, u64) {
        let (mut taken, mut lost) = (Vec::new(), 0);
        for id in self.hold(behind, most, most_bytes) {
            match read(&self.path(id)) {
                Ok((export, _)) => taken.push(Held { id, export }),
                Err(error) if is_lost(&error) => {
                    lost += 1;
                    self.remove(id);
                }
                // The system has no file handle left, or the like: it is there still.
                Err(error) => {
                    tracing::warn!(%error, "a request of the forward queue cannot be read now");
                    self.release(id);
                }
            }
        }
        (taken, lost)
    }

    fn hold(&self, behind: Option<u64>, most: usize, most_bytes: u64) -> Vec<u64> {
        let mut waiting = self.waiting();
        let files = &mut waiting.files;
        let from = behind.map_or(0, |id| id.saturating_add(1));
        let is_free = |file: &Waits| !file.held;
        let from = if files.range(from..).any(|(_, file)| is_free(file)) {
            from
        } else {
            0
        };
        let mut bytes = 0;
        let free = files.range_mut(from..).filter(|(_, file)| is_free(file));
        let oldest = free.take(most).take_while(|(_, file)| {
            let is_first = bytes == 0;
            bytes += file.bytes;
            is_first || bytes <= most_bytes
        });
        oldest
            .map(|(id, file)| {
                file.held = true;
                *id
            })
            .collect()
    }

    /// Lays a request back that was not taken.
    pub fn release(&self, id: u64) {
        if let Some(file) = self.waiting().files.get_mut(&id) {
            file.held = false;
        }
    }

    /// Removes a request that was taken.
    pub fn remove(&self, id: u64) {
        // The file first: what is forgotten but not removed would come again after a restart.
        std::fs::remove_file(self.path(id)).ok();
        let mut waiting = self.waiting();
        if let Some(file) = waiting.files.remove(&id) {
            waiting.bytes -= file.bytes;
        }
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> u64 {
        self.waiting().bytes
    }

    /// Whether nothing waits, in hand or not.
    pub fn is_empty(&self) -> bool {
        self.waiting().files.is_empty()
    }

    /// When the oldest request came.
    pub fn oldest(&self) -> Option<Timestamp> {
        let waiting = self.waiting();
        waiting.files.values().next().map(|file| file.since)
    }

    fn path(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id:020}.{SUFFIX}"))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the folder; what is no whole request is removed.
fn find(folder: &Path) -> io::Result<(Waiting, Found)> {
    let (mut waiting, mut found) = (Waiting::default(), Found::default());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(id) = id_of(&path) else { continue };
        waiting.next = waiting.next.max(id.saturating_add(1));
        let (export, since) = match read(&path) {
            Ok(whole) => whole,
            Err(error) if is_lost(&error) => {
                found.damaged += 1;
                std::fs::remove_file(&path)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let bytes = (HEAD + export.body.len()) as u64;
        let held = false;
        waiting.files.insert(id, Waits { bytes, since, held });
        waiting.bytes += bytes;
        found.requests += 1;
    }
    found.bytes = waiting.bytes;
    Ok((waiting, found))
}

/// Whether there is no request any more, or never was a whole one.
fn is_lost(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::NotFound
    )
}

fn id_of(path: &Path) -> Option<u64> {
    let is_ours = path.extension()? == SUFFIX;
    let id = path.file_stem()?.to_str()?;
    is_ours.then(|| id.parse().ok()).flatten()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.write(true).mode(0o600)
}

fn write(path: &Path, export: &Export, now: Timestamp) -> io::Result<()> {
    let mut head = [0; HEAD];
    head[..6].copy_from_slice(MAGIC);
    head[6] = export.signal as u8;
    head[7] = export.encoding as u8;
    head[8..16].copy_from_slice(&(export.body.len() as u64).to_le_bytes());
    head[16..24].copy_from_slice(&xxh3_64(&export.body).to_le_bytes());
    head[24..].copy_from_slice(&now.as_unix_nanos().to_le_bytes());
    let mut file = private(OpenOptions::new().create_new(true)).open(path)?;
    file.write_all(&head)?;
    file.write_all(&export.body)
}

/// A request, if the file holds a whole one.
fn read(path: &Path) -> io::Result<(Export, Timestamp)> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    parse(&bytes.into()).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn parse(file: &Bytes) -> Option<(Export, Timestamp)> {
    let (head, body) = (file.get(..HEAD)?, file.slice(HEAD..));
    let number = |at: usize| {
        let bytes = head.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    let signal = *[Signal::Traces, Signal::Metrics, Signal::Logs].get(usize::from(head[6]))?;
    let encoding = *[Encoding::Protobuf, Encoding::Json].get(usize::from(head[7]))?;
    let is_whole =
        head.starts_with(MAGIC) && number(8)? == body.len() as u64 && number(16)? == xxh3_64(&body);
    let export = Export {
        signal,
        encoding,
        body,
    };
    is_whole.then_some((export, Timestamp::from_unix_nanos(number(24)?)))
}

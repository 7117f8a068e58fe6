//! Reads a whole log, packed or not, in memory that does not grow with it.

mod ahead;
mod beginning;
mod crew;
mod likeness;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use super::{Coverage, Entry, Format, MAX_STATEMENT_BYTES, Next, Options, Parser};
use crate::clock::Clock;
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;
use crate::model::upkeep::Upkeep;

pub use likeness::{Likeness, content, first_end, head, likeness};

use self::ahead::Ahead;
use self::beginning::Begun;
pub use self::crew::{Crew, read_by_crew};

/// Bytes asked for at a time, which stay in the cache of a core until they are read.
const BLOCK_BYTES: usize = 128 << 10;

/// The buffer never grows beyond this: a parser must consume before.
const MAX_BUFFER_BYTES: usize = MAX_STATEMENT_BYTES + (64 << 10) + 2 * BLOCK_BYTES;

/// The format is told by this many bytes.
const HEAD_BYTES: usize = 64 << 10;

/// Memory that unpacking an `.xz` file may take.
const MAX_XZ_BYTES: u64 = 80 << 20;

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// It cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a directory.
    #[error("{} is a directory; name the log files in it", .0.display())]
    Directory(PathBuf),
    /// It cannot be read to its end.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no log that is known.
    #[error(
        "the format of {} is not known: it is like none of mysql-slow, postgres-stderr, postgres-csv and \
         postgres-json; if it is one of them, name it with --input",
        .0.display()
    )]
    UnknownFormat(PathBuf),
    /// Nothing in it is of the format that was named.
    #[error("no entry of {} reads as {named}: it looks like {told}", path.display())]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it was said to be.
        named: Format,
        /// What its content says.
        told: Format,
    },
}

impl OfflineError {
    /// The file can be read, but is no log.
    pub fn is_no_log(&self) -> bool {
        matches!(self, Self::UnknownFormat(_))
    }
}

/// What a log came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Its format; `None` for an empty file.
    pub format: Option<Format>,
    /// Bytes of the log, unpacked.
    pub bytes: u64,
    /// Entries told.
    pub entries: u64,
    /// Entries that could not be read.
    pub unparsed: u64,
    /// What is known of its coverage.
    pub coverage: Coverage,
    /// A zone that its dates name and that is not known.
    pub unclear_zone: Option<String>,
    /// What it tells of the server itself.
    pub upkeep: Upkeep,
}

/// How far a log has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Bytes done with, unpacked.
    pub bytes: u64,
    /// Bytes taken from the file, which may be packed.
    pub taken: u64,
    /// Size of the file; `None` for a pipe.
    pub size: Option<u64>,
}

/// Reads the log at `path`, or the standard input for `-`, and tells its entries with the dialect of its server; who
/// wants to keep one may take it.
/// The format is told by the content when it is not given; `tell_progress` hears how far that is, and may end it:
/// what was told by then stays told.
///
/// # Errors
///
/// When the file cannot be opened or read, and when its format is not known. What was told before stays told, and
/// is in `summary`.
pub fn read(
    path: &Path,
    (format, options): (Option<Format>, &Options),
    summary: &mut Summary,
    tell_progress: &mut dyn FnMut(Position) -> ControlFlow<()>,
    tell: &mut dyn FnMut(Dialect, &mut Entry<'_>),
) -> Result<(), OfflineError> {
    let Some(mut log) = Log::open(path, (format, options), summary, tell_progress)? else {
        return Ok(());
    };
    let done = log.run(summary, tell_progress, tell);
    log.end(done, summary)
}

/// A log that was opened.
struct Log<'p> {
    reader: Reader<'p>,
    begun: Begun,
}

impl<'p> Log<'p> {
    /// Opens the log at `path`; `None` when it is empty.
    fn open(
        path: &'p Path,
        (format, options): (Option<Format>, &Options),
        summary: &mut Summary,
        tell_progress: &mut dyn FnMut(Position) -> ControlFlow<()>,
    ) -> Result<Option<Self>, OfflineError> {
        let mut input = input(path)?;
        let newest = input.newest;
        if options.reads_ahead {
            let ahead = Ahead::of(input.stream);
            input.stream = Box::new(ahead.map_err(|source| unreadable(path, source))?);
        }
        let mut reader = Reader {
            path,
            input,
            buffer: Vec::with_capacity(MAX_BUFFER_BYTES),
            ended: false,
            fault: None,
        };
        let options = Options {
            newest: Some(newest),
            ..options.clone()
        };
        let begun = reader.begin((format, &options), summary, tell_progress)?;
        summary.format = begun.as_ref().map(|begun| begun.format);
        Ok(begun.map(|begun| Self { reader, begun }))
    }

    /// Reads it from its beginning to its end.
    fn run(
        &mut self,
        summary: &mut Summary,
        tell_progress: &mut dyn FnMut(Position) -> ControlFlow<()>,
        tell: &mut dyn FnMut(Dialect, &mut Entry<'_>),
    ) -> Result<(), OfflineError> {
        let parser = &mut *self.begun.parser;
        let done = self.reader.run(parser, summary, tell_progress, tell);
        summary.coverage = parser.coverage_of_all();
        summary.unclear_zone = parser.unclear_zone().map(str::to_owned);
        summary.upkeep = parser.upkeep();
        done
    }

    /// Whether it was read, and was what it was said to be.
    fn end(self, done: Result<(), OfflineError>, summary: &Summary) -> Result<(), OfflineError> {
        done?;
        let Begun { format, told, .. } = self.begun;
        match told.filter(|told| *told != format && summary.entries == 0) {
            Some(told) => Err(OfflineError::OtherFormat {
                path: self.reader.path.to_owned(),
                named: format,
                told,
            }),
            None => Ok(()),
        }
    }
}

/// A buffer over a stream of unknown length.
struct Reader<'p> {
    path: &'p Path,
    input: Input,
    buffer: Vec<u8>,
    ended: bool,
    /// Why it cannot be read any further.
    fault: Option<OfflineError>,
}

impl Reader<'_> {
    fn run(
        &mut self,
        parser: &mut dyn Parser,
        summary: &mut Summary,
        tell_progress: &mut dyn FnMut(Position) -> ControlFlow<()>,
        tell: &mut dyn FnMut(Dialect, &mut Entry<'_>),
    ) -> Result<(), OfflineError> {
        let dialect = parser.dialect();
        loop {
            let next = if self.ended { Next::End } else { Next::More };
            let mut entries = 0;
            let progress = parser.parse(&self.buffer, next, &mut |mut entry| {
                entries += 1;
                tell(dialect, &mut entry);
            });
            summary.entries += entries;
            summary.unparsed += progress.unparsed;
            summary.bytes += progress.consumed as u64;
            self.buffer.drain(..progress.consumed);
            if tell_progress(self.position(summary)).is_break() || self.ended {
                return Ok(());
            }
            if let Some(fault) = self.fault.take() {
                // What is left is an entry that was cut.
                summary.unparsed += u64::from(!self.buffer.is_empty());
                return Err(fault);
            }
            self.fill();
        }
    }

    fn position(&self, summary: &Summary) -> Position {
        Position {
            bytes: summary.bytes,
            taken: self.input.taken.load(Ordering::Relaxed),
            size: self.input.size,
        }
    }

    /// Appends at most a block; notes the end of the stream, or why there is no more to be had.
    fn fill(&mut self) {
        let before = self.buffer.len();
        let room = MAX_BUFFER_BYTES.saturating_sub(before).min(BLOCK_BYTES);
        self.buffer.resize(before + room, 0);
        let read = loop {
            match self.input.stream.read(&mut self.buffer[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(length) => self.ended = length == 0,
            Err(source) => {
                self.fault = Some(unreadable(self.path, source));
            }
        }
    }
}

/// Where a log comes from.
struct Input {
    /// Unpacked.
    stream: Box<dyn Read + Send>,
    /// When it was last written.
    newest: Timestamp,
    taken: Arc<AtomicU64>,
    size: Option<u64>,
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

/// Opens a file, and unpacks it when its first bytes say that it is packed.
fn input(path: &Path) -> Result<Input, OfflineError> {
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
    Ok(Input {
        stream: unpacked(&magic, whole).map_err(failed)?,
        newest,
        taken,
        size,
    })
}

fn unreadable(path: &Path, source: io::Error) -> OfflineError {
    OfflineError::Read {
        path: path.to_owned(),
        source,
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
) -> io::Result<Box<dyn Read + Send>> {
    if magic.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(whole)));
    }
    if magic.starts_with(b"\xfd7zXZ\0") {
        let stream = liblzma::stream::Stream::new_stream_decoder(
            MAX_XZ_BYTES,
            liblzma::stream::CONCATENATED,
        )?;
        return Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(
            whole, stream,
        )));
    }
    if magic.starts_with(b"\x28\xb5\x2f\xfd") {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(whole)?));
    }
    if magic.starts_with(b"BZh") {
        return Err(io::Error::other(
            "it is packed by bzip2, which is not read; unpack it first, or pipe `bzcat` into `-`",
        ));
    }
    Ok(Box::new(whole))
}

#[cfg(test)]
mod tests;

//! Reads a whole log, packed or not, in memory that does not grow with it.

mod ahead;
mod beginning;
mod crew;
mod likeness;
mod source;

use std::io;
use std::path::{Path, PathBuf};

use super::buffer::Buffer;
use super::{Coverage, Entry, Format, MAX_STATEMENT_BYTES, Next, Options, Parser};
use crate::model::sql::Dialect;
use crate::model::upkeep::Upkeep;

pub use likeness::{Likeness, content, first_end, head, likeness};

use self::ahead::Ahead;
use self::beginning::Begun;
pub use self::crew::{Crew, read_by_crew};
pub use self::source::{Source, TellProgress};

/// Bytes asked for at a time, which stay in the cache of a core until they are read.
const BLOCK_BYTES: usize = 128 << 10;

/// The buffer never grows beyond this: a parser must consume before.
const MAX_BUFFER_BYTES: usize = MAX_STATEMENT_BYTES + (64 << 10) + 2 * BLOCK_BYTES;

/// The format is told by this many bytes.
const HEAD_BYTES: usize = 64 << 10;

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
         postgres-json; if it is one of them, name it with --input (and it is no OTLP, which needs no name)",
        .0.display()
    )]
    UnknownFormat(PathBuf),
    /// It tells of traces in a format that is not read.
    #[error("{} holds {what}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: &'static str,
    },
    /// It looks like OTLP, and none of its requests can be read.
    #[error("no request in {} can be read, which looks like {format}", path.display())]
    NoRequest {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        format: &'static str,
    },
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
        matches!(self, Self::UnknownFormat(_) | Self::Foreign { .. })
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

/// Reads a log, and tells its entries with the dialect of its server; who wants to keep one may take it.
/// The format is told by the content when it is not given; `tell_progress` hears how far that is, and may end it:
/// what was told by then stays told.
///
/// # Errors
///
/// When the file cannot be read, and when its format is not known. What was told before stays told, and is in
/// `summary`.
pub fn read(
    source: Source,
    (format, options): (Option<Format>, &Options),
    summary: &mut Summary,
    tell_progress: TellProgress<'_>,
    tell: &mut dyn FnMut(Dialect, &mut Entry<'_>),
) -> Result<(), OfflineError> {
    let Some(mut log) = Log::begin(source, (format, options), summary, tell_progress)? else {
        return Ok(());
    };
    let done = log.run(summary, tell_progress, tell);
    log.begun.end(done, &log.reader.source.path, summary)
}

/// A log that was opened.
struct Log {
    reader: Reader,
    begun: Begun,
}

impl Log {
    /// Finds where the log begins; `None` when it is empty.
    fn begin(
        mut source: Source,
        (format, options): (Option<Format>, &Options),
        summary: &mut Summary,
        tell_progress: TellProgress<'_>,
    ) -> Result<Option<Self>, OfflineError> {
        let newest = source.newest;
        if options.reads_ahead && source.is_packed {
            let ahead = Ahead::of(source.stream);
            source.stream = Box::new(ahead.map_err(|error| unreadable(&source.path, error))?);
        }
        let mut reader = Reader {
            source,
            buffer: Buffer::default(),
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
        tell_progress: TellProgress<'_>,
        tell: &mut dyn FnMut(Dialect, &mut Entry<'_>),
    ) -> Result<(), OfflineError> {
        let parser = &mut *self.begun.parser;
        let done = self.reader.run(parser, summary, tell_progress, tell);
        summary.coverage = parser.coverage_of_all();
        summary.unclear_zone = parser.unclear_zone().map(str::to_owned);
        summary.upkeep = parser.upkeep();
        done
    }
}

/// A buffer over a stream of unknown length.
struct Reader {
    source: Source,
    buffer: Buffer,
    /// The stream has ended.
    ended: bool,
    /// Why it cannot be read any further.
    fault: Option<OfflineError>,
}

impl Reader {
    fn run(
        &mut self,
        parser: &mut dyn Parser,
        summary: &mut Summary,
        tell_progress: TellProgress<'_>,
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
            self.buffer.consume(progress.consumed);
            if tell_progress(self.position(summary.bytes)).is_break() || self.ended {
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

    fn position(&self, bytes: u64) -> Position {
        self.source.position(bytes)
    }

    /// Appends at most a block; notes the end of the stream, or why there is no more to be had.
    fn fill(&mut self) {
        let room = MAX_BUFFER_BYTES
            .saturating_sub(self.buffer.len())
            .min(BLOCK_BYTES);
        let read = self.buffer.read(&mut *self.source.stream, room);
        match read {
            Ok(length) => self.ended = length == 0,
            Err(source) => {
                self.fault = Some(unreadable(&self.source.path, source));
            }
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> OfflineError {
    OfflineError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;

//! Whether two logs have the same content, packed or not.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use super::{BLOCK_BYTES, HEAD_BYTES, OfflineError, Options, Source, Summary, read, unreadable};
use crate::model::time::Timestamp;

/// How the content of one log compares to that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// They are the same to the end.
    Same,
    /// The first begins with all of the second.
    FirstIsMore,
    /// The second begins with all of the first.
    SecondIsMore,
    /// Each has what the other has not.
    Different,
}

/// How a log begins, unpacked.
///
/// # Errors
///
/// When it cannot be opened or read.
pub fn head(path: &Path) -> Result<Vec<u8>, OfflineError> {
    let mut head = Vec::new();
    let stream = Source::open(path)?.stream;
    let read = stream.take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map_err(|source| unreadable(path, source))?;
    Ok(head)
}

/// The bytes of a file, unpacked.
///
/// # Errors
///
/// When it cannot be opened.
pub fn content(path: &Path) -> Result<Box<dyn Read + Send>, OfflineError> {
    Ok(Source::open(path)?.stream)
}

/// When the first statement of a log ended; `None` when none tells.
pub fn first_end(path: &Path, options: &Options) -> Option<Timestamp> {
    let first = Cell::new(None);
    let mut summary = Summary::default();
    let options = Options {
        reads_ahead: false,
        ..options.clone()
    };
    let done = read(
        Source::open(path).ok()?,
        (None, &options),
        &mut summary,
        &mut |_| match first.get() {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        },
        &mut |_, entry| first.set(first.get().or(entry.ended())),
    );
    done.ok().and(first.get())
}

/// Compares two logs as far as they are alike.
///
/// # Errors
///
/// When one cannot be opened or read.
pub fn likeness(first: &Path, second: &Path) -> Result<Likeness, OfflineError> {
    let stream = |path| Source::open(path).map(|s| BufReader::with_capacity(BLOCK_BYTES, s.stream));
    let (mut a, mut b) = (stream(first)?, stream(second)?);
    loop {
        let left = a.fill_buf().map_err(|source| unreadable(first, source))?;
        let right = b.fill_buf().map_err(|source| unreadable(second, source))?;
        match (left.is_empty(), right.is_empty()) {
            (true, true) => return Ok(Likeness::Same),
            (false, true) => return Ok(Likeness::FirstIsMore),
            (true, false) => return Ok(Likeness::SecondIsMore),
            (false, false) => {}
        }
        let length = left.len().min(right.len());
        if left[..length] != right[..length] {
            return Ok(Likeness::Different);
        }
        a.consume(length);
        b.consume(length);
    }
}

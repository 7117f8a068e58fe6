//! What is said of an error log that was given to `digest`, which sums up statements.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::ingest::server_log::{self, Kind};
use crate::ingest::slow_log::Next;
use crate::ingest::slow_log::offline;

/// Bytes that are read to count errors, no more: it is only to be told what the file is.
const MAX_BYTES: usize = 64 << 20;

/// Read at once; what no parser takes off so much is no log.
const BLOCK_BYTES: usize = 2 << 20;

/// An error log, and what is in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ErrorLog {
    path: PathBuf,
    kind: Kind,
    lines: u64,
    errors: u64,
    /// There is more in it.
    is_part: bool,
}

impl ErrorLog {
    /// `None` when the file is no error log, or a program's without an error of a database.
    pub(super) fn of(path: &Path) -> Option<Self> {
        // what is no file is gone once it was read
        path.is_file().then_some(())?;
        let kind = Kind::sniff(&offline::head(path).ok()?)?;
        let log = Self {
            path: path.to_owned(),
            kind,
            lines: 0,
            errors: 0,
            is_part: false,
        };
        let log = log.counted()?;
        (kind == Kind::MysqlError || log.errors > 0).then_some(log)
    }

    fn counted(mut self) -> Option<Self> {
        let head = offline::head(&self.path).ok()?;
        let (_, mut parser) = server_log::open(&head, Some(self.kind), &TimeZone::UTC, None)?;
        let mut stream = offline::content(&self.path).ok()?;
        let (mut buffer, mut bytes) = (Vec::new(), 0);
        loop {
            let room = BLOCK_BYTES.saturating_sub(buffer.len()) as u64;
            let before = buffer.len();
            stream.by_ref().take(room).read_to_end(&mut buffer).ok()?;
            bytes += buffer.len() - before;
            let has_ended = buffer.len() < BLOCK_BYTES;
            self.is_part = !has_ended && bytes >= MAX_BYTES;
            let next = if has_ended { Next::End } else { Next::More };
            let errors = &mut self.errors;
            let progress = parser.parse(&buffer, next, &mut |entry| {
                *errors += u64::from(entry.error.is_some());
            });
            let taken = &buffer[..progress.consumed];
            self.lines += memchr::memchr_iter(b'\n', taken).count() as u64;
            buffer.drain(..progress.consumed);
            if has_ended || self.is_part || progress.consumed == 0 {
                return Some(self);
            }
        }
    }
}

impl fmt::Display for ErrorLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let what = match self.kind {
            Kind::MysqlError => "the error log of a MySQL or MariaDB server",
            Kind::Application => "the log of a program",
        };
        let begins = if self.is_part { "begins with " } else { "" };
        write!(
            f,
            "{path} is {what} and {begins}has {} errors in {} lines; digest sums up statements, of which it has none: \
             follow it as path = \"{path}\" of a [[log]] with `sqleuth run`",
            self.errors, self.lines
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(text: &str) -> Option<ErrorLog> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        std::fs::write(&path, text).unwrap();
        ErrorLog::of(&path)
    }

    #[test]
    fn the_errors_of_an_error_log_are_counted() {
        let log = log_of(
            "2026-11-22 11:23:01 0 [Note] mariadbd: ready for connections.\n\
             2026-11-22 11:24:01 5 [Warning] Aborted connection 5 to db: 'shop' user: 'app' host: '10.0.0.1' (Got an error reading communication packets)\n\
             2026-11-22 11:25:01 6 [Warning] Access denied for user 'x'@'10.0.0.1' (using password: YES)\n",
        );
        let told = log.unwrap().to_string();
        assert!(told.contains("has 2 errors in 3 lines"), "{told}");
        assert!(told.contains("[[log]]"), "{told}");
    }

    #[test]
    fn what_tells_no_error_of_a_database_is_no_error_log() {
        for other in [
            "",
            "hello world\n",
            "2026-11-22 11:23:01 INFO main the shop is open\n",
            "10.0.0.1 - - [22/Nov/2026:11:00:00 +0000] \"GET /x?id=1 HTTP/1.1\" 500 123 \"-\" \"curl\"\n",
            "# Time: 2026-11-22T10:00:00Z\n# Query_time: 1.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 1\nSELECT 1;\n",
        ] {
            assert_eq!(log_of(other), None, "{other}");
        }
    }
}

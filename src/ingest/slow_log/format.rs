//! The formats that can be read, and which one a file has.

use std::fmt;
use std::num::NonZeroU32;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::postgres::{Framing, Postgres, Prefix, looks_like_csv, severity_of};
use super::wrapped::{Wrapped, Wrapping, unwrapped, wrapping_of, wrappings_of};
use super::{Parser, mysql, scan};
use crate::model::time::Timestamp;

/// Lines that are looked at to tell a format.
const MAX_LINES: usize = 400;

/// What Windows writes before a text that is UTF-8; parsers do not see it.
pub(in crate::ingest) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A format of slow-query logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Slow-query log of MySQL, Percona Server and MariaDB.
    MysqlSlow,
    /// PostgreSQL, `log_destination = stderr`.
    PostgresStderr,
    /// PostgreSQL, `log_destination = csvlog`.
    PostgresCsv,
    /// PostgreSQL, `log_destination = jsonlog`.
    PostgresJson,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [
        Self::MysqlSlow,
        Self::PostgresStderr,
        Self::PostgresCsv,
        Self::PostgresJson,
    ];

    /// The name, as in configuration and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MysqlSlow => "mysql-slow",
            Self::PostgresStderr => "postgres-stderr",
            Self::PostgresCsv => "postgres-csv",
            Self::PostgresJson => "postgres-json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a log does not say of itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// Zone of dates that name none, or one that means several (`CST`); the server's.
    pub time_zone: TimeZone,
    /// It was said, and is no guess.
    pub is_zone_given: bool,
    /// Database of entries that name none.
    pub database: String,
    /// `log_line_prefix` of PostgreSQL; guessed when not given.
    pub log_line_prefix: Option<String>,
    /// One statement in so many is logged, where the log does not tell: `log_slow_rate_limit` of MariaDB.
    pub rate_limit: Option<NonZeroU32>,
    /// When the log was last written: a date without a year is not later.
    pub newest: Option<Timestamp>,
    /// What a server says of itself counts from this time on, and before that one.
    pub asked: (Option<Timestamp>, Option<Timestamp>),
    /// A whole file is read and unpacked on a thread of its own.
    pub reads_ahead: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            is_zone_given: false,
            database: String::new(),
            log_line_prefix: None,
            rate_limit: None,
            newest: None,
            asked: (None, None),
            reads_ahead: false,
        }
    }
}

/// Makes a parser that starts at the beginning of a file.
pub fn parser(format: Format, options: &Options) -> Box<dyn Parser> {
    let framing = match format {
        Format::MysqlSlow => return Box::new(mysql::Mysql::new(options)),
        Format::PostgresStderr => Framing::Stderr(Prefix::new(options.log_line_prefix.as_deref())),
        Format::PostgresCsv => Framing::Csv,
        Format::PostgresJson => Framing::Json,
    };
    Box::new(Postgres::new(framing, options))
}

/// Makes a parser for the file that begins with `head`, which may be wrapped by what carried it; `None` when the
/// format is not given and `head` is like none.
pub fn open(
    head: &[u8],
    format: Option<Format>,
    options: &Options,
) -> Option<(Format, Box<dyn Parser>)> {
    let (wrapping, told) = look(head);
    let format = format.or(told)?;
    let Some(wrapping) = wrapping else {
        return Some((format, parser(format, options)));
    };
    let inner = match &options.log_line_prefix {
        // syslog tells time and process before the text
        Some(prefix) if wrapping == Wrapping::Syslog => Options {
            log_line_prefix: Some(format!("%t [%p] {prefix}")),
            ..options.clone()
        },
        _ => options.clone(),
    };
    let wrapped = Wrapped::new(wrapping, parser(format, &inner), options);
    Some((format, Box::new(wrapped)))
}

/// What carried the lines of a program, where that adds nothing to them: the runtime of its container.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Carrier(Wrapping);

impl Carrier {
    /// The carrier of the file that begins with `head`; `None` when the lines are as they were written.
    pub(in crate::ingest) fn of(head: &[u8]) -> Option<Self> {
        let has = |mark: &[u8]| memchr::memmem::find(head, mark).is_some();
        let wrapping = wrapping_of(head)?;
        let is_plain = match wrapping {
            Wrapping::Cri => true,
            // of other objects the fields around the text tell something, too
            Wrapping::Json => has(b"{\"log\":\"") && has(b"\"stream\":\"std"),
            Wrapping::Document
            | Wrapping::Syslog
            | Wrapping::SyslogLines
            | Wrapping::Stamped
            | Wrapping::Compose => false,
        };
        is_plain.then_some(Self(wrapping))
    }

    /// What `head` holds.
    pub(in crate::ingest) fn content(self, head: &[u8]) -> Vec<u8> {
        unwrapped(self.0, head)
    }

    /// A parser of the file, from one of what is in it.
    pub(in crate::ingest) fn wrap(self, inner: Box<dyn Parser>) -> Box<dyn Parser> {
        Box::new(Wrapped::new(self.0, inner, &Options::default()))
    }
}

/// Tells the format by the first bytes of a file, a few KiB of them; `None` when no line is like any format.
pub fn sniff(head: &[u8]) -> Option<Format> {
    look(head).1
}

/// Where the first line of `head` starts that is like a line of some log by itself.
pub(super) fn first_typical(head: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < head.len() {
        let (line, next) = scan::line_at(head, at);
        if look(line).1.is_some() {
            return Some(at);
        }
        at = next;
    }
    None
}

/// Tells what a file is wrapped in, and the format of what is in it.
fn look(head: &[u8]) -> (Option<Wrapping>, Option<Format>) {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    for wrapping in wrappings_of(head) {
        if let Some(format) = plain(&unwrapped(wrapping, head)) {
            return (Some(wrapping), Some(format));
        }
        if wrapping == Wrapping::Document {
            // its lines are pieces of strings
            return (None, None);
        }
    }
    (None, plain(head))
}

/// Tells the format of a log that is not wrapped.
fn plain(head: &[u8]) -> Option<Format> {
    let mut votes = [0_usize; Format::ALL.len()];
    let mut at = 0;
    for _ in 0..MAX_LINES {
        if at >= head.len() {
            break;
        }
        let (line, next) = scan::line_at(head, at);
        at = next;
        if let Some(format) = vote(line) {
            votes[format as usize] += 1;
        }
    }
    let most = *votes.iter().max()?;
    if most == 0 {
        return None;
    }
    Format::ALL
        .into_iter()
        .find(|format| votes[*format as usize] == most)
}

/// Whether an entry, or a message, may begin with this line.
pub(super) fn begins_entry(line: &[u8]) -> bool {
    match vote(line) {
        Some(Format::PostgresStderr) => !is_detail(line),
        Some(_) => true,
        None => false,
    }
}

/// Whether `line` goes on with a message of PostgreSQL: `DETAIL:`, `STATEMENT:`.
pub(super) fn is_detail(line: &[u8]) -> bool {
    let Some(parts) = severity_of(line) else {
        return false;
    };
    parts.is_detail()
}

/// What lines of a header of the MySQL family start with.
const MYSQL: [&[u8]; 4] = [
    b"# Time: ",
    b"# User@Host: ",
    b"# Query_time: ",
    b"# administrator command: ",
];

/// The format of which this line is typical.
fn vote(line: &[u8]) -> Option<Format> {
    let start = line.iter().position(|b| *b != 0)?;
    let line = &line[start..];
    let is_mysql = MYSQL.iter().any(|word| line.starts_with(word)) || mysql::is_banner(line);
    if is_mysql {
        return Some(Format::MysqlSlow);
    }
    if line.starts_with(b"{") && memchr::memmem::find(line, b"\"error_severity\"").is_some() {
        return Some(Format::PostgresJson);
    }
    if looks_like_csv(line) {
        return Some(Format::PostgresCsv);
    }
    severity_of(line).map(|_| Format::PostgresStderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_by_its_head() {
        let mysql = "mariadbd, Version: 10.11 (Debian). started with:\nTcp port: 1  Unix socket: x\nTime\t\t    Id Command\tArgument\n";
        let stderr = "\tcontinued\n2026-11-21 19:26:58.611 UTC [24085] p@b/x LOG:  duration: 0.888 ms  statement: select 1\n";
        let csv = "2026-11-21 19:26:58.608 UTC,,,24085,\"127.0.0.1:58786\",6b01f082.5e15,1,\"\",2026-11-21 19:26:58 UTC,,0,LOG,00000,\"connection received: host=127.0.0.1\",,,,,,,,,\"\",\"not initialized\",,0\n";
        let json = "{\"timestamp\":\"2026-11-21 19:26:58.608 UTC\",\"pid\":24085,\"error_severity\":\"LOG\",\"message\":\"x\"}\n";
        assert_eq!(sniff(mysql.as_bytes()), Some(Format::MysqlSlow));
        assert_eq!(sniff(stderr.as_bytes()), Some(Format::PostgresStderr));
        assert_eq!(sniff(csv.as_bytes()), Some(Format::PostgresCsv));
        assert_eq!(sniff(json.as_bytes()), Some(Format::PostgresJson));
    }

    #[test]
    fn what_is_no_log_has_no_format() {
        assert_eq!(sniff(b""), None);
        assert_eq!(sniff(b"\x7fELF\x02\x01\x01\0\0\0"), None);
        assert_eq!(sniff(b"INFO 2026 application started\n"), None);
    }
}

//! What MySQL and MariaDB say when they die, and when they come up after that.
//!
//! ```text
//! 261122 11:33:10 [ERROR] /usr/sbin/mariadbd got signal 11 ;      MySQL 8: 2026-11-22T11:33:10Z UTC - mysqld got signal 11 ;
//! ...
//! Query (0x7f2c1c010f30): SELECT ...                              what the thread ran that met the fault, where it is known
//! Connection ID (thread ID): 8
//! ```
//!
//! What kills without a word (the kernel when memory is out) is told by the recovery of the next start alone.

use memchr::memmem;

use crate::ingest::slow_log::scan;

/// What stands between the date and the message in MySQL, in the place of a level.
pub(super) const UTC: &[u8] = b" UTC - ";

const SIGNAL: &[u8] = b" got signal ";

/// A start that is a recovery, as MariaDB and MySQL 8 put it.
const RECOVERIES: [&[u8]; 2] = [
    b"Starting crash recovery",
    b"Database was not shutdown normally",
];

/// A crash, or the recovery from one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crash<'r> {
    /// What it ran; empty when not told.
    pub(super) sql: &'r [u8],
    /// `signal 11`, or `recovery`.
    pub(super) code: String,
    pub(super) message: &'r [u8],
    pub(super) is_recovery: bool,
}

/// Reads the first line of a record, `text` behind its level, and what follows it.
pub(super) fn read<'r>(text: &'r [u8], record: &'r [u8]) -> Option<Crash<'r>> {
    let begins = |name: &[u8]| {
        let bare = text.strip_prefix(b"InnoDB: ").unwrap_or(text);
        bare.starts_with(name)
    };
    if RECOVERIES.into_iter().any(begins) {
        return Some(Crash {
            sql: b"",
            code: "recovery".to_owned(),
            message: text,
            is_recovery: true,
        });
    }
    let at = memmem::find(text, SIGNAL)?;
    let is_server = text[..at].ends_with(b"mysqld") || text[..at].ends_with(b"mariadbd");
    let (signal, _) = scan::leading_whole(&text[at + SIGNAL.len()..]).filter(|_| is_server)?;
    Some(Crash {
        sql: query(record),
        code: format!("signal {signal}"),
        message: scan::without_end(text).trim_ascii_end(),
        is_recovery: false,
    })
}

/// `Query (0x7f2c1c010f30): SELECT ...`, which may have several lines.
fn query(record: &[u8]) -> &[u8] {
    const BEGIN: &[u8] = b"\nQuery (";
    const END: &[u8] = b"\nConnection ID";
    const INVALID: &[u8] = b"is an invalid pointer";
    let Some(at) = memmem::find(record, BEGIN) else {
        return b"";
    };
    let rest = &record[at + BEGIN.len()..];
    let Some(start) = memmem::find(rest, b"): ") else {
        return b"";
    };
    let sql = &rest[start + b"): ".len()..];
    let sql = sql[..memmem::find(sql, END).unwrap_or(sql.len())].trim_ascii();
    if sql == INVALID { b"" } else { sql }
}

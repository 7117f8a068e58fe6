//! What PostgreSQL says of itself, at level `LOG`: processes that died, checkpoints, autovacuum.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::Record;
use super::sessions::{Sessions, Tell};
use crate::ingest::RawError;
use crate::ingest::slow_log::scan;
use crate::model::error::ErrorClass;
use crate::model::sql::RawSql;
use crate::model::time::Timestamp;
use crate::model::upkeep::{Checkpoints, Chores};

/// What stands before the statement in the `DETAIL` of a crash.
const RAN: &[u8] = b"Failed process was running: ";

/// The server keeps no more of the text of a process that dies, whatever `track_activity_query_size` is.
const MAX_RAN_BYTES: usize = 1023;

/// The name of a process is no longer, that of a background worker included.
const MAX_NAME_BYTES: usize = 160;

/// More of a message is not looked at.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// A name of a table is no longer: three names of 63 bytes, and what stands between them.
const MAX_TABLE_BYTES: usize = 200;

/// What a message says of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// A process died of this, `signal 9` or `exit code 2`.
    Crashed(Cause, u64),
    /// All processes are stopped, for one of them died: that was told.
    Reinitialises,
    /// The server comes up after it had died.
    Recovers,
    /// It is ready for connections.
    Ready,
    /// No process for a client, or none at all, could be started.
    CannotFork {
        is_for_client: bool,
    },
    /// Memory or disk is full; the SQLSTATE that says so.
    Starved(&'static str),
    Checkpoint(Checkpoints),
    /// Of this table.
    Vacuumed(&'a [u8], Duration),
    Analyzed(&'a [u8], Duration),
}

/// What ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Signal,
    ExitCode,
}

/// Reads a message; `None` when it says nothing of the server.
pub(super) fn read(text: &[u8]) -> Option<Told<'_>> {
    let text = &text[..text.len().min(MAX_MESSAGE_BYTES)];
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    Some(match text {
        _ if text.starts_with(b"checkpoint complete: ") => Told::Checkpoint(checkpoint(text)),
        _ if text.starts_with(b"restartpoint complete: ") => Told::Checkpoint(checkpoint(text)),
        _ if text.starts_with(b"checkpoints are occurring too frequently") => {
            Told::Checkpoint(Checkpoints {
                too_frequent: 1,
                ..Checkpoints::default()
            })
        }
        _ if text.starts_with(b"automatic ") => return chore(text),
        _ if text.starts_with(b"all server processes terminated; reinit") => Told::Reinitialises,
        _ if text.starts_with(b"database system is ready to accept") => Told::Ready,
        _ if text.starts_with(b"database system was not properly shut down") => Told::Recovers,
        _ if text.starts_with(b"could not fork ") => Told::CannotFork {
            is_for_client: has(b" for connection"),
        },
        _ if text.starts_with(b"out of memory") => Told::Starved("53200"),
        _ if text.starts_with(b"could not ") && has(b"No space left on device") => {
            Told::Starved("53100")
        }
        _ => return crash(text),
    })
}

/// `server process (PID 7) was terminated by signal 9: Killed`, `... exited with exit code 2`.
///
/// A background worker may end with a code whenever it likes; a process of a client ends so when it dies.
fn crash(text: &[u8]) -> Option<Told<'_>> {
    const PID: &[u8] = b" (PID ";
    let head = &text[..text.len().min(MAX_NAME_BYTES)];
    let pid = memchr::memmem::find(head, PID)?;
    let (_, digits) = scan::leading_whole(&text[pid + PID.len()..])?;
    let how = text[pid + PID.len() + digits..].strip_prefix(b") ")?;
    let by_signal = how
        .strip_prefix(b"was terminated by signal ")
        .or_else(|| how.strip_prefix(b"was terminated by exception 0x"));
    if let Some(signal) = by_signal {
        return Some(Told::Crashed(Cause::Signal, scan::leading_whole(signal)?.0));
    }
    let code = how.strip_prefix(b"exited with exit code ")?;
    let is_client = &text[..pid] == b"server process";
    is_client.then_some(Told::Crashed(Cause::ExitCode, scan::leading_whole(code)?.0))
}

/// `checkpoint complete: wrote 9 buffers ...; write=4.1 s, sync=0.2 s, total=4.4 s; sync files=7, longest=0.1 s, ...`
fn checkpoint(text: &[u8]) -> Checkpoints {
    let time = |name: &[u8]| {
        let at = memchr::memmem::find(text, name)?;
        seconds(&text[at + name.len()..])
    };
    let total = time(b" total=").unwrap_or_default();
    Checkpoints {
        count: 1,
        too_frequent: 0,
        total,
        longest: total,
        longest_write: time(b" write=").unwrap_or_default(),
        longest_sync: time(b" sync=").unwrap_or_default(),
        longest_file: time(b" longest=").unwrap_or_default(),
    }
}

/// `automatic vacuum of table "shop.public.t": ...`, and at its end `elapsed: 0.01 s`.
fn chore(text: &[u8]) -> Option<Told<'_>> {
    const TABLE: &[u8] = b" of table \"";
    const ELAPSED: &[u8] = b"elapsed: ";
    let at = memchr::memmem::find(text, TABLE)?;
    let name = &text[at + TABLE.len()..];
    let name = &name[..memchr::memchr(b'"', name)?.min(MAX_TABLE_BYTES)];
    let elapsed = memchr::memmem::rfind(text, ELAPSED);
    let elapsed = elapsed.and_then(|at| seconds(&text[at + ELAPSED.len()..]))?;
    let what = &text[..at];
    if what.ends_with(b" analyze") {
        return Some(Told::Analyzed(name, elapsed));
    }
    // `automatic aggressive vacuum to prevent wraparound`
    memchr::memmem::find(what, b" vacuum").map(|_| Told::Vacuumed(name, elapsed))
}

/// `14.163 s`
fn seconds(text: &[u8]) -> Option<Duration> {
    let end = memchr::memchr(b' ', &text[..text.len().min(32)])?;
    scan::seconds(&text[..end])
}

impl Sessions {
    /// Takes note of what the server says of itself.
    pub(super) fn told_of_server(&mut self, record: &Record<'_>, told: &Told<'_>, tell: Tell<'_>) {
        // A function may `RAISE LOG` whatever it likes. Its user is no sign: a prefix with `%b` names every process.
        let is_session = !record.database.is_empty();
        if is_session && matches!(told, Told::Crashed(..) | Told::Recovers | Told::Ready) {
            return;
        }
        // what a restart reads again was counted
        let is_new = record.from >= self.told_until && self.is_asked(record.at);
        match told {
            Told::Crashed(..) => {
                self.upkeep.crashes += u64::from(is_new);
                self.tell_of_server(record, told, tell);
            }
            Told::Recovers if std::mem::take(&mut self.reinitialises) => {}
            Told::Recovers => {
                self.upkeep.crashes += u64::from(is_new);
                self.tell_of_server(record, told, tell);
            }
            Told::CannotFork { .. } | Told::Starved(_) => self.tell_of_server(record, told, tell),
            Told::Reinitialises => self.reinitialises = true,
            Told::Ready => self.upkeep.starts += u64::from(is_new),
            Told::Checkpoint(_) | Told::Vacuumed(..) | Told::Analyzed(..)
                if !self.is_asked(record.at) => {}
            Told::Checkpoint(checkpoint) => self.upkeep.checkpoints.merge(checkpoint),
            Told::Vacuumed(table, elapsed) => self.upkeep.vacuums.merge(&run(table, *elapsed)),
            Told::Analyzed(table, elapsed) => self.upkeep.analyzes.merge(&run(table, *elapsed)),
        }
    }

    /// Whether somebody wants to know what was said then; a log without times is asked for as a whole.
    fn is_asked(&self, at: Option<Timestamp>) -> bool {
        let (since, until) = self.asked;
        at.is_none_or(|at| {
            since.is_none_or(|since| since <= at) && until.is_none_or(|until| at < until)
        })
    }

    fn tell_of_server(&self, record: &Record<'_>, told: &Told<'_>, tell: Tell<'_>) {
        let sql = match told {
            Told::Crashed(..) => record.detail.strip_prefix(RAN).unwrap_or_default(),
            _ => &record.statement,
        };
        let record = Record {
            truncated: sql.len() >= MAX_RAN_BYTES,
            ..record.borrowed()
        };
        let mut entry = self.entry(&record, sql);
        entry.error = Some(Box::new(error(&record.message, told)));
        self.tell(record.from, entry, tell);
    }
}

fn run(table: &[u8], elapsed: Duration) -> Chores {
    Chores {
        count: 1,
        total: elapsed,
        longest: elapsed,
        longest_table: scan::name(table).into_owned(),
    }
}

fn error(message: &[u8], told: &Told<'_>) -> RawError {
    let (class, code): (_, Cow<'_, str>) = match told {
        Told::Crashed(Cause::Signal, number) => {
            (ErrorClass::Crash, format!("signal {number}").into())
        }
        Told::Crashed(Cause::ExitCode, number) => {
            (ErrorClass::Crash, format!("exit code {number}").into())
        }
        Told::CannotFork {
            is_for_client: true,
        } => (ErrorClass::ConnectionRefused, "53000".into()),
        Told::CannotFork { .. } => (ErrorClass::Resource, "53000".into()),
        Told::Starved(code) => (ErrorClass::Resource, (*code).into()),
        _ => (ErrorClass::Crash, "recovery".into()),
    };
    let first = message.split(|b| *b == b'\n').next().unwrap_or_default();
    RawError {
        class,
        code: Arc::from(code),
        message: RawSql::new(&first[..first.len().min(MAX_MESSAGE_BYTES)]),
        alone: true,
        ..RawError::default()
    }
}

#[cfg(test)]
mod tests;

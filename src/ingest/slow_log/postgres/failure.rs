//! What the log says of errors, and of locks that are waited for.

use std::sync::Arc;
use std::time::Duration;

use super::Record;
use super::message::{Broken, Wait};
use crate::ingest::server_log::class;
use crate::ingest::slow_log::scan;
use crate::ingest::{RawError, RawParty};
use crate::model::error::{ErrorClass, ErrorFamily, PartyRole};
use crate::model::sql::RawSql;

/// More of a message is not looked at.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// Statement of a process, by its number, where one is known.
pub(super) type StatementOf<'s> = &'s dyn Fn(u32) -> Vec<u8>;

/// The error of an `ERROR`, `FATAL` or `PANIC`.
pub(super) fn of_record(record: &Record<'_>) -> RawError {
    let code = code(record);
    let class = class::of_postgres(&code, &record.message);
    RawError {
        parties: if class == ErrorClass::Deadlock {
            deadlock(&record.detail)
        } else {
            Vec::new()
        },
        class,
        code,
        message: message(&record.message),
        ..RawError::default()
    }
}

/// A connection that broke; the server notes it at level `LOG`.
pub(super) fn of_broken(record: &Record<'_>, Broken(text): Broken<'_>) -> RawError {
    RawError {
        class: ErrorClass::ConnectionAborted,
        code: code(record),
        message: message(text),
        alone: true,
        ..RawError::default()
    }
}

/// A process that waits for a lock, or has got it. `told` of the time were told before.
pub(super) fn of_wait(
    record: &Record<'_>,
    wait: Wait<'_>,
    told: Duration,
    statement_of: StatementOf<'_>,
) -> RawError {
    let lock = String::from_utf8_lossy(wait.lock);
    let blocker = |pid| RawParty {
        role: PartyRole::Blocker,
        sql: RawSql::new(statement_of(pid)),
        lock: String::new(),
    };
    RawError {
        class: ErrorClass::LockWait,
        message: RawSql::new(format!("waits for {lock}").into_bytes()),
        parties: holders(&record.detail).map(blocker).collect(),
        waited: wait.elapsed.saturating_sub(told),
        alone: true,
        counted: wait.is_over,
        ..RawError::default()
    }
}

/// The SQLSTATE, or that of the text where the log does not tell it.
pub(super) fn code(record: &Record<'_>) -> Arc<str> {
    if record.code.is_empty() || &*record.code == b"00000" {
        return Arc::from(class::postgres_code(&record.message));
    }
    Arc::from(scan::name(&record.code))
}

fn message(text: &[u8]) -> RawSql {
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let position = memchr::memmem::rfind(first, b" at character ");
    let first = &first[..position.unwrap_or(first.len())];
    RawSql::new(&first[..first.len().min(MAX_MESSAGE_BYTES)])
}

/// `Process holding the lock: 4567. Wait queue: 12345.`, in the plural where there are several.
fn holders(detail: &[u8]) -> impl Iterator<Item = u32> {
    let mark = b" holding the lock: ";
    let list = memchr::memmem::find(detail, mark).map_or(&b""[..], |at| &detail[at + mark.len()..]);
    let list = list.split(|b| *b == b'.').next().unwrap_or_default();
    list.split(|b| *b == b',')
        .filter_map(|pid| scan::whole(pid.trim_ascii()))
        .filter_map(|pid| u32::try_from(pid).ok())
        .take(ErrorFamily::MAX_PARTIES)
}

/// `Process 1 waits for ShareLock on transaction 7; blocked by process 2.` for each process, and then
/// `Process 1: UPDATE ...` for each.
fn deadlock(detail: &[u8]) -> Vec<RawParty> {
    let mut waits: Vec<(u64, &[u8])> = Vec::new();
    let mut ran: Vec<(u64, Vec<u8>)> = Vec::new();
    for line in detail.split(|b| *b == b'\n') {
        let process = line.strip_prefix(b"Process ").and_then(scan::leading_whole);
        let behind = |(_, length): &(u64, usize)| &line[b"Process ".len() + length..];
        match process.map(|found| (found.0, behind(&found))) {
            Some((pid, rest)) if rest.starts_with(b" waits for ") => {
                let lock = rest[b" waits for ".len()..].split(|b| *b == b';').next();
                waits.push((pid, lock.unwrap_or_default()));
            }
            Some((pid, rest)) if rest.starts_with(b": ") && waits.iter().any(|w| w.0 == pid) => {
                ran.push((pid, rest[2..].to_vec()));
            }
            // a statement of several lines goes on
            _ => {
                if let Some((_, sql)) = ran.last_mut() {
                    sql.push(b'\n');
                    sql.extend_from_slice(line);
                }
            }
        }
        if waits.len() > ErrorFamily::MAX_PARTIES {
            break;
        }
    }
    let party = |(pid, lock): (u64, &[u8])| RawParty {
        role: PartyRole::Waiter,
        sql: ran
            .iter()
            .find(|(of, _)| *of == pid)
            .map(|(_, sql)| RawSql::new(sql.as_slice()))
            .unwrap_or_default(),
        lock: String::from_utf8_lossy(lock).into_owned(),
    };
    waits.into_iter().map(party).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadlock_tells_who_waited_for_what_and_what_they_ran() {
        let detail = b"Process 7 waits for ShareLock on transaction 91; blocked by process 8.\n\
            Process 8 waits for ShareLock on transaction 90; blocked by process 7.\n\
            Process 7: UPDATE a SET n = 1\nWHERE id = 2\n\
            Process 8: UPDATE b SET n = 1";
        let parties = deadlock(detail);
        let told: Vec<_> = parties
            .iter()
            .map(|p| (p.lock.as_str(), p.sql.size()))
            .collect();
        assert_eq!(
            told,
            [
                ("ShareLock on transaction 91", 31),
                ("ShareLock on transaction 90", 18)
            ]
        );
    }

    #[test]
    fn holders_are_read_in_the_singular_and_in_the_plural() {
        let one: Vec<_> = holders(b"Process holding the lock: 12. Wait queue: 13.").collect();
        assert_eq!(one, [12]);
        let two: Vec<_> = holders(b"Processes holding the lock: 12, 14. Wait queue: 13.").collect();
        assert_eq!(two, [12, 14]);
        assert_eq!(holders(b"something else").count(), 0);
    }
}

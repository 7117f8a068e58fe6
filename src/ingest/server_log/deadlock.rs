//! The dump that InnoDB writes of a deadlock (`innodb_print_all_deadlocks`): who ran what and waited for which lock.
//!
//! MySQL 5.7 and 8 write `*** (1) HOLDS THE LOCK(S):`, MariaDB `*** CONFLICTING WITH:`; what is read is in both.

use memchr::memmem;

use crate::ingest::slow_log::scan;
use crate::ingest::{RawError, RawParty};
use crate::model::error::{ErrorClass, ErrorFamily, PartyRole};
use crate::model::sql::RawSql;

/// Begins a dump.
pub(super) const BEGIN: &[u8] = b"*** (1) TRANSACTION:";
/// Ends it.
pub(super) const END: &[u8] = b"*** WE ROLL BACK TRANSACTION (";

/// InnoDB writes at most 3000 bytes of a statement; a longer one is none.
const MAX_STATEMENT_BYTES: usize = 16 << 10;

/// What a dump told.
#[derive(Debug)]
pub(super) struct Deadlock {
    /// The error, with everybody who had a part in it.
    pub(super) error: RawError,
    /// What the transaction ran that was undone; empty when not told.
    pub(super) victim: Vec<u8>,
    /// Database of the lock that the first one waited for; empty when not told.
    pub(super) database: String,
}

#[derive(Debug, Default)]
struct Transaction {
    number: u64,
    sql: Vec<u8>,
    lock: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Other,
    Statement,
    Waiting,
}

/// Reads a dump; `is_header` tells the lines that begin with a date.
pub(super) fn read(record: &[u8], mut is_header: impl FnMut(&[u8]) -> bool) -> Option<Deadlock> {
    let mut all: Vec<Transaction> = Vec::new();
    let mut section = Section::Other;
    let mut undone = None;
    for line in record.split(|b| *b == b'\n') {
        let line = line.trim_ascii_end();
        if let Some(mark) = mark(line, &mut is_header) {
            section = Section::Other;
            if let Some(number) = number_behind(mark, END) {
                undone = Some(number);
            } else if memmem::find(mark, b"WAITING FOR THIS LOCK").is_some() {
                section = Section::Waiting;
            } else if let Some(number) = transaction(mark) {
                if number == 1 {
                    all.clear();
                }
                all.push(Transaction {
                    number,
                    ..Transaction::default()
                });
            }
            continue;
        }
        let Some(last) = all.last_mut() else { continue };
        section = last.line(line, section);
    }
    (!all.is_empty()).then(|| Deadlock::of(all, undone))
}

/// A line of the dump's frame, from its stars on: `*** (1) TRANSACTION:`, behind a date or not.
fn mark<'l>(line: &'l [u8], is_header: &mut impl FnMut(&[u8]) -> bool) -> Option<&'l [u8]> {
    let at = memmem::find(line, b"*** ");
    match at {
        Some(0) => Some(line),
        // a header without stars ends what was before it, too
        at => is_header(line).then(|| at.map_or(&b""[..], |at| &line[at..])),
    }
}

fn transaction(mark: &[u8]) -> Option<u64> {
    mark.ends_with(b") TRANSACTION:")
        .then(|| number_behind(mark, b"*** ("))
        .flatten()
}

fn number_behind(mark: &[u8], word: &[u8]) -> Option<u64> {
    let (number, _) = scan::leading_whole(mark.strip_prefix(word)?)?;
    Some(number)
}

impl Transaction {
    /// Takes in a line, and tells what the next one is.
    fn line(&mut self, line: &[u8], section: Section) -> Section {
        let is_thread = |word: &[u8]| line.starts_with(word);
        match section {
            Section::Statement => {
                let room = MAX_STATEMENT_BYTES.saturating_sub(self.sql.len());
                if !self.sql.is_empty() && room > 0 {
                    self.sql.push(b'\n');
                }
                self.sql.extend_from_slice(&line[..line.len().min(room)]);
                section
            }
            Section::Waiting if line.is_empty() => section,
            Section::Waiting => {
                if self.lock.is_empty() {
                    self.lock = lock(line);
                }
                Section::Other
            }
            Section::Other
                if self.sql.is_empty()
                    && (is_thread(b"MySQL thread id ") || is_thread(b"MariaDB thread id ")) =>
            {
                Section::Statement
            }
            Section::Other => section,
        }
    }
}

/// ``RECORD LOCKS ... index PRIMARY of table `shop`.`orders` trx id 23 lock_mode X locks ...`` as
/// `X on shop.orders, index PRIMARY`.
fn lock(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(1024)]).replace('`', "");
    let word_behind = |mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        rest.split_whitespace().next()
    };
    let Some(table) = word_behind(" table ") else {
        return String::new();
    };
    let mode = word_behind(" lock_mode ").or_else(|| word_behind(" lock mode "));
    let mode = mode.unwrap_or("lock");
    match word_behind(" index ") {
        Some(index) => format!("{mode} on {table}, index {index}"),
        None => format!("{mode} on {table}"),
    }
}

impl Deadlock {
    fn of(all: Vec<Transaction>, undone: Option<u64>) -> Self {
        let victim = all.iter().find(|t| Some(t.number) == undone);
        let victim = victim.map_or_else(Vec::new, |t| t.sql.clone());
        let database = all.iter().find_map(|t| {
            let (_, table) = t.lock.split_once(" on ")?;
            Some(table.split_once('.')?.0.to_owned())
        });
        let party = |t: Transaction| RawParty {
            role: PartyRole::Waiter,
            sql: RawSql::new(t.sql),
            lock: t.lock,
        };
        let error = RawError {
            class: ErrorClass::Deadlock,
            code: "1213".into(),
            message: RawSql::new(&b"Deadlock found when trying to get lock"[..]),
            parties: all
                .into_iter()
                .map(party)
                .take(ErrorFamily::MAX_PARTIES)
                .collect(),
            alone: true,
            ..RawError::default()
        };
        Self {
            error,
            victim,
            database: database.unwrap_or_default(),
        }
    }
}

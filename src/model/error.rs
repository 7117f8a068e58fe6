//! One error that a server, a driver or a program told of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::event::{DbTarget, Origin};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::{StatementRef, Template};
use crate::model::time::Timestamp;

/// What kind of error it is, whatever the server.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The statement cannot run: a syntax error, an unknown column or table, types that do not fit.
    Schema,
    /// The data forbid it: a duplicate key, a foreign key, a value out of range.
    Constraint,
    /// Login or privilege refused.
    Access,
    /// Cut at a limit of the server.
    Timeout,
    /// Cut by a client, an operator or a shutdown.
    Cancelled,
    /// Two transactions waited for each other, and this one was undone.
    Deadlock,
    /// It waited for a lock, or gave up waiting.
    LockWait,
    /// Nobody could connect: no slot is left, the pool is empty, the server is not up.
    ConnectionRefused,
    /// A connection broke.
    ConnectionAborted,
    /// Memory, disk, or a damaged table.
    Resource,
    /// The server, or one of its processes, died.
    Crash,
    /// Anything else.
    #[default]
    Other,
}

impl ErrorClass {
    /// The lower-case name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Constraint => "constraint",
            Self::Access => "access",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Deadlock => "deadlock",
            Self::LockWait => "lock-wait",
            Self::ConnectionRefused => "connection-refused",
            Self::ConnectionAborted => "connection-aborted",
            Self::Resource => "resource",
            Self::Crash => "crash",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What makes two errors the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorFamily {
    /// Hash of class, code, and statements or else message: two errors of one family share it.
    pub id: FingerprintId,
    /// Kind.
    pub class: ErrorClass,
    /// SQLSTATE or error number of the server; empty when not told.
    pub code: Arc<str>,
    /// The message without its values; that of the first one seen.
    pub message: Template,
    /// The statement that failed or waits, when told.
    pub statement: Option<StatementRef>,
    /// Who else had a part in it, at most [`ErrorFamily::MAX_PARTIES`].
    pub parties: Vec<Party>,
    /// The column that the server did not know, when it says so.
    pub unknown_column: Option<UnknownColumn>,
}

impl ErrorFamily {
    /// Transactions of one deadlock, or of one queue for a lock, that are kept.
    pub const MAX_PARTIES: usize = 4;

    /// Statements that had a part in it.
    pub fn statements(&self) -> impl Iterator<Item = &StatementRef> {
        let parties = self.parties.iter().map(|party| &party.statement);
        [&self.statement].into_iter().chain(parties).flatten()
    }

    /// What tells a problem of these errors from others of the same statement; `None` where the statement is enough.
    ///
    /// A deadlock is that of its statements together. Without a statement, errors of a server are those of one code,
    /// for each log puts them into its own words; those of a schema or of the data are those of one message.
    pub fn apart(&self) -> Option<FingerprintId> {
        match (self.class, &self.statement) {
            (ErrorClass::Deadlock, _) if self.parties.len() >= 2 => Some(self.id),
            (ErrorClass::LockWait, _) | (_, Some(_)) => None,
            (ErrorClass::Schema | ErrorClass::Constraint | ErrorClass::Other, None) => {
                Some(self.id)
            }
            _ if self.code.is_empty() => Some(self.id),
            _ => Some(FingerprintId(xxh3_64(self.code.as_bytes()))),
        }
    }
}

/// One transaction of a deadlock or of a queue for a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// Part it plays.
    pub role: PartyRole,
    /// What it ran, when told.
    pub statement: Option<StatementRef>,
    /// The lock that it waits for, without values (`ShareLock on transaction`, `X on shop.orders, index PRIMARY`); empty
    /// when not told.
    pub lock: Arc<str>,
}

/// Part that a transaction plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyRole {
    /// It waits.
    Waiter,
    /// It holds what another waits for.
    Blocker,
}

/// A column that the server did not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownColumn {
    /// Its name, as in the message.
    pub name: Arc<str>,
    /// The name is an alias of the select list, and the statement uses it where aliases do not exist yet.
    pub alias_of: Option<Template>,
}

/// One error.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorEvent {
    /// When; [`Timestamp::EPOCH`] when the source does not tell.
    pub at: Timestamp,
    /// Who asked.
    pub service: ServiceName,
    /// Where.
    pub target: DbTarget,
    /// Which error.
    pub family: Arc<ErrorFamily>,
    /// It counts for so many; 0 for a line that only tells more of an error that was counted.
    pub weight: u32,
    /// Time that it waited for a lock or a connection, when told.
    pub waited: Duration,
    /// Database user; empty when not told.
    pub user: Arc<str>,
    /// Client host; empty when not told.
    pub client: Arc<str>,
    /// Who told us.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(class: ErrorClass, id: u64, code: &str) -> ErrorFamily {
        ErrorFamily {
            id: FingerprintId(id),
            class,
            code: Arc::from(code),
            message: Template::new(""),
            statement: None,
            parties: Vec::new(),
            unknown_column: None,
        }
    }

    #[test]
    fn deadlocks_of_other_statements_and_messages_of_other_tables_are_other_problems() {
        let party = Party {
            role: PartyRole::Waiter,
            statement: None,
            lock: Arc::from(""),
        };
        let deadlock = |id| ErrorFamily {
            parties: vec![party.clone(), party.clone()],
            ..family(ErrorClass::Deadlock, id, "1213")
        };
        assert_ne!(deadlock(1).apart(), deadlock(2).apart());
        let schema = |id| family(ErrorClass::Schema, id, "42P01").apart();
        assert_ne!(schema(1), schema(2));
    }

    #[test]
    fn a_refusal_is_one_problem_in_whatever_words_each_log_tells_it() {
        let refused = |id, code| family(ErrorClass::ConnectionRefused, id, code).apart();
        assert_eq!(refused(1, "1040"), refused(2, "1040"));
        assert_ne!(refused(1, "1040"), refused(1, "53300"));
    }
}

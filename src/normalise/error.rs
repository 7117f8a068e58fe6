//! Errors: which family one belongs to, told without its values.

use std::borrow::Cow;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::Normaliser;
use super::redact::redact_message;
use super::unknown_column;
use crate::ingest::server_log::class;
use crate::ingest::{RawError, RawParty, RawRun, SourceMeta};
use crate::model::error::{ErrorClass, ErrorEvent, ErrorFamily, Party};
use crate::model::event::{Origin, Outcome};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, StatementRef, Template};
use crate::model::time::Timestamp;

impl Normaliser {
    /// Takes the error out of what a source tells of a run: none for one that went well.
    pub fn error(
        &mut self,
        sql: &[u8],
        run: &RawRun,
        source: &SourceMeta,
        at: Timestamp,
    ) -> Option<ErrorEvent> {
        let raw = match &run.error {
            Some(raw) => Cow::Borrowed(&**raw),
            None => Cow::Owned(of_outcome(&run.outcome)?),
        };
        let weight = if raw.counted { 0 } else { run.runs() };
        let waited = raw.waited;
        let family = self.family(sql, run.truncated, &raw, source.target.system);
        Some(ErrorEvent {
            at,
            service: source.service.clone(),
            target: super::target(source, &run.database),
            family: Arc::new(family),
            weight,
            waited,
            user: Arc::clone(&run.user),
            client: Arc::clone(&run.client),
            origin: Origin::Log,
        })
    }

    fn family(
        &mut self,
        sql: &[u8],
        truncated: bool,
        raw: &RawError,
        dialect: Dialect,
    ) -> ErrorFamily {
        let text = String::from_utf8_lossy(raw.message.reveal());
        let statement =
            (!sql.is_empty()).then(|| self.statement(sql, dialect, truncated).statement);
        let unknown_column =
            unknown_column::of(&text, (!sql.is_empty()).then_some(&self.stream), dialect);
        let message = Template::new(redact_message(&text, &raw.code));
        let parties = raw.parties.iter().take(ErrorFamily::MAX_PARTIES);
        let mut parties: Vec<Party> = parties.map(|party| self.party(party, dialect)).collect();
        sort(&mut parties);
        let mut family = ErrorFamily {
            id: FingerprintId(0),
            class: raw.class,
            code: Arc::clone(&raw.code),
            message,
            statement,
            parties,
            unknown_column,
        };
        family.id = identity(&family);
        family
    }

    fn party(&mut self, party: &RawParty, dialect: Dialect) -> Party {
        let sql = party.sql.reveal();
        Party {
            role: party.role,
            statement: (!sql.is_empty()).then(|| self.statement(sql, dialect, false).statement),
            lock: Arc::from(redact_message(&party.lock, "")),
        }
    }
}

/// The family of errors whose statements go by other names now.
pub fn renamed(
    family: &ErrorFamily,
    name: impl Fn(&StatementRef) -> Option<StatementRef>,
) -> ErrorFamily {
    let mut renamed = family.clone();
    let parties = renamed.parties.iter_mut().map(|party| &mut party.statement);
    let statements = [&mut renamed.statement].into_iter().chain(parties);
    let mut is_same = true;
    for statement in statements.flatten() {
        if let Some(name) = name(statement) {
            is_same = false;
            *statement = name;
        }
    }
    if !is_same {
        sort(&mut renamed.parties);
        renamed.id = identity(&renamed);
    }
    renamed
}

/// Some servers tell the code of a failed run and no message.
fn of_outcome(outcome: &Outcome) -> Option<RawError> {
    let (Outcome::Error { code } | Outcome::Cancelled { code }) = outcome else {
        return None;
    };
    Some(RawError {
        class: class::of_code(code),
        code: Arc::clone(code),
        ..RawError::default()
    })
}

fn sort(parties: &mut [Party]) {
    parties.sort_by_key(|p| (p.role, p.statement.as_ref().map(|s| s.fingerprint)));
}

/// By the statements, for the words of a message depend on the language and the release of the server; by the words
/// where no statement is told.
fn identity(family: &ErrorFamily) -> FingerprintId {
    let mut hash = Xxh3::new();
    hash.update(family.class.as_str().as_bytes());
    hash.update(b"\0");
    hash.update(family.code.as_bytes());
    let mut add = |statement: Option<&StatementRef>| {
        hash.update(b"\0");
        if let Some(statement) = statement {
            hash.update(&statement.fingerprint.0.to_le_bytes());
        }
    };
    let of_parties = family.parties.iter().filter_map(|p| p.statement.as_ref());
    if family.class == ErrorClass::Deadlock && of_parties.clone().count() >= 2 {
        // either of them may be the victim: it is the same deadlock
        of_parties.for_each(|statement| add(Some(statement)));
        return FingerprintId(hash.digest());
    }
    add(family.statement.as_ref());
    if family.statement.is_none() {
        hash.update(family.message.as_str().as_bytes());
    }
    FingerprintId(hash.digest())
}

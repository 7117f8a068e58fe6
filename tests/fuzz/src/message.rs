//! Messages of servers.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use sqleuth::ingest::slow_log::{Entry, Names};
use sqleuth::ingest::{RawError, SourceMeta};
use sqleuth::model::event::DbTarget;
use sqleuth::model::id::{ServiceName, SourceId};
use sqleuth::model::sql::{Dialect, RawSql};
use sqleuth::model::time::Timestamp;
use sqleuth::normalise::{Normaliser, Settings};

use crate::CANARY;

/// Code and message, with a `{}` where the server puts a value as it is.
const MESSAGES: [(&str, &str); 24] = [
    ("1062", "Duplicate entry '{}' for key 'orders.email'"),
    ("1062", "Duplicate entry '{}' for key 'PRIMARY'"),
    (
        "1064",
        "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near '{}' at line 1",
    ),
    (
        "1366",
        "Incorrect integer value: '{}' for column `shop`.`orders`.`a` at row 1",
    ),
    (
        "1366",
        "Incorrect string value: '{}' for column 'a' at row 1",
    ),
    (
        "1292",
        "Incorrect datetime value: '{}' for column 'at' at row 17",
    ),
    ("1292", "Truncated incorrect DOUBLE value: '{}'"),
    (
        "1411",
        "Incorrect datetime value: '{}' for function str_to_date",
    ),
    (
        "1690",
        "BIGINT UNSIGNED value is out of range in '(`shop`.`orders`.`a` - {})'",
    ),
    ("1525", "Incorrect DATE value: '{}'"),
    ("1644", "{}"),
    ("P0001", "{}"),
    ("22P02", "invalid input syntax for type integer: \"{}\""),
    ("22P02", "invalid input value for enum mood: \"{}\""),
    ("22P02", "malformed array literal: \"{}\""),
    ("22007", "invalid value \"{}\" for \"YYYY\""),
    ("22008", "date/time field value out of range: \"{}\""),
    ("42601", "syntax error at or near \"{}\""),
    ("42601", "unterminated quoted string at or near \"'{}\""),
    ("28P01", "password authentication failed for user \"{}\""),
    ("23505", "Key (email)=({}) already exists."),
    (
        "23503",
        "Key (id, n)=({}, 4) is not present in table \"orders\".",
    ),
    ("23502", "Failing row contains (1, {}, null)."),
    ("42703", "column \"note\" does not exist, of '{}'"),
];

thread_local! {
    static NORMALISER: RefCell<Normaliser> = RefCell::new(Normaliser::new(&Settings::default(), 0));
}

/// No value in a message of a server is kept, whatever it is, whole or cut as MySQL cuts it.
///
/// The first byte chooses the message.
pub fn message(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let (code, around) = MESSAGES[usize::from(*choice) % MESSAGES.len()];
    let body = String::from_utf8_lossy(body);
    let value = format!("{body}{CANARY}{body}");
    let cut: String = value
        .chars()
        .take(body.chars().count() + CANARY.len())
        .collect();
    for value in [value, cut] {
        let text = around.replacen("{}", &value, 1);
        let shown = kept(code, &text).to_ascii_lowercase();
        assert!(!shown.contains(CANARY), "{text}\n{shown}");
    }
}

/// All that is kept of an error with this message.
fn kept(code: &str, text: &str) -> String {
    let error = RawError {
        code: Arc::from(code),
        message: RawSql::new(text.as_bytes().to_vec()),
        waited: Duration::ZERO,
        alone: true,
        ..RawError::default()
    };
    let entry = Entry {
        error: Some(Box::new(error)),
        ..Entry::default()
    };
    let raw = entry.into_raw(&mut Names::default());
    let is_mysql = code.bytes().all(|b| b.is_ascii_digit()) && code.len() == 4;
    let source = SourceMeta {
        id: SourceId::new("fuzz"),
        service: ServiceName::default(),
        target: DbTarget {
            system: if is_mysql {
                Dialect::Mysql
            } else {
                Dialect::Postgres
            },
            ..DbTarget::default()
        },
    };
    NORMALISER.with_borrow_mut(|normaliser| {
        let event = normaliser.error(b"", &raw.run, &source, Timestamp::EPOCH);
        format!("{event:?}")
    })
}

//! Lines of JSON: the fields in which loggers put a message, an exception and its trace.

use serde_json::{Map, Value};

use super::stamp::Stamps;
use super::statement::is_statement;
use crate::ingest::slow_log::scan;
use crate::model::time::Timestamp;

/// Objects within objects that are looked into.
const MAX_DEPTH: usize = 5;

/// Bytes of text that are gathered.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Fields that tell when, the surest first.
const TIMES: [&str; 11] = [
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "@t",
    "datetime",
    "date",
    "timeMillis",
    "eventTime",
    "asctime",
    "t",
];

/// Parts of the names of fields that tell of an error; what stands in others is none of ours.
const TOLD: [&str; 20] = [
    "message", "msg", "err", "exc", "stack", "trace", "throw", "cause", "log", "event", "detail",
    "reason", "text", "body", "@m", "@x", "fault", "inner", "original", "parent",
];

/// Fields of an error that stand for themselves.
const CODES: [&str; 8] = [
    "code",
    "errno",
    "sqlState",
    "sqlstate",
    "SqlState",
    "error_code",
    "errorCode",
    "vendorCode",
];

/// Fields that hold a statement.
const STATEMENTS: [&str; 8] = [
    "sql",
    "query",
    "statement",
    "db.statement",
    "db.query.text",
    "sqlQuery",
    "failing_statement",
    "rawSql",
];

/// What an object tells.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// When.
    pub(super) at: Option<Timestamp>,
    /// Its texts, as a record.
    pub(super) text: String,
    /// The statement, where it has a field of its own.
    pub(super) sql: Option<String>,
}

/// Reads a line; `None` when it is no object.
pub(super) fn read(line: &[u8], stamps: &mut Stamps) -> Option<Object> {
    let lossy = String::from_utf8_lossy(line);
    let Ok(Value::Object(fields)) = serde_json::from_str(&lossy) else {
        return None;
    };
    let mut object = Object {
        at: when(&fields, stamps),
        ..Object::default()
    };
    object.gather(&fields, 0);
    Some(object)
}

impl Object {
    fn gather(&mut self, fields: &Map<String, Value>, depth: usize) {
        for (name, value) in fields {
            match value {
                Value::String(text) if STATEMENTS.contains(&name.as_str()) => {
                    self.add_statement(text);
                }
                Value::String(text) if CODES.contains(&name.as_str()) => self.add_code(name, text),
                Value::Number(number) if CODES.contains(&name.as_str()) => {
                    self.add_code(name, &number.to_string());
                }
                Value::String(text) if is_told(name) || depth > 0 && is_class(name) => {
                    self.add(text);
                }
                Value::Object(inner) if depth < MAX_DEPTH => self.gather(inner, depth + 1),
                Value::Array(all) if depth < MAX_DEPTH && is_told(name) => {
                    let inner = all.iter().filter_map(Value::as_object);
                    inner.for_each(|inner| self.gather(inner, depth + 1));
                }
                _ => {}
            }
        }
    }

    fn add_statement(&mut self, text: &str) {
        if self.sql.is_none() && is_statement(text.as_bytes()) {
            self.sql = Some(text.to_owned());
        }
    }

    fn add(&mut self, text: &str) {
        if self.text.len() + text.len() < MAX_TEXT_BYTES {
            self.text.push_str(text);
            self.text.push('\n');
        }
    }

    /// `code: '42703'`, as Node.js prints it.
    fn add_code(&mut self, name: &str, text: &str) {
        let is_code = text.len() <= 8 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_code {
            self.add(&format!("{name}: '{text}'"));
        }
    }
}

fn is_told(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    TOLD.iter().any(|part| lower.contains(part))
}

/// The class of an exception.
fn is_class(name: &str) -> bool {
    matches!(name, "name" | "type" | "class" | "className" | "kind")
}

fn when(fields: &Map<String, Value>, stamps: &mut Stamps) -> Option<Timestamp> {
    if let Some(Value::Object(instant)) = fields.get("instant") {
        return Some(Timestamp::from_unix_secs(
            instant.get("epochSecond")?.as_u64()?,
        ));
    }
    TIMES.iter().find_map(|name| match fields.get(*name)? {
        Value::String(text) => {
            let text = text.as_bytes();
            stamps
                .date(text)
                .or_else(|| scan::whole(text).and_then(of_number))
        }
        Value::Number(number) => {
            of_number(number.as_u64().unwrap_or_else(|| whole(number.as_f64())))
        }
        _ => None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float saturates"
)]
fn whole(number: Option<f64>) -> u64 {
    number.unwrap_or_default() as u64
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, by their size.
fn of_number(number: u64) -> Option<Timestamp> {
    const SECONDS: u64 = 100_000_000_000;
    let nanos = match number {
        0 => return None,
        n if n < SECONDS => n * 1_000_000_000,
        n if n < SECONDS * 1_000 => n * 1_000_000,
        n if n < SECONDS * 1_000_000 => n.checked_mul(1_000)?,
        n => n,
    };
    Some(Timestamp::from_unix_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn read(line: &str) -> Object {
        super::read(line.as_bytes(), &mut Stamps::new(TimeZone::UTC)).unwrap()
    }

    #[test]
    fn the_time_is_read_in_every_unit() {
        for time in [
            "\"@timestamp\":\"2026-11-22T04:00:00.000Z\"",
            "\"time\":1795320000000",
            "\"ts\":1795320000.25",
            "\"timestamp\":\"1795320000000000000\"",
            "\"instant\":{\"epochSecond\":1795320000,\"nanoOfSecond\":5}",
        ] {
            let at = read(&format!("{{{time},\"message\":\"x\"}}")).at.unwrap();
            assert_eq!(
                at.floor(std::time::Duration::from_secs(1)).to_string(),
                "2026-11-22T04:00:00Z",
                "{time}"
            );
        }
    }

    #[test]
    fn message_trace_code_and_statement_are_gathered_and_the_users_data_are_not() {
        let object = read(
            "{\"level\":\"error\",\"msg\":\"failed\",\"user\":\"Alice\",\"err\":{\"type\":\"DatabaseError\",\"code\":\"42703\",\
             \"stack\":\"error: x\\n    at y\",\"query\":\"select a from t\"}}",
        );
        for part in [
            "failed\n",
            "DatabaseError\n",
            "code: '42703'\n",
            "error: x\n    at y\n",
        ] {
            assert!(object.text.contains(part), "{part}: {}", object.text);
        }
        assert!(!object.text.contains("Alice"), "{}", object.text);
        assert_eq!(object.sql.as_deref(), Some("select a from t"));
    }
}

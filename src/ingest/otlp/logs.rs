//! Reads an `ExportLogsServiceRequest`: which of its records tell that a database said no.
//!
//! ```text
//! LogRecord ─► body, exception.* ─► text as a program would have logged it ─► server_log::of_record ─► RawEntry
//! ```
//!
//! What tells of no database is passed over. Field numbers: <https://github.com/open-telemetry/opentelemetry-proto>,
//! `logs/v1/logs.proto`.

use std::time::Duration;

use crate::ingest::otlp::spans::key_value;
use crate::ingest::otlp::wire::{Fields, Malformed, Value};
use crate::ingest::server_log::{Said, of_record};
use crate::ingest::{RawEntry, RawRun};
use crate::model::event::{Nesting, Outcome, RowCounts};
use crate::model::sql::{Dialect, RawSql};
use crate::model::time::Timestamp;

/// Bytes of a record that are looked at.
const MAX_TEXT: usize = 64 << 10;
/// Fields of a body that is a map.
const MAX_PARTS: usize = 64;

/// What one service said with one kind of server.
#[derive(Debug)]
pub struct Told {
    /// `service.name`; empty when not told.
    pub service: String,
    /// Who speaks as its errors do.
    pub dialect: Dialect,
    /// Errors, each without a run.
    pub entries: Vec<RawEntry>,
}

/// What a request holds.
#[derive(Debug, Default)]
pub struct LogBatch {
    /// Errors of databases, by who told them.
    pub told: Vec<Told>,
    /// Records, those that tell of no database among them.
    pub records: u64,
}

/// Reads a request.
///
/// # Errors
/// [`Malformed`] when it is no such message.
pub fn read(body: &[u8]) -> Result<LogBatch, Malformed> {
    let mut batch = LogBatch::default();
    let mut request = Fields::of(body);
    while let Some((number, value)) = request.next()? {
        if number == 1 {
            batch.resource_logs(value.bytes()?)?;
        }
    }
    Ok(batch)
}

impl LogBatch {
    fn resource_logs(&mut self, message: &[u8]) -> Result<(), Malformed> {
        let service = service(message)?;
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            if number != 2 {
                continue;
            }
            let mut scope = value.message()?;
            while let Some((number, value)) = scope.next()? {
                if number == 2 {
                    self.records += 1;
                    self.record(value.bytes()?, &service)?;
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, message: &[u8], service: &str) -> Result<(), Malformed> {
        let record = Record::read(message)?;
        let Some(said) = record.said() else {
            return Ok(());
        };
        let dialect = said.dialect.unwrap_or_default();
        let entry = entry(said, record.at());
        let of = |told: &&mut Told| told.service == service && told.dialect == dialect;
        match self.told.iter_mut().find(of) {
            Some(told) => told.entries.push(entry),
            None => self.told.push(Told {
                service: service.to_owned(),
                dialect,
                entries: vec![entry],
            }),
        }
        Ok(())
    }
}

/// `service.name` of the resource, wherever it stands.
fn service(message: &[u8]) -> Result<String, Malformed> {
    let mut fields = Fields::of(message);
    while let Some((number, value)) = fields.next()? {
        if number != 1 {
            continue;
        }
        let mut resource = value.message()?;
        while let Some((number, value)) = resource.next()? {
            if number == 1
                && let (b"service.name", Some(Value::Bytes(name))) = key_value(value.bytes()?)?
            {
                return Ok(String::from_utf8_lossy(name).into_owned());
            }
        }
    }
    Ok(String::new())
}

/// What of a record is read.
#[derive(Debug, Default)]
struct Record<'a> {
    at: u64,
    observed: u64,
    /// The body: a text, or the texts of a map.
    body: Vec<&'a [u8]>,
    kind: &'a [u8],
    message: &'a [u8],
    trace: &'a [u8],
    sql: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut record = Self::default();
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => record.at = value.fixed64()?,
                5 => texts(value.message()?, &mut record.body)?,
                6 => record.attribute(value.bytes()?)?,
                11 => record.observed = value.fixed64()?,
                _ => {}
            }
        }
        Ok(record)
    }

    fn attribute(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let (key, Some(Value::Bytes(text))) = key_value(message)? else {
            return Ok(());
        };
        match key {
            b"exception.type" => self.kind = text,
            b"exception.message" => self.message = text,
            b"exception.stacktrace" => self.trace = text,
            b"db.query.text" | b"db.statement" => self.sql = text,
            _ => {}
        }
        Ok(())
    }

    /// What the record says of a database, read as a program's log is.
    fn said(&self) -> Option<Said> {
        let mut text = Vec::new();
        for part in &self.body {
            push(&mut text, part);
        }
        if !self.kind.is_empty() {
            push(&mut text, &[self.kind, b": ", self.message].concat());
        } else if !self.message.is_empty() {
            push(&mut text, self.message);
        }
        push(&mut text, self.trace);
        let sql = str::from_utf8(self.sql).ok().filter(|sql| !sql.is_empty());
        of_record(&text, sql)
    }

    fn at(&self) -> Option<Timestamp> {
        let told = [self.at, self.observed].into_iter().find(|at| *at > 0);
        told.map(Timestamp::from_unix_nanos)
    }
}

fn push(text: &mut Vec<u8>, part: &[u8]) {
    if part.is_empty() {
        return;
    }
    let room = MAX_TEXT.saturating_sub(text.len());
    text.extend_from_slice(&part[..part.len().min(room)]);
    text.push(b'\n');
}

/// The text of an `AnyValue`, or those of a map in it.
fn texts<'a>(mut any: Fields<'a>, into: &mut Vec<&'a [u8]>) -> Result<(), Malformed> {
    while let Some((number, value)) = any.next()? {
        match number {
            1 => into.push(value.bytes()?),
            6 => {
                let mut map = value.message()?;
                while let Some((number, value)) = map.next()? {
                    if number == 1
                        && into.len() < MAX_PARTS
                        && let (_, Some(Value::Bytes(text))) = key_value(value.bytes()?)?
                    {
                        into.push(text);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn entry(said: Said, end: Option<Timestamp>) -> RawEntry {
    let empty = || "".into();
    RawEntry {
        sql: RawSql::new(said.sql),
        run: RawRun {
            truncated: said.truncated,
            end,
            elapsed: Duration::ZERO,
            lock: None,
            rows: RowCounts::default(),
            bytes_sent: None,
            access: None,
            outcome: Outcome::Ok,
            database: empty(),
            user: empty(),
            client: empty(),
            weight: 1,
            nesting: Nesting::default(),
            error: Some(Box::new(said.error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::ingest::otlp::json::to_protobuf;
    use crate::ingest::otlp::json_schema::LOGS;
    use crate::model::error::ErrorClass;

    fn batch(records: &Json) -> LogBatch {
        let request = json!({"resourceLogs": [{
            "scopeLogs": [{"logRecords": records}],
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        }]});
        read(&to_protobuf(request.to_string().as_bytes(), &LOGS).unwrap()).unwrap()
    }

    fn text(text: &str) -> Json {
        json!({"stringValue": text})
    }

    #[test]
    fn a_record_with_an_exception_of_a_driver_is_an_error_with_its_statement() {
        let exception = json!([
            {"key": "exception.type", "value": text("org.postgresql.util.PSQLException")},
            {"key": "exception.message", "value": text("ERROR: column \"note\" does not exist")},
            {"key": "db.query.text", "value": text("SELECT note FROM carts WHERE id = 7")},
        ]);
        let batch = batch(&json!([
            {"timeUnixNano": "5", "body": text("request failed"), "attributes": exception},
            {"timeUnixNano": "6", "body": text("cart 7 was paid")},
        ]));
        assert_eq!(batch.records, 2);
        let [told] = &batch.told[..] else {
            panic!("{batch:?}")
        };
        assert_eq!(
            (told.service.as_str(), told.dialect),
            ("shop", Dialect::Postgres)
        );
        let [entry] = &told.entries[..] else {
            panic!("{told:?}")
        };
        assert_eq!(entry.sql.reveal(), b"SELECT note FROM carts WHERE id = 7");
        assert_eq!(entry.run.end, Some(Timestamp::from_unix_nanos(5)));
        let error = entry.run.error.as_ref().unwrap();
        assert_eq!((error.class, &*error.code), (ErrorClass::Schema, "42703"));
        assert!(!entry.run.is_run());
    }

    #[test]
    fn the_body_may_be_a_map_and_the_time_that_of_whoever_saw_it() {
        let fields = json!([{"key": "msg", "value": text("(1040, 'Too many connections')")},
            {"key": "logger", "value": text("pymysql.err")}]);
        let batch = batch(
            &json!([{"observedTimeUnixNano": "9", "body": {"kvlistValue": {"values": fields}}}]),
        );
        let entry = &batch.told[0].entries[0];
        let error = entry.run.error.as_ref().unwrap();
        assert_eq!(error.class, ErrorClass::ConnectionRefused);
        assert_eq!(entry.run.end, Some(Timestamp::from_unix_nanos(9)));
    }
}

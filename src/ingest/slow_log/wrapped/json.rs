//! JSON lines that carry a log: one object holds a line, or a whole message.
//!
//! | written by | text is in |
//! |---|---|
//! | Docker `json-file`, Fluent Bit | `log`, in parts of 16 KiB |
//! | Google Cloud Logging | `textPayload`, `jsonPayload.message` |
//! | Azure Monitor | `properties.message`; the slow log of MySQL comes in fields |
//! | Amazon `CloudWatch` | `message`, `@message` |
//! | `CloudNativePG` | `record`, with the columns of csvlog |
//! | journald `-o json`, Loki, OpenTelemetry | `MESSAGE`, `line`, `body` |

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use xxhash_rust::xxh3::xxh3_64;

use super::line::with_tabs;
use super::pieces::{Joins, Part};
use crate::ingest::slow_log::postgres::severity_of;

/// A wrapping may be wrapped again, as when one collector feeds another.
const MAX_DEPTH: usize = 4;

/// Keys of the text, the surest first.
const TEXTS: [&str; 10] = [
    "log",
    "textPayload",
    "message",
    "@message",
    "MESSAGE",
    "msg",
    "line",
    "body",
    "event",
    "stringValue",
];

/// Keys that tell who wrote the text: containers, units of systemd, logs of Google and Amazon.
const SOURCES: [&str; 10] = [
    "kubernetes",
    "resource",
    "logName",
    "container_name",
    "CONTAINER_NAME",
    "_SYSTEMD_UNIT",
    "SYSLOG_IDENTIFIER",
    "logGroup",
    "logStreamName",
    "@logStream",
];

/// Keys of an object that holds the text.
const OBJECTS: [&str; 4] = ["properties", "jsonPayload", "body", "event"];

/// Takes a line or a message out of an object.
pub(super) fn fragment(line: &[u8]) -> Option<Part<'_>> {
    if line.first() != Some(&b'{') {
        return None;
    }
    let lossy = String::from_utf8_lossy(line);
    let Ok(Value::Object(object)) = serde_json::from_str(&lossy) else {
        return None;
    };
    let text = text_of(&object, 0)?;
    // Docker ends the text of the last part of a line with a line end, and tells the stream
    let is_docker = object.contains_key("log") && object.contains_key("stream");
    let is_cut = is_docker && !text.ends_with('\n');
    Some(Part {
        source: if is_docker { 0 } else { source_of(&object) },
        stream: u64::from(object.get("stream").is_some_and(|s| s == "stderr")),
        text: with_tabs(Cow::Owned(text.into_bytes())),
        joins: if is_docker {
            Joins::IfOpen
        } else {
            Joins::Begins
        },
        is_open: is_cut,
    })
}

/// The program whose text an object holds, where it is told: several may write to one log.
fn source_of(object: &Map<String, Value>) -> u64 {
    let mut name = String::new();
    for key in SOURCES {
        if let Some(value) = object.get(key) {
            let _written = write!(name, "{key}={value};");
        }
    }
    if name.is_empty() {
        return 0;
    }
    xxh3_64(name.as_bytes())
}

/// The text in an object; `None` when it has none, or when it is a record of a log itself.
fn text_of(object: &Map<String, Value>, depth: usize) -> Option<String> {
    if depth >= MAX_DEPTH || object.contains_key("error_severity") {
        return None;
    }
    if let Some(Value::Object(record)) = object.get("record")
        && record.contains_key("error_severity")
    {
        return serde_json::to_string(record).ok();
    }
    for key in OBJECTS {
        if let Some(Value::Object(inner)) = object.get(key) {
            let text = azure_mysql(inner).or_else(|| message_of(inner, depth + 1));
            if text.is_some() {
                return text;
            }
        }
    }
    azure_mysql(object).or_else(|| message_of(object, depth))
}

fn message_of(object: &Map<String, Value>, depth: usize) -> Option<String> {
    if object.contains_key("error_severity") {
        return (depth > 0)
            .then(|| serde_json::to_string(object).ok())
            .flatten();
    }
    let text = TEXTS
        .into_iter()
        .find_map(|key| object.get(key).and_then(Value::as_str))?;
    if text.starts_with('{')
        && let Ok(Value::Object(inner)) = serde_json::from_str(text)
        && let Some(nested) = text_of(&inner, depth + 1)
    {
        return Some(nested);
    }
    Some(with_severity(object, text))
}

/// Azure tells the severity beside the text, or in it.
fn with_severity(object: &Map<String, Value>, text: &str) -> String {
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    let Some(level) = word("errorLevel").filter(|_| severity_of(text.as_bytes()).is_none()) else {
        return text.to_owned();
    };
    let at = word("timestamp").unwrap_or_default();
    let pid = object.get("processId").map(plain).unwrap_or_default();
    let mut record = format!("{at} [{pid}] {level}:  {text}");
    let detail = word("detail").filter(|detail| !detail.is_empty());
    if let Some(detail) = detail {
        // writing to a string does not fail
        let _written = write!(record, "\n{at} [{pid}] DETAIL:  {detail}");
    }
    record
}

/// The slow log of Azure Database for MySQL: its fields become the lines that the server writes to a file.
fn azure_mysql(object: &Map<String, Value>) -> Option<String> {
    let sql = column(object, "sql_text")?.as_str()?;
    let field = |key: &str| column(object, key).map(plain).unwrap_or_default();
    let or_zero = |key: &str| Some(field(key)).filter(|v| !v.is_empty());
    let zero = || "0".to_owned();
    let mut text = String::new();
    let user = Some(field("user_host")).filter(|u| !u.is_empty());
    let user = user.unwrap_or_else(|| format!("[] @ {} []", field("host")));
    let database = Some(field("db")).filter(|db| !db.is_empty());
    let schema = database.map_or_else(String::new, |db| format!("  Schema: {db}"));
    let time = or_zero("query_time").map_or_else(zero, |time| in_seconds(&time));
    let lock = or_zero("lock_time").map_or_else(zero, |time| in_seconds(&time));
    let sent = or_zero("rows_sent").unwrap_or_else(zero);
    let examined = or_zero("rows_examined").unwrap_or_else(zero);
    let start = field("start_time");
    let _written = write!(
        text,
        "# User@Host: {user}  Id: {}{schema}\n\
         # Query_time: {time}  Lock_time: {lock} Rows_sent: {sent}  Rows_examined: {examined} Start: {start}\n\
         {sql}{}",
        field("thread_id"),
        if sql.trim_end().ends_with(';') {
            "\n"
        } else {
            ";\n"
        },
    );
    Some(text)
}

/// A column of `mysql.slow_log`, under its own name or under that of Log Analytics, which appends the type.
fn column<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let typed = |end: &&str| object.get(&format!("{key}_{end}"));
    let plain = object.get(key);
    plain.or_else(|| ["s", "d", "t", "g"].iter().find_map(typed))
}

/// `00:00:02.500000`, as columns of type TIME are told, as `2.500000`.
fn in_seconds(time: &str) -> String {
    let parts: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else {
        return time.to_owned();
    };
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let number = |part: &str| part.parse::<u64>().ok();
    match (number(hours), number(minutes), number(whole)) {
        (Some(hours), Some(minutes), Some(whole)) => {
            let total = hours
                .saturating_mul(3600)
                .saturating_add(minutes.saturating_mul(60))
                .saturating_add(whole);
            format!("{total}.{fraction}")
        }
        _ => time.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

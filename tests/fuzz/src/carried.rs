//! Logs that something carried here.

use serde_json::json;
use sqleuth::ingest::server_log::{self, Kind};
use sqleuth::ingest::slow_log::{Format, Options, open};
use sqleuth::model::time::Timestamp;

use crate::PREFIX;
use crate::agree::{chosen, in_pieces};

const STAMP: &str = "2026-11-21T19:26:58.608123456Z";

/// What a runtime, a cloud or a shipper makes of a line, and of a long one, which it may cut.
const CARRIERS: [fn(&str, bool) -> String; 10] = [
    |part, ends| {
        let text = if ends {
            format!("{part}\n")
        } else {
            part.to_owned()
        };
        json!({"log": text, "stream": "stderr", "time": STAMP}).to_string()
    },
    |part, ends| format!("{STAMP} stdout {} {part}", if ends { 'F' } else { 'P' }),
    |part, _| format!("Nov 21 19:26:58 db1 postgres[71]: [3-1] {part}"),
    |part, _| format!("<134>1 {STAMP} db1 mysql-slow - - - {part}"),
    |part, _| format!("{STAMP} {part}"),
    |part, _| format!("db-1  | {part}"),
    |part, _| {
        json!({"textPayload": part, "resource": {"labels": {"database_id": "db"}}}).to_string()
    },
    |part, _| json!({"message": part}).to_string(),
    |part, _| {
        let pretty = serde_json::to_string_pretty(&json!({"textPayload": part}));
        pretty.unwrap_or_default()
    },
    // as it came: whatever it is like
    |part, _| part.to_owned(),
];

/// Lines as a carrier writes them; those of more than `longest` characters in parts.
fn carried(carrier: fn(&str, bool) -> String, text: &str, longest: usize) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let chars: Vec<char> = line.chars().collect();
        let mut parts = chars.chunks(longest).peekable();
        if chars.is_empty() {
            all += &(carrier("", true) + "\n");
        }
        while let Some(part) = parts.next() {
            let part: String = part.iter().collect();
            all += &(carrier(&part, parts.peek().is_none()) + "\n");
        }
    }
    all
}

/// A carried log that comes in two pieces tells what it tells in one.
///
/// The first two bytes choose the carrier, the format and how long a part is; the next two where the log is cut.
pub fn wrapped(data: &[u8]) {
    let Some((choice, rest)) = chosen(data) else {
        return;
    };
    let Some((at, text)) = chosen(rest) else {
        return;
    };
    let carrier = CARRIERS[choice % CARRIERS.len()];
    let choice = choice / CARRIERS.len();
    let longest = if choice % 2 == 0 { usize::MAX } else { 40 };
    let text = String::from_utf8_lossy(text);
    let log = carried(carrier, &text, longest);
    let kind = [Kind::MysqlError, Kind::Application][choice / 2 % 2];
    let format = Format::ALL.get(choice / 4 % 6).copied();
    let options = Options {
        log_line_prefix: Some(PREFIX.to_owned()),
        newest: Some(Timestamp::from_unix_secs(1_795_300_000)),
        ..Options::default()
    };
    let make = || {
        let slow = format.and_then(|format| open(log.as_bytes(), Some(format), &options));
        slow.map_or_else(|| of_errors(kind, log.as_bytes()), |(_, parser)| parser)
    };
    in_pieces(make, log.as_bytes(), at, true);
}

/// An error log that comes in two pieces tells what it tells in one; the first two bytes say where it is cut.
pub fn errors(kind: Kind, data: &[u8]) {
    let Some((at, log)) = chosen(data) else {
        return;
    };
    in_pieces(|| of_errors(kind, log), log, at, true);
}

fn of_errors(kind: Kind, head: &[u8]) -> Box<dyn sqleuth::ingest::slow_log::Parser> {
    let opened = server_log::open(head, Some(kind), &jiff::tz::TimeZone::UTC, None);
    opened.expect("a kind that is given needs no head").1
}

//! Records of other logs than MariaDB's slow log, as tests write them.

use std::path::Path;

use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use sqleuth::window::pack::unpack_body;

use crate::support::daemon::Daemon;

/// One record of a PostgreSQL server log: process, severity, text.
pub type Record<'a> = (u32, &'a str, &'a str);

/// Time that a server and a program write now, with milliseconds and in UTC.
pub fn now(format: &str) -> String {
    let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC);
    now.strftime(format).to_string()
}

/// What belongs to the message before it; the framings of one object for a message have it in fields.
const FIELDS: [(&str, &str, usize); 5] = [
    ("DETAIL", "detail", 14),
    ("HINT", "hint", 15),
    ("QUERY", "internal_query", 16),
    ("CONTEXT", "context", 18),
    ("STATEMENT", "statement", 19),
];

/// The records as `log_destination = stderr` writes them, by a usual prefix.
pub fn stderr(records: &[Record<'_>]) -> String {
    let line = |(pid, severity, text): &Record<'_>| {
        let text = text.replace('\n', "\n\t");
        let at = now("%Y-%m-%d %H:%M:%S%.3f UTC");
        format!("{at} [{pid}] app@shop/web {severity}:  {text}\n")
    };
    records.iter().map(line).collect()
}

/// The records as `log_destination = jsonlog` writes them.
pub fn jsonlog(records: &[Record<'_>]) -> String {
    let mut objects: Vec<Value> = Vec::new();
    for (pid, severity, text) in records {
        let field = FIELDS.iter().find(|(name, ..)| name == severity);
        match (field, objects.last_mut()) {
            (Some((_, field, _)), Some(message)) => message[*field] = (*text).into(),
            _ => objects.push(json!({
                "timestamp": now("%Y-%m-%d %H:%M:%S%.3f UTC"), "user": "app", "dbname": "shop", "pid": pid,
                "remote_host": "10.0.0.7", "session_id": "6740.4d", "line_num": objects.len() + 1, "ps": "SELECT",
                "error_severity": severity, "message": text, "application_name": "web",
                "backend_type": "client backend", "query_id": 0,
            })),
        }
    }
    let lines: Vec<_> = objects.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

/// The records as `log_destination = csvlog` writes them since version 14.
pub fn csvlog(records: &[Record<'_>]) -> String {
    let mut rows: Vec<[String; 26]> = Vec::new();
    for record in records {
        let field = FIELDS.iter().find(|(name, ..)| *name == record.1);
        if let (Some((_, _, column)), Some(row)) = (field, rows.last_mut()) {
            row[*column] = quoted(record.2);
            continue;
        }
        rows.push(row(record, rows.len() + 1));
    }
    let lines: Vec<_> = rows.iter().map(|row| row.join(",")).collect();
    lines.join("\n") + "\n"
}

fn row((pid, severity, text): &Record<'_>, number: usize) -> [String; 26] {
    let at = now("%Y-%m-%d %H:%M:%S%.3f UTC");
    let known = [
        (0, at.clone()),
        (1, quoted("app")),
        (2, quoted("shop")),
        (3, pid.to_string()),
        (4, quoted("10.0.0.7:5000")),
        (5, "6740.4d".to_owned()),
        (6, number.to_string()),
        (7, quoted("SELECT")),
        (8, at),
        (10, "0".to_owned()),
        (11, (*severity).to_owned()),
        (12, "00000".to_owned()),
        (13, quoted(text)),
        (22, quoted("web")),
        (23, quoted("client backend")),
        (25, "0".to_owned()),
    ];
    let mut row = <[String; 26]>::default();
    for (at, text) in known {
        row[at] = text;
    }
    row
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The lines as Docker's `json-file` driver keeps them.
pub fn docker(log: &str) -> String {
    let line = |line: &str| {
        let at = now("%Y-%m-%dT%H:%M:%S%.9fZ");
        let object = json!({"log": line, "stream": "stderr", "time": at});
        format!("{object}\n")
    };
    log.split_inclusive('\n').map(line).collect()
}

/// MariaDB's dump of a deadlock of two statements on `shop.apples`.
pub fn deadlock() -> String {
    deadlock_of("UPDATE apples SET n = 1", "UPDATE apples SET n = 2")
}

/// The same of other statements.
pub fn deadlock_of(first: &str, second: &str) -> String {
    let head = now("%Y-%m-%d %k:%M:%S") + " 4 [Note] InnoDB:";
    let party = |number: u8, sql: &str| {
        format!(
            "{head} \n*** ({number}) TRANSACTION:\n\nTRANSACTION 2{number}, ACTIVE 1 sec starting index read\n\
             MariaDB thread id {number}, OS thread handle 14, query id 12 localhost root Updating\n{sql}\n\
             {head} *** WAITING FOR THIS LOCK TO BE GRANTED:\n\nRECORD LOCKS space id 5 page no 3 n bits 320 index \
             PRIMARY of table `shop`.`apples` trx id 2{number} lock_mode X locks rec but not gap waiting\n\n"
        )
    };
    let (first, second) = (party(1, first), party(2, second));
    format!("{first}{second}{head} *** WE ROLL BACK TRANSACTION (2)\n\n")
}

/// `[[log]]` that follows a log of errors from its beginning.
pub fn error_log(path: &Path, kind: &str) -> String {
    format!(
        "[general]\nservice = \"shop\"\n[[log]]\npath = \"{}\"\nkind = \"{kind}\"\nstart = \"beginning\"\n",
        path.display()
    )
}

/// Errors with a code, as the windows of the store have them.
pub fn errors(daemon: &Daemon, code: &str) -> u64 {
    let store = daemon.path("store.db");
    let store = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let store = store.expect("a running daemon has a store");
    let mut windows = store
        .prepare("SELECT body FROM windows")
        .expect("the store has windows");
    let bodies = windows.query_map([], |row| row.get::<_, Vec<u8>>(0));
    let bodies = bodies.expect("the windows can be read");
    let errors = bodies.flat_map(|body| {
        let body = unpack_body(&body.expect("a window has a body"));
        body.expect("the store holds windows of its own release")
            .errors
    });
    let errors = errors.map(|errors| serde_json::to_value(errors).expect("errors are JSON"));
    errors
        .filter(|errors| errors["family"]["code"] == code)
        .filter_map(|errors| errors["load"]["count"].as_u64())
        .sum()
}

//! Reads what servers and programs say of errors.
//!
//! ```text
//! file ─► Records (which lines belong together) ─► Grammar (what they tell) ─► Entry with an error
//! ```

mod application;
pub mod class;
mod crash;
mod deadlock;
mod mysql_error;
mod phrases;
mod records;

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::application::Application;
pub use self::application::{Said, of_driver, of_record};
use self::mysql_error::MysqlError;
use self::records::Records;
use crate::clock::Clock;
use crate::ingest::slow_log::{Carrier, Parser, sniff};

/// Lines that are looked at to tell who writes a log.
const MAX_LINES: usize = 400;

/// Who writes a log of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The error log of MySQL, Percona Server or MariaDB.
    MysqlError,
    /// A program that uses a database: its messages, stack traces, or lines of JSON.
    Application,
}

impl Kind {
    /// The name, as in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MysqlError => "mysql-error",
            Self::Application => "application",
        }
    }

    /// Tells by its first bytes who writes a log; `None` when no line of them is typical, or when it is a slow log.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let content = Carrier::of(head).map(|carrier| carrier.content(head));
        let head = content.as_deref().unwrap_or(head);
        if sniff(head).is_some() {
            return None;
        }
        let mut server = MysqlError::new(TimeZone::UTC);
        let mut program = Application::new(TimeZone::UTC, None);
        let (mut of_server, mut of_program) = (0_usize, 0_usize);
        for line in head.split(|b| *b == b'\n').take(MAX_LINES) {
            let line = line.trim_ascii_end();
            if server.is_typical(line) {
                of_server += 1;
            } else if program.is_typical(line) {
                of_program += 1;
            }
        }
        match (of_server, of_program) {
            (0, 0) => None,
            (server, program) if server >= program => Some(Self::MysqlError),
            _ => Some(Self::Application),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes a parser of the file that begins with `head`, and says who writes it; `None` when `kind` is not given and the
/// head does not tell. Dates that name no zone are in `zone`; what has no date is from when it is read by `clock`.
pub fn open(
    head: &[u8],
    kind: Option<Kind>,
    zone: &TimeZone,
    clock: Option<Clock>,
) -> Option<(Kind, Box<dyn Parser>)> {
    let kind = kind.or_else(|| Kind::sniff(head))?;
    let plain = parser(kind, zone, clock);
    Some((
        kind,
        match Carrier::of(head) {
            Some(carrier) => carrier.wrap(plain),
            None => plain,
        },
    ))
}

/// Makes a parser that starts at the beginning of a plain file.
fn parser(kind: Kind, zone: &TimeZone, clock: Option<Clock>) -> Box<dyn Parser> {
    match kind {
        Kind::MysqlError => Box::new(Records::new(MysqlError::new(zone.clone()))),
        Kind::Application => Box::new(Records::new(Application::new(zone.clone(), clock))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::slow_log::Next;

    const MARIADB: &str =
        "2026-11-22  2:38:18 0 [Note] Starting MariaDB 10.11 as process 1\nVersion: '10.11'\n";
    const MYSQL: &str = "2026-11-22T02:38:18.5Z 0 [System] [MY-010931] [Server] mysqld: ready\n";
    const PROGRAM: &str =
        "starting\n2026-11-22 04:00:00 17 [main] INFO ready\n2026-11-22 04:00:01 [ERROR] no\n";

    #[test]
    fn who_writes_a_log_is_told_by_its_lines() {
        for (head, kind) in [
            (MARIADB, Some(Kind::MysqlError)),
            (MYSQL, Some(Kind::MysqlError)),
            (
                "261122  2:38:47 [Warning] Too many connections\n",
                Some(Kind::MysqlError),
            ),
            (PROGRAM, Some(Kind::Application)),
            (
                "{\"level\":30,\"time\":1795320000000,\"msg\":\"ready\"}\n",
                Some(Kind::Application),
            ),
            ("java.lang.Error: x\n\tat x.Y\n", Some(Kind::Application)),
            (
                "Traceback (most recent call last):\n",
                Some(Kind::Application),
            ),
            ("# User@Host: a[a] @ [10.0.0.1]\n", None),
            (
                "2026-11-21 19:26:58.611 UTC [1] p@b/x LOG:  duration: 0.888 ms  statement: select 1\n",
                None,
            ),
            ("lorem ipsum\n", None),
            ("", None),
        ] {
            assert_eq!(Kind::sniff(head.as_bytes()), kind, "{head}");
        }
    }

    #[test]
    fn the_lines_of_a_container_are_taken_out_of_what_carried_them() {
        let error = "2026-11-22 04:00:00 ERROR java.sql.SQLException: Too many connections";
        let cri = format!(
            "2026-11-22T04:00:00.1Z stdout F {error}\n2026-11-22T04:00:00.2Z stdout F \tat x.Y\n"
        );
        let docker = format!(
            "{{\"log\":\"{error}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T04:00:00.1Z\"}}\n"
        );
        for head in [cri, docker] {
            let (kind, mut parser) = open(head.as_bytes(), None, &TimeZone::UTC, None).unwrap();
            let mut told = 0;
            parser.parse(head.as_bytes(), Next::End, &mut |entry| {
                told += 1;
                assert_eq!(entry.end.unwrap().to_string(), "2026-11-22T04:00:00Z");
            });
            assert_eq!((kind, told), (Kind::Application, 1), "{head}");
        }
    }
}

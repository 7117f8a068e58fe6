use proptest::prelude::*;

use super::super::super::{Framing, Next, Postgres};
use super::*;
use crate::ingest::slow_log::{Entry, Options};

const SESSIONS: [&str; 4] = [
    "\"app\",\"shop\",7,\"10.0.0.1:58786\",6b01f082.7",
    "\"app\",\"shop\",80,\"[local]\",6b01f082.50",
    "\"a\"\"b,\",\"[unknown]\",9,\"10.0.0.1:5\",6b01f082.9",
    ",,10,,6b01f082.a",
];

const MESSAGES: [&str; 14] = [
    "LOG,00000,\"duration: 0.888 ms  statement: SELECT a FROM t WHERE b = 1;\",,,,,,,,,\"web\",\"client backend\",,0",
    "LOG,00000,\"duration: 0.888 ms  statement: SELECT \"\"a\"\" FROM t\nWHERE b = '\"\"';\n\",,,,,,,,,\"\"",
    "LOG,00000,\"duration: 0.888 ms  statement: EXECUTE a\",\"prepare: PREPARE a AS SELECT $1\",,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.888 ms  statement: \",,,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.888 ms  statement: ;\",,,,,,,,,\"w\"\"eb\n\"",
    "LOG,00000,\"duration: 0.888 ms  statement: FETCH 1 FROM c\",,,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.2 ms  plan:\nQuery Text: SELECT a FROM t WHERE b = 1;\nSeq Scan on t  (cost=0.0..1.0 rows=1 width=4)\",,,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.2 ms  bind <unnamed>: SELECT $1\",,,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.2 ms  execute <unnamed>: SELECT $1\",,,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.2 ms\",,,,,,,,,\"web\"",
    "LOG,00000,\"duration: 0.3 ms  statement: SELECT 2\",,,,,,,,\"exec_simple_query, postgres.c:1234\",\"web\"",
    "ERROR,42P01,\"relation \"\"u\"\" does not exist\",,,,,,\"SELECT a FROM u\",15,,\"web\"",
    "LOG,00000,\"duration: 0.3 ms  statement: SELECT 2\",,,,",
    "LOG,00000,\"disconnection: session time: 0:00:00.006\",,,,,,,,,\"web\"",
];

/// What a log comes to that is fed in pieces; no run is taken at once of a session that was not seen.
fn read(log: &[u8], sizes: &[usize], at_once: bool) -> (Vec<String>, u64, String, usize) {
    let mut parser = Postgres::new(Framing::Csv, &Options::default());
    let (mut told, mut runs) = (Vec::new(), 0);
    let (mut from, mut to) = (0, 0);
    for size in sizes.iter().cycle() {
        to = log.len().min(to + size);
        let next = if to == log.len() {
            Next::End
        } else {
            Next::More
        };
        while from < to {
            if !at_once {
                parser.csv_seen = Seen::default();
            }
            let tell = &mut |entry: Entry<'_>| told.push(format!("{entry:?}"));
            let rest = &log[from..to];
            let took = if parser.skipping {
                None
            } else {
                parser.usual(rest, tell)
            };
            runs += usize::from(took.is_some());
            let took = took.unwrap_or_else(|| parser.step(rest, next, tell));
            if took == 0 {
                break;
            }
            from += took;
            parser.offset += took as u64;
        }
        if next == Next::End {
            return (
                told,
                parser.unparsed,
                format!("{:?}", parser.sessions),
                runs,
            );
        }
    }
    unreachable!("sizes go round")
}

fn row(millis: u32, session: &str, message: &str) -> String {
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    format!(
        "2026-11-21 10:00:{seconds:02}.{millis:03} UTC,{session},3,\"SELECT\",2026-11-21 09:00:00 UTC,3/0,0,{message}\n"
    )
}

fn assert_same(log: &[u8], sizes: &[usize]) {
    let (told, unparsed, sessions, _) = read(log, sizes, true);
    let (expected, lost, known, none) = read(log, sizes, false);
    assert_eq!(none, 0);
    let log = String::from_utf8_lossy(log);
    assert_eq!(told, expected, "{log}");
    assert_eq!((unparsed, sessions), (lost, known), "{log}");
}

#[test]
fn nearly_all_rows_of_a_busy_log_are_taken_at_once() {
    let log: String = (0..100)
        .map(|turn| {
            row(
                turn,
                SESSIONS[turn as usize % 3],
                MESSAGES[turn as usize % 2],
            )
        })
        .collect();
    let (told, _, _, runs) = read(log.as_bytes(), &[log.len()], true);
    // not the first of all, nor the first behind it of each session
    assert_eq!((told.len(), runs), (100, 96));
    assert_same(log.as_bytes(), &[log.len()]);
}

#[test]
fn a_log_cut_in_two_anywhere_tells_the_same_at_once() {
    let messages = (0_u32..).zip(MESSAGES.iter().chain(&MESSAGES));
    let log: String = messages
        .map(|(turn, message)| row(40 * turn, SESSIONS[turn as usize / 3 % 3], message))
        .collect();
    for cut in 1..log.len() {
        assert_same(log.as_bytes(), &[cut, log.len()]);
    }
}

proptest! {
    #[test]
    fn rows_that_are_taken_at_once_are_what_any_rows_are(
        rows in prop::collection::vec((0..3_000_u32, 0..SESSIONS.len(), 0..MESSAGES.len()), 2..20),
        places in prop::collection::vec((any::<prop::sample::Index>(), "[ \t\r\n:\",\\[T.0-9\u{e9};]{0,3}", 0..3_usize), 0..3),
        sizes in prop::collection::vec(1..600_usize, 1..4),
    ) {
        let mut time = 0;
        let mut log = Vec::new();
        for (pause, session, message) in rows {
            time += pause / 8;
            log.extend(row(time, SESSIONS[session], MESSAGES[message]).into_bytes());
        }
        for (place, change, taken) in places {
            let at = place.index(log.len());
            let end = (at + taken).min(log.len());
            log.splice(at..end, change.into_bytes());
        }
        assert_same(&log, &sizes);
    }
}

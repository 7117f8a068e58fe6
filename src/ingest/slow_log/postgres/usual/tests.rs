use proptest::prelude::*;

use super::super::{Framing, Next, Postgres};
use super::*;
use crate::ingest::slow_log::Options;

const PREFIXES: [&str; 4] = [
    " UTC [7] app@shop/web1 ",
    " UTC [80] app@shop/web2 ",
    " UTC [9] [unknown]@[unknown]/[unknown] ",
    " KST [80] app@shop/web2 ",
];

const MESSAGES: [&str; 24] = [
    "LOG:  duration: 0.888 ms  statement: SELECT a FROM t WHERE b = 1;",
    "LOG:  duration: 12.5 ms  statement: SELECT a FROM t WHERE b = 2",
    "LOG:  duration: 1.250 ms  statement: SELECT a\n\tFROM t\n\t WHERE b = 3;",
    "LOG:  duration: 1.250 ms  statement: \n\tSELECT a ;\n\t\n\t",
    "LOG:  duration: 0.1 ms  statement: ",
    "LOG:  duration: 0.1 ms  statement: ;",
    "LOG:  duration: 123456789.1 ms  statement: SELECT 1",
    "LOG:  duration: 3 ms  statement: SELECT 1",
    "LOG:  duration: 0.3 ms  statement: EXECUTE a (1)",
    "DETAIL:  prepare: PREPARE a (int) AS SELECT $1",
    "LOG:  duration: 0.4 ms  statement: FETCH 2 FROM c",
    "LOG:  duration: 0.2 ms  plan:\n\tQuery Text: SELECT a FROM t WHERE b = 1;\n\tSeq Scan on t  (cost=0.0..1.0 rows=1 width=4)",
    "LOG:  duration: 0.2 ms  parse <unnamed>: SELECT $1",
    "LOG:  duration: 0.2 ms  bind <unnamed>: SELECT $1",
    "LOG:  duration: 0.2 ms  execute <unnamed>: SELECT $1",
    "LOG:  duration: 0.2 ms",
    "LOG:  statement: SELECT a FROM t WHERE b = 2",
    "ERROR:  relation \"u\" does not exist at character 15",
    "STATEMENT:  SELECT a FROM u",
    "LOG:  disconnection: session time: 0:00:00.006 user=app database=shop host=[local]",
    "LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp7.0\", size 1234",
    "LOG:  00000: duration: 0.3 ms  statement: SELECT 4",
    "WARNING:  there is no transaction in progress",
    "CONTEXT:  SQL statement \"SELECT 1\"",
];

/// What a log comes to that is fed in pieces; without the line behind the last record no run is taken at once.
fn read(log: &[u8], sizes: &[usize], at_once: bool) -> (Vec<String>, u64, String, usize) {
    let framing = Framing::Stderr(Prefix::new(Some("%m [%p] %q%u@%d/%a ")));
    let mut parser = Postgres::new(framing, &Options::default());
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
            if !at_once && let Framing::Stderr(prefix) = &mut parser.framing {
                prefix.ahead = None;
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
            return (told, parser.unparsed, parser.sessions_shown(), runs);
        }
    }
    unreachable!("sizes go round")
}

impl Postgres {
    fn sessions_shown(&self) -> String {
        format!("{:?}", self.sessions)
    }
}

fn record(millis: u32, prefix: &str, message: &str) -> String {
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    format!("2026-11-21 10:00:{seconds:02}.{millis:03}{prefix}{message}\n")
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
fn nearly_all_runs_of_a_busy_log_are_taken_at_once() {
    let log: String = (0..100)
        .map(|turn| {
            record(
                turn,
                PREFIXES[turn as usize % 2],
                MESSAGES[turn as usize % 3],
            )
        })
        .collect();
    let (told, _, _, runs) = read(log.as_bytes(), &[log.len()], true);
    assert_eq!(told.len(), 100);
    // not the first of each session, nor the last, behind which no record stands
    assert_eq!(runs, 97);
    assert_same(log.as_bytes(), &[log.len()]);
}

#[test]
fn a_log_cut_in_two_anywhere_tells_the_same_at_once() {
    let messages = (0_u32..).zip(MESSAGES.iter().chain(&MESSAGES));
    let log: String = messages
        .map(|(turn, message)| record(40 * turn, PREFIXES[turn as usize / 3 % 2], message))
        .collect();
    for cut in 1..log.len() {
        assert_same(log.as_bytes(), &[cut, log.len()]);
    }
}

proptest! {
    #[test]
    fn runs_that_are_taken_at_once_are_what_any_records_are(
        records in prop::collection::vec((0..3_000_u32, 0..PREFIXES.len(), 0..MESSAGES.len()), 2..24),
        places in prop::collection::vec((any::<prop::sample::Index>(), "[ \t\r\n:\\[\\]LOG.0-9\u{e9};]{0,3}", 0..3_usize), 0..3),
        sizes in prop::collection::vec(1..400_usize, 1..4),
    ) {
        let mut time = 0;
        let mut log = Vec::new();
        for (pause, prefix, message) in records {
            time += pause / 8;
            log.extend(record(time, PREFIXES[prefix], MESSAGES[message]).into_bytes());
        }
        for (place, change, taken) in places {
            let at = place.index(log.len());
            let end = (at + taken).min(log.len());
            log.splice(at..end, change.into_bytes());
        }
        assert_same(&log, &sizes);
    }
}

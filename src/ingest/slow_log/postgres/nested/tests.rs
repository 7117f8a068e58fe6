use std::fmt::Write;

use super::*;
use crate::ingest::slow_log::postgres::{Framing, Postgres, Prefix};
use crate::ingest::slow_log::{Next, Options, Parser};

const MS: Duration = Duration::from_millis(1);

fn record(context: &str) -> Record<'_> {
    Record {
        context: context.as_bytes().into(),
        ..Record::default()
    }
}

#[test]
fn only_a_function_makes_a_statement_a_nested_one() {
    assert!(is_nested(b"SQL statement \"SELECT 1\""));
    assert!(is_nested(b"PL/Python function \"f\""));
    assert!(!is_nested(b""));
    assert!(!is_nested(
        b"unnamed portal with parameters: $1 = 'SQL statement '"
    ));
}

#[test]
fn a_run_takes_what_ran_inside_it_and_no_more() {
    let mut inside = Inside::default();
    assert_eq!(
        inside.note(&record("SQL b\nPL/f line 3"), MS),
        Duration::ZERO
    );
    assert_eq!(
        inside.note(&record("SQL c\nSQL a\nPL/f line 4"), MS),
        Duration::ZERO
    );
    assert_eq!(inside.note(&record("SQL a\nPL/f line 4"), 5 * MS), MS);
    assert_eq!(inside.take(None, 9 * MS), 6 * MS);
    assert_eq!(inside.take(None, 9 * MS), Duration::ZERO);
}

#[test]
fn what_ended_before_a_run_began_is_no_part_of_it() {
    let at = |ms| Some(Timestamp::from_unix_secs(9).plus(ms * MS));
    let mut inside = Inside::default();
    let early = Record {
        at: at(10),
        ..record("PL/f")
    };
    inside.note(&early, MS);
    assert_eq!(inside.take(at(50), 10 * MS), Duration::ZERO);
}

#[test]
fn any_number_of_places_takes_bounded_room_and_loses_no_time() {
    let mut inside = Inside::default();
    for line in 0..1000 {
        inside.note(&record(&format!("PL/f line {line}")), MS);
    }
    assert!(inside.0.len() <= MAX_PLACES);
    assert_eq!(inside.take(None, 5000 * MS), 1000 * MS);
}

/// Milliseconds of 10:00:00, process, message and context.
type Line = (u64, u32, &'static str, &'static str);

/// A function of 910 ms: a statement of 900 ms in it, another of 800 ms inside that. Another session runs beside it.
const LOG: [Line; 7] = [
    (
        850,
        7,
        "duration: 800.000 ms  plan:\nQuery Text:  select n from u \nSeq Scan on u  (cost=0.00..9.0 rows=1 width=4)",
        "SQL function \"g\" statement 1\nSQL statement \"SELECT g(i)\n FROM t\"\nPL/pgSQL function f(integer) line 3 at PERFORM",
    ),
    (900, 8, "duration: 500.000 ms  statement: select beside", ""),
    (
        905,
        7,
        "duration: 900.000 ms  plan:\nQuery Text: SELECT g(i)\n FROM t\nSeq Scan on t  (cost=0.00..9.0 rows=1 width=4)",
        "SQL statement \"SELECT g(i)\n FROM t\"\nPL/pgSQL function f(integer) line 3 at PERFORM",
    ),
    (
        906,
        7,
        "duration: 1.000 ms  plan:\nQuery Text: select 1\nResult  (cost=0.00..9.0 rows=1 width=4)",
        "SQL statement \"select 1\"\nPL/pgSQL function f(integer) line 4 at SQL statement",
    ),
    (
        910,
        7,
        "duration: 909.000 ms  plan:\nQuery Text: select f(1)\nResult  (cost=0.00..9.0 rows=1 width=4)",
        "",
    ),
    (910, 7, "duration: 910.000 ms  statement: select f(1)", ""),
    (990, 7, "duration: 5.000 ms  statement: select after", ""),
];

fn stderr() -> String {
    let mut log = String::new();
    for (ms, pid, message, context) in LOG {
        let head = format!("2026-11-21 10:00:00.{ms:03} UTC [{pid}] a@b");
        let message = message.replace('\n', "\n\t");
        writeln!(log, "{head} LOG:  {message}").unwrap();
        if !context.is_empty() {
            let context = context.replace('\n', "\n\t");
            writeln!(log, "{head} CONTEXT:  {context}").unwrap();
        }
    }
    log
}

fn csv() -> String {
    let mut log = String::new();
    for (ms, pid, message, context) in LOG {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let (message, context) = (quoted(message), quoted(context));
        writeln!(
            log,
            "2026-11-21 10:00:00.{ms:03} UTC,\"a\",\"b\",{pid},\"[local]\",6a.1,1,\"SELECT\",\
             2026-11-21 09:00:00 UTC,3/2,0,LOG,00000,{message},,,,,{context},,,\"psql\",\"client backend\",,0"
        )
        .unwrap();
    }
    log
}

fn json() -> String {
    let mut log = String::new();
    for (ms, pid, message, context) in LOG {
        let line = serde_json::json!({
            "timestamp": format!("2026-11-21 10:00:00.{ms:03} UTC"),
            "user": "a", "dbname": "b", "pid": pid, "error_severity": "LOG",
            "message": message, "context": context,
        });
        writeln!(log, "{line}").unwrap();
    }
    log
}

/// What a run tells: the first words of its text, its time and how much of it ran inside, in milliseconds.
type Run = (String, u128, u128, bool);

fn told_from(parser: &mut Postgres, log: &str, next: Next, told: &mut Vec<Run>) -> usize {
    let progress = parser.parse(log.as_bytes(), next, &mut |entry| {
        let text = String::from_utf8_lossy(&entry.sql).trim().replace('\n', "");
        let nesting = entry.nesting;
        let inner = nesting.inner.as_millis();
        told.push((text, entry.elapsed.as_millis(), inner, nesting.is_inside));
    });
    progress.consumed - usize::try_from(progress.held).unwrap()
}

fn told(framing: Framing, log: &str) -> Vec<Run> {
    let mut told = Vec::new();
    let mut parser = Postgres::new(framing, &Options::default());
    told_from(&mut parser, log, Next::End, &mut told);
    told
}

fn expected() -> Vec<Run> {
    let run = |text: &str, elapsed, inner, is_inside| (text.to_owned(), elapsed, inner, is_inside);
    vec![
        run("select n from u", 800, 0, true),
        run("select beside", 500, 0, false),
        run("SELECT g(i) FROM t", 900, 800, true),
        run("select 1", 1, 0, true),
        run("select f(1)", 910, 901, false),
        run("select after", 5, 0, false),
    ]
}

#[test]
fn the_time_of_a_function_is_told_once_in_every_framing() {
    assert_eq!(
        told(Framing::Stderr(Prefix::new(None)), &stderr()),
        expected()
    );
    assert_eq!(told(Framing::Csv, &csv()), expected());
    assert_eq!(told(Framing::Json, &json()), expected());
}

#[test]
fn a_plan_behind_its_run_leaves_the_time_inside_it_as_it_is() {
    let log = stderr();
    let plan = log
        .find("2026-11-21 10:00:00.910 UTC [7] a@b LOG:  duration: 909")
        .unwrap();
    let run = log
        .find("2026-11-21 10:00:00.910 UTC [7] a@b LOG:  duration: 910")
        .unwrap();
    let end = log.find("2026-11-21 10:00:00.990").unwrap();
    let executed = log[run..end].replace("statement: ", "execute <unnamed>: ");
    let log = [&log[..plan], &executed, &log[plan..run], &log[end..]].concat();
    assert_eq!(told(Framing::Stderr(Prefix::new(None)), &log), expected());
}

#[test]
fn without_a_process_in_the_prefix_the_caller_counts_for_all() {
    let log = stderr().replace("[7] ", "").replace("[8] ", "");
    let told = told(Framing::Stderr(Prefix::new(None)), &log);
    let own: u128 = told
        .iter()
        .map(|(_, elapsed, inner, _)| elapsed - inner)
        .sum();
    assert_eq!(own, 910 + 500 + 5);
}

#[test]
fn a_restart_between_a_function_and_its_statements_changes_no_sum() {
    let log = stderr();
    for (stop, _) in log.match_indices("2026-11-21").skip(1) {
        let mut all = Vec::new();
        let mut first = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
        let checkpoint = told_from(&mut first, &log[..stop], Next::More, &mut all);
        let mut second = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
        second.restore(&first.context());
        told_from(&mut second, &log[checkpoint..], Next::End, &mut all);
        assert_eq!(all, expected(), "stopped at {stop}");
    }
}

use std::time::Duration;

use super::*;
use crate::model::error::ErrorClass;
use crate::model::event::{CoverageSource, Outcome};

const ODD: &str = include_str!("../../../../tests/fixtures/logs/postgres-odd.log");

fn read(framing: Framing, log: &str) -> (Vec<Entry<'static>>, Postgres, u64) {
    let mut parser = Postgres::new(framing, &Options::default());
    let mut told = Vec::new();
    let progress = parser.parse(log.as_bytes(), Next::End, &mut |entry| {
        told.push(pending::owned(entry));
    });
    assert_eq!(progress.consumed, log.len());
    assert_eq!(progress.held, 0, "a file that has ended holds nothing");
    (told, parser, progress.unparsed)
}

fn odd() -> Vec<Entry<'static>> {
    read(Framing::Stderr(Prefix::new(None)), ODD).0
}

fn find<'e>(told: &'e [Entry<'static>], text: &str) -> &'e Entry<'static> {
    let mut found = told
        .iter()
        .filter(|entry| String::from_utf8_lossy(&entry.sql).contains(text));
    let entry = found.next().unwrap();
    assert_eq!(found.next().map(|e| &e.sql), None, "{text} is told once");
    entry
}

#[test]
fn every_run_of_an_odd_log_is_told_once() {
    let (told, _, unparsed) = read(Framing::Stderr(Prefix::new(None)), ODD);
    assert_eq!(told.len(), 7);
    assert_eq!(
        unparsed, 3,
        "the line before the first record, the one without severity, and the time without a text"
    );
}

#[test]
fn parse_and_bind_are_time_of_the_run() {
    let told = odd();
    let run = find(&told, "FROM t WHERE a = $1");
    assert_eq!(run.elapsed, Duration::from_millis(1));
    assert_eq!(&*run.sql, b"SELECT *\nFROM t WHERE a = $1");
}

#[test]
fn a_statement_is_joined_with_its_duration() {
    let told = odd();
    let run = find(&told, "pg_sleep");
    assert_eq!(run.elapsed, Duration::from_secs(2));
    assert_eq!((&*run.user, &*run.database), ("app", "shop"));
}

#[test]
fn a_plan_and_spilled_bytes_belong_to_their_run() {
    let told = odd();
    let access = find(&told, "ORDER BY a").access.clone().unwrap();
    assert_eq!(access.temp_bytes, Some(1500));
    assert_eq!(access.filesort_on_disk, Some(true));
    assert_eq!(access.plan.unwrap().len(), 2);
}

#[test]
fn a_plan_without_a_run_is_one() {
    let told = odd();
    let run = find(&told, "alone");
    assert_eq!(run.elapsed, Duration::from_millis(5));
    assert_eq!(run.access.as_ref().unwrap().full_scan, Some(true));
}

#[test]
fn a_cancelled_statement_is_told_without_a_time_that_nobody_knows() {
    let told = odd();
    let run = find(&told, "SELECT slow");
    assert_eq!(
        run.outcome,
        Outcome::Cancelled {
            code: "57014".into()
        }
    );
    assert_eq!(run.elapsed, Duration::ZERO);
    assert_eq!(&*run.sql, b"SELECT slow\nFROM t");
}

#[test]
fn parameters_are_dropped() {
    assert!(
        odd()
            .iter()
            .all(|entry| !String::from_utf8_lossy(&entry.sql).contains("secret"))
    );
}

#[test]
fn a_severity_inside_a_statement_is_text() {
    let told = odd();
    assert_eq!(
        &*find(&told, "two lines").sql,
        b"SELECT 'ERROR:  nothing',\n\n'two lines'"
    );
}

#[test]
fn the_three_framings_tell_the_same() {
    let csv = "2026-11-21 10:00:05.000 UTC,\"app\",\"shop\",8,\"10.0.0.1:55\",s,1,\"SELECT\",2026-11-21 10:00:00 UTC,,0,ERROR,57014,\"canceling statement due to statement timeout\",,,,,,\"SELECT \"\"slow\"\"\nFROM t\",,,\"x\",\"y\",,0\n";
    let json = "{\"timestamp\":\"2026-11-21 10:00:05.000 UTC\",\"user\":\"app\",\"dbname\":\"shop\",\"pid\":8,\"remote_host\":\"10.0.0.1\",\"error_severity\":\"ERROR\",\"state_code\":\"57014\",\"message\":\"canceling statement due to statement timeout\",\"statement\":\"SELECT \\\"slow\\\"\\nFROM t\"}\n";
    let stderr = "2026-11-21 10:00:05.000 UTC:10.0.0.1(55):app@shop:[8]:ERROR:  canceling statement due to statement timeout\n2026-11-21 10:00:05.000 UTC:10.0.0.1(55):app@shop:[8]:STATEMENT:  SELECT \"slow\"\n\tFROM t\n";
    let by_csv = read(Framing::Csv, csv).0;
    let by_json = read(Framing::Json, json).0;
    let by_stderr = read(Framing::Stderr(Prefix::new(None)), stderr).0;
    assert_eq!(by_csv.len(), 1);
    assert_eq!(format!("{by_csv:?}"), format!("{by_json:?}"));
    assert_eq!(format!("{by_csv:?}"), format!("{by_stderr:?}"));
}

#[test]
fn a_record_that_never_closes_its_quote_does_not_swallow_the_rest() {
    let row = |sql: &str| {
        format!(
            "2026-11-21 10:00:05.000 UTC,\"a\",\"b\",8,\"h:1\",s,1,\"\",2026-11-21 10:00:00 UTC,,0,LOG,00000,\"duration: 1.0 ms  statement: {sql}\",,,,,,,,,\"x\",\"y\",,0\n"
        )
    };
    let good = row("SELECT 1");
    let cut = &good[..good.len() - 40];
    let log = format!("{cut}\n{good}{good}");
    let (told, _, unparsed) = read(Framing::Csv, &log);
    assert_eq!(told.len(), 2);
    assert_eq!(unparsed, 1);
}

#[test]
fn the_fastest_run_is_the_coverage_until_the_log_states_one() {
    let run =
        "2026-11-21 10:00:05.000 UTC [8] a@b LOG:  duration: 250.000 ms  statement: SELECT 1\n";
    let (_, parser, _) = read(Framing::Stderr(Prefix::new(None)), run);
    assert_eq!(parser.coverage().known_by, CoverageSource::Observed);
    let change = "2026-11-21 10:00:06.000 UTC [1] LOG:  parameter \"log_min_duration_statement\" changed to \"100ms\"\n";
    let (_, parser, _) = read(
        Framing::Stderr(Prefix::new(None)),
        &format!("{run}{change}"),
    );
    assert_eq!(parser.coverage().known_by, CoverageSource::Stated);
    assert_eq!(
        parser.coverage().slower_than,
        Some(Duration::from_millis(100))
    );
}

#[test]
fn a_quiet_log_tells_its_last_record() {
    let mut parser = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
    let mut told = 0;
    let log =
        "2026-11-21 10:00:05.000 UTC [8] a@b LOG:  duration: 250.000 ms  statement: SELECT 1\n";
    parser.parse(log.as_bytes(), Next::More, &mut |_| told += 1);
    assert_eq!(told, 0);
    parser.parse(log.as_bytes(), Next::Quiet, &mut |_| told += 1);
    assert_eq!(told, 1);
}

/// As version 15 writes a transaction of `pgbench --protocol=extended`: a portal closes as the next one opens.
const TRANSACTION: &str = "\
2026-11-21 10:00:00.300 UTC [9] a@b LOG:  duration: 0.300 ms  parse <unnamed>: select * from t order by n
2026-11-21 10:00:00.301 UTC [9] a@b LOG:  duration: 0.200 ms  bind <unnamed>: select * from t order by n
2026-11-21 10:00:00.360 UTC [9] a@b LOG:  duration: 53.500 ms  execute <unnamed>: select * from t order by n
2026-11-21 10:00:00.361 UTC [9] a@b LOG:  duration: 0.200 ms  parse <unnamed>: select * from t order by n
2026-11-21 10:00:00.362 UTC [9] a@b LOG:  duration: 53.400 ms  plan:
	Query Text: select * from t order by n
	Sort  (cost=9.0..9.0 rows=50000 width=14) (actual rows=50000 loops=1)
	  Sort Key: n
	  Sort Method: external merge  Disk: 1264kB
	  ->  Seq Scan on t  (cost=0.00..771.00 rows=50000 width=14) (actual rows=50000 loops=1)
2026-11-21 10:00:00.362 UTC [9] a@b LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp9.0\", size 1294336
2026-11-21 10:00:00.362 UTC [9] a@b STATEMENT:  select * from t order by n
2026-11-21 10:00:00.363 UTC [9] a@b LOG:  duration: 0.100 ms  bind <unnamed>: select * from t order by n
2026-11-21 10:00:00.364 UTC [8] a@b LOG:  duration: 9.000 ms  execute S_1/C_1: select open from t
2026-11-21 10:00:00.420 UTC [9] a@b LOG:  duration: 55.000 ms  execute <unnamed>: select * from t order by n
2026-11-21 10:00:00.421 UTC [9] a@b LOG:  duration: 0.030 ms  parse <unnamed>: commit
2026-11-21 10:00:00.421 UTC [9] a@b LOG:  duration: 54.900 ms  plan:
	Query Text: select * from t order by n
	Seq Scan on t  (cost=0.00..771.00 rows=50000 width=14) (actual rows=50000 loops=1)
2026-11-21 10:00:00.422 UTC [9] a@b LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp9.1\", size 1000
2026-11-21 10:00:00.422 UTC [9] a@b STATEMENT:  commit
2026-11-21 10:00:00.423 UTC [9] a@b LOG:  duration: 0.300 ms  bind <unnamed>: commit
2026-11-21 10:00:00.424 UTC [9] a@b LOG:  duration: 0.020 ms  execute <unnamed>: commit
2026-11-21 10:00:00.425 UTC [8] a@b LOG:  duration: 1.000 ms  execute fetch from S_1/C_1: select open from t
2026-11-21 10:00:00.426 UTC [8] a@b LOG:  duration: 2.000 ms  bind S_2: select beside from t
2026-11-21 10:00:00.427 UTC [8] a@b LOG:  duration: 3.000 ms  execute S_2: select beside from t
2026-11-21 10:00:09.000 UTC [8] a@b LOG:  duration: 9.900 ms  plan:
	Query Text: select open from t
	Seq Scan on t  (cost=0.00..771.00 rows=5 width=14) (actual rows=5 loops=1)
";

fn stderr(log: &str) -> Vec<Entry<'static>> {
    read(Framing::Stderr(Prefix::new(None)), log).0
}

#[test]
fn a_plan_that_follows_its_run_belongs_to_it() {
    let told = stderr(TRANSACTION);
    let sorts: Vec<_> = told
        .iter()
        .filter(|e| e.sql.starts_with(b"select *"))
        .collect();
    assert_eq!(sorts.len(), 2);
    let bytes = |e: &Entry<'_>| e.access.as_ref().and_then(|a| a.temp_bytes);
    assert_eq!(bytes(sorts[0]), Some(1_294_336));
    assert_eq!(bytes(sorts[1]), Some(1000));
    assert!(sorts.iter().all(|e| e.rows.examined == Some(50_000)));
    assert_eq!(sorts[1].elapsed, Duration::from_micros(55_300));
    assert_eq!(find(&told, "commit").access, None);
}

#[test]
fn a_portal_that_stays_open_is_one_run_whenever_its_plan_comes() {
    let told = stderr(TRANSACTION);
    assert_eq!(find(&told, "open").elapsed, Duration::from_millis(10));
    assert_eq!(find(&told, "beside").elapsed, Duration::from_millis(5));
    assert_eq!(told.len(), 5);
}

#[test]
fn a_pause_and_a_restart_at_any_record_tell_every_run_once() {
    let expected = stderr(TRANSACTION).len();
    let ends = TRANSACTION.match_indices('\n').map(|(at, _)| at + 1);
    for stop in ends {
        for pause in [Next::More, Next::Quiet] {
            let mut told = 0;
            let mut first = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
            let seen = first.parse(&TRANSACTION.as_bytes()[..stop], pause, &mut |_| told += 1);
            let checkpoint = seen.consumed - usize::try_from(seen.held).unwrap();
            let mut second = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
            second.restore(&first.context());
            second.parse(
                &TRANSACTION.as_bytes()[checkpoint..],
                Next::End,
                &mut |_| {
                    told += 1;
                },
            );
            // a quiet log may cut a record in two
            if TRANSACTION[stop..].starts_with('\t') && pause == Next::Quiet {
                continue;
            }
            assert_eq!(told, expected, "{pause:?} at {stop}");
        }
    }
}

/// Run times that were counted of a log, with a pause and a restart in between and without a restart.
fn counted(log: &str, stop: usize, pause: Next) -> [String; 2] {
    let (log, shown) = (log.as_bytes(), |parser: &Postgres| {
        format!("{:?}", parser.sessions.threshold)
    });
    let mut first = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
    let seen = first.parse(&log[..stop], pause, &mut |_| {});
    let checkpoint = seen.consumed - usize::try_from(seen.held).unwrap();
    let mut second = Postgres::new(Framing::Stderr(Prefix::new(None)), &Options::default());
    second.restore(&first.context());
    second.parse(&log[checkpoint..], Next::End, &mut |_| {});
    first.parse(&log[seen.consumed..], Next::End, &mut |_| {});
    [shown(&second), shown(&first)]
}

#[test]
fn a_restart_at_any_record_counts_no_run_time_again() {
    for (at, _) in TRANSACTION.match_indices('\n') {
        let [restarted, whole] = counted(TRANSACTION, at + 1, Next::More);
        assert_eq!(restarted, whole, "at {at}");
    }
}

#[test]
fn a_plan_that_was_told_in_a_pause_is_not_counted_again_after_a_restart() {
    let plan = "2026-11-21 10:00:00.100 UTC [9] a@b LOG:  duration: 5.000 ms  plan:\n\
        \tQuery Text: update t set a = 1\n\tResult  (cost=0.0..1.0 rows=1 width=4)\n";
    let other =
        "2026-11-21 10:00:00.200 UTC [9] a@b LOG:  duration: 7.000 ms  statement: select 1\n";
    let [restarted, whole] = counted(&format!("{plan}{other}"), plan.len(), Next::Quiet);
    assert_eq!(restarted, whole);
}

#[test]
fn a_plan_that_was_told_while_its_commit_lasted_is_no_second_run() {
    let plan = "2026-11-21 10:00:00.100 UTC [9] a@b LOG:  duration: 5.000 ms  plan:\n\
        \tQuery Text: update t set a = 1\n\tResult  (cost=0.0..1.0 rows=1 width=4)\n";
    let run = "2026-11-21 10:00:03.100 UTC [9] a@b LOG:  duration: 3010.000 ms  statement: update t set a = 1\n";
    let later = run.replace(":03.100", ":09.100");
    assert_eq!(stderr(&format!("{plan}{run}")).len(), 1);
    assert_eq!(stderr(&format!("{plan}{run}{later}")).len(), 2);
}

#[test]
fn statements_of_one_message_are_told_once() {
    let plan = "2026-11-21 10:00:00.100 UTC [9] a@b LOG:  duration: 5.000 ms  plan:\n\
        \tQuery Text: select 1; select 2;\n\tResult  (cost=0.0..1.0 rows=1 width=4) (actual rows=1 loops=1)\n";
    let run = "2026-11-21 10:00:00.111 UTC [9] a@b LOG:  duration: 11.000 ms  statement: select 1; select 2;\n";
    let told = stderr(&format!("{plan}{plan}{run}"));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].elapsed, Duration::from_millis(11));
    assert_eq!(told[0].rows.returned, Some(2));
}

#[test]
fn a_limit_is_told_with_its_time_only_where_the_log_shows_the_start() {
    let record = |at: &str, text: &str| format!("2026-11-21 10:00:{at} UTC [9] a@b {text}\n");
    let cut = "ERROR:  canceling statement due to statement timeout";
    let statement = "STATEMENT:  select slow";
    let log = [
        record("00.000", "LOG:  duration: 1.0 ms  statement: select 1"),
        record("01.010", cut),
        record("01.010", statement),
        record("20.000", "LOG:  statement: select slow"),
        record("21.000", cut),
        record("21.000", statement),
    ];
    let told = stderr(&log.concat());
    assert_eq!(told[1].elapsed, Duration::ZERO);
    assert_eq!(told[2].elapsed, Duration::from_secs(1));
}

const LOCKS: &str = "\
2026-11-21 10:00:01.000 UTC [7] app@shop/web LOG:  process 7 still waiting for ShareLock on transaction 739 after 1000.000 ms
2026-11-21 10:00:01.000 UTC [7] app@shop/web DETAIL:  Process holding the lock: 8. Wait queue: 7.
2026-11-21 10:00:01.000 UTC [7] app@shop/web CONTEXT:  while updating tuple (0,1) in relation \"a\"
2026-11-21 10:00:01.000 UTC [7] app@shop/web STATEMENT:  UPDATE a SET n = 1 WHERE id = 1
2026-11-21 10:00:05.000 UTC [7] app@shop/web LOG:  process 7 acquired ShareLock on transaction 739 after 5000.000 ms
2026-11-21 10:00:05.000 UTC [7] app@shop/web STATEMENT:  UPDATE a SET n = 1 WHERE id = 1
2026-11-21 10:00:06.000 UTC [9] app@shop/web ERROR:  deadlock detected
2026-11-21 10:00:06.000 UTC [9] app@shop/web DETAIL:  Process 9 waits for ShareLock on transaction 741; blocked by process 8.
\tProcess 8 waits for ShareLock on transaction 740; blocked by process 9.
\tProcess 9: UPDATE b SET n = 1
\tProcess 8: UPDATE a SET n = 1
2026-11-21 10:00:06.000 UTC [9] app@shop/web HINT:  See server log for query details.
2026-11-21 10:00:06.000 UTC [9] app@shop/web STATEMENT:  UPDATE b SET n = 1
2026-11-21 10:00:07.000 UTC [10] [unknown]@[unknown]/web FATAL:  sorry, too many clients already
";

#[test]
fn waits_and_deadlocks_are_told_with_who_had_a_part_in_them() {
    let (told, ..) = read(Framing::Stderr(Prefix::new(None)), LOCKS);
    let errors: Vec<_> = told.iter().filter_map(|e| e.error.as_deref()).collect();
    let shown: Vec<_> = errors
        .iter()
        .map(|e| {
            (
                e.class,
                &*e.code,
                e.parties.len(),
                e.waited.as_secs(),
                e.counted,
                e.alone,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (ErrorClass::LockWait, "", 1, 1, false, true),
            (ErrorClass::LockWait, "", 0, 4, true, true),
            (ErrorClass::Deadlock, "40P01", 2, 0, false, false),
            (ErrorClass::ConnectionRefused, "53300", 0, 0, false, true),
        ]
    );
    assert_eq!(&*told[0].sql, b"UPDATE a SET n = 1 WHERE id = 1");
}

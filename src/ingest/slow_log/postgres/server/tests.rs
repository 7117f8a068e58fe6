use super::*;
use crate::ingest::slow_log::postgres::{Framing, Postgres, Prefix};
use crate::ingest::slow_log::{Next, Options, Parser};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_process_that_dies_is_told_from_one_that_ends() {
    let crashed = |text: &str| match read(text.as_bytes()) {
        Some(Told::Crashed(_, number)) => Some(number),
        _ => None,
    };
    assert_eq!(
        crashed("server process (PID 7) was terminated by signal 9: Killed"),
        Some(9)
    );
    assert_eq!(
        crashed("checkpointer process (PID 7) was terminated by signal 11: Segmentation fault"),
        Some(11)
    );
    assert_eq!(
        crashed("server process (PID 7) exited with exit code 2"),
        Some(2)
    );
    let launcher =
        "background worker \"logical replication launcher\" (PID 7) exited with exit code 1";
    assert_eq!(crashed(launcher), None);
    assert_eq!(crashed("archive command was terminated by signal 9"), None);
}

#[test]
fn checkpoints_tell_their_times_in_every_version() {
    let told = |text: &str| match read(text.as_bytes()) {
        Some(Told::Checkpoint(checkpoint)) => checkpoint,
        other => panic!("{other:?}"),
    };
    let old = told(
        "checkpoint complete: wrote 9 buffers (0.1%); 0 WAL file(s) added, 0 removed, 0 recycled; \
         write=2.101 s, sync=12.013 s, total=14.443 s; sync files=7, longest=10.008 s, average=0.004 s; distance=7 kB",
    );
    assert_eq!((old.longest, old.total), (14_443 * MS, 14_443 * MS));
    assert_eq!(
        (old.longest_write, old.longest_sync),
        (2_101 * MS, 12_013 * MS)
    );
    assert_eq!(old.longest_file, 10_008 * MS);
    let new = told(
        "restartpoint complete: wrote 9 buffers (0.1%), wrote 1 SLRU buffers; 0 WAL file(s) added; \
         write=0.5 s, sync=0.001 s, total=0.6 s; sync files=1, longest=0.001 s; distance=1 kB; lsn=0/1A, redo lsn=0/19",
    );
    assert_eq!(new.longest, 600 * MS);
}

#[test]
fn autovacuum_is_told_with_its_table_and_time() {
    let vacuum = b"automatic vacuum of table \"shop.public.t\": index scans: 0\n\
        system usage: CPU: user: 0.00 s, system: 0.00 s, elapsed: 55.25 s";
    assert_eq!(
        read(vacuum),
        Some(Told::Vacuumed(b"shop.public.t", 55_250 * MS))
    );
    let aggressive = b"automatic aggressive vacuum to prevent wraparound of table \"a.b.c\": index scans: 1\n elapsed: 1.50 s";
    assert!(matches!(
        read(aggressive),
        Some(Told::Vacuumed(b"a.b.c", _))
    ));
    let analyze = b"automatic analyze of table \"shop.public.t\" system usage: CPU: user: 0.00 s, system: 0.00 s, elapsed: 0.01 s";
    assert_eq!(
        read(analyze),
        Some(Told::Analyzed(b"shop.public.t", 10 * MS))
    );
    assert_eq!(read(b"automatic vacuum of table \"cut"), None);
}

/// As version 15 writes it when a process is killed, and then all of the server is.
const CRASHES: &str = "\
2026-11-22 11:26:42.931 UTC [1] LOG:  server process (PID 7) was terminated by signal 9: Killed
2026-11-22 11:26:42.931 UTC [1] DETAIL:  Failed process was running: select pg_sleep(30), 'secret' from t
2026-11-22 11:26:42.931 UTC [1] LOG:  terminating any other active server processes
2026-11-22 11:26:42.933 UTC [1] LOG:  all server processes terminated; reinitializing
2026-11-22 11:26:42.986 UTC [9] LOG:  database system was interrupted; last known up at 2026-11-22 11:02:40 UTC
2026-11-22 11:26:46.070 UTC [9] LOG:  database system was not properly shut down; automatic recovery in progress
2026-11-22 11:26:46.090 UTC [1] LOG:  database system is ready to accept connections
2026-11-22 11:29:00.000 UTC [2] LOG:  database system was not properly shut down; automatic recovery in progress
2026-11-22 11:29:01.000 UTC [2] LOG:  database system is ready to accept connections
2026-11-22 11:29:02.000 UTC [2] LOG:  could not fork new process for connection: Resource temporarily unavailable
2026-11-22 11:29:03.000 UTC [3] LOG:  could not write temporary statistics file \"pg_stat_tmp/db_0.tmp\": No space left on device
2026-11-22 11:29:04.000 UTC [4] app@shop LOG:  server process (PID 7) was terminated by signal 9: Killed
2026-11-22 11:29:05.000 UTC [4] app@shop LOG:  duration: 1.000 ms  statement: select 1
";

#[test]
fn crashes_are_told_once_with_what_ran_and_by_the_server_alone() {
    let mut parser = Postgres::new(
        Framing::Stderr(Prefix::new(Some("%m [%p] %q%u@%d "))),
        &Options::default(),
    );
    let mut told = Vec::new();
    parser.parse(CRASHES.as_bytes(), Next::End, &mut |entry| {
        if let Some(error) = &entry.error {
            let sql = String::from_utf8_lossy(&entry.sql).into_owned();
            told.push((error.class, error.code.to_string(), sql));
        }
    });
    let failed = |class, code: &str, sql: &str| (class, code.to_owned(), sql.to_owned());
    assert_eq!(
        told,
        [
            failed(
                ErrorClass::Crash,
                "signal 9",
                "select pg_sleep(30), 'secret' from t"
            ),
            failed(ErrorClass::Crash, "recovery", ""),
            failed(ErrorClass::ConnectionRefused, "53000", ""),
            failed(ErrorClass::Resource, "53100", ""),
        ]
    );
    let upkeep = parser.upkeep();
    assert_eq!((upkeep.crashes, upkeep.starts), (2, 2));
}

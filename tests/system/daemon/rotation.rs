//! Files that are renamed, copied and truncated, or appear late.

use std::path::Path;
use std::time::Duration;

use super::log::{Entry, Log, config, count};
use super::records;
use crate::support::daemon::Daemon;
use crate::support::wait_for;

fn expect(daemon: &Daemon, text: &str, runs: u64) {
    let mut seen = 0;
    wait_for(&format!("count {runs} of {text}"), || {
        seen = count(daemon, text);
        (seen == runs).then_some(())
    });
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(count(daemon, text), runs, "it stays so");
}

/// A format of logs, and one run in it.
#[derive(Clone, Copy)]
struct Format {
    config: fn(&Path) -> String,
    run: fn(&str) -> String,
}

const MARIADB: Format = Format {
    config,
    run: |sql| Entry::quick(sql).text(),
};

/// The run is told by several records.
const POSTGRES: Format = Format {
    config: |path| config(path).replace("mysql-slow", "postgres-stderr"),
    run: |sql| {
        let execute = format!("duration: 0.300 ms  execute <unnamed>: {sql}");
        records::stderr(&[
            (
                71,
                "LOG",
                &format!("duration: 0.200 ms  bind <unnamed>: {sql}"),
            ),
            (71, "DETAIL", "Parameters: $1 = '7'"),
            (71, "LOG", &execute),
            (71, "DETAIL", "Parameters: $1 = '7'"),
        ])
    },
};

fn is_read_on_after_a_rename(format: Format) {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("slow.log");
    let mut old = Log::create(path.clone());
    let daemon = Daemon::new(&(format.config)(&path)).start();
    old.write((format.run)("SELECT p FROM pears WHERE id = 1"));
    // It is being followed now; nobody goes looking for rotated files of a log that was never read.
    expect(&daemon, "pears", 1);
    (0..50).for_each(|_| old.write((format.run)("SELECT a FROM apples WHERE id = 1")));
    std::fs::rename(&path, dir.path().join("slow.log.1")).expect("a file can be renamed");
    (0..30).for_each(|_| old.write((format.run)("SELECT a FROM apples WHERE id = 2")));
    let mut new = Log::create(path);
    (0..20).for_each(|_| new.write((format.run)("SELECT a FROM apples WHERE id = 3")));
    expect(&daemon, "apples", 100);
    wait_for("word of the next file", || {
        daemon
            .log()
            .contains("the next file of the log")
            .then_some(())
    });
}

#[test]
fn a_renamed_log_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    is_read_on_after_a_rename(MARIADB);
}

#[test]
fn a_renamed_log_of_postgres_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    is_read_on_after_a_rename(POSTGRES);
}

/// The daemon is dead while the log is copied and truncated.
fn is_read_on_after_copytruncate(format: Format) {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("slow.log");
    let mut log = Log::create(path.clone());
    let mut daemon = Daemon::new(&(format.config)(&path)).start();
    (0..50).for_each(|_| log.write((format.run)("SELECT a FROM apples WHERE id = 1")));
    expect(&daemon, "apples", 50);
    daemon.kill();
    (0..30).for_each(|_| log.write((format.run)("SELECT a FROM apples WHERE id = 2")));
    std::fs::copy(&path, dir.path().join("slow.log.1")).expect("a file can be copied");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|f| f.set_len(0))
        .expect("a file can be truncated");
    (0..20).for_each(|_| log.write((format.run)("SELECT a FROM apples WHERE id = 3")));
    daemon.restart();
    expect(&daemon, "apples", 100);
}

#[test]
fn after_copytruncate_the_remainder_is_read_from_the_copy() {
    is_read_on_after_copytruncate(MARIADB);
}

#[test]
fn after_copytruncate_the_remainder_of_a_postgres_log_is_read_from_the_copy() {
    is_read_on_after_copytruncate(POSTGRES);
}

#[test]
fn a_truncation_without_a_copy_is_told() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("slow.log");
    let mut log = Log::create(path.clone());
    let daemon = Daemon::new(&config(&path)).start();
    (0..50).for_each(|_| log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1")));
    expect(&daemon, "apples", 50);
    std::fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|f| f.set_len(0))
        .expect("a file can be truncated");
    (0..20).for_each(|_| log.entry(Entry::quick("SELECT a FROM apples WHERE id = 3")));
    expect(&daemon, "apples", 70);
    assert!(daemon.log().contains("truncated"), "{}", daemon.log());
}

#[test]
fn a_log_that_appears_later_is_read_when_it_does() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("slow.log");
    let daemon = Daemon::new(&config(&path)).start();
    wait_for("word that the file is missing", || {
        daemon.log().contains("slow.log").then_some(())
    });
    let mut log = Log::create(path);
    (0..20).for_each(|_| log.entry(Entry::quick("SELECT a FROM apples WHERE id = 3")));
    expect(&daemon, "apples", 20);
    wait_for("word that it is followed now", || {
        daemon.log().contains("is followed now").then_some(())
    });
}

//! A server that writes and rotates while the file is read, by the file system's own clock.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::support::Rig;
use crate::ingest::tail::Start;
use crate::ingest::tail::file::LogFile;
use crate::ingest::tail::gathered::Gathered;
use crate::ingest::tail::reading::{Look, MakeParser, Reading};
use crate::model::time::Timestamp;

const ROTATIONS: usize = 12;
const ENTRIES_BETWEEN: usize = 60;

/// Between two rotations; the rest of a disk's work is done in less.
const PAUSE: Duration = Duration::from_millis(12);

/// A copy is seldom finished before somebody looks at it.
const SHORT_PAUSE: Duration = Duration::from_millis(2);

fn append(log: &mut File, number: &mut usize, pause: Duration) {
    for _ in 0..ENTRIES_BETWEEN {
        let entry = format!("#{number}\n{}\n", "x".repeat(*number % 700));
        log.write_all(entry.as_bytes()).unwrap();
        *number += 1;
    }
    next_tick(log, pause);
}

/// Waits until the clock that stamps files has moved on from the last write: files of one age have no order.
fn next_tick(log: &File, pause: Duration) {
    let last = log.metadata().unwrap().modified().unwrap();
    let later = || {
        thread::sleep(pause);
        let probe = tempfile::tempfile().unwrap();
        probe.metadata().unwrap().modified().unwrap() > last
    };
    while !later() {}
}

fn open(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true).open(path).unwrap()
}

fn rotate_by_renaming(path: &Path, pause: Duration) -> usize {
    let (mut log, mut number) = (open(path), 0);
    for rotation in 0..ROTATIONS {
        append(&mut log, &mut number, pause);
        fs::rename(path, path.with_extension(format!("log.{}", 100 - rotation))).unwrap();
        append(&mut log, &mut number, pause);
        log = open(path);
        append(&mut log, &mut number, pause);
    }
    number
}

fn rotate_by_copying(path: &Path, pause: Duration) -> usize {
    let (mut log, mut number) = (open(path), 0);
    for rotation in 0..ROTATIONS {
        append(&mut log, &mut number, pause);
        fs::copy(path, path.with_extension(format!("log.{}", 100 - rotation))).unwrap();
        log.set_len(0).unwrap();
        append(&mut log, &mut number, pause);
    }
    number
}

/// Polls as fast as it can, or with rests in which several rotations happen.
fn follow(rotate: fn(&Path, Duration) -> usize, pause: Duration, rest: Duration) {
    let mut rig = Rig::new(Start::Beginning);
    drop(rig.try_poll());
    let path = rig.path("slow.log");
    let server = thread::spawn(move || rotate(&path, pause));
    while !server.is_finished() {
        // a file may be renamed between two looks at it; the next look finds it
        drop(rig.try_poll());
        thread::sleep(rest);
    }
    let written = server.join().unwrap();
    rig.settle();
    let told = rig.told();
    let numbers: Vec<_> = told.iter().filter_map(|e| e.lines().next()).collect();
    let expected: Vec<_> = (0..written).map(|n| format!("#{n}")).collect();
    let lost: Vec<_> = expected
        .iter()
        .filter(|n| !numbers.contains(&n.as_str()))
        .collect();
    assert!(
        numbers == expected,
        "{} of {written}, lost {lost:?}, told as lost {}",
        numbers.len(),
        rig.gap()
    );
    assert_eq!(rig.gap(), 0);
}

#[test]
fn a_file_that_is_truncated_between_its_choice_and_its_first_look_is_not_taken_for_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slow.log");
    fs::write(&path, "#0\n").unwrap();
    let file = LogFile::open(&path).unwrap();
    let mut reading = Reading::from_start(file, String::new()).with_head(b"#0\n".to_vec());
    fs::write(&path, "#1\n").unwrap();
    let (mut make, mut horizon): (MakeParser, _) = (Box::new(|_| None), Timestamp::EPOCH);
    let look = reading.look(&mut make, &mut horizon, &mut Gathered::default());
    assert_eq!(look.unwrap(), Look::Replaced);
    assert_eq!(horizon, Timestamp::EPOCH);
}

#[test]
fn renaming_under_a_fast_reader_loses_nothing() {
    follow(rotate_by_renaming, PAUSE, Duration::ZERO);
}

#[test]
fn renaming_under_a_slow_reader_loses_nothing() {
    follow(rotate_by_renaming, PAUSE, Duration::from_millis(90));
}

#[test]
fn copying_under_a_fast_reader_loses_nothing() {
    follow(rotate_by_copying, PAUSE, Duration::ZERO);
}

#[test]
fn copying_under_a_slow_reader_loses_nothing() {
    follow(rotate_by_copying, PAUSE, Duration::from_millis(90));
}

#[test]
fn rotations_that_follow_each_other_at_once_lose_and_double_nothing() {
    for rest in [Duration::ZERO, Duration::from_millis(7)] {
        follow(rotate_by_renaming, SHORT_PAUSE, rest);
        follow(rotate_by_copying, SHORT_PAUSE, rest);
    }
}

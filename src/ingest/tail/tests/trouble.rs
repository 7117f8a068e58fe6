//! Paths that cannot be read, time that passes, and the thread.

use std::fs::{self, Permissions};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::support::Rig;
use crate::clock::Clock;
use crate::ingest::IngestError;
use crate::ingest::intake::{DEFAULT_BUDGET, Intake};
use crate::ingest::tail::{Start, Tail};
use crate::model::time::Timestamp;

#[test]
fn a_file_that_appears_later_is_told_from_its_beginning() {
    let mut rig = Rig::new(Start::End);
    assert!(rig.try_poll().unwrap_err().is_missing());
    rig.append("slow.log", "#0\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n"]);
}

#[test]
fn a_file_that_appears_while_the_process_is_down_is_told_from_its_beginning() {
    let mut rig = Rig::new(Start::End);
    assert!(rig.try_poll().unwrap_err().is_missing());
    rig.crash(rig.batches.len());
    rig.append("slow.log", "#0\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n"]);
}

#[test]
fn a_directory_that_is_not_mounted_yet_after_a_restart_costs_nothing() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    rig.settle();
    rig.rename("slow.log", "elsewhere");
    rig.crash(rig.batches.len());
    assert!(rig.try_poll().unwrap_err().is_missing());
    rig.rename("elsewhere", "slow.log");
    rig.append("slow.log", "#1\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n", "#1\n"]);
}

#[test]
fn a_directory_and_a_pipe_are_named_as_what_they_are() {
    let mut rig = Rig::new(Start::End);
    fs::create_dir(rig.path("slow.log")).unwrap();
    assert!(matches!(rig.try_poll(), Err(IngestError::Directory(_))));
    fs::remove_dir(rig.path("slow.log")).unwrap();
    std::os::unix::fs::symlink("/dev/null", rig.path("slow.log")).unwrap();
    assert!(matches!(rig.try_poll(), Err(IngestError::NotAFile(_))));
}

#[test]
fn a_permission_that_is_granted_later_heals() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    fs::set_permissions(rig.path("slow.log"), Permissions::from_mode(0o000)).unwrap();
    // the superuser reads it all the same
    if let Err(error) = rig.try_poll() {
        assert!(matches!(error, IngestError::Permission(_)));
    }
    fs::set_permissions(rig.path("slow.log"), Permissions::from_mode(0o644)).unwrap();
    rig.settle();
    assert_eq!(rig.told(), ["#0\n"]);
}

#[test]
fn an_empty_file_waits_and_an_unknown_format_is_told() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "");
    rig.poll();
    rig.append("slow.log", "what is this?\n");
    assert!(matches!(rig.try_poll(), Err(IngestError::UnknownFormat(_))));
}

#[test]
fn idle_time_is_told_once_a_second_and_not_while_an_entry_waits() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    rig.poll();
    assert!(rig.batches.iter().all(|b| b.mark.idle_at.is_none()));
    rig.settle();
    let idle = rig.batches.iter().filter(|b| b.mark.idle_at.is_some());
    assert_eq!(idle.count(), 12);
}

#[test]
fn a_clock_that_was_set_back_delays_nothing() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.settle();
    rig.append("slow.log", "#1\n");
    rig.poll();
    rig.now = Timestamp::from_unix_secs(10);
    rig.settle();
    assert_eq!(rig.told(), ["#0\n", "#1\n"]);
    let idle = rig.batches.iter().filter(|b| b.mark.idle_at.is_some());
    assert!(idle.count() > 20);
}

#[test]
fn a_parser_that_never_finds_an_entry_loses_bytes_and_not_the_memory() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.append("slow.log", &"x".repeat(4 << 20));
    rig.poll();
    assert!(rig.gap() >= 1 << 20);
}

#[test]
fn a_log_is_followed_behind_more_than_what_tells_a_format() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append(
        "slow.log",
        &("?".repeat((256 << 10) - 1)
            + "
#0
"),
    );
    rig.settle();
    assert_eq!(
        rig.told(),
        ["#0
"]
    );
    assert_eq!(rig.gap(), (256 - 32) << 10);
}

#[test]
fn a_thread_follows_a_file_and_stops_when_told() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    let (intake, mut outputs) = Intake::new(NonZeroUsize::MIN, DEFAULT_BUDGET);
    let stop = CancellationToken::new();
    let tail = Tail {
        follower: rig.follower,
        path: "slow.log".into(),
        poll_interval: Duration::from_secs(60),
        clock: Clock::system(),
    };
    let told_to = stop.clone();
    let thread = thread::spawn(move || tail.run(&intake, &told_to));
    let first = outputs[0].blocking_recv().unwrap();
    assert!(first.batch.mark.checkpoint.is_some());
    stop.cancel();
    thread.join().unwrap().unwrap();
}

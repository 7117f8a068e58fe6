//! The rotations that tools make, one by one.

use std::fs;
use std::time::Duration;

use super::support::Rig;
use crate::ingest::tail::Start;

#[test]
fn a_first_start_at_the_end_tells_only_what_comes_later() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#old\n");
    rig.poll();
    rig.append("slow.log", "#new\n");
    rig.settle();
    assert_eq!(rig.told(), ["#new\n"]);
}

#[test]
fn a_first_start_at_the_beginning_tells_what_is_there_as_backlog() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#old\n#older\n");
    rig.poll();
    rig.append("slow.log", "#new\n");
    rig.settle();
    assert_eq!(rig.told(), ["#old\n", "#older\n", "#new\n"]);
    let backlog: Vec<_> = rig
        .batches
        .iter()
        .filter(|b| !b.entries.is_empty())
        .map(|b| b.mark.backlog)
        .collect();
    assert_eq!(backlog, [true, false, false]);
}

#[test]
fn a_first_start_at_the_end_in_the_middle_of_an_entry_waits_for_the_next_one() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#cut\nbody");
    rig.poll();
    rig.append("slow.log", " goes on\n#whole\n");
    rig.settle();
    assert_eq!(rig.told(), ["#whole\n"]);
}

#[test]
fn a_partial_last_line_waits() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#a\nSELECT ");
    rig.poll();
    assert!(rig.told().is_empty());
    rig.append("slow.log", "1\n#b\n");
    rig.poll();
    assert_eq!(rig.told(), ["#a\nSELECT 1\n"]);
}

#[test]
fn the_last_entry_is_told_after_half_a_second_of_silence() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#a\n");
    rig.poll();
    rig.now = rig.now.plus(Duration::from_millis(498));
    rig.poll();
    assert!(rig.told().is_empty());
    rig.poll();
    assert_eq!(rig.told(), ["#a\n"]);
}

#[test]
fn what_the_server_still_writes_to_a_renamed_file_is_told_before_the_new_file() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.rename("slow.log", "slow.log.1");
    rig.append("slow.log", "");
    rig.poll();
    rig.append("slow.log.1", "#1\n");
    rig.poll();
    rig.append("slow.log.1", "#2\n");
    rig.append("slow.log", "#3\n");
    rig.settle();
    assert_eq!(rig.told(), ["#1\n", "#2\n", "#3\n"]);
}

#[test]
fn a_log_that_was_truncated_and_outgrew_its_old_length_is_read_from_the_copy_and_anew() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.append("slow.log", "#1\n");
    rig.copytruncate("slow.log.1");
    rig.append("slow.log", "#2 is longer than all that was there\n");
    rig.settle();
    assert_eq!(
        rig.told(),
        ["#1\n", "#2 is longer than all that was there\n"]
    );
    assert_eq!(rig.gap(), 0);
}

#[test]
fn a_truncation_without_a_copy_goes_on_at_the_beginning() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0\n#00\n");
    rig.poll();
    rig.truncate();
    rig.append("slow.log", "#1\n");
    rig.settle();
    assert_eq!(rig.told(), ["#1\n"]);
}

#[test]
fn a_hole_of_nul_bytes_left_by_a_writer_that_does_not_append_is_no_obstacle() {
    use std::os::unix::fs::FileExt;
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.copytruncate("slow.log.1");
    let writer = fs::OpenOptions::new()
        .write(true)
        .open(rig.path("slow.log"));
    let writer = writer.unwrap();
    writer.write_all_at(b"\n#1\n", 3).unwrap();
    rig.touch(&writer);
    rig.settle();
    assert_eq!(rig.told(), ["#1\n"]);
}

#[test]
fn a_compressed_file_that_was_never_read_is_a_gap() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.rename("slow.log", "slow.log.2");
    rig.append("slow.log.1.gz", "0123456789");
    rig.append("slow.log", "#1\n");
    rig.settle();
    assert_eq!(rig.told(), ["#1\n"]);
    assert_eq!(rig.gap(), 10);
}

#[test]
fn a_rotated_file_that_the_server_writes_to_late_is_not_read_again() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.rename("slow.log", "slow.log.1");
    rig.append("slow.log", "#1\n");
    rig.settle();
    rig.append("slow.log.1", "#late\n");
    rig.rename("slow.log", "slow.log.0");
    rig.append("slow.log", "#2\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n", "#1\n", "#2\n"]);
}

#[test]
fn a_log_deleted_and_made_anew_is_read_to_its_end_and_then_anew() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#0\n");
    rig.poll();
    let log = rig.open("slow.log");
    fs::remove_file(rig.path("slow.log")).unwrap();
    rig.write(&log, b"#1\n");
    rig.append("slow.log", "#2\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n", "#1\n", "#2\n"]);
}

#[test]
fn a_link_that_moves_to_the_file_of_the_next_day_is_followed() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log.20261120", "#0\n");
    std::os::unix::fs::symlink("slow.log.20261120", rig.path("slow.log")).unwrap();
    rig.poll();
    rig.append("slow.log.20261120", "#1\n");
    rig.append("slow.log.20261121", "#2\n");
    fs::remove_file(rig.path("slow.log")).unwrap();
    std::os::unix::fs::symlink("slow.log.20261121", rig.path("slow.log")).unwrap();
    rig.settle();
    assert_eq!(rig.told(), ["#1\n", "#2\n"]);
}

#[test]
fn a_restart_finds_the_renamed_file_although_its_name_is_taken() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0\n");
    rig.poll();
    rig.append("slow.log", "#1\n");
    rig.rename("slow.log", "slow-20261121.log");
    rig.append("slow.log", "#2\n");
    rig.crash(rig.batches.len());
    rig.settle();
    assert_eq!(rig.told(), ["#1\n", "#2\n"]);
}

#[test]
fn a_restart_does_not_take_a_new_file_with_the_old_inode_for_the_old_one() {
    let mut rig = Rig::new(Start::End);
    rig.append("slow.log", "#0 and some more\n");
    rig.poll();
    rig.truncate();
    rig.append("slow.log", "#1 is another file by now\n");
    rig.crash(rig.batches.len());
    rig.settle();
    assert_eq!(rig.told(), ["#1 is another file by now\n"]);
}

/// PostgreSQL's own rotation: each file has a name of its own, and none is renamed.
#[test]
fn the_files_of_a_pattern_are_followed_one_after_the_other() {
    for crashes in [false, true] {
        let mut rig = Rig::of_pattern("postgresql-*.log", Start::End);
        rig.append("postgresql-1.log", "#old\n");
        rig.poll();
        rig.append("postgresql-1.log", "#0\n");
        rig.settle();
        if crashes {
            rig.crash(rig.batches.len());
        }
        rig.append("postgresql-1.log", "#1\n");
        rig.append("postgresql-2.log", "#2\n");
        rig.append("postgresql-3.log", "#3\n");
        rig.append("other.log", "#4\n");
        rig.settle();
        rig.append("postgresql-3.log", "#5\n");
        rig.settle();
        assert_eq!(rig.told(), ["#0\n", "#1\n", "#2\n", "#3\n", "#5\n"]);
        assert_eq!(rig.gap(), 0);
    }
}

#[test]
fn a_pattern_waits_for_its_first_file() {
    let mut rig = Rig::of_pattern("postgresql-*.log", Start::End);
    assert!(rig.try_poll().unwrap_err().is_missing());
    rig.append("postgresql-Sat.log", "#0\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n"]);
}

#[test]
fn a_copy_that_is_still_being_made_is_not_read_beside_the_log() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#1\n#2\n");
    rig.poll();
    rig.copytruncate("slow.log.2");
    rig.append("slow.log", "#3\n#4\n");
    // the next rotation has begun, and has not truncated yet
    rig.append("slow.log.1", "#3\n");
    rig.poll();
    rig.append("slow.log.1", "#4\n");
    rig.truncate();
    rig.append("slow.log", "#5\n");
    rig.settle();
    assert_eq!(rig.told(), ["#1\n", "#2\n", "#3\n", "#4\n", "#5\n"]);
}

#[test]
fn a_copy_that_a_person_made_is_not_read_after_the_log_was_renamed() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "#1\n#2\n");
    rig.settle();
    rig.append("slow.log.20261121", "#1\n#2\n");
    rig.rename("slow.log", "slow.log.1");
    rig.append("slow.log", "#3\n");
    rig.settle();
    assert_eq!(rig.told(), ["#1\n", "#2\n", "#3\n"]);
}

/// Two clusters of one server, or one that writes two formats.
#[test]
fn files_of_a_pattern_that_are_all_written_to_are_read_once() {
    for crashes in [false, true] {
        let mut rig = Rig::of_pattern("postgresql-*", Start::End);
        for name in [
            "postgresql-15.log",
            "postgresql-16.log",
            "postgresql-16.csv",
        ] {
            rig.append(name, "#old\n");
        }
        rig.poll();
        let mut expected = Vec::new();
        for turn in 0..6 {
            for name in [
                "postgresql-15.log",
                "postgresql-16.log",
                "postgresql-16.csv",
            ] {
                let entry = format!("#{turn} of {name}\n");
                rig.append(name, &entry);
                expected.push(entry);
            }
            rig.settle();
            if crashes {
                rig.crash(rig.batches.len());
            }
        }
        let mut told = rig.told();
        told.sort();
        expected.sort();
        assert_eq!(told, expected, "{crashes}");
        assert_eq!(rig.gap(), 0);
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_entry() {
    let mut rig = Rig::new(Start::Beginning);
    rig.append("slow.log", "\u{feff}#0\n");
    rig.settle();
    assert_eq!(rig.told(), ["#0\n"]);
}

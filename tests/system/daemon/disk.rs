//! A disk that is full: the daemon says so, lives, loses nothing, and goes on when there is room.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::log::{Entry, Log, count};
use crate::support::daemon::Daemon;
use crate::support::wait_for;

const FULL: &str = "the store cannot write";
const WELL: &str = "the store writes again";
/// Entries that need more room than is left, several times over.
const MOST: u64 = 10_000;

/// A small file system of its own, where one may be mounted, else a limit on the size of a file.
struct Disk {
    folder: tempfile::TempDir,
    is_mounted: bool,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::TempDir::new().expect("a temporary directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "sqleuth-test"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        println!("a file system of its own: {is_mounted}");
        Self { folder, is_mounted }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// A daemon whose store is on it.
    fn daemon(&self, config: &str) -> Daemon {
        let store = format!("SQLEUTH__STORE__PATH={}", self.store().display());
        // Beyond the limit a write shall fail, not kill.
        Daemon::new(config)
            .under(&["env", "--ignore-signal=XFSZ", &store])
            .start()
    }

    fn fill(&self, daemon: &mut Daemon) {
        if self.is_mounted {
            let mut filler =
                std::fs::File::create(self.folder.path().join("filler")).expect("there is room");
            let filled = std::io::copy(&mut std::io::repeat(1), &mut filler);
            assert!(filled.is_err(), "the disk is full");
        } else {
            limit(daemon, "4096");
        }
    }

    fn free(&self, daemon: &mut Daemon) {
        if self.is_mounted {
            std::fs::remove_file(self.folder.path().join("filler")).expect("it was made");
        } else {
            limit(daemon, "unlimited");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _unmounted = Command::new("umount")
                .arg("--lazy")
                .arg(self.folder.path())
                .status();
        }
    }
}

fn limit(daemon: &mut Daemon, bytes: &str) {
    let pid = daemon.process().pid().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status();
    assert!(
        limited.is_ok_and(|status| status.success()),
        "a limit can be set"
    );
}

/// Writes many different statements until the daemon has to say that its disk is full.
fn write_until_full(log: &mut Log, daemon: &Daemon) -> u64 {
    let mut written = 0;
    wait_for(FULL, || {
        // It may be slow to find out; what it must remember in the meantime has an end.
        let more = if written < MOST { 200 } else { 0 };
        for _ in 0..more {
            let sql = format!("SELECT a FROM apples WHERE column_{written} = 1");
            log.entry(Entry::quick(&sql));
            written += 1;
        }
        std::thread::sleep(Duration::from_millis(100));
        daemon.log().contains(FULL).then_some(())
    });
    println!("{written} entries until the disk was full");
    written
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost_once_there_is_room() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut log = Log::create(dir.path().join("slow.log"));
    let disk = Disk::new();
    let mut daemon = disk.daemon(&log.config());
    log.entry(Entry::quick("SELECT p FROM pears WHERE id = 1"));
    wait_for("entry", || (count(&daemon, "pears") == 1).then_some(()));
    disk.fill(&mut daemon);
    let written = write_until_full(&mut log, &daemon);
    assert_eq!(
        count(&daemon, "pears"),
        1,
        "what was stored is still served"
    );
    assert!(daemon.process().is_running());
    let is_ready = |daemon: &Daemon| daemon.get("/readyz").is_some_and(|(code, _)| code == 200);
    wait_for("readiness to end", || (!is_ready(&daemon)).then_some(()));
    let log = daemon.log();
    let (told, store) = (log.lines().find(|line| line.contains(FULL)), disk.store());
    let told = told.unwrap_or_default();
    assert!(
        told.contains("disk") && told.contains(&store.display().to_string()),
        "{told}"
    );

    disk.free(&mut daemon);
    wait_for(WELL, || daemon.log().contains(WELL).then_some(()));
    wait_for("readiness", || is_ready(&daemon).then_some(()));
    wait_for("every entry", || {
        (total(&daemon) == written + 1).then_some(())
    });
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
}

#[test]
fn a_stop_with_a_full_disk_ends_and_the_log_is_read_again() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut log = Log::create(dir.path().join("slow.log"));
    let disk = Disk::new();
    let mut daemon = disk.daemon(&log.config());
    disk.fill(&mut daemon);
    let written = write_until_full(&mut log, &daemon);
    daemon.process().signal("TERM");
    let code = daemon.process().wait();
    assert!(matches!(code, Some(1 | 2)), "{code:?}: {}", daemon.log());
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());

    if disk.is_mounted {
        disk.free(&mut daemon);
    }
    daemon.restart();
    wait_for("every entry", || (total(&daemon) == written).then_some(()));
}

/// Runs of every statement.
fn total(daemon: &Daemon) -> u64 {
    let mut total = 0;
    let mut page = "queries?from=1h&limit=1000".to_owned();
    loop {
        let answer = daemon.api(&page);
        let rows = answer["items"].as_array().cloned().unwrap_or_default();
        total += rows
            .iter()
            .map(|row| row["count"].as_u64().unwrap_or(0))
            .sum::<u64>();
        match answer["next"].as_str() {
            Some(next) => page = format!("queries?from=1h&limit=1000&cursor={next}"),
            None => return total,
        }
    }
}

//! Logs that are broken in the ways that real ones are.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::log::{Entry, Log, config, count};
use crate::support::daemon::Daemon;
use crate::support::{is_root, wait_for};

/// Writes `damage` between two entries and expects both of them, and a daemon that lives.
fn survives(damage: &[u8]) -> Daemon {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut log = Log::create(dir.path().join("slow.log"));
    let mut daemon = Daemon::new(&log.config()).start();
    log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1"));
    log.write(damage);
    log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1"));
    wait_for("both entries", || {
        (count(&daemon, "apples") == 2).then_some(())
    });
    assert!(daemon.process().is_running());
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    daemon
}

#[test]
fn a_log_that_starts_in_the_middle_of_an_entry() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut log = Log::create(dir.path().join("slow.log"));
    log.write("ders WHERE id = 3\n  AND note = 'x;\n# not a header'\n;\n");
    log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1"));
    let daemon = Daemon::new(&log.config()).start();
    wait_for("the entry", || {
        (count(&daemon, "apples") == 1).then_some(())
    });
}

#[test]
fn carriage_returns_before_line_ends() {
    let entry = Entry::quick("SELECT p FROM pears WHERE id = 1")
        .text()
        .replace('\n', "\r\n");
    let daemon = survives(entry.as_bytes());
    assert_eq!(count(&daemon, "pears"), 1);
}

#[test]
fn a_hole_of_nul_bytes() {
    survives(&vec![0; 300_000]);
}

#[test]
fn bytes_that_are_not_utf_8() {
    let text = Entry::quick("SELECT p FROM pears WHERE name = 'X'").text();
    let bytes: Vec<u8> = text
        .bytes()
        .map(|b| if b == b'X' { 0xFF } else { b })
        .collect();
    let daemon = survives(&bytes);
    assert_eq!(count(&daemon, "pears"), 1);
}

#[test]
fn a_statement_of_64_megabytes() {
    let list = "1234567,".repeat(8 << 20);
    let sql = format!("SELECT p FROM pears WHERE id IN ({list}1)");
    let daemon = survives(Entry::quick(&sql).text().as_bytes());
    assert_eq!(count(&daemon, "pears"), 1);
}

#[test]
fn an_empty_file_is_no_news() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let log = Log::create(dir.path().join("slow.log"));
    let mut daemon = Daemon::new(&log.config()).start();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
}

#[test]
fn a_directory_is_named_and_does_not_stop_the_daemon() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut daemon = Daemon::new(&config(dir.path())).start();
    let said = wait_for("message", || {
        let log = daemon.log();
        log.contains("directory").then_some(log)
    });
    assert!(said.contains(&dir.path().display().to_string()), "{said}");
    assert!(daemon.process().is_running());
}

/// As root, without the power to read what may not be read.
fn unprivileged(config: &str) -> Daemon {
    let daemon = Daemon::new(config);
    if !is_root() {
        return daemon;
    }
    let without = "-dac_override,-dac_read_search";
    daemon.under(&["setpriv", "--bounding-set", without, "--inh-caps", without])
}

#[test]
fn a_log_that_may_not_be_read_is_named_and_read_once_it_may() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let path = dir.path().join("slow.log");
    let mut log = Log::create(path.clone());
    let mode = |bits| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bits))
            .expect("the test owns the file");
    };
    mode(0o000);
    (0..5).for_each(|_| log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1")));
    let mut daemon = unprivileged(&log.config()).start();
    let said = wait_for("message", || {
        let log = daemon.log();
        log.contains("no permission to read").then_some(log)
    });
    assert!(said.contains(&path.display().to_string()), "{said}");
    assert!(daemon.process().is_running());
    mode(0o644);
    wait_for("every entry", || {
        (count(&daemon, "apples") == 5).then_some(())
    });
}

#[test]
fn a_store_that_may_not_be_written_is_named_and_refused() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let log = Log::create(dir.path().join("slow.log"));
    let closed = dir.path().join("closed");
    std::fs::create_dir(&closed).expect("the test's directory can be written");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500))
        .expect("the test owns the folder");
    let without = "-dac_override,-dac_read_search";
    let store = format!("SQLEUTH__STORE__PATH={}/store.db", closed.display());
    let mut wrapper = vec!["env", &store];
    if is_root() {
        wrapper.extend(["setpriv", "--bounding-set", without, "--inh-caps", without]);
    }
    let mut daemon = Daemon::new(&log.config()).under(&wrapper);
    daemon.launch();
    assert_eq!(daemon.process().wait(), Some(1));
    let said = daemon.log();
    assert!(said.contains("closed/store.db"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

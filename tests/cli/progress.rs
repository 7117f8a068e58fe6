//! A bar for whoever waits at a terminal, and nothing for a program.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{code, digest, file, name, run, slow_log, text};

/// A log that takes a while: two entries with a hole of 100 MiB between them.
fn long_log(dir: &TempDir) -> String {
    let entry = slow_log(&[("SELECT a FROM t WHERE b = 1", 0.5, 10)]);
    let path = file(dir, "slow.log", entry.as_bytes());
    let mut log = File::options()
        .append(true)
        .open(&path)
        .expect("the test wrote it");
    log.set_len(100 << 20).expect("a hole costs nothing");
    log.write_all(entry.as_bytes()).expect("it can be written");
    path
}

/// What a terminal is sent; `script` runs a command on one of its own.
fn on_a_terminal(command: &str) -> String {
    let output = Command::new("script")
        .args(["-qec", command, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("script is there");
    assert_eq!(code(&output), Some(0), "{}", text(&output.stdout));
    text(&output.stdout)
}

#[test]
fn a_terminal_is_shown_how_far_it_is_and_nothing_of_that_is_left() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = long_log(&dir);
    let binary = env!("CARGO_BIN_EXE_sqleuth");
    let shown = on_a_terminal(&format!("'{binary}' digest '{path}'"));
    let (progress, report) = shown
        .rsplit_once("\r\x1b[K")
        .expect("the line is taken back before the report");
    let lines: Vec<_> = progress
        .split("\r\x1b[K")
        .filter(|l| !l.is_empty())
        .collect();
    assert!(lines.len() >= 3, "{progress:?}");
    for line in &lines {
        assert!(line.starts_with(&format!("reading {path}: ")), "{line:?}");
        assert!(
            line.contains('█') && line.contains(" %, ") && line.ends_with(" left"),
            "{line:?}"
        );
    }
    let shares = lines
        .iter()
        .filter_map(|line| line.matches('█').count().into());
    let shares: Vec<usize> = shares.collect();
    assert!(
        shares.is_sorted() && shares.first() < shares.last(),
        "{shares:?}"
    );
    assert!(
        !report.contains("reading ") && report.contains("FROM t"),
        "{report}"
    );
}

#[test]
fn a_pipe_is_shown_no_progress() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = long_log(&dir);
    // digest() demands that nothing is said on standard error
    let report = digest(&[&path]);
    assert!(report["source"]["bytes"].as_u64() > Some(100 << 20));
    let output = run(&["digest", &path]);
    assert_eq!(text(&output.stderr), "");
    assert!(!text(&output.stdout).contains('\u{1b}'));
    // a file for the report and a terminal for the rest is a terminal for the progress
    let (binary, out) = (env!("CARGO_BIN_EXE_sqleuth"), dir.path().join("report"));
    let out = name(&out);
    let shown = on_a_terminal(&format!("'{binary}' digest '{path}' > '{out}'"));
    assert!(shown.contains("reading "), "{shown:?}");
    let report = std::fs::read_to_string(out).expect("the shell wrote it");
    assert!(
        report.contains("FROM t") && !report.contains('\u{1b}'),
        "{report}"
    );
}

//! Where the tools are wrong, each fault by itself: what they make of a log, and what is in it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Sums, our_sums, ours, pt_query_digest, unpacked};

const USER: &str = "# User@Host: app[app] @ web1 [10.0.0.7]\n";

/// An entry of a run of half a second that read ten rows.
fn entry(second: u64, sql: &str) -> String {
    format!(
        "{USER}# Query_time: 0.500000  Lock_time: 0.000010  Rows_sent: 1  Rows_examined: 10\n\
         SET timestamp={};\n{sql};\n",
        1_795_255_200 + second
    )
}

fn select(second: u64) -> String {
    entry(second, &format!("SELECT a FROM t WHERE id = {second}"))
}

fn written(dir: &TempDir, log: &str) -> PathBuf {
    let path = dir.path().join("slow.log");
    std::fs::write(&path, log).expect("the test's directory can be written");
    path
}

/// What we and `pt-query-digest` make of a log.
fn both(log: &Path) -> (Sums, Sums) {
    (our_sums(log), pt_query_digest(log))
}

fn assert_sums(sums: &Sums, runs: u64, seconds: f64, rows_examined: u64) {
    assert_eq!(
        (sums.runs, sums.rows_examined),
        (runs, rows_examined),
        "{sums:?}"
    );
    assert!((sums.seconds - seconds).abs() < 1e-6, "{sums:?}");
}

#[test]
fn what_follows_a_use_is_lost_by_pt_query_digest_and_not_by_us() {
    let dir = TempDir::new().expect("a temporary directory");
    let change = |second| entry(second, "use shop").replace("0.500000", "0.000100");
    let log = [select(1), change(2), select(3), change(4), select(5)].concat();
    let (we, they) = both(&written(&dir, &log));
    // Two changes of the database read ten rows each in this log, as no server writes it.
    assert_sums(&we, 5, 1.5002, 50);
    // It takes the header behind a `use` for a part of it.
    assert!(they.runs < 5, "{they:?}");
}

#[test]
fn lines_of_windows_are_one_entry_to_pt_query_digest_and_all_of_them_to_us() {
    let dir = TempDir::new().expect("a temporary directory");
    let log: String = (1..=5).map(select).collect();
    let (we, they) = both(&written(&dir, &log.replace('\n', "\r\n")));
    assert_sums(&we, 5, 2.5, 50);
    assert_sums(&they, 1, 0.5, 10);
}

#[test]
fn a_run_time_that_wrapped_round_ruins_the_sums_of_pt_query_digest_and_not_ours() {
    let dir = TempDir::new().expect("a temporary directory");
    let wrapped = select(2).replace("0.500000", "18446744073709.550000");
    let (we, they) = both(&written(&dir, &[select(1), wrapped].concat()));
    assert_sums(&we, 2, 0.5, 20);
    assert!(they.seconds > 1e12, "{they:?}");
}

#[test]
fn a_log_without_times_of_its_own_has_a_span_by_its_timestamps() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = written(&dir, &(1..=5).map(select).collect::<String>());
    let (we, they) = both(&log);
    we.assert_like(&they);
    let source = &ours(&log)["source"];
    let span =
        [&source["from"], &source["to"]].map(|at| at.as_str().unwrap_or_default().to_owned());
    // A timestamp is the second in which a statement began; `pt-query-digest` tells no span of such a log.
    assert!(
        span[0].starts_with("2026-11-21T10:00:0") && span[0] < span[1],
        "{span:?}"
    );
}

#[test]
fn recorded_logs_of_mysql_come_to_the_sums_of_pt_query_digest() {
    let dir = TempDir::new().expect("a temporary directory");
    for fixture in ["mysql-5.6-recorded.log.xz", "mysql-9.7-recorded.log.xz"] {
        let log = unpacked(&dir, fixture);
        let (we, they) = both(&log);
        we.assert_like(&they);
        assert_eq!(we.shapes.len(), they.shapes.len(), "{fixture}");
    }
}

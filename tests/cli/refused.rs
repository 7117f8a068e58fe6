//! What is given and cannot be used is told, with what to do about it.

use std::io::Write;

use tempfile::TempDir;

use super::{code, file, logged, run, text};

const ERRORS: &str = "2026-11-22 11:23:01 0 [Note] mariadbd: ready for connections.\n\
     2026-11-22 11:25:01 6 [Warning] Access denied for user 'x'@'10.0.0.1' (using password: YES)\n";

fn packed(content: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(content).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

#[test]
fn an_error_log_is_no_slow_log_whatever_it_is_called() {
    let dir = TempDir::new().expect("a temporary directory");
    let errors = file(&dir, "error.log", ERRORS.as_bytes());
    let slow = logged(&dir, &[("SELECT 1", 1.0, 1)]);
    for (args, expected) in [
        (vec!["digest", &errors], 1),
        (vec!["digest", "--input", "mysql-slow", &errors], 1),
        (vec!["digest", &slow, &errors], 2),
        (vec!["digest", "--input", "mysql-slow", &slow, &errors], 2),
    ] {
        let output = run(&args);
        let told = text(&output.stderr);
        assert_eq!(code(&output), Some(expected), "{args:?}: {told}");
        assert!(
            told.contains("1 errors in 2 lines") && told.contains("[[log]]"),
            "{told}"
        );
    }
}

#[test]
fn a_schema_may_be_packed_and_one_without_a_table_is_told() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = logged(&dir, &[("SELECT a FROM t WHERE b = 1", 9.0, 900_000)]);
    let table = b"CREATE TABLE t (a int, b int, PRIMARY KEY (a));";
    let schema = file(&dir, "schema.sql.gz", &packed(table));
    let output = run(&["digest", "--schema", &schema, &log]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    for (name, content) in [("junk.sql", b"hello world".as_slice()), ("empty.sql", b"")] {
        let schema = file(&dir, name, content);
        let output = run(&["digest", "--schema", &schema, &log]);
        let told = text(&output.stderr);
        assert_eq!(code(&output), Some(2), "{told}");
        assert!(told.contains("no table") && told.contains(name), "{told}");
    }
}

#[test]
fn a_web_servers_log_is_no_log_of_a_database() {
    let dir = TempDir::new().expect("a temporary directory");
    let line = "10.0.0.1 - - [22/Nov/2026:11:00:00 +0000] \"GET /x?id=1 HTTP/1.1\" 200 123 \"-\" \"curl\"\n";
    let log = file(&dir, "access.log", line.repeat(50).as_bytes());
    let store = dir.path().join("s.db");
    let config = format!(
        "[store]\npath = {:?}\n[[log]]\npath = {log:?}\n",
        store.display().to_string()
    );
    let config = file(&dir, "c.toml", config.as_bytes());
    let output = run(&["check", &config]);
    assert_eq!(code(&output), Some(2));
    assert!(
        text(&output.stdout).contains("nothing in its beginning is known"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_list_of_nothing_is_not_asked_for() {
    let list: [&[&str]; 2] = [
        &["incidents", "--limit", "0"],
        &["digest", "--top", "0", "x"],
    ];
    for args in list {
        let output = run(args);
        assert_eq!(code(&output), Some(64));
        let told = text(&output.stderr);
        assert!(told.contains("whole number from 1"), "{told}");
    }
}

#[test]
fn a_store_that_cannot_be_written_is_told_before_it_is_run() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = logged(&dir, &[("SELECT 1", 1.0, 1)]);
    // what even a superuser cannot write: folders in the place of files
    for name in ["s.db", "t.db.lock"] {
        std::fs::create_dir(dir.path().join(name)).expect("the test's directory can be written");
    }
    for (store, is_well) in [("s.db", false), ("t.db", false), ("u.db", true)] {
        let store = dir.path().join(store).display().to_string();
        let config = format!("[store]\npath = {store:?}\n[[slow_log]]\npath = {log:?}\n");
        let output = run(&["check", &file(&dir, "c.toml", config.as_bytes())]);
        let told = text(&output.stdout);
        assert_eq!(told.contains("MEND  store.path"), !is_well, "{told}");
        assert_eq!(code(&output), Some(if is_well { 0 } else { 2 }), "{told}");
    }
}

//! Values in the logs and the schema that `sqleuth digest` reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::postgres::{RECORDS, written};
use super::{CANARY, NUMBER, assert_clean, statements, with_canaries};
use crate::daemon::log::Entry;
use crate::daemon::records;

/// A dump with a canary wherever it can hold a value, read in part or not at all.
const SCHEMA: &str = "\
CREATE TABLE orders (
  id bigint NOT NULL AUTO_INCREMENT, a bigint DEFAULT '##' CHECK (a <> ##),
  note varchar(99) DEFAULT '@@' COMMENT '@@', kind enum('@@', 'b'), s set('@@') DEFAULT ('@@'),
  g varchar(9) GENERATED ALWAYS AS (concat(note, '@@')) STORED,
  PRIMARY KEY (id), CONSTRAINT c CHECK (note <> '@@'), KEY k (kind) COMMENT '@@'
) COMMENT='@@' PARTITION BY LIST COLUMNS (note) (PARTITION p VALUES IN ('@@'));
INSERT INTO orders VALUES (1, ##, '@@', '@@');
CREATE INDEX partial ON orders (note) WHERE note = '@@';
CREATE TABLE broken (note varchar(9) DEFAULT '@@' NOT VALID ## '@@;
ALTER TABLE orders ADD COLUMN x text DEFAULT '@@', ALTER note SET DEFAULT '@@';
CREATE TABLE '@@' (;
";

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).expect("the test's directory can be written");
    path
}

/// All that a digest of these logs in this form prints, on both streams.
fn printed(form: &str, schema: &Path, logs: &[PathBuf]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["digest", "--format", form, "--schema"])
        .arg(schema)
        .args(logs)
        .output()
        .expect("the binary runs");
    let report = String::from_utf8_lossy(&output.stdout);
    for wanted in ["orders", "full-scan"] {
        assert!(
            report.contains(wanted),
            "{wanted} is in the report: {report}"
        );
    }
    [output.stdout, output.stderr].concat()
}

#[test]
fn no_value_of_a_log_or_a_schema_is_in_a_digest_of_any_form() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let slow: String = statements()
        .iter()
        .flat_map(|sql| [Entry::scan(sql).text(), Entry::scan(sql).text()])
        .collect();
    let slow = slow.repeat(20);
    let schema = with_canaries(SCHEMA);
    for text in [&slow, &schema] {
        assert!(text.contains(CANARY) && text.contains(NUMBER));
    }
    let logs = [
        file(dir.path(), "slow.log", &slow),
        file(
            dir.path(),
            "pg.log",
            &written(&RECORDS, records::stderr).repeat(20),
        ),
        file(
            dir.path(),
            "pg.csv",
            &written(&RECORDS, records::csvlog).repeat(20),
        ),
        file(
            dir.path(),
            "pg.json",
            &written(&RECORDS, records::jsonlog).repeat(20),
        ),
    ];
    let schema = file(dir.path(), "schema.sql", &schema);
    for form in ["text", "md", "html", "json"] {
        assert_clean(form, &printed(form, &schema, &logs));
    }
}

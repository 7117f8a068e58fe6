//! Two times held against each other: did the fix help?

use serde_json::{Value, json};
use tempfile::TempDir;

use super::otlp::{SECRET, letters, recorded, recording};
use super::{code, file, fixture, name, run, slow_log, text};

fn compared(before: &str, after: &str) -> Value {
    let output = run(&[
        "compare", "--before", before, "--after", after, "--format", "json",
    ]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn change_of<'a>(report: &'a Value, part: &str) -> &'a Value {
    let statements = report["statements"].as_array().expect("a list");
    let is_it = |s: &&Value| s["template"].as_str().is_some_and(|t| t.contains(part));
    &statements
        .iter()
        .find(is_it)
        .expect("the statement is told")["change"]
}

#[test]
fn fifty_inserts_that_became_one_are_told_from_two_recordings() {
    let dir = TempDir::new().expect("a temporary directory");
    let before = file(
        &dir,
        "before.jsonl",
        recorded(&letters(20, 50, 12)).as_bytes(),
    );
    let after = file(
        &dir,
        "after.jsonl",
        recorded(&letters(20, 1, 24)).as_bytes(),
    );
    let report = compared(&before, &after);
    let operation = &report["operations"][0];
    assert_eq!(operation["operation"], "POST /letters");
    assert_eq!(operation["change"], "better");
    let ran = &operation["statements"][0];
    assert_eq!(ran["before"]["runs_per_request"], 50.0);
    assert_eq!(ran["after"]["runs_per_request"], 1.0);
    let share = |side: &str| ran[side]["share"].as_f64().expect("a number");
    assert!(
        (0.80..0.83).contains(&share("before")),
        "600 of 735 ms: {ran}"
    );
    assert!(
        (0.14..0.17).contains(&share("after")),
        "24 of 159 ms: {ran}"
    );
    // a run takes twice as long, and a request a twenty-fifth
    let statement = &report["statements"][0];
    assert_eq!(statement["change"], "better");
    assert_eq!(statement["judged_by"], "request");
    assert_eq!(report["findings"]["gone"][0]["detector"], "insert-loop");
    assert_eq!(report["findings"]["new"], json!([]));
    let back = compared(&after, &before);
    assert_eq!(back["operations"][0]["change"], "worse");
    assert_eq!(back["findings"]["new"][0]["detector"], "insert-loop");
}

#[test]
fn the_table_for_people_tells_both_sides_and_no_value() {
    let dir = TempDir::new().expect("a temporary directory");
    let before = file(
        &dir,
        "before.jsonl",
        recorded(&letters(20, 50, 12)).as_bytes(),
    );
    let after = file(
        &dir,
        "after.jsonl",
        recorded(&letters(20, 1, 24)).as_bytes(),
    );
    for (format, lang, parts) in [
        ("text", "en", ["50 -> 1", "better", "Gone: insert-loop"]),
        ("text", "ko", ["50 -> 1", "개선", "사라짐: insert-loop"]),
        (
            "md",
            "en",
            ["50 -&gt; 1", "| before | after |", "insert-loop"],
        ),
        ("md", "ko", ["50 -&gt; 1", "| 전 | 후 |", "insert-loop"]),
    ] {
        let args = ["compare", "--before", &before, "--after", &after];
        let output = run(&[&args[..], &["--format", format, "--lang", lang]].concat());
        let told = text(&output.stdout);
        assert!(
            parts.iter().all(|part| told.contains(part)),
            "{format} {lang}: {told}"
        );
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn statements_of_two_logs_are_new_gone_better_worse_or_the_same() {
    let dir = TempDir::new().expect("a temporary directory");
    let of = |entries: &[(&'static str, f64)]| {
        let entries: Vec<_> = entries
            .iter()
            .flat_map(|&(sql, seconds)| {
                (0..20).map(move |n| (sql, seconds + f64::from(n % 5) * 0.01, 10))
            })
            .collect();
        slow_log(&entries)
    };
    let before = of(&[
        ("SELECT a FROM faster WHERE id = 1", 2.0),
        ("SELECT a FROM slower WHERE id = 1", 0.5),
        ("SELECT a FROM even WHERE id = 1", 1.0),
        ("SELECT a FROM leaves WHERE id = 1", 1.0),
    ]);
    let after = of(&[
        ("SELECT a FROM faster WHERE id = 1", 0.2),
        ("SELECT a FROM slower WHERE id = 1", 1.5),
        ("SELECT a FROM even WHERE id = 1", 1.005),
        ("SELECT a FROM comes WHERE id = 1", 1.0),
    ]) + &slow_log(&[("SELECT a FROM rare WHERE id = 1", 1.0, 1)]);
    let before = before + &slow_log(&[("SELECT a FROM rare WHERE id = 1", 9.0, 1)]);
    let before = file(&dir, "before.log", before.as_bytes());
    let after = file(&dir, "after.log", after.as_bytes());
    let report = compared(&before, &after);
    for (table, change) in [
        ("faster", "better"),
        ("slower", "worse"),
        ("even", "same"),
        ("leaves", "gone"),
        ("comes", "new"),
        ("rare", "unclear"),
    ] {
        assert_eq!(*change_of(&report, table), change, "{table}");
    }
}

#[test]
fn nothing_has_changed_between_a_file_and_itself() {
    let recording = recording("node-pg.jsonl");
    let log = fixture("mariadb-10.11-plain.log.xz");
    for path in [name(&recording), name(&log)] {
        let report = compared(path, path);
        for part in ["statements", "operations"] {
            for row in report[part].as_array().expect("a list") {
                let is_quiet = row["change"] == "same" || row["change"] == "unclear";
                assert!(is_quiet && row["before"] == row["after"], "{row}");
            }
        }
        let found = &report["findings"];
        assert_eq!((&found["gone"], &found["new"]), (&json!([]), &json!([])));
    }
}

#[test]
fn a_side_that_cannot_be_read_is_a_failure_and_a_part_of_it_is_told() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = file(
        &dir,
        "slow.log",
        slow_log(&[("SELECT 1", 1.0, 1)]).as_bytes(),
    );
    let output = run(&["compare", "--before", &log, "--after", "missing.log"]);
    assert_eq!(code(&output), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("missing.log"));
    let output = run(&["compare", "--before", &log, "--after", &log, "missing.log"]);
    assert_eq!(code(&output), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("SELECT"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(code(&run(&["compare", "--before", &log])), Some(64));
}

//! From the bytes of a log to its report.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use serde_json::Value;
use sqleuth::cli::{self, Cli, Command};
use sqleuth::ingest::slow_log::Format;

/// Any bytes have a report in every form, and all that was read is in it.
///
/// The first byte chooses the format of the log and the form of the report.
pub fn digest(data: &[u8]) {
    let Some((choice, log)) = data.split_first() else {
        return;
    };
    let path = log_file();
    fs::write(&path, log).expect("there is room for a log");
    let format = Format::ALL[usize::from(choice % 4)].as_str();
    match choice / 4 % 4 {
        0 => drop(report(format, &["--format", "text"])),
        1 => drop(report(format, &["--format", "html", "--lang", "ko"])),
        2 => {
            let alone = report(format, &["--format", "json"]);
            assert_eq!(alone, report(format, &["--format", "json", "--jobs", "2"]));
        }
        _ => adds_up(&report(format, &["--format", "json"])),
    }
}

fn log_file() -> PathBuf {
    std::env::temp_dir().join(format!("sqleuth-fuzz-{}.log", std::process::id()))
}

fn report(format: &str, more: &[&str]) -> Vec<u8> {
    let path = log_file();
    let path = path
        .to_str()
        .expect("the place for temporary files is text");
    let words = ["sqleuth", "digest", "--input", format, path];
    let words = words.into_iter().chain(more.iter().copied());
    let Ok(Cli {
        command: Command::Digest(options),
    }) = Cli::try_parse_from(words)
    else {
        panic!("the words are right");
    };
    let mut out = Vec::new();
    let code = cli::digest(&options, &mut out);
    let code = code.expect("memory takes every report");
    assert!(
        !out.is_empty() || code == ExitCode::FAILURE,
        "a log that was read has a report"
    );
    out
}

/// Each run is a run of one statement, and no share or time is out of bounds.
fn adds_up(report: &[u8]) {
    if report.is_empty() {
        return;
    }
    let report: Value = serde_json::from_slice(report).expect("one document");
    let queries = report["queries"].as_array().expect("a list");
    let runs: u64 = queries.iter().filter_map(|q| q["count"].as_u64()).sum();
    assert_eq!(report["source"]["statements"], runs);
    for query in queries {
        let share = query["share"].as_f64().expect("a number");
        assert!((0.0..=1.000_001).contains(&share), "{query}");
        let time = |name: &str| query["time_s"][name].as_f64().expect("a number");
        assert!(
            time("min") <= time("max") && time("max") <= time("total"),
            "{query}"
        );
    }
}

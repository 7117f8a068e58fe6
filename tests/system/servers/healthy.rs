//! Applications that are well, on real servers: `digest` finds nothing in what they leave in the log.
//!
//! Each file of `tests/fixtures/healthy` is one: its tables, then the statements of each session, round after round,
//! with `{n%300}` for the number of the round.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::workload::Traffic;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::wait_for;

/// What begins the statements of a session.
const SESSION: &str = "-- session every ";

/// Statements of a log that are enough to judge by.
const ENOUGH: usize = 3_000;

/// Applications written for a server.
fn applications(server: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/healthy");
    let files = std::fs::read_dir(folder).expect("fixtures");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let ours = paths
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(&format!(".{server}.sql")));
    ours.map(|path| std::fs::read_to_string(path).expect("text"))
        .collect()
}

/// The statement of a round: `{n*20%5000}` is its number, times 20, less whole 5,000s.
fn filled(statement: &str, round: u64) -> String {
    let mut parts = statement.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((formula, rest)) = part.strip_prefix('n').and_then(|part| part.split_once('}'))
        else {
            write!(filled, "{{{part}").expect("a string takes all");
            continue;
        };
        let (factor, modulus) = formula.split_once('%').unwrap_or((formula, ""));
        let factor = factor.strip_prefix('*').map_or(1, number);
        let modulus = if modulus.is_empty() {
            u64::MAX
        } else {
            number(modulus)
        };
        let value = round * factor % modulus;
        write!(filled, "{value}{rest}").expect("a string takes all");
    }
    filled
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// Sets an application up and lets its sessions work.
fn work(
    application: &str,
    traffic: &mut Traffic,
    set_up: impl Fn(&str),
    session: impl Fn() -> Command,
) {
    let mut parts = application.split(SESSION);
    set_up(parts.next().expect("tables"));
    for part in parts {
        let (pace, statements) = part.split_once('\n').expect("a pace");
        let pace = number(pace.trim_end_matches(" ms"));
        let statements: Vec<String> = statements.lines().map(str::to_owned).collect();
        traffic.session(session(), Duration::from_millis(pace), move |n| {
            let count = u64::try_from(statements.len()).expect("few statements");
            let at = usize::try_from(n % count).expect("few statements");
            filled(statements[at].trim_end_matches(';'), n / count)
        });
    }
}

/// Waits until so many statements are in the log, each with one `mark`, and tells what is found in it.
fn found(log: &Path, mark: &str) -> Vec<String> {
    wait_for("enough statements", || {
        let log = std::fs::read(log).unwrap_or_default();
        let marks = String::from_utf8_lossy(&log).matches(mark).count();
        (marks >= ENOUGH).then_some(())
    });
    let out = Command::new(env!("CARGO_BIN_EXE_sqleuth"))
        .args(["digest", "--format", "json"])
        .arg(log)
        .output()
        .expect("sqleuth runs");
    let report: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let statements = report["source"]["statements"].as_u64();
    assert!(statements.is_some_and(|told| told > 50), "{report:#}");
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn applications_that_are_well_on_mariadb_are_no_finding() {
    let server = MariaDb::start(&["--long-query-time=0"]);
    let mut traffic = Traffic::new();
    for application in applications("mariadb") {
        let set_up = |tables: &str| {
            server.sql(&format!("SET SESSION slow_query_log = 0;\n{tables}"));
        };
        work(&application, &mut traffic, set_up, || server.session());
    }
    let found = found(&server.slow_log(), "# Query_time: ");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn applications_that_are_well_on_a_postgres_that_logs_plans_are_no_finding() {
    let server = Postgres::start(&[
        "log_destination=stderr",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
    ]);
    let applications = applications("postgres");
    let mut traffic = Traffic::new();
    for application in applications {
        let set_up = |tables: &str| {
            server.sql(tables);
        };
        let logged = || {
            let mut session = server.session();
            session.env(
                "PGOPTIONS",
                "-c log_min_duration_statement=0 -c auto_explain.log_min_duration=0",
            );
            session
        };
        work(&application, &mut traffic, set_up, logged);
    }
    let found = found(&server.log("log"), " duration: ");
    assert!(found.is_empty(), "{found:#?}");
}

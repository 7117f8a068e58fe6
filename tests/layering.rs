//! A stage imports only the stages before it, an outside crate stays behind its fence, and a file fits in the head.

use std::fs;
use std::path::{Path, PathBuf};

/// Stages in the order of the data; each may import those before it.
const STAGES: &[&str] = &[
    "model",
    "ingest",
    "normalise",
    "window",
    "detect",
    "enrich",
    "advise",
    "forecast",
    "incident",
    "store",
    "report",
    "alert",
    "forward",
    "serve",
];

/// Root modules that join the stages, and may import all of them.
const JOINS: &[&str] = &[
    "app",
    "cli",
    "config",
    "lib",
    "main",
    "telemetry",
    "topology",
    "demo",
    "digest",
];

/// Root modules that every stage may import.
const SHARED: &[&str] = &["clock", "metrics"];

/// Outside crates and the only places that may name them.
const FENCES: &[(&str, &[&str])] = &[
    ("sqlparser", &["normalise"]),
    ("axum", &["serve", "ingest/otlp_http"]),
    ("rusqlite", &["store"]),
    ("reqwest", &["alert", "forward"]),
    ("tonic", &["ingest", "forward", "telemetry"]),
    ("prost", &["ingest", "forward"]),
];

/// Lines of production code in one file.
const MAX_LINES: usize = 400;

/// One source file, without its tests.
struct Source {
    /// Below `src/`, for example `detect/full_scan.rs`.
    path: String,
    lines: Vec<String>,
}

impl Source {
    /// The first part of the path: a stage or a root module.
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the checkout is readable") {
            let path = entry.expect("the checkout is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let production = files.iter().filter(|path| !is_test(path));
    production.map(|path| read(&root, path)).collect()
}

/// Tests in files of their own are exempt.
fn is_test(path: &Path) -> bool {
    let is = |name: &str| path.components().any(|part| part.as_os_str() == name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    is("tests") || is("tests.rs") || stem.ends_with("_tests")
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("the checkout is readable");
    let below = path
        .strip_prefix(root)
        .expect("the checkout is readable")
        .to_string_lossy()
        .into_owned();
    let production = text.lines().take_while(|line| *line != "#[cfg(test)]");
    Source {
        path: below,
        lines: production.map(str::to_owned).collect(),
    }
}

/// Code without its comments; a link in a doc comment imports nothing.
fn code(line: &str) -> &str {
    let line = line.trim_start();
    if line.starts_with("//") { "" } else { line }
}

/// Root modules named by `crate::NAME` in a line, also in `crate::{a, b::c}`.
fn imported(line: &str) -> Vec<&str> {
    let paths = line.split("crate::").skip(1);
    paths
        .flat_map(|path| {
            let group = path
                .strip_prefix('{')
                .map(|g| g.trim_end_matches(['}', ';']));
            let names: Vec<&str> = group.map_or_else(|| vec![path], |g| g.split(',').collect());
            names.into_iter().map(first_word).collect::<Vec<_>>()
        })
        .collect()
}

fn first_word(path: &str) -> &str {
    let end = path
        .trim_start()
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let path = path.trim_start();
    &path[..end.unwrap_or(path.len())]
}

fn rank(module: &str) -> Option<usize> {
    STAGES.iter().position(|stage| *stage == module)
}

#[test]
fn a_stage_imports_only_stages_before_it() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module().to_owned();
        if JOINS.contains(&module.as_str()) {
            continue;
        }
        let own = rank(&module);
        let known = own.is_some() || SHARED.contains(&module.as_str());
        assert!(
            known,
            "src/{} belongs to no stage: add it to STAGES or JOINS",
            source.path
        );
        for (number, line) in source.lines.iter().enumerate() {
            for import in imported(code(line)) {
                let later = rank(import).is_some_and(|r| r > own.unwrap_or(0));
                if later || JOINS.contains(&import) {
                    wrong.push(format!(
                        "src/{}:{}: imports {import}",
                        source.path,
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_outside_crate_stays_behind_its_fence() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, places) in FENCES {
            let inside = places.iter().any(|place| source.path.starts_with(place));
            let named = |line: &String| names_crate(code(line), name);
            if !inside && source.lines.iter().any(named) {
                wrong.push(format!("src/{}: names {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names_crate(line: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let mut places = line.match_indices(&path).map(|(at, _)| at);
    places.any(|at| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn a_file_fits_in_the_head() {
    let long = sources()
        .into_iter()
        .filter(|source| source.lines.len() > MAX_LINES);
    let names: Vec<_> = long.map(|source| source.path).collect();
    assert!(names.is_empty(), "more than {MAX_LINES} lines: {names:?}");
}

#[test]
fn a_file_says_what_it_is_for() {
    let mute = |source: &Source| {
        !source
            .lines
            .first()
            .is_some_and(|line| line.starts_with("//!"))
    };
    let names: Vec<_> = sources()
        .into_iter()
        .filter(mute)
        .map(|source| source.path)
        .collect();
    assert!(names.is_empty(), "no module docs: {names:?}");
}

#[test]
fn imports_are_read_from_any_form() {
    assert_eq!(imported("use crate::model::time::Timestamp;"), ["model"]);
    assert_eq!(
        imported("use crate::{clock::Clock, store};"),
        ["clock", "store"]
    );
    assert!(names_crate("use axum::Router;", "axum"));
    assert!(!names_crate("use my_axum::Router;", "axum"));
}

//! Dashboards and alert rules speak only of metrics that exist, and the rules do what they say.
#![expect(
    clippy::panic,
    reason = "helpers of tests may panic; the switches of clippy.toml do not reach them"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqleuth::metrics::{Exposition, IngestLag, Metrics};
use sqleuth::model::finding::Severity;
use sqleuth::model::id::{FingerprintId, SourceId};

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{} has no {ending}", folder.display());
    found
}

/// Words of a text that look like metrics of ours, without the endings that a type adds.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("sqleuth_"))
        .map(|word| {
            let ends = ["_bucket", "_sum", "_count", "_total", "_info"];
            ends.iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word)
                .to_owned()
        })
        .collect()
}

/// Names of all metrics; families show only once they have a series.
fn known() -> BTreeSet<String> {
    let metrics = Metrics::new();
    let source = SourceId::new("slow_log:a");
    metrics.count_ingested(&source, 1);
    metrics.set_lag(
        &source,
        IngestLag {
            bytes: 0,
            age: Duration::ZERO,
        },
    );
    metrics.set_coverage(&source, Some(1.0));
    metrics.count_dropped("store", "disk-full", 1);
    metrics.set_findings(&[("full-scan".into(), Severity::Warning, 1)]);
    metrics.set_outbox_oldest("slack", Duration::ZERO);
    metrics.set_notifications("slack", &[("sent", 1)]);
    metrics.observe_top(&[(FingerprintId(1), Duration::from_secs(1))].into());
    let text = metrics.render(Exposition::OpenMetrics);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_in_dashboards_and_alerts_exists() {
    let known = known();
    for path in files("dashboards", ".json")
        .into_iter()
        .chain(files("alerts", ".rules.yml"))
    {
        let text = std::fs::read_to_string(&path).expect("a file of the repository");
        let used = metrics_in(&text);
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(
            !used.is_empty(),
            "{} uses none of our metrics",
            path.display()
        );
        assert!(
            unknown.is_empty(),
            "{} uses {unknown:?}, known are {known:?}",
            path.display()
        );
    }
}

#[test]
fn dashboards_name_no_data_source_of_their_own() {
    for path in files("dashboards", ".json") {
        let text = std::fs::read_to_string(&path).expect("a file of the repository");
        let dashboard: serde_json::Value =
            serde_json::from_str(&text).expect("a dashboard is JSON");
        for panel in dashboard["panels"]
            .as_array()
            .expect("a dashboard has panels")
        {
            assert_eq!(
                panel["datasource"]["uid"], "${datasource}",
                "{}",
                panel["title"]
            );
            assert!(
                panel["description"].is_string(),
                "{} says what it shows",
                panel["title"]
            );
        }
    }
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool")
        .args(arguments)
        .arg(file)
        .output()
        .expect("promtool (tests/run installs it)");
    assert!(
        output.status.success(),
        "{}: {}{}",
        file.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn alert_rules_are_well_formed() {
    for path in files("alerts", ".rules.yml") {
        promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &path);
    }
}

#[test]
fn alert_rules_fire_when_they_should_and_rest_when_they_should() {
    for path in files("alerts/tests", "_test.yml") {
        promtool(&["test", "rules"], &path);
    }
}

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::model::event::{DbTarget, Nesting, Origin, Outcome, RowCounts, TraceRef};
use crate::model::id::ServiceName;
use crate::model::sql::{Dialect, Parsed, Statement, StatementKind, Template};
use crate::model::time::Timestamp;

fn run(elapsed: Duration, weight: u32, trace: Option<u128>) -> QueryEvent {
    let statement = Statement {
        fingerprint: FingerprintId(1),
        loose: FingerprintId(1),
        template: Template::new("SELECT ?"),
        dialect: Dialect::Mysql,
        parsed: Parsed::Opaque {
            why: String::new(),
            kind: StatementKind::Select,
            tables: Vec::new(),
        },
        truncated: false,
    };
    QueryEvent {
        end: Timestamp::from_unix_millis(1_795_288_972_250),
        elapsed,
        lock: None,
        service: ServiceName::default(),
        target: DbTarget::default(),
        statement: Arc::new(statement),
        weight,
        nesting: Nesting::default(),
        parameters: 0,
        offset: None,
        rows: RowCounts::default(),
        bytes_sent: None,
        access: None,
        outcome: Outcome::Ok,
        user: Arc::from(""),
        client: Arc::from(""),
        trace: trace.map(|trace| TraceRef { trace, span: 1 }),
        origin: Origin::Log,
    }
}

fn busy() -> Metrics {
    let metrics = Metrics::new();
    let source = SourceId::new("slow_log:/var/log/\"odd\"\\name\n.log");
    metrics.observe_statements(&[
        run(Duration::from_millis(30), 10, Some(0xab)),
        run(Duration::from_secs(2), 1, None),
    ]);
    metrics.observe_top(&[(FingerprintId(7), Duration::from_secs(3))].into());
    metrics.count_ingested(&source, 4_096);
    metrics.set_lag(
        &source,
        IngestLag {
            bytes: 12,
            age: Duration::from_millis(1_500),
        },
    );
    metrics.set_coverage(&source, Some(0.5));
    metrics.count_unparsed(&source, 1);
    metrics.count_refused(&source);
    metrics.count_dropped("store", "exemplar", 2);
    metrics.set_findings(&[(Arc::from("full-scan"), Severity::Critical, 1)]);
    metrics.set_incidents(&[(IncidentState::Firing, Severity::Critical, 1)]);
    metrics.set_outbox_oldest("slack", Duration::from_secs(4));
    metrics.observe_commit(Duration::from_millis(3));
    metrics
}

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn a_sampled_run_counts_as_many() {
    let text = busy().render(Exposition::Classic);
    assert_eq!(value(&text, "sqleuth_statements_total"), Some(11.0));
    assert_eq!(value(&text, "sqleuth_statement_seconds_sum"), Some(2.3));
    assert_eq!(
        value(&text, "sqleuth_statement_seconds_bucket{le=\"0.05\"}"),
        Some(10.0)
    );
}

#[test]
fn only_openmetrics_has_exemplars_and_an_end_mark() {
    let metrics = busy();
    let open = metrics.render(Exposition::OpenMetrics);
    let exemplar = "# {trace_id=\"000000000000000000000000000000ab\"} 0.03 1795288972.250";
    assert!(open.contains(exemplar), "{open}");
    assert!(open.ends_with("# EOF\n"));
    let classic = metrics.render(Exposition::Classic);
    assert!(!classic.contains("trace_id") && !classic.contains("EOF"));
}

#[test]
fn a_coverage_that_is_not_known_any_more_is_not_shown() {
    let metrics = Metrics::new();
    let source = SourceId::new("slow_log:/var/log/slow.log");
    metrics.set_coverage(&source, Some(1.0));
    metrics.set_coverage(&source, None);
    let text = metrics.render(Exposition::Classic);
    assert!(!text.contains("sqleuth_ingest_coverage_ratio{"), "{text}");
}

#[test]
fn the_cheapest_statement_gives_its_series_to_a_much_costlier_one() {
    let metrics = Metrics::new();
    let full = (1..=50)
        .map(|n| (FingerprintId(n), Duration::from_secs(n)))
        .collect();
    metrics.observe_top(&full);
    metrics.observe_top(&[(FingerprintId(99), Duration::from_secs(30))].into());
    let text = metrics.render(Exposition::Classic);
    assert_eq!(
        value(
            &text,
            "sqleuth_top_statement_seconds_total{fingerprint=\"0000000000000063\"}"
        ),
        Some(30.0)
    );
    assert!(!text.contains("{fingerprint=\"0000000000000001\"}"));
}

#[test]
fn ten_thousand_statements_make_fifty_series_and_other() {
    let metrics = Metrics::new();
    let many = (0..10_000)
        .map(|n| (FingerprintId(n), Duration::from_millis(n)))
        .collect();
    metrics.observe_top(&many);
    let text = metrics.render(Exposition::Classic);
    assert_eq!(
        text.matches("sqleuth_top_statement_seconds_total{").count(),
        51
    );
}

#[test]
fn a_finding_that_is_over_goes_to_zero() {
    let metrics = busy();
    metrics.set_findings(&[]);
    let text = metrics.render(Exposition::Classic);
    let series = "sqleuth_findings{detector=\"full-scan\",severity=\"critical\"}";
    assert_eq!(value(&text, series), Some(0.0));
}

#[test]
fn openmetrics_is_chosen_only_when_asked_for() {
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    assert_eq!(Exposition::accepted(prometheus), Exposition::OpenMetrics);
    assert_eq!(Exposition::accepted("*/*"), Exposition::Classic);
    assert_eq!(
        Exposition::accepted("application/openmetrics-text;q=0"),
        Exposition::Classic
    );
}

#[test]
fn promtool_has_nothing_to_say_about_the_classic_text() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = promtool else {
        eprintln!("promtool is not installed: nothing was checked");
        return;
    };
    let text = busy().render(Exposition::Classic);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && complaint.is_empty(),
        "{complaint}\n{text}"
    );
}

#[test]
fn what_a_backend_rejects_of_what_it_takes_is_counted_by_items() {
    let metrics = Metrics::new();
    for rejected in [3, 7] {
        metrics.set_forwarded(&[("sent", 2)], (rejected, 10));
    }
    let text = metrics.render(Exposition::Classic);
    assert!(
        text.contains("sqleuth_forward_rejected_items_total 7"),
        "{text}"
    );
}

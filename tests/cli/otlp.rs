//! Files of OTLP, as a Collector's file exporter writes them and as users have them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqleuth::ingest::otlp::json::to_protobuf;
use sqleuth::ingest::otlp::json_schema::{METRICS, TRACES};
use tempfile::TempDir;

use super::{code, digest, file, name, run, run_with, text};

/// What no report may hold.
pub(crate) const SECRET: &str = "hunter2";

const MILLISECOND: u64 = 1_000_000;
pub(crate) const BEGIN: u64 = 1_795_341_600_000_000_000;

/// A recording of a real SDK.
pub(crate) fn recording(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/otlp").join(name)
}

fn text_of(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// One line of an exporter: these spans, sent by a service.
pub(crate) fn line(service: &str, spans: &[Value]) -> String {
    json!({"resourceSpans": [{
        "resource": {"attributes": [text_of("service.name", service), text_of("telemetry.sdk.language", "java")]},
        "scopeSpans": [{"scope": {"name": "io.opentelemetry.jdbc"}, "spans": spans}],
    }]})
    .to_string()
}

fn span(trace: u128, (id, parent): (u64, u64), (start, millis): (u64, u64), what: &Value) -> Value {
    let mut span = json!({
        "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + millis * MILLISECOND).to_string(),
    });
    if parent != 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    for (key, value) in what.as_object().expect("an object") {
        span[key] = value.clone();
    }
    span
}

fn query(sql: &str) -> Value {
    json!({"name": "INSERT letters", "kind": 3, "attributes": [
        text_of("db.system.name", "mysql"), text_of("db.namespace", "letters"), text_of("db.query.text", sql),
    ]})
}

/// Requests to `POST /letters`, each with so many inserts of so many milliseconds; the spans of the request itself come
/// last, as they end last.
pub(crate) fn letters(requests: u64, inserts: u64, millis: u64) -> Vec<Vec<Value>> {
    let request = |n: u64| {
        let (trace, root) = (u128::from(n) + 1, (n + 1) << 16);
        let start = BEGIN + n * 1_000 * MILLISECOND;
        let insert = |k: u64| {
            let sql = format!(
                "INSERT INTO letter_element (letter_id, kind) VALUES ({n}, '{SECRET} {k}')"
            );
            let from = start + (20 + k * millis) * MILLISECOND;
            span(trace, (root + 1 + k, root), (from, millis), &query(&sql))
        };
        let mut spans: Vec<Value> = (0..inserts).map(insert).collect();
        let what = json!({"name": "POST /letters", "kind": 2, "attributes": [
            text_of("http.request.method", "POST"), text_of("http.route", "/letters"),
        ]});
        spans.push(span(
            trace,
            (root, 0),
            (start, 20 + inserts * millis + 115),
            &what,
        ));
        spans
    };
    (0..requests).map(request).collect()
}

/// A recording of those requests, one request a line.
pub(crate) fn recorded(requests: &[Vec<Value>]) -> String {
    let lines = requests.iter().map(|spans| line("shop", spans) + "\n");
    lines.collect()
}

fn framed(lines: &str) -> Vec<u8> {
    let mut framed = Vec::new();
    for line in lines.lines() {
        let message = to_protobuf(line.as_bytes(), &TRACES).expect("it is a request");
        let length = u32::try_from(message.len()).expect("it is short");
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(&message);
    }
    framed
}

/// The parts of a report that say nothing of its files.
fn found(report: &Value) -> [&Value; 4] {
    ["queries", "findings", "operations", "errors"].map(|part| &report[part])
}

#[test]
fn a_loop_of_inserts_is_found_in_a_recording_and_told_by_its_operation() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = file(
        &dir,
        "traces.jsonl",
        recorded(&letters(20, 50, 12)).as_bytes(),
    );
    let report = digest(&[&path]);
    let query = &report["queries"][0];
    assert_eq!(
        (&query["count"], &query["origin"]),
        (&json!(1_000), &json!("span"))
    );
    let operation = &report["operations"][0];
    assert_eq!(operation["operation"], "POST /letters");
    assert_eq!(operation["requests"], 20);
    assert_eq!(operation["statements_per_request"], 50.0);
    assert_eq!(operation["findings"], json!(["insert-loop"]));
    let ran = &operation["statements"][0];
    assert_eq!(
        (&ran["runs_per_request"], &ran["most"]),
        (&json!(50.0), &json!(50))
    );
    let share = ran["share"].as_f64().expect("a number");
    assert!((0.80..0.83).contains(&share), "600 of 735 ms: {share}");
    let found = &report["findings"][0];
    assert_eq!(
        (&found["detector"], &found["operation"]),
        (&json!("insert-loop"), &json!("POST /letters"))
    );
    assert_eq!(found["fingerprint"], query["fingerprint"]);
}

#[test]
fn no_report_of_a_recording_holds_a_value() {
    let dir = TempDir::new().expect("a temporary directory");
    let mut lines = recorded(&letters(20, 50, 12));
    writeln!(
        lines,
        "{{\"resourceSpans\":[{{\"scopeSpans\":\"{SECRET}\"}}]}}"
    )
    .expect("memory takes it");
    let path = file(&dir, "traces.jsonl", lines.as_bytes());
    for format in ["text", "json", "md", "html"] {
        for lang in ["en", "ko"] {
            let output = run(&["digest", "--format", format, "--lang", lang, &path]);
            let told = text(&output.stdout) + &text(&output.stderr);
            assert!(told.contains("/letters"), "{format}: {told}");
            assert!(!told.contains(SECRET), "{format}: {told}");
        }
    }
}

#[test]
fn protobuf_json_lines_and_packed_files_of_the_same_spans_tell_the_same() {
    let dir = TempDir::new().expect("a temporary directory");
    let lines = recorded(&letters(5, 20, 12));
    let plain = file(&dir, "a.jsonl", lines.as_bytes());
    let expected = digest(&[&plain]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(lines.as_bytes()).expect("memory takes it");
    let others = [
        ("b.pb", framed(&lines)),
        ("c.jsonl.gz", gz.finish().expect("memory takes it")),
        (
            "d.zst",
            zstd::encode_all(&framed(&lines)[..], 3).expect("memory takes it"),
        ),
    ];
    for (name, content) in others {
        let other = digest(&[&file(&dir, name, &content)]);
        assert_eq!(found(&other), found(&expected), "{name}");
    }
    let piped = run_with(&["digest", "--format", "json", "-"], lines.as_bytes());
    let piped: Value = serde_json::from_slice(&piped.stdout).expect("one document");
    assert_eq!(found(&piped), found(&expected));
}

#[test]
fn a_trace_whose_spans_are_spread_over_files_is_one_whatever_their_order() {
    let dir = TempDir::new().expect("a temporary directory");
    let requests = letters(5, 20, 12);
    let whole = digest(&[&file(&dir, "whole.jsonl", recorded(&requests).as_bytes())]);
    let part = |of: &dyn Fn(&[Value]) -> Vec<Value>| {
        let spans: Vec<Vec<Value>> = requests.iter().map(|spans| of(spans)).collect();
        recorded(&spans)
    };
    let first = file(&dir, "first.jsonl", part(&|s| s[..7].to_vec()).as_bytes());
    let second = file(&dir, "second.jsonl", part(&|s| s[7..].to_vec()).as_bytes());
    for files in [[&first, &second], [&second, &first]] {
        for jobs in ["1", "2"] {
            let args = ["--jobs", jobs, files[0], files[1]];
            assert_eq!(found(&digest(&args)), found(&whole), "{args:?}");
        }
    }
}

#[test]
fn a_run_that_a_log_and_a_span_tell_of_is_part_of_the_shares_of_each() {
    let dir = TempDir::new().expect("a temporary directory");
    let traces = file(
        &dir,
        "traces.jsonl",
        recorded(&letters(5, 20, 12)).as_bytes(),
    );
    let mut log = String::new();
    for (request, insert) in (0..5).flat_map(|r| (0..20).map(move |i| (r, i))) {
        writeln!(
            log,
            "# User@Host: app[app] @ web1 []\n# Thread_id: 3  Schema: letters  QC_hit: No\n\
             # Query_time: 0.010000  Lock_time: 0.001000  Rows_sent: 0  Rows_examined: 7\n\
             SET timestamp={};\nINSERT INTO letter_element (letter_id, kind) VALUES ({request}, '{insert}');",
            BEGIN / 1_000_000_000 + request
        )
        .expect("memory takes it");
    }
    let log = file(&dir, "slow.log", log.as_bytes());
    let report = digest(&[&traces, &log]);
    let queries = report["queries"].as_array().expect("a list");
    assert_eq!(queries.len(), 2, "{queries:?}");
    for query in queries {
        assert_eq!(
            (&query["count"], &query["share"]),
            (&json!(100), &json!(1.0))
        );
    }
    assert_eq!(queries[0]["fingerprint"], queries[1]["fingerprint"]);
    let found = report["findings"].as_array().expect("a list");
    let insert_loop = found.iter().find(|f| f["detector"] == "insert-loop");
    let evidence = insert_loop.expect("the loop is found")["evidence"].to_string();
    assert!(
        evidence.contains("rows_examined") || evidence.contains("logged"),
        "{evidence}"
    );
    for format in ["text", "md", "html"] {
        let output = run(&["digest", "--format", format, &traces, &log]);
        let told = text(&output.stdout);
        assert!(
            told.contains("mysql-slow") && told.contains("otlp-json"),
            "{told}"
        );
    }
}

#[test]
fn only_what_ended_in_the_interval_that_was_asked_for_counts() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = file(
        &dir,
        "traces.jsonl",
        recorded(&letters(20, 5, 12)).as_bytes(),
    );
    let report = digest(&["--since", "10:00:10", &path]);
    assert_eq!(report["operations"][0]["requests"], 10);
    assert_eq!(report["source"]["outside"], 60);
}

#[test]
fn recordings_of_real_sdks_are_read_to_the_last_span() {
    for (recording_name, runs) in [
        ("python-sqlalchemy-postgresql.jsonl", 40),
        ("python-pymysql.jsonl", 20),
        ("node-pg.jsonl", 50),
        ("node-mysql2.jsonl", 20),
    ] {
        let report = digest(&[name(&recording(recording_name))]);
        assert_eq!(report["source"]["unparsed_entries"], 0, "{recording_name}");
        assert_eq!(report["source"]["opaque_statements"], 0, "{recording_name}");
        let statements = report["source"]["statements"].as_u64();
        assert!(statements >= Some(runs), "{recording_name}: {statements:?}");
        let operations = report["operations"].as_array().expect("a list");
        let is_route = |o: &Value| o["operation"] == "GET /orders/lazy";
        assert!(
            operations.iter().any(is_route),
            "{recording_name}: {operations:?}"
        );
    }
}

#[test]
fn a_torn_last_line_is_told_and_nothing_else_is_lost() {
    let dir = TempDir::new().expect("a temporary directory");
    let lines = recorded(&letters(5, 20, 12));
    let path = file(&dir, "cut.jsonl", &lines.as_bytes()[..lines.len() - 40]);
    let output = run(&["digest", "--format", "json", &path]);
    assert_eq!(code(&output), Some(0));
    let told = text(&output.stderr);
    assert!(
        told.contains("cut.jsonl, line 5: the file ends in the middle"),
        "{told}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(report["queries"][0]["count"], 80);
    assert_eq!(report["source"]["unparsed_entries"], 1);
}

#[test]
fn what_cannot_be_read_is_told_with_what_to_do() {
    let dir = TempDir::new().expect("a temporary directory");
    let jaeger = r#"{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"2"}]}]}"#;
    let half = &recorded(&letters(1, 20, 12))[..900];
    for (name, content, expected) in [
        ("jaeger.json", jaeger, "/api/v3/traces/ID"),
        ("half.json", half, "no request in"),
    ] {
        let path = file(&dir, name, content.as_bytes());
        let output = run(&["digest", &path]);
        let told = text(&output.stderr);
        assert_eq!(code(&output), Some(1), "{told}");
        assert!(told.contains(name) && told.contains(expected), "{told}");
    }
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"jvm.memory.used","gauge":{"dataPoints":[{"asInt":"7"}]}}]}]}]}"#;
    let bare = to_protobuf(metrics.as_bytes(), &METRICS).expect("it is a request");
    for (name, content) in [("metrics.jsonl", metrics.as_bytes()), ("metrics.pb", &bare)] {
        let output = run(&["digest", &file(&dir, name, content)]);
        let told = text(&output.stderr);
        assert_eq!(code(&output), Some(0), "{told}");
        assert!(told.contains("metrics alone"), "{told}");
    }
}

#[test]
fn errors_that_log_records_tell_stand_apart_from_those_of_spans() {
    let dir = TempDir::new().expect("a temporary directory");
    let record = json!({"resourceLogs": [{
        "resource": {"attributes": [text_of("service.name", "shop")]},
        "scopeLogs": [{"logRecords": [{"timeUnixNano": BEGIN.to_string(), "severityText": "ERROR",
            "body": {"stringValue": format!("java.sql.SQLException: Duplicate entry '{SECRET}' for key 'PRIMARY'")},
            "attributes": [text_of("exception.type", "java.sql.SQLIntegrityConstraintViolationException"),
                text_of("exception.message", &format!("Duplicate entry '{SECRET}' for key 'PRIMARY'"))]}]}],
    }]});
    let path = file(&dir, "logs.jsonl", format!("{record}\n").as_bytes());
    let report = digest(&[&path]);
    assert_eq!(report["errors"][0]["count"], 1, "{report}");
    assert!(!report.to_string().contains(SECRET), "{report}");
    let told = text(&run(&["digest", &path]).stdout);
    assert!(told.contains("otlp-json: 1 log record."), "{told}");
}

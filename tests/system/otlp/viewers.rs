//! What is found in traces is shown where viewers look: by Jaeger's API here, and by a span at the backend.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use super::FAST;
use super::sender::{Http, over_grpc, request};
use crate::support::daemon::Daemon;
use crate::support::wait_for;

/// Requests for a cart that each ask for thirty items, one after the other.
fn carts(requests: u64) -> ExportTraceServiceRequest {
    let mut all = request("item", 31 * requests);
    let spans = &mut all.resource_spans[0].scope_spans[0].spans;
    let ended = spans[0].end_time_unix_nano;
    for (at, span) in (0_u64..).zip(spans.iter_mut()) {
        let (cart, item) = (at / 31, at % 31);
        let began = ended - 400_000_000 + cart;
        span.trace_id = u128::from(ended + cart).to_be_bytes().to_vec();
        if item == 0 {
            entry(span, began);
            continue;
        }
        span.parent_span_id = (cart * 31 + 1).to_be_bytes().to_vec();
        span.start_time_unix_nano = began + item * 10_000_000;
        span.end_time_unix_nano = span.start_time_unix_nano + 9_000_000;
    }
    all
}

fn entry(span: &mut Span, began: u64) {
    "GET /cart".clone_into(&mut span.name);
    span.kind = 2;
    span.attributes.clear();
    span.start_time_unix_nano = began;
    span.end_time_unix_nano = began + 400_000_000;
}

/// JSON of a path below `/jaeger/api/`, if it is there.
fn jaeger(daemon: &Daemon, path: &str) -> Option<Value> {
    let (status, body) = daemon.get(&format!("/jaeger/api/{path}"))?;
    let told = (status == 200).then(|| serde_json::from_str(&body));
    told.map(|json| json.expect("the API speaks JSON"))
}

#[test]
fn a_trace_that_shows_a_loop_is_kept_and_says_so_here_and_at_the_backend() {
    let config = format!("{FAST}[trace]\nquiet_after = \"1s\"\n");
    let backend = Daemon::new(FAST).with_otlp().start();
    let [to, _] = backend.otlp_ports();
    let config = format!("{config}[forward]\notlp = \"http://127.0.0.1:{to}\"\n");
    let mut daemon = Daemon::new(&config).with_otlp().start();
    let [grpc, _] = daemon.otlp_ports();
    over_grpc(grpc, carts(5), true).expect("taken");

    let found = wait_for("traces of carts", || {
        let found = jaeger(&daemon, "traces?service=shop&operation=GET%20%2Fcart")?;
        let traces = found["data"].as_array()?.len();
        (traces > 0).then_some(found)
    });
    let trace = &found["data"][0];
    assert_eq!(trace["spans"].as_array().map(Vec::len), Some(31));
    let root = &trace["spans"][0];
    assert_eq!(root["operationName"], "GET /cart");
    let warning = root["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("item"), "{warning}");
    let text = trace["spans"][1].to_string();
    assert!(
        text.contains("SELECT name FROM item WHERE id = ?"),
        "{text}"
    );

    wait_for("a span that tells of it at the backend", || {
        let (_, metrics) = backend.get("/metrics")?;
        let spans = metrics
            .lines()
            .find_map(|line| line.strip_prefix("sqleuth_spans_total "));
        let spans: u64 = spans?.parse().ok()?;
        (spans > 31 * 5).then_some(())
    });

    let id = trace["traceID"].as_str().expect("an id").to_owned();
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    daemon.restart();
    let again = jaeger(&daemon, &format!("v3/traces/{id}")).expect("the store has it");
    assert!(again.to_string().contains("@jaeger@warnings"), "{again}");
    let unknown = daemon.get("/jaeger/api/traces/1").expect("sqleuth answers");
    assert_eq!(unknown.0, 404);
}

#[test]
fn a_trace_without_a_problem_is_not_kept() {
    let config = format!("{FAST}[trace]\nquiet_after = \"1s\"\n");
    let daemon = Daemon::new(&config).with_otlp().start();
    let [_, http] = daemon.otlp_ports();
    assert_eq!(Http::to(http).protobuf(&request("item", 1)).status, 200);
    super::expect_runs(&daemon, "item", 1);
    let services = jaeger(&daemon, "services").expect("the API is there");
    assert_eq!(services["data"], serde_json::json!([]));
}

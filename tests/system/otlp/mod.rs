//! The daemon as senders of OTLP see it, over real sockets.

mod clients;
mod forward;
mod gap;
mod sender;
mod viewers;

use std::net::TcpListener;

use serde_json::json;

use self::sender::{Http, over_grpc, request, some_runs};
use crate::support::daemon::Daemon;
use crate::support::port::Port;
use crate::support::wait_for;

/// Windows of a second.
const FAST: &str = "[window]\nlength = \"1s\"\nflush_interval = \"200ms\"\n";

/// Runs of the statement whose template has this text, in what is stored.
fn runs(daemon: &Daemon, text: &str) -> u64 {
    let queries = daemon.items("queries?from=1h");
    let of = queries
        .iter()
        .filter(|query| query["template"].as_str().is_some_and(|t| t.contains(text)));
    of.filter_map(|query| query["count"].as_u64()).sum()
}

fn expect_runs(daemon: &Daemon, text: &str, wanted: u64) {
    wait_for(&format!("{wanted} runs of {text}"), || {
        let now = runs(daemon, text);
        assert!(
            now <= wanted,
            "{now} runs of {text}, and {wanted} were sent"
        );
        (now == wanted).then_some(())
    });
}

#[test]
fn spans_are_stored_as_runs_by_whatever_way_they_come() {
    let daemon = Daemon::new(FAST).with_otlp().start();
    let [grpc, http] = daemon.otlp_ports();
    over_grpc(grpc, request("apples", 40), false).expect("taken");
    over_grpc(grpc, request("apples", 30), true).expect("taken, packed by gzip");
    // either port takes either protocol
    over_grpc(http, request("apples", 5), false).expect("taken");
    for port in [http, grpc] {
        let answer = Http::to(port).protobuf(&request("apples", 20));
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }
    expect_runs(&daemon, "apples", 115);
    let answer = Http::to(http).json(&some_runs("pears"));
    assert_eq!((answer.status, answer.text()), (200, "{}".to_owned()));
    expect_runs(&daemon, "pears", 1);
    let (_, metrics) = daemon.get("/metrics").expect("sqleuth answers");
    assert!(metrics.contains("sqleuth_spans_total 116"), "{metrics}");
    let sources = daemon.api("sources");
    let named: Vec<_> = sources
        .as_array()
        .into_iter()
        .flatten()
        .map(|s| s["source"].clone())
        .collect();
    assert_eq!(named, [json!("otlp")]);
}

#[test]
fn a_reload_and_a_restart_lose_nothing_that_was_answered() {
    let mut daemon = Daemon::new(FAST).with_otlp().start();
    let [grpc, http] = daemon.otlp_ports();
    over_grpc(grpc, request("plums", 10), false).expect("taken");
    daemon.reload(FAST, "sqleuth runs");
    assert_eq!(Http::to(http).protobuf(&request("plums", 10)).status, 200);
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    daemon.restart();
    over_grpc(grpc, request("plums", 10), false).expect("taken");
    expect_runs(&daemon, "plums", 30);
}

#[test]
fn a_port_that_is_taken_or_open_to_others_is_told_by_its_key() {
    let held = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let taken = held.local_addr().expect("a bound socket has an address");
    let open = format!("0.0.0.0:{}", Port::take().number());
    for (key, address, code, words) in [
        (
            "OTLP_GRPC",
            taken.to_string(),
            1,
            ["listen.otlp_grpc", "\"off\""],
        ),
        (
            "OTLP_HTTP",
            open,
            64,
            ["listen.otlp_http", "auth.ingest_token_file"],
        ),
    ] {
        let variable = format!("SQLEUTH__LISTEN__{key}={address}");
        let mut daemon = Daemon::new("").under(&["env", &variable]);
        daemon.launch();
        assert_eq!(daemon.process().wait(), Some(code), "{}", daemon.log());
        let said = daemon.log();
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn senders_without_the_token_are_refused_on_both_ports() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let token = dir.path().join("token");
    std::fs::write(&token, "ingest-token-0123456789").expect("the test's directory can be written");
    let config = format!(
        "{FAST}[auth]\ningest_token_file = \"{}\"\n",
        token.display()
    );
    let daemon = Daemon::new(&config).with_otlp().start();
    let [grpc, http] = daemon.otlp_ports();
    let refused = over_grpc(grpc, request("figs", 1), false).expect_err("no token is shown");
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    assert_eq!(Http::to(http).protobuf(&request("figs", 1)).status, 401);
    let bearer = "authorization: Bearer ingest-token-0123456789";
    assert_eq!(
        Http::to(http)
            .with(bearer)
            .protobuf(&request("figs", 1))
            .status,
        200
    );
    expect_runs(&daemon, "figs", 1);
}

#[test]
fn errors_of_log_records_and_the_state_of_pools_are_shown() {
    let daemon = Daemon::new(FAST).with_otlp().start();
    let [_, http] = daemon.otlp_ports();
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "db.client.connections.pending_requests", "sum": {"dataPoints": [{"asInt": "3", "attributes": [
            {"key": "pool.name", "value": {"stringValue": "main"}}]}]}}]}]}]});
    assert_eq!(
        Http::to(http)
            .json_to("/v1/metrics", &metrics.to_string())
            .status,
        200
    );
    let (_, shown) = daemon.get("/metrics").expect("sqleuth answers");
    let is_shown = |line: &str| {
        line.contains("db.client.connection.pending_requests") && line.ends_with(" 3.0")
    };
    assert!(shown.lines().any(is_shown), "{shown}");
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"body": {"stringValue": "pymysql.err.OperationalError: (1040, 'Too many connections')"}}]}]}]});
    assert_eq!(
        Http::to(http).json_to("/v1/logs", &logs.to_string()).status,
        200
    );
    wait_for("log records as a source", || {
        let sources = daemon.api("sources");
        let mut named = sources.as_array().into_iter().flatten();
        named.any(|s| s["source"] == "otlp:logs").then_some(())
    });
}

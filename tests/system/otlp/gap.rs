//! What a kill takes with it is told: statistics may lose the windows and traces that are open, but not in silence.

use serde_json::Value;

use super::sender::{over_grpc, request};
use super::{FAST, expect_runs};
use crate::support::daemon::Daemon;
use crate::support::wait_for;

/// Gaps of the source of spans.
fn gaps(daemon: &Daemon) -> Vec<Value> {
    let sources = daemon.api("sources");
    let all = sources.as_array().expect("a list").iter();
    let otlp = all.into_iter().find(|source| source["source"] == "otlp");
    let gaps = otlp.expect("spans are a source")["gaps"].as_array();
    gaps.expect("a list").clone()
}

#[test]
fn a_kill_leaves_a_gap_from_what_was_stored_to_the_next_start_and_a_stop_leaves_none() {
    let mut daemon = Daemon::new(FAST).with_otlp().start();
    let [grpc, _] = daemon.otlp_ports();
    over_grpc(grpc, request("apples", 20), false).expect("taken");
    expect_runs(&daemon, "apples", 20);
    assert_eq!(gaps(&daemon), Vec::<Value>::new(), "nothing is missing");
    // a trace without an end: its root never comes
    over_grpc(grpc, request("pears", 20), false).expect("taken");
    daemon.kill();
    daemon.restart();
    let found = wait_for("gap after the kill", || gaps(&daemon).pop());
    assert_eq!(found["why"], "crash");
    let moment = |key: &str| {
        let text = found[key].as_str().expect("a moment");
        text.parse::<jiff::Timestamp>().expect("RFC 3339")
    };
    assert!(moment("from") < moment("to"), "{found}");
    let (_, page) = daemon.get("/").expect("sqleuth answers");
    assert!(page.contains("Incomplete"), "{page}");
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    daemon.restart();
    assert_eq!(gaps(&daemon), [found], "a stop loses nothing");
}

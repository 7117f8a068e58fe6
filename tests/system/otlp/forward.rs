//! What comes goes on to another backend: here, another sqleuth.

use super::sender::{Http, over_grpc, request, some_runs};
use super::{FAST, expect_runs};
use crate::support::daemon::Daemon;
use crate::support::wait_for;

/// Settings that send on to `backend`.
fn forward(url: &str, queue: Option<&str>) -> String {
    let queue = queue.map(|path| format!("queue_path = \"{path}\"\n"));
    format!(
        "{FAST}[forward]\notlp = \"{url}\"\n{}",
        queue.unwrap_or_default()
    )
}

#[test]
fn nothing_that_was_acknowledged_is_lost_while_the_backend_is_away_and_by_a_kill() {
    let backend = Daemon::new(FAST).with_otlp();
    let [to, _] = backend.otlp_ports();
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let folder = dir.path().join("queue");
    let queue = folder.to_str().expect("a path of ASCII");
    let mut daemon = Daemon::new(&forward(&format!("http://127.0.0.1:{to}"), Some(queue)))
        .with_otlp()
        .start();
    let [grpc, http] = daemon.otlp_ports();
    for _ in 0..5 {
        over_grpc(grpc, request("apples", 20), true).expect("acknowledged for the queue");
    }
    let answer = Http::to(http).json(&some_runs("pears"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    daemon.kill();
    daemon.restart();
    over_grpc(grpc, request("apples", 20), false).expect("acknowledged for the queue");
    let backend = backend.start();
    expect_runs(&backend, "apples", 120);
    expect_runs(&backend, "pears", 1);
    wait_for("an empty queue", || {
        let mut files = std::fs::read_dir(&folder).expect("the queue is there");
        let is_request = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.is_ok_and(|file| file.path().extension().is_some())
        };
        (!files.any(is_request)).then_some(())
    });
    let (_, metrics) = daemon.get("/metrics").expect("sqleuth answers");
    assert!(metrics.contains("sqleuth_forward_queue_bytes"), "{metrics}");
}

#[test]
fn without_a_queue_a_sender_keeps_what_the_backend_does_not_take() {
    let backend = Daemon::new(FAST).with_otlp();
    let [_, to] = backend.otlp_ports();
    let url = format!("http://127.0.0.1:{to}/");
    let config = format!("{}protocol = \"http/protobuf\"\n", forward(&url, None));
    let daemon = Daemon::new(&config).with_otlp().start();
    let [grpc, http] = daemon.otlp_ports();
    let refused = over_grpc(grpc, request("plums", 10), false).expect_err("the backend is away");
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert_eq!(Http::to(http).json(&some_runs("figs")).status, 503);
    let backend = backend.start();
    over_grpc(grpc, request("plums", 10), false).expect("the backend is back");
    assert_eq!(Http::to(http).json(&some_runs("figs")).status, 200);
    for (table, runs) in [("plums", 10), ("figs", 1)] {
        expect_runs(&daemon, table, runs);
        expect_runs(&backend, table, runs);
    }
}

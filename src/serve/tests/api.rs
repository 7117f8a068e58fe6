use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::site::TestSite;
use crate::model::id::IncidentId;
use crate::report::example;
use crate::serve::{LiveEvent, bind};

fn open_incident() -> String {
    example::incident().id.to_string()
}

#[tokio::test]
async fn incident_json_is_that_of_the_model_and_each_finding_says_what_it_means() {
    let site = TestSite::start().await;
    let path = format!("/api/v1/incidents/{}", open_incident());
    let mut served = site.get(&path).await.json();
    for finding in served["findings"].as_array_mut().unwrap() {
        let summary = finding.as_object_mut().unwrap().remove("summary").unwrap();
        assert!(!summary.as_str().unwrap().is_empty());
    }
    assert_eq!(served, serde_json::to_value(example::incident()).unwrap());
}

#[tokio::test]
async fn a_list_can_be_cut_by_state_and_limit() {
    let site = TestSite::start().await;
    let all = site.get("/api/v1/incidents").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let one = site
        .get("/api/v1/incidents?state=resolved&limit=1")
        .await
        .json();
    assert_eq!(one["items"][0]["state"], "resolved");
}

#[tokio::test]
async fn events_of_one_instant_are_each_listed_once() {
    let site = TestSite::start().await;
    let first = site.get("/api/v1/events?limit=1").await.json();
    let cursor = first["next"].as_str().unwrap();
    let second = site
        .get(&format!("/api/v1/events?limit=1&cursor={cursor}"))
        .await
        .json();
    assert_eq!(second["items"][0]["title"], "schema");
    assert_eq!(second["next"], serde_json::Value::Null);
}

#[tokio::test]
async fn wrong_parameters_are_answered_with_a_problem_that_names_them() {
    let site = TestSite::start().await;
    let cases = [
        ("/api/v1/incidents?limit=0", "limit"),
        ("/api/v1/incidents?limit=abc", "limit"),
        ("/api/v1/incidents?cursor=forged", "cursor"),
        ("/api/v1/incidents?colour=red", "colour"),
        ("/api/v1/queries?from=yesterday", "from"),
        ("/api/v1/queries?from=1h&to=2h", "from"),
        ("/api/v1/queries/xyz", "fingerprint"),
        ("/api/v1/events?cursor=2026-11-21T10:00:00Z", "cursor"),
        ("/api/v1/incidents/%ff", "id"),
        ("/incidents/%ff", "id"),
        ("/api/v1/findings?fingerprint=1", "fingerprint"),
    ];
    for (path, named) in cases {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let problem = answer.json();
        assert_eq!(problem["status"], 400);
        assert!(
            problem["detail"].as_str().unwrap().contains(named),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_too() {
    let site = TestSite::start().await;
    for path in [
        "/api/v1/nothing",
        "/api/v1/incidents/INC-1",
        "/api/v1/queries/00000000000000ff",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["status"], 404);
    }
    assert_eq!(
        site.ask("DELETE", "/api/v1/incidents", &[], "")
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn run_times_are_in_seconds() {
    let site = TestSite::start().await;
    let query = site.get("/api/v1/queries/0000000000000001").await.json();
    assert_eq!(query["fingerprint"], "0000000000000001");
    assert!((query["time_s"]["total"].as_f64().unwrap() - 113.6).abs() < 1e-6);
    assert_eq!(query["rows_affected"], serde_json::Value::Null);
    assert_eq!(query["series"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn an_open_incident_can_be_taken_and_a_resolved_one_cannot() {
    let site = TestSite::start().await;
    let path = format!("/api/v1/incidents/{}/ack", open_incident());
    let taken = site.post_json(&path, r#"{"by":"kim"}"#).await;
    assert_eq!(
        (taken.status, &taken.json()["acknowledged_by"]),
        (200, &"kim".into())
    );
    let resolved = format!("/api/v1/incidents/{}x/ack", open_incident());
    assert_eq!(
        site.post_json(&resolved, r#"{"by":"kim"}"#).await.status,
        404
    );
}

#[tokio::test]
async fn a_bad_body_is_refused() {
    let site = TestSite::start().await;
    let ack = format!("/api/v1/incidents/{}/ack", open_incident());
    for body in ["", "{", r#"{"by":""}"#, r#"{"by":"a\nb"}"#, r#"{"by":1}"#] {
        let status = site.post_json(&ack, body).await.status;
        assert_eq!(status, 400, "{body}");
    }
    let huge = format!(r#"{{"by":"{}"}}"#, "x".repeat(100_000));
    assert_eq!(site.post_json(&ack, &huge).await.status, 413);
    let far = r#"{"kind":"deploy","title":"t","at":"2190-01-01T00:00:00Z"}"#;
    assert_eq!(site.post_json("/api/v1/events", far).await.status, 400);
}

#[tokio::test]
async fn a_marker_is_stored_at_now_unless_it_says_when() {
    let site = TestSite::start().await;
    let made = site
        .post_json("/api/v1/events", r#"{"kind":"deploy","title":"v2"}"#)
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["at"], super::canned::now().to_string());
}

#[tokio::test]
async fn a_postmortem_is_a_file_in_the_language_asked_for() {
    let site = TestSite::start().await;
    let path = format!("/api/v1/incidents/{}/postmortem?lang=ko", open_incident());
    let file = site.get(&path).await;
    assert!(file.body.ends_with("(ko)\n"));
    let disposition = file.header("content-disposition").unwrap();
    assert_eq!(
        disposition,
        format!("attachment; filename=\"{}.md\"", open_incident())
    );
}

#[tokio::test]
async fn readiness_follows_the_process() {
    let site = TestSite::start().await;
    assert_eq!(site.get("/readyz").await.status, 503);
    site.health.set_ready();
    assert_eq!(site.get("/readyz").await.status, 200);
    site.health.set_store_waits(true);
    let waiting = site.get("/readyz").await;
    assert_eq!(waiting.status, 503);
    assert!(waiting.body.contains("store"), "{}", waiting.body);
    site.health.set_store_waits(false);
    assert_eq!(site.get("/readyz").await.status, 200);
    site.health.set_draining();
    assert_eq!(site.get("/readyz").await.body, "draining\n");
    assert_eq!(site.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_accepted() {
    let site = TestSite::start().await;
    let classic = site.get("/metrics").await;
    assert_eq!(
        classic.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let accept = [("Accept", "application/openmetrics-text; version=1.0.0")];
    let open = site.ask("GET", "/metrics", &accept, "").await;
    assert!(open.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_viewer_is_told_and_the_stream_ends_when_the_server_stops() {
    let mut site = TestSite::start().await;
    let mut socket = TcpStream::connect(site.address).await.unwrap();
    let request = format!(
        "GET /api/v1/stream HTTP/1.1\r\nHost: {}\r\n\r\n",
        site.address
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !seen.contains("\r\n\r\n") {
        let read = socket.read(&mut buffer).await.unwrap();
        seen += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    let id = IncidentId::new("INC-1");
    site.live.tell(LiveEvent::Incident { id, revision: 7 });
    while !seen.contains(r#"{"kind":"incident","id":"INC-1","revision":7}"#) {
        let read = socket.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{seen}");
        seen += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    site.stop.cancel();
    socket.read_to_string(&mut seen).await.unwrap();
    site.tasks.join_next().await.unwrap().unwrap();
    assert!(seen.contains("text/event-stream"), "{seen}");
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_key() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let message = bind(first.address()).await.unwrap_err().to_string();
    assert!(
        message.contains("listen.http") && message.contains("taken"),
        "{message}"
    );
    assert!(message.contains(&first.address().to_string()), "{message}");
}

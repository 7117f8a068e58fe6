//! Requests and their answers, without sockets.

use std::io::Write as _;
use std::num::NonZeroUsize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::sync::mpsc;

use super::*;
use crate::ingest::intake::{Accepted, DEFAULT_BUDGET};
use crate::model::event::DbTarget;
use crate::model::id::ServiceName;

const GRPC: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

fn receiver(settings: Settings, token: Option<Token>) -> (Receiver, mpsc::Receiver<Accepted>) {
    let (intake, mut inboxes) = Intake::new(NonZeroUsize::MIN, DEFAULT_BUDGET);
    let options = Options {
        relay: None,
        settings,
        token,
        source: Arc::new(SourceMeta {
            id: crate::ingest::otlp::source_id(),
            service: ServiceName::new("unnamed"),
            target: DbTarget::default(),
        }),
        metrics: Metrics::new(),
        clock: Clock::system(),
    };
    (Receiver::new(options, intake), inboxes.remove(0))
}

fn settings() -> Settings {
    Settings {
        max_message: ByteSize::mib(1),
        memory: ByteSize::mib(4),
    }
}

fn open() -> (Receiver, mpsc::Receiver<Accepted>) {
    receiver(settings(), None)
}

/// A request of spans, of which some have no id.
fn spans(good: u64, bad: usize) -> Vec<u8> {
    let span = |id: u64| Span {
        trace_id: 7_u128.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: "SELECT".to_owned(),
        ..Span::default()
    };
    let mut spans: Vec<Span> = (1..=good).map(span).collect();
    spans.resize(spans.len() + bad, span(0));
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

struct Answer {
    status: StatusCode,
    /// Trailers among them.
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn post(receiver: &Receiver, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let (parts, body) = exchange::answer(receiver.clone(), request)
        .await
        .into_parts();
    let body = body.collect().await.unwrap();
    let mut headers = parts.headers;
    headers.extend(body.trailers().cloned().unwrap_or_default());
    Answer {
        status: parts.status,
        headers,
        body: body.to_bytes(),
    }
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const GRPC_TYPE: (&str, &str) = ("content-type", "application/grpc");

async fn over_http(receiver: &Receiver, body: Vec<u8>) -> Answer {
    post(receiver, "/v1/traces", &[PROTOBUF], body).await
}

async fn over_grpc(receiver: &Receiver, body: Vec<u8>) -> Answer {
    post(receiver, GRPC, &[GRPC_TYPE], framed(0, &body)).await
}

/// Code and message of a `google.rpc.Status`, and how many details it has.
fn status(bytes: &[u8]) -> (u64, String, usize) {
    use crate::ingest::otlp::wire::{Fields, Value};
    let mut fields = Fields::of(bytes);
    let (mut code, mut message, mut details) = (0, String::new(), 0);
    while let Some((number, value)) = fields.next().unwrap() {
        match (number, value) {
            (1, Value::Varint(told)) => code = told,
            (2, Value::Bytes(told)) => message = String::from_utf8(told.to_vec()).unwrap(),
            (3, Value::Bytes(_)) => details += 1,
            _ => panic!("field {number}"),
        }
    }
    (code, message, details)
}

#[tokio::test]
async fn spans_are_taken_in_every_way_that_they_may_come() {
    let (receiver, mut inbox) = open();
    let plain = spans(3, 0);
    let zstd = zstd::encode_all(&plain[..], 0).unwrap();
    let ways = [
        ("/v1/traces", vec![PROTOBUF], plain.clone()),
        (
            "/v1/traces",
            vec![PROTOBUF, ("content-encoding", "gzip")],
            gzip(&plain),
        ),
        (
            "/v1/traces",
            vec![PROTOBUF, ("content-encoding", "zstd")],
            zstd.clone(),
        ),
        (GRPC, vec![GRPC_TYPE], framed(0, &plain)),
        (
            GRPC,
            vec![GRPC_TYPE, ("grpc-encoding", "gzip")],
            framed(1, &gzip(&plain)),
        ),
        (
            GRPC,
            vec![GRPC_TYPE, ("grpc-encoding", "gzip")],
            framed(0, &plain),
        ),
        (
            GRPC,
            vec![GRPC_TYPE, ("grpc-encoding", "zstd")],
            framed(1, &zstd),
        ),
    ];
    for (path, headers, body) in ways {
        let answer = post(&receiver, path, &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}");
        let is_grpc = path == GRPC;
        assert_eq!(answer.header("grpc-status"), if is_grpc { "0" } else { "" });
        let message = if is_grpc {
            &answer.body[5..]
        } else {
            &answer.body
        };
        let response = ExportTraceServiceResponse::decode(message).unwrap();
        assert!(response.partial_success.is_none(), "unset on full success");
        let accepted = inbox.try_recv().unwrap();
        assert_eq!(accepted.batch.spans.unwrap().spans.len(), 3, "{headers:?}");
    }
}

#[tokio::test]
async fn json_is_answered_in_json() {
    let (receiver, mut inbox) = open();
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"0000000000000000000000000000000a","spanId":"00000000000000ff","name":"a"},
        {"traceId":"odd","spanId":"00000000000000ff","name":"bad"}]}]}]}"#;
    let answer = post(&receiver, "/v1/traces", &[JSON], body.to_vec()).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(
        inbox.try_recv().unwrap().batch.spans.unwrap().spans.len(),
        1
    );
    let empty = post(&receiver, "/v1/traces", &[JSON], b"{}".to_vec()).await;
    assert_eq!(
        (empty.status, &empty.body[..]),
        (StatusCode::OK, &b"{}"[..])
    );
    let bad = post(&receiver, "/v1/traces", &[JSON], b"{".to_vec()).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let told: serde_json::Value = serde_json::from_slice(&bad.body).unwrap();
    assert_eq!(told["code"], 3);
}

#[tokio::test]
async fn an_empty_request_is_a_success_and_nothing_is_handed_on() {
    let (receiver, mut inbox) = open();
    assert_eq!(
        over_http(&receiver, Vec::new()).await.status,
        StatusCode::OK
    );
    assert_eq!(
        over_grpc(&receiver, Vec::new()).await.header("grpc-status"),
        "0"
    );
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn spans_without_an_id_are_rejected_alone() {
    let (receiver, mut inbox) = open();
    let answer = over_http(&receiver, spans(2, 3)).await;
    let response = ExportTraceServiceResponse::decode(&answer.body[..]).unwrap();
    assert_eq!(response.partial_success.unwrap().rejected_spans, 3);
    assert_eq!(
        inbox.try_recv().unwrap().batch.spans.unwrap().spans.len(),
        2
    );
    let answer = over_http(&receiver, spans(0, 1)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn what_is_malformed_is_refused_for_good() {
    let (receiver, _inbox) = open();
    let mut cut = spans(1, 0);
    cut.truncate(cut.len() - 2);
    let answer = over_http(&receiver, cut.clone()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    let (code, message, details) = status(&answer.body);
    assert_eq!((code, details), (3, 0), "{message}");
    assert_eq!(over_grpc(&receiver, cut).await.header("grpc-status"), "3");
    let gzip = [PROTOBUF, ("content-encoding", "gzip")];
    let answer = post(&receiver, "/v1/traces", &gzip, spans(1, 0)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for body in [
        Vec::new(),
        framed(0, b"ab")[..6].to_vec(),
        [framed(0, b""), framed(0, b"")].concat(),
    ] {
        let answer = post(&receiver, GRPC, &[GRPC_TYPE], body).await;
        assert_eq!(answer.header("grpc-status"), "3");
    }
    let unsaid = post(&receiver, GRPC, &[GRPC_TYPE], framed(1, b"")).await;
    assert_eq!(unsaid.header("grpc-status"), "3");
}

#[tokio::test]
async fn what_is_too_long_once_it_is_unpacked_is_refused_for_good() {
    let (receiver, mut inbox) = open();
    let long = vec![0_u8; (1 << 20) + 1];
    let packed = gzip(&long);
    let zstd = zstd::encode_all(&long[..], 0).unwrap();
    assert!(packed.len() < 10_000 && zstd.len() < 10_000);
    let gzipped = [PROTOBUF, ("content-encoding", "gzip")];
    let with_zstd = [PROTOBUF, ("content-encoding", "zstd")];
    for (headers, body) in [
        (&[PROTOBUF][..], long.clone()),
        (&gzipped, packed),
        (&with_zstd, zstd),
    ] {
        let answer = post(&receiver, "/v1/traces", headers, body).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{headers:?}");
        assert_eq!(status(&answer.body).0, 8);
        assert_eq!(answer.header("retry-after"), "");
    }
    let answer = over_grpc(&receiver, long).await;
    assert_eq!(answer.header("grpc-status"), "8");
    let details = STANDARD_NO_PAD
        .decode(answer.header("grpc-status-details-bin"))
        .unwrap();
    assert_eq!(status(&details).2, 0, "no RetryInfo");
    assert!(inbox.try_recv().is_err());
    // all memory was given back
    let mut share = receiver.bounds().budget.share().unwrap();
    receiver
        .bounds()
        .budget
        .try_grow(&mut share, 4 << 20)
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_requests_hold_all_memory_others_are_told_when_to_come_back() {
    let (receiver, mut inbox) = open();
    let mut share = receiver.bounds().budget.share().unwrap();
    receiver
        .bounds()
        .budget
        .try_grow(&mut share, 4 << 20)
        .unwrap();
    let answer = over_http(&receiver, spans(1, 0)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
    let answer = over_grpc(&receiver, spans(1, 0)).await;
    assert_eq!(answer.header("grpc-status"), "14");
    let details = STANDARD_NO_PAD
        .decode(answer.header("grpc-status-details-bin"))
        .unwrap();
    assert_eq!(status(&details).2, 1, "RetryInfo");
    drop(share);
    assert_eq!(
        over_http(&receiver, spans(1, 0)).await.status,
        StatusCode::OK
    );
    assert!(inbox.try_recv().is_ok() && inbox.try_recv().is_err());
}

#[tokio::test]
async fn memory_is_held_until_the_spans_are_done_with() {
    let (receiver, mut inbox) = open();
    over_http(&receiver, spans(3, 0)).await;
    let budget = &receiver.bounds().budget;
    let mut share = budget.share().unwrap();
    assert!(budget.try_grow(&mut share, 4 << 20).is_err());
    drop(inbox.try_recv().unwrap());
    budget.try_grow(&mut share, 4 << 20).unwrap();
}

#[tokio::test]
async fn what_is_no_otlp_is_told_what_would_be() {
    let (receiver, _inbox) = open();
    let wrong_path = post(&receiver, "/v1/trace", &[PROTOBUF], Vec::new()).await;
    assert_eq!(wrong_path.status, StatusCode::NOT_FOUND);
    let untyped = post(&receiver, "/v1/traces", &[], Vec::new()).await;
    assert_eq!(untyped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let encoding = [PROTOBUF, ("content-encoding", "br")];
    let encoded = post(&receiver, "/v1/traces", &encoding, Vec::new()).await;
    assert_eq!(encoded.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(encoded.header("accept-encoding").contains("zstd"));
    let encoding = [GRPC_TYPE, ("grpc-encoding", "snappy")];
    let encoded = post(&receiver, GRPC, &encoding, framed(1, b"")).await;
    assert_eq!(encoded.header("grpc-status"), "12");
    assert!(encoded.header("grpc-accept-encoding").contains("gzip"));
    let other = post(
        &receiver,
        "/grpc.health.v1.Health/Check",
        &[GRPC_TYPE],
        framed(0, b""),
    )
    .await;
    assert_eq!(other.header("grpc-status"), "12");
    let get = Request::get("/v1/traces")
        .body(Full::new(Bytes::new()))
        .unwrap();
    let answer = exchange::answer(receiver, get).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
}

#[tokio::test]
async fn only_the_bearer_of_the_token_may_send() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "0123456789abcdef").unwrap();
    let token = Token::read("auth.ingest_token_file", file.path()).unwrap();
    let (receiver, mut inbox) = receiver(settings(), Some(token));
    for wrong in ["Bearer 0123456789abcde", "Basic 0123456789abcdef", ""] {
        let headers = [PROTOBUF, ("authorization", wrong)];
        let answer = post(&receiver, "/v1/traces", &headers, spans(1, 0)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(
        over_grpc(&receiver, spans(1, 0))
            .await
            .header("grpc-status"),
        "16"
    );
    assert!(inbox.try_recv().is_err());
    let headers = [PROTOBUF, ("authorization", "Bearer 0123456789abcdef")];
    let answer = post(&receiver, "/v1/traces", &headers, spans(1, 0)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_by_its_key() {
    let first = bind("listen.otlp_grpc", "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let second = bind("listen.otlp_grpc", first.local_addr().unwrap()).await;
    let told = second.unwrap_err().to_string();
    assert!(
        told.contains("listen.otlp_grpc") && told.contains("\"off\""),
        "{told}"
    );
    assert!(check_bind("listen.otlp_http", "0.0.0.0:1".parse().unwrap(), false).is_err());
    assert!(check_bind("listen.otlp_http", "0.0.0.0:1".parse().unwrap(), true).is_ok());
}

#[tokio::test]
async fn log_records_are_taken_and_only_what_tells_of_a_database_goes_on() {
    let (receiver, mut inbox) = open();
    let body = br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
        "scopeLogs":[{"logRecords":[{"timeUnixNano":"5","body":{"stringValue":"cart 7 was paid"}},
        {"timeUnixNano":"6","body":{"stringValue":"pymysql.err.OperationalError: (1040, 'Too many connections')"}}]}]}]}"#;
    let answer = post(&receiver, "/v1/logs", &[JSON], body.to_vec()).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"{}"[..])
    );
    let batch = inbox.try_recv().unwrap().batch;
    assert_eq!(
        (batch.source.id.as_str(), batch.source.service.as_str()),
        ("otlp:logs", "shop")
    );
    assert_eq!(batch.entries.len(), 1);
    let grpc = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let answer = post(&receiver, grpc, &[GRPC_TYPE], framed(0, b"")).await;
    assert_eq!(answer.header("grpc-status"), "0");
    let bad = post(&receiver, grpc, &[GRPC_TYPE], framed(0, b"\x0a")).await;
    assert_eq!(bad.header("grpc-status"), "3");
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn metrics_of_pools_are_shown_and_nothing_is_handed_on() {
    let (receiver, mut inbox) = open();
    let body = br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"db.client.connection.max","sum":
        {"dataPoints":[{"asInt":"7"}]}},{"name":"other","gauge":{"dataPoints":[{"asInt":"7"}]}}]}]}]}"#;
    let answer = post(&receiver, "/v1/metrics", &[JSON], body.to_vec()).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"{}"[..])
    );
    let grpc = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let answer = post(&receiver, grpc, &[GRPC_TYPE], framed(0, b"")).await;
    assert_eq!(answer.header("grpc-status"), "0");
    assert!(inbox.try_recv().is_err());
}

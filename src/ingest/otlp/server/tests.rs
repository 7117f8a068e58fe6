//! Requests and their answers, without sockets.

mod refusals;

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

//! Senders of OTLP: gRPC by tonic, HTTP by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tonic::codec::CompressionEncoding;

use crate::support::PATIENCE;

fn nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("the clock is right").as_nanos();
    u64::try_from(now).expect("before the year 2554")
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// So many spans of a millisecond that ended just now, each with a literal of its own in a statement on `table`.
pub fn request(table: &str, spans: u64) -> ExportTraceServiceRequest {
    let now = nanos();
    let span = |id: u64| Span {
        trace_id: u128::from(now).to_be_bytes().to_vec(),
        span_id: (id + 1).to_be_bytes().to_vec(),
        name: "SELECT".to_owned(),
        kind: 3,
        start_time_unix_nano: now - 1_000_000,
        end_time_unix_nano: now,
        attributes: vec![
            text("db.system.name", "mysql"),
            text(
                "db.query.text",
                &format!("SELECT name FROM {table} WHERE id = {id}"),
            ),
        ],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "shop")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: (0..spans).map(span).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// One run of a statement on `table`, as OTLP/JSON.
pub fn some_runs(table: &str) -> String {
    let now = nanos();
    serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "SELECT", "kind": 3,
        "startTimeUnixNano": (now - 1_000_000).to_string(), "endTimeUnixNano": now.to_string(),
        "attributes": [{"key": "db.statement", "value": {"stringValue": format!("SELECT name FROM {table} WHERE id = 7")}}],
    }]}]}]})
    .to_string()
}

/// Sends by gRPC, on a connection of its own.
pub fn over_grpc(
    port: u16,
    request: ExportTraceServiceRequest,
    packed: bool,
) -> Result<(), tonic::Status> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = TraceServiceClient::connect(format!("http://127.0.0.1:{port}")).await;
        let mut client = client.expect("the port is open");
        if packed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let response = client.export(request).await?.into_inner();
        assert!(response.partial_success.is_none(), "unset on full success");
        Ok(())
    })
}

/// A request over HTTP/1.1.
#[derive(Debug)]
pub struct Http {
    port: u16,
    headers: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Http {
    /// To a port of loopback.
    pub fn to(port: u16) -> Self {
        let headers = String::new();
        Self { port, headers }
    }

    /// With one more header line.
    pub fn with(mut self, line: &str) -> Self {
        self.headers += line;
        self.headers += "\r\n";
        self
    }

    /// Sends protobuf.
    pub fn protobuf(self, request: &ExportTraceServiceRequest) -> Answer {
        self.send(
            "/v1/traces",
            "application/x-protobuf",
            &request.encode_to_vec(),
        )
    }

    /// Sends traces as JSON.
    pub fn json(self, request: &str) -> Answer {
        self.json_to("/v1/traces", request)
    }

    /// Sends JSON to a path.
    pub fn json_to(self, path: &str, request: &str) -> Answer {
        self.send(path, "application/json", request.as_bytes())
    }

    fn send(self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the port is open");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {}\r\n{}\r\n",
            body.len(),
            self.headers
        );
        stream.write_all(head.as_bytes()).expect("sqleuth listens");
        stream.write_all(body).expect("sqleuth listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("sqleuth answers");
        let end = answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Answer {
            status: status.expect("a status"),
            body: answer[end + 4..].to_vec(),
        }
    }
}

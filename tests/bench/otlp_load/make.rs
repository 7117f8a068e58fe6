//! Requests as an instrumented service sends them: an entry and nine statements a trace, 475 bytes a span.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// Statements of the service.
const STATEMENTS: u64 = 200;
/// Spans of a trace.
const TRACE: u64 = 10;

/// Makes one request after the other.
pub(crate) struct Maker {
    sender: u64,
    size: usize,
    next: u64,
}

impl Maker {
    pub(crate) fn new(sender: u64, size: usize) -> Self {
        let next = 0;
        Self { sender, size, next }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn request(&mut self) -> ExportTraceServiceRequest {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
        let spans = (0..self.size).map(|_| self.span(now)).collect();
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![
                        text("service.name", "shop"),
                        text("telemetry.sdk.language", "java"),
                        text("telemetry.sdk.name", "opentelemetry"),
                        text("host.name", "web-1"),
                    ],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    scope: Some(InstrumentationScope {
                        name: "io.opentelemetry.jdbc".to_owned(),
                        ..InstrumentationScope::default()
                    }),
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
    }

    fn span(&mut self, now: u64) -> Span {
        self.next += 1;
        let (number, at) = (self.next, self.next % TRACE);
        let trace = u128::from(self.sender) << 64 | u128::from(number / TRACE + 1);
        let id = self.sender << 40 | number;
        let root = self.sender << 40 | (number - at);
        let statement = number.wrapping_mul(0x9e37_79b9) % STATEMENTS;
        let took = 200_000 + number % 700 * 1_000;
        let start = now - (TRACE - at) * 1_000_000;
        let span = Span {
            trace_id: trace.to_be_bytes().to_vec(),
            span_id: id.to_be_bytes().to_vec(),
            start_time_unix_nano: start,
            end_time_unix_nano: start + took,
            flags: 257,
            ..Span::default()
        };
        if at == 0 {
            return Span {
                name: "GET /orders/{id}".to_owned(),
                kind: 2,
                attributes: vec![
                    text("http.request.method", "GET"),
                    text("http.route", "/orders/{id}"),
                    number_of("http.response.status_code", 200),
                ],
                ..span
            };
        }
        Span {
            parent_span_id: root.to_be_bytes().to_vec(),
            name: format!("SELECT shop.table_{statement}"),
            kind: 3,
            attributes: vec![
                text("db.system.name", "postgresql"),
                text("db.namespace", "shop"),
                text("db.operation.name", "SELECT"),
                text("db.query.text", &sql(statement, number)),
                text("server.address", "db-1.internal"),
                number_of("server.port", 5432),
                text("db.user", "app"),
                number_of("thread.id", 31),
                text("thread.name", "http-nio-8080-exec-7"),
            ],
            ..span
        }
    }
}

fn sql(statement: u64, number: u64) -> String {
    format!(
        "SELECT o.id, o.total, o.note{statement} FROM table_{statement} o JOIN users u ON u.id = o.user_id \
         WHERE o.id = {number} AND u.name = 'user {number}' LIMIT 10"
    )
}

fn any(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    any(key, Value::StringValue(value.to_owned()))
}

fn number_of(key: &str, value: i64) -> KeyValue {
    any(key, Value::IntValue(value))
}

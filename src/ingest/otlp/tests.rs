//! The reader against the published schema (prost, as OpenTelemetry generates it), and JSON against protobuf.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message;

use super::json::to_protobuf;
use super::json_schema::TRACES;
use super::spans::{SpanBatch, Unreadable, read};
use super::wire::Malformed;
use crate::model::span::SpanKind;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn span(attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: 7_u128.to_be_bytes().to_vec(),
        span_id: 8_u64.to_be_bytes().to_vec(),
        parent_span_id: 9_u64.to_be_bytes().to_vec(),
        name: "SELECT shop".to_owned(),
        kind: 3,
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        attributes,
        status: Some(Status {
            code: 2,
            message: String::new(),
        }),
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "shop")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "sqlalchemy".to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn decoded(request: &ExportTraceServiceRequest) -> SpanBatch {
    read(Bytes::from(request.encode_to_vec())).unwrap()
}

/// The facts of a single span with these attributes: statement, system, namespace, server, port.
fn told(attributes: Vec<KeyValue>) -> [String; 5] {
    let batch = decoded(&request(vec![span(attributes)]));
    let facts = batch.spans[0].facts;
    let [statement, system, namespace, server] =
        [facts.statement, facts.system, facts.namespace, facts.server]
            .map(|place| batch.text(place).into_owned());
    [statement, system, namespace, server, facts.port.to_string()]
}

#[test]
fn a_span_is_read_with_its_ids_times_and_owner() {
    let batch = decoded(&request(vec![span(Vec::new())]));
    let span = &batch.spans[0];
    assert_eq!((span.trace, span.id, span.parent), (7, 8, 9));
    assert_eq!((span.start, span.end), (1_000, 2_000));
    assert_eq!((span.kind, span.failed), (SpanKind::Client, true));
    assert_eq!(batch.text(span.name), "SELECT shop");
    assert_eq!(batch.text(batch.resources[0].service), "shop");
    assert_eq!(batch.text(batch.scopes[0]), "sqlalchemy");
}

#[test]
fn old_and_new_names_tell_the_same_and_the_new_one_wins() {
    let new = || {
        vec![
            text("db.query.text", "SELECT 1"),
            text("db.system.name", "postgresql"),
            text("db.namespace", "shop"),
            text("server.address", "db1"),
            attribute("server.port", Value::IntValue(5432)),
        ]
    };
    let old = || {
        vec![
            text("db.statement", "SELECT 1"),
            text("db.system", "postgresql"),
            text("db.name", "shop"),
            text("net.peer.name", "db1"),
            attribute("net.peer.port", Value::IntValue(5432)),
        ]
    };
    let stale = || {
        vec![
            text("db.statement", "stale"),
            text("db.system", "stale"),
            text("db.name", "stale"),
            text("net.peer.name", "stale"),
            text("net.peer.port", "1"),
        ]
    };
    let expected = ["SELECT 1", "postgresql", "shop", "db1", "5432"];
    for attributes in [
        new(),
        old(),
        [new(), stale()].concat(),
        [stale(), new()].concat(),
    ] {
        assert_eq!(told(attributes.clone()), expected, "{attributes:?}");
    }
}

#[test]
fn a_span_without_a_valid_id_is_rejected_alone() {
    let mut bad = span(Vec::new());
    bad.span_id = vec![1, 2, 3];
    let mut zero = span(Vec::new());
    zero.trace_id = vec![0; 16];
    let batch = decoded(&request(vec![bad, span(Vec::new()), zero]));
    assert_eq!((batch.spans.len(), batch.rejected), (1, 2));
}

#[test]
fn a_request_that_ends_inside_a_span_is_refused() {
    let whole = request(vec![span(vec![text("db.query.text", "SELECT 1")])]).encode_to_vec();
    let cut = Bytes::copy_from_slice(&whole[..whole.len() - 3]);
    let why = read(cut).unwrap_err();
    assert_eq!(why, Unreadable::Malformed(Malformed::Truncated));
}

#[test]
fn an_exception_is_kept() {
    let mut failed = span(Vec::new());
    failed.events = vec![
        Event {
            name: "retry".to_owned(),
            ..Event::default()
        },
        Event {
            name: "exception".to_owned(),
            attributes: vec![text("exception.type", "OperationalError")],
            ..Event::default()
        },
    ];
    let batch = decoded(&request(vec![failed]));
    let event = batch.text(batch.spans[0].exception).into_owned();
    assert!(event.contains("OperationalError"), "{event:?}");
}

#[test]
fn sloppy_json_is_read_as_it_was_meant() {
    let json = br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],
        "droppedAttributesCount":"0","unheardOf":{"a":[1,{"b":null}]}},
        "scopeSpans":[{"scope":null,"spans":[
          {"traceId":"0000000000000000000000000000000A","spanId":"00000000000000FF","parentSpanId":"","name":"SELECT",
           "kind":"SPAN_KIND_CLIENT","startTimeUnixNano":1000,"end_time_unix_nano":"2000","traceState":null,
           "attributes":[{"key":"db.query.text","value":{"stringValue":"SELECT \u00e4 FROM t"}},
             {"key":"server.port","value":{"intValue":"5432"}},{"key":"ratio","value":{"doubleValue":"NaN"}},
             {"key":"none","value":null},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}}],
           "status":{"code":2},"flags":257},
          {"traceId":"odd","spanId":"00000000000000FF","name":"bad"}]}]}]}"#;
    let batch = read(Bytes::from(to_protobuf(json, &TRACES).unwrap())).unwrap();
    assert_eq!((batch.spans.len(), batch.rejected), (1, 1));
    let span = &batch.spans[0];
    assert_eq!((span.trace, span.id, span.parent), (10, 255, 0));
    assert_eq!((span.start, span.end), (1_000, 2_000));
    assert_eq!((span.kind, span.failed), (SpanKind::Client, true));
    assert_eq!(batch.text(span.facts.statement), "SELECT ä FROM t");
    assert_eq!(span.facts.port, 5432);
    assert_eq!(batch.text(batch.resources[0].service), "shop");
}

#[test]
fn json_too_deep_or_broken_is_refused() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let request = format!(r#"{{"resourceSpans":{deep}}}"#);
    assert!(to_protobuf(request.as_bytes(), &TRACES).is_err());
    for broken in ["", "{", r#"{"resourceSpans":"#, "{} x"] {
        assert!(to_protobuf(broken.as_bytes(), &TRACES).is_err(), "{broken}");
    }
}

proptest! {
    #[test]
    fn what_the_published_schema_writes_is_read_back(
        trace in 1_u128.., id in 1_u64.., parent in any::<u64>(), name in "\\PC{0,20}",
        sql in "\\PC{1,60}", start in any::<u64>(), end in any::<u64>(), others in 0_usize..4,
    ) {
        let mut one = span(vec![text("db.query.text", &sql)]);
        one.trace_id = trace.to_be_bytes().to_vec();
        one.span_id = id.to_be_bytes().to_vec();
        one.parent_span_id = parent.to_be_bytes().to_vec();
        one.name.clone_from(&name);
        (one.start_time_unix_nano, one.end_time_unix_nano) = (start, end);
        let mut spans = vec![span(Vec::new()); others];
        spans.push(one);
        let batch = decoded(&request(spans));
        let read = batch.spans.last().unwrap();
        prop_assert_eq!(batch.spans.len(), others + 1);
        prop_assert_eq!((read.trace, read.id, read.parent), (trace, id, parent));
        prop_assert_eq!((read.start, read.end), (start, end));
        prop_assert_eq!(batch.text(read.name), name);
        prop_assert_eq!(batch.text(read.facts.statement), sql);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(read(Bytes::from(bytes.clone())));
        drop(to_protobuf(&bytes, &TRACES));
    }

    #[test]
    fn a_damaged_request_is_read_or_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = request(vec![span(vec![text("db.query.text", "SELECT 1")]); 3]).encode_to_vec();
        *at.get_mut(&mut bytes) = to;
        drop(read(Bytes::from(bytes)));
    }
}

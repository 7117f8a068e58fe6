//! A span that tells a viewer what was found in a trace: a child of the span that it is about.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use xxhash_rust::xxh3::xxh3_64;

use crate::ingest::relay::{Encoding, Export, Signal};
use crate::model::trace::{Trace, TraceNote, TraceSpan};

/// Spans that it links to: the runs that it tells of.
const MAX_LINKS: usize = 32;

/// The request that adds `note` to its trace at the backend; `None` for a trace without spans. The same note always
/// makes the same span, so that a viewer shows it once.
pub fn export(trace: &Trace, note: &TraceNote) -> Option<Export> {
    let about = trace.offender(note)?;
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "sqleuth")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "sqleuth".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans: vec![span(trace, note, about)],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Some(Export {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        body: Bytes::from(request.encode_to_vec()),
    })
}

fn span(trace: &Trace, note: &TraceNote, about: &TraceSpan) -> Span {
    let runs = trace.spans.iter();
    let runs =
        runs.filter(|span| note.fingerprint.is_some() && span.fingerprint() == note.fingerprint);
    let link = |span: &TraceSpan| Link {
        trace_id: trace.id.to_be_bytes().to_vec(),
        span_id: span.id.to_be_bytes().to_vec(),
        ..Link::default()
    };
    Span {
        trace_id: trace.id.to_be_bytes().to_vec(),
        span_id: id(trace, note).to_be_bytes().to_vec(),
        parent_span_id: about.id.to_be_bytes().to_vec(),
        name: format!("sqleuth: {}", note.detector),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: about.start.as_unix_nanos(),
        end_time_unix_nano: about.end().as_unix_nanos(),
        attributes: attributes(note),
        links: runs.take(MAX_LINKS).map(link).collect(),
        ..Span::default()
    }
}

fn attributes(note: &TraceNote) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("sqleuth.finding", &note.detector),
        text("sqleuth.severity", note.severity.as_str()),
        text("sqleuth.summary", &note.summary),
        // What Jaeger's page shows as the warnings of a span.
        pair(
            "@jaeger@warnings",
            Value::ArrayValue(ArrayValue {
                values: vec![AnyValue {
                    value: Some(Value::StringValue(note.summary.clone())),
                }],
            }),
        ),
    ];
    let statement = note.fingerprint.map(|id| id.to_string());
    attributes.extend(statement.map(|id| text("sqleuth.fingerprint", &id)));
    attributes
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Of the trace, the detector and the statement; never 0, which is no id.
fn id(trace: &Trace, note: &TraceNote) -> u64 {
    let mut of = trace.id.to_be_bytes().to_vec();
    of.extend(note.detector.bytes());
    of.extend(note.fingerprint.map_or(0, |id| id.0).to_be_bytes());
    xxh3_64(&of).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::trace::example;

    fn sent(trace: &Trace, note: &TraceNote) -> Span {
        let export = export(trace, note).unwrap();
        let mut request = ExportTraceServiceRequest::decode(export.body).unwrap();
        request
            .resource_spans
            .remove(0)
            .scope_spans
            .remove(0)
            .spans
            .remove(0)
    }

    #[test]
    fn a_finding_is_a_child_of_the_span_that_it_is_about() {
        let trace = example::trace(0xabc);
        let note = &trace.notes[0];
        let span = sent(&trace, note);
        assert_eq!(span.trace_id, 0xabc_u128.to_be_bytes());
        assert_eq!(span.parent_span_id, 2_u64.to_be_bytes());
        let about = &trace.spans[1];
        assert_eq!(span.start_time_unix_nano, about.start.as_unix_nanos());
        assert_eq!(span.end_time_unix_nano, about.end().as_unix_nanos());
        assert_eq!(span.links.len(), 10);
        let warnings = span
            .attributes
            .iter()
            .find(|a| a.key == "@jaeger@warnings")
            .unwrap();
        let shown = format!("{warnings:?}");
        assert!(shown.contains("one request runs it ten times"), "{shown}");
    }

    #[test]
    fn the_same_finding_is_the_same_span_and_another_is_another() {
        let trace = example::trace(0xabc);
        let note = &trace.notes[0];
        let again = TraceNote {
            summary: "eleven times".to_owned(),
            ..note.clone()
        };
        let other = TraceNote {
            fingerprint: None,
            ..note.clone()
        };
        assert_eq!(sent(&trace, note).span_id, sent(&trace, &again).span_id);
        assert_ne!(sent(&trace, note).span_id, sent(&trace, &other).span_id);
        assert!(sent(&trace, &other).links.is_empty());
    }
}

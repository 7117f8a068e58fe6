//! Names, numbers and kinds of the fields of OTLP that sqleuth reads; what is not named is passed over.
//!
//! From <https://github.com/open-telemetry/opentelemetry-proto>, version 1.

/// A message: its fields.
#[derive(Debug)]
pub struct Message(&'static [(&'static str, u32, Kind)]);

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// The request itself.
    Root(&'static Message),
    /// A message, or several.
    Message(&'static Message),
    /// `string`.
    Text,
    /// `bytes` that JSON writes in hexadecimal digits.
    Id,
    /// `bytes`.
    Base64,
    /// `fixed64`, `sfixed64`.
    Fixed64,
    /// `fixed32`.
    Fixed32,
    /// `bool`, `int32`, `int64`, `uint32`.
    Varint,
    /// An enum whose values have these names, from 0 on.
    Enum(&'static [&'static str]),
    /// `double`.
    Double,
}

impl Message {
    /// Number and kind of a field, by its name in `lowerCamelCase` or as the schema writes it.
    pub(super) fn field(&self, name: &str) -> Option<(u32, Kind)> {
        let known = self.0.iter().find(|(known, ..)| is_same(known, name));
        known.map(|(_, number, kind)| (*number, *kind))
    }
}

/// `start_time_unix_nano` is `startTimeUnixNano`.
fn is_same(camel: &str, name: &str) -> bool {
    if camel == name {
        return true;
    }
    let mut plain = name.bytes().filter(|byte| *byte != b'_');
    name.contains('_')
        && camel.bytes().all(|byte| {
            plain
                .next()
                .is_some_and(|other| other == byte.to_ascii_lowercase())
        })
        && plain.next().is_none()
}

/// `ExportTraceServiceRequest`.
pub static TRACES: Message = Message(&[("resourceSpans", 1, Kind::Message(&RESOURCE_SPANS))]);
/// `ExportMetricsServiceRequest`.
pub static METRICS: Message = Message(&[("resourceMetrics", 1, Kind::Message(&RESOURCE_METRICS))]);
/// `ExportLogsServiceRequest`.
pub static LOGS: Message = Message(&[("resourceLogs", 1, Kind::Message(&RESOURCE_LOGS))]);

static RESOURCE_SPANS: Message = Message(&[
    ("resource", 1, Kind::Message(&RESOURCE)),
    ("scopeSpans", 2, Kind::Message(&SCOPE_SPANS)),
]);
static SCOPE_SPANS: Message = Message(&[
    ("scope", 1, Kind::Message(&SCOPE)),
    ("spans", 2, Kind::Message(&SPAN)),
]);
static SPAN: Message = Message(&[
    ("traceId", 1, Kind::Id),
    ("spanId", 2, Kind::Id),
    ("traceState", 3, Kind::Text),
    ("parentSpanId", 4, Kind::Id),
    ("name", 5, Kind::Text),
    ("kind", 6, Kind::Enum(SPAN_KINDS)),
    ("startTimeUnixNano", 7, Kind::Fixed64),
    ("endTimeUnixNano", 8, Kind::Fixed64),
    ("attributes", 9, Kind::Message(&KEY_VALUE)),
    ("events", 11, Kind::Message(&EVENT)),
    ("links", 13, Kind::Message(&LINK)),
    ("status", 15, Kind::Message(&STATUS)),
    ("flags", 16, Kind::Fixed32),
]);
static SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
static EVENT: Message = Message(&[
    ("timeUnixNano", 1, Kind::Fixed64),
    ("name", 2, Kind::Text),
    ("attributes", 3, Kind::Message(&KEY_VALUE)),
]);
static LINK: Message = Message(&[
    ("traceId", 1, Kind::Id),
    ("spanId", 2, Kind::Id),
    ("attributes", 4, Kind::Message(&KEY_VALUE)),
]);
static STATUS: Message = Message(&[
    ("message", 2, Kind::Text),
    (
        "code",
        3,
        Kind::Enum(&["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]),
    ),
]);

static RESOURCE: Message = Message(&[("attributes", 1, Kind::Message(&KEY_VALUE))]);
static SCOPE: Message = Message(&[("name", 1, Kind::Text), ("version", 2, Kind::Text)]);
static KEY_VALUE: Message = Message(&[("key", 1, Kind::Text), ("value", 2, Kind::Message(&ANY))]);
static ANY: Message = Message(&[
    ("stringValue", 1, Kind::Text),
    ("boolValue", 2, Kind::Varint),
    ("intValue", 3, Kind::Varint),
    ("doubleValue", 4, Kind::Double),
    ("arrayValue", 5, Kind::Message(&ARRAY)),
    ("kvlistValue", 6, Kind::Message(&KEY_VALUES)),
    ("bytesValue", 7, Kind::Base64),
]);
static ARRAY: Message = Message(&[("values", 1, Kind::Message(&ANY))]);
static KEY_VALUES: Message = Message(&[("values", 1, Kind::Message(&KEY_VALUE))]);

static RESOURCE_METRICS: Message = Message(&[
    ("resource", 1, Kind::Message(&RESOURCE)),
    ("scopeMetrics", 2, Kind::Message(&SCOPE_METRICS)),
]);
static SCOPE_METRICS: Message = Message(&[
    ("scope", 1, Kind::Message(&SCOPE)),
    ("metrics", 2, Kind::Message(&METRIC)),
]);
static METRIC: Message = Message(&[
    ("name", 1, Kind::Text),
    ("unit", 3, Kind::Text),
    ("gauge", 5, Kind::Message(&POINTS)),
    ("sum", 7, Kind::Message(&POINTS)),
]);
static POINTS: Message = Message(&[
    ("dataPoints", 1, Kind::Message(&NUMBER_POINT)),
    ("aggregationTemporality", 2, Kind::Enum(TEMPORALITIES)),
    ("isMonotonic", 3, Kind::Varint),
]);
static TEMPORALITIES: &[&str] = &[
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
];
static NUMBER_POINT: Message = Message(&[
    ("startTimeUnixNano", 2, Kind::Fixed64),
    ("timeUnixNano", 3, Kind::Fixed64),
    ("asDouble", 4, Kind::Double),
    ("asInt", 6, Kind::Fixed64),
    ("attributes", 7, Kind::Message(&KEY_VALUE)),
]);
static RESOURCE_LOGS: Message = Message(&[
    ("resource", 1, Kind::Message(&RESOURCE)),
    ("scopeLogs", 2, Kind::Message(&SCOPE_LOGS)),
]);
static SCOPE_LOGS: Message = Message(&[
    ("scope", 1, Kind::Message(&SCOPE)),
    ("logRecords", 2, Kind::Message(&LOG_RECORD)),
]);
static LOG_RECORD: Message = Message(&[
    ("timeUnixNano", 1, Kind::Fixed64),
    ("severityNumber", 2, Kind::Varint),
    ("severityText", 3, Kind::Text),
    ("body", 5, Kind::Message(&ANY)),
    ("attributes", 6, Kind::Message(&KEY_VALUE)),
    ("traceId", 9, Kind::Id),
    ("spanId", 10, Kind::Id),
    ("observedTimeUnixNano", 11, Kind::Fixed64),
]);

//! Reads an `ExportTraceServiceRequest` in one walk: where in its bytes the fields lie that sqleuth needs.
//!
//! ```text
//! body ─► ResourceSpans ─► ScopeSpans ─► Span ─► SpanRecord { ids, times, places of texts }
//!          service.name     scope name    └ attributes: semconv, old and new names
//! ```
//!
//! Nothing is copied and nothing is allocated per span: a record points into the body, which travels with it.
//! Field numbers: <https://github.com/open-telemetry/opentelemetry-proto>, `trace/v1/trace.proto`.

use bytes::Bytes;

use crate::ingest::otlp::budget::Share;
use crate::ingest::otlp::semconv::Facts;
use crate::ingest::otlp::wire::{Fields, Malformed, Value};
use crate::model::span::SpanKind;

/// Spans in one request; SDKs send some hundreds, collectors some thousands.
pub const MAX_SPANS: usize = 131_072;
/// Resources and scopes in one request.
const MAX_OWNERS: usize = 16_384;
/// Attributes of a span that are looked at; SDKs drop what is beyond 128.
const MAX_ATTRIBUTES: usize = 256;

/// Why a request is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its bytes are no such message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It holds too much for one request.
    #[error("more than {MAX_SPANS} spans (or {MAX_OWNERS} resources and scopes) in one request")]
    TooMany,
}

/// Bytes of the body, by place: a span of a request is small, and so is the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    at: u32,
    len: u32,
}

impl Place {
    /// Whether nothing was told.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// One request's spans.
#[derive(Debug)]
pub struct SpanBatch {
    body: Bytes,
    /// Memory that it holds, given back when it is dropped.
    share: Option<Share>,
    /// Who sent them.
    pub resources: Vec<Resource>,
    /// Instrumentation scopes.
    pub scopes: Vec<Place>,
    /// The spans, in the order of the request.
    pub spans: Vec<SpanRecord>,
    /// Spans that have no valid id, and hence belong nowhere.
    pub rejected: u64,
}

/// Who sent spans: `service.name` and its like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resource {
    /// `service.name`.
    pub service: Place,
    /// `telemetry.sdk.language`.
    pub language: Place,
}

/// One span.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanRecord {
    /// Trace id.
    pub trace: u128,
    /// Span id.
    pub id: u64,
    /// Span id of the parent; 0 for none.
    pub parent: u64,
    /// Start, nanoseconds since 1970.
    pub start: u64,
    /// End, nanoseconds since 1970.
    pub end: u64,
    /// Kind.
    pub kind: SpanKind,
    /// Its status is an error.
    pub failed: bool,
    /// Index of its resource.
    pub resource: u32,
    /// Index of its scope.
    pub scope: u32,
    /// Name.
    pub name: Place,
    /// What its attributes say.
    pub facts: Facts,
    /// Its first event named `exception`, the event's message.
    pub exception: Place,
    /// Description of its status, which some instrumentations tell instead of an exception.
    pub said: Place,
}

impl SpanBatch {
    /// The bytes at a place.
    pub fn bytes(&self, place: Place) -> &[u8] {
        let from = place.at as usize;
        self.body
            .get(from..from + place.len as usize)
            .unwrap_or_default()
    }

    /// The text at a place; what is no UTF-8 is replaced.
    pub fn text(&self, place: Place) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(place))
    }

    /// The request as protobuf.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Bytes of what was read out of the body.
    pub(super) fn records_size(&self) -> usize {
        self.spans.len() * size_of::<SpanRecord>()
    }

    /// Holds its memory for as long as it lives.
    pub(super) fn hold(&mut self, share: Share) {
        self.share = Some(share);
    }

    /// Type and message of an exception, or what the status says: what a program would have logged.
    pub fn told_of_failure(&self, span: &SpanRecord) -> Option<String> {
        let event = self.bytes(span.exception);
        let (kind, message) = exception(event).unwrap_or_default();
        let text = String::from_utf8_lossy;
        match (kind.is_empty(), message.is_empty()) {
            (true, true) if span.said.is_empty() => None,
            (true, true) => Some(self.text(span.said).into_owned()),
            _ => Some(format!("{}: {}", text(kind), text(message))),
        }
    }
}

/// Reads a request.
///
/// # Errors
/// [`Unreadable`] when it is no such message or holds too much; the sender must not send it again.
pub fn read(body: Bytes) -> Result<SpanBatch, Unreadable> {
    let mut reader = Reader {
        base: body.as_ptr() as usize,
        resources: Vec::new(),
        scopes: Vec::new(),
        spans: Vec::new(),
        rejected: 0,
    };
    let mut request = Fields::of(&body);
    while let Some((number, value)) = request.next()? {
        if number == 1 {
            reader.resource_spans(value.bytes()?)?;
        }
    }
    Ok(SpanBatch {
        share: None,
        resources: reader.resources,
        scopes: reader.scopes,
        spans: reader.spans,
        rejected: reader.rejected,
        body,
    })
}

struct Reader {
    /// Where the body begins, to tell places from slices.
    base: usize,
    resources: Vec<Resource>,
    scopes: Vec<Place>,
    spans: Vec<SpanRecord>,
    rejected: u64,
}

impl Reader {
    fn place(&self, bytes: &[u8]) -> Place {
        let at = (bytes.as_ptr() as usize).wrapping_sub(self.base);
        match (u32::try_from(at), u32::try_from(bytes.len())) {
            (Ok(at), Ok(len)) => Place { at, len },
            _ => Place::default(),
        }
    }

    /// The resource may stand behind its spans: fields come in any order.
    fn resource_spans(&mut self, message: &[u8]) -> Result<(), Unreadable> {
        let resource = self.resources.len();
        if resource >= MAX_OWNERS {
            return Err(Unreadable::TooMany);
        }
        self.resources.push(Resource::default());
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => self.resources[resource] = self.resource(value.bytes()?)?,
                2 => self.scope_spans(value.bytes()?, resource)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn resource(&self, message: &[u8]) -> Result<Resource, Malformed> {
        let mut resource = Resource::default();
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            if number != 1 {
                continue;
            }
            let (key, value) = key_value(value.bytes()?)?;
            let told = match key {
                b"service.name" => &mut resource.service,
                b"telemetry.sdk.language" => &mut resource.language,
                _ => continue,
            };
            if let Some(Value::Bytes(text)) = value {
                *told = self.place(text);
            }
        }
        Ok(resource)
    }

    fn scope_spans(&mut self, message: &[u8], resource: usize) -> Result<(), Unreadable> {
        let scope = self.scopes.len();
        if scope >= MAX_OWNERS {
            return Err(Unreadable::TooMany);
        }
        self.scopes.push(Place::default());
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => self.scopes[scope] = self.scope_name(value.bytes()?)?,
                2 => self.span(value.bytes()?, resource, scope)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn scope_name(&self, message: &[u8]) -> Result<Place, Malformed> {
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            if number == 1 {
                return Ok(self.place(value.bytes()?));
            }
        }
        Ok(Place::default())
    }

    fn span(&mut self, message: &[u8], resource: usize, scope: usize) -> Result<(), Unreadable> {
        let mut span = SpanRecord {
            resource: u32::try_from(resource).unwrap_or_default(),
            scope: u32::try_from(scope).unwrap_or_default(),
            ..SpanRecord::default()
        };
        match self.fill(message, &mut span) {
            Ok(()) if span.trace != 0 && span.id != 0 => {}
            Ok(()) | Err(Malformed::Id) => {
                self.rejected += 1;
                return Ok(());
            }
            Err(why) => return Err(why.into()),
        }
        if self.spans.len() >= MAX_SPANS {
            return Err(Unreadable::TooMany);
        }
        self.spans.push(span);
        Ok(())
    }

    fn fill(&self, message: &[u8], span: &mut SpanRecord) -> Result<(), Malformed> {
        let mut fields = Fields::of(message);
        let mut attributes = 0;
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => span.trace = trace_id(value.bytes()?)?,
                2 => span.id = span_id(value.bytes()?)?,
                4 => span.parent = parent_id(value.bytes()?)?,
                5 => span.name = self.place(value.bytes()?),
                6 => span.kind = SpanKind::of(value.varint()?),
                7 => span.start = value.fixed64()?,
                8 => span.end = value.fixed64()?,
                9 if attributes < MAX_ATTRIBUTES => {
                    attributes += 1;
                    let (key, value) = key_value(value.bytes()?)?;
                    if let Some(value) = value {
                        span.facts.learn(key, value, |text| self.place(text));
                    }
                }
                11 if span.exception.is_empty() => {
                    let event = value.bytes()?;
                    if is_exception(event)? {
                        span.exception = self.place(event);
                    }
                }
                15 => (span.failed, span.said) = self.status(value.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the code is `STATUS_CODE_ERROR`, which is 2, and the description.
    fn status(&self, mut status: Fields<'_>) -> Result<(bool, Place), Malformed> {
        let (mut code, mut said) = (0, Place::default());
        while let Some((number, value)) = status.next()? {
            match number {
                2 => said = self.place(value.bytes()?),
                3 => code = value.varint()?,
                _ => {}
            }
        }
        Ok((code == 2, said))
    }
}

/// Key and scalar value of an attribute; a list or a map is no scalar.
pub(super) fn key_value(message: &[u8]) -> Result<(&[u8], Option<Value<'_>>), Malformed> {
    let (mut key, mut told) = (&[][..], None);
    let mut fields = Fields::of(message);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => key = value.bytes()?,
            2 => told = scalar(value.message()?)?,
            _ => {}
        }
    }
    Ok((key, told))
}

/// `AnyValue`: string, bool, int, double.
fn scalar(mut any: Fields<'_>) -> Result<Option<Value<'_>>, Malformed> {
    let mut told = None;
    while let Some((number, value)) = any.next()? {
        if (1..=4).contains(&number) {
            told = Some(value);
        }
    }
    Ok(told)
}

fn is_exception(event: &[u8]) -> Result<bool, Malformed> {
    let mut fields = Fields::of(event);
    while let Some((number, value)) = fields.next()? {
        if number == 2 {
            return Ok(value.bytes()? == b"exception");
        }
    }
    Ok(false)
}

/// `exception.type` and `exception.message` of an event.
fn exception(event: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut kind, mut message) = (&[][..], &[][..]);
    let mut fields = Fields::of(event);
    while let Some((number, value)) = fields.next()? {
        if number != 3 {
            continue;
        }
        match key_value(value.bytes()?)? {
            (b"exception.type", Some(Value::Bytes(text))) => kind = text,
            (b"exception.message", Some(Value::Bytes(text))) => message = text,
            _ => {}
        }
    }
    Ok((kind, message))
}

fn trace_id(bytes: &[u8]) -> Result<u128, Malformed> {
    let bytes = bytes.try_into().map_err(|_| Malformed::Id)?;
    Ok(u128::from_be_bytes(bytes))
}

fn span_id(bytes: &[u8]) -> Result<u64, Malformed> {
    let bytes = bytes.try_into().map_err(|_| Malformed::Id)?;
    Ok(u64::from_be_bytes(bytes))
}

/// Empty means none.
fn parent_id(bytes: &[u8]) -> Result<u64, Malformed> {
    if bytes.is_empty() {
        return Ok(0);
    }
    span_id(bytes)
}

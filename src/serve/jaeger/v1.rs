//! `/api/...`: the dialect that Grafana speaks.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::params::{self, Asked};
use crate::model::trace::{TagValue, Trace, TraceSpan};
use crate::serve::Site;
use crate::serve::api::params::Segment;
use crate::serve::archive::{self, Archive};
use crate::serve::problem::Problem;

/// Every answer, good or bad.
#[derive(Debug, Serialize)]
pub(super) struct Answer<T> {
    data: Option<T>,
    total: usize,
    limit: usize,
    offset: usize,
    errors: Option<Vec<Fault>>,
}

#[derive(Debug, Serialize)]
struct Fault {
    code: u16,
    msg: String,
}

/// What is wrong with a request, as this dialect says it.
#[derive(Debug)]
pub(super) struct Refusal(StatusCode, String);

impl Refusal {
    pub(super) fn bad_request(what: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, what.into())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem.status(), problem.detail().to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, msg) = self;
        let code = status.as_u16();
        let answer = Answer::<()> {
            data: None,
            total: 0,
            limit: 0,
            offset: 0,
            errors: Some(vec![Fault { code, msg }]),
        };
        (status, Json(answer)).into_response()
    }
}

pub(super) type Result<T> = std::result::Result<Json<Answer<T>>, Refusal>;

/// A list, whole.
pub(super) fn all<T>(data: Vec<T>) -> Json<Answer<Vec<T>>> {
    Json(Answer {
        total: data.len(),
        data: Some(data),
        limit: 0,
        offset: 0,
        errors: None,
    })
}

pub(super) async fn services(State(site): State<Site>) -> Result<Vec<String>> {
    Ok(all(
        archive::read(&site.archive, Archive::trace_services).await?
    ))
}

pub(super) async fn operations_of(
    State(site): State<Site>,
    Segment(service): Segment,
) -> Result<Vec<String>> {
    let found = archive::read(&site.archive, move |a| a.trace_operations(&service)).await?;
    let mut names: Vec<String> = found.into_iter().map(|operation| operation.name).collect();
    names.dedup();
    Ok(all(names))
}

/// An operation and what part of a call it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    name: String,
    span_kind: String,
}

pub(super) async fn operations(
    State(site): State<Site>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Vec<Named>> {
    let asked = Asked::new(pairs);
    let service = asked
        .one(&["service"])
        .ok_or_else(|| Refusal::bad_request("service: whose operations"))?
        .to_owned();
    let kind = asked.one(&["spanKind"]).map(str::to_owned);
    let found = archive::read(&site.archive, move |a| a.trace_operations(&service)).await?;
    let named = found.into_iter().map(|operation| Named {
        name: operation.name,
        span_kind: operation.kind,
    });
    let is_asked = |named: &Named| kind.as_deref().is_none_or(|kind| kind == named.span_kind);
    Ok(all(named.filter(is_asked).collect()))
}

pub(super) async fn traces(
    State(site): State<Site>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Vec<TraceView>> {
    let asked = Asked::new(pairs);
    let ids: Vec<&str> = asked.all("traceID").collect();
    if !ids.is_empty() {
        let ids = ids
            .into_iter()
            .map(|id| id_of(id).ok_or_else(|| bad_id(id)));
        let ids: Vec<u128> = ids.collect::<std::result::Result<_, _>>()?;
        let found = archive::read(&site.archive, move |a| {
            let found = ids.into_iter().take(100).map(|id| a.trace(id));
            found.collect::<archive::Read<Vec<_>>>()
        });
        let found = found.await?;
        return Ok(all(found.iter().flatten().map(TraceView::of).collect()));
    }
    let filter = params::v1(&asked).map_err(Refusal::bad_request)?;
    if filter.service.is_none() {
        return Err(Refusal::bad_request("service: whose traces"));
    }
    let found = archive::read(&site.archive, move |a| a.traces(&filter)).await?;
    Ok(all(found.iter().map(TraceView::of).collect()))
}

pub(super) async fn trace(
    State(site): State<Site>,
    Segment(id): Segment,
) -> Result<Vec<TraceView>> {
    let asked = id_of(&id).ok_or_else(|| bad_id(&id))?;
    let found = archive::read(&site.archive, move |a| a.trace(asked)).await?;
    match found {
        Some(trace) => Ok(all(vec![TraceView::of(&trace)])),
        None => Err(Refusal(
            StatusCode::NOT_FOUND,
            "trace not found: sqleuth keeps the traces that show a problem".to_owned(),
        )),
    }
}

/// A trace id; leading zeros may be left out.
pub(super) fn id_of(text: &str) -> Option<u128> {
    let is_hex =
        !text.is_empty() && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

fn bad_id(text: &str) -> Refusal {
    let shown: String = text.chars().take(40).collect();
    Refusal::bad_request(format!("{shown:?} is no trace id: up to 32 hex digits"))
}

/// A trace as this dialect writes it.
#[derive(Debug, Serialize)]
pub(super) struct TraceView {
    #[serde(rename = "traceID")]
    trace_id: String,
    spans: Vec<SpanView>,
    processes: BTreeMap<String, Process>,
    warnings: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanView {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    flags: u32,
    operation_name: String,
    references: Vec<Reference>,
    start_time: u64,
    duration: u64,
    tags: Vec<Tag>,
    logs: Vec<()>,
    #[serde(rename = "processID")]
    process_id: String,
    warnings: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: &'static str,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Debug, Serialize)]
struct Tag {
    key: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: serde_json::Value,
}

impl Tag {
    fn new(key: &'static str, value: &TagValue) -> Self {
        let (kind, value) = match value {
            TagValue::Text(text) => ("string", (&**text).into()),
            TagValue::Int(number) => ("int64", (*number).into()),
            TagValue::Bool(so) => ("bool", (*so).into()),
        };
        Self { key, kind, value }
    }
}

impl TraceView {
    pub(super) fn of(trace: &Trace) -> Self {
        let mut processes: BTreeMap<&str, String> = BTreeMap::new();
        for span in &trace.spans {
            let next = format!("p{}", processes.len() + 1);
            processes.entry(span.maker.service.as_str()).or_insert(next);
        }
        let spans = trace.spans.iter();
        let process_of = |span: &TraceSpan| processes.get(span.maker.service.as_str());
        Self {
            trace_id: format!("{:032x}", trace.id),
            spans: spans
                .map(|span| {
                    SpanView::of(trace, span, process_of(span).cloned().unwrap_or_default())
                })
                .collect(),
            warnings: (trace.left_out > 0).then(|| {
                vec![format!(
                    "{} more spans came than sqleuth keeps of one trace",
                    trace.left_out
                )]
            }),
            processes: processes
                .into_iter()
                .map(|(service, id)| {
                    let service_name = service.to_owned();
                    let tags = Vec::new();
                    (id, Process { service_name, tags })
                })
                .collect(),
        }
    }
}

impl SpanView {
    fn of(trace: &Trace, span: &TraceSpan, process_id: String) -> Self {
        let trace_id = format!("{:032x}", trace.id);
        let mut tags = vec![Tag::new(
            "span.kind",
            &TagValue::Text(span.kind.as_str().into()),
        )];
        let known = trace.tags(span);
        tags.extend(known.iter().map(|(key, value)| Tag::new(key, value)));
        let warnings: Vec<String> = trace
            .notes_at(span)
            .map(|note| note.summary.clone())
            .collect();
        let references = span.parent.map(|parent| Reference {
            ref_type: "CHILD_OF",
            trace_id: trace_id.clone(),
            span_id: format!("{parent:016x}"),
        });
        Self {
            trace_id,
            span_id: format!("{:016x}", span.id),
            flags: 1,
            operation_name: span.name.to_string(),
            references: references.into_iter().collect(),
            start_time: span.start.as_unix_nanos() / 1_000,
            duration: u64::try_from(span.elapsed.as_micros()).unwrap_or(u64::MAX),
            tags,
            logs: Vec::new(),
            process_id,
            warnings: (!warnings.is_empty()).then_some(warnings),
        }
    }
}

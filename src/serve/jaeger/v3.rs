//! `/api/v3/...`: the dialect that Jaeger's page speaks; traces are OTLP as JSON.

use std::collections::{BTreeMap, HashSet};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::params::{self, Asked};
use super::v1::id_of;
use crate::model::trace::{TagValue, Trace, TraceSpan};
use crate::serve::Site;
use crate::serve::api::params::Segment;
use crate::serve::archive::{self, Archive};
use crate::serve::problem::Problem;

/// What is wrong with a request, as this dialect says it.
#[derive(Debug)]
pub(super) struct Refusal(StatusCode, String);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem.status(), problem.detail().to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        let error = json!({"error": {
            "httpCode": status.as_u16(),
            "httpStatus": status.canonical_reason().unwrap_or_default(),
            "message": message,
        }});
        (status, Json(error)).into_response()
    }
}

fn bad_request(what: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, what.into())
}

fn not_found() -> Refusal {
    let what = "trace not found: sqleuth keeps the traces that show a problem";
    Refusal(StatusCode::NOT_FOUND, what.to_owned())
}

type Result = std::result::Result<Json<Value>, Refusal>;

pub(super) async fn services(State(site): State<Site>) -> Result {
    let services = archive::read(&site.archive, Archive::trace_services).await?;
    Ok(Json(json!({ "services": services })))
}

pub(super) async fn operations(
    State(site): State<Site>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result {
    let asked = Asked::new(pairs);
    let service = asked
        .one(&["service"])
        .ok_or_else(|| bad_request("service: whose operations"))?;
    let service = service.to_owned();
    let kind = asked.one(&["span_kind", "spanKind"]).map(str::to_owned);
    let found = archive::read(&site.archive, move |a| a.trace_operations(&service)).await?;
    let is_asked = |of: &str| kind.as_deref().is_none_or(|kind| kind == of);
    let named = found.iter().filter(|operation| is_asked(&operation.kind));
    let named = named.map(|operation| json!({"name": operation.name, "spanKind": operation.kind}));
    Ok(Json(json!({ "operations": named.collect::<Vec<_>>() })))
}

pub(super) async fn trace(State(site): State<Site>, Segment(id): Segment) -> Result {
    let asked = id_of(&id).ok_or_else(|| bad_request("a trace id has up to 32 hex digits"))?;
    let found = archive::read(&site.archive, move |a| a.trace(asked)).await?;
    let trace = found.ok_or_else(not_found)?;
    Ok(Json(
        json!({"result": {"resourceSpans": resource_spans(&trace)}}),
    ))
}

pub(super) async fn traces(
    State(site): State<Site>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result {
    let found = search(&site, pairs).await?;
    if found.is_empty() {
        return Err(Refusal(StatusCode::NOT_FOUND, "no trace found".to_owned()));
    }
    let spans: Vec<Value> = found.iter().flat_map(resource_spans).collect();
    Ok(Json(json!({"result": {"resourceSpans": spans}})))
}

pub(super) async fn summaries(
    State(site): State<Site>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result {
    let found = search(&site, pairs).await?;
    let summaries: Vec<Value> = found.iter().map(summary).collect();
    Ok(Json(json!({ "summaries": summaries })))
}

async fn search(
    site: &Site,
    pairs: Vec<(String, String)>,
) -> std::result::Result<Vec<Trace>, Refusal> {
    let filter = params::v3(&Asked::new(pairs)).map_err(bad_request)?;
    Ok(archive::read(&site.archive, move |a| a.traces(&filter)).await?)
}

fn summary(trace: &Trace) -> Value {
    let mut services: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for span in &trace.spans {
        let (spans, failed) = services.entry(span.maker.service.as_str()).or_default();
        *spans += 1;
        *failed += u64::from(span.failed);
    }
    let known: HashSet<u64> = trace.spans.iter().map(|span| span.id).collect();
    let is_orphan = |span: &&TraceSpan| span.parent.is_some_and(|parent| !known.contains(&parent));
    let span = trace.interval();
    let root = trace.root();
    let services = services.into_iter().map(|(name, (spans, failed))| {
        json!({"name": name, "spanCount": spans, "errorSpanCount": failed})
    });
    json!({
        "traceId": format!("{:032x}", trace.id),
        "rootServiceName": root.map_or("", |root| root.maker.service.as_str()),
        "rootOperationName": root.map_or("", |root| &*root.name),
        "minStartTimeUnixNano": span.from.as_unix_nanos().to_string(),
        "maxEndTimeUnixNano": span.to.as_unix_nanos().to_string(),
        "spanCount": trace.spans.len(),
        "errorSpanCount": trace.spans.iter().filter(|span| span.failed).count(),
        "orphanSpanCount": trace.spans.iter().filter(is_orphan).count(),
        "services": services.collect::<Vec<_>>(),
    })
}

/// Spans by service and scope.
fn resource_spans(trace: &Trace) -> Vec<Value> {
    let mut makers: BTreeMap<&str, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    for span in &trace.spans {
        let scopes = makers.entry(span.maker.service.as_str()).or_default();
        scopes
            .entry(&*span.maker.scope)
            .or_default()
            .push(span_view(trace, span));
    }
    let resources = makers.into_iter().map(|(service, scopes)| {
        let scopes = scopes.into_iter();
        let scopes = scopes.map(|(name, spans)| json!({"scope": {"name": name}, "spans": spans}));
        let service = attribute("service.name", &TagValue::Text(service.into()));
        json!({
            "resource": {"attributes": [service]},
            "scopeSpans": scopes.collect::<Vec<_>>(),
        })
    });
    resources.collect()
}

fn span_view(trace: &Trace, span: &TraceSpan) -> Value {
    let mut attributes: Vec<Value> = trace
        .tags(span)
        .iter()
        .map(|(key, value)| attribute(key, value))
        .collect();
    let warnings = trace
        .notes_at(span)
        .map(|note| json!({"stringValue": note.summary}));
    let warnings: Vec<Value> = warnings.collect();
    if !warnings.is_empty() {
        // What Jaeger's page shows as the warnings of a span.
        attributes.push(
            json!({"key": "@jaeger@warnings", "value": {"arrayValue": {"values": warnings}}}),
        );
    }
    json!({
        "traceId": format!("{:032x}", trace.id),
        "spanId": format!("{:016x}", span.id),
        "parentSpanId": span.parent.map_or_else(String::new, |id| format!("{id:016x}")),
        "name": span.name,
        "kind": span.kind.number(),
        "startTimeUnixNano": span.start.as_unix_nanos().to_string(),
        "endTimeUnixNano": span.end().as_unix_nanos().to_string(),
        "attributes": attributes,
        "status": if span.failed { json!({"code": 2}) } else { json!({}) },
    })
}

fn attribute(key: &str, value: &TagValue) -> Value {
    let value = match value {
        TagValue::Text(text) => json!({"stringValue": text}),
        TagValue::Int(number) => json!({"intValue": number.to_string()}),
        TagValue::Bool(so) => json!({"boolValue": so}),
    };
    json!({"key": key, "value": value})
}

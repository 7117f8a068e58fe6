//! `/api/v1/incidents`: the list, one incident, its postmortem, taking it.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::model::id::IncidentId;
use crate::model::incident::{Incident, IncidentState};
use crate::report::Lang;
use crate::serve::Site;
use crate::serve::api::params::{self, Query, Segment};
use crate::serve::api::view::{IncidentView, PageView};
use crate::serve::archive::{self, Command};
use crate::serve::problem::Problem;
use crate::store::view::IncidentFilter;

/// Longest name of whoever takes an incident.
const MAX_NAME_CHARS: usize = 80;

/// Which incidents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct ListParams {
    /// Started, or still open, since: RFC 3339 or a time back from now such as `7d`.
    from: Option<String>,
    /// Until, likewise.
    to: Option<String>,
    /// Only in this state.
    state: Option<IncidentState>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl ListParams {
    pub(in crate::serve) fn filter(self, site: &Site) -> Result<IncidentFilter, Problem> {
        Ok(IncidentFilter {
            within: params::optional_interval(
                self.from.as_deref(),
                self.to.as_deref(),
                site.clock.now(),
            )?,
            states: self.state.into_iter().collect(),
            limit: params::limit(self.limit)?,
            cursor: params::short("cursor", self.cursor)?,
        })
    }
}

/// Incidents, the newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(ListParams), responses(
    (status = 200, description = "one page", body = PageView<IncidentView>),
    (status = 400, description = "a parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::serve) async fn list(
    State(site): State<Site>,
    Query(params): Query<ListParams>,
) -> Result<Json<PageView<IncidentView>>, Problem> {
    let filter = params.filter(&site)?;
    let page = archive::read(&site.archive, move |a| a.incidents(&filter)).await?;
    let items = page.items.into_iter();
    Ok(Json(PageView {
        items: items.map(|i| IncidentView::new(i, &site.style)).collect(),
        next: page.next,
    }))
}

/// One incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "for example INC-20261121-3")),
    responses(
        (status = 200, description = "the incident", body = IncidentView),
        (status = 404, description = "there is none of this name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::serve) async fn one(
    State(site): State<Site>,
    Segment(id): Segment,
) -> Result<Json<IncidentView>, Problem> {
    let incident = find(&site, &id).await?;
    Ok(Json(IncidentView::new(incident, &site.style)))
}

/// The incident of this name.
///
/// # Errors
/// 404 when there is none.
pub(in crate::serve) async fn find(site: &Site, id: &str) -> Result<Incident, Problem> {
    let id = IncidentId::new(id);
    archive::read(&site.archive, move |a| a.incident(&id))
        .await?
        .ok_or_else(no_such_incident)
}

fn no_such_incident() -> Problem {
    Problem::not_found("there is no incident of this name; /api/v1/incidents lists them")
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct PostmortemParams {
    /// `en` or `ko`; the configured language if left out.
    #[param(value_type = Option<String>)]
    lang: Option<Lang>,
}

/// The postmortem of an incident as a Markdown file.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/postmortem", tag = "incidents",
    params(("id" = String, Path, description = "for example INC-20261121-3"), PostmortemParams),
    responses(
        (status = 200, description = "Markdown", body = String, content_type = "text/markdown"),
        (status = 404, description = "there is none of this name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::serve) async fn postmortem(
    State(site): State<Site>,
    Segment(id): Segment,
    Query(params): Query<PostmortemParams>,
) -> Result<impl IntoResponse, Problem> {
    let incident = find(&site, &id).await?;
    let name = file_name(&incident.id);
    let lang = params.lang.unwrap_or(site.style.lang);
    let markdown = archive::read(&site.archive, move |a| a.postmortem(&incident, lang)).await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/markdown; charset=utf-8".to_owned(),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.md\""),
        ),
    ];
    Ok((headers, markdown))
}

/// Only what is safe in a header and in every file system.
fn file_name(id: &IncidentId) -> String {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    id.as_str().chars().filter(is_safe).take(64).collect()
}

/// Who takes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Acknowledgement {
    /// Name, 1 to 80 characters.
    by: String,
}

/// Takes an incident: people see who works on it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/ack", tag = "incidents",
    params(("id" = String, Path, description = "for example INC-20261121-3")),
    request_body = Acknowledgement,
    responses(
        (status = 200, description = "the incident, taken and stored", body = IncidentView),
        (status = 400, description = "the body is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "there is none of this name that is open", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "changes are not accepted just now", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::serve) async fn acknowledge(
    State(site): State<Site>,
    Segment(id): Segment,
    body: Result<Json<Acknowledgement>, JsonRejection>,
) -> Result<Json<IncidentView>, Problem> {
    let Json(body) = body?;
    let incident = take(&site, &id, &body.by).await?;
    Ok(Json(IncidentView::new(incident, &site.style)))
}

/// Takes an incident for somebody.
///
/// # Errors
/// 400 for a bad name, 404 for no such open incident, 503 when nobody listens.
pub(in crate::serve) async fn take(site: &Site, id: &str, by: &str) -> Result<Incident, Problem> {
    let by = by.trim();
    let is_name =
        (1..=MAX_NAME_CHARS).contains(&by.chars().count()) && !by.chars().any(char::is_control);
    if !is_name {
        return Err(Problem::bad_request("by: a name of 1 to 80 characters"));
    }
    let (id, by) = (IncidentId::new(id), by.to_owned());
    archive::ask(&site.desk, |reply| Command::Acknowledge { id, by, reply })
        .await?
        .ok_or_else(|| Problem::not_found("there is no open incident of this name"))
}

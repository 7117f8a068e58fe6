//! `/api/v1/events`: deploys, migrations and other markers that timelines show.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

use crate::model::id::ServiceName;
use crate::model::time::Timestamp;
use crate::serve::Site;
use crate::serve::api::params::{self, Query};
use crate::serve::api::view::PageView;
use crate::serve::archive::{self, ArchiveError, Command};
use crate::serve::problem::Problem;
use crate::store::view::Marker;

/// What is listed when no interval is asked for.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(7 * 86_400);
/// A clock that is ahead is forgiven so much; a marker of the far future would never be seen.
const MAX_AHEAD: Duration = Duration::from_secs(86_400);
const MAX_KIND_CHARS: usize = 32;
const MAX_TITLE_CHARS: usize = 200;

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct MarkerView {
    /// When.
    at: Timestamp,
    /// What kind.
    kind: String,
    /// One line.
    title: String,
    /// Whose, if it is not everybody's.
    service: Option<ServiceName>,
}

impl From<Marker> for MarkerView {
    fn from(marker: Marker) -> Self {
        Self {
            at: marker.at,
            kind: marker.kind,
            title: marker.title,
            service: marker.service,
        }
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct ListParams {
    /// Since: RFC 3339 or a time back from now such as `7d`, which is also the default.
    from: Option<String>,
    /// Until, likewise; now if left out.
    to: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Events, oldest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(ListParams), responses(
    (status = 200, description = "one page", body = PageView<MarkerView>),
    (status = 400, description = "a parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::serve) async fn list(
    State(site): State<Site>,
    Query(params): Query<ListParams>,
) -> Result<Json<PageView<MarkerView>>, Problem> {
    let cursor = params.cursor.as_deref().map(parse_cursor).transpose()?;
    let (begin, skip) = cursor.map_or((params.from.as_deref(), 0), |(at, skip)| (Some(at), skip));
    let (to, now) = (params.to.as_deref(), site.clock.now());
    let within = params::interval(begin, to, DEFAULT_INTERVAL, now)?;
    let limit = params::limit(params.limit)?;
    let markers = archive::read(&site.archive, move |a| a.markers(within, skip)).await?;
    let next = next_cursor(&markers, limit, (within.from, skip));
    let items = markers.into_iter().take(limit);
    Ok(Json(PageView {
        items: items.map(MarkerView::from).collect(),
        next,
    }))
}

/// A cursor is `instant/n`: begin at the instant, behind its first `n` events, for several may share it.
fn parse_cursor(cursor: &str) -> Result<(&str, u32), Problem> {
    let parts = cursor.split_once('/');
    parts
        .and_then(|(at, skip)| Some((at, skip.parse().ok()?)))
        .ok_or_else(|| ArchiveError::BadCursor.into())
}

/// Where the page behind `limit` markers begins, when this one began behind `skip` of those at an instant.
fn next_cursor(markers: &[Marker], limit: usize, (from, skip): (Timestamp, u32)) -> Option<String> {
    let at = markers.get(limit)?.at;
    let shown = markers.iter().take(limit).filter(|m| m.at == at).count();
    let before = if at == from { skip } else { 0 };
    let skip = u32::try_from(shown).ok()?.checked_add(before)?;
    Some(format!("{at}/{skip}"))
}

/// What happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct NewMarker {
    /// `deploy`, `migration`, `config` or another word of at most 32 characters.
    kind: String,
    /// One line of at most 200 characters.
    title: String,
    /// Whose, if it is not everybody's.
    service: Option<String>,
    /// When; now if left out.
    at: Option<Timestamp>,
}

impl NewMarker {
    fn checked(self, now: Timestamp) -> Result<Marker, Problem> {
        let at = self.at.unwrap_or(now);
        if at > now.plus(MAX_AHEAD) {
            return Err(Problem::bad_request("at: more than a day ahead"));
        }
        let service = self.service.map(|s| line("service", &s, MAX_TITLE_CHARS));
        Ok(Marker {
            at,
            kind: line("kind", &self.kind, MAX_KIND_CHARS)?,
            title: line("title", &self.title, MAX_TITLE_CHARS)?,
            service: service.transpose()?.map(ServiceName::new),
        })
    }
}

fn line(name: &str, text: &str, max_chars: usize) -> Result<String, Problem> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 || chars > max_chars || text.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!(
            "{name}: one line of 1 to {max_chars} characters"
        )));
    }
    Ok(text.to_owned())
}

/// Records that something happened.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", request_body = NewMarker, responses(
    (status = 201, description = "stored", body = MarkerView),
    (status = 400, description = "the body is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "changes are not accepted just now", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::serve) async fn create(
    State(site): State<Site>,
    body: Result<Json<NewMarker>, JsonRejection>,
) -> Result<(StatusCode, Json<MarkerView>), Problem> {
    let Json(body) = body?;
    let marker = body.checked(site.clock.now())?;
    let stored = marker.clone();
    archive::ask(&site.desk, |reply| Command::Mark { marker, reply }).await?;
    Ok((StatusCode::CREATED, Json(MarkerView::from(stored))))
}

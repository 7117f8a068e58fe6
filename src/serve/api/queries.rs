//! `/api/v1/queries`: statements by cost, and one of them over time.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::id::FingerprintId;
use crate::model::time::Interval;
use crate::serve::Site;
use crate::serve::api::params::{self, Query, Segment};
use crate::serve::api::view::{PageView, QueryDetailView, QueryView};
use crate::serve::archive;
use crate::serve::problem::Problem;
use crate::store::view::{QueryDetail, QueryFilter};

/// What is shown when no interval is asked for.
pub(in crate::serve) const DEFAULT_INTERVAL: Duration = Duration::from_secs(3_600);

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct ListParams {
    /// Ran since: RFC 3339 or a time back from now such as `1h`, which is also the default.
    from: Option<String>,
    /// Until, likewise; now if left out.
    to: Option<String>,
    /// Template or table contains this.
    text: Option<String>,
    /// On this database.
    database: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl ListParams {
    pub(in crate::serve) fn filter(self, site: &Site) -> Result<QueryFilter, Problem> {
        let now = site.clock.now();
        Ok(QueryFilter {
            within: params::interval(
                self.from.as_deref(),
                self.to.as_deref(),
                DEFAULT_INTERVAL,
                now,
            )?,
            text: params::short("text", self.text)?,
            database: params::short("database", self.database)?.map(Arc::from),
            limit: params::limit(self.limit)?,
            cursor: params::short("cursor", self.cursor)?,
        })
    }
}

/// Statements by total time, the costliest first.
#[utoipa::path(get, path = "/api/v1/queries", tag = "queries", params(ListParams), responses(
    (status = 200, description = "one page", body = PageView<QueryView>),
    (status = 400, description = "a parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::serve) async fn list(
    State(site): State<Site>,
    Query(params): Query<ListParams>,
) -> Result<Json<PageView<QueryView>>, Problem> {
    let filter = params.filter(&site)?;
    let page = archive::read(&site.archive, move |a| a.queries(&filter)).await?;
    Ok(Json(PageView {
        items: page.items.into_iter().map(QueryView::new).collect(),
        next: page.next,
    }))
}

/// Over which interval.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct OneParams {
    /// Since: RFC 3339 or a time back from now such as `1h`, which is also the default.
    from: Option<String>,
    /// Until, likewise; now if left out.
    to: Option<String>,
}

impl OneParams {
    /// The beginning as it was asked for.
    pub(in crate::serve) fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    pub(in crate::serve) fn interval(&self, site: &Site) -> Result<Interval, Problem> {
        let (from, to) = (self.from.as_deref(), self.to.as_deref());
        params::interval(from, to, DEFAULT_INTERVAL, site.clock.now())
    }
}

/// One statement in detail.
#[utoipa::path(get, path = "/api/v1/queries/{fingerprint}", tag = "queries",
    params(("fingerprint" = String, Path, description = "16 hex digits"), OneParams),
    responses(
        (status = 200, description = "the statement", body = QueryDetailView),
        (status = 400, description = "a parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "it did not run in the interval", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::serve) async fn one(
    State(site): State<Site>,
    Segment(fingerprint): Segment,
    Query(params): Query<OneParams>,
) -> Result<Json<QueryDetailView>, Problem> {
    let within = params.interval(&site)?;
    let detail = find(&site, &fingerprint, within).await?;
    Ok(Json(QueryDetailView::new(detail)))
}

/// The statement of this fingerprint.
///
/// # Errors
/// 400 for what is no fingerprint, 404 when it did not run.
pub(in crate::serve) async fn find(
    site: &Site,
    fingerprint: &str,
    within: Interval,
) -> Result<QueryDetail, Problem> {
    let fingerprint: FingerprintId = fingerprint
        .parse()
        .map_err(|_| Problem::bad_request("fingerprint: 16 hex digits"))?;
    archive::read(&site.archive, move |a| a.query(fingerprint, within))
        .await?
        .ok_or_else(|| {
            Problem::not_found("this statement did not run in the interval; widen from and to")
        })
}

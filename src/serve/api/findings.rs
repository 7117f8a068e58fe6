//! `/api/v1/findings`: what detectors found, advice included.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use crate::model::finding::Severity;
use crate::serve::Site;
use crate::serve::api::params::{self, Query};
use crate::serve::api::view::{FindingView, PageView};
use crate::serve::archive;
use crate::serve::problem::Problem;
use crate::store::view::FindingFilter;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct ListParams {
    /// Judged since: RFC 3339 or a time back from now such as `1h`.
    from: Option<String>,
    /// Until, likewise.
    to: Option<String>,
    /// By this detector.
    detector: Option<String>,
    /// At least so bad.
    severity: Option<Severity>,
    /// Of this statement: 16 hex digits.
    fingerprint: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl ListParams {
    fn filter(self, site: &Site) -> Result<FindingFilter, Problem> {
        let fingerprint = self.fingerprint.map(|text| {
            text.parse()
                .map_err(|_| Problem::bad_request("fingerprint: 16 hex digits"))
        });
        Ok(FindingFilter {
            within: params::optional_interval(
                self.from.as_deref(),
                self.to.as_deref(),
                site.clock.now(),
            )?,
            detector: params::short("detector", self.detector)?.map(Arc::from),
            at_least: self.severity,
            fingerprint: fingerprint.transpose()?,
            limit: params::limit(self.limit)?,
            cursor: params::short("cursor", self.cursor)?,
        })
    }
}

/// Findings, the newest first.
#[utoipa::path(get, path = "/api/v1/findings", tag = "findings", params(ListParams), responses(
    (status = 200, description = "one page", body = PageView<FindingView>),
    (status = 400, description = "a parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::serve) async fn list(
    State(site): State<Site>,
    Query(params): Query<ListParams>,
) -> Result<Json<PageView<FindingView>>, Problem> {
    let filter = params.filter(&site)?;
    let page = archive::read(&site.archive, move |a| a.findings(&filter)).await?;
    let items = page.items.into_iter();
    Ok(Json(PageView {
        items: items.map(|f| FindingView::new(f, &site.style)).collect(),
        next: page.next,
    }))
}

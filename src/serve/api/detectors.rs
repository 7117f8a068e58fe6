//! `/api/v1/detectors`: the catalogue.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::detect::DetectorMeta;
use crate::model::finding::{Severity, Urgency};
use crate::serve::Site;

/// A detector and its documentation.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct DetectorView {
    /// Name.
    slug: &'static str,
    /// One phrase, in English.
    summary: &'static str,
    /// The same in Korean.
    summary_ko: &'static str,
    /// Whether it may open an incident.
    urgency: Urgency,
    /// How bad its findings are at most.
    severity: Severity,
    /// What it needs to see.
    needs: &'static str,
    /// First version that had it.
    since: &'static str,
    /// Markdown.
    docs: &'static str,
}

impl From<&'static DetectorMeta> for DetectorView {
    fn from(meta: &'static DetectorMeta) -> Self {
        Self {
            slug: meta.slug,
            summary: meta.summary,
            summary_ko: meta.summary_ko,
            urgency: meta.urgency,
            severity: meta.severity,
            needs: meta.needs,
            since: meta.since,
            docs: meta.docs,
        }
    }
}

/// Every detector of this version.
#[utoipa::path(get, path = "/api/v1/detectors", tag = "detectors", responses(
    (status = 200, description = "the catalogue, by name", body = Vec<DetectorView>),
))]
pub(in crate::serve) async fn list(State(site): State<Site>) -> Json<Vec<DetectorView>> {
    let detectors = site.detectors.iter().copied();
    Json(detectors.map(DetectorView::from).collect())
}

//! `/metrics`, in the text format that the scraper asks for.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;

use crate::metrics::Exposition;
use crate::serve::Site;

/// Own metrics: classic text, or OpenMetrics 1.0.0 with exemplars by `Accept`.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "every metric", content(
        (String = "text/plain; version=0.0.4"),
        (String = "application/openmetrics-text; version=1.0.0"),
    )),
))]
pub(super) async fn metrics(State(site): State<Site>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let exposition = Exposition::accepted(accept);
    let text = site.metrics.render(exposition);
    ([(header::CONTENT_TYPE, exposition.content_type())], text)
}

//! `/api/v1/openapi.json`, generated from the handlers it describes.

use axum::Json;
use utoipa::OpenApi;

use crate::serve::{api, health, prometheus};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "sqleuth",
        description = "What is wrong with the database, since when, because of what, and what to do about it.",
        license(name = "Apache-2.0"),
    ),
    paths(
        health::healthz,
        health::readyz,
        prometheus::metrics,
        document,
        api::incidents::list,
        api::incidents::one,
        api::incidents::postmortem,
        api::incidents::acknowledge,
        api::queries::list,
        api::queries::one,
        api::findings::list,
        api::detectors::list,
        api::sources::list,
        api::events::list,
        api::events::create,
        api::stream::stream,
    )
)]
pub(super) struct Document;

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

//! `/api/v1/openapi.json`, generated from the handlers it describes.

use axum::Json;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::serve::{api, health, prometheus};

#[derive(OpenApi)]
#[openapi(
    modifiers(&Guarded),
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

/// What `guard` may answer in the place of any handler but those of the probes.
struct Guarded;

impl Modify for Guarded {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = document.components.as_mut() {
            let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
            components.add_security_scheme("token", bearer);
        }
        for (path, item) in &mut document.paths.paths {
            if !matches!(path.as_str(), "/healthz" | "/readyz") {
                item.get
                    .iter_mut()
                    .chain(&mut item.post)
                    .for_each(add_refusals);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation) {
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let refusal = ResponseBuilder::new()
        .description(
            "refused: 401 without a token where one is asked for, 403 without the right or from another origin, \
             413 or 415 for such a body, 421 for another host, 503 when busy, 504 when it takes too long",
        )
        .content("application/problem+json", problem)
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), refusal.into());
    // Either will do: without configured tokens nobody is asked for one.
    let token = SecurityRequirement::new::<_, _, String>("token", []);
    operation.security = Some(vec![token, SecurityRequirement::default()]);
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

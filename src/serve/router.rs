//! Every route, once: the router is built from the same table that the tests hold against the `OpenAPI` document.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};

use crate::serve::problem::Problem;
use crate::serve::{Site, api, guard, health, jaeger, openapi, prometheus, ui};

/// Largest body of a request; a marker is a few hundred bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Documented routes: a program may rely on them.
pub(super) fn documented() -> Vec<(&'static str, MethodRouter<Site>)> {
    vec![
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(prometheus::metrics)),
        ("/api/v1/openapi.json", get(openapi::document)),
        ("/api/v1/incidents", get(api::incidents::list)),
        ("/api/v1/incidents/{id}", get(api::incidents::one)),
        (
            "/api/v1/incidents/{id}/postmortem",
            get(api::incidents::postmortem),
        ),
        (
            "/api/v1/incidents/{id}/ack",
            post(api::incidents::acknowledge),
        ),
        ("/api/v1/queries", get(api::queries::list)),
        ("/api/v1/queries/{fingerprint}", get(api::queries::one)),
        ("/api/v1/findings", get(api::findings::list)),
        ("/api/v1/detectors", get(api::detectors::list)),
        ("/api/v1/sources", get(api::sources::list)),
        (
            "/api/v1/events",
            get(api::events::list).post(api::events::create),
        ),
        ("/api/v1/stream", get(api::stream::stream)),
    ]
}

fn pages() -> Vec<(&'static str, MethodRouter<Site>)> {
    vec![
        ("/", get(ui::now::page)),
        ("/incidents", get(ui::incidents::page)),
        ("/incidents/{id}", get(ui::incident::page)),
        ("/incidents/{id}/ack", post(ui::incident::acknowledge)),
        ("/queries", get(ui::queries::page)),
        ("/queries/{fingerprint}", get(ui::query::page)),
        ("/detectors", get(ui::detectors::list)),
        ("/detectors/{slug}", get(ui::detectors::page)),
        ("/login", get(ui::login::form).post(ui::login::enter)),
        ("/logout", post(ui::login::leave)),
        ("/assets/style.css", get(ui::assets::style)),
        ("/assets/live.js", get(ui::assets::script)),
    ]
}

/// The whole site.
pub(super) fn router(site: Site) -> Router {
    let mut router = Router::new();
    let routes = documented().into_iter().chain(pages());
    for (path, methods) in routes.chain(jaeger::routes()) {
        let methods = methods.fallback(async || Problem::method_not_allowed());
        router = router.route(path, methods);
    }
    router
        .fallback(ui::page::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}

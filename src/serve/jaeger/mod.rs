//! Jaeger's query API over the traces that show a problem, so that Grafana and Jaeger's own page can show them.
//!
//! Two dialects, because both are in use: `/jaeger/api/...`, which Grafana speaks, and `/jaeger/api/v3/...`, which
//! Jaeger's page speaks since 2.19. Shapes: <https://www.jaegertracing.io/docs/latest/architecture/apis/>.

mod dependencies;
mod params;
mod v1;
mod v3;

use axum::routing::{MethodRouter, get};

use crate::serve::Site;

/// Every route.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<Site>)> {
    vec![
        ("/jaeger/api/services", get(v1::services)),
        (
            "/jaeger/api/services/{service}/operations",
            get(v1::operations_of),
        ),
        ("/jaeger/api/operations", get(v1::operations)),
        ("/jaeger/api/traces", get(v1::traces)),
        ("/jaeger/api/traces/{id}", get(v1::trace)),
        ("/jaeger/api/dependencies", get(dependencies::dependencies)),
        ("/jaeger/api/v3/services", get(v3::services)),
        ("/jaeger/api/v3/operations", get(v3::operations)),
        ("/jaeger/api/v3/traces", get(v3::traces)),
        ("/jaeger/api/v3/traces/{id}", get(v3::trace)),
        ("/jaeger/api/v3/trace-summaries", get(v3::summaries)),
    ]
}

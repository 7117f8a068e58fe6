//! `/api/v1/sources`: what is read, and how far.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::id::SourceId;
use crate::model::time::Timestamp;
use crate::serve::Site;
use crate::serve::archive;
use crate::serve::problem::Problem;
use crate::store::view::SourceRow;

/// Where a source stands.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct SourceView {
    /// Source.
    source: SourceId,
    /// End of its last window.
    last_seen: Option<Timestamp>,
    /// Bytes read of the current file.
    offset_bytes: u64,
}

impl From<SourceRow> for SourceView {
    fn from(row: SourceRow) -> Self {
        Self {
            source: row.source,
            last_seen: row.last_seen,
            offset_bytes: row.offset,
        }
    }
}

/// Every source that was ever read.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", responses(
    (status = 200, description = "sources, by name", body = Vec<SourceView>),
))]
pub(in crate::serve) async fn list(
    State(site): State<Site>,
) -> Result<Json<Vec<SourceView>>, Problem> {
    let rows = archive::read(&site.archive, archive::Archive::sources).await?;
    Ok(Json(rows.into_iter().map(SourceView::from).collect()))
}

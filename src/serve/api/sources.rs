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
use crate::store::view::{GapReason, SourceGap, SourceRow};

/// Where a source stands.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct SourceView {
    /// Source.
    source: SourceId,
    /// End of its last window.
    last_seen: Option<Timestamp>,
    /// Bytes read of the current file.
    offset_bytes: u64,
    /// Of what something is missing that nobody sends again, the newest first; at most ten.
    gaps: Vec<GapView>,
}

/// A stretch of time of which something is missing.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct GapView {
    /// From what was stored last.
    from: Timestamp,
    /// To when there was somebody to receive again.
    to: Timestamp,
    /// Why: `crash`, the process ended without a stop.
    #[schema(value_type = String)]
    why: GapReason,
}

impl From<SourceRow> for SourceView {
    fn from(row: SourceRow) -> Self {
        Self {
            source: row.source,
            last_seen: row.last_seen,
            offset_bytes: row.offset,
            gaps: row.gaps.iter().map(GapView::from).collect(),
        }
    }
}

impl From<&SourceGap> for GapView {
    fn from(gap: &SourceGap) -> Self {
        Self {
            from: gap.over.from,
            to: gap.over.to,
            why: gap.why,
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

//! The JSON API under `/api/v1`; `openapi` describes it from these very functions.
#![expect(
    unused_qualifications,
    reason = "utoipa's macro writes the names of parameter types with a path"
)]

pub(super) mod detectors;
pub(super) mod events;
pub(super) mod findings;
pub(super) mod incidents;
pub(super) mod params;
pub(super) mod queries;
pub(super) mod sources;
pub(super) mod stream;
pub(super) mod view;

//! What several detectors measure by: weight of a problem, reading of a plan, drafts of findings and indexes.

pub(super) mod cast_cure;
pub(super) mod casts;
pub(super) mod columns;
pub(super) mod draft;
pub(super) mod effort;
pub(super) mod errors;
pub(super) mod index;
pub(super) mod loops;
pub(super) mod paging;
pub(super) mod pattern;
pub(super) mod plan;
pub(super) mod reading;
pub(super) mod sargable;
pub(super) mod stack;
pub(super) mod trend;
pub(super) mod waste;
pub(super) mod weight;

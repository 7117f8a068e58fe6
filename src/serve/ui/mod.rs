//! The pages, rendered here: no framework, no inline style or script, every string escaped by [`html`].

pub(super) mod assets;
mod chart;
pub(super) mod detectors;
mod facts;
mod html;
pub(super) mod incident;
pub(super) mod incidents;
pub(super) mod login;
mod markdown;
pub(super) mod now;
pub(super) mod page;
pub(super) mod queries;
pub(super) mod query;
mod sources;
mod table;

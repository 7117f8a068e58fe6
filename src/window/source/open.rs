//! A window that still receives.

use std::time::Duration;

use crate::model::event::Coverage;
use crate::model::id::SourceId;
use crate::model::time::Timestamp;
use crate::window::table::QueryTable;
use crate::window::{PackedWindow, WindowKey, pack};

#[derive(Debug)]
pub(super) struct OpenWindow {
    pub(super) table: QueryTable,
    pub(super) backlog: bool,
    pub(super) dirty: bool,
}

impl OpenWindow {
    pub(super) fn pack(
        &self,
        source: &SourceId,
        start: Timestamp,
        length: Duration,
        coverage: Coverage,
    ) -> PackedWindow {
        let queries = self.table.iter();
        let queries: Vec<_> = queries
            .map(|(key, ran)| (key.fingerprint, &key.scope, &ran.stats))
            .collect();
        let detail_from = self.table.detail_from();
        PackedWindow {
            key: WindowKey {
                source: source.clone(),
                start,
            },
            end: start.plus(length),
            body: pack::pack_sorted(
                start,
                coverage,
                &queries,
                detail_from,
                &self.table.errors.pack(),
            ),
            backlog: self.backlog,
            count: self.table.count(),
        }
    }
}

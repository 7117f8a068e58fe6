//! Stored windows added up: what merging, reading and the hourly rows have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::event::Coverage;
use crate::model::id::FingerprintId;
use crate::model::time::Timestamp;
use crate::store::StoreError;
use crate::store::row::unreadable;
use crate::window::pack::{self, Body, PackedQuery};
use crate::window::{ErrorTable, QueryStats, Scope};

/// Sums by statement and scope.
#[derive(Debug, Default)]
pub(super) struct Sums {
    queries: BTreeMap<(FingerprintId, Arc<Scope>), QueryStats>,
    errors: ErrorTable,
    coverage: Coverage,
}

impl Sums {
    /// Adds a packed window. One that cannot be read is left out and said so.
    pub(super) fn add(&mut self, packed: &[u8]) {
        match pack::unpack_body(packed) {
            Ok(body) => self.add_body(body),
            Err(error) => tracing::warn!(%error, "a stored window was left out"),
        }
    }

    fn add_body(&mut self, body: Body) {
        self.coverage = body.coverage;
        self.errors.unpack(body.errors);
        for query in body.queries {
            let key = (query.fingerprint, query.scope);
            match self.queries.get_mut(&key) {
                Some(stats) => stats.merge(&query.stats),
                None => {
                    self.queries.insert(key, query.stats);
                }
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (FingerprintId, &Arc<Scope>, &QueryStats)> {
        let queries = self.queries.iter();
        queries.map(|((fingerprint, scope), stats)| (*fingerprint, scope, stats))
    }

    /// Runs of all statements.
    pub(super) fn runs(&self) -> u64 {
        let counts = self.queries.values().map(QueryStats::count);
        counts.fold(0, u64::saturating_add)
    }

    /// All of it as one packed window that begins at `start`.
    pub(super) fn pack(self, start: Timestamp) -> Vec<u8> {
        let queries = self.queries.into_iter();
        let queries = queries.map(|((fingerprint, scope), stats)| PackedQuery {
            fingerprint,
            scope,
            stats,
        });
        let body = Body {
            start,
            coverage: self.coverage,
            queries: queries.collect(),
            errors: self.errors.pack(),
        };
        pack::pack(&body)
    }
}

/// The statements of a packed window.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<PackedQuery>, StoreError> {
    pack::unpack(packed).map_err(|error| unreadable("windows", error))
}

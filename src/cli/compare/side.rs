//! One of the two times: what was read of it, and what is judged of that.

use std::collections::BTreeMap;

use crate::cli::digest::judging::Judging;
use crate::cli::digest::reading::Read;
use crate::config::Config;
use crate::model::event::Origin;
use crate::model::schema::Schema;
use crate::model::sql::StatementKey;
use crate::report::digest::{Query, Source};
use crate::window::sketch::Sketch;

/// One side: what was read in one way or another, and what is judged of it.
pub(super) struct Side<'a> {
    pub(super) all: Vec<(&'a Read, Judging<'a>)>,
    /// Time that one request spends on a statement, whatever the operation.
    pub(super) per_request: BTreeMap<StatementKey, Sketch>,
}

impl<'a> Side<'a> {
    pub(super) fn new(read: &'a [Read], schema: &'a Schema, config: &Config) -> Self {
        let judged = read
            .iter()
            .map(|read| (read, Judging::new(read, schema, config)));
        let mut per_request: BTreeMap<StatementKey, Sketch> = BTreeMap::new();
        for operation in read.iter().flat_map(|read| &read.operations) {
            for ran in &operation.statements {
                let known = per_request.entry(ran.statement.key()).or_default();
                known.merge(&ran.per_request);
            }
        }
        Self {
            all: judged.collect(),
            per_request,
        }
    }

    /// All of it in one, for those who ask what was read.
    pub(super) fn source(&self) -> Source {
        let mut sources = self.all.iter().map(|(_, judging)| judging.source());
        let mut all = sources.next().cloned().unwrap_or_default();
        sources.for_each(|source| all.add(source));
        all
    }

    /// What was read by one way.
    pub(super) fn of(&self, origin: Origin) -> impl Iterator<Item = &(&'a Read, Judging<'a>)> {
        self.all
            .iter()
            .filter(move |(read, _)| read.origin == origin)
    }

    pub(super) fn statement(&self, origin: Origin, key: StatementKey) -> Option<(Query, f64)> {
        let mut all = self.of(origin);
        all.find_map(|(read, judging)| Some((judging.statement(key)?, seconds(&read.source))))
    }

    pub(super) fn times(&self, origin: Origin, key: StatementKey) -> Option<Sketch> {
        self.of(origin).find_map(|(_, judging)| judging.times(key))
    }

    /// One run in so many is told.
    pub(super) fn one_in(&self, origin: Origin) -> u32 {
        let mut all = self.of(origin);
        all.find_map(|(read, _)| read.coverage.one_in).unwrap_or(1)
    }
}

/// Length of what was read.
pub(super) fn seconds(source: &Source) -> f64 {
    let seen = source.from.zip(source.to);
    seen.map_or(0.0, |(from, to)| to.since(from).as_secs_f64())
}

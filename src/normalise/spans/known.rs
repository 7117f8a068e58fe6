//! What many spans share, each kept once: names, makers, servers.
//!
//! Every table is bounded, and emptied when it is full: what is in use comes back at once.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::names::cut;
use super::work::dialect;
use crate::ingest::SourceMeta;
use crate::ingest::otlp::spans::{SpanBatch, SpanRecord};
use crate::model::event::DbTarget;
use crate::model::id::ServiceName;
use crate::model::span::SpanMaker;
use crate::model::sql::Dialect;

/// Things of one kind that are kept.
const MAX_KEPT: usize = 8_192;
/// Longer names of services, hosts and users are cut.
const MAX_TEXT_BYTES: usize = 256;

/// Things by the hash of the bytes that told them; the hash is keyed, so that nobody can make two of them alike.
#[derive(Debug)]
struct Kept<T>(HashMap<u64, T>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Kept<T> {
    fn get(&mut self, key: u64, make: impl FnOnce() -> T) -> T {
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        let made = make();
        self.0.insert(key, made.clone());
        made
    }
}

/// What spans share.
#[derive(Debug)]
pub(in crate::normalise) struct Known {
    seed: u64,
    texts: Kept<Arc<str>>,
    makers: Kept<Arc<SpanMaker>>,
    sources: Kept<Arc<SourceMeta>>,
    empty: Arc<str>,
}

impl Known {
    /// Nothing is known yet; `seed` keys the hashes.
    pub(in crate::normalise) fn new(seed: u64) -> Self {
        Self {
            seed,
            texts: Kept::default(),
            makers: Kept::default(),
            sources: Kept::default(),
            empty: Arc::from(""),
        }
    }

    /// Nothing.
    pub(super) fn empty(&self) -> Arc<str> {
        Arc::clone(&self.empty)
    }

    /// The keyed hash of a text, chained to that of what stands before it.
    pub(super) fn hash(&self, before: u64, text: &[u8]) -> u64 {
        xxh3_64_with_seed(text, self.seed ^ before.rotate_left(23))
    }

    /// A text made of these parts, which `make` puts together the first time.
    pub(super) fn text(&mut self, parts: &[&[u8]], make: impl FnOnce() -> String) -> Arc<str> {
        if parts.iter().all(|part| part.is_empty()) {
            return self.empty();
        }
        let key = parts
            .iter()
            .fold(parts.len() as u64, |h, p| self.hash(h, p));
        self.texts.get(key, || Arc::from(make()))
    }

    /// A name as it is told.
    pub(super) fn name(&mut self, name: &[u8]) -> Arc<str> {
        self.text(&[name], || lossy(name))
    }

    /// Who made the spans of a scope.
    pub(super) fn maker(
        &mut self,
        batch: &SpanBatch,
        span: &SpanRecord,
        unnamed: &ServiceName,
    ) -> Arc<SpanMaker> {
        let resource = batch.resources.get(span.resource as usize).copied();
        let resource = resource.unwrap_or_default();
        let scope = batch.scopes.get(span.scope as usize).copied();
        let parts = [
            batch.bytes(resource.service),
            batch.bytes(scope.unwrap_or_default()),
            batch.bytes(resource.language),
        ];
        let key = parts.iter().fold(1, |h, part| self.hash(h, part));
        self.makers.get(key, || {
            let [service, scope, language] = parts;
            Arc::new(SpanMaker {
                service: match service {
                    [] => unnamed.clone(),
                    _ => ServiceName::new(lossy(service)),
                },
                scope: Arc::from(lossy(scope)),
                language: Arc::from(lossy(language)),
            })
        })
    }

    /// Who asked which server for what a span did.
    pub(super) fn source(
        &mut self,
        batch: &SpanBatch,
        span: &SpanRecord,
        maker: &SpanMaker,
        of: &SourceMeta,
    ) -> Arc<SourceMeta> {
        let facts = &span.facts;
        let parts = [
            maker.service.as_str().as_bytes(),
            batch.bytes(facts.system),
            batch.bytes(facts.namespace),
            batch.bytes(facts.server),
        ];
        let key = parts
            .iter()
            .fold(u64::from(facts.port), |h, part| self.hash(h, part));
        self.sources.get(key, || {
            let [_, system, namespace, server] = parts;
            let system = dialect(system);
            Arc::new(SourceMeta {
                id: of.id.clone(),
                service: maker.service.clone(),
                target: DbTarget {
                    system,
                    namespace: Arc::from(database(&lossy(namespace), system)),
                    server: Arc::from(address(&lossy(server), facts.port, system)),
                },
            })
        })
    }
}

fn lossy(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(MAX_TEXT_BYTES)];
    let text = String::from_utf8_lossy(bytes);
    cut(&text, MAX_TEXT_BYTES).to_owned()
}

/// Some drivers of PostgreSQL tell `database|schema`; the log names the database alone.
fn database(namespace: &str, system: Dialect) -> &str {
    match namespace.split_once('|') {
        Some((database, _)) if system == Dialect::Postgres => database,
        _ => namespace,
    }
}

/// The port is told where it is another one than usual: two servers may share a host.
fn address(server: &str, port: u16, system: Dialect) -> String {
    let is_usual = matches!(
        (system, port),
        (_, 0) | (Dialect::Postgres, 5432) | (Dialect::Mysql, 3306)
    );
    if is_usual || server.is_empty() {
        return server.to_owned();
    }
    format!("{server}:{port}")
}

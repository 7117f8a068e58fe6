//! A window in a few bytes per statement: columns of varints, compressed with Zstandard.
//!
//! ```text
//! version u8 │ zstd( length column │ length column │ ... )      columns as in `columns::Column`
//! ```
//!
//! A later version appends columns or raises the version; a reader refuses versions it does not know. What is
//! stored may be damaged: reading checks every length and number, and never trusts one for an allocation.

mod columns;
mod detail;
mod query;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{Coverage, CoverageSource, DbTarget, Origin};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::Dialect;
use crate::model::time::Timestamp;
use crate::window::errors::{ErrorTable, PackedErrors};
use crate::window::pack::columns::{Appendix, Column, Reader, Writer};
use crate::window::query::QueryStats;
use crate::window::query::nanos;
use crate::window::table::{Scope, detail_from};

/// Version of the format that is written.
const VERSION: u8 = 4;

/// Oldest version that is read.
const OLDEST_VERSION: u8 = 1;

/// Uncompressed bytes that a reader accepts: ten thousand statements with every bin occupied stay below.
const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// Zstandard's default; higher ones gain 2 % on these columns.
const COMPRESSION_LEVEL: i32 = 3;

/// Why stored bytes are not a window.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Written by a newer release.
    #[error("packed window has version {0}, this release reads up to {VERSION}")]
    Version(u8),
    /// Nothing is there.
    #[error("packed window is empty")]
    Empty,
    /// The compression is damaged.
    #[error("packed window cannot be decompressed")]
    Compression(#[source] std::io::Error),
    /// A number contradicts another.
    #[error("packed window is damaged: {0}")]
    Corrupt(&'static str),
}

/// One statement of a packed window.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedQuery {
    /// Which statement.
    pub fingerprint: FingerprintId,
    /// Who ran it where.
    pub scope: Arc<Scope>,
    /// What it did.
    pub stats: QueryStats,
}

/// What a packed window holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Body {
    /// First instant of the window.
    pub start: Timestamp,
    /// How much of what ran the source showed.
    pub coverage: Coverage,
    /// Statements, by fingerprint.
    pub queries: Vec<PackedQuery>,
    /// Errors; as JSON, for they are few and what is told of them will grow.
    pub errors: Vec<PackedErrors>,
}

/// Reads the statements of a packed window.
pub fn unpack(bytes: &[u8]) -> Result<Vec<PackedQuery>, UnpackError> {
    unpack_body(bytes).map(|body| body.queries)
}

/// Reads all of a packed window.
pub fn unpack_body(bytes: &[u8]) -> Result<Body, UnpackError> {
    let (&version, compressed) = bytes.split_first().ok_or(UnpackError::Empty)?;
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
        return Err(UnpackError::Version(version));
    }
    let content = decompressed(compressed).map_err(UnpackError::Compression)?;
    let mut reader = Reader::new(&content)?;
    let start = Timestamp::from_unix_nanos(reader.get(Column::Head)?);
    let coverage = read_coverage(&mut reader)?;
    let scopes = read_scopes(&mut reader)?;
    let count = reader.left(Column::ScopeRef);
    let len = reader.get_len(Column::Head, count)?;
    let mut queries = Vec::new();
    let mut fingerprint = 0_u64;
    for _ in 0..len {
        let step = reader.get(Column::Fingerprint)?;
        fingerprint = fingerprint
            .checked_add(step)
            .ok_or(UnpackError::Corrupt("fingerprint"))?;
        let scope = usize::try_from(reader.get(Column::ScopeRef)?).ok();
        let scope = scope.and_then(|at| scopes.get(at));
        queries.push(PackedQuery {
            fingerprint: FingerprintId(fingerprint),
            scope: scope.cloned().ok_or(UnpackError::Corrupt("scope"))?,
            stats: query::read(&mut reader, start, version)?,
        });
    }
    Ok(Body {
        start,
        coverage,
        queries,
        errors: read_errors(reader.appendix)?,
    })
}

impl Body {
    /// Adds up windows of one source, for example six of ten seconds to one of a minute. The coverage is that of
    /// the latest.
    pub fn merged(bodies: impl IntoIterator<Item = Self>) -> Self {
        let mut queries: BTreeMap<(FingerprintId, Arc<Scope>), QueryStats> = BTreeMap::new();
        let mut earliest: Option<Timestamp> = None;
        let mut latest = (Timestamp::EPOCH, Coverage::default());
        let mut errors = ErrorTable::default();
        for body in bodies {
            errors.unpack(body.errors);
            earliest = Some(earliest.map_or(body.start, |start| start.min(body.start)));
            if body.start >= latest.0 {
                latest = (body.start, body.coverage);
            }
            for query in body.queries {
                let sums = queries.entry((query.fingerprint, query.scope));
                sums.or_default().merge(&query.stats);
            }
        }
        let queries = queries
            .into_iter()
            .map(|((fingerprint, scope), stats)| PackedQuery {
                fingerprint,
                scope,
                stats,
            });
        Self {
            start: earliest.unwrap_or_default(),
            coverage: latest.1,
            queries: queries.collect(),
            errors: errors.pack(),
        }
    }
}

/// Packs the statements of one window, or of several that were merged. The 50 costliest keep parameter sets,
/// exemplars and plan.
pub fn pack(body: &Body) -> Vec<u8> {
    let queries = body.queries.iter();
    let mut queries: Vec<_> = queries
        .map(|q| (q.fingerprint, &q.scope, &q.stats))
        .collect();
    queries.sort_by_key(|&(fingerprint, scope, _)| (fingerprint, scope));
    let detail_from = detail_from(body.queries.iter().map(|q| &q.stats));
    pack_sorted(
        body.start,
        body.coverage,
        &queries,
        detail_from,
        &body.errors,
    )
}

/// The same for statements that are sorted by fingerprint already.
pub(super) fn pack_sorted(
    start: Timestamp,
    coverage: Coverage,
    queries: &[(FingerprintId, &Arc<Scope>, &QueryStats)],
    detail_from: Duration,
    errors: &[PackedErrors],
) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.put(Column::Head, start.as_unix_nanos());
    write_coverage(&mut writer, coverage);
    let mut scopes = BTreeMap::new();
    let mut before = 0;
    for &(fingerprint, scope, stats) in queries {
        writer.put(Column::Fingerprint, fingerprint.0.saturating_sub(before));
        before = fingerprint.0;
        let next = scopes.len() as u64;
        let id = *scopes.entry(scope).or_insert_with(|| {
            write_scope(&mut writer, scope);
            next
        });
        writer.put(Column::ScopeRef, id);
        let detailed = stats.elapsed() >= detail_from;
        query::write(&mut writer, stats, start, detailed);
    }
    writer.put(Column::Head, queries.len() as u64);
    let appendix = if errors.is_empty() {
        Vec::new()
    } else {
        // names, numbers and texts: nothing of it can fail to become JSON
        serde_json::to_vec(errors).unwrap_or_default()
    };
    let content = writer.finish(Appendix(&appendix));
    let mut bytes = vec![VERSION];
    // compressing into memory fails only when memory does
    let compressed = zstd::bulk::compress(&content, COMPRESSION_LEVEL);
    bytes.extend(
        compressed.expect("a buffer of the bound that zstd itself computes is long enough"),
    );
    bytes
}

fn decompressed(compressed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
    decoder.take(MAX_UNPACKED_BYTES).read_to_end(&mut content)?;
    Ok(content)
}

fn read_errors(appendix: Appendix<'_>) -> Result<Vec<PackedErrors>, UnpackError> {
    if appendix.0.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(appendix.0).map_err(|_| UnpackError::Corrupt("errors"))
}

fn write_coverage(writer: &mut Writer, coverage: Coverage) {
    writer.put_option(Column::Head, coverage.slower_than.map(nanos));
    writer.put_option(Column::Head, coverage.one_in.map(u64::from));
    writer.put(Column::Head, coverage.known_by as u64);
}

fn read_coverage(reader: &mut Reader<'_>) -> Result<Coverage, UnpackError> {
    let slower_than = reader.get_option(Column::Head)?.map(Duration::from_nanos);
    let one_in = reader.get_option(Column::Head)?;
    let known_by = match reader.get(Column::Head)? {
        1 => CoverageSource::Observed,
        2 => CoverageSource::Stated,
        3 => CoverageSource::Server,
        _ => CoverageSource::Unknown,
    };
    Ok(Coverage {
        slower_than,
        one_in: one_in.and_then(|n| u32::try_from(n).ok()),
        known_by,
    })
}

fn write_scope(writer: &mut Writer, scope: &Scope) {
    let service: Arc<str> = Arc::from(scope.service.as_str());
    writer.put_text(Column::Scope, &service);
    writer.put(Column::Scope, scope.target.system as u64);
    writer.put_text(Column::Scope, &scope.target.namespace);
    writer.put_text(Column::Scope, &scope.target.server);
    writer.put(Column::Scope, scope.origin as u64);
}

fn read_scopes(reader: &mut Reader<'_>) -> Result<Vec<Arc<Scope>>, UnpackError> {
    let mut scopes = Vec::new();
    while reader.left(Column::Scope) > 0 {
        let service = ServiceName::new(reader.get_text(Column::Scope)?);
        let system = match reader.get(Column::Scope)? {
            0 => Dialect::Mysql,
            1 => Dialect::Postgres,
            _ => Dialect::Generic,
        };
        let namespace = reader.get_text(Column::Scope)?;
        let server = reader.get_text(Column::Scope)?;
        let origin = match reader.get(Column::Scope)? {
            0 => Origin::Log,
            1 => Origin::Span,
            2 => Origin::Statistics,
            _ => return Err(UnpackError::Corrupt("origin")),
        };
        scopes.push(Arc::new(Scope {
            service,
            target: DbTarget {
                system,
                namespace,
                server,
            },
            origin,
        }));
    }
    Ok(scopes)
}

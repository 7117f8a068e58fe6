//! What a span did, told by its kind, its attributes and its name.

use crate::ingest::otlp::semconv::Facts;
use crate::ingest::otlp::spans::{SpanBatch, SpanRecord};
use crate::model::span::SpanKind;
use crate::model::sql::Dialect;

/// What a span did, before names are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Entry,
    Query,
    Connection,
    /// Asks somebody: the system.
    Peer(Peer),
    Internal,
}

/// Whom a span asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// A database that is not asked in SQL; its name is told.
    Database,
    Http,
    Rpc,
    Messaging,
}

/// Systems of `db.system.name` and `db.system` that are not asked in SQL, or in a language that only looks like it.
const NOT_SQL: [&[u8]; 30] = [
    b"redis",
    b"valkey",
    b"memcached",
    b"mongodb",
    b"cassandra",
    b"elasticsearch",
    b"opensearch",
    b"couchdb",
    b"couchbase",
    b"dynamodb",
    b"aws.dynamodb",
    b"cosmosdb",
    b"azure.cosmosdb",
    b"hbase",
    b"neo4j",
    b"influxdb",
    b"geode",
    b"gcp.firestore",
    b"firestore",
    b"etcd",
    b"rocksdb",
    b"leveldb",
    b"milvus",
    b"pinecone",
    b"qdrant",
    b"weaviate",
    b"solr",
    b"aerospike",
    b"hazelcast",
    b"coherence",
];

/// Systems that speak as PostgreSQL or MySQL does.
const DIALECTS: [(&[u8], Dialect); 12] = [
    (b"postgresql", Dialect::Postgres),
    (b"postgres", Dialect::Postgres),
    (b"cockroachdb", Dialect::Postgres),
    (b"redshift", Dialect::Postgres),
    (b"aws.redshift", Dialect::Postgres),
    (b"edb", Dialect::Postgres),
    (b"yugabytedb", Dialect::Postgres),
    (b"alloydb", Dialect::Postgres),
    (b"mysql", Dialect::Mysql),
    (b"mariadb", Dialect::Mysql),
    (b"tidb", Dialect::Mysql),
    (b"percona", Dialect::Mysql),
];

/// Parts of the names of spans, in lower case, that ask a pool or a driver for a connection.
const CONNECTING: [&[u8]; 4] = [b"connect", b"getconnection", b"acquire", b"checkout"];

/// Dialect of a system.
pub(super) fn dialect(system: &[u8]) -> Dialect {
    let is = |(name, _): &&(&[u8], Dialect)| name.eq_ignore_ascii_case(system);
    DIALECTS
        .iter()
        .find(is)
        .map_or(Dialect::Generic, |(_, dialect)| *dialect)
}

/// What a span did.
pub(super) fn kind_of(batch: &SpanBatch, span: &SpanRecord) -> Kind {
    let facts = &span.facts;
    if span.kind.is_entry() {
        return Kind::Entry;
    }
    if facts.is_database() {
        return of_database(batch, span);
    }
    if asks_a_pool(batch, span) {
        return Kind::Connection;
    }
    match span.kind {
        SpanKind::Producer => Kind::Peer(Peer::Messaging),
        SpanKind::Client => Kind::Peer(peer(facts)),
        _ => Kind::Internal,
    }
}

fn of_database(batch: &SpanBatch, span: &SpanRecord) -> Kind {
    let system = batch.bytes(span.facts.system);
    let is = |name: &&&[u8]| name.eq_ignore_ascii_case(system);
    if NOT_SQL.iter().any(|name| is(&name)) {
        return Kind::Peer(Peer::Database);
    }
    if !is_blank(batch.bytes(span.facts.statement)) {
        return Kind::Query;
    }
    if is_connecting(batch.bytes(span.name)) {
        return Kind::Connection;
    }
    // a commit, or a statement that the instrumentation does not tell: time of the database, but nobody knows of what
    Kind::Internal
}

fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

/// `HikariDataSource.getConnection` and its like, which have no attribute of a database.
fn asks_a_pool(batch: &SpanBatch, span: &SpanRecord) -> bool {
    let name = batch.bytes(span.name);
    let scope = batch.scopes.get(span.scope as usize).copied();
    let scope = batch.bytes(scope.unwrap_or_default());
    let is_of_pool = [&b"jdbc"[..], b"hikari", b"pool", b"sqlalchemy", b"r2dbc"];
    contains(name, b"getconnection")
        || is_connecting(name) && is_of_pool.iter().any(|part| contains(scope, part))
}

fn is_connecting(name: &[u8]) -> bool {
    CONNECTING.iter().any(|part| contains(name, part))
}

/// Whether a short text has a part, whatever the case of its letters.
fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len())
        .any(|window| window.eq_ignore_ascii_case(part))
}

fn peer(facts: &Facts) -> Peer {
    if !facts.destination.is_empty() {
        return Peer::Messaging;
    }
    if !facts.rpc.is_empty() {
        return Peer::Rpc;
    }
    Peer::Http
}

impl Peer {
    /// The system; `None` for that of a database, which is told.
    pub(super) fn system(self) -> Option<&'static str> {
        match self {
            Self::Database => None,
            Self::Http => Some("http"),
            Self::Rpc => Some("rpc"),
            Self::Messaging => Some("messaging"),
        }
    }
}

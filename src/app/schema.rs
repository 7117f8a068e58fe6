//! Opens the files that declare tables, for `run`, `digest` and `check`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::SlowLog;
use crate::ingest::slow_log::offline::{self, OfflineError};
use crate::model::id::SourceId;
use crate::model::schema::Schema;
use crate::normalise::ddl::{SchemaReader, Unread};

/// What some files declare, and what is wrong with them.
#[derive(Debug)]
pub(crate) struct Declared {
    /// Their tables.
    pub(crate) schema: Schema,
    /// Statements that were passed over, the first of them.
    pub(crate) unread: Vec<Unread>,
    /// How many were passed over.
    pub(crate) unread_count: u64,
    /// Files that cannot be read.
    pub(crate) failed: Vec<Unreadable>,
}

/// Why a file gives no tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It cannot be opened.
    #[error("no schema: {error}{}", cause(error))]
    Open {
        #[source]
        error: OfflineError,
    },
    /// It cannot be read to its end.
    #[error("schema {}: {error}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// No file declares anything.
    #[error(
        "no table in the schema {0}: it wants the CREATE TABLE statements of a dump (--no-data, --schema-only) or of migrations"
    )]
    Empty(String),
}

fn cause(error: &OfflineError) -> String {
    let cause = std::error::Error::source(error);
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// Reads the files, packed or not, in order.
pub(crate) fn read(paths: &[PathBuf]) -> Declared {
    let mut reader = SchemaReader::default();
    let mut failed = Vec::new();
    for path in paths {
        if let Err(error) = read_one(&mut reader, path) {
            failed.push(error);
        }
    }
    let (schema, unread, unread_count) = reader.finish();
    if schema.is_empty() && failed.is_empty() && !paths.is_empty() {
        let paths: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        failed.push(Unreadable::Empty(paths.join(", ")));
    }
    Declared {
        schema,
        unread,
        unread_count,
        failed,
    }
}

fn read_one(reader: &mut SchemaReader, path: &Path) -> Result<(), Unreadable> {
    let file = offline::content(path).map_err(|error| Unreadable::Open { error })?;
    let read = reader.read(&path.display().to_string(), file);
    read.map_err(|error| Unreadable::Read {
        path: path.to_owned(),
        error,
    })
}

/// The tables of each log's database; what is wrong is logged, and the rest is used.
pub(super) fn of_logs(logs: &[SlowLog]) -> BTreeMap<SourceId, Arc<Schema>> {
    let mut schemas = BTreeMap::new();
    for log in logs.iter().filter(|log| !log.schema.is_empty()) {
        let declared = read(&log.schema);
        for failed in &declared.failed {
            tracing::warn!(%failed, "a schema cannot be used");
        }
        if let Some(first) = declared.unread.first() {
            let statements = declared.unread_count;
            tracing::warn!(%first, statements, "statements of a schema could not be read");
        }
        schemas.insert(log.id(), Arc::new(declared.schema));
    }
    schemas
}

//! Opens the files that declare tables, for `run`, `digest` and `check`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::SlowLog;
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

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("schema {}: {error}", path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    #[source]
    error: io::Error,
}

/// Reads the files, in order.
pub(crate) fn read(paths: &[PathBuf]) -> Declared {
    let mut reader = SchemaReader::default();
    let mut failed = Vec::new();
    for path in paths {
        if let Err(error) = read_one(&mut reader, path) {
            let path = path.clone();
            failed.push(Unreadable { path, error });
        }
    }
    let (schema, unread, unread_count) = reader.finish();
    Declared {
        schema,
        unread,
        unread_count,
        failed,
    }
}

fn read_one(reader: &mut SchemaReader, path: &Path) -> io::Result<()> {
    reader.read(&path.display().to_string(), File::open(path)?)
}

/// The tables of each log's database; what is wrong is logged, and the rest is used.
pub(super) fn of_logs(logs: &[SlowLog]) -> BTreeMap<SourceId, Arc<Schema>> {
    let mut schemas = BTreeMap::new();
    for log in logs.iter().filter(|log| !log.schema.is_empty()) {
        let declared = read(&log.schema);
        for failed in &declared.failed {
            tracing::warn!(%failed, "no schema from this file");
        }
        if let Some(first) = declared.unread.first() {
            let statements = declared.unread_count;
            tracing::warn!(%first, statements, "statements of a schema could not be read");
        }
        schemas.insert(log.id(), Arc::new(declared.schema));
    }
    schemas
}

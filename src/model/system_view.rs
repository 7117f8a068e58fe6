//! Tables by which servers tell of themselves.

use crate::model::sql::Dialect;

/// Schemas of the servers themselves.
const SYSTEM_SCHEMAS: [&str; 5] = [
    "information_schema",
    "performance_schema",
    "pg_catalog",
    "sys",
    "mysql",
];

/// Whether a table is a view of the server into itself: what it shows changes though nobody writes to it.
pub fn is_of_the_server(table: &str, system: Dialect) -> bool {
    match table.split_once('.') {
        Some((schema, _)) => SYSTEM_SCHEMAS
            .iter()
            .any(|s| schema.eq_ignore_ascii_case(s)),
        None => system == Dialect::Postgres && table.starts_with("pg_"),
    }
}

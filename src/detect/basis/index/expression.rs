//! Indexes of PostgreSQL over what stands around a column.

use std::sync::Arc;

use super::ddl::{Part, name, quote, quote_path};
use crate::model::sql::Dialect;

/// What an index of PostgreSQL is over.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) enum Over<'a> {
    /// A column.
    Column(&'a str),
    /// An expression, without literals.
    Expression(&'a str),
}

/// By which operators an index of PostgreSQL is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Class {
    /// Comparisons.
    Plain,
    /// `LIKE` with the wildcard at the end, whatever the locale.
    Prefix,
    /// `LIKE` and `ILIKE` with any pattern.
    Trigram,
}

/// DDL of PostgreSQL for an index over a column or an expression of it.
pub(in crate::detect) fn over(table: &str, column: &str, over: Over<'_>, class: Class) -> String {
    let (suffix, class, method) = match class {
        Class::Plain => ("expr", "", ""),
        Class::Prefix => ("prefix", " text_pattern_ops", ""),
        Class::Trigram => ("trgm", " gin_trgm_ops", " USING gin"),
    };
    let parts = [column, suffix].map(|part| Part::plain(&Arc::from(part)));
    let name = name(table, &parts);
    let table = quote_path(Dialect::Postgres, table);
    let what = match over {
        Over::Column(column) => quote(Dialect::Postgres, column),
        Over::Expression(expression) => format!("({expression})"),
    };
    let create = "CREATE INDEX CONCURRENTLY";
    format!("{create} {name} ON {table}{method} ({what}{class});")
}

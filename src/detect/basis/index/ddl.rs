//! Writes the statement that makes an index, so that it can be run beside traffic.

use std::sync::Arc;

use crate::model::schema::{Column, TableSchema};
use crate::model::sql::Dialect;

/// The longest identifier that PostgreSQL keeps whole is 63 bytes, MySQL's is 64.
const MAX_NAME_BYTES: usize = 60;

/// One column of an index that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) column: Arc<str>,
    /// Only so many characters of it.
    pub(super) prefix: Option<u32>,
    pub(super) descending: bool,
}

impl Part {
    pub(super) fn plain(column: &Arc<str>) -> Self {
        Self {
            column: Arc::clone(column),
            prefix: None,
            descending: false,
        }
    }
}

/// The statement for a table that is known by its DDL: it lets others write meanwhile where the server can.
pub(super) fn declared(
    dialect: Dialect,
    table: &str,
    parts: &[Part],
    schema: &TableSchema,
) -> String {
    let (name, on) = (free_name(table, parts, schema), quote_path(dialect, table));
    let list = list(dialect, parts);
    match dialect {
        // the parent of partitions can be indexed under a lock only
        Dialect::Postgres if schema.partitioned => format!("CREATE INDEX {name} ON {on} ({list});"),
        Dialect::Postgres => format!("CREATE INDEX CONCURRENTLY {name} ON {on} ({list});"),
        _ if schema.is_clustered() => {
            format!("ALTER TABLE {on} ADD INDEX {name} ({list}), ALGORITHM=INPLACE, LOCK=NONE;")
        }
        _ => format!("CREATE INDEX {name} ON {on} ({list});"),
    }
}

/// The statement for a table of which nothing is known.
pub(super) fn unverified(dialect: Dialect, table: &str, columns: &[Arc<str>]) -> String {
    let create = match dialect {
        Dialect::Postgres => "CREATE INDEX CONCURRENTLY",
        Dialect::Mysql | Dialect::Generic => "CREATE INDEX",
    };
    let parts: Vec<Part> = columns.iter().map(Part::plain).collect();
    let (name, on) = (name(table, &parts), quote_path(dialect, table));
    format!("{create} {name} ON {on} ({});", list(dialect, &parts))
}

fn list(dialect: Dialect, parts: &[Part]) -> String {
    let shown = parts.iter().map(|part| {
        let name = quote(dialect, &part.column);
        let prefix = part.prefix.map_or_else(String::new, |n| format!("({n})"));
        let direction = if part.descending { " DESC" } else { "" };
        format!("{name}{prefix}{direction}")
    });
    shown.collect::<Vec<_>>().join(", ")
}

pub(super) fn quote_path(dialect: Dialect, table: &str) -> String {
    let parts: Vec<_> = table.split('.').map(|part| quote(dialect, part)).collect();
    parts.join(".")
}

/// MySQL's statement that gives `column` the type of `other`, or only its character set and collation.
pub(in crate::detect) fn modify(
    table: &str,
    column: &Column,
    other: &Column,
    charset_alone: bool,
) -> String {
    let dialect = Dialect::Mysql;
    let from = if charset_alone { column } else { other };
    let set = |words: &str, name: &Option<Arc<str>>| {
        let name = name.as_deref().filter(|_| charset_alone);
        name.map_or_else(String::new, |name| [" ", words, " ", name].concat())
    };
    [
        "ALTER TABLE ",
        &quote_path(dialect, table),
        " MODIFY ",
        &quote(dialect, &column.name),
        " ",
        &from.data_type,
        &set("CHARACTER SET", &other.charset),
        &set("COLLATE", &other.collation),
        if column.nullable { "" } else { " NOT NULL" },
        ";",
    ]
    .concat()
}

/// PostgreSQL's statement that gives `column` this type.
pub(in crate::detect) fn alter_type(table: &str, column: &Column, kind: &str) -> String {
    let dialect = Dialect::Postgres;
    let table = quote_path(dialect, table);
    let column = quote(dialect, &column.name);
    format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} USING {column}::{kind};")
}

/// A name that no index of the table has.
fn free_name(table: &str, parts: &[Part], schema: &TableSchema) -> String {
    let first = name(table, parts);
    let taken = |name: &str| {
        let mut names = schema
            .indexes
            .iter()
            .filter_map(|index| index.name.as_deref());
        names.any(|known| known.eq_ignore_ascii_case(name))
    };
    let mut others = (2..100).map(|n| format!("{first}_{n}"));
    if taken(&first) {
        others.find(|name| !taken(name)).unwrap_or(first)
    } else {
        first
    }
}

/// `idx_table_columns`, in letters that need no quotes.
pub(super) fn name(table: &str, parts: &[Part]) -> String {
    let bare = table.rsplit('.').next().unwrap_or(table);
    let columns = parts.iter().map(|part| &*part.column);
    let parts = std::iter::once(bare).chain(columns);
    let mut name = String::from("idx");
    for part in parts {
        name.push('_');
        name.extend(part.chars().map(|c| match c {
            'a'..='z' | '0'..='9' | '_' => c,
            'A'..='Z' => c.to_ascii_lowercase(),
            _ => '_',
        }));
    }
    name.truncate(MAX_NAME_BYTES);
    name
}

/// The identifier, in quotes unless every server reads it the same without.
pub(in crate::detect) fn quote(dialect: Dialect, identifier: &str) -> String {
    let mut bytes = identifier.bytes();
    let first = bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let plain = first && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && !RESERVED.contains(&identifier) {
        return identifier.to_owned();
    }
    match dialect {
        Dialect::Mysql => format!("`{}`", identifier.replace('`', "``")),
        Dialect::Postgres | Dialect::Generic => format!("\"{}\"", identifier.replace('"', "\"\"")),
    }
}

/// Reserved words that people do use as names.
const RESERVED: &[&str] = &[
    "all",
    "between",
    "by",
    "case",
    "check",
    "column",
    "condition",
    "default",
    "desc",
    "end",
    "except",
    "from",
    "grant",
    "group",
    "groups",
    "in",
    "index",
    "interval",
    "key",
    "keys",
    "limit",
    "like",
    "lock",
    "not",
    "null",
    "offset",
    "on",
    "option",
    "or",
    "order",
    "primary",
    "rank",
    "read",
    "references",
    "row",
    "rows",
    "select",
    "set",
    "table",
    "to",
    "trigger",
    "union",
    "unique",
    "update",
    "usage",
    "user",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
    "write",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::Index;

    #[test]
    fn a_hostile_name_stays_inside_its_quotes() {
        let sql = unverified(Dialect::Mysql, "a`b", &[Arc::from("order")]);
        assert_eq!(sql, "CREATE INDEX idx_a_b_order ON `a``b` (`order`);");
        let sql = unverified(Dialect::Postgres, "public.Apply", &[Arc::from("meetingId")]);
        assert_eq!(
            sql,
            "CREATE INDEX CONCURRENTLY idx_apply_meetingid ON public.\"Apply\" (\"meetingId\");"
        );
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_again() {
        let index = Index {
            name: Some("idx_t_a".into()),
            ..Index::default()
        };
        let schema = TableSchema {
            indexes: vec![index],
            ..TableSchema::default()
        };
        let parts = [Part::plain(&"a".into())];
        assert_eq!(
            declared(Dialect::Mysql, "t", &parts, &schema),
            "ALTER TABLE t ADD INDEX idx_t_a_2 (a), ALGORITHM=INPLACE, LOCK=NONE;"
        );
    }
}

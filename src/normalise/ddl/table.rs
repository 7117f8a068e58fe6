//! `CREATE TABLE`: columns, keys, options.

use std::sync::Arc;

use super::column::{charset_of, charset_words, column};
use super::index::{columns, index};
use super::token::{Cursor, Kind};
use crate::model::schema::{Column, ForeignKey, Index, IndexKind, IndexPart, TableSchema};
use crate::model::sql::Dialect;

/// More than any server allows in a table.
const MAX_COLUMNS: usize = 4_096;
/// PostgreSQL has no limit; nobody comes near.
const MAX_INDEXES: usize = 256;

/// Reads the list of columns and keys into `table`.
pub(super) fn items(table: &mut TableSchema, list: Cursor<'_>, dialect: Dialect) {
    for item in list.items() {
        self::item(table, item, dialect);
    }
}

/// Reads one column or key; what is none of both (`CHECK`) says nothing here.
pub(super) fn item(table: &mut TableSchema, mut item: Cursor<'_>, dialect: Dialect) {
    if !key(table, &mut item, dialect) {
        add_column(table, item);
    }
}

/// Reads a column definition; one of the same name is replaced.
pub(super) fn add_column(table: &mut TableSchema, definition: Cursor<'_>) {
    let Some((column, extras)) = column(definition) else {
        return;
    };
    let own = |kind| Index {
        kind,
        parts: vec![IndexPart {
            column: Some(Arc::clone(&column.name)),
            ..IndexPart::default()
        }],
        ..Index::default()
    };
    if extras.primary {
        add_index(table, own(IndexKind::Primary));
    } else if extras.unique {
        add_index(table, own(IndexKind::Unique));
    }
    if let Some(other) = extras.references {
        add_foreign_key(table, None, vec![Arc::clone(&column.name)], other);
    }
    let known = table.columns.iter().position(|c| c.name == column.name);
    match known {
        Some(at) => table.columns[at] = column,
        None if table.columns.len() < MAX_COLUMNS => table.columns.push(column),
        None => {}
    }
}

/// Reads a key or another constraint; `false` when it is neither, and nothing was taken.
pub(super) fn key(table: &mut TableSchema, cursor: &mut Cursor<'_>, dialect: Dialect) -> bool {
    let before = *cursor;
    let mut constraint = None;
    if cursor.eat("constraint") {
        let named = !["primary", "unique", "foreign", "check"]
            .iter()
            .any(|w| cursor.sees(w));
        constraint = if named {
            cursor.name().map(Arc::from)
        } else {
            None
        };
    }
    let found = if cursor.eat("primary key") {
        index(IndexKind::Primary, cursor)
    } else if cursor.eat_any(&[
        "unique key",
        "unique index",
        "unique nulls not distinct",
        "unique",
    ]) {
        index(IndexKind::Unique, cursor)
    } else if cursor.eat_any(&[
        "fulltext key",
        "fulltext index",
        "fulltext",
        "spatial key",
        "spatial index",
        "spatial",
    ]) {
        index(IndexKind::Other, cursor)
    } else if cursor.eat("foreign key") {
        foreign_key(table, cursor, constraint);
        return true;
    } else if dialect != Dialect::Postgres && is_plain_key(*cursor) {
        cursor.next();
        index(IndexKind::Plain, cursor)
    } else {
        let other = ["check", "exclude", "like", "period for"]
            .iter()
            .any(|w| cursor.sees(w));
        // a column may be called `check` or `like` where the name is quoted, and then it is no word
        let is_other = other || constraint.is_some();
        if !is_other {
            *cursor = before;
        }
        return is_other;
    };
    if let Some(mut index) = found {
        index.name = constraint.or(index.name);
        add_index(table, index);
    }
    true
}

/// `KEY name (a, b)` is an index, `key varchar(10)` a column.
fn is_plain_key(mut cursor: Cursor<'_>) -> bool {
    if !cursor.eat_any(&["key", "index"]) {
        return false;
    }
    if !cursor.sees("(") && !cursor.sees("using") && cursor.name().is_none() {
        return false;
    }
    if cursor.eat("using") {
        cursor.next();
    }
    let inside = cursor.group().and_then(|group| group.peek());
    inside.is_some_and(|first| matches!(first.kind, Kind::Word | Kind::Quoted | Kind::Sign))
}

fn foreign_key(table: &mut TableSchema, cursor: &mut Cursor<'_>, constraint: Option<Arc<str>>) {
    let own = if cursor.sees("(") {
        None
    } else {
        cursor.name().map(Arc::from)
    };
    let Some(columns) = columns(cursor) else {
        return;
    };
    if cursor.eat("references")
        && let Some((_, other)) = cursor.qualified()
    {
        add_foreign_key(table, constraint.or(own), columns, Arc::from(other));
    }
}

fn add_foreign_key(
    table: &mut TableSchema,
    name: Option<Arc<str>>,
    columns: Vec<Arc<str>>,
    other: Arc<str>,
) {
    if table.foreign_keys.len() < MAX_INDEXES {
        table.foreign_keys.push(ForeignKey {
            name,
            columns,
            table: other,
        });
    }
}

/// Adds an index; a primary key takes the place of the one before.
pub(super) fn add_index(table: &mut TableSchema, index: Index) {
    if index.kind == IndexKind::Primary {
        table
            .indexes
            .retain(|known| known.kind != IndexKind::Primary);
        for part in &index.parts {
            let named = |c: &&mut Column| Some(&c.name) == part.column.as_ref();
            if let Some(column) = table.columns.iter_mut().find(named) {
                column.nullable = false;
            }
        }
    }
    if table.indexes.len() < MAX_INDEXES {
        table.indexes.push(index);
    }
}

/// `InnoDB` makes an index for a foreign key that has none.
pub(super) fn index_foreign_keys(table: &mut TableSchema) {
    if !table.is_clustered() {
        return;
    }
    for key in table.foreign_keys.clone() {
        let leads = |index: &Index| {
            let leading = index.parts.iter().take(key.columns.len());
            let same = leading
                .map(|p| p.column.as_deref())
                .eq(key.columns.iter().map(|c| Some(&**c)));
            same && index.kind != IndexKind::Other
        };
        if table.indexes.iter().any(leads) {
            continue;
        }
        let part = |column: &Arc<str>| IndexPart {
            column: Some(Arc::clone(column)),
            ..IndexPart::default()
        };
        let parts = key.columns.iter().map(part).collect();
        add_index(
            table,
            Index {
                name: key.name,
                parts,
                ..Index::default()
            },
        );
    }
}

/// Reads what stands behind the list: engine, character set, partitions.
pub(super) fn options(table: &mut TableSchema, mut cursor: Cursor<'_>) {
    let (mut charset, mut collation) = (None, None);
    while !cursor.is_empty() {
        if cursor.eat("partition by") {
            table.partitioned = true;
            break;
        }
        if cursor.eat("engine") {
            cursor.eat("=");
            table.engine = cursor.name().map(Arc::from);
            continue;
        }
        if cursor.eat("comment") {
            cursor.eat("=");
            cursor.next();
            continue;
        }
        let (found, collated) = charset_words(&mut cursor);
        if found.is_none() && collated.is_none() {
            cursor.next();
        }
        charset = found.or(charset);
        collation = collated.or(collation);
    }
    set_charset(table, charset, collation.as_ref(), false);
}

/// Gives text columns the table's character set; `convert` replaces their own.
pub(super) fn set_charset(
    table: &mut TableSchema,
    charset: Option<Arc<str>>,
    collation: Option<&Arc<str>>,
    convert: bool,
) {
    let charset = charset.or_else(|| collation.and_then(|name| charset_of(name)));
    if charset.is_none() {
        return;
    }
    let textual = table.columns.iter_mut().filter(|c| c.family.is_textual());
    for column in textual.filter(|c| convert || c.charset.is_none()) {
        column.charset.clone_from(&charset);
        column.collation = collation.cloned();
    }
}

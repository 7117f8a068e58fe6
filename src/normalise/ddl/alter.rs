//! `ALTER TABLE`, one action after the other.

use std::sync::Arc;

use super::column::{charset_words, column, set_type};
use super::index::index;
use super::table::{add_column, add_index, index_foreign_keys, item, key, set_charset};
use super::token::Cursor;
use crate::model::schema::{Index, IndexKind, TableSchema};
use crate::model::sql::Dialect;

/// What an action asks for that the table alone cannot do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// `RENAME TO`.
    Rename(Arc<str>),
}

/// Carries out all actions of a statement.
pub(super) fn alter(table: &mut TableSchema, actions: Cursor<'_>, dialect: Dialect) -> Vec<Beyond> {
    let mut beyond = Vec::new();
    for action in actions.items() {
        beyond.extend(self::action(table, action, dialect));
    }
    if dialect == Dialect::Mysql {
        index_foreign_keys(table);
    }
    beyond
}

fn action(table: &mut TableSchema, mut cursor: Cursor<'_>, dialect: Dialect) -> Option<Beyond> {
    if cursor.eat("add") {
        add(table, cursor, dialect);
    } else if cursor.eat("drop") {
        drop_part(table, cursor);
    } else if cursor.eat("modify") {
        cursor.eat("column");
        cursor.eat("if exists");
        add_column(table, cursor);
    } else if cursor.eat("change") {
        cursor.eat("column");
        cursor.eat("if exists");
        let old = cursor.name()?;
        let (column, _) = column(cursor)?;
        rename_column(table, old, &column.name);
        add_column(table, cursor);
    } else if cursor.eat("alter") {
        cursor.eat("column");
        alter_column(table, cursor);
    } else if cursor.eat("rename") {
        return rename(table, cursor);
    } else if cursor.eat("engine") {
        cursor.eat("=");
        table.engine = cursor.name().map(Arc::from);
    } else if cursor.eat("convert to") {
        let (charset, _) = charset_words(&mut cursor);
        let (_, collation) = charset_words(&mut cursor);
        set_charset(table, charset, collation.as_ref(), true);
    } else if cursor.eat("partition by") {
        table.partitioned = true;
    }
    None
}

fn add(table: &mut TableSchema, mut cursor: Cursor<'_>, dialect: Dialect) {
    let begins = cursor;
    let explicit = cursor.eat("column");
    cursor.eat("if not exists");
    if let Some(list) = cursor.group() {
        for definition in list.items() {
            item(table, definition, dialect);
        }
    } else if explicit || !adds_other(table, begins, &mut cursor, dialect) {
        add_column(table, cursor);
    }
}

/// Whether something else than a column was added.
fn adds_other(
    table: &mut TableSchema,
    begins: Cursor<'_>,
    cursor: &mut Cursor<'_>,
    dialect: Dialect,
) -> bool {
    add_with_condition(table, begins) || key(table, cursor, dialect) || cursor.sees("partition")
}

/// MariaDB's `ADD INDEX IF NOT EXISTS name (...)`.
fn add_with_condition(table: &mut TableSchema, mut cursor: Cursor<'_>) -> bool {
    let kind = if cursor.eat_any(&[
        "unique index if not exists",
        "unique key if not exists",
        "unique if not exists",
    ]) {
        IndexKind::Unique
    } else if cursor.eat_any(&["index if not exists", "key if not exists"]) {
        IndexKind::Plain
    } else {
        return false;
    };
    let found = index(kind, &mut cursor);
    if let Some(index) = found.filter(|i| !table.indexes.iter().any(|known| known.name == i.name)) {
        add_index(table, index);
    }
    true
}

fn drop_part(table: &mut TableSchema, mut cursor: Cursor<'_>) {
    if cursor.eat("primary key") {
        table
            .indexes
            .retain(|index| index.kind != IndexKind::Primary);
    } else if cursor.eat_any(&["index", "key", "constraint"]) {
        cursor.eat("if exists");
        let Some(name) = cursor.name() else { return };
        drop_index(table, name);
        table
            .foreign_keys
            .retain(|key| key.name.as_deref() != Some(name));
    } else if cursor.eat("foreign key") {
        cursor.eat("if exists");
        let name = cursor.name();
        table.foreign_keys.retain(|key| key.name.as_deref() != name);
    } else if !cursor.sees("check") && !cursor.sees("partition") {
        cursor.eat("column");
        cursor.eat("if exists");
        if let Some(name) = cursor.name() {
            drop_column(table, name);
        }
    }
}

/// Drops the index of that name; PostgreSQL names unnamed ones after table and columns.
pub(super) fn drop_index(table: &mut TableSchema, name: &str) -> bool {
    let before = table.indexes.len();
    let own = Arc::clone(&table.name);
    table.indexes.retain(|index| !is_called(index, &own, name));
    table.indexes.len() < before
}

/// Whether the index has this name, be it one that the server gives: `t_pkey`, `t_a_b_key`, `t_a_b_idx`; MySQL takes
/// the first column.
pub(super) fn is_called(index: &Index, table: &str, name: &str) -> bool {
    if let Some(own) = &index.name {
        return own.eq_ignore_ascii_case(name);
    }
    let columns: Vec<_> = index
        .parts
        .iter()
        .filter_map(|p| p.column.as_deref())
        .collect();
    let given = match index.kind {
        IndexKind::Primary => format!("{table}_pkey"),
        IndexKind::Unique => format!("{table}_{}_key", columns.join("_")),
        _ => format!("{table}_{}_idx", columns.join("_")),
    };
    given.eq_ignore_ascii_case(name)
        || columns
            .first()
            .is_some_and(|first| first.eq_ignore_ascii_case(name))
}

/// MySQL takes the column out of its indexes, PostgreSQL drops these: what remains of one that began with it would
/// be another index, so both are dropped here save where it comes last.
fn drop_column(table: &mut TableSchema, name: &str) {
    let is_it = |column: Option<&Arc<str>>| column.is_some_and(|c| c.eq_ignore_ascii_case(name));
    table.columns.retain(|column| !is_it(Some(&column.name)));
    let has_schemas = table.dialect_has_schemas;
    for index in &mut table.indexes {
        if has_schemas && index.parts.iter().any(|part| is_it(part.column.as_ref())) {
            index.parts.clear();
        }
        index.parts.retain(|part| !is_it(part.column.as_ref()));
    }
    table.indexes.retain(|index| !index.parts.is_empty());
    table
        .foreign_keys
        .retain(|key| !key.columns.iter().any(|c| is_it(Some(c))));
}

fn alter_column(table: &mut TableSchema, mut cursor: Cursor<'_>) {
    let Some(name) = cursor.name() else { return };
    let Some(column) = table
        .columns
        .iter_mut()
        .find(|c| c.name.eq_ignore_ascii_case(name))
    else {
        return;
    };
    if cursor.eat_any(&["set data type", "type"]) {
        set_type(column, &mut cursor);
    } else if cursor.eat("set not null") {
        column.nullable = false;
    } else if cursor.eat("drop not null") {
        column.nullable = true;
    }
}

fn rename(table: &mut TableSchema, mut cursor: Cursor<'_>) -> Option<Beyond> {
    if cursor.eat_any(&["index", "key"]) {
        let old = cursor.name()?;
        cursor.eat("to");
        let new: Arc<str> = Arc::from(cursor.name()?);
        let index = table
            .indexes
            .iter_mut()
            .find(|i| i.name.as_deref() == Some(old))?;
        index.name = Some(new);
        return None;
    }
    if cursor.eat_any(&["to", "as"]) {
        return cursor
            .qualified()
            .map(|(_, name)| Beyond::Rename(Arc::from(name)));
    }
    cursor.eat_any(&["column if exists", "column"]);
    let first = cursor.name()?;
    if !cursor.eat("to") {
        return cursor.is_empty().then(|| Beyond::Rename(Arc::from(first)));
    }
    let new = cursor.name()?;
    rename_column(table, first, new);
    None
}

fn rename_column(table: &mut TableSchema, old: &str, new: &str) {
    let new: Arc<str> = Arc::from(new);
    let is_old = |name: &Arc<str>| name.eq_ignore_ascii_case(old);
    for column in table.columns.iter_mut().filter(|c| is_old(&c.name)) {
        column.name = Arc::clone(&new);
    }
    let parts = table.indexes.iter_mut().flat_map(|index| &mut index.parts);
    for part in parts.filter(|p| p.column.as_ref().is_some_and(is_old)) {
        part.column = Some(Arc::clone(&new));
    }
    let keys = table
        .foreign_keys
        .iter_mut()
        .flat_map(|key| &mut key.columns);
    for column in keys.filter(|c| is_old(c)) {
        *column = Arc::clone(&new);
    }
}

//! Reads the schema that dumps, migrations and `SHOW CREATE TABLE` declare.
//!
//! Not with `sqlparser`: half of what real dumps contain (options, partitions, conditional comments, sequences of
//! migrations) is beyond it, and one clause that it does not know would cost the table. Here a clause that is not known
//! is passed over. Nothing is recursive, every list has a limit, and no literal is kept.
//!
//! ```text
//! file ─► split ─► statement ─► token ─► table, alter, index ─► Schema
//!            └─► data, functions, comments: passed over        └─► Unread, with file and line
//! ```

mod alter;
mod column;
mod drop;
mod index;
mod split;
mod table;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use self::alter::Beyond;
use self::split::{Piece, Splitter};
use self::token::{Cursor, tokens};
use crate::model::schema::{IndexKind, Schema, TableSchema};
use crate::model::sql::Dialect;

/// More tables than any one application has.
const MAX_TABLES: usize = 20_000;
/// Notes that are kept; the rest is counted.
const MAX_NOTES: usize = 100;
/// Lines are read in parts of this size: a row of data may be a gigabyte.
const PART_BYTES: u64 = 64 << 10;
/// Bytes that tell the dialect.
const HEAD_BYTES: usize = 64 << 10;

/// A statement that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// File, as it was named.
    pub file: Arc<str>,
    /// Line on which the statement begins.
    pub line: u64,
    /// Why.
    pub why: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.why)
    }
}

/// Namespace and name, in lower case.
type TableKey = (Option<String>, String);

/// Reads files of DDL, in order: a later statement changes what an earlier one declared.
#[derive(Debug, Default)]
pub struct SchemaReader {
    dialect: Dialect,
    namespace: Option<Arc<str>>,
    tables: BTreeMap<TableKey, TableSchema>,
    notes: Vec<Unread>,
    unread: u64,
}

impl SchemaReader {
    /// Reads one file.
    ///
    /// # Errors
    /// The file cannot be read; what was read of it counts.
    pub fn read(&mut self, file: &str, from: impl Read) -> io::Result<()> {
        let file: Arc<str> = Arc::from(file);
        let mut from = io::BufReader::with_capacity(HEAD_BYTES, from);
        self.dialect = told_dialect(from.fill_buf()?).unwrap_or(self.dialect);
        self.namespace = None;
        let mut splitter = Splitter::new(self.dialect);
        let mut part = Vec::new();
        let mut begins = true;
        loop {
            part.clear();
            let read = from
                .by_ref()
                .take(PART_BYTES)
                .read_until(b'\n', &mut part)?;
            if read == 0 {
                break;
            }
            splitter.line(&part, begins, &mut |piece| self.piece(&file, piece));
            begins = part.ends_with(b"\n");
        }
        splitter.finish(&mut |piece| self.piece(&file, piece));
        Ok(())
    }

    /// What was declared, and what could not be read: the first of it, and how much in all.
    pub fn finish(self) -> (Schema, Vec<Unread>, u64) {
        let mut schema = Schema::default();
        for mut table in self.tables.into_values() {
            if !table.dialect_has_schemas {
                table::index_foreign_keys(&mut table);
            }
            schema.insert(table);
        }
        (schema, self.notes, self.unread)
    }

    fn piece(&mut self, file: &Arc<str>, piece: &Piece<'_>) {
        let text = String::from_utf8_lossy(piece.text);
        let done = if piece.cut {
            Err("a statement is too long and was passed over".to_owned())
        } else {
            self.statement(&mut Cursor::new(&tokens(&text)))
        };
        let Err(why) = done else { return };
        self.unread += 1;
        if self.notes.len() < MAX_NOTES {
            let (file, line) = (Arc::clone(file), piece.line);
            self.notes.push(Unread { file, line, why });
        }
    }

    fn statement(&mut self, cursor: &mut Cursor<'_>) -> Result<(), String> {
        if cursor.eat("create") {
            return self.create(cursor);
        }
        if cursor.eat("alter table") {
            return self.alter(cursor);
        }
        if cursor.eat("drop table") {
            return self.drop_tables(*cursor);
        }
        if cursor.eat("drop index") {
            self.drop_index(cursor);
        } else if cursor.eat("alter index") {
            self.rename_index(cursor);
        } else if cursor.eat_any(&["rename table", "rename tables"]) {
            for mut pair in cursor.items() {
                let old = named(&mut pair)?;
                pair.eat("to");
                let new = named(&mut pair)?;
                self.rename(&old, new);
            }
        } else if cursor.eat("use") {
            self.namespace = cursor.name().map(Arc::from);
        } else if cursor.eat("set search_path") {
            cursor.eat_any(&["=", "to"]);
            self.namespace = cursor.name().map(Arc::from);
        }
        Ok(())
    }

    fn create(&mut self, cursor: &mut Cursor<'_>) -> Result<(), String> {
        let replaces = cursor.eat("or replace");
        if cursor.eat_any(&["temporary", "temp", "global temporary", "local temporary"]) {
            return Ok(());
        }
        cursor.eat_any(&["unlogged", "foreign"]);
        if cursor.eat("table") {
            return self.create_table(cursor, replaces);
        }
        let kind = if cursor.eat("unique") {
            IndexKind::Unique
        } else if cursor.eat_any(&["fulltext", "spatial"]) {
            IndexKind::Other
        } else {
            IndexKind::Plain
        };
        if cursor.eat("index") {
            return self.create_index(cursor, kind);
        }
        Ok(())
    }

    fn create_table(&mut self, cursor: &mut Cursor<'_>, replaces: bool) -> Result<(), String> {
        let keeps = cursor.eat("if not exists");
        let (namespace, name) = named(cursor)?;
        let what = format!("CREATE TABLE {name}");
        let mut table = TableSchema {
            name,
            namespace: namespace.or_else(|| self.namespace.clone()),
            dialect_has_schemas: self.dialect == Dialect::Postgres,
            ..TableSchema::default()
        };
        let known = self.tables.contains_key(&key_of(&table));
        if known && keeps && !replaces {
            return Ok(());
        }
        if cursor.eat("partition of") || cursor.eat("like") {
            let other = self
                .known(cursor)
                .ok_or_else(|| format!("{what}: the table that it is made after is not known"))?;
            copy(&other, &mut table);
        } else {
            let list = cursor
                .group()
                .ok_or_else(|| format!("{what}: no list of columns"))?;
            for mut like in list.items().filter(|item| item.sees("like")) {
                like.next();
                if let Some(other) = self.known(&mut like) {
                    copy(&other, &mut table);
                }
            }
            table::items(&mut table, list, self.dialect);
        }
        let inherits = cursor.sees("inherits");
        table::options(&mut table, *cursor);
        if table.columns.is_empty() && !inherits {
            return Err(format!("{what}: no column could be read"));
        }
        if self.tables.len() >= MAX_TABLES && !known {
            return Err(format!("{what}: more than {MAX_TABLES} tables"));
        }
        self.tables.insert(key_of(&table), table);
        Ok(())
    }

    fn create_index(&mut self, cursor: &mut Cursor<'_>, kind: IndexKind) -> Result<(), String> {
        cursor.eat("concurrently");
        cursor.eat("if not exists");
        let name: Option<Arc<str>> = if cursor.sees("on") {
            None
        } else {
            cursor.qualified().map(|(_, name)| Arc::from(name))
        };
        if cursor.eat("using") {
            cursor.next();
        }
        if !cursor.eat("on") {
            return Err("CREATE INDEX: no table".to_owned());
        }
        cursor.eat("only");
        let (namespace, on) = named(cursor)?;
        let table = self.table(namespace.as_deref(), &on);
        let table = table.ok_or_else(|| format!("CREATE INDEX on {on}: the table is not known"))?;
        let is_there =
            |name: &Arc<str>| table.indexes.iter().any(|i| i.name.as_ref() == Some(name));
        if name.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        let read = index::index(kind, cursor);
        let mut index = read.ok_or_else(|| format!("CREATE INDEX on {on}: no list of columns"))?;
        index.name = name;
        table::add_index(table, index);
        Ok(())
    }

    fn alter(&mut self, cursor: &mut Cursor<'_>) -> Result<(), String> {
        cursor.eat_any(&["if exists", "only"]);
        cursor.eat("only");
        let (namespace, name) = named(cursor)?;
        let dialect = self.dialect;
        let Some(table) = self.table(namespace.as_deref(), &name) else {
            // sequences and views are altered so too
            let says_more = cursor.sees("add") || cursor.sees("drop");
            return if says_more {
                Err(format!("ALTER TABLE {name}: the table is not known"))
            } else {
                Ok(())
            };
        };
        for Beyond::Rename(new) in alter::alter(table, *cursor, dialect) {
            self.rename(&(namespace.clone(), Arc::clone(&name)), (None, new));
        }
        Ok(())
    }

    fn known(&self, cursor: &mut Cursor<'_>) -> Option<TableSchema> {
        let (namespace, name) = cursor.qualified()?;
        self.tables.get(&self.key(namespace, name)?).cloned()
    }

    fn table(&mut self, namespace: Option<&str>, name: &str) -> Option<&mut TableSchema> {
        let key = self.key(namespace, name)?;
        self.tables.get_mut(&key)
    }

    /// The table that a statement names, with or without its namespace.
    fn key(&self, namespace: Option<&str>, name: &str) -> Option<TableKey> {
        let name = name.to_lowercase();
        let places = [
            namespace.or(self.namespace.as_deref()),
            None,
            Some("public"),
        ];
        let mut exact = places
            .into_iter()
            .map(|place| (place.map(str::to_lowercase), name.clone()));
        exact.find(|key| self.tables.contains_key(key))
    }
}

/// Namespace and name as written.
type Named = (Option<Arc<str>>, Arc<str>);

fn named(cursor: &mut Cursor<'_>) -> Result<Named, String> {
    let (namespace, name) = cursor.qualified().ok_or("a statement names no table")?;
    Ok((namespace.map(Arc::from), Arc::from(name)))
}

fn key_of(table: &TableSchema) -> TableKey {
    (
        table.namespace.as_deref().map(str::to_lowercase),
        table.name.to_lowercase(),
    )
}

/// Columns and indexes of a table that is made after another; the names of these indexes are its own.
fn copy(from: &TableSchema, to: &mut TableSchema) {
    to.columns.clone_from(&from.columns);
    to.indexes.clone_from(&from.indexes);
    to.engine.clone_from(&from.engine);
    if from.dialect_has_schemas {
        for index in &mut to.indexes {
            index.name = None;
        }
    }
}

/// The dialect by what only one of the servers writes.
fn told_dialect(head: &[u8]) -> Option<Dialect> {
    let lower = head.to_ascii_lowercase();
    let has = |text: &str| memchr::memmem::find(&lower, text.as_bytes()).is_some();
    let mysql = [
        "`",
        "engine=",
        "engine =",
        "auto_increment",
        "mysql dump",
        "mariadb dump",
        "mysqldump",
    ];
    let postgres = [
        "postgresql database dump",
        "\nset search_path",
        "character varying",
        "nextval(",
        "$$",
        "bigserial",
        " serial",
        "timestamptz",
        "with time zone",
        "using btree (",
        "jsonb",
        "concurrently",
        "::",
    ];
    if mysql.iter().any(|text| has(text)) {
        return Some(Dialect::Mysql);
    }
    postgres
        .iter()
        .any(|text| has(text))
        .then_some(Dialect::Postgres)
}

#[cfg(test)]
mod tests;

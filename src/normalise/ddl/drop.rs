//! Statements that drop or rename tables and indexes.

use std::sync::Arc;

use super::token::Cursor;
use super::{Named, SchemaReader, alter, key_of, named};

impl SchemaReader {
    pub(super) fn drop_tables(&mut self, mut cursor: Cursor<'_>) -> Result<(), String> {
        cursor.eat("if exists");
        for mut item in cursor.items() {
            let (namespace, name) = named(&mut item)?;
            if let Some(key) = self.key(namespace.as_deref(), &name) {
                self.tables.remove(&key);
            }
        }
        Ok(())
    }

    pub(super) fn drop_index(&mut self, cursor: &mut Cursor<'_>) {
        cursor.eat("concurrently");
        cursor.eat("if exists");
        let mut names = Vec::new();
        while let Some((_, name)) = cursor.qualified() {
            names.push(name);
            if !cursor.eat(",") {
                break;
            }
        }
        if cursor.eat("on") {
            let of = cursor.qualified();
            let table = of.and_then(|(namespace, table)| self.table(namespace, table));
            if let (Some(table), Some(name)) = (table, names.first()) {
                alter::drop_index(table, name);
            }
            return;
        }
        for name in names {
            let mut tables = self.tables.values_mut();
            let _dropped = tables.any(|table| alter::drop_index(table, name));
        }
    }

    /// `ALTER INDEX a RENAME TO b`.
    pub(super) fn rename_index(&mut self, cursor: &mut Cursor<'_>) {
        cursor.eat("if exists");
        let Some((_, old)) = cursor.qualified() else {
            return;
        };
        if !cursor.eat("rename to") {
            return;
        }
        let Some(new) = cursor.name() else { return };
        for table in self.tables.values_mut() {
            let own = Arc::clone(&table.name);
            for index in table
                .indexes
                .iter_mut()
                .filter(|i| alter::is_called(i, &own, old))
            {
                index.name = Some(Arc::from(new));
            }
        }
    }

    pub(super) fn rename(&mut self, (namespace, name): &Named, (new_namespace, new): Named) {
        let Some(key) = self.key(namespace.as_deref(), name) else {
            return;
        };
        if let Some(mut table) = self.tables.remove(&key) {
            table.name = new;
            table.namespace = new_namespace.or(table.namespace);
            self.tables.insert(key_of(&table), table);
        }
    }
}

//! Which tables a query reads, and by which names its columns may call them.

use sqlparser::ast::{ObjectName, TableFactor, TableWithJoins};

/// A table name as written, its parts joined by dots, unquoted.
pub(super) fn object_name(name: &ObjectName) -> String {
    let parts = name.0.iter().map(|part| match part.as_ident() {
        Some(ident) => ident.value.clone(),
        None => part.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// The table that a change is made to.
pub(super) fn target(table: &TableWithJoins) -> Option<String> {
    match &table.relation {
        TableFactor::Table { name, .. } => Some(object_name(name)),
        _ => None,
    }
}

/// The sources of one query.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Qualifier and table.
    names: Vec<(String, Option<String>)>,
    blurred: bool,
}

impl Sources {
    /// Of a FROM list.
    pub(super) fn of(from: &[TableWithJoins]) -> Self {
        let mut sources = Self::default();
        sources.extend(from);
        sources
    }

    /// Adds the tables of another list.
    pub(super) fn extend(&mut self, from: &[TableWithJoins]) {
        for table in from {
            self.factor(&table.relation);
            for join in &table.joins {
                self.factor(&join.relation);
            }
        }
    }

    /// There are further tables, not known: a bare column is uncertain.
    pub(super) fn blur(&mut self) {
        self.blurred = true;
    }

    fn factor(&mut self, factor: &TableFactor) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let table = object_name(name);
                let own = table.rsplit('.').next().unwrap_or(&table).to_owned();
                let qualifier = alias.as_ref().map_or(own, |a| a.name.value.clone());
                self.names.push((qualifier, Some(table)));
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => {
                self.extend(std::slice::from_ref(table_with_joins));
            }
            TableFactor::Derived { alias, .. } => {
                let qualifier = alias.as_ref().map(|a| a.name.value.clone());
                self.names.push((qualifier.unwrap_or_default(), None));
            }
            _ => self.blurred = true,
        }
    }

    /// Whether one of the sources is called so.
    pub(super) fn has(&self, qualifier: &str) -> bool {
        self.names.iter().any(|(name, _)| name == qualifier)
    }

    /// The table that `qualifier` stands for; `None` for a derived one.
    pub(super) fn table(&self, qualifier: &str) -> Option<&str> {
        let found = self.names.iter().find(|(name, _)| name == qualifier)?;
        found.1.as_deref()
    }

    /// The only table, if there is but one.
    pub(super) fn only(&self) -> Option<&str> {
        match self.names.as_slice() {
            [(_, table)] if !self.blurred => table.as_deref(),
            _ => None,
        }
    }
}

//! Tables as their DDL declares them: what a statement's conditions can be held against.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Tables by name; a name may stand in several databases or schemas.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// By bare name in lower case.
    tables: BTreeMap<Box<str>, Vec<Arc<TableSchema>>>,
}

impl Schema {
    /// Adds a table; one of the same name and namespace is replaced.
    pub fn insert(&mut self, table: TableSchema) {
        let same_name = self.tables.entry(folded(&table.name)).or_default();
        same_name.retain(|known| known.namespace != table.namespace || known.name != table.name);
        same_name.push(Arc::new(table));
    }

    /// How many tables it has.
    pub fn len(&self) -> usize {
        self.tables.values().map(Vec::len).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The table that a statement on `database` means by `name`; `None` when it is not here, or several may be meant.
    pub fn find(&self, database: &str, name: &str) -> Option<&Arc<TableSchema>> {
        let (qualifier, bare) = match name.rsplit_once('.') {
            Some((path, bare)) => (path.rsplit('.').next(), bare),
            None => (None, name),
        };
        let all = self.tables.get(&folded(bare))?;
        let exact: Vec<_> = all.iter().filter(|t| *t.name == *bare).collect();
        let named = if exact.is_empty() {
            all.iter().collect()
        } else {
            exact
        };
        let lies_in = |place: &str| {
            let is =
                |t: &&&Arc<TableSchema>| t.namespace.as_deref().is_some_and(|n| is_same(n, place));
            only(named.iter().filter(is))
        };
        let nowhere = || only(named.iter().filter(|t| t.namespace.is_none()));
        match qualifier {
            Some(place) => lies_in(place).or_else(nowhere),
            None => lies_in(database)
                .or_else(nowhere)
                .or_else(|| lies_in("public"))
                .or_else(|| {
                    only(named.iter()).filter(|t| t.dialect_has_schemas || database.is_empty())
                }),
        }
        .copied()
    }
}

/// The only item; `None` for none and for several.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

fn folded(name: &str) -> Box<str> {
    name.to_lowercase().into_boxed_str()
}

/// Whether two identifiers are one, whatever the case: servers differ in what they fold, nobody names two tables or
/// columns so.
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TableSchema {
    /// Name, without its namespace.
    pub name: Arc<str>,
    /// Database (MySQL) or schema (PostgreSQL), where the DDL tells it.
    pub namespace: Option<Arc<str>>,
    /// A database of that server holds schemas (PostgreSQL), so that a namespace is no database.
    pub dialect_has_schemas: bool,
    /// Columns, in order.
    pub columns: Vec<Column>,
    /// Indexes, the primary key among them.
    pub indexes: Vec<Index>,
    /// Foreign keys that it declares.
    pub foreign_keys: Vec<ForeignKey>,
    /// `InnoDB`, `MyISAM`; where told.
    pub engine: Option<Arc<str>>,
    /// It is split into partitions.
    pub partitioned: bool,
}

impl TableSchema {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| is_same(&c.name, name))
    }

    /// Columns of the primary key, in order.
    pub fn primary_key(&self) -> impl Iterator<Item = &Arc<str>> {
        let key = self.indexes.iter().find(|i| i.kind == IndexKind::Primary);
        let parts = key.into_iter().flat_map(|index| &index.parts);
        parts.filter_map(|part| part.column.as_ref())
    }

    /// Whether every secondary index ends with the primary key (`InnoDB`, also where no engine is told).
    pub fn is_clustered(&self) -> bool {
        let engine = self.engine.as_deref();
        !self.dialect_has_schemas && engine.is_none_or(|e| e.eq_ignore_ascii_case("innodb"))
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// Name.
    pub name: Arc<str>,
    /// What it holds.
    pub family: TypeFamily,
    /// Type as declared, in lower case, without attributes and without the values of an `ENUM`: `varchar(20)`.
    pub data_type: Arc<str>,
    /// Declared length of a character type.
    pub length: Option<u32>,
    /// Character set, of the column or else of its table; where told.
    pub charset: Option<Arc<str>>,
    /// Collation, of the column or else of its table; where told.
    pub collation: Option<Arc<str>>,
    /// It may be NULL.
    pub nullable: bool,
}

impl Column {
    /// Whether its type holds a handful of values only, so that an index on it alone finds no few rows.
    pub fn has_few_values(&self) -> bool {
        let narrow = self.family == TypeFamily::Text && self.length == Some(1);
        matches!(self.family, TypeFamily::Boolean | TypeFamily::Enum) || narrow
    }
}

/// What a type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each variant is the kind of value it is named after"
)]
pub enum TypeFamily {
    Integer,
    /// Exact numbers with digits after the point.
    Decimal,
    Float,
    Boolean,
    /// `CHAR`, `VARCHAR`.
    Text,
    /// `TEXT` and its sizes: unbounded.
    LongText,
    Enum,
    /// `BINARY`, `VARBINARY`.
    Binary,
    /// `BLOB` and its sizes, `BYTEA`.
    Blob,
    Date,
    /// `DATETIME`, `TIMESTAMP`.
    Timestamp,
    Time,
    Uuid,
    Json,
    #[default]
    Other,
}

impl TypeFamily {
    /// Numbers of any kind.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Float)
    }

    /// Character strings of any kind.
    pub fn is_textual(self) -> bool {
        matches!(self, Self::Text | Self::LongText | Self::Enum)
    }
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Index {
    /// Name, where one is told.
    pub name: Option<Arc<str>>,
    /// What it can do.
    pub kind: IndexKind,
    /// Its key, in order.
    pub parts: Vec<IndexPart>,
    /// It holds only rows that meet a condition.
    pub partial: bool,
}

/// What an index can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexKind {
    /// The primary key.
    Primary,
    /// Ordered, no key twice.
    Unique,
    /// Ordered.
    #[default]
    Plain,
    /// Finds equal keys only.
    Hash,
    /// Full text, spatial, GIN, BRIN, invisible: serves no plain comparison.
    Other,
}

impl IndexKind {
    /// Whether no key stands in it twice.
    pub fn is_unique(self) -> bool {
        matches!(self, Self::Primary | Self::Unique)
    }
}

/// One part of an index key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexPart {
    /// Column; `None` for an expression.
    pub column: Option<Arc<str>>,
    /// Only so many characters of it.
    pub prefix: Option<u32>,
    /// `DESC`.
    pub descending: bool,
}

/// Columns that refer to another table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ForeignKey {
    /// Name, where one is told.
    pub name: Option<Arc<str>>,
    /// Columns of this table.
    pub columns: Vec<Arc<str>>,
    /// The other table, as written.
    pub table: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(namespace: Option<&str>, name: &str, has_schemas: bool) -> TableSchema {
        TableSchema {
            name: name.into(),
            namespace: namespace.map(Arc::from),
            dialect_has_schemas: has_schemas,
            ..TableSchema::default()
        }
    }

    #[test]
    fn a_table_of_another_database_is_not_meant() {
        let mut schema = Schema::default();
        schema.insert(table(Some("blog"), "users", false));
        assert!(schema.find("shop", "users").is_none());
        assert!(schema.find("blog", "users").is_some());
        assert!(schema.find("shop", "blog.users").is_some());
        assert!(schema.find("", "users").is_some());
    }

    #[test]
    fn a_dump_of_one_database_tells_no_namespace_and_fits_any() {
        let mut schema = Schema::default();
        schema.insert(table(None, "Users", false));
        assert!(schema.find("shop", "users").is_some());
        assert!(schema.find("shop", "shop.Users").is_some());
    }

    #[test]
    fn the_public_schema_comes_before_others_and_two_others_are_uncertain() {
        let mut schema = Schema::default();
        schema.insert(table(Some("public"), "users", true));
        schema.insert(table(Some("audit"), "users", true));
        schema.insert(table(Some("a"), "logs", true));
        schema.insert(table(Some("b"), "logs", true));
        let found = schema.find("shop", "users").unwrap();
        assert_eq!(found.namespace.as_deref(), Some("public"));
        assert!(schema.find("shop", "logs").is_none());
        assert!(schema.find("shop", "b.logs").is_some());
    }
}

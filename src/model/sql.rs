//! Statements: as received, as identified, and what their syntax says.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::id::FingerprintId;
use crate::model::obstacle::Obstacle;
use crate::model::value::ValueKind;

/// The SQL dialect that a server speaks.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// MySQL, Percona Server, MariaDB, Aurora MySQL.
    Mysql,
    /// PostgreSQL and what speaks its language.
    Postgres,
    /// Anything else, or not known.
    #[default]
    Generic,
}

impl Dialect {
    /// The lower-case name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
            Self::Generic => "generic",
        }
    }
}

/// SQL as received, literals and all.
///
/// `Debug` prints only its length and only `normalise` looks inside, so that no log line, metric
/// or alert can leak a literal.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RawSql(Box<[u8]>);

impl RawSql {
    /// Takes the bytes as the source wrote them; they need not be UTF-8.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// How many bytes it has; all that others may know of it.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes, for `normalise` alone.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RawSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawSql({} bytes)", self.0.len())
    }
}

/// The statement with `?` for every literal; safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String)]
#[serde(transparent)]
pub struct Template(Arc<str>);

impl Template {
    /// Wraps text in which `normalise` has replaced every literal.
    pub fn new(redacted: impl Into<Arc<str>>) -> Self {
        Self(redacted.into())
    }

    /// The redacted text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a statement does.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "each variant is the SQL keyword it is named after"
)]
pub enum StatementKind {
    Select,
    Insert,
    Update,
    Delete,
    Replace,
    Merge,
    Call,
    Ddl,
    Transaction,
    /// `SET`, `SHOW`, `USE`, `VACUUM`, administrator commands and the rest.
    #[default]
    Utility,
}

impl StatementKind {
    /// The lower-case name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Call => "call",
            Self::Ddl => "ddl",
            Self::Transaction => "transaction",
            Self::Utility => "utility",
        }
    }
}

/// One statement shape: its identity, its redacted text and what its syntax says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Identity: everything but literals, spacing, comments and alias names.
    pub fingerprint: FingerprintId,
    /// The same with predicates removed; two statements that share it differ at most in their WHERE.
    pub loose: FingerprintId,
    /// Redacted text.
    pub template: Template,
    /// Dialect it was read in.
    pub dialect: Dialect,
    /// What the parser made of it.
    pub parsed: Parsed,
    /// The source had cut the text (`max_query_length` and the like).
    pub truncated: bool,
}

/// A shared statement; compare by `fingerprint`.
pub type StatementRef = Arc<Statement>;

/// Which statement of which kind of server: logs of several may be read together, and equal texts of two servers are
/// two statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementKey {
    /// Identity.
    pub fingerprint: FingerprintId,
    /// Dialect.
    pub dialect: Dialect,
}

impl Statement {
    /// What tells it from all others.
    pub fn key(&self) -> StatementKey {
        StatementKey {
            fingerprint: self.fingerprint,
            dialect: self.dialect,
        }
    }

    /// The shape, when the text could be parsed.
    pub fn shape(&self) -> Option<&Shape> {
        match &self.parsed {
            Parsed::Shape(shape) => Some(shape),
            Parsed::Opaque { .. } => None,
        }
    }

    /// What the statement does, by its syntax or, failing that, by its first keyword.
    pub fn kind(&self) -> StatementKind {
        match &self.parsed {
            Parsed::Shape(shape) => shape.kind,
            Parsed::Opaque { kind, .. } => *kind,
        }
    }

    /// Names of the tables it reads or writes, as written (folded to the dialect's case), sorted.
    pub fn tables(&self) -> &[TableName] {
        match &self.parsed {
            Parsed::Shape(shape) => &shape.tables,
            Parsed::Opaque { tables, .. } => tables,
        }
    }
}

/// Unparsable SQL is data, not an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parsed {
    /// The parser read it.
    Shape(Box<Shape>),
    /// Only the lexer read it; it is still counted and grouped.
    Opaque {
        /// Which rung of the ladder failed, for example `too-long` or `syntax`.
        why: String,
        /// By the first keyword.
        kind: StatementKind,
        /// Best effort from tokens; may be empty.
        tables: Vec<TableName>,
    },
}

/// A table as the statement names it, `schema.table` or `table`.
pub type TableName = Arc<str>;

/// A column as the statement names it; `table` is resolved through aliases where that is certain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnRef {
    /// The table it belongs to, if certain.
    pub table: Option<TableName>,
    /// Column name.
    pub column: Arc<str>,
}

/// Features of the syntax tree that detectors may ask for; `normalise` makes it, nobody else sees the parser.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent yes-or-no features of one syntax tree"
)]
pub struct Shape {
    /// What it does.
    pub kind: StatementKind,
    /// Every table it names (CTE names left out), sorted, each once.
    pub tables: Vec<TableName>,
    /// Tables that it names more than once, sorted: nobody knows which conditions belong to which reading of them.
    pub repeated: Vec<TableName>,
    /// Tables it writes to; empty for a SELECT.
    pub written: Vec<TableName>,
    /// Conditions on columns, of every WHERE, ON and HAVING in it.
    pub predicates: Vec<Predicate>,
    /// Columns compared with columns of another table.
    pub joins: Vec<Join>,
    /// Sort keys of the outermost ORDER BY.
    pub order_by: Vec<SortKey>,
    /// Columns of the outermost GROUP BY.
    pub group_by: Vec<ColumnRef>,
    /// The outermost statement (or every branch of its set operation) has a WHERE or ON condition.
    pub filtered: bool,
    /// Set operations in the text, before repeated branches were folded.
    pub set_ops: SetOps,
    /// The outermost SELECT aggregates.
    pub aggregates: bool,
    /// `SELECT DISTINCT`.
    pub distinct: bool,
    /// `SELECT *` or `t.*` in the outermost select list.
    pub selects_star: bool,
    /// Row limit of the outermost statement.
    pub limit: Option<Limit>,
    /// Some query in it, the outermost or a derived table, begins behind an OFFSET.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skips: bool,
    /// Nested SELECTs.
    pub subqueries: u16,
    /// The outermost select list is one `COUNT(...)` of all rows, without groups.
    pub counts: bool,
    /// Some ORDER BY begins with a random number.
    pub random_order: bool,
    /// A pattern of a LIKE begins with a wildcard. Of the text, not of the shape: the pattern is a literal.
    pub leading_wildcard: bool,
}

/// A condition on one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Predicate {
    /// The column.
    pub column: ColumnRef,
    /// The comparison.
    pub op: Comparison,
    /// The column stands inside a function, cast or arithmetic: no plain index serves it.
    pub wrapped: bool,
    /// Every row that it reads must meet it: it stands in no OR, no negated AND and no HAVING.
    #[serde(default)]
    pub required: bool,
    /// What it stands inside, where the rest of the comparison names no column, so that it could stand alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// How the value is written that it is compared with. Of the text, not of the shape.
    #[serde(default, skip_serializing_if = "ValueKind::is_unknown")]
    pub value: ValueKind,
}

/// A comparison of columns of two tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Join {
    /// One column.
    pub left: ColumnRef,
    /// The other.
    pub right: ColumnRef,
    /// By `=`.
    #[serde(default)]
    pub equal: bool,
    /// It stands in no OR, no negated AND and no HAVING.
    #[serde(default)]
    pub required: bool,
}

impl Join {
    /// Both sides are one table in two roles: an index that serves the one may not serve the other.
    pub fn is_of_one_table(&self) -> bool {
        self.left.table.is_some() && self.left.table == self.right.table
    }
}

impl Join {
    /// The column of `table`, and the one that it is compared with.
    pub fn side_of(&self, table: &str) -> Option<(&ColumnRef, &ColumnRef)> {
        let is = |column: &ColumnRef| column.table.as_deref() == Some(table);
        match (is(&self.left), is(&self.right)) {
            (true, false) => Some((&self.left, &self.right)),
            (false, true) => Some((&self.right, &self.left)),
            _ => None,
        }
    }
}

/// How a predicate compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each variant is the SQL operator it is named after"
)]
pub enum Comparison {
    Equal,
    NotEqual,
    InList,
    NotIn,
    /// `<`, `<=`, `>`, `>=`, `BETWEEN`.
    Range,
    /// `LIKE`, whatever the pattern.
    Like,
    IsNull,
    IsNotNull,
    Other,
}

/// One key of an ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SortKey {
    /// The column; `None` for an expression.
    pub column: Option<ColumnRef>,
    /// `DESC`.
    pub descending: bool,
}

/// How often what is folded stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct SetOps {
    /// `UNION` and `UNION DISTINCT`.
    pub union: u32,
    /// `UNION ALL`.
    pub union_all: u32,
    /// `INTERSECT`, `EXCEPT`, `MINUS`.
    pub other: u32,
    /// Terms of the longest chain of `OR`; 0 for none.
    #[serde(default)]
    pub or_terms: u32,
}

/// A row limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// An offset is given too.
    pub offset: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_sql_shows_only_its_length() {
        let raw = RawSql::new(*b"SELECT 'secret'");
        assert_eq!(format!("{raw:?}"), "RawSql(15 bytes)");
    }
}

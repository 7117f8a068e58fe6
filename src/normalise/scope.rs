//! The queries of a statement, the tables each one reads, and the names it gives; `finder` finds them.

use std::ops::Range;

/// Queries nested deeper do not see further out.
const MAX_LOOKUP: usize = 64;

/// A query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// The query around it.
    pub(super) parent: Option<usize>,
    /// Queries around it.
    pub(super) depth: usize,
    /// Branches of one set operation share it.
    pub(super) group: usize,
    /// Its column names are seen from outside: a derived table or a CTE.
    pub(super) derived: bool,
}

/// A table in a FROM list, a JOIN, or the target of a change.
#[derive(Debug)]
pub(super) struct Table {
    /// Query that names it.
    pub(super) scope: usize,
    /// Tokens of its name; empty for a derived table.
    pub(super) name: Range<usize>,
    /// Token of its alias.
    pub(super) alias: Option<usize>,
    /// Its place among the tables of the query, from 1.
    pub(super) ordinal: usize,
    /// A function that returns rows, not a table.
    pub(super) function: bool,
    /// The query that a derived table is.
    pub(super) query: Option<usize>,
    /// Tokens of the column names behind its alias.
    pub(super) columns: Vec<usize>,
    /// Each of them has a type: they say which fields of a record or of a document are meant.
    pub(super) typed: bool,
}

/// A common table expression.
#[derive(Debug)]
pub(super) struct Cte {
    /// Token of its name.
    pub(super) name: usize,
    /// Query whose WITH names it.
    pub(super) scope: usize,
    /// Its own query.
    pub(super) query: usize,
    /// Tokens of its column names.
    pub(super) columns: Vec<usize>,
}

/// A select item without an alias that ends with a name.
#[derive(Debug)]
pub(super) struct Item {
    /// Query.
    pub(super) scope: usize,
    /// Token of the name.
    pub(super) name: usize,
}

/// An alias of a select item.
#[derive(Debug)]
pub(super) struct Column {
    /// Query.
    pub(super) scope: usize,
    /// Token of the alias.
    pub(super) alias: usize,
    /// Place of the item in the list, from 1.
    pub(super) ordinal: usize,
}

/// What stands where.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// Queries; the first is the statement.
    pub(super) queries: Vec<Scope>,
    /// Query of each token.
    pub(super) of_token: Vec<usize>,
    /// Tokens where a bare name may be a table alias: in hints, behind DELETE and OF.
    pub(super) bare: Vec<bool>,
    /// Tokens in ORDER BY, GROUP BY and HAVING.
    pub(super) sorted: Vec<bool>,
    /// Tables, in order.
    pub(super) tables: Vec<Table>,
    /// Column aliases, in order.
    pub(super) columns: Vec<Column>,
    /// Other select items, in order.
    pub(super) items: Vec<Item>,
    /// Queries with `*` among their items.
    pub(super) stars: Vec<usize>,
    /// Common table expressions, in order.
    pub(super) ctes: Vec<Cte>,
}

impl Scopes {
    /// The query, and those around it, from the inside out.
    pub(super) fn outward(&self, scope: usize) -> impl Iterator<Item = usize> {
        let parent = |&s: &usize| self.queries[s].parent;
        std::iter::successors(Some(scope), parent).take(MAX_LOOKUP)
    }
}

//! Rows that are called by the alias of their table: `SELECT g FROM generate_series(?, ?) g`, `to_jsonb(u)`.

use super::derived::Derived;
use super::scope::{Scopes, Table};
use super::token::Token;

/// Functions that take a whole row.
const ROW_FUNCTIONS: [&str; 5] = [
    "row_to_json",
    "to_json",
    "to_jsonb",
    "json_agg",
    "jsonb_agg",
];

/// What an alias stands for.
#[derive(Debug)]
pub(super) struct Called {
    /// What it becomes.
    pub(super) name: String,
    /// Alone, it can be nothing but a row: no column of its table is called so.
    pub(super) row: bool,
    /// It is a query, not a table with columns of its own.
    pub(super) query: bool,
}

impl Called {
    /// For the alias of `table`.
    pub(super) fn new(tokens: &[Token<'_>], found: &Scopes, table: &Table, name: String) -> Self {
        let row = table.alias.is_some_and(|alias| {
            let alias = &*tokens[alias].text;
            let listed = |at: &usize| tokens[*at].text == alias;
            let shown = |query: usize| {
                let is_of = |scope: usize| found.queries[scope].group == query;
                let names = found.items.iter().filter(|item| is_of(item.scope));
                let all = found.stars.iter().any(|&scope| is_of(scope));
                all || names.map(|item| &item.name).any(listed)
            };
            let known = table.function || table.query.is_some_and(|query| !shown(query));
            known && !table.columns.iter().any(listed)
        });
        let query = table.query.is_some();
        Self { name, row, query }
    }
}

/// Whether the name at `index` may be a row that `called` stands for.
pub(super) fn is_row(
    tokens: &[Token<'_>],
    derived: &Derived,
    index: usize,
    called: &Called,
) -> bool {
    let before = |back: usize| index.checked_sub(back).map(|at| &tokens[at]);
    let next_is = |sign| tokens.get(index + 1).is_some_and(|t| t.is_sign(sign));
    let argument = next_is(")")
        && before(1).is_some_and(|t| t.is_sign("("))
        && before(2).is_some_and(|t| {
            ROW_FUNCTIONS.iter().any(|name| t.is_word(name)) || called.query && t.is_word("count")
        });
    let of_itself = before(1).is_none_or(|t| !t.is_sign("."))
        || before(2).is_some_and(|t| t.text == tokens[index].text);
    let others = before(1).is_some_and(|t| t.is_sign("::") || t.is("as") || t.is_literal());
    let called_row = called.row && !others && !next_is("(") && !derived.is_other(index);
    of_itself && (called_row || argument)
}

//! Folds the names of temporary and of numbered tables, whose patterns are set.

use std::collections::HashSet;

use super::finder::scopes;
use super::settings::NamePatterns;
use super::token::Token;
use super::utility::utility_tables;

/// Statements that name little but tables and what belongs to them.
const DEFINITIONS: [&str; 5] = ["create", "alter", "drop", "truncate", "rename"];

/// Gives each table that matches a pattern the name of its family; columns keep theirs.
pub(super) fn fold_names(tokens: &mut [Token<'_>], patterns: &NamePatterns) {
    let matches = |token: &Token<'_>| token.is_name() && patterns.fold(&token.text).is_some();
    if !tokens.iter().any(matches) {
        return;
    }
    let defines = tokens.first().is_some_and(|t| t.is_any(&DEFINITIONS));
    let tables = table_names(tokens);
    for token in tokens {
        if token.is_name()
            && (defines || tables.contains(&*token.text))
            && let Some(family) = patterns.fold(&token.text)
        {
            token.text = family.into();
        }
    }
}

/// The parts of the names of all tables: a schema may be temporary, too.
fn table_names(tokens: &[Token<'_>]) -> HashSet<String> {
    let found = scopes(tokens);
    let parts = found.tables.iter().flat_map(|table| table.name.clone());
    let named = parts.map(|at| tokens[at].text.to_string());
    let maintained = utility_tables(tokens).unwrap_or_default();
    let maintained = maintained
        .iter()
        .flat_map(|name| name.split('.'))
        .map(str::to_owned);
    named.chain(maintained).collect()
}

//! Whether a column that the server did not know is an alias of the select list.
//!
//! SQL evaluates WHERE before the select list, so that an alias given there does not exist yet (MySQL manual, Problems
//! with Column Aliases; PostgreSQL manual, SELECT List).

use std::sync::Arc;

use super::finder::scopes;
use super::render::{Style, render};
use super::stream::Stream;
use super::token::{Token, decode};
use crate::model::error::UnknownColumn;
use crate::model::sql::{Dialect, Template};

/// Longer names are no names.
const MAX_NAME_BYTES: usize = 128;

/// What the message says of an unknown column, and whether the statement that `stream` holds gives it as an alias.
///
/// Without a stream there is no statement to look at.
pub(super) fn of(
    message: &str,
    stream: Option<&Stream>,
    dialect: Dialect,
) -> Option<UnknownColumn> {
    let name = named(message)?;
    let alias_of = stream.and_then(|stream| expression(name, stream, dialect));
    Some(UnknownColumn {
        name: Arc::from(name),
        alias_of,
    })
}

/// The name in `Unknown column 'x' in 'where clause'` and in `column "x" does not exist`.
fn named(message: &str) -> Option<&str> {
    let name = if let Some((_, rest)) = message.split_once("Unknown column '") {
        let (name, clause) = rest.split_once('\'')?;
        let clause = clause.trim_start().to_ascii_lowercase();
        // in ORDER BY, GROUP BY and HAVING an alias is known
        let is_before_aliases = ["in 'where", "in 'on"]
            .iter()
            .any(|known| clause.starts_with(known));
        is_before_aliases.then_some(name)?
    } else {
        let (_, rest) = message.split_once("column ")?;
        let (name, _) = rest.split_once(" does not exist")?;
        name.strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'))
            .unwrap_or(name)
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
    let is_name = !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.chars().all(plain);
    is_name.then_some(name)
}

/// What stands before `AS name` in the select list of a query that uses the name in its own WHERE or ON.
fn expression(name: &str, stream: &Stream, dialect: Dialect) -> Option<Template> {
    let text = String::from_utf8_lossy(stream.bytes());
    let tokens = decode(&text);
    let found = scopes(&tokens);
    let wanted = name.to_lowercase();
    let is_wanted =
        |index: usize| tokens[index].is_name() && tokens[index].text.to_lowercase() == wanted;
    let alias = found.columns.iter().find(|c| is_wanted(c.alias))?;
    let in_query = |index: usize| found.of_token.get(index) == Some(&alias.scope);
    let condition = (alias.alias..tokens.len())
        .find(|&index| in_query(index) && tokens[index].is_any(&["where", "on"]))?;
    let is_used = (condition + 1..tokens.len()).any(|index| {
        let is_sorted = found.sorted.get(index).copied().unwrap_or_default();
        is_wanted(index) && in_query(index) && !is_sorted && !tokens[index - 1].is_sign(".")
    });
    if !is_used {
        return None;
    }
    let before = alias.alias.checked_sub(1)?;
    let end = if tokens[before].is("as") {
        before
    } else {
        alias.alias
    };
    let start = item_start(&tokens, end);
    let item = tokens.get(start..end).filter(|item| !item.is_empty())?;
    Some(Template::new(render(item, Style::for_people(dialect))))
}

/// Where the select item begins that ends before `end`.
fn item_start(tokens: &[Token<'_>], end: usize) -> usize {
    let mut depth = 0_usize;
    for index in (0..end).rev() {
        let token = &tokens[index];
        if token.is_sign(")") {
            depth += 1;
        } else if token.is_sign("(") {
            let Some(outer) = depth.checked_sub(1) else {
                return index + 1;
            };
            depth = outer;
        } else if depth == 0 && (token.is_sign(",") || token.is_any(&["select", "distinct", "all"]))
        {
            return index + 1;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Rules;
    use super::super::lexer::lex;
    use super::*;

    fn alias_of(message: &str, sql: &str) -> Option<String> {
        let mut stream = Stream::default();
        lex(sql.as_bytes(), Rules::of(Dialect::Mysql), &mut stream);
        let column = of(message, Some(&stream), Dialect::Mysql)?;
        column.alias_of.map(|template| template.as_str().to_owned())
    }

    const MESSAGE: &str = "Unknown column 'total' in 'where clause'";

    #[test]
    fn an_alias_that_the_where_uses_is_told_with_its_expression() {
        let sql = "SELECT id, SUM(a, 7) AS total FROM orders WHERE total > 5 GROUP BY id";
        assert_eq!(alias_of(MESSAGE, sql).as_deref(), Some("SUM(a, ?)"));
        let sql = "SELECT price * qty total FROM orders o WHERE TOTAL > 5";
        assert_eq!(alias_of(MESSAGE, sql).as_deref(), Some("price * qty"));
        let message = "column \"total\" does not exist";
        assert_eq!(alias_of(message, sql).as_deref(), Some("price * qty"));
    }

    #[test]
    fn a_column_that_is_merely_missing_is_no_alias() {
        for sql in [
            "SELECT id FROM orders WHERE total > 5",
            "SELECT id AS sum FROM orders WHERE total > 5",
            "SELECT a AS total FROM orders WHERE o.total > 5",
            "SELECT a AS total FROM orders WHERE a > 5 ORDER BY total",
            "SELECT a AS total FROM orders WHERE id IN (SELECT id FROM sums WHERE total > 5)",
            "SELECT t.total FROM (SELECT a AS total FROM orders) t WHERE id = 1",
        ] {
            assert_eq!(alias_of(MESSAGE, sql), None, "{sql}");
        }
    }

    #[test]
    fn only_where_and_on_come_before_the_select_list() {
        let sql = "SELECT a AS total FROM orders WHERE total > 5";
        let message = "Unknown column 'total' in 'field list'";
        assert_eq!(alias_of(message, sql), None);
        assert_eq!(alias_of("Table 'total' doesn't exist", sql), None);
    }
}

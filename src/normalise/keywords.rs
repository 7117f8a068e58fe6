//! The words that are not names, and when they are all the same.

use super::stream::FIRST_TEXT_BYTE;
use super::token::{Kind, Token};

/// Whether a bare word is a keyword wherever it stands, save beside a dot.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok()
}

/// Whether a name is shown in upper case before a parenthesis.
pub(super) fn is_known_function(name: &str) -> bool {
    FUNCTIONS.binary_search(&name).is_ok()
}

/// Words that are no alias and, in practice, no column; sorted.
const KEYWORDS: [&str; 142] = [
    "all",
    "alter",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "begin",
    "between",
    "both",
    "by",
    "call",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "commit",
    "constraint",
    "create",
    "cross",
    "current_date",
    "current_time",
    "current_timestamp",
    "database",
    "databases",
    "deallocate",
    "declare",
    "default",
    "delayed",
    "delete",
    "desc",
    "describe",
    "distinct",
    "distinctrow",
    "div",
    "drop",
    "dual",
    "else",
    "elseif",
    "end",
    "escape",
    "except",
    "execute",
    "exists",
    "explain",
    "false",
    "fetch",
    "filter",
    "for",
    "force",
    "foreign",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "high_priority",
    "if",
    "ignore",
    "ilike",
    "in",
    "index",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "key",
    "keys",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "load",
    "localtime",
    "localtimestamp",
    "lock",
    "low_priority",
    "merge",
    "minus",
    "mod",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "prepare",
    "primary",
    "procedure",
    "recursive",
    "references",
    "regexp",
    "release",
    "rename",
    "replace",
    "returning",
    "revoke",
    "right",
    "rlike",
    "rollback",
    "savepoint",
    "select",
    "set",
    "show",
    "similar",
    "sql_cache",
    "sql_calc_found_rows",
    "sql_no_cache",
    "start",
    "straight_join",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "trigger",
    "true",
    "truncate",
    "union",
    "unique",
    "unlock",
    "update",
    "use",
    "using",
    "vacuum",
    "values",
    "when",
    "where",
    "window",
    "with",
    "xor",
];

/// Keywords that are functions before a parenthesis.
pub(super) const CALLED_KEYWORDS: [&str; 7] = [
    "left", "right", "replace", "if", "mod", "truncate", "insert",
];

/// Keywords with which an operand ends.
pub(super) const OPERAND_KEYWORDS: [&str; 8] = [
    "null",
    "end",
    "default",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
];

/// Keywords that columns are often called.
pub(super) fn may_be_column(word: &str) -> bool {
    matches!(
        word,
        "lock"
            | "start"
            | "key"
            | "index"
            | "offset"
            | "window"
            | "show"
            | "share"
            | "release"
            | "begin"
            | "check"
    )
}

/// Whether an operand is due behind `before`, and `tail` goes on as behind an operand.
pub(super) fn stands_for_column(before: Option<&Token<'_>>, tail: &str) -> bool {
    let due = before.is_some_and(|t| {
        let sign = t.kind == Kind::Sign && !matches!(&*t.text, ")" | "]" | ";" | "." | "[" | "}");
        sign || t.is_any(&[
            "select", "where", "and", "or", "not", "set", "by", "having", "when", "then", "else",
            "distinct",
        ])
    });
    let signs = ["=", "<", ">", "!", "-", "+", "*", "/", ",", ")"];
    let operator = tail
        .strip_prefix('\u{6}')
        .is_some_and(|tail| signs.iter().any(|sign| tail.starts_with(sign)));
    let word = tail.strip_prefix('\u{1}').and_then(|tail| {
        let end = tail.bytes().position(|b| b < FIRST_TEXT_BYTE);
        tail.get(..end.unwrap_or(tail.len()))
    });
    let goes_on = matches!(
        word,
        Some("from" | "is" | "in" | "like" | "between" | "and" | "or" | "asc" | "desc")
    );
    let aliases = before.is_some_and(Token::ends_operand)
        && (tail.starts_with("\u{6},") || word == Some("from"));
    aliases || due && (operator || goes_on || tail.is_empty())
}

/// Functions that are shown in upper case; sorted.
const FUNCTIONS: [&str; 23] = [
    "avg",
    "coalesce",
    "concat",
    "count",
    "date_format",
    "extract",
    "greatest",
    "group_concat",
    "if",
    "ifnull",
    "json_extract",
    "least",
    "lower",
    "max",
    "min",
    "now",
    "nullif",
    "rank",
    "row_number",
    "substring",
    "sum",
    "trim",
    "upper",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_lists_are_sorted_for_the_binary_search() {
        assert!(KEYWORDS.is_sorted());
        assert!(FUNCTIONS.is_sorted());
    }
}

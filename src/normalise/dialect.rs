//! What the dialects quote and comment differently, and a guess at the dialect of a bare text.

use memchr::memmem;

use crate::model::sql::Dialect;

/// What `"..."` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DoubleQuote {
    /// A string.
    Text,
    /// An identifier.
    Name,
    /// An identifier where only one can stand, else a string: nothing may leak.
    ByPlace,
    /// An identifier, save where a value is likely: the text mixes names and strings.
    Column,
}

/// Lexical rules of a dialect.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent yes-or-no rules of one dialect"
)]
pub(super) struct Rules {
    /// What `"..."` means.
    pub(super) double_quote: DoubleQuote,
    /// Backslash escapes in plain strings.
    pub(super) backslash: bool,
    /// `#` starts a comment.
    pub(super) hash_comment: bool,
    /// `--` starts a comment only before white space.
    pub(super) dash_needs_space: bool,
    /// Block comments nest.
    pub(super) nested_comments: bool,
    /// `/*! */` holds code.
    pub(super) code_comments: bool,
    /// What may be a comment of some server is one.
    pub(super) doubtful_comments: bool,
    /// From the first string on whose end is not certain, nothing is shown.
    pub(super) hides_doubtful: bool,
    /// A backslash is known to be, or not to be, an escape.
    pub(super) knows_backslash: bool,
    /// `$tag$...$tag$` is a string even where it is not closed.
    pub(super) dollar_quotes: bool,
    /// Quoted identifiers are case-insensitive, too.
    pub(super) fold_quoted: bool,
    /// `?` may be an operator.
    pub(super) question_operator: bool,
    /// `&&` is AND.
    pub(super) and_sign: bool,
    /// Names may start with digits.
    pub(super) digit_names: bool,
    /// A number with a point is of another type than one without.
    pub(super) decimals: bool,
    /// An alias may stand in the quotes of a string.
    pub(super) string_aliases: bool,
    /// `[name]` is a quoted identifier.
    pub(super) bracket_names: bool,
}

impl Rules {
    /// The rules of `dialect` in its server's default mode.
    pub(super) fn of(dialect: Dialect) -> Self {
        let mysql = dialect == Dialect::Mysql;
        let postgres = dialect == Dialect::Postgres;
        Self {
            double_quote: match dialect {
                Dialect::Mysql => DoubleQuote::Text,
                Dialect::Postgres => DoubleQuote::Name,
                Dialect::Generic => DoubleQuote::ByPlace,
            },
            backslash: mysql,
            hash_comment: mysql,
            dash_needs_space: mysql,
            nested_comments: postgres,
            code_comments: mysql,
            doubtful_comments: !mysql && !postgres,
            hides_doubtful: false,
            knows_backslash: mysql || postgres,
            dollar_quotes: !mysql,
            fold_quoted: !postgres,
            question_operator: postgres,
            and_sign: mysql,
            digit_names: mysql,
            decimals: postgres,
            string_aliases: mysql,
            bracket_names: !mysql && !postgres,
        }
    }
}

/// Guesses the dialect of a statement from marks that only one of them has.
pub fn detect(sql: &[u8]) -> Dialect {
    let head = &sql[..sql.len().min(16 * 1024)];
    let has = |needle: &str| memmem::find(head, needle.as_bytes()).is_some();
    let mysql = has("`")
        || has("/*!")
        || has("/*M!")
        || has(" DUPLICATE KEY ")
        || has(" duplicate key ")
        || has(" = \"")
        || has("=\"")
        || has("(\"");
    let postgres = has("::")
        || has("$1")
        || has("$$")
        || has(" E'")
        || has("\".\"")
        || has(" RETURNING \"")
        || has(" returning \"")
        || has(" ILIKE ")
        || has(" ilike ")
        || has("ARRAY[")
        || has(" ON CONFLICT ")
        || has(" on conflict ")
        || names_quoted_table(head);
    match (mysql, postgres) {
        (_, true) if !has("`") => Dialect::Postgres,
        (true, _) => Dialect::Mysql,
        _ => Dialect::Generic,
    }
}

/// `FROM "..."` outside parentheses: inside, it may be a function's.
fn names_quoted_table(head: &[u8]) -> bool {
    let marks = [
        "FROM \"",
        "from \"",
        "INTO \"",
        "into \"",
        "JOIN \"",
        "join \"",
        "UPDATE \"",
        "update \"",
    ];
    marks.iter().any(|mark| {
        memmem::find(head, mark.as_bytes()).is_some_and(|at| {
            let count = |bracket| memchr::memchr_iter(bracket, &head[..at]).count();
            count(b'(') <= count(b')')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_table_name_is_postgres_and_a_backtick_is_mysql() {
        assert_eq!(detect(b"SELECT \"id\" FROM \"t\""), Dialect::Postgres);
        assert_eq!(detect(b"SELECT `id` FROM `t`"), Dialect::Mysql);
        assert_eq!(detect(b"SELECT id FROM t"), Dialect::Generic);
        assert_eq!(
            detect(b"INSERT INTO t (a) VALUES (?) RETURNING \"Id\""),
            Dialect::Postgres
        );
        assert_eq!(
            detect(b"SELECT a FROM t WHERE b = ARRAY[1] OR c ILIKE ?"),
            Dialect::Postgres
        );
        assert_eq!(
            detect(b"INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = ?"),
            Dialect::Mysql
        );
    }
}

//! How tightly operators bind, so that parentheses that change nothing can be told from those that do.

use super::token::{Kind, Token};
use crate::model::sql::Dialect;

/// A binding strength; larger is looser.
pub(super) type Level = u8;

/// A name, a literal, a call.
pub(super) const PRIMARY: Level = 0;
/// `::`, COLLATE, AT TIME ZONE, and what stands behind INTERVAL.
pub(super) const POSTFIX: Level = 1;
/// A sign.
pub(super) const UNARY: Level = 2;
/// `^`: a power or XOR, tighter than a product on both servers.
pub(super) const POWER: Level = 3;
/// `*`, `/`, `%`.
pub(super) const PRODUCT: Level = 4;
/// Binary `+` and `-`.
pub(super) const SUM: Level = 5;
/// Every other operator; their order differs between servers.
pub(super) const OTHER: Level = 6;
/// `=`, `<`, IN, LIKE, BETWEEN, IS.
pub(super) const COMPARISON: Level = 7;
/// NOT.
pub(super) const NOT: Level = 8;
/// AND.
pub(super) const AND: Level = 9;
/// XOR.
pub(super) const XOR: Level = 10;
/// OR.
pub(super) const OR: Level = 11;
/// `||` where it may be OR or a concatenation.
pub(super) const EITHER: Level = 12;
/// Nothing binds here.
pub(super) const NONE: Level = 13;

/// Words of the comparisons.
const COMPARISONS: [&str; 10] = [
    "is", "in", "like", "ilike", "rlike", "regexp", "similar", "between", "escape", "to",
];

/// Keywords that are an operand or begin one.
const OPERANDS: [&str; 16] = [
    "null",
    "true",
    "false",
    "default",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "any",
    "all",
    "exists",
    "array",
    "interval",
    "cast",
    "end",
];

/// What a token is to the expression that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is an operand, a part or the beginning of one.
    Operand,
    /// It binds operands.
    Operator(Level),
    /// It belongs to no expression.
    Foreign,
}

/// The role of `token` behind `before`; AND is the conjunction here.
pub(super) fn role(token: &Token<'_>, before: Option<&Token<'_>>, dialect: Dialect) -> Role {
    let binary = before.is_some_and(|t| t.ends_operand() || is_constant(t));
    match token.kind {
        Kind::Name | Kind::Literal | Kind::Ordinal | Kind::Key => Role::Operand,
        Kind::HintOpen | Kind::HintClose => Role::Foreign,
        Kind::Keyword => keyword_role(&token.text, binary, before),
        Kind::Sign => sign_role(&token.text, binary, dialect),
    }
}

fn is_constant(token: &Token<'_>) -> bool {
    token.is_any(&["true", "false", "current_date", "current_timestamp"])
}

fn keyword_role(word: &str, binary: bool, before: Option<&Token<'_>>) -> Role {
    match word {
        "and" => Role::Operator(AND),
        "or" => Role::Operator(OR),
        "xor" => Role::Operator(XOR),
        "not" if binary || before.is_some_and(|t| t.is("is")) => Role::Operator(COMPARISON),
        "not" => Role::Operator(NOT),
        "div" | "mod" => Role::Operator(PRODUCT),
        "collate" => Role::Operator(POSTFIX),
        "distinct" if before.is_some_and(|t| t.is_any(&["is", "not"])) => {
            Role::Operator(COMPARISON)
        }
        "from" if before.is_some_and(|t| t.is("distinct")) => Role::Operator(COMPARISON),
        word if COMPARISONS.contains(&word) => Role::Operator(COMPARISON),
        word if OPERANDS.contains(&word) => Role::Operand,
        _ => Role::Foreign,
    }
}

fn sign_role(sign: &str, binary: bool, dialect: Dialect) -> Role {
    match sign {
        "." => Role::Operand,
        "," | ";" | ":=" | ":" | "{" | "}" | "=>" | "(" | ")" | "[" | "]" => Role::Foreign,
        "::" => Role::Operator(POSTFIX),
        "*" if !binary => Role::Operand,
        "*" | "/" | "%" => Role::Operator(PRODUCT),
        "+" | "-" if binary => Role::Operator(SUM),
        "+" | "-" | "!" if !binary => Role::Operator(UNARY),
        "=" | "==" | "<>" | "!=" | "<" | ">" | "<=" | ">=" | "<=>" => Role::Operator(COMPARISON),
        "||" if dialect != Dialect::Postgres => Role::Operator(EITHER),
        "^" if dialect == Dialect::Generic => Role::Operator(EITHER),
        "^" => Role::Operator(POWER),
        _ => Role::Operator(OTHER),
    }
}

/// How loosely a neighbouring operator of `level` may bind for a primary to stand beside it unchanged.
pub(super) fn beside(level: Level) -> Level {
    if level == EITHER { POSTFIX } else { level }
}

/// Whether an operand of `level` needs no parentheses to the right of an operator of `left`.
pub(super) fn free_on_the_right(level: Level, left: Level) -> bool {
    level < left || level == left && matches!(level, AND | OR)
}

/// Whether an operand of `level` needs no parentheses to the left of an operator of `right`.
pub(super) fn free_on_the_left(level: Level, right: Level) -> bool {
    level < right || level == right && matches!(level, AND | OR | SUM | PRODUCT)
}

//! How values are written: read from the types around them, and told to the parser by the placeholder.

use sqlparser::ast::{BinaryOperator, Expr, Value};

use super::projection::name;
use super::token::Token;
use crate::model::sql::Dialect;
use crate::model::value::ValueKind;

/// Kinds in the order of their placeholders.
const KINDS: [(ValueKind, &str, &str); 7] = [
    (ValueKind::Unknown, "?", "$1"),
    (ValueKind::Text, "?1", "$2"),
    (ValueKind::TypedText, "?2", "$3"),
    (ValueKind::Integer, "?3", "$4"),
    (ValueKind::Decimal, "?4", "$5"),
    (ValueKind::Float, "?5", "$6"),
    (ValueKind::Temporal, "?6", "$7"),
];

/// Writes a literal so that the parser of the dialect hands on how it was written.
pub(super) fn placeholder(dialect: Dialect) -> fn(ValueKind) -> &'static str {
    match dialect {
        Dialect::Mysql => |value| entry(value).1,
        Dialect::Postgres => |value| entry(value).2,
        Dialect::Generic => |_| "?",
    }
}

fn entry(value: ValueKind) -> &'static (ValueKind, &'static str, &'static str) {
    let found = KINDS.iter().find(|(kind, ..)| *kind == value);
    found.unwrap_or(&KINDS[0])
}

/// What a literal of this type is; `type_words` may go on behind the type.
pub(super) fn value_of_type(type_words: &[Token<'_>]) -> ValueKind {
    let mut words = type_words.iter().map(|t| &*t.text);
    let word = words.find(|word| !matches!(*word, "pg_catalog" | "."));
    match word.unwrap_or_default() {
        "date" | "datetime" | "timestamp" | "timestamptz" => ValueKind::Temporal,
        "numeric" | "decimal" | "dec" => ValueKind::Decimal,
        "float" | "float4" | "float8" | "double" | "real" => ValueKind::Float,
        "int" | "int2" | "int4" | "int8" | "integer" | "bigint" | "smallint" | "signed"
        | "unsigned" => ValueKind::Integer,
        "text" | "varchar" => ValueKind::TypedText,
        "character" if words.next() == Some("varying") => ValueKind::TypedText,
        _ => ValueKind::Unknown,
    }
}

/// How the value is written that a column is compared with.
pub(super) fn value_of(expr: &Expr) -> ValueKind {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(text) => {
                let entry = KINDS.iter().find(|(_, a, b)| text == a || text == b);
                entry.map_or(ValueKind::Unknown, |(kind, ..)| *kind)
            }
            _ => ValueKind::Unknown,
        },
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => value_of(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply,
            right,
        } => value_of(left).max(value_of(right)),
        Expr::Function(function) => match &*name(function) {
            "now" | "current_timestamp" | "current_date" | "curdate" | "localtimestamp"
            | "sysdate" | "utc_timestamp" | "utc_date" => ValueKind::Temporal,
            _ => ValueKind::Unknown,
        },
        _ => ValueKind::Unknown,
    }
}

/// How the literals of a statement are written, in order, as a number.
pub(super) fn signature(tokens: &[Token<'_>]) -> u64 {
    let literals = tokens.iter().filter(|t| t.is_literal());
    let kinds: Vec<u8> = literals.map(|t| t.value as u8).collect();
    if kinds.iter().all(|&kind| kind == 0) {
        return 0;
    }
    xxhash_rust::xxh3::xxh3_64(&kinds)
}

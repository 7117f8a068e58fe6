//! Reads what stands around a column in a comparison, so that no plain index serves it.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, DataType, Expr, Function, visit_expressions};

use super::projection::name;
use super::shape::shared;
use crate::model::obstacle::{Obstacle, Wrapping};

/// A longer expression is not shown: nobody would index it.
const MAX_EXPRESSION_BYTES: usize = 200;

/// Functions that take a part of a point in time, or count from one.
const TIME_PARTS: [&str; 31] = [
    "convert_tz",
    "date",
    "date_add",
    "date_format",
    "date_part",
    "date_sub",
    "date_trunc",
    "datediff",
    "day",
    "dayname",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "extract",
    "from_unixtime",
    "hour",
    "last_day",
    "minute",
    "month",
    "monthname",
    "quarter",
    "strftime",
    "time",
    "timestampdiff",
    "to_char",
    "to_days",
    "to_seconds",
    "unix_timestamp",
    "week",
    "weekday",
    "year",
];

/// What stands around the column of `side`; `None` where that is nothing, or where the `other` side of the
/// comparison names a column too, for then it is a join.
pub(super) fn obstacle(side: &Expr, other: Option<&Expr>) -> Option<Obstacle> {
    if other.is_some_and(names_a_column) {
        return None;
    }
    let expr = bare(side);
    let kind = wrapping(expr)?;
    let expression = expr.to_string();
    (expression.len() <= MAX_EXPRESSION_BYTES).then(|| Obstacle {
        kind,
        expression: shared(&expression),
    })
}

/// The case of a pattern that ignores case: the column may stand alone, and is not served all the same.
pub(super) fn caseless(side: &Expr) -> Obstacle {
    Obstacle {
        kind: Wrapping::Pattern,
        expression: shared(&bare(side).to_string()),
    }
}

fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) | Expr::Collate { expr: inner, .. } = expr {
        expr = inner;
    }
    expr
}

fn names_a_column(expr: &Expr) -> bool {
    let column = |expr: &Expr| match expr {
        Expr::Identifier(name) if name.value.starts_with('@') => ControlFlow::Continue(()),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(expr, column).is_break()
}

fn wrapping(expr: &Expr) -> Option<Wrapping> {
    use BinaryOperator as Op;
    Some(match expr {
        Expr::Function(function) => of_function(function),
        Expr::Cast { data_type, .. } => of_cast(Some(data_type)),
        Expr::Convert { data_type, .. } => of_cast(data_type.as_ref()),
        Expr::Extract { .. } | Expr::AtTimeZone { .. } => Wrapping::TimePart,
        Expr::Substring { .. } => Wrapping::Substring,
        Expr::JsonAccess { .. } => Wrapping::Json,
        Expr::BinaryOp {
            op: Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow,
            ..
        } => Wrapping::Json,
        Expr::BinaryOp {
            op:
                Op::Plus
                | Op::Minus
                | Op::Multiply
                | Op::Divide
                | Op::Modulo
                | Op::MyIntegerDivide
                | Op::StringConcat
                | Op::BitwiseAnd
                | Op::BitwiseOr,
            ..
        } => Wrapping::Arithmetic,
        Expr::Trim { .. } | Expr::Ceil { .. } | Expr::Floor { .. } => Wrapping::Function,
        _ => return None,
    })
}

fn of_cast(to: Option<&DataType>) -> Wrapping {
    match to {
        Some(DataType::Date | DataType::Time(..)) => Wrapping::TimePart,
        _ => Wrapping::Cast,
    }
}

fn of_function(function: &Function) -> Wrapping {
    match &*name(function) {
        "lower" | "lcase" | "upper" | "ucase" => Wrapping::CaseFold,
        "coalesce" | "ifnull" | "isnull" | "nvl" => Wrapping::NullDefault,
        "left" | "substr" | "substring" | "mid" => Wrapping::Substring,
        "json_extract"
        | "json_value"
        | "json_unquote"
        | "jsonb_extract_path_text"
        | "json_extract_path_text" => Wrapping::Json,
        other if TIME_PARTS.contains(&other) => Wrapping::TimePart,
        _ => Wrapping::Function,
    }
}

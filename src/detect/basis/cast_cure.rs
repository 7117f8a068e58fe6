//! What makes a converted column comparable as it is.

use crate::detect::basis::casts::{Cast, With};
use crate::detect::basis::draft::advise;
use crate::detect::basis::index::{alter_type, modify, quote};
use crate::model::finding::{Remedy, Safety};
use crate::model::schema::Column;
use crate::model::sql::{Comparison, Dialect};

/// The condition as it could be written, where it means about the same, and what else helps.
pub(in crate::detect) fn cure(dialect: Dialect, cast: &Cast<'_>) -> (Option<String>, Vec<Remedy>) {
    match cast.with {
        With::Value(_) if cast.op == Comparison::Like => (
            None,
            vec![advise(
                "a pattern turns every number or date of the column into a string: compare the column with a value or a half-open range instead",
            )],
        ),
        With::Value(_) => (instead(dialect, cast), vec![advise(of_value(dialect))]),
        With::Type(_, other) => (None, vec![retype(dialect, cast, other)]),
        With::Charset(_, other) => (None, vec![retype(dialect, cast, other)]),
    }
}

fn of_value(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Mysql => {
            "give the value the type of the column: quote it, or bind it as a string; what differs as text but not as a number (007 and 7) is then told apart"
        }
        Dialect::Postgres | Dialect::Generic => {
            "give the value the type of the column: cast it to that, or bind it as that, so that the column stays as it is"
        }
    }
}

/// The value, cast to the type of the column. Strings sort otherwise than numbers: a range has no such form.
fn instead(dialect: Dialect, cast: &Cast<'_>) -> Option<String> {
    let kind = match dialect {
        Dialect::Mysql => "CHAR",
        Dialect::Postgres | Dialect::Generic => castable(cast.column),
    };
    let column = quote(dialect, &cast.column.name);
    let value = format!("CAST(? AS {kind})");
    match cast.op {
        Comparison::Equal => Some(format!("{column} = {value}")),
        Comparison::InList => Some(format!("{column} IN ({value})")),
        _ => None,
    }
}

/// `serial` is a type in DDL only.
fn castable(column: &Column) -> &str {
    match &*column.data_type {
        "bigserial" | "serial8" => "bigint",
        "serial" | "serial4" => "integer",
        "smallserial" | "serial2" => "smallint",
        other => other,
    }
}

/// DDL that gives the column the type of the other.
fn retype(dialect: Dialect, cast: &Cast<'_>, other: &Column) -> Remedy {
    let is_charset = matches!(cast.with, With::Charset(..));
    let (sql, why) = match dialect {
        Dialect::Mysql => (
            modify(&cast.facts.name, cast.column, other, is_charset),
            "gives both columns one type, so that neither is converted; it rewrites the table, and drops what is not restated (DEFAULT, COMMENT, UNSIGNED): complete it first",
        ),
        Dialect::Postgres | Dialect::Generic => (
            alter_type(&cast.facts.name, cast.column, castable(other)),
            "gives both columns one type, so that neither is converted; it rewrites and locks the table: plan it, and look at foreign keys first",
        ),
    };
    Remedy {
        sql,
        why: why.to_owned(),
        safety: Safety::NeedsReview,
    }
}

//! Columns that the server converts, row by row, to compare them with something of another type.
//!
//! MySQL, MariaDB: a string column against a number is compared as floating point, against a date as a date; a number
//! or date against a pattern as a string; of two strings, that of the smaller character set is converted. PostgreSQL: both
//! sides take the type that is higher in `int < numeric < float8` or `char(n) < text`. A constant is converted once,
//! which costs nothing; a column is converted in every row, and an index on it holds other values than are compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::detect::basis::columns;
use crate::model::schema::{Column, Index, IndexKind, TableSchema, TypeFamily, is_same};
use crate::model::sql::{ColumnRef, Comparison, Dialect, Predicate, Shape};
use crate::model::subject::{QueryProfile, TableFacts};
use crate::model::value::ValueKind;

/// A column that is converted in every row.
#[derive(Debug)]
pub(in crate::detect) struct Cast<'a> {
    /// Its table.
    pub facts: &'a TableFacts,
    /// The column.
    pub column: &'a Column,
    /// What it is compared with.
    pub with: With<'a>,
    /// How.
    pub op: Comparison,
    /// The index that would serve the comparison.
    pub index: Option<&'a Index>,
}

/// What a converted column is compared with.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) enum With<'a> {
    /// A value.
    Value(ValueKind),
    /// A column of another type.
    Type(&'a TableFacts, &'a Column),
    /// A column of a larger character set.
    Charset(&'a TableFacts, &'a Column),
}

/// Why two columns cannot be compared as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Clash {
    /// Their types differ.
    Type,
    /// Their character sets do.
    Charset,
}

/// Every converted column of the statement whose type is known.
pub(in crate::detect) fn casts(profile: &QueryProfile) -> Vec<Cast<'_>> {
    let Some(shape) = profile.statement.shape() else {
        return Vec::new();
    };
    let dialect = profile.statement.dialect;
    let mut found = Vec::new();
    for predicate in shape.predicates.iter().filter(|p| may_be_cast(dialect, p)) {
        let declared = columns::declared(profile, shape, &predicate.column);
        if let Some((facts, column)) = declared.filter(|(_, c)| is_cast(dialect, c, predicate)) {
            found.push(Cast {
                facts,
                column,
                with: With::Value(predicate.value),
                op: predicate.op,
                index: index_on(profile, shape, facts, column),
            });
        }
    }
    found.extend(joined(profile, shape));
    let mut told = BTreeSet::new();
    found.retain(|cast| told.insert((&cast.facts.name, &cast.column.name)));
    found
}

/// Whether the statement compares anything that might be converted, if the types were known.
pub(in crate::detect) fn may_cast(profile: &QueryProfile) -> bool {
    let dialect = profile.statement.dialect;
    profile.statement.shape().is_some_and(|shape| {
        let value = shape.predicates.iter().any(|p| may_be_cast(dialect, p));
        value || shape.joins.iter().any(|join| join.equal && join.required)
    })
}

fn may_be_cast(dialect: Dialect, predicate: &Predicate) -> bool {
    use Comparison::{Equal, InList, Like, Range};
    let compared = matches!(predicate.op, Equal | InList | Range);
    let pattern = dialect == Dialect::Mysql && predicate.op == Like;
    let telling = !matches!(predicate.value, ValueKind::Unknown | ValueKind::Text);
    predicate.required && !predicate.wrapped && (pattern || compared && telling)
}

/// Whether the condition makes the server convert the column.
pub(in crate::detect) fn is_cast(dialect: Dialect, column: &Column, predicate: &Predicate) -> bool {
    use ValueKind::{Decimal, Float, Temporal, TypedText};
    let value = predicate.value;
    if !may_be_cast(dialect, predicate) {
        return false;
    }
    match dialect {
        Dialect::Mysql if predicate.op == Comparison::Like => {
            column.family.is_numeric() || is_temporal(column)
        }
        Dialect::Mysql => is_string(column) && (value.is_number() || value == Temporal),
        Dialect::Postgres => match column.family {
            TypeFamily::Integer => matches!(value, Decimal | Float),
            TypeFamily::Decimal => value == Float,
            _ => is_blank_padded(column) && value == TypedText,
        },
        Dialect::Generic => false,
    }
}

/// Whether the server converts `column` where it is compared with `other`.
pub(in crate::detect) fn is_cast_to(
    dialect: Dialect,
    column: &Column,
    other: &Column,
) -> Option<Clash> {
    use TypeFamily::{Boolean, Decimal, Float, Integer};
    match dialect {
        Dialect::Mysql if is_string(column) => {
            let number = other.family.is_numeric() || other.family == Boolean;
            if number || is_temporal(other) {
                return Some(Clash::Type);
            }
            is_narrower(column, other).then_some(Clash::Charset)
        }
        Dialect::Mysql | Dialect::Generic => None,
        Dialect::Postgres => {
            let text = matches!(other.family, TypeFamily::Text | TypeFamily::LongText);
            let cast = match column.family {
                Integer => matches!(other.family, Decimal | Float),
                Decimal => other.family == Float,
                _ => is_blank_padded(column) && text && !is_blank_padded(other),
            };
            cast.then_some(Clash::Type)
        }
    }
}

fn joined<'a>(profile: &'a QueryProfile, shape: &Shape) -> Vec<Cast<'a>> {
    let mut found = Vec::new();
    let equal = shape.joins.iter().filter(|j| j.equal && j.required);
    for join in equal {
        let declared = |column: &ColumnRef| columns::declared(profile, shape, column);
        let (Some(left), Some(right)) = (declared(&join.left), declared(&join.right)) else {
            continue;
        };
        for ((facts, column), (other_facts, other)) in [(left, right), (right, left)] {
            let clash = is_cast_to(profile.statement.dialect, column, other);
            let with = match clash {
                Some(Clash::Type) => With::Type(other_facts, other),
                Some(Clash::Charset) => With::Charset(other_facts, other),
                None => continue,
            };
            found.push(Cast {
                facts,
                column,
                with,
                op: Comparison::Equal,
                index: index_on(profile, shape, facts, column),
            });
        }
    }
    found
}

/// Strings that are compared as strings only with strings. An ENUM is a number where one is asked for.
fn is_string(column: &Column) -> bool {
    use TypeFamily::{Binary, Blob, LongText, Text};
    matches!(column.family, Text | LongText | Binary | Blob)
}

fn is_temporal(column: &Column) -> bool {
    use TypeFamily::{Date, Time, Timestamp};
    matches!(column.family, Date | Timestamp | Time)
}

/// `char(n)` of PostgreSQL, whose blanks count no more in `text`.
fn is_blank_padded(column: &Column) -> bool {
    let data_type = &*column.data_type;
    let base = data_type.split('(').next().unwrap_or_default();
    matches!(base, "char" | "character" | "bpchar" | "nchar")
}

/// Whether the column is the one that is converted when two strings of MySQL are compared: that of the smaller
/// character set. Of one character set, it compares by `_bin` where one side is that, for which any index serves, and
/// refuses other pairs.
fn is_narrower(column: &Column, other: &Column) -> bool {
    let (Some(mine), Some(its)) = (&column.charset, &other.charset) else {
        return false;
    };
    reach(mine) < reach(its)
}

/// How much of Unicode a character set holds.
fn reach(charset: &str) -> u8 {
    match charset {
        "utf8mb4" | "utf16" | "utf16le" | "utf32" => 3,
        "utf8" | "utf8mb3" | "ucs2" => 2,
        "ascii" => 0,
        _ => 1,
    }
}

/// An index that begins with the column, or with columns that the statement holds to one value each.
fn index_on<'a>(
    profile: &QueryProfile,
    shape: &Shape,
    facts: &'a TableFacts,
    column: &Column,
) -> Option<&'a Index> {
    let schema: &TableSchema = facts.schema.as_deref()?;
    let held = |name: &Arc<str>| {
        shape.predicates.iter().any(|p| {
            let plain = p.required && !p.wrapped && p.op == Comparison::Equal;
            let here = || columns::declared(profile, shape, &p.column);
            plain
                && is_same(&p.column.column, name)
                && here().is_some_and(|(of, _)| of.name == facts.name)
        })
    };
    let serves = |index: &&Index| {
        let mut parts = index.parts.iter();
        let rest = parts.by_ref().find(|part| {
            let named = part.column.as_ref();
            !named.is_some_and(|name| held(name) && !is_same(name, &column.name))
        });
        let reached = rest.and_then(|part| part.column.as_ref());
        index.kind != IndexKind::Other
            && !index.partial
            && reached.is_some_and(|name| is_same(name, &column.name))
    };
    schema.indexes.iter().find(serves)
}

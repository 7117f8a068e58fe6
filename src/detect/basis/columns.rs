//! Which declared column a statement means.

use crate::model::schema::Column;
use crate::model::sql::{ColumnRef, Shape};
use crate::model::subject::{QueryProfile, TableFacts};

/// The column and its table; `None` where the DDL does not tell, or where several may be meant.
pub(in crate::detect) fn declared<'a>(
    profile: &'a QueryProfile,
    shape: &Shape,
    column: &ColumnRef,
) -> Option<(&'a TableFacts, &'a Column)> {
    let Some(table) = &column.table else {
        return by_name(profile, shape, &column.column);
    };
    let mut tables = profile.tables.iter();
    let facts = tables.find(|facts| facts.name == *table)?;
    Some((facts, facts.schema.as_deref()?.column(&column.column)?))
}

/// A column without its table belongs to the only one that has such a column, if all of them are known and no
/// subquery hides another.
pub(in crate::detect) fn by_name<'a>(
    profile: &'a QueryProfile,
    shape: &Shape,
    name: &str,
) -> Option<(&'a TableFacts, &'a Column)> {
    let tables = &profile.tables;
    let all_known = tables.len() == shape.tables.len() && shape.subqueries == 0;
    if !all_known {
        return None;
    }
    let mut owner = None;
    for facts in tables {
        if let Some(column) = facts.schema.as_deref()?.column(name)
            && owner.replace((facts, column)).is_some()
        {
            return None;
        }
    }
    owner
}

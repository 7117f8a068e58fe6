//! Candidate indexes: equality columns, then lists, then one range or the sort; where nothing is compared with a
//! value, the columns of its joins.
//!
//! Where the DDL of a table is known ([`declared`]), nothing is proposed that an existing index serves. Elsewhere the
//! syntax alone speaks: nothing is known of existing indexes, hence such a candidate says that it is unverified, and a
//! table whose columns are not certain gets none.

mod conditions;
mod coverage;
mod ddl;
mod declared;
mod expression;

use std::sync::Arc;

use crate::detect::basis::plan;
use crate::model::event::PlanRow;
use crate::model::finding::{Remedy, Safety};
use crate::model::sql::{ColumnRef, Comparison, Predicate, SetOps, Shape, TableName};
use crate::model::subject::QueryProfile;

pub(in crate::detect) use self::ddl::{alter_type, modify, quote};
pub(in crate::detect) use self::declared::{Proposal, propose};
pub(in crate::detect) use self::expression::{Class, Over, over};

/// Wider indexes seldom pay for their writes.
const MAX_COLUMNS: usize = 4;

/// What an index that the DDL lacks is worth.
pub(in crate::detect) const DECLARED: &str = "no index of the DDL serves these conditions; selectivity and write cost are not known: compare EXPLAIN before and after";

/// A candidate for the conditions on `table`, or `None` when there is no certain one.
pub(in crate::detect) fn candidate(profile: &QueryProfile, table: &TableName) -> Option<Remedy> {
    let facts = profile.tables.iter().find(|facts| facts.name == *table);
    if let Some(facts) = facts.filter(|facts| facts.schema.is_some()) {
        return propose(profile, facts).map(|proposal| Remedy {
            sql: proposal.sql,
            why: DECLARED.to_owned(),
            safety: Safety::NeedsReview,
        });
    }
    let statement = &profile.statement;
    let shape = statement.shape()?;
    let columns = columns(shape, table)?;
    if is_torn(profile, shape, table, columns.len()) {
        return None;
    }
    Some(Remedy {
        sql: ddl::unverified(statement.dialect, table, &columns),
        why: "candidate index, unverified: built from the statement's conditions alone; check existing indexes, \
              selectivity and write cost first"
            .to_owned(),
        safety: Safety::NeedsReview,
    })
}

/// Whether the table is read several times over, in branches or by a self-join, so that nobody knows which
/// conditions stand together, or which reading lacks an index.
fn is_torn(profile: &QueryProfile, shape: &Shape, table: &TableName, columns: usize) -> bool {
    let steps = profile.plan.as_deref().unwrap_or_default().iter();
    let reads_it = |row: &&PlanRow| plan::table(row, &profile.statement).as_ref() == Some(table);
    let steps: Vec<_> = steps
        .filter(|row| !row.table.is_empty() && !plan::is_derived(row))
        .filter(reads_it)
        .collect();
    let in_branches = shape.set_ops != SetOps::default() && shape.tables.len() == 1;
    let has_its_index = steps.len() > 1 && !steps.iter().all(|row| plan::is_scan(row));
    has_its_index || (columns > 1 && (steps.len() > 1 || in_branches))
}

/// Columns in index order; `None` when one that matters may belong to another table, or when there are none.
fn columns(shape: &Shape, table: &TableName) -> Option<Vec<Arc<str>>> {
    let alone = shape.tables.len() == 1 && shape.subqueries == 0;
    let of_table = |column: &ColumnRef| column.table.as_ref().map_or(alone, |t| t == table);
    let uncertain = |p: &Predicate| p.column.table.is_none() && !alone;
    if shape.predicates.iter().any(uncertain) {
        return None;
    }
    let usable = |op: Comparison| {
        let serves =
            move |p: &&Predicate| p.op == op && p.required && !p.wrapped && of_table(&p.column);
        shape.predicates.iter().filter(serves).map(|p| &p.column)
    };
    let joined = shape
        .joins
        .iter()
        .filter(|join| join.equal && join.required && !join.is_of_one_table());
    let joined = joined.flat_map(|join| [&join.left, &join.right]);
    let joined = joined.filter(|c| c.table.as_ref() == Some(table));
    let sorted = shape.order_by.iter().map_while(|key| key.column.as_ref());
    let sorted = sorted.filter(|c| of_table(c));

    let has_equality = usable(Comparison::Equal).next().is_some();

    let mut columns: Vec<Arc<str>> = Vec::new();
    let mut push = |column: &ColumnRef| {
        if columns.len() < MAX_COLUMNS && !columns.contains(&column.column) {
            columns.push(Arc::clone(&column.column));
        }
    };
    usable(Comparison::Equal).for_each(&mut push);
    usable(Comparison::IsNull).for_each(&mut push);
    usable(Comparison::InList).for_each(&mut push);
    if !has_equality {
        joined.for_each(&mut push);
    }
    // The order alone saves a sort, but reads every row in a worse order, unless a LIMIT ends it early.
    let narrows = has_equality || usable(Comparison::InList).next().is_some();
    match usable(Comparison::Range).next() {
        Some(range) => push(range),
        None if narrows || shape.limit.is_some() => sorted.for_each(&mut push),
        None => {}
    }
    (!columns.is_empty()).then_some(columns)
}

#[cfg(test)]
mod tests;

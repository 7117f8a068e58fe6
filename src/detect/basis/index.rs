//! Candidate indexes from the syntax alone: equality columns, then lists, then one range or the sort;
//! where nothing is compared with a value, the columns of its joins.
//!
//! Nothing is known here of existing indexes or of selectivity, hence every candidate says that it is unverified;
//! a table whose columns are not certain gets none.

use std::sync::Arc;

use crate::detect::basis::plan;
use crate::model::event::PlanRow;
use crate::model::finding::{Remedy, Safety};
use crate::model::sql::{ColumnRef, Comparison, Dialect, Predicate, SetOps, Shape, TableName};
use crate::model::subject::QueryProfile;

/// Wider indexes seldom pay for their writes.
const MAX_COLUMNS: usize = 4;

/// The longest identifier that PostgreSQL keeps whole is 63 bytes, MySQL's is 64.
const MAX_NAME_BYTES: usize = 60;

/// A candidate for the conditions on `table`, or `None` when there is no certain one.
pub(in crate::detect) fn candidate(profile: &QueryProfile, table: &TableName) -> Option<Remedy> {
    let statement = &profile.statement;
    let shape = statement.shape()?;
    let columns = columns(shape, table)?;
    if is_torn(profile, shape, table, columns.len()) {
        return None;
    }
    Some(Remedy {
        sql: ddl(statement.dialect, table, &columns),
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
        let serves = move |p: &&Predicate| p.op == op && !p.wrapped && of_table(&p.column);
        shape.predicates.iter().filter(serves).map(|p| &p.column)
    };
    let joined = shape.joins.iter().flat_map(|(a, b)| [a, b]);
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

fn ddl(dialect: Dialect, table: &str, columns: &[Arc<str>]) -> String {
    let create = match dialect {
        Dialect::Postgres => "CREATE INDEX CONCURRENTLY",
        Dialect::Mysql | Dialect::Generic => "CREATE INDEX",
    };
    let quoted: Vec<_> = columns.iter().map(|c| quote(dialect, c)).collect();
    let table_quoted: Vec<_> = table.split('.').map(|t| quote(dialect, t)).collect();
    let name = name(table, columns);
    let (table, columns) = (table_quoted.join("."), quoted.join(", "));
    format!("{create} {name} ON {table} ({columns});")
}

/// `idx_table_columns`, in letters that need no quotes.
fn name(table: &str, columns: &[Arc<str>]) -> String {
    let bare = table.rsplit('.').next().unwrap_or(table);
    let parts = std::iter::once(bare).chain(columns.iter().map(AsRef::as_ref));
    let mut name = String::from("idx");
    for part in parts {
        name.push('_');
        name.extend(part.chars().map(|c| match c {
            'a'..='z' | '0'..='9' | '_' => c,
            'A'..='Z' => c.to_ascii_lowercase(),
            _ => '_',
        }));
    }
    name.truncate(MAX_NAME_BYTES);
    name
}

/// The identifier, in quotes unless every server reads it the same without.
fn quote(dialect: Dialect, identifier: &str) -> String {
    let mut bytes = identifier.bytes();
    let first = bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let plain = first && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && !RESERVED.contains(&identifier) {
        return identifier.to_owned();
    }
    match dialect {
        Dialect::Mysql => format!("`{}`", identifier.replace('`', "``")),
        Dialect::Postgres | Dialect::Generic => format!("\"{}\"", identifier.replace('"', "\"\"")),
    }
}

/// Reserved words that people do use as names.
const RESERVED: &[&str] = &[
    "all",
    "between",
    "by",
    "case",
    "check",
    "column",
    "condition",
    "default",
    "desc",
    "end",
    "except",
    "from",
    "grant",
    "group",
    "groups",
    "in",
    "index",
    "interval",
    "key",
    "keys",
    "limit",
    "like",
    "lock",
    "not",
    "null",
    "offset",
    "on",
    "option",
    "or",
    "order",
    "primary",
    "rank",
    "read",
    "references",
    "row",
    "rows",
    "select",
    "set",
    "table",
    "to",
    "trigger",
    "union",
    "unique",
    "update",
    "usage",
    "user",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
    "write",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn predicate(table: Option<&str>, column: &str, op: Comparison) -> Predicate {
        Predicate {
            column: ColumnRef {
                table: table.map(Arc::from),
                column: column.into(),
            },
            op,
            wrapped: false,
        }
    }

    fn on_apply(predicates: Vec<Predicate>, tables: &[&str]) -> Option<Vec<Arc<str>>> {
        let shape = Shape {
            tables: tables.iter().map(|t| Arc::from(*t)).collect(),
            predicates,
            ..Shape::default()
        };
        columns(&shape, &Arc::from("apply"))
    }

    #[test]
    fn equality_comes_before_lists_and_lists_before_a_range() {
        let predicates = vec![
            predicate(None, "at", Comparison::Range),
            predicate(None, "status", Comparison::InList),
            predicate(None, "meeting", Comparison::Equal),
        ];
        let columns = on_apply(predicates, &["apply"]).unwrap();
        assert_eq!(columns, ["meeting", "status", "at"].map(Arc::from));
    }

    #[test]
    fn a_column_of_an_unknown_table_forbids_a_candidate() {
        let predicates = vec![
            predicate(Some("apply"), "meeting", Comparison::Equal),
            predicate(None, "status", Comparison::Equal),
        ];
        assert_eq!(on_apply(predicates, &["apply", "users"]), None);
    }

    #[test]
    fn a_hostile_name_stays_inside_its_quotes() {
        let sql = ddl(Dialect::Mysql, "a`b", &[Arc::from("order")]);
        assert_eq!(sql, "CREATE INDEX idx_a_b_order ON `a``b` (`order`);");
        let sql = ddl(Dialect::Postgres, "public.Apply", &[Arc::from("meetingId")]);
        assert_eq!(
            sql,
            "CREATE INDEX CONCURRENTLY idx_apply_meetingid ON public.\"Apply\" (\"meetingId\");"
        );
    }
}

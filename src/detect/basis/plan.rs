//! Reads the steps of a plan, whichever server made it.
//!
//! MySQL and MariaDB tell an access type per table (`ALL`, `index`, `ref`), PostgreSQL a node type (`Seq Scan`).
//! A step names a table by its alias; the name is resolved only where that is certain.

use std::sync::Arc;

use crate::detect::basis::weight::told_runs;
use crate::model::event::PlanRow;
use crate::model::sql::{Statement, TableName};
use crate::model::subject::QueryProfile;

/// How most runs came to their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Way {
    /// The server does not say.
    Untold,
    /// By indexes.
    Index,
    /// Some table was read from end to end.
    Scan,
}

/// The flags speak for every run. MariaDB writes none for a run that goes by an index and sorts nothing: there the
/// plan of the slowest run tells.
pub(in crate::detect) fn way(profile: &QueryProfile) -> Way {
    let load = &profile.load;
    let runs = told_runs(profile);
    let flagged = load.full_scans.max(load.full_joins);
    let steps = || profile.plan.iter().flat_map(|plan| plan.iter());
    let mut named = steps().filter(|row| !row.table.is_empty());
    let scans = if runs > 0 {
        flagged > 0 && flagged.saturating_mul(2) >= runs
    } else if named.next().is_some() {
        steps().any(is_scan)
    } else {
        return Way::Untold;
    };
    if scans { Way::Scan } else { Way::Index }
}

/// Whether most runs sorted, as far as the server tells.
pub(in crate::detect) fn sorts(profile: &QueryProfile) -> bool {
    let runs = told_runs(profile);
    let sorted = profile.load.filesorts;
    if runs > 0 {
        return sorted > 0 && sorted.saturating_mul(2) >= runs;
    }
    let mut steps = profile.plan.iter().flat_map(|plan| plan.iter());
    steps.any(|row| row.extra.contains("filesort") || &*row.step == "Sort")
}

/// Whether a step reads a whole table or a whole index.
pub(in crate::detect) fn is_scan(row: &PlanRow) -> bool {
    let is = |name: &str| {
        row.access.eq_ignore_ascii_case(name)
            || (row.access.is_empty() && row.step.eq_ignore_ascii_case(name))
    };
    let scans = is("ALL") || is("index") || is("Seq Scan") || is("Parallel Seq Scan");
    scans && !row.table.is_empty() && !is_derived(row)
}

/// Whether a step reads the result of other steps: `<union1,2>`, `<derived2>`.
pub(in crate::detect) fn is_derived(row: &PlanRow) -> bool {
    row.table.starts_with('<')
}

/// Whether a step removes the duplicates of a UNION.
pub(in crate::detect) fn is_union_result(row: &PlanRow) -> bool {
    row.step.eq_ignore_ascii_case("UNION RESULT") || row.table.starts_with("<union")
}

/// Rows that a step reads per loop: what was counted, else what was estimated.
pub(in crate::detect) fn rows(row: &PlanRow) -> Option<u64> {
    row.actual_rows.or(row.rows)
}

/// The statement's table that a step reads; `None` when its name is an alias that may stand for any of several.
pub(in crate::detect) fn table(row: &PlanRow, statement: &Statement) -> Option<TableName> {
    let tables = statement.tables();
    let named = tables.iter().find(|t| is_same(t, &row.table));
    match (named, tables) {
        (Some(table), _) => Some(Arc::clone(table)),
        (None, [only]) => Some(Arc::clone(only)),
        _ => None,
    }
}

/// Whether `table` or its part after the schema is `name`, whatever the case.
fn is_same(table: &str, name: &str) -> bool {
    let bare = table.rsplit('.').next().unwrap_or(table);
    let bare_name = name.rsplit('.').next().unwrap_or(name);
    bare.eq_ignore_ascii_case(bare_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(access: &str, table: &str) -> PlanRow {
        PlanRow {
            access: access.into(),
            table: table.into(),
            ..PlanRow::default()
        }
    }

    #[test]
    fn a_result_of_other_steps_is_no_table_scan() {
        assert!(!is_scan(&step("ALL", "<union1,2>")));
        assert!(is_scan(&step("ALL", "orders")));
        assert!(is_scan(&step("Seq Scan", "orders")));
        assert!(!is_scan(&step("ref", "orders")));
    }

    #[test]
    fn a_schema_does_not_hide_a_table() {
        assert!(is_same("shop.orders", "orders"));
        assert!(is_same("orders", "public.Orders"));
        assert!(!is_same("orders", "order"));
    }
}

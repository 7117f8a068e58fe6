//! Reads a select list and sort keys for the functions that tell what a query is for.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, GroupByExpr, Query, Select, SelectItem, Visit, Visitor, visit_expressions,
};

use super::tables::object_name;

/// Functions that give another value at each call, by the servers' names for them.
const RANDOM: [&str; 7] = [
    "rand",
    "random",
    "newid",
    "uuid",
    "gen_random_uuid",
    "uuid_generate_v4",
    "dbms_random.value",
];

/// Whether a select asks for nothing but how many rows there are.
pub(super) fn counts_rows(select: &Select) -> bool {
    let grouped = match &select.group_by {
        GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
        GroupByExpr::All(_) => true,
    };
    let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] =
        select.projection.as_slice()
    else {
        return false;
    };
    let counts = matches!(expr, Expr::Function(f) if f.over.is_none() && name(f) == "count");
    counts && !grouped && select.having.is_none()
}

/// Whether a sort key is made of a random number.
pub(super) fn is_random(key: &Expr) -> bool {
    let random = |expr: &Expr| match expr {
        Expr::Function(function) if RANDOM.contains(&&*name(function)) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(key, random).is_break()
}

/// The name of a function, in lower case.
pub(super) fn name(function: &Function) -> String {
    object_name(&function.name).to_ascii_lowercase()
}

/// Whether a select item folds rows, and not only in a query inside it.
pub(super) fn aggregates(item: &SelectItem) -> bool {
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
        return false;
    };
    let mut finder = AggregateFinder { depth: 0 };
    expr.visit(&mut finder).is_break()
}

struct AggregateFinder {
    depth: usize,
}

impl Visitor for AggregateFinder {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else {
            return ControlFlow::Continue(());
        };
        let name = name(function);
        let aggregate = matches!(
            &*name,
            "count"
                | "sum"
                | "avg"
                | "min"
                | "max"
                | "group_concat"
                | "string_agg"
                | "array_agg"
                | "json_agg"
                | "jsonb_agg"
                | "json_arrayagg"
                | "json_objectagg"
                | "std"
                | "stddev"
                | "variance"
                | "bit_or"
                | "bit_and"
                | "bool_or"
                | "bool_and"
        );
        if aggregate && self.depth == 0 && function.over.is_none() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

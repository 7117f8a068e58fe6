//! Reads from a syntax tree what detectors may ask for.
//!
//! Runs on the parser's thread and never clones the tree. A column is given a table only where that is
//! certain: its qualifier names one, or its query reads one table and nothing else.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, FromTable, GroupByExpr, Insert, LimitClause, ObjectName, OrderBy, OrderByExpr,
    OrderByKind, OrderBySort, Query, Select, SelectItem, SetExpr, Statement as Ast, TableObject,
    TableWithJoins, Value, Visit, Visitor, visit_expressions,
};

use super::predicate::{Reader, column_ref, join_condition};
use super::projection::{aggregates, counts_rows, is_random};
use super::tables::{Sources, object_name, target};
use crate::model::sql::{Limit, Shape, SortKey, StatementKind, TableName};

/// A statement of more conditions is described by its first ones.
const MAX_PREDICATES: usize = 256;

/// Reads all statements of one text; the first gives the kind.
pub(super) fn read_shape(statements: &[Ast]) -> Shape {
    let mut collector = Collector::default();
    for statement in statements {
        let _done: ControlFlow<()> = statement.visit(&mut collector);
    }
    if let Some(first) = statements.first() {
        collector.outermost(first);
    }
    collector.finish()
}

#[derive(Default)]
struct Collector {
    shape: Shape,
    tables: BTreeSet<String>,
    repeated: BTreeSet<String>,
    ctes: HashSet<String>,
    outer: Vec<Sources>,
    queries: u16,
    nested_changes: bool,
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.queries = self.queries.saturating_add(1);
        if let Some(with) = &query.with {
            self.ctes.extend(
                with.cte_tables
                    .iter()
                    .map(|cte| cte.alias.name.value.clone()),
            );
        }
        self.shape.random_order |= orders_at_random(query);
        self.shape.skips |= skips(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = object_name(relation);
        if !self.tables.insert(name.clone()) {
            self.repeated.insert(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let sources = Sources::of(&select.from);
        let mut reader = Reader::new(&sources, &self.outer);
        for table in &select.from {
            reader.joins(table);
        }
        reader.condition(select.selection.as_ref());
        reader.having(select.having.as_ref());
        self.shape.predicates.append(&mut reader.predicates);
        self.shape.joins.append(&mut reader.joins);
        self.outer.push(sources);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &Select) -> ControlFlow<()> {
        self.outer.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Ast) -> ControlFlow<()> {
        match statement {
            Ast::Update(update) => {
                let mut from = Sources::of(std::slice::from_ref(&update.table));
                if update.from.is_some() {
                    from.blur();
                }
                self.change(
                    std::slice::from_ref(&update.table),
                    &from,
                    update.selection.as_ref(),
                );
            }
            Ast::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                let using = delete.using.as_deref().unwrap_or_default();
                let mut sources = Sources::of(from);
                sources.extend(using);
                let targets = delete.tables.iter().map(object_name);
                let written: Vec<String> = if delete.tables.is_empty() {
                    from.iter().filter_map(target).collect()
                } else {
                    targets.collect()
                };
                self.change(from, &sources, delete.selection.as_ref());
                self.write_instead(written);
            }
            Ast::Insert(insert) => self.insert(insert),
            Ast::Merge(_) | Ast::CreateTable(_) | Ast::Truncate(_) | Ast::AlterTable(_) => {
                self.nested_changes = true;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether a condition can tell one row from another: `1 = 1`, which generated SQL begins with, cannot.
fn chooses(condition: Option<&Expr>) -> bool {
    let looks = |expr: &Expr| match expr {
        Expr::Value(_) | Expr::TypedString(_) | Expr::Nested(_) => ControlFlow::Continue(()),
        Expr::BinaryOp { .. } | Expr::UnaryOp { .. } => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    condition.is_some_and(|condition| visit_expressions(condition, looks).is_break())
}

impl Collector {
    fn change(&mut self, targets: &[TableWithJoins], sources: &Sources, selection: Option<&Expr>) {
        let mut reader = Reader::new(sources, &[]);
        for table in targets {
            reader.joins(table);
        }
        reader.condition(selection);
        self.shape.predicates.append(&mut reader.predicates);
        self.shape.joins.append(&mut reader.joins);
        let written = targets.iter().filter_map(target);
        self.shape.written.extend(written.map(TableName::from));
    }

    fn write_instead(&mut self, written: Vec<String>) {
        self.shape.written = written.into_iter().map(TableName::from).collect();
    }

    fn insert(&mut self, insert: &Insert) {
        if let TableObject::TableName(name) = &insert.table {
            self.shape.written.push(object_name(name).into());
        }
    }

    /// What only the outermost statement says.
    fn outermost(&mut self, statement: &Ast) {
        self.shape.kind = kind(statement);
        match statement {
            Ast::Query(query) => {
                self.queries = self.queries.saturating_sub(1);
                match &*query.body {
                    // A change behind WITH.
                    SetExpr::Insert(change)
                    | SetExpr::Update(change)
                    | SetExpr::Delete(change)
                    | SetExpr::Merge(change) => self.outermost(change),
                    _ => self.query(query),
                }
            }
            Ast::Insert(insert) => {
                if let Some(source) = &insert.source {
                    self.queries = self.queries.saturating_sub(1);
                    self.query(source);
                }
            }
            Ast::Update(update) => {
                self.shape.filtered = chooses(update.selection.as_ref())
                    || join_condition(std::slice::from_ref(&update.table));
                self.limit(update.limit.is_some(), false);
                self.sort(&update.order_by, None);
            }
            Ast::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                self.shape.filtered = chooses(delete.selection.as_ref()) || join_condition(from);
                self.limit(delete.limit.is_some(), false);
                self.sort(&delete.order_by, None);
            }
            _ => {}
        }
    }

    fn query(&mut self, query: &Query) {
        let mut branches = Vec::new();
        branch_selects(&query.body, &mut branches);
        self.shape.filtered = !branches.is_empty()
            && branches
                .iter()
                .all(|s| chooses(s.selection.as_ref()) || join_condition(&s.from));
        let first = branches.first().copied();
        self.shape.counts = matches!(branches[..], [only] if counts_rows(only));
        if let Some(select) = first {
            self.select(select);
        }
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) = &query.order_by
        {
            self.sort(keys, first);
        }
        self.limit(limits(query), skips(query));
    }

    fn limit(&mut self, limit: bool, offset: bool) {
        self.shape.limit = limit.then_some(Limit { offset });
    }

    fn select(&mut self, select: &Select) {
        let sources = Sources::of(&select.from);
        self.shape.distinct = select.distinct.is_some();
        self.shape.selects_star = select.projection.iter().any(|item| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        });
        let grouped = match &select.group_by {
            GroupByExpr::Expressions(keys, _) => keys.as_slice(),
            GroupByExpr::All(_) => &[],
        };
        self.shape.aggregates = !grouped.is_empty() || select.projection.iter().any(aggregates);
        self.shape.group_by = grouped
            .iter()
            .filter_map(|key| column_ref(resolve(key, Some(select)), &sources, &[]))
            .collect();
    }

    fn sort(&mut self, keys: &[OrderByExpr], select: Option<&Select>) {
        let sources = select.map(|s| Sources::of(&s.from)).unwrap_or_default();
        self.shape.order_by = keys
            .iter()
            .map(|key| SortKey {
                column: column_ref(resolve(&key.expr, select), &sources, &[]),
                descending: key
                    .options
                    .sort
                    .as_ref()
                    .is_some_and(|s| matches!(s, OrderBySort::Desc)),
            })
            .collect();
    }

    fn finish(mut self) -> Shape {
        let mut shape = self.shape;
        self.tables.retain(|name| !self.ctes.contains(name));
        let written: Vec<TableName> = shape.written.drain(..).filter(|t| !t.is_empty()).collect();
        self.tables.extend(written.iter().map(ToString::to_string));
        self.repeated.retain(|name| !self.ctes.contains(name));
        shape.repeated = self.repeated.into_iter().map(TableName::from).collect();
        shape.tables = self.tables.into_iter().map(TableName::from).collect();
        shape.written = written;
        shape.written.sort_unstable();
        shape.written.dedup();
        if self.nested_changes && shape.written.is_empty() {
            shape.written = shape.tables.first().cloned().into_iter().collect();
        }
        shape.predicates.truncate(MAX_PREDICATES);
        shape.joins.truncate(MAX_PREDICATES);
        shape.subqueries = self.queries;
        shape
    }
}

/// SELECTs of every branch of a set operation, in order; iterative on the left, where chains are long.
fn branch_selects<'a>(body: &'a SetExpr, found: &mut Vec<&'a Select>) {
    let mut waiting = vec![body];
    while let Some(body) = waiting.pop() {
        match body {
            SetExpr::Select(select) => found.push(select),
            SetExpr::Query(query) => waiting.push(&query.body),
            SetExpr::SetOperation { left, right, .. } => {
                waiting.push(right);
                waiting.push(left);
            }
            _ => {}
        }
    }
}

/// Whether a query ends after so many rows. What FETCH says is rewritten to LIMIT before.
fn limits(query: &Query) -> bool {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => limit.is_some(),
        Some(LimitClause::OffsetCommaLimit { .. }) => true,
        None => query.fetch.is_some(),
    }
}

/// Whether a query begins behind some of its rows.
fn skips(query: &Query) -> bool {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { offset, .. }) => offset.is_some(),
        Some(LimitClause::OffsetCommaLimit { .. }) => true,
        None => false,
    }
}

/// Whether the first sort key of a query is a random number, or names one of its select list.
fn orders_at_random(query: &Query) -> bool {
    let Some(OrderBy {
        kind: OrderByKind::Expressions(keys),
        ..
    }) = &query.order_by
    else {
        return false;
    };
    let select = query.body.as_select();
    keys.first()
        .is_some_and(|key| is_random(resolve(&key.expr, select)))
}

/// The select item that a column number names.
fn resolve<'a>(key: &'a Expr, select: Option<&'a Select>) -> &'a Expr {
    let Expr::Value(value) = key else {
        return key;
    };
    let Value::Number(number, _) = &value.value else {
        return key;
    };
    let item = number
        .parse::<usize>()
        .ok()
        .and_then(|place| select?.projection.get(place.checked_sub(1)?));
    match item {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => expr,
        _ => key,
    }
}

fn kind(statement: &Ast) -> StatementKind {
    match statement {
        Ast::Query(_) => StatementKind::Select,
        Ast::Insert(insert) if insert.replace_into => StatementKind::Replace,
        Ast::Insert(_) => StatementKind::Insert,
        Ast::Update(_) => StatementKind::Update,
        Ast::Delete(_) => StatementKind::Delete,
        Ast::Merge(_) => StatementKind::Merge,
        Ast::Call(_) => StatementKind::Call,
        Ast::StartTransaction { .. }
        | Ast::Commit { .. }
        | Ast::Rollback { .. }
        | Ast::Savepoint { .. }
        | Ast::ReleaseSavepoint { .. } => StatementKind::Transaction,
        Ast::CreateTable(_)
        | Ast::CreateIndex(_)
        | Ast::CreateView(_)
        | Ast::AlterTable(_)
        | Ast::Drop { .. }
        | Ast::Truncate(_) => StatementKind::Ddl,
        _ => StatementKind::Utility,
    }
}

/// Shared text of a name.
pub(super) fn shared(text: &str) -> Arc<str> {
    Arc::from(text)
}

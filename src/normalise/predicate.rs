//! Reads conditions: which column is compared how, and which columns join tables.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, JoinConstraint,
    JoinOperator, TableFactor, TableWithJoins, UnaryOperator,
};

use super::obstacle::{caseless, obstacle};
use super::shape::shared;
use super::tables::Sources;
use super::value::value_of;
use crate::model::obstacle::Obstacle;
use crate::model::sql::{ColumnRef, Comparison, Join, Predicate};
use crate::model::value::ValueKind;

/// Functions and casts nested deeper are not looked into for a column.
const MAX_WRAPPING: usize = 16;

/// Reads the conditions of one query.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    outer: &'a [Sources],
    pub(super) predicates: Vec<Predicate>,
    pub(super) joins: Vec<Join>,
    required: bool,
}

impl<'a> Reader<'a> {
    /// For a query of these sources inside queries of those.
    pub(super) fn new(sources: &'a Sources, outer: &'a [Sources]) -> Self {
        Self {
            sources,
            outer,
            predicates: Vec::new(),
            joins: Vec::new(),
            required: false,
        }
    }

    /// Conditions of the joins of one FROM item.
    pub(super) fn joins(&mut self, table: &TableWithJoins) {
        if let TableFactor::NestedJoin {
            table_with_joins, ..
        } = &table.relation
        {
            self.joins(table_with_joins);
        }
        for join in &table.joins {
            if let Some(JoinConstraint::On(condition)) = constraint(&join.join_operator) {
                self.condition(Some(condition));
            }
        }
    }

    /// Every comparison that decides which rows are read.
    pub(super) fn condition(&mut self, condition: Option<&Expr>) {
        self.walk(condition, true);
    }

    /// Every comparison that is made when the rows have been read.
    pub(super) fn having(&mut self, condition: Option<&Expr>) {
        let before = self.predicates.len();
        self.walk(condition, false);
        // What an aggregate stands around is no obstacle: no index could serve it either way.
        for predicate in &mut self.predicates[before..] {
            predicate.obstacle = None;
        }
    }

    /// Walks AND and OR chains without recursion.
    fn walk(&mut self, condition: Option<&Expr>, required: bool) {
        let mut waiting: Vec<(&Expr, bool, bool)> = Vec::new();
        waiting.extend(condition.map(|c| (c, false, required)));
        while let Some((expr, negated, required)) = waiting.pop() {
            match expr {
                Expr::Nested(inner) => waiting.push((inner, negated, required)),
                Expr::UnaryOp {
                    op: UnaryOperator::Not,
                    expr,
                } => waiting.push((expr, !negated, required)),
                Expr::BinaryOp {
                    left,
                    op: op @ (BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Xor),
                    right,
                } => {
                    let joins_both = match op {
                        BinaryOperator::And => !negated,
                        BinaryOperator::Or => negated,
                        _ => false,
                    };
                    waiting.push((right, negated, required && joins_both));
                    waiting.push((left, negated, required && joins_both));
                }
                _ => {
                    self.required = required;
                    self.comparison(expr, negated);
                }
            }
        }
    }

    fn comparison(&mut self, expr: &Expr, outer_not: bool) {
        let unless = |negated: bool, plain, other| if negated { other } else { plain };
        let value = compared_value(expr);
        let (operand, op) = match expr {
            Expr::BinaryOp { left, op, right } => {
                return self.binary(left, binary_comparison(op, outer_not), right);
            }
            Expr::InList { expr, negated, .. } | Expr::InSubquery { expr, negated, .. } => {
                let not = *negated != outer_not;
                (&**expr, unless(not, Comparison::InList, Comparison::NotIn))
            }
            Expr::Between { expr, negated, .. } => {
                let not = *negated != outer_not;
                (&**expr, unless(not, Comparison::Range, Comparison::Other))
            }
            Expr::Like { expr, negated, .. } => {
                let not = *negated != outer_not;
                (&**expr, unless(not, Comparison::Like, Comparison::Other))
            }
            Expr::ILike { expr, negated, .. } => {
                let op = unless(*negated != outer_not, Comparison::Like, Comparison::Other);
                return self.one(expr, op, Some(caseless(expr)), value);
            }
            Expr::IsNull(expr) => {
                let op = unless(outer_not, Comparison::IsNull, Comparison::IsNotNull);
                (&**expr, op)
            }
            Expr::IsNotNull(expr) => {
                let op = unless(outer_not, Comparison::IsNotNull, Comparison::IsNull);
                (&**expr, op)
            }
            Expr::AnyOp { left, .. } => (&**left, Comparison::InList),
            Expr::InUnnest { expr, .. } => (&**expr, Comparison::InList),
            Expr::AllOp { left, .. } => (&**left, Comparison::Other),
            Expr::IsTrue(expr)
            | Expr::IsFalse(expr)
            | Expr::IsNotTrue(expr)
            | Expr::IsNotFalse(expr) => (&**expr, Comparison::Other),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => (expr, Comparison::Equal),
            _ => (expr, Comparison::Other),
        };
        self.one(operand, op, obstacle(operand, None), value);
    }

    fn binary(&mut self, left_side: &Expr, op: Comparison, right_side: &Expr) {
        let plain = |side: &Expr| column_ref(side, self.sources, self.outer);
        if let (Some(left), Some(right)) = (plain(left_side), plain(right_side)) {
            // Two roles of one table are joined by a condition, too.
            let roles = qualifier(left_side) != qualifier(right_side);
            if roles || left.table != right.table || left.table.is_none() {
                self.joins.push(Join {
                    left,
                    right,
                    equal: op == Comparison::Equal,
                    required: self.required,
                });
            }
            return;
        }
        let mut side = |side, other| {
            self.one(side, op, obstacle(side, Some(other)), value_of(other));
        };
        side(left_side, right_side);
        side(right_side, left_side);
    }

    fn one(&mut self, side: &Expr, op: Comparison, obstacle: Option<Obstacle>, value: ValueKind) {
        let mut expr = side;
        let mut wrapped = false;
        for _ in 0..MAX_WRAPPING {
            if let Some(column) = column_ref(expr, self.sources, self.outer) {
                self.predicates.push(Predicate {
                    column,
                    op,
                    wrapped,
                    required: self.required,
                    obstacle,
                    value,
                });
                return;
            }
            let Some(inner) = unwrapped(expr) else {
                return;
            };
            wrapped |= !matches!(expr, Expr::Nested(_) | Expr::Collate { .. });
            expr = inner;
        }
    }
}

/// How the first value is written that an operand of these is compared with.
fn compared_value(expr: &Expr) -> ValueKind {
    match expr {
        Expr::InList { list, .. } => list.first().map_or(ValueKind::Unknown, value_of),
        Expr::Between { low, .. } => value_of(low),
        Expr::AnyOp { right, .. } => value_of(right),
        _ => ValueKind::Unknown,
    }
}

/// The name of the table that a column is written with.
fn qualifier(side: &Expr) -> Option<&str> {
    match side {
        Expr::CompoundIdentifier(parts) => {
            let table = parts.len().checked_sub(2)?;
            Some(&parts.get(table)?.value)
        }
        Expr::Nested(inner) => match &**inner {
            Expr::CompoundIdentifier(_) => qualifier(inner),
            _ => None,
        },
        _ => None,
    }
}

/// The operand that may hold the column.
fn unwrapped(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::Collate { expr: inner, .. }
        | Expr::Extract { expr: inner, .. }
        | Expr::Substring { expr: inner, .. }
        | Expr::Trim { expr: inner, .. }
        | Expr::AtTimeZone {
            timestamp: inner, ..
        }
        | Expr::Ceil { expr: inner, .. }
        | Expr::Floor { expr: inner, .. }
        | Expr::JsonAccess { value: inner, .. } => Some(inner),
        Expr::BinaryOp { left, right, .. } => Some(if matches!(**left, Expr::Value(_)) {
            right
        } else {
            left
        }),
        Expr::Convert { expr: inner, .. } => Some(inner),
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else {
                return None;
            };
            list.args.iter().find_map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))
                    if !matches!(inner, Expr::Value(_)) =>
                {
                    Some(inner)
                }
                _ => None,
            })
        }
        _ => None,
    }
}

fn binary_comparison(op: &BinaryOperator, negated: bool) -> Comparison {
    use BinaryOperator as Op;
    match op {
        Op::Eq | Op::Spaceship if negated => Comparison::NotEqual,
        Op::Eq | Op::Spaceship => Comparison::Equal,
        Op::NotEq if negated => Comparison::Equal,
        Op::NotEq => Comparison::NotEqual,
        Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => Comparison::Range,
        _ => Comparison::Other,
    }
}

/// The column that `expr` is, with its table where that is certain.
pub(super) fn column_ref(expr: &Expr, sources: &Sources, outer: &[Sources]) -> Option<ColumnRef> {
    match expr {
        Expr::Identifier(name) if name.value.starts_with('@') => None,
        Expr::Identifier(name) => Some(ColumnRef {
            table: sources.only().map(shared),
            column: shared(&name.value),
        }),
        Expr::CompoundIdentifier(parts) => {
            let (column, path) = parts.split_last()?;
            let qualifier = &path.last()?.value;
            let mut around = std::iter::once(sources).chain(outer.iter().rev());
            let table = around
                .find(|s| s.has(qualifier))
                .and_then(|s| s.table(qualifier));
            Some(ColumnRef {
                table: table.map(shared),
                column: shared(&column.value),
            })
        }
        Expr::Nested(inner) => match &**inner {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => column_ref(inner, sources, outer),
            _ => None,
        },
        _ => None,
    }
}

/// Whether every table beyond the first is joined by a condition, and there is one.
pub(super) fn join_condition(from: &[TableWithJoins]) -> bool {
    from.iter().any(|table| {
        let nested = match &table.relation {
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => join_condition(std::slice::from_ref(table_with_joins)),
            _ => false,
        };
        nested
            || table.joins.iter().any(|join| {
                matches!(
                    constraint(&join.join_operator),
                    Some(
                        JoinConstraint::On(_) | JoinConstraint::Using(_) | JoinConstraint::Natural
                    )
                )
            })
    })
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    use JoinOperator as Op;
    match operator {
        Op::Join(c)
        | Op::Inner(c)
        | Op::Left(c)
        | Op::LeftOuter(c)
        | Op::Right(c)
        | Op::RightOuter(c)
        | Op::FullOuter(c)
        | Op::CrossJoin(c)
        | Op::Semi(c)
        | Op::LeftSemi(c)
        | Op::RightSemi(c)
        | Op::Anti(c)
        | Op::LeftAnti(c)
        | Op::RightAnti(c)
        | Op::StraightJoin(c) => Some(c),
        _ => None,
    }
}

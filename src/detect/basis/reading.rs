//! What the syntax of a statement says about the rows that it needs to read.

use crate::model::sql::{Comparison, Predicate, Shape, StatementKind};

/// Whether an index on the column may narrow the rows down to a few.
fn is_selective(predicate: &Predicate) -> bool {
    matches!(
        predicate.op,
        Comparison::Equal | Comparison::InList | Comparison::Like | Comparison::IsNull
    )
}

/// Whether the statement asks for particular rows, and not for all or for a period.
pub(in crate::detect) fn is_selecting(shape: &Shape) -> bool {
    shape.predicates.iter().any(is_selective)
}

/// Whether rows sent say nothing about rows needed: many rows are folded into few.
pub(in crate::detect) fn is_folding(shape: &Shape) -> bool {
    shape.aggregates || shape.distinct || !shape.group_by.is_empty()
}

/// Whether the statement changes rows that it must find first.
pub(in crate::detect) fn is_change(kind: StatementKind) -> bool {
    matches!(kind, StatementKind::Update | StatementKind::Delete)
}

/// Whether the statement puts rows in, perhaps from a SELECT.
pub(in crate::detect) fn is_insertion(kind: StatementKind) -> bool {
    use StatementKind::{Insert, Merge, Replace};
    matches!(kind, Insert | Replace | Merge)
}

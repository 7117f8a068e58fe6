//! What a text has beside the identity of its statement.

use std::sync::Arc;

use crate::model::sql::{Parsed, SetOps, Statement, StatementRef};

/// The same statement; a copy where this text repeats its branches more or less often, or has other patterns.
pub(super) fn with_attributes(
    statement: StatementRef,
    set_ops: SetOps,
    leading_wildcard: bool,
) -> StatementRef {
    let same = statement
        .shape()
        .is_none_or(|shape| shape.set_ops == set_ops && shape.leading_wildcard == leading_wildcard);
    if same {
        return statement;
    }
    let mut copy = Statement::clone(&statement);
    if let Parsed::Shape(shape) = &mut copy.parsed {
        shape.set_ops = set_ops;
        shape.leading_wildcard = leading_wildcard;
    }
    Arc::new(copy)
}

//! What a text has beside the identity of its statement.

use std::sync::Arc;

use serde::Serialize;

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

/// How often a text repeats what is folded in its statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Repeats {
    /// Values in the longest list of an `IN`, `ANY`, `ALL` or `ARRAY`.
    pub longest_list: u32,
    /// Rows in the longest run of them: of a `VALUES`, or of a list of rows.
    pub rows: u32,
}

/// Counts them while the text is read.
#[derive(Debug, Default)]
pub(super) struct Counter {
    list: u32,
    rows: u32,
    most: Repeats,
}

impl Counter {
    /// A value of a list; `first` when it begins one.
    #[inline]
    pub(super) fn value(&mut self, first: bool) {
        self.list = if first {
            1
        } else {
            self.list.saturating_add(1)
        };
        self.most.longest_list = self.most.longest_list.max(self.list);
    }

    /// A row; `first` when none stands right before it.
    #[inline]
    pub(super) fn row(&mut self, first: bool) {
        self.rows = if first {
            1
        } else {
            self.rows.saturating_add(1)
        };
        self.most.rows = self.most.rows.max(self.rows);
    }

    /// What was counted.
    pub(super) fn repeats(&self) -> Repeats {
        self.most
    }
}

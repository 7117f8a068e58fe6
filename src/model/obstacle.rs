//! What stands around a column in a comparison.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An expression around a column that keeps a plain index from serving the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Obstacle {
    /// What it does to the column.
    pub kind: Wrapping,
    /// The expression, redacted: `lower(email)`.
    pub expression: Arc<str>,
}

/// What an expression does to the column inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrapping {
    /// Takes a part of a point in time: `DATE(at)`, `YEAR(at)`, `date_trunc(?, at)`.
    TimePart,
    /// `LOWER(name)`, `UPPER(name)`.
    CaseFold,
    /// Puts a value in the place of NULL: `COALESCE(at, ?)`.
    NullDefault,
    /// `CAST(id AS CHAR)`, `id::text`.
    Cast,
    /// `LEFT(code, ?)`, `SUBSTR(code, 1, ?)`.
    Substring,
    /// A field of a document: `doc ->> ?`, `JSON_EXTRACT(doc, ?)`.
    Json,
    /// `price * ?`, `name || ?`.
    Arithmetic,
    /// Any other function.
    Function,
    /// None: the pattern ignores case, which no plain index does (`ILIKE`).
    Pattern,
}

//! What the text says of the value that a column is compared with, beside the identity of its statement.

use serde::{Deserialize, Serialize};

/// How a value is written, which decides whether a server casts the column to compare them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A placeholder, an expression, or a form that any column takes.
    #[default]
    Unknown,
    /// In quotes, without a type: PostgreSQL gives it that of the column.
    Text,
    /// In quotes, and said to be `text` or `varchar`.
    TypedText,
    /// A whole number.
    Integer,
    /// A number with digits behind a point.
    Decimal,
    /// A number said to be of a floating type.
    Float,
    /// A date, a time or both, not merely in quotes.
    Temporal,
}

impl ValueKind {
    /// Nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    /// A number of any kind.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Float)
    }

    /// As a type of SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "?",
            Self::Text => "'...'",
            Self::TypedText => "text",
            Self::Integer => "integer",
            Self::Decimal => "numeric",
            Self::Float => "double precision",
            Self::Temporal => "date/time",
        }
    }
}

//! What a detector saw: a small closed vocabulary that every renderer knows, and no renderer extends.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::event::PlanRow;
use crate::model::id::FingerprintId;
use crate::model::sql::Template;
use crate::model::time::{Interval, Timestamp};

/// One fact. The first of a finding is the one that crossed the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A number against its threshold.
    Measure {
        /// Metric name in `snake_case`, for example `rows_examined_per_row_sent`.
        name: Arc<str>,
        /// What was seen; always finite.
        observed: f64,
        /// The line it crossed, or `None` for context.
        threshold: Option<f64>,
        /// Unit.
        unit: Unit,
    },
    /// A statement that matters beside the finding's own.
    Statement {
        /// Its identity.
        fingerprint: FingerprintId,
        /// Its redacted text.
        template: Template,
        /// Part it plays, for example `before`, `blocker`.
        role: Arc<str>,
    },
    /// A part of the statement that the finding points at.
    Clause {
        /// Part it plays, for example `table`, `missing_where`, `union`.
        role: Arc<str>,
        /// Redacted text: a table, a column list, an operator.
        text: Arc<str>,
    },
    /// Time that the problem takes, within its origin.
    Cost {
        /// Seconds spent on this problem in the interval.
        seconds: f64,
        /// Share of all time of the origin, 0 to 1; `None` when the log's coverage forbids a share.
        share: Option<f64>,
        /// The interval.
        over: Interval,
    },
    /// The same number before and now.
    Trend {
        /// Metric name.
        name: Arc<str>,
        /// Before.
        before: f64,
        /// Now.
        now: f64,
        /// Unit.
        unit: Unit,
        /// What `before` stands for, for example `previous hour`.
        basis: Arc<str>,
    },
    /// One run that shows it.
    Exemplar {
        /// When it ended.
        at: Timestamp,
        /// How long it ran, in seconds.
        seconds: f64,
        /// Keyed hash of its parameters, as 16 hex digits.
        parameters: Option<FingerprintId>,
        /// Trace id as 32 hex digits.
        trace_id: Option<Arc<str>>,
    },
    /// A step of the plan.
    PlanNode {
        /// The step.
        row: PlanRow,
    },
}

/// Unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the unit it is named after")]
pub enum Unit {
    Seconds,
    Bytes,
    Rows,
    /// A plain quotient, for example of rows examined and rows sent.
    Ratio,
    /// A part of a whole, 0 to 1, shown in per cent.
    Share,
    Count,
    PerSecond,
}

impl Evidence {
    /// A number that crossed its threshold; an infinity is clamped, `NaN` becomes 0.
    pub fn measure(name: &str, observed: f64, threshold: f64, unit: Unit) -> Self {
        Self::Measure {
            name: Arc::from(name),
            observed: finite(observed),
            threshold: Some(finite(threshold)),
            unit,
        }
    }

    /// A number for context.
    pub fn context(name: &str, observed: f64, unit: Unit) -> Self {
        Self::Measure {
            name: Arc::from(name),
            observed: finite(observed),
            threshold: None,
            unit,
        }
    }

    /// A part of the statement.
    pub fn clause(role: &str, text: &str) -> Self {
        Self::Clause {
            role: Arc::from(role),
            text: Arc::from(text),
        }
    }
}

/// JSON has no infinity and no `NaN`.
fn finite(x: f64) -> f64 {
    if x.is_nan() {
        0.0
    } else {
        x.clamp(f64::MIN, f64::MAX)
    }
}

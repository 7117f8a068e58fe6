//! Statistics as the document has them.

use std::time::Duration;

use serde::Serialize;

use crate::model::subject::{Latency, RowLoad};

/// A time in seconds, with the digits of a microsecond.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

/// Statistics of times, in seconds; quantiles are within 1 %.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "each field is the statistic it is named after")]
pub struct Times {
    pub total: Seconds,
    pub min: Seconds,
    pub mean: f64,
    pub p50: Seconds,
    pub p95: Seconds,
    pub p99: Seconds,
    pub max: Seconds,
}

impl Times {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean needs no more than 53 bits"
    )]
    pub(super) fn of(latency: &Latency, count: u64) -> Self {
        Self {
            total: Seconds(latency.total),
            min: Seconds(latency.min),
            mean: latency.total.as_secs_f64() / count.max(1) as f64,
            p50: Seconds(latency.p50),
            p95: Seconds(latency.p95),
            p99: Seconds(latency.p99),
            max: Seconds(latency.max),
        }
    }
}

/// Statistics of a count per run.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "each field is the statistic it is named after")]
pub struct Rows {
    pub total: u64,
    pub mean: f64,
    pub p95: u64,
    pub max: u64,
}

impl From<RowLoad> for Rows {
    fn from(rows: RowLoad) -> Self {
        Self {
            total: rows.total,
            mean: rows.mean(),
            p95: rows.p95,
            max: rows.max,
        }
    }
}

//! Rows that a run reads against rows that it is for.

use crate::detect::basis::reading;
use crate::detect::basis::weight::number;
use crate::model::evidence::{Evidence, Unit};
use crate::model::subject::{QueryProfile, RowLoad};

/// Rows per run, where the server tells both numbers.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Effort {
    /// Rows read.
    pub examined: f64,
    /// Rows sent, or changed by a change.
    pub needed: f64,
}

impl Effort {
    /// `None` where the server tells too little.
    pub(in crate::detect) fn of(profile: &QueryProfile) -> Option<Self> {
        let mean = |rows: Option<RowLoad>| rows.filter(|r| r.runs > 0).map(|r| r.mean());
        let kind = profile.statement.kind();
        let load = &profile.load;
        let needed = if reading::is_change(kind) || reading::is_insertion(kind) {
            load.rows_affected
        } else {
            load.rows_returned
        };
        Some(Self {
            examined: mean(load.rows_examined)?,
            needed: mean(needed)?,
        })
    }

    /// Rows read for one that is needed.
    pub(in crate::detect) fn ratio(self) -> f64 {
        self.examined / self.needed.max(1.0)
    }

    /// The ratio, against its threshold.
    pub(in crate::detect) fn wasted(self, min_ratio: f64) -> Evidence {
        let name = "rows_examined_per_row_sent";
        Evidence::measure(name, self.ratio(), min_ratio, Unit::Ratio)
    }

    /// Rows read per run, against their threshold.
    pub(in crate::detect) fn read(self, min_rows: u64) -> Evidence {
        let name = "rows_examined_per_run";
        Evidence::measure(name, self.examined, number(min_rows), Unit::Rows)
    }
}

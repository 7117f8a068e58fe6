//! Charts as SVG, written by hand: light and dark, with text for those who cannot see colours, and no script.
//!
//! ```text
//! ┌ title ─────────────────────────────┐
//! │ unit      ▒ incident ▒             │   band and marks are named above the plot, where no curve is
//! │ ┌────────────────────┐  A  SELECT …│   series are named beside it, with the letter that stands in them
//! │ │        ▒▒▒▒        │  B  UPDATE …│
//! │ └────────────────────┘             │
//! └────────────────────────────────────┘
//! ```

mod axis;
mod svg;

use std::time::Duration;

use crate::model::evidence::Unit;
use crate::model::time::{Interval, Timestamp};

pub use svg::render;
pub(crate) use svg::{STYLE, escape};

/// Most series that are told apart; callers sum the rest up.
pub const MAX_SERIES: usize = 7;

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Areas on top of each other: parts of a whole.
    Stacked,
    /// Lines beside each other.
    Lines,
}

/// A chart over time.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// The same in a sentence, for those who hear it.
    pub description: String,
    /// How.
    pub kind: Kind,
    /// Unit of the values.
    pub unit: Unit,
    /// What the vertical axis counts, in words.
    pub axis: String,
    /// Start of the first step.
    pub from: Timestamp,
    /// Length of a step; at least a millisecond.
    pub step: Duration,
    /// At most [`MAX_SERIES`].
    pub series: Vec<Series>,
    /// A stretch of time that stands out, and its name.
    pub band: Option<(Interval, String)>,
    /// Instants that stand out, and their names.
    pub marks: Vec<(Timestamp, String)>,
    /// Zone of the time axis.
    pub zone: jiff::tz::TimeZone,
}

/// One series.
#[derive(Debug, Clone)]
pub struct Series {
    /// Name, raw.
    pub name: String,
    /// One value a step; `None` where nothing is known.
    pub values: Vec<Option<f64>>,
}

impl Chart {
    /// Steps of the longest series.
    fn steps(&self) -> usize {
        let lengths = self.series.iter().map(|s| s.values.len());
        lengths.max().unwrap_or_default()
    }

    /// End of the last step.
    fn to(&self) -> Timestamp {
        let steps = u32::try_from(self.steps()).unwrap_or(u32::MAX);
        self.from.plus(self.step.saturating_mul(steps.max(1)))
    }
}

#[cfg(test)]
mod tests;

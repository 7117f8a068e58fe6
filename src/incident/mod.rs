//! Turns verdicts into incidents: damping, grouping, cause first.
//!
//! ```text
//!                 sick windows >= fire_after          well for quiet_after
//! (nothing) ─► Pending ───────────────► Firing ──────────────────────► Recovering ─► Resolved
//!                 │ well                   ▲               sick again         │
//!                 ▼                        └──────────────────────────────────┘
//!             (nothing)
//! ```

mod causes;
mod correlate;
mod draft;
mod group;
mod manager;
mod membership;
mod settings;
mod standing;
mod state;
mod story;
mod verdicts;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::finding::{Finding, ProblemKey};
use crate::model::id::{IncidentId, SourceId};
use crate::model::incident::Incident;
use crate::model::time::{Interval, Timestamp};
use crate::window::{Flush, WindowKey};

pub use causes::Causes;
pub use manager::{Incidents, MAX_RESOLVED};
pub use settings::Settings;

/// Memory of one problem between windows; stored, so that a restart forgets nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Which.
    pub key: ProblemKey,
    /// Windows in a row that were sick.
    pub sick: u32,
    /// First sick window.
    pub onset: Interval,
    /// End of the last sick window.
    pub last_sick: Timestamp,
    /// End of the first well or quiet window since, if it is well now.
    pub well_since: Option<Timestamp>,
    /// Longest time between two of its sick windows, where it is judged by events that come again.
    #[serde(default)]
    pub pace: Duration,
    /// The finding at its worst.
    pub worst: Finding,
    /// Source that saw it sick last; only its silence or its word lets the problem rest.
    pub source: SourceId,
    /// Incident it belongs to, once it has fired.
    pub incident: Option<IncidentId>,
}

/// What follows from one judged window; one transaction.
#[derive(Debug, Clone)]
pub struct Decisions {
    /// Window that is judged by this.
    pub judged: WindowKey,
    /// Clock of the data.
    pub at: Timestamp,
    /// Findings of this window, chronic ones too, to be stored.
    pub findings: Vec<Finding>,
    /// Problems that changed.
    pub problems: Vec<Problem>,
    /// Problems that are forgotten.
    pub forgotten: Vec<ProblemKey>,
    /// Incidents that changed, whole.
    pub incidents: Vec<Incident>,
    /// What people must be told.
    pub notices: Vec<Notice>,
}

/// A change that people must be told of. Written to the outbox in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Incident.
    pub incident: IncidentId,
    /// Its revision that must be told, at least.
    pub revision: u64,
    /// What changed.
    pub what: NoticeKind,
}

/// What changed of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the change it is named after")]
pub enum NoticeKind {
    Fired,
    Updated,
    Resolved,
}

/// What `store` remembers of this stage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restored {
    /// Problems, by key.
    pub problems: Vec<Problem>,
    /// Incidents that are not resolved, and the latest of those that are, by id.
    pub incidents: Vec<Incident>,
    /// Highest incident number of each day (`YYYYMMDD`, UTC).
    pub numbers: BTreeMap<String, u32>,
}

/// An incident that somebody took.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The incident, whole.
    pub incident: Incident,
    /// When, by the clock of the machine.
    pub at: Timestamp,
    /// What people must be told.
    pub notices: Vec<Notice>,
}

/// What leaves this stage, in order.
#[derive(Debug)]
pub enum Output {
    /// Passed through from `window`.
    Flush(Flush),
    /// Decisions.
    Decided(Box<Decisions>),
}

#[cfg(test)]
mod tests;

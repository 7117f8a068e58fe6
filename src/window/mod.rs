//! Sums events up in tumbling windows of event time.
//!
//! ```text
//! events ─► observe ─► open windows ─┬─ every flush interval ─► Output::Flush   (packed, with checkpoints)
//!                                    └─ watermark passes end ─► Output::Closed  (profiles for the detectors)
//! ```
//!
//! One ordered stream leaves this stage. A window's last flush always comes before its `Closed`; the store marks
//! the window judged in the same transaction as the incidents that follow from it. After a crash the windows that
//! are stored but not judged are opened again, hence nothing is counted twice and no verdict is lost.

mod companions;
mod course;
mod curve;
mod errors;
mod facts;
mod history;
mod join;
mod minutes;
mod names;
pub mod pack;
mod parameters;
mod profile;
mod query;
mod run;
mod settings;
pub mod sketch;
mod source;
mod stretches;
mod table;
#[cfg(test)]
mod tests;
mod totals;
pub mod trace;
mod tumbling;
mod watermark;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::curve::{Curve, Step};
pub use self::errors::{ErrorStats, ErrorTable, PackedErrors};
pub use self::names::Role;
pub use self::query::{Detail, QueryStats};
pub use self::run::Run;
pub use self::settings::Settings;
pub use self::table::{OTHER_STATEMENTS, Ran, Scope};
pub use self::totals::{
    AttributeSums, ErrorTotals, SlotId, Sums, TagCounts, Total, TotalView, Totals,
};
pub use self::tumbling::{Counters, Windows};

use crate::ingest::Checkpoint;
use crate::model::id::{FingerprintId, SourceId};
use crate::model::operation::OperationProfile;
use crate::model::sql::StatementRef;
use crate::model::subject::{ErrorProfile, QueryProfile};
use crate::model::time::{Interval, Timestamp};

/// One tumbling window of one source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WindowKey {
    /// Source.
    pub source: SourceId,
    /// First instant inside.
    pub start: Timestamp,
}

/// A window as it is stored: opaque to everybody but `window::pack`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedWindow {
    /// Which window.
    pub key: WindowKey,
    /// First instant after it.
    pub end: Timestamp,
    /// Per-statement sums, compressed; replaces what was stored for the key.
    pub body: Vec<u8>,
    /// Only a backlog was seen in it: it is never judged.
    pub backlog: bool,
    /// Runs in it, for retention and display without unpacking.
    pub count: u64,
}

/// What runs of a source's statements cost over weeks, as it is stored: opaque to everybody but `window::course`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedCourses {
    /// Source.
    pub source: SourceId,
    /// Points per statement, compressed; replaces what was stored for the source.
    pub body: Vec<u8>,
}

/// What has changed since the last flush; one transaction.
#[derive(Debug, Clone, Default)]
pub struct Flush {
    /// Windows that changed, whole.
    pub windows: Vec<PackedWindow>,
    /// Statements seen for the first time since the start.
    pub statements: Vec<StatementRef>,
    /// Where the sources stand.
    pub checkpoints: Vec<Checkpoint>,
    /// Courses of the sources of which a half hour has ended.
    pub courses: Vec<PackedCourses>,
}

/// A window that will not change any more, and what the detectors need of it. An idle one was never flushed, so
/// there is nothing in the store to be marked as judged.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Which window.
    pub key: WindowKey,
    /// Its interval.
    pub span: Interval,
    /// Statements that ran in it; empty for an idle window, which still lets problems rest.
    pub profiles: Vec<QueryProfile>,
    /// Errors that happened in it, the most frequent first.
    pub errors: Vec<ErrorProfile>,
    /// Operations of which a trace came to its end in it.
    pub operations: Vec<OperationProfile>,
    /// Time that each statement took in this window alone; profiles look back further.
    pub times: BTreeMap<FingerprintId, Duration>,
    /// Recorded only: no verdict may open an incident.
    pub backlog: bool,
}

/// What leaves this stage, in order.
#[derive(Debug)]
pub enum Output {
    /// To be stored.
    Flush(Flush),
    /// To be judged.
    Closed(Box<Closed>),
}

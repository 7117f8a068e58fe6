//! What detectors look at: each subject is complete, so that a stored one replays to the same verdict.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::course::CoursePoint;
use crate::model::error::ErrorFamily;
use crate::model::event::{Coverage, DbTarget, Origin, PlanRow};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::offset::Offsets;
use crate::model::schema::TableSchema;
use crate::model::sql::{StatementRef, TableName};
use crate::model::stretch::Stretch;
use crate::model::time::{Interval, Timestamp};

/// One statement of one service on one database, over one interval and within one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryProfile {
    /// The statement.
    pub statement: StatementRef,
    /// Who asks.
    pub service: ServiceName,
    /// Where.
    pub target: DbTarget,
    /// Who told us.
    pub origin: Origin,
    /// The interval that `load` and `total` sum up.
    pub span: Interval,
    /// How long the interval is meant to be: advice needs more of it than an alarm.
    pub horizon: Horizon,
    /// What this statement did in the interval.
    pub load: Load,
    /// What all statements of the same origin and server did in it.
    pub total: TotalLoad,
    /// What this statement did before the interval, if it was seen.
    pub baseline: Option<Baseline>,
    /// How much of what ran the origin shows.
    pub coverage: Coverage,
    /// What is known of its tables, sorted by name; a table of which nothing is known is left out.
    pub tables: Vec<TableFacts>,
    /// Its costliest parameter sets, by total time, the costliest first; at most 16.
    pub parameters: Vec<ParameterLoad>,
    /// The plan of its slowest run that told one.
    pub plan: Option<Arc<[PlanRow]>>,
    /// Its slowest runs; at most 3.
    pub exemplars: Vec<Exemplar>,
    /// Of a count, beside which page queries it ran: same tables, same conditions; at most 4. Not of a recent profile.
    #[serde(default)]
    pub companions: Vec<Companion>,
    /// What a run cost over days and weeks, oldest first; at most 32 points. Not of a recent profile.
    #[serde(default)]
    pub course: Vec<CoursePoint>,
}

/// Another statement of the same service on the same database, and what it did in the interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Companion {
    /// The statement.
    pub statement: StatementRef,
    /// Runs.
    pub count: u64,
    /// Time of all of them.
    pub elapsed: Duration,
}

/// For what kind of detector a profile was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// The last minute or so: acute detectors.
    Recent,
    /// The last hour or so: chronic detectors.
    Long,
    /// All of a file (`sqleuth digest`): every detector.
    Whole,
}

/// Sums of one statement over an interval. A sum of what the source does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Load {
    /// Runs, multiplied back where the log samples.
    pub count: u64,
    /// Runs that failed.
    pub errors: u64,
    /// Runs that were cut.
    pub cancelled: u64,
    /// Runs that failed or were cut after a time that is not told; they are counted, and part of no distribution.
    pub untimed: u64,
    /// Those of them that were cut.
    pub untimed_cuts: u64,
    /// Distribution of the run time.
    pub elapsed: Latency,
    /// Time that runs inside these took, as those of a function: they count for it by themselves.
    #[serde(skip_serializing_if = "Duration::is_zero")]
    pub inner: Duration,
    /// Distribution of the run time of cut runs alone.
    pub cancelled_elapsed: Option<Latency>,
    /// A minute of it; `None` where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Peak>,
    /// What its runs read in a whole file, stretch by stretch, the oldest first; at most 16. Empty where none told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<Stretch>,
    /// Time spent waiting for locks.
    pub lock: Option<Duration>,
    /// Rows read.
    pub rows_examined: Option<RowLoad>,
    /// Rows sent.
    pub rows_returned: Option<RowLoad>,
    /// Rows written.
    pub rows_affected: Option<RowLoad>,
    /// Bytes sent.
    pub bytes_sent: Option<RowLoad>,
    /// Rows skipped by OFFSET; `None` where no text tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsets: Option<Offsets>,
    /// Runs of which the server said whether they scanned a table from end to end.
    pub access_known: u64,
    /// Runs that scanned a table from end to end.
    pub full_scans: u64,
    /// Runs that joined without an index.
    pub full_joins: u64,
    /// Runs that made an internal temporary table.
    pub tmp_tables: u64,
    /// Runs whose temporary table went to disk.
    pub tmp_tables_on_disk: u64,
    /// Runs that sorted.
    pub filesorts: u64,
    /// Runs whose sort went to disk.
    pub filesorts_on_disk: u64,
    /// Merge passes of all sorts.
    pub merge_passes: u64,
    /// Bytes written to temporary files.
    pub temp_bytes: u64,
    /// Runs that wrote temporary files.
    pub temp_files: u64,
}

impl Load {
    /// Run time that no run inside these counts for: shares are of this.
    pub fn own(&self) -> Duration {
        self.elapsed.total.saturating_sub(self.inner)
    }
}

/// What a statement did in a minute: in the busiest of a whole file, by the clock; in the last one, or what is
/// configured as recent, of what is watched.
///
/// A run belongs to every minute in which it ran, with the time that it ran in it: one that ends after an hour is no
/// hour of work in its last second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// The minute.
    pub span: Interval,
    /// Runs that were under way in the minute that had the most of them, which may be another one.
    pub runs: u64,
    /// Run time in it.
    pub elapsed: Duration,
    /// Time that was waited for locks in the minute that had the most of it, which may be another one.
    pub waited: Duration,
    /// The shortest time from the end of one run to that of the next, in a whole file; `None` for a single run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Duration>,
    /// What the runs read that ended in the minute of a whole file in which those took longest; `None` where none told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Stretch>,
}

/// A distribution of run times, each within 1 % of the true value.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the statistic it is named after")]
pub struct Latency {
    pub total: Duration,
    pub min: Duration,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    pub max: Duration,
}

/// A sum of row (or byte) counts over the runs that told one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RowLoad {
    /// Runs that told a count.
    pub runs: u64,
    /// Sum.
    pub total: u64,
    /// Smallest.
    pub min: u64,
    /// 95th percentile.
    pub p95: u64,
    /// Largest.
    pub max: u64,
}

impl RowLoad {
    /// Mean per run; 0 for no run.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean of counts needs no more than 53 bits"
    )]
    pub fn mean(&self) -> f64 {
        if self.runs == 0 {
            return 0.0;
        }
        self.total as f64 / self.runs as f64
    }
}

/// Sums over every statement of one origin and server.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TotalLoad {
    /// Runs.
    pub count: u64,
    /// Time.
    pub elapsed: Duration,
    /// Distinct statements.
    pub statements: u64,
}

/// What a statement used to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The interval it was taken from.
    pub span: Interval,
    /// What it stands for.
    pub basis: Basis,
    /// Sums.
    pub load: Load,
}

/// What a baseline stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The hour before.
    PreviousHour,
    /// The same hour of earlier days.
    SameHour,
    /// Before the last deploy.
    BeforeDeploy,
}

/// What is known of a table from the statements seen so far, or from its schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Name.
    pub name: TableName,
    /// As its DDL declares it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Arc<TableSchema>>,
    /// Rows, at least; from plans or from scans that read this table alone.
    pub rows: Option<u64>,
    /// Time of all statements that name it, in the interval.
    pub elapsed: Duration,
    /// Runs in the interval that wrote to it, as far as the origin shows them.
    #[serde(default)]
    pub writes: u64,
}

/// What one set of parameters costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ParameterLoad {
    /// Keyed hash of the literals.
    pub parameters: FingerprintId,
    /// Runs; an upper bound where the set was seen late.
    pub count: u64,
    /// Time of all of them.
    pub total: Duration,
    /// The slowest.
    pub max: Duration,
    /// Rows read by all of them, when told.
    pub rows_examined: Option<u64>,
}

/// One run worth showing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// When it ended.
    pub end: Timestamp,
    /// How long it ran.
    pub elapsed: Duration,
    /// Keyed hash of its literals.
    pub parameters: FingerprintId,
    /// Rows read, when told.
    pub rows_examined: Option<u64>,
    /// Rows sent, when told.
    pub rows_returned: Option<u64>,
    /// Trace it belongs to, when told.
    pub trace: Option<crate::model::event::TraceRef>,
}

impl Exemplar {
    /// When it began.
    pub fn start(&self) -> Timestamp {
        self.end.minus(self.elapsed)
    }
}

/// One family of errors of one service on one database, over one interval and within one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorProfile {
    /// Which errors.
    pub family: Arc<ErrorFamily>,
    /// Who asks.
    pub service: ServiceName,
    /// Where.
    pub target: DbTarget,
    /// Who told us.
    pub origin: Origin,
    /// The interval that `load`, `runs` and `total` sum up.
    pub span: Interval,
    /// How long the interval is meant to be.
    pub horizon: Horizon,
    /// How many there were.
    pub load: ErrorLoad,
    /// Runs of the family's statement in the interval, failed ones included; `None` where the source shows none or
    /// leaves out the fast ones.
    pub runs: Option<u64>,
    /// What all statements of the same origin and server did in it; zero for a source that tells of errors alone.
    pub total: TotalLoad,
    /// Errors of the family that are remembered of the hour or so before the interval, however short that was watched.
    pub earlier: ErrorLoad,
    /// What it was like before; `None` while the source was not watched for long enough to say.
    pub baseline: Option<ErrorBaseline>,
}

/// Sums of one family of errors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorLoad {
    /// Errors.
    pub count: u64,
    /// Those of the minute, by the clock, that had the most; of windows shorter than a minute, those of a window.
    pub busiest_minute: u64,
    /// Those of the hour, by the clock, that had the most.
    pub busiest_hour: u64,
    /// Time that those of a minute waited, of the minute that had the most of it.
    pub busiest_waited: Duration,
    /// Time that was waited for locks or connections, as far as it was told.
    pub waited: Duration,
    /// The first and the last of them; `None` when none told.
    pub seen: Option<Interval>,
    /// Hosts of clients, sorted; at most 8.
    pub clients: Vec<Arc<str>>,
}

/// What a family of errors, and the load beside it, used to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorBaseline {
    /// All that is remembered of the time before.
    pub span: Interval,
    /// Errors of the family in it.
    pub count: u64,
    /// Errors per second in the quietest half hour of it: what has begun an hour ago is not yet normal.
    pub quietest_per_second: f64,
    /// What all statements of the same origin and server did in it.
    pub total: TotalLoad,
}

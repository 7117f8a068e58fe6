//! What one statement did: sums that can be added up over windows.
//!
//! One of these exists for every statement of every open window, and for 100,000 statements of a digested file:
//! what few statements have is behind a box.

mod access;

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{Outcome, PlanRow};
use crate::model::id::FingerprintId;
use crate::model::offset::Offsets;
use crate::model::subject::{Exemplar, Latency, Load, ParameterLoad, RowLoad};
use crate::model::time::Timestamp;
use crate::window::names::{Names, Role};
use crate::window::parameters::{ParameterSum, Parameters};
use crate::window::run::Run;
use crate::window::sketch::Sketch;

pub(super) use self::access::AccessSums;

const MAX_NANOS: u64 = u64::MAX >> 1;

/// Slowest runs that are kept.
pub(super) const MAX_EXEMPLARS: usize = 3;

/// How much is kept of single runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All that a profile can show.
    Full,
    /// Nothing of the first 64 runs: this is one of very many statements.
    Sparse,
}

/// Runs after which even one of very many statements deserves detail.
const DESERVES_DETAIL: u64 = 64;

/// Sums of one statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryStats {
    pub(super) elapsed: Sketch,
    /// Nanoseconds of it that other runs, told by themselves, took inside these.
    pub(super) inner: u64,
    /// Nanoseconds; `None` when no run told.
    pub(super) lock: Option<u64>,
    pub(super) examined: Sketch,
    pub(super) returned: Sketch,
    pub(super) affected: Sketch,
    pub(super) bytes: Sketch,
    pub(super) access: Option<Box<AccessSums>>,
    /// Of a digested file they are among the attributes of the texts.
    pub(super) offsets: Option<Box<Offsets>>,
    pub(super) failures: Option<Box<Failures>>,
    /// First and last end; `None` while no run told one.
    pub(super) seen: Option<(Timestamp, Timestamp)>,
    pub(super) parameters: Parameters,
    pub(super) exemplars: Vec<Exemplar>,
    pub(super) plan: Option<Box<SlowestPlan>>,
    pub(super) names: Names,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Failures {
    pub(super) errors: u64,
    /// Run times of those that were cut, as far as they are known.
    pub(super) cancelled: Sketch,
    /// Runs of any outcome whose run time is not known.
    pub(super) untimed: u64,
    /// Those of them that were cut.
    pub(super) untimed_cuts: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlowestPlan {
    pub(super) elapsed: u64,
    pub(super) rows: Arc<[PlanRow]>,
}

impl QueryStats {
    /// Adds one run that ended at `end`, which may differ from what the source says; see `watermark`.
    pub fn observe<'r>(&mut self, run: impl Into<Run<'r>>, end: Timestamp, detail: Detail) {
        self.add(&run.into(), end, detail);
    }

    pub(super) fn add(&mut self, event: &Run<'_>, end: Timestamp, detail: Detail) {
        let weight = u64::from(event.weight.max(1));
        let nanos = nanos(event.elapsed);
        if event.is_timed() {
            self.elapsed.record(nanos, weight);
        } else {
            let failures = self.failures.get_or_insert_default();
            failures.untimed = failures.untimed.saturating_add(weight);
        }
        let inner = self::nanos(event.nesting.inner).min(nanos);
        self.inner = self.inner.saturating_add(inner.saturating_mul(weight));
        if let Some(lock) = event.lock {
            let lock = self::nanos(lock).saturating_mul(weight);
            self.lock = Some(self.lock.unwrap_or(0).saturating_add(lock));
        }
        for (sketch, told) in [
            (&mut self.examined, event.rows.examined),
            (&mut self.returned, event.rows.returned),
            (&mut self.affected, event.rows.affected),
            (&mut self.bytes, event.bytes_sent),
        ] {
            if let Some(value) = told {
                sketch.record(value, weight);
            }
        }
        if let Some(access) = event.access {
            self.access.get_or_insert_default().add(access, weight);
            self.keep_plan(nanos, access.plan.as_ref());
        }
        self.note_outcome(event, nanos, weight);
        if end != Timestamp::EPOCH {
            self.widen_seen((end, end));
        }
        if detail == Detail::Full || self.count() > DESERVES_DETAIL {
            let examined = event.rows.examined;
            let run = ParameterSum::of_run(event.parameters, nanos, examined, weight);
            self.parameters.add(run);
            self.keep_exemplar(event, end);
        }
        self.names.note(Role::User, event.user);
        self.names.note(Role::Client, event.client);
    }

    /// Adds what was seen elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.elapsed.merge(&other.elapsed);
        self.inner = self.inner.saturating_add(other.inner);
        if let Some(lock) = other.lock {
            self.lock = Some(self.lock.unwrap_or(0).saturating_add(lock));
        }
        self.examined.merge(&other.examined);
        self.returned.merge(&other.returned);
        self.affected.merge(&other.affected);
        self.bytes.merge(&other.bytes);
        if let Some(access) = &other.access {
            self.access.get_or_insert_default().merge(access);
        }
        if let Some(offsets) = &other.offsets {
            self.offsets.get_or_insert_default().merge(offsets);
        }
        if let Some(failures) = &other.failures {
            let ours = self.failures.get_or_insert_default();
            ours.errors = ours.errors.saturating_add(failures.errors);
            ours.cancelled.merge(&failures.cancelled);
            ours.untimed = ours.untimed.saturating_add(failures.untimed);
            ours.untimed_cuts = ours.untimed_cuts.saturating_add(failures.untimed_cuts);
        }
        if let Some(seen) = other.seen {
            self.widen_seen(seen);
        }
        self.parameters.merge(&other.parameters);
        self.exemplars.extend_from_slice(&other.exemplars);
        self.trim_exemplars();
        if let Some(plan) = &other.plan {
            self.keep_plan(plan.elapsed, Some(&plan.rows));
        }
        self.names.merge(&other.names);
    }

    /// Runs, multiplied back.
    pub fn count(&self) -> u64 {
        let untimed = self.failures.as_ref().map_or(0, |f| f.untimed);
        self.elapsed.count().saturating_add(untimed)
    }

    /// How long its runs took, in nanoseconds.
    pub fn times(&self) -> &Sketch {
        &self.elapsed
    }

    /// Time of all runs, without that of the runs inside them: these sum up to what the server spent.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed.total().saturating_sub(self.inner))
    }

    /// Time that the runs took and waited for locks after `from`, where all of them ended at about the same time.
    pub(super) fn spent_since(&self, from: Timestamp) -> (Duration, Duration) {
        let end = self.last_seen();
        let most = end.map_or(MAX_NANOS, |end| nanos(end.since(from)));
        let spent = Duration::from_nanos(self.elapsed.total_capped(most));
        let all = Duration::from_nanos(self.elapsed.total().max(1));
        let part = spent.div_duration_f64(all).clamp(0.0, 1.0);
        let waited = Duration::from_nanos(self.lock.unwrap_or(0));
        let inner = Duration::from_nanos(self.inner).mul_f64(part);
        (spent.saturating_sub(inner), waited.mul_f64(part))
    }

    /// End of the first run that told one.
    pub fn first_seen(&self) -> Option<Timestamp> {
        self.seen.map(|(first, _)| first)
    }

    /// End of the last run that told one.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.seen.map(|(_, last)| last)
    }

    /// Names seen in a role, sorted; at most 16.
    pub fn names(&self, role: Role) -> Vec<Arc<str>> {
        self.names.of(role)
    }

    /// Whether more names were seen in a role.
    pub fn has_more_names(&self, role: Role) -> bool {
        self.names.has_more(role)
    }

    /// Sums as a detector reads them.
    pub fn load(&self) -> Load {
        let access = self.access.as_deref().copied().unwrap_or_default();
        let failures = self.failures.as_deref();
        let cancelled = failures.map(|f| &f.cancelled);
        let cancelled = cancelled.filter(|sketch| sketch.count() > 0);
        let timed_cuts = cancelled.map_or(0, Sketch::count);
        let untimed_cuts = failures.map_or(0, |f| f.untimed_cuts);
        Load {
            count: self.count(),
            untimed: failures.map_or(0, |f| f.untimed),
            errors: failures.map_or(0, |f| f.errors),
            cancelled: timed_cuts.saturating_add(untimed_cuts),
            untimed_cuts,
            elapsed: latency(&self.elapsed),
            inner: Duration::from_nanos(self.inner),
            cancelled_elapsed: cancelled.map(latency),
            peak: None,
            stretches: Vec::new(),
            lock: self.lock.map(Duration::from_nanos),
            rows_examined: row_load(&self.examined),
            rows_returned: row_load(&self.returned),
            rows_affected: row_load(&self.affected),
            bytes_sent: row_load(&self.bytes),
            offsets: self.offsets.as_deref().copied(),
            access_known: access.known,
            full_scans: access.full_scans,
            full_joins: access.full_joins,
            tmp_tables: access.tmp_tables,
            tmp_tables_on_disk: access.tmp_tables_on_disk,
            filesorts: access.filesorts,
            filesorts_on_disk: access.filesorts_on_disk,
            merge_passes: access.merge_passes,
            temp_bytes: access.temp_bytes,
            temp_files: access.temp_files,
        }
    }

    /// Costliest parameter sets, the costliest first; at most 16.
    pub fn parameters(&self) -> Vec<ParameterLoad> {
        self.parameters.costliest_first()
    }

    /// Plan of the slowest run that told one.
    pub fn plan(&self) -> Option<Arc<[PlanRow]>> {
        self.plan.as_ref().map(|plan| plan.rows.clone())
    }

    /// Slowest runs, the slowest first; at most 3.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    /// Takes note of the rows that a run skips.
    pub(super) fn note_offset(&mut self, offset: Option<u64>, weight: u32) {
        if let Some(offset) = offset {
            let offsets = self.offsets.get_or_insert_default();
            offsets.add(offset, u64::from(weight.max(1)));
        }
    }

    /// Takes note of a name that the event itself does not put among the names.
    pub(super) fn note_name(&mut self, role: Role, name: &Arc<str>) {
        self.names.note(role, name);
    }

    /// Drops parameter sets and exemplars, which only costly statements need.
    pub(super) fn forget_detail(&mut self) {
        self.parameters.clear();
        self.exemplars = Vec::new();
    }

    fn note_outcome(&mut self, run: &Run<'_>, nanos: u64, weight: u64) {
        if *run.outcome == Outcome::Ok {
            return;
        }
        let failures = self.failures.get_or_insert_default();
        match run.outcome {
            Outcome::Cancelled { .. } if run.is_timed() => {
                failures.cancelled.record(nanos, weight);
            }
            Outcome::Cancelled { .. } => {
                failures.untimed_cuts = failures.untimed_cuts.saturating_add(weight);
            }
            _ => failures.errors = failures.errors.saturating_add(weight),
        }
    }

    fn widen_seen(&mut self, (from, to): (Timestamp, Timestamp)) {
        let (first, last) = self.seen.unwrap_or((from, to));
        self.seen = Some((first.min(from), last.max(to)));
    }

    fn keep_plan(&mut self, elapsed: u64, rows: Option<&Arc<[PlanRow]>>) {
        let Some(rows) = rows else { return };
        if self.plan.as_ref().is_none_or(|kept| kept.elapsed < elapsed) {
            let rows = rows.clone();
            self.plan = Some(Box::new(SlowestPlan { elapsed, rows }));
        }
    }

    fn keep_exemplar(&mut self, event: &Run<'_>, end: Timestamp) {
        let fastest_kept = self.exemplars.last().map(|e| e.elapsed);
        let full = self.exemplars.len() >= MAX_EXEMPLARS;
        if full && fastest_kept.is_some_and(|kept| kept >= event.elapsed) {
            return;
        }
        if full {
            self.exemplars.pop();
        }
        self.exemplars.reserve_exact(1);
        self.exemplars.push(Exemplar {
            end,
            elapsed: event.elapsed,
            parameters: FingerprintId(event.parameters),
            rows_examined: event.rows.examined,
            rows_returned: event.rows.returned,
            trace: event.trace,
        });
        self.trim_exemplars();
    }

    fn trim_exemplars(&mut self) {
        self.exemplars
            .sort_by_key(|e| (Reverse(e.elapsed), e.end, e.parameters));
        self.exemplars.truncate(MAX_EXEMPLARS);
    }
}

pub(super) fn latency(sketch: &Sketch) -> Latency {
    Latency {
        total: Duration::from_nanos(sketch.total()),
        min: Duration::from_nanos(sketch.min()),
        p50: Duration::from_nanos(sketch.percentile(50)),
        p95: Duration::from_nanos(sketch.percentile(95)),
        p99: Duration::from_nanos(sketch.percentile(99)),
        max: Duration::from_nanos(sketch.max()),
    }
}

fn row_load(sketch: &Sketch) -> Option<RowLoad> {
    (sketch.count() > 0).then(|| RowLoad {
        runs: sketch.count(),
        total: sketch.total(),
        min: sketch.min(),
        p95: sketch.percentile(95),
        max: sketch.max(),
    })
}

/// Nanoseconds up to 292 years: the packed format needs the highest bit.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(MAX_NANOS, |nanos| nanos.min(MAX_NANOS))
}

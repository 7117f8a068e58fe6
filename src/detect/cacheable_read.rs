//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::pattern::Loss;
use crate::detect::basis::weight::{Weight, part, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::id::FingerprintId;
use crate::model::operation::{OperationProfile, StatementLoop};
use crate::model::sql::{Dialect, Shape, StatementKind};
use crate::model::subject::{ParameterLoad, QueryProfile};
use crate::model::system_view::is_of_the_server;

declare_detector! {
    /// ## What it sees
    /// The same question with the same values, asked again and again of tables that hardly anybody writes to.
    ///
    /// ## Why it hurts
    /// The answer is the same each time. Settings, price lists, permissions and top-ten lists that every request reads
    /// anew take connections from those who need fresh data.
    ///
    /// ## How it decides
    /// For a `SELECT` in an interval of at least `min_span`, of which the log shows nearly every statement:
    /// - share of its time that went to repeated sets of values >= `min_repeated_share`; a set is named by a keyed hash,
    ///   and what may belong to other sets is not counted;
    /// - writes to its tables / runs <= `max_writes_per_read`;
    /// - runs >= `min_runs`, and time lost per second (of the last minute, or the busiest of a file) >= `min_load`.
    ///
    /// In traces a `SELECT` that one request runs with the very same values is a repeat: runs in a request >= `min_repeats`,
    /// and `min_runs` and `min_load` as above.
    ///
    /// Writes are counted within the same log: where it has a threshold or is sampled, or where its texts have
    /// placeholders in the place of values, the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT name, value FROM settings WHERE shop_id = 7;   -- 40 times a second, last written in March
    /// -- Use instead: the program's cache, emptied when the settings are saved
    /// ```
    ///
    /// ## False alarms
    /// - The same statement for many users: other values each time, silent.
    /// - A table that is written about as often as it is read: silent by `max_writes_per_read`.
    /// - A short burst: silent by `min_span`.
    /// - A monitoring agent that asks the server about itself (`information_schema`, `pg_stat_activity`): silent, for the
    ///   answer changes though nobody writes to it.
    /// - Writes by a trigger, a procedure or another server are not seen: check before you cache.
    pub static META = {
        slug: "cacheable-read",
        summary: "the same answer is read again and again",
        summary_ko: "거의 바뀌지 않는 같은 값을 반복해서 읽는 쿼리",
        urgency: Urgency::Chronic,
        severity: Severity::Info,
        needs: "a log of nearly every statement, with its values, or traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.cacheable-read]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Share of the statement's time that a cache would have saved, 0 to 1.
    pub min_repeated_share: f64,
    /// Writes to its tables for one run: each may empty the cache.
    pub max_writes_per_read: f64,
    /// Length of the interval: what is rarely written shows only in time.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_span: Duration,
    /// Runs in the interval: fewer fill no cache.
    pub min_runs: u64,
    /// Seconds of run time per second: a twentieth of a connection is worth advice.
    pub min_load: f64,
    /// Runs with the same values in one request, on average: two or three come from layers that do not know each other.
    pub min_repeats: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_repeated_share: 0.8,
            max_writes_per_read: 0.01,
            min_span: Duration::from_secs(10 * 60),
            min_runs: 100,
            min_load: 0.05,
            min_repeats: 5.0,
        }
    }
}

/// Sets of values that a profile has at most: where there are so many, others may have been left out.
const FULL: usize = 16;

/// Finds reads that a cache could answer.
#[derive(Debug)]
pub struct CacheableRead(Settings);

impl CacheableRead {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for CacheableRead {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let shape = profile.statement.shape();
        let reads = shape.is_some_and(|shape| reads_tables(shape, profile.target.system));
        let weight = Weight::of(profile);
        let busy = weight.load >= self.0.min_load && profile.load.count >= self.0.min_runs;
        if !reads || !busy {
            return Verdict::Clear;
        }
        let span = profile.span.duration();
        if span < self.0.min_span {
            return Verdict::Insufficient {
                seen: span.as_secs(),
                needed: self.0.min_span.as_secs(),
            };
        }
        if !shows_all(profile) {
            return Verdict::Insufficient { seen: 0, needed: 1 };
        }
        let repeated = repeated_share(profile);
        let writes = writes_per_read(profile);
        let same = repeated >= self.0.min_repeated_share;
        let rarely_written = writes <= self.0.max_writes_per_read;
        if !same || !rarely_written {
            return Verdict::Clear;
        }
        self.report(profile, weight, repeated, writes)
    }
}

impl Detector<OperationProfile> for CacheableRead {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let same = profile.loops.iter().filter(|found| {
            found.same
                && found.statement.kind() == StatementKind::Select
                && Loss::of(&found.load).runs >= self.0.min_repeats
                && times(found.load.busy, profile.span.duration()) >= self.0.min_load
        });
        let Some(most) = same.max_by_key(|found| found.load.busy) else {
            return Verdict::Clear;
        };
        if most.load.runs < self.0.min_runs {
            return Verdict::Insufficient {
                seen: most.load.runs,
                needed: self.0.min_runs,
            };
        }
        self.report_repeats(profile, most)
    }
}

impl CacheableRead {
    /// The same again within one request.
    fn report_repeats(&self, profile: &OperationProfile, found: &StatementLoop) -> Verdict {
        let loss = Loss::of(&found.load);
        let name = "repeats_per_request";
        let crossed = Evidence::measure(name, loss.runs, self.0.min_repeats, Unit::Count);
        Draft::of_operation(&META, profile, crossed)
            .about(&found.statement, &found.target)
            .with(Evidence::context("share_of_request", loss.share, Unit::Share))
            .with(Evidence::context("saving_per_request", loss.saving, Unit::Seconds))
            .seen_in(profile, &found.load)
            .severity(Severity::Info)
            .remedy(advise(
                "read it once per request and hand the answer on, or keep it in the context of the request",
            ))
            .found()
    }

    fn report(&self, profile: &QueryProfile, weight: Weight, share: f64, writes: f64) -> Verdict {
        let name = "repeated_share_of_time";
        let crossed = Evidence::measure(name, share, self.0.min_repeated_share, Unit::Share);
        let max_writes = self.0.max_writes_per_read;
        let span = Duration::from_secs(1);
        let per_second = part(profile.load.count, 1) * times(span, profile.span.duration());
        Draft::new(&META, profile, crossed)
            .with(Evidence::measure("writes_per_read", writes, max_writes, Unit::Ratio))
            .with(Evidence::context("runs_per_second", per_second, Unit::PerSecond))
            .costing(weight)
            .severity(Severity::Info)
            .remedy(advise(
                "keep the answer in the program or in a shared cache for as long as it may be old, and drop it where the tables are written",
            ))
            .found()
    }
}

/// Whether the statement reads rows that stay the same until somebody writes.
fn reads_tables(shape: &Shape, system: Dialect) -> bool {
    let mut tables = shape.tables.iter();
    if tables.any(|table| is_of_the_server(table, system)) {
        return false;
    }
    let reads = shape.kind == StatementKind::Select && shape.written.is_empty();
    reads && !shape.tables.is_empty() && !shape.random_order
}

/// Whether the log shows every statement, and the values of this one.
fn shows_all(profile: &QueryProfile) -> bool {
    let sampled = profile.coverage.one_in.is_some_and(|n| n > 1);
    let untold = |set: &ParameterLoad| set.parameters == FingerprintId(0);
    let told = !profile.parameters.is_empty() && !profile.parameters.iter().any(untold);
    profile.coverage.is_complete() && !sampled && told
}

/// Share of the time that went to runs after the first of the same values.
///
/// A full list of sets is one of upper bounds: each may hold the time of others, at most that of its cheapest set
/// (Metwally et al., see `window::parameters`), which is taken off.
fn repeated_share(profile: &QueryProfile) -> f64 {
    let sets = &profile.parameters;
    let uncertain = if sets.len() >= FULL {
        sets.iter().map(|set| set.total).min().unwrap_or_default()
    } else {
        Duration::ZERO
    };
    let certain = |set: &ParameterLoad| {
        // The first run fills the cache; it is taken for the slowest.
        set.total.saturating_sub(uncertain).saturating_sub(set.max)
    };
    let repeated = sets
        .iter()
        .map(certain)
        .fold(Duration::ZERO, Duration::saturating_add);
    times(repeated, profile.load.elapsed.total)
}

fn writes_per_read(profile: &QueryProfile) -> f64 {
    let writes = profile.tables.iter().map(|table| table.writes);
    part(writes.fold(0, u64::saturating_add), profile.load.count)
}

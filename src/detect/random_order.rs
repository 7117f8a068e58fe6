//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::effort::Effort;
use crate::detect::basis::plan::{self, Way};
use crate::detect::basis::reading;
use crate::detect::basis::weight::{Weight, is_rare, number};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::{Dialect, Shape};
use crate::model::subject::QueryProfile;

declare_detector! {
    /// ## What it sees
    /// `ORDER BY RAND()`, `RANDOM()`, `NEWID()` or `UUID()` over many rows, of which a few are shown.
    ///
    /// ## Why it hurts
    /// Each run reads every row, makes up a number for it and sorts them all, only to throw nearly all away. No index
    /// can help, for the order is another one each time.
    ///
    /// ## How it decides
    /// The first sort key of the statement, or of a query inside it, is made of a random number, and
    /// - rows examined per run >= `min_rows`, so that a small table stays silent;
    /// - rows examined / rows sent >= `min_ratio`, so that a whole list in random order stays silent;
    /// - the server does not flag a scan for a condition that asks for particular rows: there an index is missing
    ///   first, which is for `full-scan`;
    /// - it matters: time lost per second (of the last minute, or the busiest of a file) >= `min_load`, or the median run >= `min_slow`;
    /// - runs >= `min_runs`; in a whole file within a minute, else it is advice.
    ///
    /// From `min_critical_load` on it is critical. Where rows are not logged (PostgreSQL without `auto_explain`) the
    /// verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id, title FROM products ORDER BY RAND() LIMIT 3;
    /// -- Use instead: random keys, chosen by the program between the least and the greatest
    /// SELECT id, title FROM products WHERE id >= 48213 ORDER BY id LIMIT 1;
    /// ```
    ///
    /// ## False alarms
    /// - A random row of forty: silent by `min_rows`; a small set that an index finds likewise.
    /// - `TABLESAMPLE` and `WHERE RAND() < 0.01` sort nothing: silent.
    /// - A random number as the last of several sort keys decides between equals only: silent.
    pub static META = {
        slug: "random-order",
        summary: "many rows are sorted at random to show a few",
        summary_ko: "몇 행을 무작위로 고르려고 많은 행을 모두 정렬하는 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "row counts (MySQL, MariaDB slow log) or plans (auto_explain)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.random-order]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows examined per run: fewer are sorted within a few milliseconds.
    pub min_rows: u64,
    /// Rows examined per row sent: what is sorted is thrown away.
    pub min_ratio: f64,
    /// Runs in the interval: a draw of prizes runs once.
    pub min_runs: u64,
    /// Seconds of run time per second: a fifth of a connection, busy with this alone.
    pub min_load: f64,
    /// Seconds that the median run takes: people notice from about here, however rare it is.
    pub min_slow: f64,
    /// Seconds of run time per second at which it is critical: two connections busy all the time.
    pub min_critical_load: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows: 10_000,
            min_ratio: 10.0,
            min_runs: 3,
            min_load: 0.2,
            min_slow: 1.0,
            min_critical_load: 2.0,
        }
    }
}

/// Finds random orders of many rows.
#[derive(Debug)]
pub struct RandomOrder(Settings);

impl RandomOrder {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for RandomOrder {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let shape = profile.statement.shape();
        let Some(shape) = shape.filter(|shape| shape.random_order) else {
            return Verdict::Clear;
        };
        let weight = Weight::of(profile);
        let slow = profile.load.elapsed.p50.as_secs_f64() >= self.0.min_slow;
        let matters = weight.load >= self.0.min_load || slow;
        if !matters || lacks_an_index(profile, shape) {
            return Verdict::Clear;
        }
        let Some(effort) = Effort::of(profile) else {
            return self.insufficient(0);
        };
        let many = effort.examined >= number(self.0.min_rows);
        let for_few = effort.ratio() >= self.0.min_ratio;
        if !many || !for_few {
            return Verdict::Clear;
        }
        if profile.load.count < self.0.min_runs {
            return self.insufficient(profile.load.count);
        }
        self.report(profile, weight, effort)
    }
}

impl RandomOrder {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    fn report(&self, profile: &QueryProfile, weight: Weight, effort: Effort) -> Verdict {
        let sample = (profile.target.system == Dialect::Postgres).then(|| {
            advise("TABLESAMPLE SYSTEM reads random pages of the table instead of all of it")
        });
        Draft::new(&META, profile, effort.wasted(self.0.min_ratio))
            .with(effort.read(self.0.min_rows))
            .costing(weight)
            .severity(weight.severity(self.0.min_critical_load))
            .advice_if(is_rare(profile, self.0.min_runs))
            .remedy(advise(
                "choose random keys in the program and fetch those rows, or the first ones behind them, by primary key",
            ))
            .remedy(sample)
            .remedy(advise(
                "or store a random number with each row, under an index, and begin at a random place; or draw again only every few minutes and cache the result",
            ))
            .found()
    }
}

/// Whether the server reads all of a table for a condition that asks for particular rows.
fn lacks_an_index(profile: &QueryProfile, shape: &Shape) -> bool {
    reading::is_selecting(shape) && plan::way(profile) == Way::Scan
}

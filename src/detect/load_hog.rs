//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::{Weight, number, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::subject::{QueryProfile, TableFacts};

declare_detector! {
    /// ## What it sees
    /// One statement, or one table, that carries most of the time that the database spends.
    ///
    /// ## Why it hurts
    /// The size of the server is the size of this statement: everything else shares what it leaves, and no other
    /// improvement pays. It is the first place to look before paying for a larger machine.
    ///
    /// ## How it decides
    /// Over an interval of at least `min_span` in which all statements together take at least `min_load` seconds per
    /// second, with at least `min_statements` different ones:
    /// - a statement with at least `min_runs` runs takes >= `min_share` of all time; or
    /// - a table takes >= `min_table_share`, told once, by a statement that names no other table and takes at least
    ///   a tenth of all time, but is no hog itself.
    ///
    /// A share needs a log that shows nearly every statement (a threshold of at most 1 ms, stated or observed): a log
    /// of slow statements alone says nothing about the rest, and the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT SUM(amount) FROM point_ledger WHERE user_id = 7;   -- on every page view, 70 % of all time
    /// -- Use instead: a row per user and month that is kept up to date
    /// SELECT SUM(amount) FROM point_month WHERE user_id = 7;
    /// ```
    ///
    /// ## False alarms
    /// - A database that idles, where any statement is most of nothing: silent by `min_load`.
    /// - A database with one or two statements: silent by `min_statements`.
    /// - One long report or backup: silent by `min_runs`.
    /// - A table that every join names: only a statement on that table alone may accuse it.
    pub static META = {
        slug: "load-hog",
        summary: "one statement or table carries most of the load",
        summary_ko: "데이터베이스 부하 대부분을 차지하는 쿼리 또는 테이블",
        urgency: Urgency::Chronic,
        severity: Severity::Warning,
        needs: "a log of nearly every statement",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.load-hog]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Share of all time that one statement takes: half is more than all others together.
    pub min_share: f64,
    /// Share of all time that statements on one table take; more than `min_share`, for many may name it.
    pub min_table_share: f64,
    /// Seconds of run time of all statements per second: below a tenth of a connection nobody waits.
    pub min_load: f64,
    /// Length of the interval: shorter is a burst.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_span: Duration,
    /// Runs in the interval: a backup runs once.
    pub min_runs: u64,
    /// Different statements in the interval: with fewer there is no rest to compare with.
    pub min_statements: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_share: 0.5,
            min_table_share: 0.7,
            min_load: 0.1,
            min_span: Duration::from_secs(5 * 60),
            min_runs: 20,
            min_statements: 3,
        }
    }
}

/// A statement that takes less than this part of all time does not speak for its table.
const MIN_PART_OF_ACCUSER: f64 = 0.1;

/// Finds what carries the load.
#[derive(Debug)]
pub struct LoadHog(Settings);

impl LoadHog {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for LoadHog {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let span = profile.span.duration();
        let all = profile.total.elapsed;
        let busy = !all.is_zero() && times(all, span) >= self.0.min_load;
        let comparable = profile.total.statements >= self.0.min_statements;
        let repeated = profile.load.count >= self.0.min_runs;
        if !busy || !comparable || !repeated {
            return Verdict::Clear;
        }
        if span < self.0.min_span {
            return Verdict::Insufficient {
                seen: span.as_secs(),
                needed: self.0.min_span.as_secs(),
            };
        }
        let weight = Weight::of(profile);
        let Some(share) = weight.share else {
            return Verdict::Insufficient { seen: 0, needed: 1 };
        };
        let finding = if share >= self.0.min_share {
            Some(self.statement(profile, weight, share))
        } else if share >= MIN_PART_OF_ACCUSER {
            self.table(profile, weight)
        } else {
            None
        };
        finding.map_or(Verdict::Clear, |finding| Verdict::Found(vec![finding]))
    }
}

impl LoadHog {
    fn statement(&self, profile: &QueryProfile, weight: Weight, share: f64) -> Finding {
        let name = "share_of_database_time";
        let crossed = Evidence::measure(name, share, self.0.min_share, Unit::Share);
        Draft::new(&META, profile, crossed)
            .with_all(runs_per_second(profile))
            .costing(weight)
            .severity(Severity::Warning)
            .remedy(advise(
                "ask for it less often (cache, batch), or make each run cheaper (summary table, index): no other change pays as much",
            ))
            .finish()
    }

    fn table(&self, profile: &QueryProfile, weight: Weight) -> Option<Finding> {
        let [table] = profile.statement.tables() else {
            return None;
        };
        let facts = profile.tables.iter().find(|facts| facts.name == *table)?;
        let share = share_of(facts, profile);
        let name = "table_share_of_database_time";
        let crossed = Evidence::measure(name, share, self.0.min_table_share, Unit::Share);
        let costliest = Evidence::Statement {
            fingerprint: profile.statement.fingerprint,
            template: profile.statement.template.clone(),
            role: "on_that_table".into(),
        };
        (share >= self.0.min_table_share).then(|| {
            Draft::new(&META, profile, crossed)
                .with(Evidence::clause("table", table))
                .with(costliest)
                .with(weight.evidence(profile))
                .of_tables_alone()
                .severity(Severity::Warning)
                .remedy(advise(
                    "relieve the table: cache or summarise what is read from it, move its history elsewhere",
                ))
                .finish()
        })
    }
}

fn share_of(facts: &TableFacts, profile: &QueryProfile) -> f64 {
    times(facts.elapsed, profile.total.elapsed).min(1.0)
}

fn runs_per_second(profile: &QueryProfile) -> Option<Evidence> {
    let runs = number(profile.load.count);
    let seconds = profile.span.duration().as_secs_f64();
    (seconds > 0.0).then(|| Evidence::context("runs_per_second", runs / seconds, Unit::PerSecond))
}

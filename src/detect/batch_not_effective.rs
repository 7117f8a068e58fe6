//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::Draft;
use crate::detect::basis::pattern::Loss;
use crate::detect::basis::stack::write_at_once;
use crate::detect::basis::weight::{number, part};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{BatchLoad, OperationProfile, PatternLoad, Role, StatementLoop};

declare_detector! {
    /// ## What it sees
    /// Rows that the program sends as a batch, and that reach the server one by one all the same.
    ///
    /// ## Why it hurts
    /// The change was made, the code looks right, and nothing got faster: drivers send the statements of a batch one after
    /// the other unless they are told to rewrite them.
    ///
    /// ## How it decides
    /// A loop of one statement is called a batch when its spans say so (`db.operation.batch.size`), or when a span above
    /// them, within the request, has `batch`, `bulk` or `executemany` in its name. Then
    /// - runs in a request >= `min_runs`;
    /// - share of the request's critical path >= `min_share`;
    /// - time of a request that one statement in the place of many would save >= `min_saving`;
    /// - requests that show it >= `min_requests`, or one with `huge_runs`.
    ///
    /// A batch that is one span is judged where a log of nearly every statement is read, too: runs in the log / statements
    /// of the batches >= `min_logged_share` means that each came by itself.
    ///
    /// ## Example
    /// ```sql
    /// INSERT INTO elements (letter, text) VALUES (7, 'a');   -- addBatch() 50 times, executeBatch(): 50 of these
    /// -- Use instead: rewriteBatchedStatements=true in the URL of MySQL Connector/J, which makes of the same calls
    /// INSERT INTO elements (letter, text) VALUES (7, 'a'), (7, 'b'), (7, 'c');
    /// ```
    ///
    /// ## False alarms
    /// - One statement with many rows: one span, and one run in the log: silent.
    /// - Batches of a job: advice, never an alarm.
    /// - A batch span without a log beside it: nobody knows what the server saw; silent.
    pub static META = {
        slug: "batch-not-effective",
        summary: "rows are sent as a batch, and reach the server one by one",
        summary_ko: "배치로 보냈지만 서버에는 한 건씩 도착하는 저장",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "traces; for a batch of one span a log of nearly every statement, too",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.batch-not-effective]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs in a request, on average: fewer save little, however they are sent.
    pub min_runs: f64,
    /// Share of the request's critical path, 0 to 1: a tenth of the waiting is worth a change.
    pub min_share: f64,
    /// Time saved in a request, on average: less is within what the network wavers by.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_saving: Duration,
    /// Requests that show it: one may be the first of its kind.
    pub min_requests: u64,
    /// Runs in one request that need no second one.
    pub huge_runs: u64,
    /// Share of the statements of batches that the log shows by themselves, 0 to 1: of one statement with all rows it
    /// shows one.
    pub min_logged_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_runs: 5.0,
            min_share: 0.1,
            min_saving: Duration::from_millis(10),
            min_requests: 3,
            huge_runs: 50,
            min_logged_share: 0.5,
        }
    }
}

/// Finds batches that are none.
#[derive(Debug)]
pub struct BatchNotEffective(Settings);

impl BatchNotEffective {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for BatchNotEffective {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let told = profile.loops.iter().filter(|l| l.batched > 0);
        let loops: Vec<_> = told.filter(|l| self.is_costly(&l.load)).collect();
        let batches = profile.batches.iter().filter(|b| self.is_split(b));
        let batches: Vec<_> = batches.collect();
        let loads = loops.iter().map(|l| &l.load);
        let most = loads.chain(batches.iter().map(|b| &b.load));
        let Some(seen) = most.map(|load| load.requests).max() else {
            return Verdict::Clear;
        };
        let often = loops.iter().filter(|l| self.is_often(&l.load));
        let split = batches.iter().filter(|b| self.is_often(&b.load));
        let findings: Vec<Finding> = often
            .map(|l| self.report(profile, l))
            .chain(split.map(|b| self.report_split(profile, b)))
            .collect();
        if findings.is_empty() {
            return Verdict::Insufficient {
                seen,
                needed: self.0.min_requests,
            };
        }
        Verdict::Found(findings)
    }
}

impl BatchNotEffective {
    fn is_costly(&self, load: &PatternLoad) -> bool {
        let loss = Loss::of(load);
        loss.runs >= self.0.min_runs
            && loss.share >= self.0.min_share
            && loss.saving >= self.0.min_saving.as_secs_f64()
    }

    fn is_often(&self, load: &PatternLoad) -> bool {
        load.requests >= self.0.min_requests || load.most >= self.0.huge_runs
    }

    /// Whether the server's log shows the statements of a batch by themselves.
    fn is_split(&self, batch: &BatchLoad) -> bool {
        logged_share(batch) >= self.0.min_logged_share
            && part(batch.statements, batch.load.runs) >= self.0.min_runs
            && Loss::of(&batch.load).share >= self.0.min_share
    }

    fn report(&self, profile: &OperationProfile, found: &StatementLoop) -> Finding {
        let loss = Loss::of(&found.load);
        let crossed =
            Evidence::measure("runs_per_request", loss.runs, self.0.min_runs, Unit::Count);
        let share = Evidence::measure(
            "share_of_request",
            loss.share,
            self.0.min_share,
            Unit::Share,
        );
        let min_saving = self.0.min_saving.as_secs_f64();
        let saving =
            Evidence::measure("saving_per_request", loss.saving, min_saving, Unit::Seconds);
        let draft = Draft::of_operation(&META, profile, crossed)
            .about(&found.statement, &found.target)
            .with(share)
            .with(saving)
            .told_by(found)
            .seen_in(profile, &found.load)
            .again(&found.load)
            .advice_if(profile.role == Role::Job);
        let remedies = write_at_once(&profile.language, found.target.system).into_iter();
        remedies.fold(draft, Draft::remedy).finish()
    }

    fn report_split(&self, profile: &OperationProfile, found: &BatchLoad) -> Finding {
        let share = logged_share(found);
        let min_share = self.0.min_logged_share;
        let crossed = Evidence::measure("logged_share_of_batch", share, min_share, Unit::Share);
        let size = part(found.statements, found.load.runs);
        let of_path = Loss::of(&found.load).share;
        let logged = found.logged.map_or(0, |log| log.runs);
        let draft = Draft::of_operation(&META, profile, crossed)
            .about(&found.statement, &found.target)
            .with(Evidence::context("statements_per_batch", size, Unit::Count))
            .with(Evidence::context(
                "runs_in_the_log",
                number(logged),
                Unit::Count,
            ))
            .with(Evidence::measure(
                "share_of_request",
                of_path,
                self.0.min_share,
                Unit::Share,
            ))
            .seen_in(profile, &found.load)
            .again(&found.load)
            .advice_if(profile.role == Role::Job);
        let remedies = write_at_once(&profile.language, found.target.system).into_iter();
        remedies.fold(draft, Draft::remedy).finish()
    }
}

/// Runs in the log for each statement of a batch; `NaN` where no log tells.
fn logged_share(batch: &BatchLoad) -> f64 {
    batch
        .logged
        .map_or(f64::NAN, |log| part(log.runs, batch.statements))
}

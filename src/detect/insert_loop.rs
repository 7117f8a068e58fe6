//! See [`META`].

use crate::detect::basis::stack::write_at_once;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::finding::{Finding, Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, StatementLoop};
use crate::model::sql::StatementKind;

pub use crate::detect::basis::loops::Settings;

declare_detector! {
    /// ## What it sees
    /// A request that writes its rows one by one: the same `INSERT`, `UPDATE` or `DELETE` for each of them.
    ///
    /// ## Why it hurts
    /// Each row waits for the network, and without a transaction for the disk. Fifty elements of a letter are fifty waits,
    /// and locks are held all the while.
    ///
    /// ## How it decides
    /// Of the requests of one operation that run a writing statement three times or more below one span (or below spans
    /// of one kind), in a row or at once:
    /// - runs in a request >= `min_runs`;
    /// - share of the request's critical path that is the runs' >= `min_share`;
    /// - time of a request that one statement in the place of many would save >= `min_saving`;
    /// - requests that show it >= `min_requests`, or one with `huge_runs`.
    ///
    /// It may open an incident from a saving of `alarm_saving`, or from a share of `alarm_share`; below, it is advice.
    /// Failed runs are not counted. What the program itself calls a batch is left to `batch-not-effective`.
    ///
    /// ## Example
    /// ```sql
    /// INSERT INTO elements (letter, text) VALUES (7, 'a');   -- and 49 more
    /// -- Use instead:
    /// INSERT INTO elements (letter, text) VALUES (7, 'a'), (7, 'b'), (7, 'c');
    /// ```
    ///
    /// ## False alarms
    /// - Three statements of a request that writes a head and two lines: silent by `min_runs`.
    /// - An import that a job does: silent, unless `jobs` is set.
    /// - Tries of a failed statement: not counted.
    pub static META = {
        slug: "insert-loop",
        summary: "a request writes its rows one by one",
        summary_ko: "행을 한 건씩 따로 저장하는 요청",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "traces",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// Finds loops of writes.
#[derive(Debug)]
pub struct InsertLoop(Settings);

impl InsertLoop {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for InsertLoop {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        self.0
            .judge(profile, writes, |found| self.report(profile, found))
    }
}

/// A loop that writes, and is not called a batch.
fn writes(found: &StatementLoop) -> bool {
    let kind = found.statement.kind();
    let writes = matches!(
        kind,
        StatementKind::Insert
            | StatementKind::Replace
            | StatementKind::Update
            | StatementKind::Delete
            | StatementKind::Merge
    );
    writes && found.batched == 0
}

impl InsertLoop {
    fn report(&self, profile: &OperationProfile, found: &StatementLoop) -> Finding {
        let mut draft = self.0.draft(&META, profile, found);
        for remedy in write_at_once(&profile.language, found.target.system) {
            draft = draft.remedy(remedy);
        }
        draft.finish()
    }
}

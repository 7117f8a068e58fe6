//! Run time over time, as the document has it.

use std::time::Duration;

use serde::Serialize;

use crate::model::time::Timestamp;
use crate::report::digest::Seconds;
use crate::window::{Curve, Step};

/// Steps of a log that tells whole seconds: where a run is one second off, an eighth of a step at most.
const COARSE_STEP: Duration = Duration::from_secs(8);

/// Run time over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadCurve {
    /// Length of a step.
    pub step_s: Seconds,
    /// The log tells whole seconds: when something ran is known to one of them only.
    pub whole_seconds: bool,
    /// Steps in which a run ended, the first first; in the others nothing did.
    pub steps: Vec<LoadStep>,
}

/// One step of the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadStep {
    /// Its start.
    pub at: Timestamp,
    /// Run time that was spent in it on what only reads.
    pub read_s: Seconds,
    /// Run time of what changes rows.
    pub write_s: Seconds,
    /// Run time of all else.
    pub other_s: Seconds,
}

impl LoadCurve {
    /// What was observed; `None` when that is nothing.
    pub fn of(curve: &Curve) -> Option<Self> {
        let step = |(at, step): (Timestamp, Step)| LoadStep {
            at,
            read_s: Seconds(step.read),
            write_s: Seconds(step.write),
            other_s: Seconds(step.other),
        };
        let whole_seconds = curve.is_coarse();
        let coarse = whole_seconds.then(|| curve.in_steps_of(COARSE_STEP));
        let curve = coarse.as_ref().unwrap_or(curve);
        let steps: Vec<_> = curve.steps().map(step).collect();
        (!steps.is_empty()).then(|| Self {
            step_s: Seconds(curve.step()),
            whole_seconds,
            steps,
        })
    }

    /// Length of a step, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.step_s.0.as_secs_f64().max(1.0)
    }

    /// Run time of all steps, in seconds.
    pub(super) fn total(&self) -> f64 {
        self.steps.iter().map(LoadStep::total).sum()
    }

    /// Steps from the first to the last, those without load too.
    pub(super) fn span(&self) -> u64 {
        let (Some(first), Some(last)) = (self.steps.first(), self.steps.last()) else {
            return 0;
        };
        last.at.since(first.at).as_secs() / self.step_s.0.as_secs().max(1) + 1
    }
}

impl LoadStep {
    /// Run time that was spent in it, in seconds.
    pub(super) fn total(&self) -> f64 {
        (self.read_s.0 + self.write_s.0 + self.other_s.0).as_secs_f64()
    }
}

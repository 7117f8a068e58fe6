//! Which detectors the log told too little.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::detect::DetectorMeta;
use crate::detect::catalogue::Catalogue;
use crate::model::finding::Verdict;
use crate::model::subject::Load;
use crate::report::digest::{NotJudged, Seldom};

/// A detector that is blind for less of the run time has seen what matters.
const MIN_BLIND: f64 = 0.1;

/// What a detector could make of the log.
#[derive(Debug)]
pub(super) struct Sight {
    needs: &'static str,
    has_judged: bool,
    /// Run time of the statements of which the log told it nothing.
    blind: Duration,
}

impl Sight {
    /// Nothing was shown to it yet.
    pub(super) fn of(meta: &DetectorMeta) -> Self {
        Self {
            needs: meta.needs,
            has_judged: false,
            blind: Duration::ZERO,
        }
    }

    /// Takes note of what it says of a statement that ran for so long. Too few runs are no blindness.
    pub(super) fn note(&mut self, verdict: &Verdict, elapsed: Duration) {
        match verdict {
            Verdict::Insufficient { seen: 0, .. } => {
                self.blind = self.blind.saturating_add(elapsed);
            }
            Verdict::Insufficient { .. } => {}
            Verdict::Clear | Verdict::Found(_) => self.has_judged = true,
        }
    }
}

/// Statements of which nothing was found, and something might have been if they had run more often.
#[derive(Debug, Default)]
pub(super) struct TooSeldom {
    statements: u64,
    elapsed: Duration,
}

impl TooSeldom {
    /// Takes note of what all detectors say of a statement.
    pub(super) fn note(&mut self, load: &Load, verdicts: &[(&'static DetectorMeta, Verdict)]) {
        let wants_runs = |verdict: &Verdict| match verdict {
            Verdict::Insufficient { seen, needed } => {
                *seen == load.count && *seen > 0 && seen < needed
            }
            Verdict::Clear | Verdict::Found(_) => false,
        };
        let found = |verdict: &Verdict| matches!(verdict, Verdict::Found(_));
        let mut all = verdicts.iter().map(|(_, verdict)| verdict);
        if all.clone().any(wants_runs) && !all.any(found) {
            self.statements += 1;
            self.elapsed = self.elapsed.saturating_add(load.elapsed.total);
        }
    }

    /// What is told of them, where they take a good part of the run time `all`.
    pub(super) fn told(&self, all: Duration) -> Option<Seldom> {
        let share = self.elapsed.as_secs_f64() / all.as_secs_f64();
        (share >= MIN_BLIND).then_some(Seldom {
            statements: self.statements,
            share,
        })
    }
}

/// Who saw nothing of what took a good part of the run time `all`, or could judge no statement.
pub(super) fn not_judged(sight: BTreeMap<&'static str, Sight>, all: Duration) -> Vec<NotJudged> {
    let of = |(detector, seen): (_, Sight)| {
        let share = seen.blind.as_secs_f64() / all.as_secs_f64();
        let is_blind = share >= MIN_BLIND || !seen.has_judged;
        is_blind.then_some(NotJudged {
            detector,
            needs: seen.needs,
            share: if seen.has_judged { share } else { 1.0 },
        })
    };
    sight.into_iter().filter_map(of).collect()
}

/// Those that judge errors and nothing else, for a log that cannot tell any.
pub(super) fn of_errors(catalogue: &Catalogue) -> impl Iterator<Item = NotJudged> {
    let of_both: BTreeSet<_> = catalogue.of_queries().map(|meta| meta.slug).collect();
    let of_errors = catalogue.of_errors();
    let alone = of_errors.filter(move |meta| !of_both.contains(meta.slug));
    alone.map(|meta| NotJudged {
        detector: meta.slug,
        needs: meta.needs,
        share: 1.0,
    })
}

//! Sorts the verdicts of one window by problem.

use std::collections::BTreeMap;

use crate::detect::Judgement;
use crate::model::finding::{Finding, ProblemKey, Urgency, Verdict};

/// What one window said of one problem.
#[derive(Debug)]
pub(super) enum Health {
    Sick(Box<Finding>),
    Well,
    Unknown,
}

impl Health {
    /// Of two verdicts on one problem the worse counts.
    fn rank(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Well => 1,
            Self::Sick(_) => 2,
        }
    }
}

/// What was said of each acute problem, and every finding, advice too.
pub(super) fn sort(judgements: Vec<Judgement>) -> (BTreeMap<ProblemKey, Health>, Vec<Finding>) {
    let mut health = BTreeMap::new();
    let mut findings = Vec::new();
    for judgement in judgements {
        match judgement.verdict {
            Verdict::Clear => put(&mut health, judgement.problem, Health::Well),
            Verdict::Insufficient { .. } => put(&mut health, judgement.problem, Health::Unknown),
            Verdict::Found(found) => {
                for finding in &found {
                    if finding.urgency == Urgency::Acute {
                        let sick = Health::Sick(Box::new(finding.clone()));
                        put(&mut health, finding.key(), sick);
                    }
                }
                findings.extend(found);
            }
        }
    }
    (health, findings)
}

fn put(health: &mut BTreeMap<ProblemKey, Health>, key: ProblemKey, said: Health) {
    let is_worse = health
        .get(&key)
        .is_none_or(|known| said.rank() > known.rank());
    if is_worse {
        health.insert(key, said);
    }
}

//! Where a finding of an incident stands: what is sick now leads, what is over follows, advice comes last.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::incident::state::weight;
use crate::model::finding::{Finding, Severity, Urgency};
use crate::model::id::FingerprintId;
use crate::model::incident::IncidentFinding;
use crate::model::time::Timestamp;

/// A finding that was well for less than this counts as sick: one that swings around its threshold, window by window,
/// must not swing the title of its incident with it.
const GRACE: Duration = Duration::from_secs(20);

/// Where a finding stands; ordered, who leads first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Sick,
    Over,
    Advice,
}

impl Standing {
    pub(super) fn of(member: &IncidentFinding, now: Timestamp) -> Self {
        if member.finding.urgency == Urgency::Chronic {
            return Self::Advice;
        }
        let was_just_sick = member.last_seen.plus(GRACE) > now;
        if member.active || was_just_sick {
            Self::Sick
        } else {
            Self::Over
        }
    }
}

/// The worst of what is sick now; `None` when nothing is.
pub(super) fn worst_now(findings: &[IncidentFinding], now: Timestamp) -> Option<Severity> {
    let sick = findings
        .iter()
        .filter(|member| Standing::of(member, now) == Standing::Sick);
    sick.map(|member| member.finding.severity).max()
}

/// The problem as it is told from now on: while it is sick, as bad as it is this time; once it is over, at its worst.
pub(super) fn follow(known: IncidentFinding, told: IncidentFinding) -> IncidentFinding {
    let is_relapse = told.active && !known.active;
    let earlier = if is_relapse {
        Some(worse(Box::new(known.finding), known.earlier))
    } else {
        known.earlier
    };
    // A problem that came back within the incident began when it first did.
    let onset = known.onset.min(told.onset);
    let finding = if told.active {
        told.finding
    } else {
        *worse(Box::new(told.finding), earlier.clone())
    };
    IncidentFinding {
        finding,
        onset,
        earlier,
        ..told
    }
}

fn worse(one: Box<Finding>, other: Option<Box<Finding>>) -> Box<Finding> {
    match other {
        Some(other) if weight(&other) > weight(&one) => other,
        _ => one,
    }
}

/// Findings whose remedies help now: those of what is sick, and advice, unless it is on a statement that is over. All
/// of them when nothing is sick.
pub(super) fn to_cure(findings: &[IncidentFinding], now: Timestamp) -> Vec<&Finding> {
    let is_any_sick = worst_now(findings, now).is_some();
    let (sick, over) = (
        statements(findings, Standing::Sick, now),
        statements(findings, Standing::Over, now),
    );
    let helps = |member: &&IncidentFinding| match Standing::of(member, now) {
        Standing::Sick => true,
        Standing::Over => !is_any_sick,
        Standing::Advice => {
            let on = member.finding.fingerprint;
            !is_any_sick || on.is_none_or(|on| sick.contains(&on) || !over.contains(&on))
        }
    };
    let helping = findings.iter().filter(helps);
    helping.map(|member| &member.finding).collect()
}

fn statements(
    findings: &[IncidentFinding],
    standing: Standing,
    now: Timestamp,
) -> BTreeSet<FingerprintId> {
    let members = findings
        .iter()
        .filter(|member| Standing::of(member, now) == standing);
    members
        .filter_map(|member| member.finding.fingerprint)
        .collect()
}

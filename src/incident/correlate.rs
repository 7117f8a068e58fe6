//! Ranks the findings of an incident: what is sick now before what is over, and which one most likely led to the others.
//!
//! Three things speak for a finding, each 0 to 1, with 1/2 where nothing is known: the known causal edges
//! (`causes.toml`), the order of onset where the intervals are disjoint, and its cost against the costliest. The
//! weights are judgement, not measurement; hence the result is told as "most likely", with what speaks against it.

use std::sync::Arc;

use crate::incident::causes::Causes;
use crate::incident::group::are_linked;
use crate::incident::standing::Standing;
use crate::incident::state::cost_seconds;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, ProblemKey, Urgency};
use crate::model::incident::{Cause, IncidentFinding};
use crate::model::time::Timestamp;

const WEIGHT_EDGES: f64 = 0.4;
const WEIGHT_ORDER: f64 = 0.3;
const WEIGHT_COST: f64 = 0.3;
/// Nobody is sure of a cause by correlation, nor sure that it is none.
const CONFIDENCE: (f64, f64) = (0.05, 0.95);
/// Who leads keeps its place until another is better by this much, so that the title does not flicker.
const HYSTERESIS: f64 = 0.1;
/// Facts on each side of a cause.
const MAX_FACTS: usize = 8;

/// Sorts the findings, and says why the first is first: what is sick now comes first, and of that the likeliest cause;
/// then what is over, and advice last.
///
/// `leader` is the one that was first so far. `None` when there is no acute finding.
pub(super) fn rank(
    findings: &mut [IncidentFinding],
    causes: &Causes,
    leader: Option<&ProblemKey>,
    now: Timestamp,
) -> Option<Cause> {
    let mut scored: Vec<(f64, IncidentFinding)> = findings
        .iter()
        .map(|candidate| {
            let peers = findings
                .iter()
                .filter(|other| Standing::of(other, now) == Standing::of(candidate, now));
            (score(candidate, peers, causes), candidate.clone())
        })
        .collect();
    let standing = |score: f64, finding: &IncidentFinding| {
        let leads = leader == Some(&finding.finding.key());
        if leads { score + HYSTERESIS } else { score }
    };
    // Ties go by onset and then by key: a replay must give the same order.
    scored.sort_by(|(a, x), (b, y)| {
        Standing::of(x, now)
            .cmp(&Standing::of(y, now))
            .then_with(|| standing(*b, y).total_cmp(&standing(*a, x)))
            .then_with(|| x.onset.cmp(&y.onset))
            .then_with(|| x.finding.key().cmp(&y.finding.key()))
    });
    let first = scored.first().map(|(_, first)| Standing::of(first, now));
    let is_peer_of_first = |other: &IncidentFinding| Some(Standing::of(other, now)) == first;
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    let second = scored
        .get(1)
        .filter(|(_, second)| is_peer_of_first(second))
        .map(|(score, _)| *score);
    for (slot, (_, finding)) in findings.iter_mut().zip(scored) {
        *slot = finding;
    }
    let (first, others) = findings.split_first()?;
    if !is_acute(first) {
        return None;
    }
    let margin = best - second.unwrap_or(0.0) / 2.0;
    let confidence = margin.clamp(CONFIDENCE.0, CONFIDENCE.1);
    let others = others
        .iter()
        .filter(|other| is_acute(other))
        .filter(|other| is_peer_of_first(other) || leads_to(other, first, causes) > 0.0);
    let mut cause = explain(first, others, causes);
    cause.confidence = (confidence * 100.0).round() / 100.0;
    Some(cause)
}

fn is_acute(candidate: &IncidentFinding) -> bool {
    candidate.finding.urgency == Urgency::Acute
}

fn score<'a>(
    candidate: &IncidentFinding,
    peers: impl Iterator<Item = &'a IncidentFinding>,
    causes: &Causes,
) -> f64 {
    if !is_acute(candidate) {
        return -1.0;
    }
    let key = candidate.finding.key();
    let others: Vec<&IncidentFinding> = peers.filter(|other| other.finding.key() != key).collect();
    let edges = balance(&others, |other| {
        leads_to(candidate, other, causes) - leads_to(other, candidate, causes)
    });
    let order = balance(&others, |other| {
        f64::from(i8::from(began_before(candidate, other)))
            - f64::from(i8::from(began_before(other, candidate)))
    });
    WEIGHT_EDGES * edges + WEIGHT_ORDER * order + WEIGHT_COST * cost(candidate, &others)
}

/// The mean of what each of the others says, -1 (against) to 1 (for), as 0 to 1; 1/2 when there is none.
#[expect(clippy::cast_precision_loss, reason = "a handful of findings")]
fn balance(others: &[&IncidentFinding], says: impl Fn(&IncidentFinding) -> f64) -> f64 {
    if others.is_empty() {
        return 0.5;
    }
    let sum: f64 = others.iter().map(|other| says(other)).sum();
    f64::midpoint(1.0, sum / others.len() as f64)
}

fn leads_to(cause: &IncidentFinding, effect: &IncidentFinding, causes: &Causes) -> f64 {
    if !are_linked(&cause.finding, &effect.finding) {
        return 0.0;
    }
    let (from, to) = (&cause.finding.detector, &effect.finding.detector);
    causes.strength_of(from, locks_rows(&cause.finding), to)
}

/// Whether its statement locks rows: all but plain reads do. A problem without a statement may.
fn locks_rows(finding: &Finding) -> bool {
    let Some(template) = &finding.template else {
        return true;
    };
    let text = template.as_str();
    let mut words = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty());
    let is = |word: &str, any: &[&str]| any.iter().any(|known| word.eq_ignore_ascii_case(known));
    let reads = words
        .next()
        .is_some_and(|first| is(first, &["SELECT", "WITH", "VALUES", "TABLE"]));
    // A name that reads like one of these is rather taken for it.
    !reads || words.any(|word| is(word, &["UPDATE", "SHARE", "DELETE", "INSERT", "MERGE"]))
}

/// Order counts only where the onsets do not overlap.
fn began_before(a: &IncidentFinding, b: &IncidentFinding) -> bool {
    a.onset.to <= b.onset.from && a.onset.from < b.onset.from
}

/// Cost against the costliest; 0 when it is not told.
fn cost(candidate: &IncidentFinding, others: &[&IncidentFinding]) -> f64 {
    let own = cost_seconds(&candidate.finding);
    let most = others
        .iter()
        .map(|other| cost_seconds(&other.finding))
        .fold(own, f64::max);
    if most > 0.0 { own / most } else { 0.0 }
}

/// What speaks for the first of the findings, and what against it.
fn explain<'a>(
    first: &IncidentFinding,
    others: impl Iterator<Item = &'a IncidentFinding>,
    causes: &Causes,
) -> Cause {
    let mut evidence: Vec<Evidence> = first
        .finding
        .evidence
        .first()
        .cloned()
        .into_iter()
        .collect();
    let cost = first
        .finding
        .evidence
        .iter()
        .skip(1)
        .find(|fact| matches!(fact, Evidence::Cost { .. }));
    evidence.extend(cost.cloned());
    let mut counter_evidence = Vec::new();
    for other in others {
        let slug = &other.finding.detector;
        if leads_to(first, other, causes) > 0.0 {
            add(&mut evidence, "leads_to", slug);
        } else if leads_to(other, first, causes) > 0.0 {
            add(&mut counter_evidence, "may_follow_from", slug);
        } else {
            add(&mut counter_evidence, "does_not_explain", slug);
        }
        if began_before(first, other) {
            add(&mut evidence, "began_before", slug);
        } else if began_before(other, first) {
            add(&mut counter_evidence, "began_after", slug);
        } else {
            add(&mut counter_evidence, "order_unknown", slug);
        }
    }
    Cause {
        finding: Arc::clone(&first.finding.detector),
        confidence: 0.0,
        evidence,
        counter_evidence,
    }
}

/// Adds a fact unless it is there already or there are enough.
fn add(facts: &mut Vec<Evidence>, role: &str, slug: &str) {
    let fact = Evidence::clause(role, slug);
    if facts.len() < MAX_FACTS && !facts.contains(&fact) {
        facts.push(fact);
    }
}

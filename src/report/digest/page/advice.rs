//! What to fix first: one entry for each sick statement, with its gravest finding and the remedy to try first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::finding::{Remedy, Severity};
use crate::model::sql::StatementKey;
use crate::report::digest::page::{Advice, Try, anchor, name, share_of};
use crate::report::digest::{Digest, Found, Query};
use crate::report::{Lang, Style, sentence};

/// Sick statements told of.
const SICK: usize = 10;

/// Places among them that what has a statement cannot take from what has none (refused connections, deadlocks), nor
/// the other way round: an outage is seldom of one kind.
const RESERVED: usize = 3;

/// What was found about one statement, or about none.
#[derive(Debug)]
pub(super) struct Sick<'a> {
    pub(super) query: Option<&'a Query>,
    found: Vec<&'a Found>,
}

impl Sick<'_> {
    fn has_statement(&self) -> bool {
        self.found.first().is_some_and(|f| f.fingerprint.is_some())
    }
}

/// What there is room for, in the same order.
pub(super) fn told<'s, 'a>(sick: &'s [Sick<'a>]) -> Vec<&'s Sick<'a>> {
    let firsts = |of_statements: bool| {
        let its = sick
            .iter()
            .filter(move |s| s.has_statement() == of_statements);
        its.take(SICK).count()
    };
    let (with, without) = (firsts(true), firsts(false));
    // Each kind leaves to the other what that is sure of.
    let mut room = [SICK - without.min(RESERVED), SICK - with.min(RESERVED)];
    let mut told = Vec::new();
    for s in sick {
        let room = &mut room[usize::from(!s.has_statement())];
        if *room > 0 && told.len() < SICK {
            *room -= 1;
            told.push(s);
        }
    }
    told
}

/// Findings of one statement stand together, in the order of the worst of each.
pub(super) fn by_statement(digest: &Digest) -> Vec<Sick<'_>> {
    let mut sick: Vec<Sick<'_>> = Vec::new();
    for found in &digest.findings {
        let same = |s: &&mut Sick<'_>| {
            let first = s.found.first().and_then(|f| f.about());
            first.is_some() && first == found.about()
        };
        if let Some(known) = sick.iter_mut().find(same) {
            known.found.push(found);
            continue;
        }
        let is_its = |q: &&Query| Some(q.key()) == found.about();
        sick.push(Sick {
            query: digest.queries.iter().find(is_its),
            found: vec![found],
        });
    }
    sick
}

/// The gravest finding of each statement.
pub(super) fn worst(digest: &Digest) -> BTreeMap<StatementKey, Severity> {
    let mut worst: BTreeMap<StatementKey, Severity> = BTreeMap::new();
    for found in &digest.findings {
        if let Some(about) = found.about() {
            let known = worst.entry(about).or_insert(found.severity);
            *known = (*known).max(found.severity);
        }
    }
    worst
}

pub(super) fn advice(told: &[&Sick<'_>], style: &Style) -> Vec<Advice> {
    told.iter().filter_map(|s| entry(s, style)).collect()
}

fn entry(sick: &Sick<'_>, style: &Style) -> Option<Advice> {
    let (worst, others) = sick.found.split_first()?;
    let mut also: Vec<String> = Vec::new();
    for other in others {
        let symptom = sentence::symptom(&other.detector, style);
        if other.detector != worst.detector && !also.contains(&symptom) {
            also.push(symptom);
        }
    }
    let also = (!also.is_empty()).then(|| also.join("; "));
    let remedies = remedies(&sick.found);
    Some(Advice {
        severity: worst.severity,
        share: sick
            .query
            .map_or_else(String::new, |q| share_of(q, style.lang)),
        name: sick.query.map_or_else(String::new, name),
        fingerprint: worst
            .fingerprint
            .map_or_else(String::new, |f| f.to_string()),
        anchor: worst.about().map_or_else(String::new, anchor),
        what: worst.summary.clone(),
        also,
        remedy: remedies.first().map(|r| Try::of(r, style.lang)),
    })
}

/// What may help, in the order in which it should be tried: what cures the worst first, in its detector's own order. Of
/// findings that are equally bad, the one whose first remedy can be pasted.
pub(super) fn remedies<'a>(found: &[&'a Found]) -> Vec<&'a Remedy> {
    let mut found = found.to_vec();
    let is_words = |f: &Found| f.remedies.first().is_none_or(|r| r.sql.is_empty());
    found.sort_by_key(|f| (Reverse(f.severity), is_words(f)));
    found.into_iter().flat_map(|f| &f.remedies).collect()
}

/// What stands below the list, or in its place.
pub(super) fn note(digest: &Digest, (sick, told): (usize, usize), lang: Lang) -> Option<String> {
    let left_out = sick.saturating_sub(told) + digest.left_out.sick;
    if left_out > 0 {
        return Some(lang.pick(
            format!("{left_out} more have findings: --format json has them all."),
            format!("진단된 것이 {left_out}건 더 있음: --format json에 모두 있음."),
        ));
    }
    let was_read = !digest.queries.is_empty() || !digest.errors.is_empty();
    if sick > 0 || !was_read {
        return None;
    }
    let nothing = lang.pick(
        "No detector found anything to fix.",
        "고칠 것을 찾은 탐지기가 없음.",
    );
    if digest.source.not_judged.is_empty() && digest.source.too_seldom.is_none() {
        return Some(nothing.to_owned());
    }
    let blind = lang.pick(
        "Not all could be judged: see the notes.",
        "모두 판단할 수 있었던 것은 아님: 참고 사항을 볼 것.",
    );
    Some(format!("{nothing} {blind}"))
}

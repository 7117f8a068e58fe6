//! A finding as one sentence, and each kind of evidence as a phrase. Plain text: whoever shows it escapes it.

use crate::model::event::{Coverage, CoverageSource, PlanRow};
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Urgency};
use crate::model::incident::{IncidentFinding, IncidentState};
use crate::report::{Lang, Style, moment, unit, words};

/// Longest part of a statement inside a sentence, in characters.
const EXCERPT_CHARS: usize = 120;

/// Most tables that a sentence names.
const MAX_TABLES: usize = 3;

/// What was found and how much of it: the detector's phrase, the tables, the fact that crossed the line, its cost.
pub fn finding(finding: &Finding, style: &Style) -> String {
    let what = headline(finding, style);
    let facts = leading_facts(finding, style);
    if facts.is_empty() {
        return format!("{what}.");
    }
    format!("{what}. {}.", capitalise(&facts.join("; ")))
}

/// The same for a problem of an incident: what is over while others are not is told with its end.
pub fn member(member: &IncidentFinding, state: IncidentState, style: &Style) -> String {
    let said = finding(&member.finding, style);
    let is_problem = member.finding.urgency == Urgency::Acute;
    if member.active || !is_problem || state != IncidentState::Firing {
        return said;
    }
    let last = moment::full(member.last_seen, &style.zone);
    style.lang.pick(
        format!("Over, last seen {last}: {said}"),
        format!("끝남, 마지막 {last}: {said}"),
    )
}

/// The detector's phrase and the tables, without a full stop.
pub fn headline(finding: &Finding, style: &Style) -> String {
    let symptom = symptom(&finding.detector, style);
    let tables = tables(finding);
    if tables.is_empty() {
        return symptom;
    }
    format!("{symptom} ({tables})")
}

/// The detector's phrase with a capital first letter; its slug in words when nobody knows it.
pub fn symptom(slug: &str, style: &Style) -> String {
    let phrase = (style.lookup)(slug).map_or_else(
        || slug.replace('-', " "),
        |meta| {
            style
                .lang
                .pick(meta.summary, meta.summary_ko)
                .trim_end_matches('.')
                .to_owned()
        },
    );
    capitalise(&phrase)
}

/// The phrase with a capital first letter.
pub(crate) fn capitalise(phrase: &str) -> String {
    let mut chars = phrase.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Names of the tables concerned, a few of them.
pub fn tables(finding: &Finding) -> String {
    let mut names: Vec<String> = finding
        .tables
        .iter()
        .take(MAX_TABLES)
        .map(|name| excerpt(name))
        .collect();
    if finding.tables.len() > MAX_TABLES {
        names.push(format!("+{}", finding.tables.len() - MAX_TABLES));
    }
    names.join(", ")
}

/// The fact that crossed the line, and the cost.
fn leading_facts(finding: &Finding, style: &Style) -> Vec<String> {
    let first = finding.evidence.first();
    let cost = finding
        .evidence
        .iter()
        .skip(1)
        .find(|e| matches!(e, Evidence::Cost { .. }));
    first
        .into_iter()
        .chain(cost)
        .map(|e| evidence(e, style))
        .collect()
}

/// One fact as a phrase, without a full stop.
pub fn evidence(evidence: &Evidence, style: &Style) -> String {
    let lang = style.lang;
    match evidence {
        Evidence::Measure {
            name,
            observed,
            threshold,
            unit,
        } => {
            let name = words::measure(name, lang);
            let observed = unit::quantity(*observed, *unit);
            match threshold.map(|t| unit::quantity(t, *unit)) {
                None => format!("{name}: {observed}"),
                Some(t) => lang.pick(
                    format!("{name}: {observed} (threshold {t})"),
                    format!("{name}: {observed} (기준 {t})"),
                ),
            }
        }
        Evidence::Statement {
            fingerprint,
            template,
            role,
        } => {
            let role = words::role(role, lang);
            format!("{role} [{fingerprint}] {}", excerpt(template.as_str()))
        }
        Evidence::Clause { role, text } => {
            format!("{} {}", words::role(role, lang), excerpt(text))
        }
        Evidence::Cost {
            seconds,
            share,
            over,
        } => cost(*seconds, *share, &unit::duration(over.duration()), lang),
        Evidence::Trend {
            name,
            before,
            now,
            unit,
            basis,
        } => {
            let name = words::measure(name, lang);
            let (before, now) = (unit::quantity(*before, *unit), unit::quantity(*now, *unit));
            let basis = words::basis(basis, lang);
            lang.pick(
                format!("{name}: {now}, was {before} ({basis})"),
                format!("{name}: {before} → {now} ({basis} 대비)"),
            )
        }
        Evidence::Exemplar { .. } => exemplar(evidence, style),
        Evidence::PlanNode { row } => plan_step(row, lang),
    }
}

fn cost(seconds: f64, share: Option<f64>, over: &str, lang: Lang) -> String {
    let seconds = unit::seconds(seconds);
    match share.map(unit::percent) {
        Some(share) => lang.pick(
            format!("{share} of all run time, {seconds} within {over}"),
            format!("전체 실행 시간의 {share}, {over} 동안 {seconds}"),
        ),
        None => lang.pick(
            format!("{seconds} of run time within {over}"),
            format!("{over} 동안 실행 시간 {seconds}"),
        ),
    }
}

fn exemplar(evidence: &Evidence, style: &Style) -> String {
    let Evidence::Exemplar { at, seconds, .. } = evidence else {
        return String::new();
    };
    let at = moment::full(*at, &style.zone);
    let took = unit::seconds(*seconds);
    style.lang.pick(
        format!("one run took {took}, ended {at}"),
        format!("실행 하나가 {took} 걸림, 종료 {at}"),
    )
}

/// How much of what runs a log shows.
pub fn coverage(coverage: &Coverage, lang: Lang) -> String {
    let mut said = match (coverage.known_by, coverage.slower_than) {
        (CoverageSource::Unknown, _) | (_, None) => lang
            .pick("coverage not known", "범위 알 수 없음")
            .to_owned(),
        _ if coverage.is_complete() => lang
            .pick("nearly every statement", "거의 모든 문장")
            .to_owned(),
        (_, Some(least)) => {
            let least = unit::duration(least);
            lang.pick(
                format!("only statements slower than {least}"),
                format!("{least}보다 느린 문장만"),
            )
        }
    };
    if let Some(one_in) = coverage.one_in.filter(|n| *n > 1) {
        said.push_str(&lang.pick(format!(", one in {one_in}"), format!(", {one_in}건 중 1건")));
    }
    said
}

/// One step of a plan: `SIMPLE note: ALL, no index, 1.2 M rows, Using filesort`.
pub fn plan_step(row: &PlanRow, lang: Lang) -> String {
    let mut facts: Vec<String> = Vec::new();
    if !row.access.is_empty() {
        facts.push(excerpt(&row.access));
    }
    facts.push(if row.key.is_empty() {
        lang.pick("no index", "인덱스 없음").to_owned()
    } else {
        format!("{} {}", lang.pick("index", "인덱스"), excerpt(&row.key))
    });
    if let Some(rows) = row.actual_rows.or(row.rows) {
        let rows = unit::count(as_number(rows));
        facts.push(lang.pick(format!("{rows} rows"), format!("{rows}행")));
    }
    if !row.extra.is_empty() {
        facts.push(excerpt(&row.extra));
    }
    let step = [&*row.step, &*row.table]
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| excerpt(part))
        .collect::<Vec<_>>()
        .join(" ");
    let plan = lang.pick("plan step", "실행 계획");
    format!("{plan} {step}: {}", facts.join(", "))
}

/// A count as a number to be rounded for reading.
#[expect(
    clippy::cast_precision_loss,
    reason = "it is shown with four digits at most"
)]
pub(crate) fn as_number(count: u64) -> f64 {
    count as f64
}

/// The head of a text on one line, cut after [`EXCERPT_CHARS`] characters.
pub(crate) fn excerpt(text: &str) -> String {
    shorten(text, EXCERPT_CHARS)
}

/// The text on one line; what is over `max_chars` characters is cut and marked by `…`.
pub(crate) fn shorten(text: &str, max_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max_chars {
        return line;
    }
    let head = line.chars().take(max_chars.saturating_sub(1));
    head.chain(['…']).collect()
}

#[cfg(test)]
mod tests;

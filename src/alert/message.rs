//! An incident as a message, in the order that people read it on a phone: what, where, since when, how bad,
//! which statement, why we think so, what may help, where to look.

use crate::alert::blocks::{Block, Button, Message, SECTION_CHARS};
use crate::alert::text;
use crate::model::evidence::Evidence;
use crate::model::finding::{Remedy, Severity};
use crate::model::incident::{Incident, IncidentState};
use crate::model::time::Interval;
use crate::report::{Style, moment, sentence, sql, unit, words};

/// Most lines of a statement.
const SQL_LINES: usize = 10;
/// Longest statement, in characters.
const SQL_CHARS: usize = 1_500;
/// Longest sentence, in characters.
pub(super) const SENTENCE_CHARS: usize = 400;
/// Most findings of one message.
pub(super) const MAX_FINDINGS: usize = 3;

/// The message of an incident; the same function draws every later state of it.
pub fn parent(incident: &Incident, style: &Style) -> Message {
    let mut blocks = vec![Block::header(&heading(incident, style))];
    blocks.push(Block::fields(&facts(incident, style)));
    let lead = incident.findings.first().map(|f| &f.finding);
    if let Some(statement) = lead.and_then(|f| f.template.as_ref()) {
        let lines = sql::lines(statement.as_str(), SQL_LINES);
        blocks.extend(text::fence(&lines, SQL_CHARS).map(Block::section));
    }
    blocks.push(Block::section(reasons(incident, style)));
    if incident.state != IncidentState::Resolved {
        blocks.extend(incident.remedies.first().map(|r| remedy(r, style)));
    }
    blocks.extend(buttons(incident, style));
    blocks.push(Block::context(small_print(incident, style)));
    Message::new(&summary(incident, style), blocks)
}

pub(super) fn escaped_id(incident: &Incident) -> String {
    text::line(incident.id.as_str(), 60)
}

pub(super) fn icon(incident: &Incident) -> &'static str {
    match (incident.state, incident.severity) {
        (IncidentState::Resolved, _) => "🟢",
        (IncidentState::Recovering, _) => "🟡",
        (_, Severity::Critical) => "🔴",
        (_, Severity::Warning) => "🟠",
        (_, Severity::Info) => "🔵",
    }
}

fn heading(incident: &Incident, style: &Style) -> String {
    let word = match incident.state {
        IncidentState::Resolved | IncidentState::Recovering => {
            words::state(incident.state, style.lang)
        }
        _ => words::severity(incident.severity, style.lang),
    };
    let word = sentence::capitalise(word);
    format!("{} {word}: {}", icon(incident), title(incident, style))
}

/// The symptom of the leading finding and its tables; the incident's own title when there is none.
fn title(incident: &Incident, style: &Style) -> String {
    let Some(lead) = incident.findings.first().map(|f| &f.finding) else {
        return incident.title.clone();
    };
    sentence::headline(lead, style)
}

/// One line that says it all, for notifications.
pub(super) fn summary(incident: &Incident, style: &Style) -> String {
    let state = words::state(incident.state, style.lang);
    let severity = words::severity(incident.severity, style.lang);
    let what = match incident.findings.first() {
        Some(lead) => sentence::finding(&lead.finding, style),
        None => incident.title.clone(),
    };
    let service = incident.service.as_str();
    if service.is_empty() {
        return format!("[{severity}, {state}] {what}");
    }
    format!("[{severity}, {state}] {service}: {what}")
}

fn facts(incident: &Incident, style: &Style) -> Vec<(&'static str, String)> {
    let lang = style.lang;
    let mut facts = vec![
        (
            lang.pick("State", "상태"),
            words::state(incident.state, lang).to_owned(),
        ),
        (
            lang.pick("Since", "시작"),
            moment::full(incident.started_at, &style.zone),
        ),
    ];
    if !incident.service.as_str().is_empty() {
        let service = incident.service.to_string();
        facts.push((lang.pick("Service", "서비스"), service));
    }
    if !incident.databases.is_empty() {
        let databases = incident.databases.join(", ");
        facts.push((lang.pick("Database", "데이터베이스"), databases));
    }
    if let Some(impact) = impact(incident, style) {
        facts.push((lang.pick("Impact", "영향"), impact));
    }
    if let Some(at) = incident.resolved_at {
        let took = unit::duration(at.since(incident.started_at));
        facts.push((lang.pick("Lasted", "지속 시간"), took));
    }
    if let Some(by) = &incident.acknowledged_by {
        facts.push((lang.pick("Acknowledged by", "담당"), by.clone()));
    }
    facts
}

/// What the leading finding costs.
fn impact(incident: &Incident, style: &Style) -> Option<String> {
    let lead = incident.findings.first()?;
    let cost = (lead.finding.evidence.iter()).find(|e| matches!(e, Evidence::Cost { .. }))?;
    Some(sentence::evidence(cost, style))
}

fn reasons(incident: &Incident, style: &Style) -> String {
    let mut lines: Vec<String> = Vec::new();
    let findings = incident.findings.iter().take(MAX_FINDINGS);
    for found in findings {
        let said = sentence::member(found, incident.state, style);
        lines.push(format!("• {}", text::line(&said, SENTENCE_CHARS)));
    }
    let rest = incident.findings.len().saturating_sub(MAX_FINDINGS);
    if rest > 0 {
        lines.push(
            style
                .lang
                .pick(format!("• +{rest}"), format!("• 외 {rest}건")),
        );
    }
    // One finding alone is its own cause, and nothing speaks against it.
    if incident.cause.is_some() && incident.findings.len() > 1 {
        lines.push(text::line(&cause_line(incident, style), SENTENCE_CHARS));
    }
    if lines.is_empty() {
        lines.push(text::line(&incident.title, SENTENCE_CHARS));
    }
    let why = style.lang.pick("*Why we think so*", "*판단 근거*");
    format!("{why}\n{}", lines.join("\n"))
}

/// The most likely cause, what it costs and how it stands to the other findings; never told as a fact.
pub(super) fn cause_line(incident: &Incident, style: &Style) -> String {
    let Some(cause) = &incident.cause else {
        return String::new();
    };
    let lang = style.lang;
    let confidence = words::confidence(cause.confidence, lang);
    let what = &cause.finding;
    let mut line = lang.pick(
        format!("Most likely cause: {what} ({confidence})"),
        format!("가장 유력한 원인: {what} ({confidence})"),
    );
    for (label, facts) in [
        (lang.pick("for", "뒷받침"), &cause.evidence),
        (lang.pick("against", "반대"), &cause.counter_evidence),
    ] {
        let said: Vec<_> = (facts.iter())
            .filter(|e| matches!(e, Evidence::Clause { .. } | Evidence::Cost { .. }))
            .take(3)
            .map(|e| sentence::evidence(e, style))
            .collect();
        if !said.is_empty() {
            line = format!("{line}; {label}: {}", said.join(", "));
        }
    }
    line
}

fn remedy(remedy: &Remedy, style: &Style) -> Block {
    let lang = style.lang;
    let label = lang.pick("What may help", "도움이 될 조치");
    let why = text::line(&words::remedy(&remedy.why, lang), SENTENCE_CHARS);
    if remedy.sql.is_empty() {
        return Block::section(format!("*{label}*\n{why}"));
    }
    let safety = words::safety(remedy.safety, lang);
    let head = format!("*{label}* ({safety})\n{why}");
    let lines = sql::lines(&remedy.sql, SQL_LINES);
    let room = SECTION_CHARS.saturating_sub(head.chars().count() + 1);
    match text::fence(&lines, SQL_CHARS.min(room)) {
        Some(code) => Block::section(format!("{head}\n{code}")),
        None => Block::section(head),
    }
}

fn buttons(incident: &Incident, style: &Style) -> Option<Block> {
    let lang = style.lang;
    let over = Interval {
        from: incident.started_at,
        to: incident
            .resolved_at
            .unwrap_or_else(|| last_seen(incident))
            .max(incident.started_at),
    };
    let links = &style.links;
    let detector = incident.findings.first().map(|f| &f.finding.detector);
    let candidates = [
        (
            lang.pick("Incident", "장애 보기"),
            links.incident(&incident.id),
            "incident",
        ),
        (
            lang.pick("Trace", "트레이스"),
            trace_id(incident).and_then(|id| links.trace(id)),
            "trace",
        ),
        (
            lang.pick("Dashboard", "대시보드"),
            links.dashboard(over),
            "dashboard",
        ),
        (
            lang.pick("Runbook", "런북"),
            detector.and_then(|slug| links.detector(slug)),
            "runbook",
        ),
    ];
    let elements: Vec<_> = candidates
        .into_iter()
        .filter_map(|(label, url, id)| Some(Button::new(label, url?, id)))
        .collect();
    (!elements.is_empty()).then_some(Block::Actions { elements })
}

fn last_seen(incident: &Incident) -> crate::model::time::Timestamp {
    (incident.findings.iter().map(|f| f.last_seen))
        .max()
        .unwrap_or(incident.started_at)
}

fn trace_id(incident: &Incident) -> Option<&str> {
    (incident.findings.iter())
        .flat_map(|f| &f.finding.evidence)
        .find_map(|e| match e {
            Evidence::Exemplar { trace_id, .. } => trace_id.as_deref(),
            _ => None,
        })
}

fn small_print(incident: &Incident, style: &Style) -> String {
    let fingerprint = (incident.findings.first())
        .and_then(|f| f.finding.fingerprint)
        .map(|f| format!(" · {f}"))
        .unwrap_or_default();
    let told = style.lang.pick("revision", "개정");
    let revision = incident.revision;
    format!(
        "{}{fingerprint} · {told} {revision} · sqleuth",
        escaped_id(incident)
    )
}

#[cfg(test)]
mod tests;

//! What follows a first message: the evidence and the news for its thread, and one digest for a storm.

use crate::alert::blocks::{Block, Message};
use crate::alert::message::{MAX_FINDINGS, SENTENCE_CHARS, cause_line, escaped_id, icon, summary};
use crate::alert::text;
use crate::alert::told::{Place, Told};
use crate::model::finding::Finding;
use crate::model::incident::Incident;
use crate::report::{Lang, Style, moment, sentence, unit, words};

/// Most facts of one finding in the thread.
const MAX_FACTS: usize = 8;
/// Most lines of a digest.
const MAX_LISTED: usize = 10;

/// The evidence, for the thread under a new message.
pub fn evidence(incident: &Incident, style: &Style) -> Message {
    let title = style.lang.pick("Evidence", "근거");
    let findings = incident.findings.iter().map(|f| &f.finding);
    let blocks = findings
        .take(MAX_FINDINGS)
        .map(|f| Block::section(facts_of(f, style)))
        .collect();
    Message::new(&format!("{title}: {}", incident.id), blocks)
}

/// What is new since `told`, for the thread; `None` when nothing is worth a line.
pub fn update(incident: &Incident, told: &Told, style: &Style) -> Option<Message> {
    let news = lines(incident, told, style);
    if news.is_empty() {
        return None;
    }
    let mut shown: Vec<String> = (news.iter())
        .map(|line| text::line(line, SENTENCE_CHARS))
        .collect();
    if matches!(told.place, Place::Digest { .. }) {
        shown.insert(0, format!("*{}*", escaped_id(incident)));
    }
    let plain = format!("{}: {}", incident.id, news.join(" · "));
    Some(Message::new(&plain, vec![Block::section(shown.join("\n"))]))
}

/// The news, one a line, raw.
fn lines(incident: &Incident, told: &Told, style: &Style) -> Vec<String> {
    let lang = style.lang;
    let mut news: Vec<String> = Vec::new();
    if told.newly_resolved(incident) {
        news.push(format!("{} {}", icon(incident), lasted(incident, style)));
    } else if told.state != incident.state {
        let state = words::state(incident.state, lang);
        news.push(format!("{} {state}", icon(incident)));
    }
    if incident.severity > told.severity {
        let severity = words::severity(incident.severity, lang);
        news.push(lang.pick(
            format!("Severity raised: {severity}"),
            format!("심각도 상승: {severity}"),
        ));
    }
    if incident.acknowledged_by.is_some() && incident.acknowledged_by != told.acknowledged_by {
        let by = incident.acknowledged_by.as_deref().unwrap_or_default();
        news.push(lang.pick(format!("Acknowledged: {by}"), format!("담당: {by}")));
    }
    let joined = told.new_findings(incident);
    news.extend((joined.iter().take(MAX_FINDINGS)).map(|f| sentence::finding(&f.finding, style)));
    if incident.findings.len() > 1
        && let Some(cause) = &incident.cause
        && told.cause.as_deref() != Some(&*cause.finding)
    {
        news.push(cause_line(incident, style));
    }
    news
}

/// Many incidents in one message.
pub fn digest<'a>(
    incidents: impl ExactSizeIterator<Item = &'a Incident>,
    style: &Style,
) -> Message {
    let count = incidents.len();
    let title = style.lang.pick(
        format!("{count} incidents at once"),
        format!("동시에 발생한 장애 {count}건"),
    );
    let mut blocks = vec![Block::header(&format!("📋 {title}"))];
    let mut listed = Vec::new();
    for incident in incidents.take(MAX_LISTED) {
        listed.push(incident.id.to_string());
        let line = text::line(&summary(incident, style), SENTENCE_CHARS);
        let link = style.links.incident(&incident.id);
        blocks.push(Block::section(match link {
            Some(url) => format!(
                "{} {line}\n<{url}|{}>",
                icon(incident),
                escaped_id(incident)
            ),
            None => format!("{} {line}\n{}", icon(incident), escaped_id(incident)),
        }));
    }
    let rest = count.saturating_sub(MAX_LISTED);
    if rest > 0 {
        blocks.push(Block::context(
            style
                .lang
                .pick(format!("and {rest} more"), format!("외 {rest}건")),
        ));
    }
    Message::new(&format!("{title}: {}", listed.join(", ")), blocks)
}

fn lasted(incident: &Incident, style: &Style) -> String {
    let state = words::state(incident.state, style.lang);
    let Some(at) = incident.resolved_at else {
        return state.to_owned();
    };
    let took = unit::duration(at.since(incident.started_at));
    let at = moment::full(at, &style.zone);
    match style.lang {
        Lang::En => format!("{state} at {at} after {took}"),
        Lang::Ko => format!("{at} {state} (지속 시간 {took})"),
    }
}

fn facts_of(finding: &Finding, style: &Style) -> String {
    let head = text::line(&sentence::headline(finding, style), SENTENCE_CHARS);
    let facts = (finding.evidence.iter().take(MAX_FACTS)).map(|e| {
        let said = sentence::evidence(e, style);
        format!("• {}", text::line(&said, SENTENCE_CHARS / 2))
    });
    let lines: Vec<_> = std::iter::once(format!("*{head}*")).chain(facts).collect();
    lines.join("\n")
}

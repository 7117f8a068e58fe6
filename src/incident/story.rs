//! What an incident tells: title, findings, cause, chain, remedies and timeline, kept up to date.

use std::sync::Arc;

use crate::incident::causes::Causes;
use crate::incident::standing::{self, Standing};
use crate::incident::{NoticeKind, Problem, correlate};
use crate::model::finding::{Finding, Remedy, Severity, Urgency};
use crate::model::id::IncidentId;
use crate::model::incident::{
    Incident, IncidentFinding, IncidentState, Link, TimelineEntry, TimelineEvent,
};
use crate::model::time::Timestamp;

/// Problems that an incident shows; a larger outage is told as well by the first of them.
const MAX_FINDINGS: usize = 64;
/// Remedies that an incident shows.
const MAX_REMEDIES: usize = 16;
/// Entries of the timeline; beyond, the oldest after the opening go.
const MAX_TIMELINE: usize = 400;
/// Entries at the head of the timeline that stay: opened, fired.
const TIMELINE_HEAD: usize = 2;
/// Tables that a title names.
const MAX_TITLE_TABLES: usize = 3;
/// Letters of a table's name in a title.
const MAX_TITLE_NAME: usize = 48;

/// A new incident that begins with this problem.
pub(super) fn open(id: IncidentId, problem: &Problem, now: Timestamp) -> Incident {
    let finding = &problem.worst;
    let started_at = problem.onset.from;
    let entry = |at, what| TimelineEntry { at, what };
    Incident {
        id,
        title: title(finding),
        state: IncidentState::Firing,
        acknowledged_by: None,
        severity: finding.severity,
        started_at,
        detected_at: Some(now),
        resolved_at: None,
        service: finding.service.clone(),
        databases: Vec::new(),
        cause: None,
        chain: Vec::new(),
        findings: vec![member(problem)],
        alerts: Vec::new(),
        remedies: Vec::new(),
        timeline: vec![
            entry(started_at, TimelineEvent::Opened),
            entry(now, TimelineEvent::Fired),
        ],
        revision: 0,
    }
}

/// The problem as the incident keeps it.
fn member(problem: &Problem) -> IncidentFinding {
    IncidentFinding {
        finding: problem.worst.clone(),
        onset: problem.onset,
        last_seen: problem.last_sick,
        active: problem.is_sick(),
        earlier: None,
    }
}

/// It is over.
pub(super) fn close(incident: &mut Incident, now: Timestamp) {
    incident.resolved_at = Some(now);
    for member in &mut incident.findings {
        member.active = false;
    }
}

/// Advice is no part of what goes on once every problem is well.
pub(super) fn rest_advice(incident: &mut Incident) {
    for member in &mut incident.findings {
        member.active &= member.finding.urgency == Urgency::Acute;
    }
}

/// The first sign of an incident may be that of a problem which joined it: a cause whose runs take the longest is the
/// last to be seen.
fn begin_by(incident: &mut Incident, onset: Timestamp) {
    if onset >= incident.started_at {
        return;
    }
    incident.started_at = onset;
    let opened = incident.timeline.first_mut();
    if let Some(opened) = opened.filter(|entry| entry.what == TimelineEvent::Opened) {
        opened.at = onset;
    }
}

/// Adds an entry to the timeline.
pub(super) fn note(incident: &mut Incident, at: Timestamp, what: TimelineEvent) {
    if incident.timeline.len() >= MAX_TIMELINE {
        incident.timeline.remove(TIMELINE_HEAD);
    }
    incident.timeline.push(TimelineEntry { at, what });
}

/// Brings the problem's entry up to date, or adds it; says what people must be told of it.
pub(super) fn tell_problem(
    incident: &mut Incident,
    problem: &Problem,
    now: Timestamp,
) -> Option<NoticeKind> {
    let told = member(problem);
    begin_by(incident, told.onset.from);
    let finding = Arc::clone(&problem.key.detector);
    let fingerprint = problem.key.fingerprint;
    let known = incident
        .findings
        .iter_mut()
        .find(|member| member.finding.key() == problem.key);
    if let Some(known) = known {
        let has_cleared = known.active && !told.active;
        *known = standing::follow(known.clone(), told);
        if has_cleared {
            note(
                incident,
                now,
                TimelineEvent::FindingCleared {
                    finding,
                    fingerprint,
                },
            );
        }
        return None;
    }
    if incident.findings.len() >= MAX_FINDINGS {
        // Advice makes way for a problem.
        let is_advice = |member: &IncidentFinding| member.finding.urgency == Urgency::Chronic;
        let last = incident.findings.iter().rposition(is_advice)?;
        incident.findings.remove(last);
    }
    incident.findings.push(told);
    note(
        incident,
        now,
        TimelineEvent::FindingJoined {
            finding,
            fingerprint,
        },
    );
    Some(NoticeKind::Updated)
}

/// Adds advice that concerns the incident, for context: it neither pages nor keeps the incident open.
pub(super) fn tell_context(incident: &mut Incident, finding: &Finding) {
    let told = IncidentFinding {
        finding: finding.clone(),
        onset: finding.at,
        last_seen: finding.at.to,
        active: incident.state == IncidentState::Firing,
        earlier: None,
    };
    let known = incident
        .findings
        .iter_mut()
        .find(|member| member.finding.key() == finding.key());
    if let Some(known) = known {
        let onset = known.onset.min(told.onset);
        *known = IncidentFinding { onset, ..told };
    } else if incident.findings.len() < MAX_FINDINGS {
        incident.findings.push(told);
    }
}

/// Works out anew what follows from the findings; says what people must be told of it.
pub(super) fn retell(
    incident: &mut Incident,
    causes: &Causes,
    now: Timestamp,
) -> Option<NoticeKind> {
    let leader = incident.findings.first().map(|first| first.finding.key());
    incident.cause = correlate::rank(&mut incident.findings, causes, leader.as_ref(), now);
    let first = incident.findings.first()?;
    let is_sick = Standing::of(first, now) == Standing::Sick;
    let has_new_leader = is_sick && leader.is_some_and(|leader| leader != first.finding.key());
    incident.title = title(&first.finding);
    incident.service = first.finding.service.clone();
    let was = incident.severity;
    let of_now = standing::worst_now(&incident.findings, now);
    incident.severity = of_now.unwrap_or_else(|| worst(&incident.findings).max(was));
    let is_worse = of_now.is_some_and(|now| now > was);
    incident.databases = databases(&incident.findings);
    incident.chain = chain(&incident.findings);
    incident.remedies = remedies(&incident.findings, now);
    if is_worse {
        let to = incident.severity;
        note(incident, now, TimelineEvent::SeverityRaised { to });
    }
    (is_worse || has_new_leader).then_some(NoticeKind::Updated)
}

fn acute(findings: &[IncidentFinding]) -> impl Iterator<Item = &IncidentFinding> {
    findings
        .iter()
        .filter(|member| member.finding.urgency == Urgency::Acute)
}

fn worst(findings: &[IncidentFinding]) -> Severity {
    acute(findings)
        .map(|member| member.finding.severity)
        .max()
        .unwrap_or(Severity::Info)
}

fn databases(findings: &[IncidentFinding]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = findings
        .iter()
        .map(|member| Arc::clone(&member.finding.database))
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Acute findings by onset; one link for each detector, at its earliest.
fn chain(findings: &[IncidentFinding]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut by_onset: Vec<&IncidentFinding> = acute(findings).collect();
    by_onset.sort_by_key(|member| member.onset);
    for member in by_onset {
        let is_known = links
            .iter()
            .any(|link| link.finding == member.finding.detector);
        if !is_known {
            links.push(Link {
                finding: Arc::clone(&member.finding.detector),
                onset: member.onset,
            });
        }
    }
    links
}

fn remedies(findings: &[IncidentFinding], now: Timestamp) -> Vec<Remedy> {
    let mut kept = Vec::new();
    for remedy in standing::to_cure(findings, now)
        .into_iter()
        .flat_map(|finding| &finding.remedies)
    {
        if kept.len() < MAX_REMEDIES && !kept.contains(remedy) {
            kept.push(remedy.clone());
        }
    }
    kept
}

/// `union-hotspot on note, chat`
fn title(finding: &Finding) -> String {
    let mut names: Vec<String> = finding
        .tables
        .iter()
        .take(MAX_TITLE_TABLES)
        .map(|table| plain(table, MAX_TITLE_NAME))
        .collect();
    if finding.tables.len() > MAX_TITLE_TABLES {
        names.push(format!("{} more", finding.tables.len() - MAX_TITLE_TABLES));
    }
    let whose = [&*finding.database, finding.service.as_str()]
        .into_iter()
        .find(|name| !name.is_empty());
    match (names.is_empty(), whose) {
        (false, _) => format!("{} on {}", finding.detector, names.join(", ")),
        (true, Some(whose)) => format!("{} in {}", finding.detector, plain(whose, MAX_TITLE_NAME)),
        (true, None) => finding.detector.to_string(),
    }
}

/// One line of at most so many letters: names are the database's word and may hold anything.
pub(super) fn plain(name: &str, max_letters: usize) -> String {
    let letters = name.chars().filter(|letter| !letter.is_control());
    letters.take(max_letters).collect()
}

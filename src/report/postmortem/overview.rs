//! Summary, impact, detection, mitigation, similar incidents.

use std::time::Duration;

use crate::model::finding::Urgency;
use crate::model::id::FingerprintId;
use crate::model::incident::{Incident, IncidentFinding, IncidentState, TimelineEvent};
use crate::report::markdown::{code, inline, table};
use crate::report::postmortem::Draft;
use crate::report::postmortem::front::Times;
use crate::report::sentence::as_number;
use crate::report::{moment, sentence, unit, words};
use crate::store::view::QueryRow;

/// Most similar incidents.
const MAX_SIMILAR: usize = 5;

/// Three sentences: what, how long, how bad against before.
pub(super) fn summary(draft: &Draft<'_>) -> String {
    let (incident, lang, style) = (draft.incident, draft.lang, &draft.style);
    let record = draft.ledger.record;
    let mut lines = Vec::new();
    if let (Some(lead), Some(refs)) = (incident.findings.first(), draft.ledger.findings.first()) {
        let said = inline(&sentence::finding(&lead.finding, style));
        let proof = refs.first().copied().unwrap_or(record);
        lines.push(format!("{said} {proof}"));
    }
    let from = moment::full(incident.started_at, &style.zone);
    let state = words::state(incident.state, lang);
    let lasted = unit::duration(draft.context.windows.during.duration());
    let how_long = match (incident.state, incident.resolved_at) {
        (IncidentState::Resolved, Some(at)) => {
            let to = moment::full(at, &style.zone);
            lang.pick(
                format!("It began at {from} and was resolved at {to}, after {lasted}."),
                format!("{from}에 시작되어 {to}에 해소됨, 지속 시간 {lasted}."),
            )
        }
        _ => lang.pick(
            format!("It began at {from}; {lasted} later it is {state}."),
            format!("{from}에 시작됨, 현재 {state}, 경과 시간 {lasted}."),
        ),
    };
    lines.push(format!("{how_long} {record}"));
    lines.push(against_before(draft));
    lines.join("\n")
}

/// The leading statement during, against before.
fn against_before(draft: &Draft<'_>) -> String {
    let (lang, [before_ref, during_ref, _]) = (draft.lang, draft.ledger.phases);
    let Some(during) = lead_row(draft, &draft.context.during) else {
        return lang.pick(
            format!("Nothing is stored of its leading statement during that time. {during_ref}"),
            format!("그 시간의 주요 문장에 대해 저장된 데이터 없음. {during_ref}"),
        );
    };
    let p95 = unit::duration(during.load.elapsed.p95);
    let share = unit::percent(during.share);
    match lead_row(draft, &draft.context.before) {
        Some(before) => {
            let was = unit::duration(before.load.elapsed.p95);
            lang.pick(
                format!(
                    "The leading statement took {share} of the run time with a 95th percentile of {p95}, against {was} before. {before_ref} {during_ref}"
                ),
                format!(
                    "주요 문장이 실행 시간의 {share}, p95 {p95} (이전 {was}). {before_ref} {during_ref}"
                ),
            )
        }
        None => lang.pick(
            format!(
                "The leading statement took {share} of the run time with a 95th percentile of {p95}, and was not seen in the half hour before. {before_ref} {during_ref}"
            ),
            format!(
                "주요 문장이 실행 시간의 {share}, p95 {p95}; 이전 30분에는 보이지 않음. {before_ref} {during_ref}"
            ),
        ),
    }
}

fn lead_fingerprint(draft: &Draft<'_>) -> Option<FingerprintId> {
    (draft.incident.findings.iter()).find_map(|f| f.finding.fingerprint)
}

fn lead_row<'a>(draft: &Draft<'_>, rows: &'a [QueryRow]) -> Option<&'a QueryRow> {
    let lead = lead_fingerprint(draft)?;
    rows.iter().find(|row| row.statement.fingerprint == lead)
}

/// A number before and during.
type Fact<'a> = (&'a str, &'a dyn Fn(&QueryRow) -> Option<String>);

/// What the affected statements did, before and during.
pub(super) fn impact(draft: &Draft<'_>) -> String {
    let lang = draft.lang;
    let [before_ref, during_ref, _] = draft.ledger.phases;
    let (before, during) = (
        lead_row(draft, &draft.context.before),
        lead_row(draft, &draft.context.during),
    );
    let facts: [Fact<'_>; 6] = [
        (lang.pick("Runs", "실행 횟수"), &|r| {
            Some(unit::exact(r.load.count))
        }),
        (lang.pick("Failed or cut", "실패·중단"), &|r| {
            let bad = as_number(r.load.errors + r.load.cancelled);
            Some(unit::percent(bad / as_number(r.load.count.max(1))))
        }),
        (lang.pick("Median", "중앙값"), &|r| {
            Some(unit::duration(r.load.elapsed.p50))
        }),
        ("p95", &|r| Some(unit::duration(r.load.elapsed.p95))),
        (
            lang.pick("Rows read per run", "실행당 읽은 행"),
            &|r| r.load.rows_examined.map(|rows| unit::count(rows.mean())),
        ),
        (
            lang.pick("Share of run time", "실행 시간 비중"),
            &|r| Some(unit::percent(r.share)),
        ),
    ];
    let shown = |row: Option<&QueryRow>, value: &dyn Fn(&QueryRow) -> Option<String>| {
        row.and_then(value).unwrap_or_else(|| "–".to_owned())
    };
    let mut rows: Vec<Vec<String>> = facts
        .iter()
        .map(|(name, value)| {
            vec![
                (*name).to_owned(),
                shown(before, value),
                shown(during, value),
                format!("{before_ref} {during_ref}"),
            ]
        })
        .collect();
    rows.push(vec![
        lang.pick("Service", "서비스").to_owned(),
        String::new(),
        code(draft.incident.service.as_str()),
        draft.ledger.record.to_string(),
    ]);
    rows.push(vec![
        lang.pick("Databases", "데이터베이스").to_owned(),
        String::new(),
        code(&draft.incident.databases.join(", ")),
        draft.ledger.record.to_string(),
    ]);
    let head = [
        lang.pick("Leading statement", "주요 문장"),
        lang.pick("before", "이전"),
        lang.pick("during", "장애 중"),
        lang.pick("evidence", "근거"),
    ];
    table(&head, &rows)
}

/// Which rule fired, when, and the times of this one incident.
pub(super) fn detection(draft: &Draft<'_>) -> String {
    let (incident, lang, style) = (draft.incident, draft.lang, &draft.style);
    let record = draft.ledger.record;
    let times = Times::of(draft);
    let mut lines = Vec::new();
    if let Some(first) = first_seen(incident) {
        let rule = code(&first.finding.detector);
        let data = moment::full(first.onset.to, &style.zone);
        lines.push(lang.pick(
            format!("- First rule: {rule}; the data allowed it from {data}. {record}"),
            format!("- 첫 규칙: {rule}; 데이터상 탐지 가능 시점 {data}. {record}"),
        ));
        lines.extend(lead_joined(draft, first));
    }
    let shown = |after: Option<Duration>| {
        after.map_or_else(
            || lang.pick("not known", "알 수 없음").to_owned(),
            unit::duration,
        )
    };
    for (english, korean, at) in [
        ("to detect (TTD)", "탐지까지 (TTD)", times.detected),
        ("to acknowledge (TTA)", "확인까지 (TTA)", times.acknowledged),
        ("to mitigate (TTM)", "완화까지 (TTM)", times.mitigated),
        ("to resolve (TTR)", "해소까지 (TTR)", incident.resolved_at),
    ] {
        let took = shown(times.after_start(at));
        lines.push(lang.pick(
            format!("- Time {english}: {took}. {record}"),
            format!("- {korean}: {took}. {record}"),
        ));
    }
    lines.join("\n")
}

/// The problem that the data showed first.
fn first_seen(incident: &Incident) -> Option<&IncidentFinding> {
    let problems = incident.findings.iter();
    let problems = problems.filter(|member| member.finding.urgency == Urgency::Acute);
    problems.min_by_key(|member| member.onset.to)
}

/// The leading problem, where another was seen first: a cause whose runs take long is told at their end.
fn lead_joined(draft: &Draft<'_>, first: &IncidentFinding) -> Option<String> {
    let (incident, lang, style) = (draft.incident, draft.lang, &draft.style);
    let lead = incident.findings.first()?;
    if lead.finding.key() == first.finding.key() {
        return None;
    }
    let joined = incident.timeline.iter().find(|entry| match &entry.what {
        TimelineEvent::FindingJoined {
            finding,
            fingerprint,
        } => *finding == lead.finding.detector && *fingerprint == lead.finding.fingerprint,
        _ => false,
    })?;
    let rule = code(&lead.finding.detector);
    let data = moment::full(lead.onset.to, &style.zone);
    let at = moment::full(joined.at, &style.zone);
    let took = unit::duration(joined.at.since(incident.started_at));
    let record = draft.ledger.record;
    Some(lang.pick(
        format!("- Leading problem: {rule}; the data allowed it from {data}, detected at {at}, {took} after the start. {record}"),
        format!("- 주요 문제: {rule}; 데이터상 탐지 가능 시점 {data}, 탐지 {at}, 시작 후 {took}. {record}"),
    ))
}

/// What changed around the beginning, and when it became well.
pub(super) fn mitigation(draft: &Draft<'_>) -> String {
    let (lang, style) = (draft.lang, &draft.style);
    let mut lines = Vec::new();
    for (marker, proof) in draft.context.markers.iter().zip(&draft.ledger.markers) {
        let at = moment::full(marker.at, &style.zone);
        let what = inline(&format!("{}: {}", marker.kind, marker.title));
        lines.push(lang.pick(
            format!("- Co-occurs: {what}, at {at}. {proof}"),
            format!("- 같은 시기: {what}, {at}. {proof}"),
        ));
    }
    let record = draft.ledger.record;
    if draft.context.markers.is_empty() {
        lines.push(lang.pick(
            format!("- No deploy or other marker is recorded around it. {record}"),
            format!("- 그 시기에 기록된 배포나 변경 표시 없음. {record}"),
        ));
    }
    if let Some(at) = Times::of(draft).mitigated {
        let at = moment::full(at, &style.zone);
        lines.push(lang.pick(
            format!("- Well again from {at}. {record}"),
            format!("- 정상 회복 시점 {at}. {record}"),
        ));
    }
    lines.join("\n")
}

/// Earlier incidents of the same kind.
pub(super) fn similar(draft: &Draft<'_>) -> String {
    let (lang, style) = (draft.lang, &draft.style);
    let rows: Vec<Vec<String>> = draft
        .context
        .similar
        .iter()
        .zip(&draft.ledger.similar)
        .take(MAX_SIMILAR)
        .map(|(incident, proof)| {
            let end = incident.resolved_at.unwrap_or(incident.started_at);
            vec![
                code(incident.id.as_str()),
                moment::full(incident.started_at, &style.zone),
                unit::duration(end.since(incident.started_at)),
                inline(&incident.title),
                proof.to_string(),
            ]
        })
        .collect();
    if rows.is_empty() {
        let record = draft.ledger.record;
        return lang.pick(
            format!("None is stored. {record}"),
            format!("저장된 유사 장애 없음. {record}"),
        );
    }
    let head = [
        "ID",
        lang.pick("began", "시작"),
        lang.pick("lasted", "지속 시간"),
        lang.pick("title", "제목"),
        lang.pick("evidence", "근거"),
    ];
    table(&head, &rows)
}

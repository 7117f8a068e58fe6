//! The timeline: starts before the incident, and holds only what changed something.

use crate::model::incident::{TimelineEntry, TimelineEvent};
use crate::model::time::Timestamp;
use crate::report::markdown::{code, inline, table};
use crate::report::postmortem::Draft;
use crate::report::{Lang, moment, sentence, words};

/// Most rows; a longer timeline is not read.
const MAX_ROWS: usize = 30;

/// One row, before it is rendered.
struct Row {
    at: Timestamp,
    what: String,
    proof: String,
}

/// The table.
pub(super) fn render(draft: &Draft<'_>) -> String {
    let lang = draft.lang;
    let zone = &draft.style.zone;
    let mut rows = rows(draft);
    let left_out = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    let mut cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| vec![moment::stamp(row.at, zone), row.what, row.proof])
        .collect();
    if left_out > 0 {
        let more = lang.pick(
            format!("{left_out} more in the evidence"),
            format!("이외 {left_out}건은 근거 파일 참조"),
        );
        cells.push(vec!["…".to_owned(), more, draft.ledger.record.to_string()]);
    }
    let zone = moment::zone_name(draft.incident.started_at, zone);
    let head = [
        &*lang.pick(format!("time ({zone})"), format!("시각 ({zone})")),
        lang.pick("event", "사건"),
        lang.pick("evidence", "근거"),
    ];
    table(&head, &cells)
}

/// What happened, oldest first; of one instant in the order in which it was recorded.
fn rows(draft: &Draft<'_>) -> Vec<Row> {
    let incident = draft.incident;
    let record = draft.ledger.record.to_string();
    let mut rows: Vec<Row> = (draft.context.markers.iter().zip(&draft.ledger.markers))
        .map(|(marker, proof)| Row {
            at: marker.at,
            what: inline(&format!("{}: {}", marker.kind, marker.title)),
            proof: proof.to_string(),
        })
        .collect();
    for (found, proof) in incident.findings.iter().zip(&draft.ledger.findings) {
        let symptom = inline(&sentence::symptom(&found.finding.detector, &draft.style));
        let slug = code(&found.finding.detector);
        rows.push(Row {
            at: found.onset.from,
            what: draft.lang.pick(
                format!("First sign of {slug}: {symptom}"),
                format!("{slug}의 첫 징후: {symptom}"),
            ),
            proof: proof
                .first()
                .map_or_else(|| record.clone(), ToString::to_string),
        });
    }
    rows.extend(incident.timeline.iter().filter_map(|entry| {
        Some(Row {
            at: entry.at,
            what: event(entry, draft.lang)?,
            proof: record.clone(),
        })
    }));
    rows.extend(incident.alerts.iter().map(|alert| {
        let sink = inline(&alert.sink);
        let told = inline(&words::notice(&alert.what, draft.lang));
        Row {
            at: alert.at,
            what: draft.lang.pick(
                format!("Told by {sink}: {told}"),
                format!("{sink} 알림: {told}"),
            ),
            proof: record.clone(),
        }
    }));
    rows.sort_by_key(|row| row.at);
    rows
}

/// One entry in words; a finding that joined is shown by its onset already.
fn event(entry: &TimelineEntry, lang: Lang) -> Option<String> {
    let words = match &entry.what {
        TimelineEvent::FindingJoined { .. } => return None,
        TimelineEvent::Opened => lang.pick("Opened", "감지 시작").to_owned(),
        TimelineEvent::Fired => lang.pick("Detected", "탐지").to_owned(),
        TimelineEvent::FindingCleared { finding, .. } => {
            let slug = code(finding);
            lang.pick(
                format!("{slug} is seen no more"),
                format!("{slug} 더 이상 보이지 않음"),
            )
        }
        TimelineEvent::SeverityRaised { to } => {
            let to = words::severity(*to, lang);
            lang.pick(
                format!("Severity raised: {to}"),
                format!("심각도 상승: {to}"),
            )
        }
        // Rule 4: no names of people.
        TimelineEvent::Acknowledged { .. } => lang.pick("Acknowledged", "담당자 확인").to_owned(),
        TimelineEvent::Recovering => lang.pick("Well again", "정상 회복").to_owned(),
        TimelineEvent::Relapsed => lang.pick("Sick again", "재발").to_owned(),
        TimelineEvent::Resolved => lang.pick("Resolved", "해소").to_owned(),
        TimelineEvent::Marker { kind, title } => inline(&format!("{kind}: {title}")),
    };
    Some(words)
}

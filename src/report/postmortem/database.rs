//! What the database was doing, what may have contributed, and what may be done.

use crate::model::finding::Remedy;
use crate::model::incident::IncidentState;
use crate::report::markdown::{code, inline, table};
use crate::report::postmortem::Draft;
use crate::report::postmortem::ledger::Ref;
use crate::report::postmortem::plot::Plot;
use crate::report::{moment, sentence, unit, words};
use crate::store::view::QueryRow;

/// Most statements of a table.
const MAX_STATEMENTS: usize = 5;
/// Most findings.
const MAX_FINDINGS: usize = 5;
/// Most facts of one finding; all of them are in the appendix.
const MAX_FACTS: usize = 6;
/// Most action items.
const MAX_ACTIONS: usize = 8;
/// Longest excerpt of a statement in a table, in characters.
const EXCERPT_CHARS: usize = 60;

/// Charts, statements before, during and after, findings.
pub(super) fn render(draft: &Draft<'_>, charts: &[Plot]) -> String {
    let mut parts: Vec<String> = charts
        .iter()
        .map(|chart| {
            format!(
                "![{}]({})\n\n{} {}",
                chart.alt, chart.path, chart.alt, chart.proof
            )
        })
        .collect();
    let lang = draft.lang;
    let phases = [
        (lang.pick("Before", "이전"), &draft.context.before),
        (lang.pick("During", "장애 중"), &draft.context.during),
        (lang.pick("After", "이후"), &draft.context.after),
    ];
    let is_over = draft.incident.state == IncidentState::Resolved;
    let shown = if is_over {
        phases.len()
    } else {
        phases.len() - 1
    };
    for ((name, rows), proof) in phases.into_iter().zip(draft.ledger.phases).take(shown) {
        parts.push(format!("### {name}\n\n{}", statements(draft, rows, proof)));
    }
    parts.push(format!(
        "### {}\n\n{}",
        lang.pick("Findings", "발견 사항"),
        findings(draft)
    ));
    parts.join("\n\n")
}

fn statements(draft: &Draft<'_>, rows: &[QueryRow], proof: Ref) -> String {
    let lang = draft.lang;
    if rows.is_empty() {
        return lang.pick(
            format!("Nothing is stored. {proof}"),
            format!("저장된 데이터 없음. {proof}"),
        );
    }
    let cells: Vec<Vec<String>> = (rows.iter().take(MAX_STATEMENTS))
        .map(|row| {
            let read = row.load.rows_examined;
            vec![
                code(&row.statement.fingerprint.to_string()),
                code(&sentence::shorten(
                    row.statement.template.as_str(),
                    EXCERPT_CHARS,
                )),
                unit::exact(row.load.count),
                unit::percent(row.share),
                unit::duration(row.load.elapsed.p95),
                read.map_or_else(|| "–".to_owned(), |r| unit::count(r.mean())),
                proof.to_string(),
            ]
        })
        .collect();
    let head = [
        lang.pick("fingerprint", "지문"),
        lang.pick("statement", "문장"),
        lang.pick("runs", "실행"),
        lang.pick("share", "비중"),
        "p95",
        lang.pick("rows read per run", "실행당 읽은 행"),
        lang.pick("evidence", "근거"),
    ];
    table(&head, &cells)
}

fn findings(draft: &Draft<'_>) -> String {
    let style = &draft.style;
    let mut lines = Vec::new();
    let known = draft.incident.findings.iter().zip(&draft.ledger.findings);
    for (found, refs) in known.take(MAX_FINDINGS) {
        let finding = &found.finding;
        let tables = code(&sentence::tables(finding));
        let symptom = inline(&sentence::symptom(&finding.detector, style));
        lines.push(format!("- **{symptom}** ({tables})"));
        for (evidence, proof) in finding.evidence.iter().zip(refs).take(MAX_FACTS) {
            let fact = inline(&sentence::evidence(evidence, style));
            lines.push(format!("  - {fact}. {proof}"));
        }
    }
    lines.join("\n")
}

/// Candidates with their evidence and what speaks against them; in order of onset, not of blame.
pub(super) fn candidates(draft: &Draft<'_>) -> String {
    let (incident, lang, style) = (draft.incident, draft.lang, &draft.style);
    let record = draft.ledger.record;
    let mut lines: Vec<String> = incident
        .chain
        .iter()
        .map(|link| {
            let slug = code(&link.finding);
            let onset = moment::full(link.onset.from, &style.zone);
            let after = unit::duration(link.onset.from.since(incident.started_at));
            lang.pick(
                format!(
                    "- {slug} co-occurs, first seen at {onset}, {after} after the start. {record}"
                ),
                format!("- {slug} 함께 나타남, 처음 보인 시각 {onset}, 시작 후 {after}. {record}"),
            )
        })
        .collect();
    if let Some(cause) = &incident.cause {
        let slug = code(&cause.finding);
        let confidence = words::confidence(cause.confidence, lang);
        lines.push(lang.pick(
            format!("- Ranked first by order and share of load: {slug} ({confidence}). {record}"),
            format!("- 순서와 부하 비중에 따른 1순위 후보: {slug} ({confidence}). {record}"),
        ));
        let [for_it, against] = &draft.ledger.cause;
        for (label, facts, refs) in [
            (lang.pick("for", "뒷받침"), &cause.evidence, for_it),
            (
                lang.pick("against", "반대"),
                &cause.counter_evidence,
                against,
            ),
        ] {
            for (evidence, proof) in facts.iter().zip(refs) {
                let fact = inline(&sentence::evidence(evidence, style));
                lines.push(format!("  - {label}: {fact}. {proof}"));
            }
        }
    }
    if lines.is_empty() {
        lines.push(lang.pick(
            format!("No candidate is recorded. {record}"),
            format!("기록된 후보 없음. {record}"),
        ));
    }
    lines.join("\n")
}

/// Remedies as items that nobody has agreed to yet.
pub(super) fn actions(draft: &Draft<'_>) -> String {
    let lang = draft.lang;
    let rows: Vec<Vec<String>> = draft
        .incident
        .remedies
        .iter()
        .take(MAX_ACTIONS)
        .enumerate()
        .map(|(index, remedy)| action(draft, index + 1, remedy))
        .collect();
    if rows.is_empty() {
        let record = draft.ledger.record;
        return lang.pick(
            format!("No candidate is recorded. {record}"),
            format!("기록된 후보 없음. {record}"),
        );
    }
    let head = [
        "#",
        lang.pick("action", "조치"),
        lang.pick("kind", "종류"),
        lang.pick("owner", "담당"),
        lang.pick("due", "기한"),
        lang.pick("issue", "이슈"),
        lang.pick("how to verify", "검증 방법"),
        lang.pick("evidence", "근거"),
    ];
    table(&head, &rows)
}

fn action(draft: &Draft<'_>, number: usize, remedy: &Remedy) -> Vec<String> {
    let lang = draft.lang;
    let why = inline(&words::remedy(&remedy.why, lang));
    let what = if remedy.sql.is_empty() {
        why
    } else {
        let safety = words::safety(remedy.safety, lang);
        format!("{}<br>{why} ({safety})", code(&remedy.sql))
    };
    let findings = &draft.incident.findings;
    let cured = findings
        .iter()
        .find(|f| f.finding.remedies.contains(remedy))
        .or(findings.first());
    let verify = cured.map_or_else(String::new, |f| {
        let slug = code(&f.finding.detector);
        lang.pick(
            format!("{slug} stays quiet under the same load"),
            format!("같은 부하에서 {slug} 미발생"),
        )
    });
    vec![
        format!("☐ {number}"),
        what,
        lang.pick("prevent", "예방").to_owned(),
        String::new(),
        String::new(),
        String::new(),
        verify,
        draft.ledger.record.to_string(),
    ]
}

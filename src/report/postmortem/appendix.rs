//! The appendix: every piece of evidence, the statements in full, what is missing, what the words mean.

use std::collections::BTreeMap;

use crate::model::evidence::Evidence;
use crate::model::id::FingerprintId;
use crate::report::markdown::{code, fence, inline, table};
use crate::report::postmortem::{Draft, block};
use crate::report::{Lang, moment, sentence, sql};

/// Most statements in full.
const MAX_STATEMENTS: usize = 12;
/// Most lines of one statement.
const SQL_LINES: usize = 40;
/// Most plan steps of one statement.
const MAX_STEPS: usize = 20;

/// Appendices A, B, C and the glossary.
pub(super) fn render(draft: &Draft<'_>) -> String {
    let lang = draft.lang;
    [
        lang.pick("## Appendix A. Evidence", "## 부록 A. 근거")
            .to_owned(),
        block("evidence", &evidence(draft)),
        lang.pick("## Appendix B. Statements", "## 부록 B. 문장")
            .to_owned(),
        block("statements", &statements(draft)),
        lang.pick("## Appendix C. Data gaps", "## 부록 C. 데이터 공백")
            .to_owned(),
        block("gaps", &gaps(draft)),
        block("glossary", glossary(lang)),
    ]
    .join("\n\n")
}

fn evidence(draft: &Draft<'_>) -> String {
    let (lang, zone) = (draft.lang, &draft.style.zone);
    let traces = traces(draft);
    let rows: Vec<Vec<String>> = draft
        .ledger
        .entries
        .iter()
        .map(|entry| {
            let over = entry.over.map_or_else(String::new, |over| {
                let to = moment::clock(over.to, zone);
                format!("{}–{to}", moment::stamp(over.from, zone))
            });
            let words = inline(&entry.words);
            let link = entry.data["trace_id"]
                .as_str()
                .and_then(|id| traces.get(id));
            let shown = link.map_or_else(|| words.clone(), |url| format!("[{words}]({url})"));
            vec![entry.id.clone(), code(&entry.source), over, shown]
        })
        .collect();
    let zone = moment::zone_name(draft.incident.started_at, zone);
    let head = [
        "ID",
        lang.pick("source", "출처"),
        &*lang.pick(format!("interval ({zone})"), format!("구간 ({zone})")),
        lang.pick("value", "값"),
    ];
    let all = lang.pick(
        "The data behind each number is in [evidence.json](evidence.json).",
        "각 번호의 데이터는 [evidence.json](evidence.json)에 있음.",
    );
    format!("{}\n\n{all} {}", table(&head, &rows), draft.ledger.record)
}

/// Links of the traces that the evidence names.
fn traces<'a>(draft: &'a Draft<'_>) -> BTreeMap<&'a str, String> {
    let exemplars = draft
        .incident
        .findings
        .iter()
        .flat_map(|f| &f.finding.evidence);
    exemplars
        .filter_map(|evidence| match evidence {
            Evidence::Exemplar {
                trace_id: Some(id), ..
            } => Some((&**id, draft.style.links.trace(id)?)),
            _ => None,
        })
        .collect()
}

fn statements(draft: &Draft<'_>) -> String {
    let mut seen: Vec<FingerprintId> = Vec::new();
    let mut parts = Vec::new();
    let of_findings = (draft.incident.findings.iter())
        .filter_map(|f| Some((f.finding.fingerprint?, f.finding.template.as_ref()?)));
    let rows = draft.context.during.iter();
    let of_rows = rows.map(|row| (row.statement.fingerprint, &row.statement.template));
    for (fingerprint, template) in of_findings.chain(of_rows) {
        if seen.contains(&fingerprint) || seen.len() >= MAX_STATEMENTS {
            continue;
        }
        seen.push(fingerprint);
        let lines = sql::lines(template.as_str(), SQL_LINES);
        let text = fence("sql", &lines);
        parts.push(format!("{}\n\n{text}", code(&fingerprint.to_string())));
        let plan = plan(draft, fingerprint);
        if !plan.is_empty() {
            parts.push(plan);
        }
    }
    if parts.is_empty() {
        return draft.lang.pick("None.", "없음.").to_owned();
    }
    parts.join("\n\n")
}

fn plan(draft: &Draft<'_>, fingerprint: FingerprintId) -> String {
    let findings = draft.incident.findings.iter().map(|f| &f.finding);
    let steps = findings
        .filter(|f| f.fingerprint == Some(fingerprint))
        .flat_map(|f| &f.evidence)
        .filter_map(|evidence| match evidence {
            Evidence::PlanNode { row } => Some(row),
            _ => None,
        });
    let lines: Vec<_> = steps
        .take(MAX_STEPS)
        .map(|row| format!("- {}", inline(&sentence::plan_step(row, draft.lang))))
        .collect();
    lines.join("\n")
}

fn gaps(draft: &Draft<'_>) -> String {
    let (lang, zone) = (draft.lang, &draft.style.zone);
    let mut lines = Vec::new();
    for (source, proof) in draft.context.sources.iter().zip(&draft.ledger.sources) {
        let name = code(source.source.as_str());
        let coverage = sentence::coverage(&source.coverage, lang);
        lines.push(format!("- {name}: {coverage}. {proof}"));
        for gap in &source.gaps {
            let from = moment::stamp(gap.over.from, zone);
            let to = moment::full(gap.over.to, zone);
            let why = inline(&gap.why);
            lines.push(lang.pick(
                format!("  - No data {from} to {to}: {why}. {proof}"),
                format!("  - {from} ~ {to} 데이터 없음: {why}. {proof}"),
            ));
        }
    }
    if lines.is_empty() {
        let record = draft.ledger.record;
        lines.push(lang.pick(
            format!("No source is recorded. {record}"),
            format!("기록된 출처 없음. {record}"),
        ));
    }
    lines.join("\n")
}

fn glossary(lang: Lang) -> &'static str {
    lang.pick(
        "detected = the first alert was due; acknowledged = somebody took it; mitigated = well from then on; \
         resolved = well for long enough to say so. All durations count from the first sign (impact start). \
         before / after = the half hours around it. Shares are of the run time that the log shows.",
        "탐지 = 첫 알림 시점; 확인 = 담당자가 맡은 시점; 완화 = 이후 정상인 시점; 해소 = 충분히 오래 정상인 시점. \
         모든 소요 시간은 첫 징후(영향 시작)부터 셈. 이전/이후 = 전후 30분. 비중은 로그에 보이는 실행 시간 기준.",
    )
}

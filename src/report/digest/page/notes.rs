//! What the reader must know to judge the report.

use std::collections::BTreeMap;

use crate::report::digest::page::front::tells_whole_seconds;
use crate::report::digest::page::{counted, runs, share_of_time};
use crate::report::digest::{Digest, Source};
use crate::report::sentence::as_number;
use crate::report::{Lang, unit};

/// A share that is as good as the whole.
const NEARLY_ALL: f64 = 0.995;

pub(super) fn notes(digest: &Digest, lang: Lang) -> Vec<String> {
    let source = &digest.source;
    let mut notes = blind(source, lang);
    notes.extend(too_seldom(source, lang));
    if source.outside > 0 && !digest.queries.is_empty() {
        let runs = runs(source.outside, lang);
        notes.push(lang.pick(
            format!("Left out by --since and --until: {runs}."),
            format!("--since와 --until로 제외됨: {runs}."),
        ));
    }
    if source.nested_statements > 0 {
        let runs = runs(source.nested_statements, lang);
        notes.push(lang.pick(
            format!("{runs} ran inside others, as the statements of a function do: their time is theirs, and not that of the caller once more."),
            format!("다른 문장 안(함수 등)에서 실행됨: {runs}. 그 시간은 호출한 문장에 다시 더하지 않음."),
        ));
    }
    if source.frequent_checkpoints > 0 {
        let times = counted(source.frequent_checkpoints, ("time", "times"), "회", lang);
        notes.push(lang.pick(
            format!("The server said {times} that checkpoints come too often: a larger max_wal_size spreads their writes."),
            format!("서버가 체크포인트가 너무 잦다고 {times} 알림: max_wal_size를 늘리면 쓰기가 분산됨."),
        ));
    }
    if source.unread_plans > 0 {
        let plans = counted(source.unread_plans, ("plan", "plans"), "개", lang);
        notes.push(lang.pick(
            format!("{plans} of auto_explain in XML or YAML were not read; their runs count without a plan. Set auto_explain.log_format = json."),
            format!("읽지 못한 XML 또는 YAML 형식의 auto_explain 실행 계획: {plans}. 실행은 계획 없이 집계함. auto_explain.log_format = json으로 설정할 것."),
        ));
    }
    if source.unparsed_entries > 0 {
        let entries = counted(source.unparsed_entries, ("entry", "entries"), "개", lang);
        notes.push(lang.pick(
            format!("{entries} of the log could not be read."),
            format!("읽지 못한 로그 항목: {entries}."),
        ));
    }
    notes.extend(opaque(source, lang));
    if !digest.queries.is_empty() {
        let exact = lang.pick(
            "Medians, p95 and p99 are within 1 % of the true value; all else is exact.",
            "중앙값, p95, p99의 오차는 1 % 이내이며 나머지는 정확함.",
        );
        notes.push(exact.to_owned());
        if tells_whole_seconds(source) {
            let coarse = lang.pick(
                "The log tells whole seconds: when a run was, and how many there were at once, is known to a second.",
                "로그의 시각이 초 단위라서 실행 시각과 동시 실행 수는 1초 정도의 오차가 있음.",
            );
            notes.push(coarse.to_owned());
        }
    }
    notes
}

/// Detectors that could not judge, those with the same need in one sentence.
fn blind(source: &Source, lang: Lang) -> Vec<String> {
    let mut by_need: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for blind in &source.not_judged {
        let of_all = blind.share >= NEARLY_ALL;
        let detector = if of_all {
            blind.detector.to_owned()
        } else {
            format!("{} ({})", blind.detector, share_of_time(blind.share, lang))
        };
        by_need.entry(blind.needs).or_default().push(detector);
    }
    let sentence = |(needs, detectors): (&str, Vec<String>)| {
        let detectors = detectors.join(", ");
        lang.pick(
            format!("Not judged for want of evidence: {detectors}. Needed: {needs}."),
            format!("근거가 부족해 판단하지 않음: {detectors}. 필요한 것: {needs}."),
        )
    };
    by_need.into_iter().map(sentence).collect()
}

/// What a few long runs took: nothing is found of them, and that is no all-clear.
fn too_seldom(source: &Source, lang: Lang) -> Option<String> {
    let seldom = source.too_seldom?;
    let share = share_of_time(seldom.share, lang);
    let statements = counted(
        seldom.statements,
        ("statement", "statements"),
        "종 문장",
        lang,
    );
    Some(lang.pick(
        format!("{statements} with {share} ran too seldom to judge."),
        format!("{statements}({share})은 실행이 너무 드물어 판단하지 않음."),
    ))
}

/// How much of each dialect the parser did not know.
fn opaque(source: &Source, lang: Lang) -> Vec<String> {
    let strange = source
        .dialects
        .iter()
        .filter(|(_, r)| r.opaque_statements > 0);
    strange
        .map(|(dialect, readable)| {
            let (dialect, opaque) = (dialect.as_str(), readable.opaque_statements);
            let all = readable.statements;
            let share = unit::percent(as_number(opaque) / as_number(all));
            let runs = runs(opaque, lang);
            lang.pick(
                format!(
                    "The parser does not know the {dialect} SQL of {runs} ({share}); they are grouped by their text."
                ),
                format!("파서가 모르는 {dialect} SQL: {runs} ({share}). 텍스트로 묶음."),
            )
        })
        .collect()
}

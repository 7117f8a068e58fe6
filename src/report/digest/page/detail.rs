//! All that is known of one statement.

use std::sync::Arc;

use crate::report::digest::page::profile::seconds;
use crate::report::digest::page::{
    Ailment, Detail, Try, advice, anchor, name, runs, share_of, texts,
};
use crate::report::digest::{Digest, Found, Query, Rows, Seconds, Times};
use crate::report::sentence::as_number;
use crate::report::{Lang, Style, moment, sentence, sql, unit};

/// Lines of a statement's text.
const SQL_LINES: usize = 14;
/// Names of databases, users or hosts.
const NAMES: usize = 4;
/// Facts of a finding beyond its summary.
const EVIDENCE: usize = 4;
/// Remedies of a statement.
const REMEDIES: usize = 4;

pub(super) fn detail(index: usize, query: &Query, digest: &Digest, style: &Style) -> Detail {
    let its = |f: &&Found| f.about() == Some(query.key());
    let found: Vec<_> = digest.findings.iter().filter(its).collect();
    let mut remedies: Vec<Try> = Vec::new();
    for remedy in advice::remedies(&found) {
        let remedy = Try::of(remedy, style.lang);
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies.truncate(REMEDIES);
    let is_ranked = index < digest.ranked;
    Detail {
        rank: if is_ranked {
            format!("{}.", index + 1)
        } else {
            String::new()
        },
        name: name(query),
        share: share_of(query, style.lang),
        fingerprint: query.fingerprint.to_string(),
        anchor: anchor(query.key()),
        sql: sql::lines(query.template.as_str(), SQL_LINES),
        measures: measures(query, style.lang),
        facts: facts(query, digest, style),
        findings: found.into_iter().map(|f| ailment(f, style)).collect(),
        remedies,
    }
}

fn ailment(found: &Found, style: &Style) -> Ailment {
    let phrases = found.evidence.iter().map(|e| sentence::evidence(e, style));
    // The summary tells the first fact and the cost already.
    let told = |phrase: &String| {
        found
            .summary
            .to_lowercase()
            .contains(&phrase.to_lowercase())
    };
    Ailment {
        severity: found.severity,
        detector: found.detector.to_string(),
        summary: found.summary.clone(),
        evidence: phrases.filter(|p| !told(p)).take(EVIDENCE).collect(),
    }
}

fn measures(query: &Query, lang: Lang) -> Vec<(String, [String; 7])> {
    let mut told = Vec::new();
    if query.is_timed() {
        told.push((lang.pick("time", "실행 시간"), times(&query.time_s)));
    }
    let waited = |lock: &&Times| lock.total != Seconds::default();
    if let Some(lock) = query.lock_s.as_ref().filter(waited) {
        told.push((lang.pick("lock wait", "잠금 대기"), times(lock)));
    }
    let counts = [
        (lang.pick("rows read", "읽은 행"), query.rows_examined),
        (lang.pick("rows sent", "보낸 행"), query.rows_sent),
        (lang.pick("rows changed", "변경한 행"), query.rows_affected),
    ];
    for (label, rows) in counts {
        if let Some(rows) = rows.filter(|rows| rows.total > 0) {
            told.push((label, amounts(&rows, unit::count)));
        }
    }
    if let Some(bytes) = query.bytes_sent.filter(|bytes| bytes.total > 0) {
        told.push((
            lang.pick("bytes sent", "보낸 바이트"),
            amounts(&bytes, unit::bytes),
        ));
    }
    let owned = |(label, cells): (&str, _)| (label.to_owned(), cells);
    told.into_iter().map(owned).collect()
}

fn times(times: &Times) -> [String; 7] {
    [
        seconds(times.total),
        unit::seconds(times.mean),
        seconds(times.min),
        seconds(times.p50),
        seconds(times.p95),
        seconds(times.p99),
        seconds(times.max),
    ]
}

fn amounts(rows: &Rows, show: fn(f64) -> String) -> [String; 7] {
    let whole = |count: u64| show(as_number(count));
    [
        whole(rows.total),
        show(rows.mean),
        String::new(),
        String::new(),
        whole(rows.p95),
        String::new(),
        whole(rows.max),
    ]
}

fn facts(query: &Query, digest: &Digest, style: &Style) -> Vec<String> {
    let lang = style.lang;
    let mut ran = vec![runs(query.count, lang)];
    if query.errors > 0 {
        let errors = unit::exact(query.errors);
        ran.push(lang.pick(
            format!("{errors} failed or cut off"),
            format!("실패 또는 중단 {errors}회"),
        ));
    }
    if query.untimed > 0 && query.is_timed() {
        let untimed = unit::exact(query.untimed);
        ran.push(lang.pick(
            format!("{untimed} without a run time"),
            format!("실행 시간 알 수 없음 {untimed}회"),
        ));
    }
    if query.full_scans > 0 {
        let scans = unit::exact(query.full_scans);
        ran.push(lang.pick(
            format!("{scans} read a whole table"),
            format!("테이블 전체를 읽음 {scans}회"),
        ));
    }
    let mut facts = vec![ran.join(", ")];
    if digest.source.dialects.len() > 1 {
        let dialect = query.dialect.as_str();
        facts.push(lang.pick(format!("dialect {dialect}"), format!("방언 {dialect}")));
    }
    facts.extend(period(query, style));
    let places = [
        (
            lang.pick("database", "데이터베이스"),
            &query.databases,
            "databases",
        ),
        (lang.pick("user", "사용자"), &query.users, "users"),
        (lang.pick("from", "클라이언트"), &query.clients, "clients"),
    ];
    for (label, names, list) in places {
        let or_more = if query.more.contains(&list) {
            lang.pick(" or more", " 이상")
        } else {
            ""
        };
        facts.extend(listed(label, names, or_more));
    }
    facts.extend(texts::told(query, lang));
    facts.extend(text(query, lang).map(str::to_owned));
    facts
}

/// What is not known of its text.
fn text(query: &Query, lang: Lang) -> impl Iterator<Item = &'static str> {
    let cut = query.truncated.then_some((
        "cut by the log, its end is not known",
        "로그에서 잘린 문장, 끝부분은 알 수 없음",
    ));
    let grouped = query.opaque.then_some((
        "not known to the parser, grouped by its text",
        "파서가 모르는 문장, 텍스트로 묶음",
    ));
    let told = [cut, grouped].into_iter().flatten();
    told.map(move |(english, korean)| lang.pick(english, korean))
}

fn period(query: &Query, style: &Style) -> Option<String> {
    let (from, to) = query.first_seen.zip(query.last_seen)?;
    if from == to {
        let at = moment::stamp(from, &style.zone);
        return Some(style.lang.pick(format!("at {at}"), format!("시각 {at}")));
    }
    let (first, last) = moment::range(from, to, &style.zone);
    Some(
        style
            .lang
            .pick(format!("{first} to {last}"), format!("{first} ~ {last}")),
    )
}

/// The first names; `or_more` where others were not even kept.
fn listed(label: &str, names: &[Arc<str>], or_more: &str) -> Option<String> {
    let known: Vec<&str> = names
        .iter()
        .map(|n| &**n)
        .filter(|n| !n.is_empty())
        .collect();
    if known.is_empty() {
        return None;
    }
    let (shown, left_out) = known.split_at(known.len().min(NAMES));
    let mut said = format!("{label} {}", shown.join(", "));
    if !left_out.is_empty() {
        said = format!("{said}, +{}{or_more}", left_out.len());
    }
    Some(said)
}

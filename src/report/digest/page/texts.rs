//! What is worth a word of the texts of a statement, of which its fingerprint keeps one.

use crate::report::digest::{Lengths, Query, Tagged};
use crate::report::sentence::as_number;
use crate::report::{Lang, unit};

/// Shorter lists are nobody's trouble.
const LONG_LIST: u64 = 20;
/// Rows at once that are a batch.
const BATCH: u64 = 2;
/// Branches of an OR or a set operation that nobody types.
const MANY_BRANCHES: u32 = 5;

pub(super) fn told(query: &Query, lang: Lang) -> Vec<String> {
    let attributes = &query.attributes;
    let mut told = Vec::new();
    if let Some(list) = attributes.list.filter(|list| list.max >= LONG_LIST) {
        let (most, typical) = both(list);
        told.push(lang.pick(
            format!("IN list: up to {most} values, typically {typical}"),
            format!("IN 목록: 최대 {most}개, 보통 {typical}개"),
        ));
    }
    if let Some(rows) = attributes.rows.filter(|rows| rows.max >= BATCH) {
        let (most, typical) = both(rows);
        told.push(lang.pick(
            format!("up to {most} rows at once, typically {typical}"),
            format!("한 번에 최대 {most}행, 보통 {typical}행"),
        ));
    }
    if attributes.or_terms >= MANY_BRANCHES {
        let terms = attributes.or_terms;
        told.push(lang.pick(
            format!("OR of up to {terms} terms"),
            format!("OR 항 최대 {terms}개"),
        ));
    }
    if attributes.set_operations >= MANY_BRANCHES {
        let branches = attributes.set_operations.saturating_add(1);
        told.push(lang.pick(
            format!("set operation of up to {branches} branches"),
            format!("집합 연산 가지 최대 {branches}개"),
        ));
    }
    if attributes
        .like
        .iter()
        .any(|kind| matches!(*kind, "suffix" | "contains"))
    {
        let wildcard = lang.pick("LIKE begins with a wildcard", "LIKE가 와일드카드로 시작함");
        told.push(wildcard.to_owned());
    }
    told.extend(caller(query, lang));
    told
}

/// Code that asks less often is not where a statement comes from.
const MIN_SHARE: f64 = 0.2;

/// The code that asks most: its route, or what the comment names instead.
fn caller(query: &Query, lang: Lang) -> Option<String> {
    let tags = &query.attributes.tags;
    let first = |key: &str| tags.get(key).and_then(|tagged| tagged.first());
    let share = |tagged: &Tagged| as_number(tagged.count) / as_number(query.count.max(1));
    let asks_most = |key| first(key).filter(|tagged| share(tagged) >= MIN_SHARE);
    let keys = ["route", "controller", "action", "application", "framework"];
    let (key, most) = keys
        .into_iter()
        .find_map(|key| Some((key, asks_most(key)?)))?;
    let (value, share) = (&most.value, unit::percent(share(most)));
    Some(lang.pick(
        format!("from {key} {value} {share}"),
        format!("{key} {value}에서 {share}"),
    ))
}

fn both(lengths: Lengths) -> (String, String) {
    (unit::exact(lengths.max), unit::exact(lengths.p50))
}

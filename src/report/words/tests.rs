//! Whatever a detector can say is known in both languages: its words are collected from the source, so that a rare
//! branch counts as well as a common one.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::detect::catalogue::ALL;

/// Calls whose first text names a measure, a trend or a role.
const NAMING: [&str; 5] = ["measure(", "context(", "clause(", "trend(", "add("];

/// A text of the source and the line, without white space, that stands before it.
struct Literal {
    before: String,
    text: String,
}

/// Texts in the code that makes findings and ranks causes, without comments, attributes, docs and tests.
fn literals() -> Vec<Literal> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let detectors = ALL
        .iter()
        .map(|meta| format!("detect/{}.rs", meta.slug.replace('-', "_")));
    let shared = [
        "cast_cure",
        "casts",
        "draft",
        "effort",
        "index/mod",
        "index/conditions",
        "index/coverage",
        "index/declared",
        "index/expression",
        "pattern",
        "plan",
        "reading",
        "sargable",
        "stack",
        "trend",
        "waste",
        "weight",
    ]
    .map(|name| format!("detect/basis/{name}.rs"));
    let ranking = ["incident/correlate.rs".to_owned()];
    let files = detectors.chain(shared).chain(ranking);
    files
        .flat_map(|file| {
            let source = std::fs::read_to_string(root.join(&file)).unwrap();
            literals_of(&code_of(&source))
        })
        .collect()
}

/// What runs in production, attributes of one line and the `META` block left out.
fn code_of(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut in_meta = false;
    let kept = source.lines().filter(|line| {
        in_meta = in_meta || line.starts_with("declare_detector!");
        let is_meta = in_meta;
        in_meta = in_meta && *line != "}";
        let code = line.trim_start();
        !(is_meta
            || code.starts_with("//")
            || code.starts_with("#[")
            || code.starts_with("reason = "))
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn literals_of(code: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut before = String::new();
    while let Some((head, tail)) = rest.split_once('"') {
        before.extend(head.chars().filter(|c| !c.is_whitespace()));
        let (text, after) = text_of(tail);
        found.push(Literal {
            before: before.clone(),
            text,
        });
        before.clear();
        rest = after;
    }
    found
}

/// The text up to its closing quote, with a line's continuation joined, and what follows it.
fn text_of(tail: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = tail.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &tail[at + 1..]),
            '\\' => match chars.next() {
                Some((_, '\n')) => {
                    let rest = chars.as_str().trim_start();
                    let (more, after) = text_of(rest);
                    return (text + &more, after);
                }
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            c => text.push(c),
        }
    }
    panic!("a text without an end: {text}");
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    text.contains('_') && text.chars().all(plain)
}

fn is_sentence(text: &str) -> bool {
    text.split(' ').count() > 5
}

#[test]
fn every_name_that_a_detector_can_emit_has_words_in_both_languages() {
    let named = |l: &Literal| NAMING.iter().any(|call| l.before.ends_with(call));
    let naming_field = |l: &Literal| l.before.ends_with("role:") || l.before.ends_with("letname=");
    let emitted: BTreeSet<String> = literals()
        .into_iter()
        .filter(|l| named(l) || naming_field(l) || is_name(&l.text))
        .map(|l| l.text)
        .collect();
    assert!(emitted.len() > 25, "the source was not read: {emitted:?}");
    let known: BTreeSet<String> = [MEASURES, ROLES]
        .iter()
        .flat_map(|entries| entries.iter().map(|(id, ..)| (*id).to_owned()))
        .collect();
    let strange: Vec<_> = emitted.difference(&known).collect();
    assert!(strange.is_empty(), "no words for {strange:?}");
    let idle: Vec<_> = known.difference(&emitted).collect();
    assert!(idle.is_empty(), "words that nobody says: {idle:?}");
}

#[test]
fn every_remedy_that_a_detector_can_give_has_words_in_both_languages() {
    let given: BTreeSet<String> = literals()
        .into_iter()
        .map(|l| l.text)
        .filter(|text| is_sentence(text))
        .filter(|text| !BASES.iter().any(|(id, ..)| id == text))
        .collect();
    let known: BTreeSet<String> = REMEDIES
        .iter()
        .chain(TRACE_REMEDIES)
        .map(|(english, _)| (*english).to_owned())
        .collect();
    assert_eq!(given, known);
}

#[test]
fn every_basis_of_a_comparison_has_words_in_both_languages() {
    let texts: BTreeSet<String> = literals()
        .into_iter()
        .filter(|l| l.before.contains("Basis::") || l.before.ends_with("basis:Arc::from("))
        .map(|l| l.text)
        .collect();
    let known: BTreeSet<String> = BASES.iter().map(|(id, ..)| (*id).to_owned()).collect();
    assert_eq!(texts, known);
}

#[test]
fn korean_words_are_korean() {
    let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
    let entries = [MEASURES, ROLES, BASES].concat();
    for (id, english, korean) in entries {
        assert!(
            !hangul(english) && !english.contains('_') && hangul(korean),
            "{id}"
        );
    }
    for (english, korean) in REMEDIES.iter().chain(TRACE_REMEDIES) {
        assert!(hangul(korean), "{english}");
    }
}

#[test]
fn an_unknown_name_is_shown_with_spaces() {
    assert_eq!(measure("wal_bytes", Lang::Ko), "wal bytes");
    assert_eq!(remedy("Run a_b at night.", Lang::En), "Run a_b at night.");
}

#[test]
fn a_known_name_is_translated() {
    assert_eq!(measure("rows_examined_per_run", Lang::Ko), "실행당 읽은 행");
    assert_eq!(basis("previous hour", Lang::Ko), "직전 1시간");
}

#[test]
fn no_name_stands_twice() {
    for entries in [MEASURES, ROLES, BASES] {
        let ids: BTreeSet<_> = entries.iter().map(|(id, ..)| id).collect();
        assert_eq!(ids.len(), entries.len());
    }
}

//! Sentences in both languages, from evidence kinds alone.

use std::sync::Arc;

use super::*;
use crate::model::evidence::Unit;
use crate::model::id::FingerprintId;
use crate::model::sql::Template;
use crate::model::time::{Interval, Timestamp};
use crate::report::example;

fn everything() -> Vec<Evidence> {
    let over = Interval {
        from: Timestamp::from_unix_secs(1_795_237_400),
        to: Timestamp::from_unix_secs(1_795_237_480),
    };
    vec![
        Evidence::measure("rows_examined_per_row_sent", 12_000.0, 100.0, Unit::Ratio),
        Evidence::context("rows_of_table", 1_200_000.0, Unit::Rows),
        Evidence::Statement {
            fingerprint: FingerprintId(0xabc),
            template: Template::new("SELECT id FROM note WHERE a = ?"),
            role: Arc::from("on_that_table"),
        },
        Evidence::clause("missing_where", "note"),
        Evidence::Cost {
            seconds: 34.52,
            share: Some(0.712),
            over,
        },
        Evidence::Cost {
            seconds: 34.52,
            share: None,
            over,
        },
        Evidence::Trend {
            name: Arc::from("median_run_time"),
            before: 0.12,
            now: 3.4,
            unit: Unit::Seconds,
            basis: Arc::from("previous hour"),
        },
        Evidence::Exemplar {
            at: over.to,
            seconds: 3.4,
            parameters: Some(FingerprintId(0xdef)),
            trace_id: None,
        },
        Evidence::PlanNode {
            row: PlanRow {
                step: Arc::from("SIMPLE"),
                table: Arc::from("note"),
                access: Arc::from("ALL"),
                rows: Some(1_200_000),
                extra: Arc::from("Using filesort"),
                ..PlanRow::default()
            },
        },
    ]
}

#[test]
fn every_kind_of_evidence_is_a_phrase_in_english() {
    let style = example::style(Lang::En);
    let phrases: Vec<_> = everything().iter().map(|e| evidence(e, &style)).collect();
    insta::assert_snapshot!(phrases.join("\n"));
}

#[test]
fn every_kind_of_evidence_is_a_phrase_in_korean() {
    let style = example::style(Lang::Ko);
    let phrases: Vec<_> = everything().iter().map(|e| evidence(e, &style)).collect();
    insta::assert_snapshot!(phrases.join("\n"));
}

#[test]
fn a_finding_says_what_it_is_and_how_much_of_it() {
    let found = example::incident().findings[0].finding.clone();
    assert_eq!(
        finding(&found, &example::style(Lang::En)),
        "A table is read from end to end (shop.note). Rows read per row sent: 12 k (threshold 100); \
         71 % of all run time, 34.5 s within 1 m 20 s."
    );
    assert_eq!(
        finding(&found, &example::style(Lang::Ko)),
        "테이블을 처음부터 끝까지 읽음 (shop.note). 보낸 행 하나당 읽은 행: 12 k (기준 100); \
         전체 실행 시간의 71 %, 1 m 20 s 동안 34.5 s."
    );
}

#[test]
fn a_detector_that_nobody_knows_is_named_by_its_slug() {
    assert_eq!(
        symptom("key-exhaustion", &example::style(Lang::Ko)),
        "Key exhaustion"
    );
}

#[test]
fn a_cut_text_keeps_its_length() {
    assert_eq!(shorten("가나다라마", 3), "가나…");
    assert_eq!(shorten("a  b\n c", 10), "a b c");
    assert_eq!(shorten("😀😀😀", 3).chars().count(), 3);
}

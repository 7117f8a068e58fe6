//! The table of statements by total time.

use std::collections::BTreeMap;

use crate::model::finding::Severity;
use crate::model::sql::StatementKey;
use crate::report::digest::page::{Line, anchor, name, statements};
use crate::report::digest::{Digest, Query, Seconds};
use crate::report::{Lang, sentence, unit};

/// Longest text of a statement in the table, in characters; narrow pages show less.
const TEMPLATE_CHARS: usize = 300;

/// Stands for a number that nobody tells.
const UNTOLD: &str = "-";

pub(super) fn lines(
    digest: &Digest,
    top: usize,
    worst: &BTreeMap<StatementKey, Severity>,
) -> Vec<Line> {
    let shown = digest.queries.iter().take(top);
    let line = |q| line(q, worst.get(&q.key()).copied());
    shown.map(line).collect()
}

fn line(query: &Query, worst: Option<Severity>) -> Line {
    let rows = query.rows_examined;
    let if_timed = |told: String| {
        if query.is_timed() {
            told
        } else {
            UNTOLD.to_owned()
        }
    };
    Line {
        share: query.share,
        percent: if_timed(unit::percent(query.share)),
        total: if_timed(seconds(query.time_s.total)),
        runs: unit::count(sentence::as_number(query.count)),
        median: if_timed(seconds(query.time_s.p50)),
        p95: if_timed(seconds(query.time_s.p95)),
        rows: rows.map_or_else(|| UNTOLD.to_owned(), |rows| unit::count(rows.mean)),
        template: sentence::shorten(query.template.as_str(), TEMPLATE_CHARS),
        name: name(query),
        fingerprint: query.key().fingerprint.to_string(),
        anchor: anchor(query.key()),
        worst,
    }
}

pub(super) fn seconds(time: Seconds) -> String {
    unit::duration(time.0)
}

/// What the statements below the table take.
pub(super) fn rest(digest: &Digest, top: usize, lang: Lang) -> Option<String> {
    let rest = digest.queries.get(top..).unwrap_or_default();
    let left_out = rest.len() + digest.left_out.queries;
    if left_out == 0 {
        return None;
    }
    let share: f64 = rest.iter().map(|q| q.share).sum();
    let share = unit::percent(share + digest.left_out.share);
    let take = if left_out == 1 { "takes" } else { "take" };
    let left_out = statements(left_out, lang);
    Some(lang.pick(
        format!("The other {left_out} {take} {share} of the time; --top shows more."),
        format!("나머지 {left_out}이 실행 시간의 {share}를 차지함. --top으로 더 볼 수 있음."),
    ))
}

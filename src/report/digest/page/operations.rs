//! The operations of traces, and what each of them waits for.

use crate::report::digest::{Digest, OperationTold, Ran};
use crate::report::sentence::as_number;
use crate::report::{Lang, sentence, unit};

/// Operations in the table.
const SHOWN: usize = 15;
/// Statements below each.
const STATEMENTS: usize = 3;
/// One that takes less of its time is not told below it, unless it is the first.
const MIN_SHARE: f64 = 0.01;
/// Longest name of an operation and text of a statement, in characters.
const NAME_CHARS: usize = 120;
const TEMPLATE_CHARS: usize = 300;

/// One operation.
#[derive(Debug)]
pub(in crate::report::digest) struct OperationRow {
    pub(in crate::report::digest) name: String,
    /// In the order of [`columns`], the name left out.
    pub(in crate::report::digest) cells: [String; 7],
    pub(in crate::report::digest) statements: Vec<RanRow>,
}

/// One of its statements.
#[derive(Debug)]
pub(in crate::report::digest) struct RanRow {
    /// How often and how long, as a phrase.
    pub(in crate::report::digest) what: String,
    /// Its redacted text.
    pub(in crate::report::digest) template: String,
    pub(in crate::report::digest) fingerprint: String,
}

/// Heads of the table.
pub(in crate::report::digest) fn columns(lang: Lang) -> [&'static str; 8] {
    lang.pick(
        [
            "requests",
            "failed",
            "mean",
            "p95",
            "max",
            "in SQL",
            "SQL/req",
            "operation",
        ],
        [
            "요청",
            "실패",
            "평균",
            "p95",
            "최대",
            "SQL 비중",
            "문장/요청",
            "작업",
        ],
    )
}

pub(super) fn rows(digest: &Digest, lang: Lang) -> Vec<OperationRow> {
    let told = digest.operations.iter().take(SHOWN);
    told.map(|operation| row(operation, lang)).collect()
}

fn row(told: &OperationTold, lang: Lang) -> OperationRow {
    let count = |n| unit::count(as_number(n));
    let time = &told.time_s;
    let worth = told.statements.iter().enumerate();
    let worth = worth.filter(|(at, ran)| *at == 0 || ran.share >= MIN_SHARE);
    OperationRow {
        name: sentence::shorten(&told.name(), NAME_CHARS),
        cells: [
            count(told.requests),
            count(told.failed),
            unit::seconds(time.mean),
            unit::duration(time.p95.0),
            unit::duration(time.max.0),
            unit::percent(told.database_share),
            unit::count(told.statements_per_request),
        ],
        statements: worth
            .take(STATEMENTS)
            .map(|(_, statement)| ran(statement, lang))
            .collect(),
    }
}

fn ran(ran: &Ran, lang: Lang) -> RanRow {
    let runs = unit::count(ran.runs_per_request);
    let share = unit::percent(ran.share);
    RanRow {
        what: lang.pick(
            format!("{runs} a request, {share} of its time:"),
            format!("요청당 {runs}회, 시간의 {share}:"),
        ),
        template: sentence::shorten(ran.template.as_str(), TEMPLATE_CHARS),
        fingerprint: ran.fingerprint.to_string(),
    }
}

/// What stands below the table.
pub(super) fn note(digest: &Digest, lang: Lang) -> Option<String> {
    let left_out = digest.operations.len().saturating_sub(SHOWN);
    (left_out > 0).then(|| {
        lang.pick(
            format!("{left_out} more operations: --format json has them all."),
            format!("작업 {left_out}개가 더 있음: --format json에 모두 있음."),
        )
    })
}

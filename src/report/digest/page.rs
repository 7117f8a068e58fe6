//! What the report says, in words but in no form yet: text, Markdown and HTML only lay it out.

mod advice;
mod detail;
mod errors;
mod front;
mod notes;
mod operations;
mod profile;
mod server;
mod texts;

use std::collections::BTreeSet;

use crate::model::event::Origin;
use crate::model::finding::{Remedy, Safety, Severity};
use crate::model::sql::{StatementKey, StatementKind};
use crate::report::chart::Chart;
use crate::report::digest::{Digest, Query};
use crate::report::{Lang, Style, sentence, unit, words};

pub(super) use errors::Failure;
pub(super) use operations::{OperationRow, RanRow, columns as operation_columns};
pub(super) use server::{Row, columns as server_columns};

/// Statements in the table when nobody asks for another number.
const SHOWN: usize = 15;
/// Most tables that a statement is named after.
const NAMED_TABLES: usize = 3;
/// Longest name of a statement, in characters.
const NAME_CHARS: usize = 60;

/// The whole report; every text is raw, whoever lays it out escapes it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) lang: Lang,
    /// The files, as they were named.
    pub(super) files: String,
    /// What was read, when, how much of the load that is.
    pub(super) summary: Vec<String>,
    /// What to fix, the worst first, and a remark below it.
    pub(super) advice: Vec<Advice>,
    pub(super) advice_note: Option<String>,
    pub(super) chart: Option<Chart>,
    /// Statements by total time, and what the rest of them takes.
    pub(super) profile: Vec<Line>,
    pub(super) rest: Option<String>,
    /// Operations of traces, and a remark below them.
    pub(super) operations: Vec<OperationRow>,
    pub(super) operations_note: Option<String>,
    /// All that is known of the statements above.
    pub(super) details: Vec<Detail>,
    /// What failed, the most frequent first, and a remark below it.
    pub(super) errors: Vec<Failure>,
    pub(super) errors_note: Option<String>,
    /// What the server did by itself.
    pub(super) server: Vec<Row>,
    /// What the reader must know to judge the report.
    pub(super) notes: Vec<String>,
}

/// A part of the report below its front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Advice,
    Operations,
    Profile,
    Details,
    Errors,
    Server,
    Notes,
}

/// One statement to fix, in brief.
#[derive(Debug)]
pub(super) struct Advice {
    pub(super) severity: Severity,
    /// Share of all run time, as a phrase; empty where there is none.
    pub(super) share: String,
    pub(super) name: String,
    pub(super) fingerprint: String,
    /// Where all about the statement stands; empty where there is none.
    pub(super) anchor: String,
    /// What is wrong, in a sentence or two.
    pub(super) what: String,
    /// What else is wrong with it.
    pub(super) also: Option<String>,
    pub(super) remedy: Option<Try>,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) share: f64,
    pub(super) percent: String,
    pub(super) total: String,
    pub(super) runs: String,
    pub(super) median: String,
    pub(super) p95: String,
    pub(super) rows: String,
    /// The redacted text, on one line.
    pub(super) template: String,
    /// What it does to which tables, where the text is too long.
    pub(super) name: String,
    pub(super) fingerprint: String,
    pub(super) anchor: String,
    pub(super) worst: Option<Severity>,
}

/// All that is known of one statement.
#[derive(Debug)]
pub(super) struct Detail {
    /// Its rank by total time, `1.`; empty for one that is told for its findings alone.
    pub(super) rank: String,
    pub(super) name: String,
    /// Share of all run time, as a phrase.
    pub(super) share: String,
    pub(super) fingerprint: String,
    pub(super) anchor: String,
    /// The redacted text in lines.
    pub(super) sql: Vec<String>,
    /// Statistics: a label and the cells of its row, total to largest, empty where nothing is known.
    pub(super) measures: Vec<(String, [String; 7])>,
    /// Sentences about its runs.
    pub(super) facts: Vec<String>,
    pub(super) findings: Vec<Ailment>,
    pub(super) remedies: Vec<Try>,
}

/// One finding in full.
#[derive(Debug)]
pub(super) struct Ailment {
    pub(super) severity: Severity,
    pub(super) detector: String,
    pub(super) summary: String,
    /// Facts beyond those of the summary.
    pub(super) evidence: Vec<String>,
}

/// What may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Try {
    /// A statement to run; empty when only the words help.
    pub(super) sql: String,
    /// What it does.
    pub(super) why: String,
    /// Whether results stay the same.
    pub(super) safety: Safety,
}

impl Page {
    /// Puts the report into words; `top` is how many statements are shown.
    pub(super) fn new(digest: &Digest, style: &Style, top: Option<usize>) -> Self {
        let top = top.unwrap_or(SHOWN).min(digest.ranked);
        let sick = advice::by_statement(digest);
        let told = advice::told(&sick);
        let advised = told.iter().filter_map(|s| s.query);
        let advised: BTreeSet<_> = advised.map(Query::key).collect();
        let worst = advice::worst(digest);
        let detailed = digest.queries.iter().enumerate();
        let detailed = detailed.filter(|(rank, q)| *rank < top || advised.contains(&q.key()));
        let mut page = Self {
            lang: style.lang,
            files: front::files(&digest.source, style.lang),
            summary: front::summary(digest, style),
            advice: advice::advice(&told, style),
            advice_note: advice::note(digest, (sick.len(), told.len()), style.lang),
            chart: front::chart(digest, style),
            profile: profile::lines(digest, top, &worst),
            rest: profile::rest(digest, top, style.lang),
            details: detailed
                .map(|(index, query)| detail::detail(index, query, digest, style))
                .collect(),
            errors: errors::errors(digest, style.lang),
            errors_note: errors::note(digest, style.lang),
            server: server::rows(digest, style.lang),
            notes: notes::notes(digest, style.lang),
            operations: operations::rows(digest, style.lang),
            operations_note: operations::note(digest, style.lang),
        };
        if digest.origin == Origin::Span {
            page.anchor_apart();
        }
        page
    }

    /// The same statement may be told of by a log, too, and then stands in one file twice.
    fn anchor_apart(&mut self) {
        let advice = self.advice.iter_mut().map(|advice| &mut advice.anchor);
        let lines = self.profile.iter_mut().map(|line| &mut line.anchor);
        let details = self.details.iter_mut().map(|detail| &mut detail.anchor);
        let anchors = advice.chain(lines).chain(details);
        for anchor in anchors.filter(|anchor| !anchor.is_empty()) {
            anchor.insert_str(0, "trace-");
        }
    }
}

impl Page {
    /// What there is to tell, in the order in which it is told.
    pub(super) fn sections(&self) -> impl Iterator<Item = Section> {
        let has_advice = !self.advice.is_empty() || self.advice_note.is_some();
        let sections = [
            (Section::Advice, has_advice),
            (Section::Operations, !self.operations.is_empty()),
            (Section::Profile, !self.profile.is_empty()),
            (Section::Details, !self.details.is_empty()),
            (Section::Errors, !self.errors.is_empty()),
            (Section::Server, !self.server.is_empty()),
            (Section::Notes, !self.notes.is_empty()),
        ];
        let told = sections.into_iter().filter(|(_, is_told)| *is_told);
        told.map(|(section, _)| section)
    }
}

impl Section {
    /// Its heading.
    pub(super) fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Advice => lang.pick("Fix first", "먼저 고칠 것"),
            Self::Operations => lang.pick("Operations by total time", "총 시간별 작업"),
            Self::Profile => lang.pick("Statements by total time", "총 실행 시간별 문장"),
            Self::Details => lang.pick("In detail", "상세"),
            Self::Errors => lang.pick("Errors, the most frequent first", "오류, 잦은 순"),
            Self::Server => lang.pick("The server itself", "서버 자체"),
            Self::Notes => lang.pick("Notes", "참고 사항"),
        }
    }
}

impl Advice {
    /// What else is wrong, as a sentence.
    pub(super) fn also(&self, lang: Lang) -> Option<String> {
        let lead = lang.pick("Also:", "그 밖에:");
        self.also.as_ref().map(|also| format!("{lead} {also}."))
    }
}

impl Try {
    fn of(remedy: &Remedy, lang: Lang) -> Self {
        Self {
            sql: remedy.sql.clone(),
            why: sentence::capitalise(&words::remedy(&remedy.why, lang)),
            safety: remedy.safety,
        }
    }
}

/// Heads of the table of statements, without that of the rank.
pub(super) fn columns(lang: Lang) -> [&'static str; 7] {
    lang.pick(
        [
            "share of time",
            "total",
            "runs",
            "median",
            "p95",
            "rows/run",
            "statement",
        ],
        [
            "시간 비중",
            "합계",
            "실행",
            "중앙값",
            "p95",
            "행/실행",
            "문장",
        ],
    )
}

/// Names of the statistics of a detail.
pub(super) fn statistics(lang: Lang) -> [&'static str; 7] {
    lang.pick(
        ["total", "mean", "min", "median", "p95", "p99", "max"],
        ["합계", "평균", "최소", "중앙값", "p95", "p99", "최대"],
    )
}

/// What a statement does to which tables: `UPDATE stock, orders`; its text where it has no tables.
fn name(query: &Query) -> String {
    let has_verb = !matches!(
        query.kind,
        StatementKind::Ddl
            | StatementKind::Call
            | StatementKind::Transaction
            | StatementKind::Utility
    );
    if !has_verb || query.tables.is_empty() {
        return sentence::shorten(query.template.as_str(), NAME_CHARS);
    }
    let tables: Vec<&str> = query.tables.iter().map(|table| &**table).collect();
    let (shown, left_out) = tables.split_at(tables.len().min(NAMED_TABLES));
    let verb = query.kind.as_str().to_uppercase();
    let mut name = format!("{verb} {}", shown.join(", "));
    if !left_out.is_empty() {
        name = format!("{name}, +{}", left_out.len());
    }
    sentence::shorten(&name, NAME_CHARS)
}

/// Where all about a statement stands in a page with links: equal texts of two servers are two.
fn anchor(statement: StatementKey) -> String {
    format!("q-{}-{}", statement.fingerprint, statement.dialect.as_str())
}

/// Its share of all run time, as a phrase.
fn share_of(query: &Query, lang: Lang) -> String {
    if query.is_timed() {
        return share_of_time(query.share, lang);
    }
    let untold = lang.pick("run time not told", "실행 시간 알 수 없음");
    untold.to_owned()
}

fn share_of_time(share: f64, lang: Lang) -> String {
    let share = unit::percent(share);
    lang.pick(
        format!("{share} of the time"),
        format!("실행 시간의 {share}"),
    )
}

/// A count with its noun; Korean has a counter instead.
fn counted(count: u64, (one, many): (&str, &str), counter: &str, lang: Lang) -> String {
    let number = unit::exact(count);
    let noun = if count == 1 { one } else { many };
    lang.pick(format!("{number} {noun}"), format!("{number}{counter}"))
}

fn runs(count: u64, lang: Lang) -> String {
    counted(count, ("run", "runs"), "회 실행", lang)
}

fn statements(count: usize, lang: Lang) -> String {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    counted(count, ("statement", "statements"), "종 문장", lang)
}

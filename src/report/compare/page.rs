//! What a comparison says, in words, and its two forms.

use crate::report::compare::table::{Row, Table};
use crate::report::compare::{
    Change, Comparison, OperationChange, OperationSide, Sides, StatementChange,
};
use crate::report::digest::text::fit::{left, printable, right, wrapped};
use crate::report::digest::{Found, Seconds, Source};
use crate::report::sentence::as_number;
use crate::report::{Lang, Style, markdown, sentence, unit, words};

/// Statements told below an operation.
const STATEMENTS: usize = 5;
/// Findings told of each kind.
const FINDINGS: usize = 20;
/// Longest text of a statement, in characters.
const TEMPLATE_CHARS: usize = 200;
/// Columns of the name of a figure, and of a figure.
const NAME: usize = 26;
const FIGURE: usize = 12;
/// Columns that are used of a terminal.
const WIDTH: (usize, usize) = (80, 140);

/// A comparison in words; every text is raw, whoever lays it out escapes it.
#[derive(Debug)]
pub(super) struct Page {
    lang: Lang,
    front: Vec<String>,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    title: &'static str,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Heading(String),
    Figures(Vec<[String; 3]>),
    Table(Table),
    Points(Vec<String>),
}

impl Page {
    pub(super) fn new(comparison: &Comparison, style: &Style, top: usize) -> Self {
        let lang = style.lang;
        let sections = [
            operations(comparison, lang, top),
            statements(comparison, lang, top),
            findings(comparison, lang),
        ];
        Self {
            lang,
            front: front(comparison, lang),
            sections: sections.into_iter().flatten().collect(),
        }
    }

    pub(super) fn text(&self, width: usize) -> String {
        let width = width.clamp(WIDTH.0, WIDTH.1);
        let mut lines = Vec::new();
        for sentence in &self.front {
            lines.extend(wrapped(&printable(sentence), width));
        }
        for section in &self.sections {
            lines.push(String::new());
            lines.push(format!("── {} ──", section.title));
            for part in &section.parts {
                match part {
                    Part::Heading(text) => {
                        lines.push(String::new());
                        lines.extend(wrapped(&printable(text), width));
                    }
                    Part::Figures(rows) => lines.extend(figures(rows, self.lang)),
                    Part::Table(table) => lines.push(table.text(width)),
                    Part::Points(points) => {
                        for point in points {
                            let mut mark = "- ";
                            for line in wrapped(&printable(point), width - 2) {
                                lines.push(format!("{mark}{line}"));
                                mark = "  ";
                            }
                        }
                    }
                }
            }
        }
        lines.join("\n") + "\n"
    }

    pub(super) fn markdown(&self) -> String {
        let title = self.lang.pick("Before and after", "전과 후");
        let points = |points: &[String]| {
            let points = points.iter().map(|p| format!("- {}", markdown::inline(p)));
            points.collect::<Vec<_>>().join("\n")
        };
        let mut parts = vec![format!("# {title}"), points(&self.front)];
        for section in &self.sections {
            parts.push(format!("## {}", section.title));
            for part in &section.parts {
                parts.push(match part {
                    Part::Heading(text) => format!("### {}", markdown::inline(text)),
                    Part::Figures(rows) => {
                        let head = sides(self.lang);
                        markdown::table(
                            &[" ", head[0], head[1]],
                            &rows.iter().map(|r| r.to_vec()).collect::<Vec<_>>(),
                        )
                    }
                    Part::Table(table) => table.markdown(),
                    Part::Points(told) => points(told),
                });
            }
        }
        parts.join("\n\n") + "\n"
    }
}

/// What was read of each side.
fn front(comparison: &Comparison, lang: Lang) -> Vec<String> {
    let side = |name: &str, source: &Source| {
        let files = source.files.join(", ");
        let (format, runs) = (&source.format, unit::exact(source.statements));
        let length = source.from.zip(source.to);
        let length = length.map_or_else(String::new, |(from, to)| unit::duration(to.since(from)));
        lang.pick(
            format!("{name}: {files} ({format}, {runs} runs in {length})"),
            format!("{name}: {files} ({format}, {length} 동안 {runs}회 실행)"),
        )
    };
    let mut told = vec![
        side(sides(lang)[0], &comparison.before),
        side(sides(lang)[1], &comparison.after),
    ];
    let limits = [&comparison.before, &comparison.after].map(|source| source.slower_than_s);
    if limits[0] != limits[1] {
        let limit = |limit: Option<Seconds>| {
            let unknown = || lang.pick("unknown", "알 수 없음").to_owned();
            limit.map_or_else(unknown, |limit| unit::duration(limit.0))
        };
        let [before, after] = limits.map(limit);
        told.push(lang.pick(
            format!("The logs leave out different runs (faster than {before}, and {after}): their counts cannot be compared."),
            format!("두 로그에서 빠진 실행이 다름 ({before}, {after}보다 빠른 것): 횟수는 비교할 수 없음."),
        ));
    }
    told
}

/// Heads of both sides.
fn sides(lang: Lang) -> [&'static str; 2] {
    lang.pick(["before", "after"], ["전", "후"])
}

/// Rows of a name and two figures.
fn figures(rows: &[[String; 3]], lang: Lang) -> Vec<String> {
    let head = ["", sides(lang)[0], sides(lang)[1]].map(str::to_owned);
    let rows = std::iter::once(&head).chain(rows);
    let line = |[name, before, after]: &[String; 3]| {
        let (name, before, after) = (
            left(name, NAME),
            right(before, FIGURE),
            right(after, FIGURE),
        );
        format!("  {name}{before}{after}")
    };
    rows.map(line).collect()
}

fn word(change: Change, lang: Lang) -> &'static str {
    match change {
        Change::Better => lang.pick("better", "개선"),
        Change::Worse => lang.pick("worse", "악화"),
        Change::Same => lang.pick("same", "동일"),
        Change::Unclear => lang.pick("too few", "표본 부족"),
        Change::New => lang.pick("new", "신규"),
        Change::Gone => lang.pick("gone", "사라짐"),
    }
}

/// Both figures, or the one that there is.
fn both<T>(sides: &Sides<T>, figure: impl Fn(&T) -> String) -> String {
    let told = |side: &Option<T>| side.as_ref().map_or_else(|| "-".to_owned(), &figure);
    format!("{} -> {}", told(&sides.before), told(&sides.after))
}

fn operations(comparison: &Comparison, lang: Lang, top: usize) -> Option<Section> {
    let shown = comparison.operations.iter().take(top);
    let parts: Vec<Part> = shown.flat_map(|change| operation(change, lang)).collect();
    (!parts.is_empty()).then_some(Section {
        title: lang.pick("Operations", "작업"),
        parts,
    })
}

fn operation(change: &OperationChange, lang: Lang) -> Vec<Part> {
    let heading = format!(
        "{} {}: {}",
        change.service,
        change.operation,
        word(change.change, lang)
    );
    let mut parts = vec![
        Part::Heading(heading),
        Part::Figures(measures(&change.sides, lang)),
    ];
    if !change.statements.is_empty() {
        parts.push(Part::Table(ran(change, lang)));
    }
    parts
}

/// A figure of an operation, in words.
type Figure = fn(&OperationSide) -> String;

fn measures(sides: &Sides<OperationSide>, lang: Lang) -> Vec<[String; 3]> {
    let failed: Figure = |s| unit::count(as_number(s.failed));
    let all: [(&str, Figure); 8] = [
        (lang.pick("mean time", "평균 시간"), |s| {
            unit::seconds(s.mean_s)
        }),
        ("p95", |s| unit::duration(s.p95_s.0)),
        (lang.pick("slowest", "최대 시간"), |s| {
            unit::duration(s.max_s.0)
        }),
        (
            lang.pick("share of its time in SQL", "SQL에 쓴 시간의 비중"),
            |s| unit::percent(s.database_share),
        ),
        (lang.pick("statements a request", "요청당 문장"), |s| {
            unit::count(s.statements_per_request)
        }),
        (lang.pick("requests a second", "초당 요청"), |s| {
            unit::count(s.requests_per_second)
        }),
        (lang.pick("requests", "요청"), |s| {
            unit::count(as_number(s.requests))
        }),
        (lang.pick("failed requests", "실패한 요청"), failed),
    ];
    let all_rows = all.len();
    let told = |figure: Figure, side: &Option<OperationSide>| {
        side.as_ref().map_or_else(|| "-".to_owned(), figure)
    };
    let rows = all.into_iter().map(|(name, figure)| {
        let [before, after] = [&sides.before, &sides.after].map(|side| told(figure, side));
        [name.to_owned(), before, after]
    });
    let has_failed = [sides.before, sides.after]
        .iter()
        .flatten()
        .any(|s| s.failed > 0);
    let shown = if has_failed { all_rows } else { all_rows - 1 };
    rows.take(shown).collect()
}

fn ran(change: &OperationChange, lang: Lang) -> Table {
    let head = lang.pick(
        [
            "runs a request",
            "time a request",
            "share of its time",
            "statement",
        ],
        ["요청당 실행", "요청당 시간", "시간 비중", "문장"],
    );
    let shown = change.statements.iter().take(STATEMENTS);
    Table {
        head: head.map(str::to_owned).to_vec(),
        rows: shown
            .map(|ran| Row {
                figures: vec![
                    both(&ran.sides, |s| unit::count(s.runs_per_request)),
                    both(&ran.sides, |s| unit::seconds(s.time_per_request_s)),
                    both(&ran.sides, |s| unit::percent(s.share)),
                ],
                text: sentence::shorten(ran.template.as_str(), TEMPLATE_CHARS),
                id: ran.fingerprint.to_string(),
            })
            .collect(),
    }
}

fn statements(comparison: &Comparison, lang: Lang, top: usize) -> Option<Section> {
    let head = lang.pick(
        [
            "change",
            "runs",
            "total",
            "mean",
            "p95",
            "rows/run",
            "statement",
        ],
        ["변화", "실행", "합계", "평균", "p95", "행/실행", "문장"],
    );
    let shown = comparison.statements.iter().take(top);
    let rows: Vec<Row> = shown.map(|change| statement(change, lang)).collect();
    if rows.is_empty() {
        return None;
    }
    let table = Table {
        head: head.map(str::to_owned).to_vec(),
        rows,
    };
    let mut parts = vec![Part::Table(table)];
    let left_out = comparison.statements.len().saturating_sub(top);
    if left_out > 0 {
        parts.push(Part::Points(vec![lang.pick(
            format!("{left_out} more statements: --top shows more, --format json all of them."),
            format!(
                "문장 {left_out}종이 더 있음: --top으로 더, --format json으로 모두 볼 수 있음."
            ),
        )]));
    }
    Some(Section {
        title: lang.pick("Statements", "문장"),
        parts,
    })
}

fn statement(change: &StatementChange, lang: Lang) -> Row {
    let sides = &change.sides;
    let seconds = |time: Seconds| unit::duration(time.0);
    let rows = |rows: Option<f64>| rows.map_or_else(|| "-".to_owned(), unit::count);
    let has_rows = [sides.before, sides.after]
        .iter()
        .flatten()
        .any(|side| side.rows_examined.is_some());
    Row {
        figures: vec![
            word(change.change, lang).to_owned(),
            both(sides, |s| unit::count(as_number(s.count))),
            both(sides, |s| seconds(s.total_s)),
            both(sides, |s| unit::seconds(s.mean_s)),
            both(sides, |s| seconds(s.p95_s)),
            if has_rows {
                both(sides, |s| rows(s.rows_examined))
            } else {
                "-".to_owned()
            },
        ],
        text: sentence::shorten(change.template.as_str(), TEMPLATE_CHARS),
        id: change.fingerprint.to_string(),
    }
}

fn findings(comparison: &Comparison, lang: Lang) -> Option<Section> {
    let all = &comparison.findings;
    let kinds = [
        (lang.pick("New", "신규"), &all.new),
        (lang.pick("Still found", "여전함"), &all.still),
        (lang.pick("Gone", "사라짐"), &all.gone),
    ];
    let mut points = Vec::new();
    for (kind, found) in kinds {
        points.extend(found.iter().take(FINDINGS).map(|f| finding(kind, f, lang)));
        let left_out = found.len().saturating_sub(FINDINGS);
        if left_out > 0 {
            points.push(lang.pick(
                format!("{kind}: {left_out} more, all of them by --format json."),
                format!("{kind}: {left_out}건 더, 모두 --format json에 있음."),
            ));
        }
    }
    (!points.is_empty()).then_some(Section {
        title: lang.pick("Findings", "진단"),
        parts: vec![Part::Points(points)],
    })
}

fn finding(kind: &str, found: &Found, lang: Lang) -> String {
    let severity = words::severity(found.severity, lang);
    let place = found.operation.as_ref();
    let place = place.map_or_else(String::new, |operation| format!(", {operation}"));
    let id = found
        .fingerprint
        .map_or_else(String::new, |id| format!(", {id}"));
    format!(
        "{kind}: {} ({severity}{place}{id}): {}",
        found.detector, found.summary
    )
}

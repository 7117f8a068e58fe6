//! The report for a ticket: Markdown that needs nothing beyond tables and code.

use crate::report::digest::page::{
    Advice, Detail, Failure, Line, OperationRow, Page, Section, Try, columns, operation_columns,
    server_columns, statistics,
};
use crate::report::markdown::{code, fence, inline, table};
use crate::report::{Lang, sentence, words};

/// Longest text of a statement in the table, in characters.
const TEMPLATE_CHARS: usize = 100;

/// Renders the report.
pub(super) fn render(page: &Page) -> String {
    let lang = page.lang;
    let title = lang.pick("SQL digest of", "SQL 요약:");
    let mut parts = vec![
        format!("# {title} {}", code(&page.files)),
        bullets(&page.summary),
    ];
    for section in page.sections() {
        parts.push(format!("## {}", section.title(lang)));
        parts.extend(told(page, section));
    }
    parts.push(String::new());
    parts.join("\n\n").trim_end().to_owned() + "\n"
}

fn told(page: &Page, section: Section) -> Vec<String> {
    let lang = page.lang;
    let (parts, below): (Vec<String>, _) = match section {
        Section::Advice => {
            let ranked = (1..).zip(&page.advice);
            let fixes = ranked.map(|(rank, a)| fix(rank, a, lang)).collect();
            (fixes, &page.advice_note)
        }
        Section::Operations => (operations(page), &page.operations_note),
        Section::Profile => (vec![profile(&page.profile, lang)], &page.rest),
        Section::Details => {
            let details = page.details.iter();
            (details.map(|d| detail(d, lang)).collect(), &None)
        }
        Section::Errors => (page.errors.iter().map(failure).collect(), &page.errors_note),
        Section::Server => (vec![server(page)], &None),
        Section::Notes => (vec![bullets(&page.notes)], &None),
    };
    let below = below.iter().map(|note| inline(note));
    parts.into_iter().chain(below).collect()
}

fn bullets(sentences: &[String]) -> String {
    let lines: Vec<_> = sentences
        .iter()
        .map(|s| format!("- {}", inline(s)))
        .collect();
    lines.join("\n")
}

fn fix(rank: usize, advice: &Advice, lang: Lang) -> String {
    let severity = words::severity(advice.severity, lang).to_uppercase();
    let mut head = format!("### {rank}. {severity}");
    if !advice.share.is_empty() {
        let (share, name) = (&advice.share, code(&advice.name));
        head = format!("{head}: {share}, {name}");
    }
    let mut said = inline(&advice.what);
    if let Some(also) = advice.also(lang) {
        said = format!("{said} {}", inline(&also));
    }
    if !advice.fingerprint.is_empty() {
        said = format!("{said} ({})", code(&advice.fingerprint));
    }
    let mut parts = vec![head, said];
    parts.extend(advice.remedy.as_ref().map(|r| remedy(r, lang)));
    parts.join("\n\n")
}

fn failure(failure: &Failure) -> String {
    let mut said = format!("- **{}**", inline(&failure.what));
    if !failure.message.is_empty() {
        said = format!("{said}: {}", inline(&failure.message));
    }
    if let Some(statement) = &failure.statement {
        said = format!(
            "{said} {} ({})",
            code(statement),
            code(&failure.fingerprint)
        );
    }
    said
}

fn server(page: &Page) -> String {
    let rows: Vec<Vec<String>> = page
        .server
        .iter()
        .map(|row| row.iter().map(|cell| inline(cell)).collect())
        .collect();
    table(&server_columns(page.lang), &rows)
}

fn operations(page: &Page) -> Vec<String> {
    let rows = page.operations.iter();
    let cells = |row: &OperationRow| [row.cells.as_slice(), &[code(&row.name)]].concat();
    let rows: Vec<_> = rows.map(cells).collect();
    let mut lines = Vec::new();
    for row in &page.operations {
        for ran in &row.statements {
            let (name, what) = (code(&row.name), inline(&ran.what));
            let text = code(&sentence::shorten(&ran.template, TEMPLATE_CHARS));
            lines.push(format!("- {name}: {what} {text}"));
        }
    }
    vec![
        table(&operation_columns(page.lang), &rows),
        lines.join("\n"),
    ]
}

fn remedy(remedy: &Try, lang: Lang) -> String {
    let why = inline(&remedy.why);
    if remedy.sql.is_empty() {
        return why;
    }
    let safety = words::safety(remedy.safety, lang);
    let sql = fence("sql", std::slice::from_ref(&remedy.sql));
    format!("{sql}\n\n{}: {why}", sentence::capitalise(safety))
}

fn profile(lines: &[Line], lang: Lang) -> String {
    let head = [["#"].as_slice(), &columns(lang)].concat();
    let rows: Vec<Vec<String>> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let template = code(&sentence::shorten(&line.template, TEMPLATE_CHARS));
            let mark = line
                .worst
                .map(|worst| format!(" **{}**", words::severity(worst, lang)));
            vec![
                (index + 1).to_string(),
                line.percent.clone(),
                line.total.clone(),
                line.runs.clone(),
                line.median.clone(),
                line.p95.clone(),
                line.rows.clone(),
                template + mark.as_deref().unwrap_or_default(),
            ]
        })
        .collect();
    table(&head, &rows)
}

fn detail(detail: &Detail, lang: Lang) -> String {
    let (rank, share) = (&detail.rank, &detail.share);
    let mut parts = vec![
        format!("### {rank} {}: {share}", code(&detail.name)),
        fence("sql", &detail.sql),
    ];
    if !detail.measures.is_empty() {
        parts.push(statistics_of(detail, lang));
    }
    let mut facts = detail.facts.clone();
    facts.push(format!("fingerprint {}", detail.fingerprint));
    parts.push(inline(&facts.join(" · ")));
    let told: Vec<String> = detail
        .findings
        .iter()
        .map(|ailment| {
            let severity = words::severity(ailment.severity, lang);
            let mut said = vec![inline(&ailment.summary)];
            said.extend(ailment.evidence.iter().map(|e| inline(e)));
            format!(
                "- **{}** ({severity}): {}",
                ailment.detector,
                said.join("; ")
            )
        })
        .collect();
    if !told.is_empty() {
        parts.push(told.join("\n"));
    }
    parts.extend(detail.remedies.iter().map(|r| remedy(r, lang)));
    parts.join("\n\n")
}

fn statistics_of(detail: &Detail, lang: Lang) -> String {
    let mut head = vec![" "];
    head.extend(statistics(lang));
    let rows: Vec<Vec<String>> = detail
        .measures
        .iter()
        .map(|(label, cells)| [std::slice::from_ref(label), cells].concat())
        .collect();
    table(&head, &rows)
}

//! The report for a browser: one file that fetches nothing and runs nothing.
//!
//! Its policy allows the two style sheets that are in it, by their hashes, and nothing else. All text is escaped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest as hash};

use crate::model::finding::Severity;
use crate::report::chart::{self, escape};
use crate::report::digest::page::{
    Advice, Ailment, Detail, Failure, Line, OperationRow, Page, Section, Try, columns,
    operation_columns, server_columns, statistics,
};
use crate::report::{Lang, sentence, words};

/// Longest text of a statement in the table, in characters.
const TEMPLATE_CHARS: usize = 160;

/// The sheet; charts bring their own.
const SHEET: &str = include_str!("html.css");

/// Renders the reports as one file.
pub(super) fn render(pages: &[Page]) -> String {
    let Some(first) = pages.first() else {
        return String::new();
    };
    let mut body = Vec::new();
    for page in pages {
        body.push(front(page));
        for section in page.sections() {
            body.push(tag("h2", section.title(page.lang)));
            body.extend(told(page, section));
        }
    }
    format!("{}\n{}\n</body>\n</html>\n", head(first), body.join("\n"))
}

fn head(page: &Page) -> String {
    let title = escape(&title(page));
    let allowed = [SHEET, chart::STYLE].map(|sheet| format!("'sha256-{}'", sha256(sheet)));
    let policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'",
        allowed.join(" ")
    );
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>{SHEET}</style>\n</head>\n<body>",
        page.lang.as_str()
    )
}

fn sha256(sheet: &str) -> String {
    STANDARD.encode(hash(&SHA256, sheet.as_bytes()))
}

fn title(page: &Page) -> String {
    let title = page.lang.pick("SQL digest", "SQL 요약");
    format!("{title}: {}", page.files)
}

fn front(page: &Page) -> String {
    let summary: Vec<_> = page.summary.iter().map(|s| tag("p", s)).collect();
    let chart = page.chart.as_ref().map_or_else(String::new, |chart| {
        format!("<div class=\"plot\">{}</div>", chart::render(chart))
    });
    format!("{}\n{}\n{chart}", tag("h1", &title(page)), summary.concat())
}

fn told(page: &Page, section: Section) -> Vec<String> {
    let lang = page.lang;
    let (parts, below): (Vec<String>, _) = match section {
        Section::Advice => {
            let fixes = page.advice.iter().map(|a| fix(a, lang)).collect();
            (fixes, &page.advice_note)
        }
        Section::Operations => (vec![operations(page)], &page.operations_note),
        Section::Profile => (vec![profile(page)], &page.rest),
        Section::Details => {
            let details = page.details.iter();
            (details.map(|d| detail(d, lang)).collect(), &None)
        }
        Section::Errors => (page.errors.iter().map(failure).collect(), &page.errors_note),
        Section::Server => (vec![server(page)], &None),
        Section::Notes => {
            let notes: Vec<_> = page.notes.iter().map(|n| tag("li", n)).collect();
            let list = format!("<ul class=\"quiet\">{}</ul>", notes.concat());
            (vec![list], &None)
        }
    };
    let quiet = |note: &String| format!("<p class=\"quiet\">{}</p>", escape(note));
    let below = below.iter().map(quiet);
    parts.into_iter().chain(below).collect()
}

/// An element around text, which is escaped.
fn tag(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// Lines that keep their breaks.
fn lines(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| escape(line)).collect();
    format!("<pre>{}</pre>", lines.join("\n"))
}

fn badge(severity: Severity, lang: Lang) -> String {
    let class = severity.as_str();
    let word = escape(words::severity(severity, lang));
    format!("<span class=\"badge {class}\">{word}</span>")
}

fn fix(advice: &Advice, lang: Lang) -> String {
    let mut head = badge(advice.severity, lang);
    if !advice.share.is_empty() {
        let (share, name) = (escape(&advice.share), tag("code", &advice.name));
        head = format!("{head} {share}: {name}");
    }
    let mut said = vec![tag("p", &advice.what)];
    said.extend(advice.also(lang).map(|also| tag("p", &also)));
    said.extend(advice.remedy.as_ref().map(|r| remedy(r, lang)));
    if !advice.fingerprint.is_empty() {
        let (id, anchor) = (&advice.fingerprint, &advice.anchor);
        let all = lang.pick("all about it", "자세히");
        said.push(format!(
            "<p class=\"quiet\"><a href=\"#{anchor}\">{all}</a> {id}</p>"
        ));
    }
    let class = advice.severity.as_str();
    format!(
        "<section class=\"card {class}\"><h3>{head}</h3>{}</section>",
        said.concat()
    )
}

fn failure(failure: &Failure) -> String {
    let statement = failure.statement.as_ref().map_or_else(String::new, |text| {
        let id = escape(&failure.fingerprint);
        format!(
            "<p>{} <span class=\"quiet\">{id}</span></p>",
            tag("code", text)
        )
    });
    let (what, message) = (tag("h3", &failure.what), tag("p", &failure.message));
    format!("<section class=\"card\">{what}{message}{statement}</section>")
}

fn server(page: &Page) -> String {
    let head = server_columns(page.lang).map(|name| format!("<th scope=\"col\">{name}</th>"));
    let row = |cells: &[String; 5]| {
        let cells = cells.each_ref().map(|cell| tag("td", cell));
        format!("<tr>{}</tr>", cells.concat())
    };
    let rows: Vec<_> = page.server.iter().map(row).collect();
    format!(
        "<div class=\"numbers\"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        head.concat(),
        rows.concat()
    )
}

fn operations(page: &Page) -> String {
    let [figures @ .., name] = operation_columns(page.lang);
    let figures = figures.map(|head| format!("<th class=\"num\" scope=\"col\">{head}</th>"));
    let rows: Vec<_> = page.operations.iter().map(operation).collect();
    format!(
        "<div class=\"wide\"><table><thead><tr>{}<th scope=\"col\">{name}</th></tr></thead><tbody>{}</tbody></table></div>",
        figures.concat(),
        rows.concat()
    )
}

fn operation(row: &OperationRow) -> String {
    let cell = |text: &String| format!("<td class=\"num\">{}</td>", escape(text));
    let cells = row.cells.each_ref().map(cell);
    let ran = row.statements.iter();
    let ran = ran.map(|ran| format!("<br>{} {}", escape(&ran.what), tag("code", &ran.template)));
    let ran: Vec<_> = ran.collect();
    format!(
        "<tr>{}<td class=\"statement\">{}<span class=\"quiet\">{}</span></td></tr>",
        cells.concat(),
        tag("b", &row.name),
        ran.concat()
    )
}

fn remedy(remedy: &Try, lang: Lang) -> String {
    if remedy.sql.is_empty() {
        return tag("p", &remedy.why);
    }
    let safety = sentence::capitalise(words::safety(remedy.safety, lang));
    let why = escape(&format!("{safety}: {}", remedy.why));
    let sql: Vec<_> = remedy.sql.lines().map(str::to_owned).collect();
    format!("{}<p class=\"quiet\">{why}</p>", lines(&sql))
}

fn profile(page: &Page) -> String {
    let lang = page.lang;
    let [share, numbers @ .., statement] = columns(lang);
    let numbers = numbers.map(|n| format!("<th class=\"num\" scope=\"col\">{}</th>", escape(n)));
    let rows: Vec<_> = page
        .profile
        .iter()
        .enumerate()
        .map(|(i, l)| row(i + 1, l, lang))
        .collect();
    format!(
        "<div class=\"wide\"><table><thead><tr><th class=\"num\" scope=\"col\">#</th><th scope=\"col\">{share}</th>{}\
         <th scope=\"col\">{statement}</th></tr></thead>\n<tbody>{}</tbody></table></div>",
        numbers.concat(),
        rows.join("\n")
    )
}

fn row(rank: usize, line: &Line, lang: Lang) -> String {
    let (share, percent) = (line.share, escape(&line.percent));
    let cells = [&line.total, &line.runs, &line.median, &line.p95, &line.rows];
    let cells = cells.map(|c| format!("<td class=\"num\">{}</td>", escape(c)));
    let mark = line
        .worst
        .map(|worst| badge(worst, lang))
        .unwrap_or_default();
    format!(
        "<tr><td class=\"num\">{rank}</td><td class=\"share\"><meter value=\"{share:.4}\"></meter>{percent}</td>{}\
         <td class=\"statement\"><a href=\"#{}\">{}</a> {mark}</td></tr>",
        cells.concat(),
        line.anchor,
        tag("code", &sentence::shorten(&line.template, TEMPLATE_CHARS))
    )
}

fn detail(detail: &Detail, lang: Lang) -> String {
    let (rank, share) = (&detail.rank, escape(&detail.share));
    let name = tag("code", &detail.name);
    let findings: Vec<_> = detail.findings.iter().map(|a| ailment(a, lang)).collect();
    let findings = if findings.is_empty() {
        String::new()
    } else {
        format!("<ul>{}</ul>", findings.concat())
    };
    let remedies: Vec<_> = detail.remedies.iter().map(|r| remedy(r, lang)).collect();
    let worst = detail.findings.iter().map(|f| f.severity).max();
    let class = worst.map_or("", Severity::as_str);
    let mut facts = detail.facts.clone();
    facts.push(detail.fingerprint.clone());
    format!(
        "<section class=\"card {class}\" id=\"{}\"><h3>{rank} {share}: {name}</h3>\n{}{}\
         <p class=\"quiet\">{}</p>{findings}{}</section>",
        detail.anchor,
        lines(&detail.sql),
        numbers(detail, lang),
        escape(&facts.join(" · ")),
        remedies.concat()
    )
}

fn ailment(ailment: &Ailment, lang: Lang) -> String {
    let evidence = if ailment.evidence.is_empty() {
        String::new()
    } else {
        let evidence = escape(&ailment.evidence.join("; "));
        format!("<br><span class=\"quiet\">{evidence}</span>")
    };
    format!(
        "<li>{} <b>{}</b>: {}{evidence}</li>",
        badge(ailment.severity, lang),
        escape(&ailment.detector),
        escape(&ailment.summary)
    )
}

fn numbers(detail: &Detail, lang: Lang) -> String {
    if detail.measures.is_empty() {
        return String::new();
    }
    let head = statistics(lang).map(|s| format!("<th class=\"num\" scope=\"col\">{s}</th>"));
    let rows: Vec<_> = detail
        .measures
        .iter()
        .map(|(label, cells)| {
            let cells = cells
                .each_ref()
                .map(|c| format!("<td class=\"num\">{}</td>", escape(c)));
            format!(
                "<tr><th scope=\"row\">{}</th>{}</tr>",
                escape(label),
                cells.concat()
            )
        })
        .collect();
    format!(
        "<div class=\"numbers\"><table><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div>",
        head.concat(),
        rows.concat()
    )
}

//! The report for a browser: one file that fetches nothing and runs nothing.
//!
//! Its policy allows the two style sheets that are in it, by their hashes, and nothing else. All text is escaped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest as hash};

use crate::model::finding::Severity;
use crate::report::chart::{self, escape};
use crate::report::digest::page::{
    Advice, Ailment, Detail, Failure, Line, Page, Try, errors_heading, statistics,
};
use crate::report::{Lang, sentence, words};

/// Longest text of a statement in the table, in characters.
const TEMPLATE_CHARS: usize = 160;

/// The sheet; charts bring their own.
const SHEET: &str = include_str!("html.css");

/// Renders the report.
pub(super) fn render(page: &Page) -> String {
    let lang = page.lang;
    let mut body = vec![front(page)];
    if !page.is_empty {
        body.push(advice(page));
        body.push(profile(page));
        body.push(heading(lang.pick("In detail", "상세")));
        body.extend(page.details.iter().map(|d| detail(d, lang)));
    }
    if !page.errors.is_empty() {
        body.push(heading(errors_heading(lang)));
        body.extend(page.errors.iter().map(failure));
        body.extend(page.errors_note.iter().map(|note| tag("p", note)));
    }
    if !page.notes.is_empty() {
        body.push(heading(lang.pick("Notes", "참고 사항")));
        let notes: Vec<_> = page.notes.iter().map(|n| tag("li", n)).collect();
        body.push(format!("<ul class=\"quiet\">{}</ul>", notes.concat()));
    }
    format!("{}\n{}\n</body>\n</html>\n", head(page), body.join("\n"))
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

fn heading(text: &str) -> String {
    tag("h2", text)
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

fn advice(page: &Page) -> String {
    let lang = page.lang;
    let mut parts = vec![heading(lang.pick("Fix first", "먼저 고칠 것"))];
    parts.extend(page.advice.iter().map(|a| fix(a, lang)));
    parts.extend(page.advice_note.iter().map(|note| tag("p", note)));
    parts.join("\n")
}

fn fix(advice: &Advice, lang: Lang) -> String {
    let mut head = badge(advice.severity, lang);
    if !advice.share.is_empty() {
        let (share, name) = (escape(&advice.share), tag("code", &advice.name));
        head = format!("{head} {share}: {name}");
    }
    let mut said = vec![tag("p", &advice.what)];
    if let Some(also) = &advice.also {
        let lead = lang.pick("Also: ", "그 밖에: ");
        said.push(tag("p", &format!("{lead}{also}.")));
    }
    said.extend(advice.remedy.as_ref().map(|r| remedy(r, lang)));
    if !advice.fingerprint.is_empty() {
        let (id, all) = (&advice.fingerprint, lang.pick("all about it", "자세히"));
        said.push(format!(
            "<p class=\"quiet\"><a href=\"#q-{id}\">{all}</a> {id}</p>"
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
    let title = lang.pick("Statements by total time", "총 실행 시간별 문장");
    let head = lang.pick(
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
    );
    let [share, numbers @ .., statement] = head;
    let numbers = numbers.map(|n| format!("<th class=\"num\" scope=\"col\">{}</th>", escape(n)));
    let rows: Vec<_> = page
        .profile
        .iter()
        .enumerate()
        .map(|(i, l)| row(i + 1, l, lang))
        .collect();
    let rest = page.rest.as_ref().map_or_else(String::new, |rest| {
        format!("<p class=\"quiet\">{}</p>", escape(rest))
    });
    format!(
        "{}<div class=\"wide\"><table><thead><tr><th class=\"num\" scope=\"col\">#</th><th scope=\"col\">{share}</th>{}\
         <th scope=\"col\">{statement}</th></tr></thead>\n<tbody>{}</tbody></table></div>{rest}",
        heading(title),
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
         <td class=\"statement\"><a href=\"#q-{}\">{}</a> {mark}</td></tr>",
        cells.concat(),
        line.fingerprint,
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
        "<section class=\"card {class}\" id=\"q-{}\"><h3>{rank} {share}: {name}</h3>\n{}{}\
         <p class=\"quiet\">{}</p>{findings}{}</section>",
        detail.fingerprint,
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

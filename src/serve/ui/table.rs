//! Tables: of statements, of incidents.

use crate::model::incident::Incident;
use crate::model::time::Timestamp;
use crate::report::{Style, unit};
use crate::serve::ui::facts;
use crate::serve::ui::html::{Element, Html, el, link, of_class};
use crate::store::view::QueryRow;

/// A table that scrolls sideways by itself where the screen is narrow.
pub(super) fn table(caption: &str, columns: &[(&str, Align)], rows: Html) -> Element {
    let heads = columns.iter().map(|(name, align)| {
        el("th")
            .attr("scope", "col")
            .attr("class", align.class())
            .child(*name)
    });
    let table = el("table")
        .child(of_class("caption", "sr").child(caption))
        .child(el("thead").child(el("tr").children(heads)))
        .child(el("tbody").child(rows));
    of_class("div", "scroll")
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", caption)
        .child(table)
}

/// How a column stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Align {
    fn class(self) -> &'static str {
        match self {
            Self::Left => "",
            Self::Right => "num",
        }
    }
}

/// A cell with a number.
pub(super) fn number(text: impl Into<Html>) -> Element {
    of_class("td", "num").child(text)
}

/// Statements by cost.
pub(super) fn queries(rows: &[QueryRow], style: &Style) -> Element {
    use Align::{Left, Right};
    let lang = style.lang;
    let columns = [
        (lang.pick("Share", "비중"), Left),
        (lang.pick("Statement", "문장"), Left),
        (lang.pick("Runs", "실행"), Right),
        (lang.pick("Total", "합계"), Right),
        ("p95", Right),
        (lang.pick("Max", "최대"), Right),
        (lang.pick("Rows read / sent", "읽은 행 / 보낸 행"), Right),
        (lang.pick("Last run", "마지막 실행"), Left),
    ];
    let rows = rows.iter().map(|row| query(row, style)).collect();
    let caption = lang.pick("Statements by run time", "실행 시간순 문장");
    table(caption, &columns, rows)
}

fn query(row: &QueryRow, style: &Style) -> Element {
    let (load, statement) = (&row.load, &row.statement);
    let databases = row.databases.join(", ");
    let name = el("td")
        .child(facts::statement(
            statement.fingerprint,
            statement.template.as_str(),
        ))
        .child(of_class("span", "quiet").child(databases));
    el("tr")
        .child(share(row.share))
        .child(name)
        .child(number(unit::exact(load.count)))
        .child(number(unit::duration(load.elapsed.total)))
        .child(number(unit::duration(load.elapsed.p95)))
        .child(number(unit::duration(load.elapsed.max)))
        .child(number(rows_read(row)))
        .child(of_class("td", "when").child(facts::instant(row.last_seen, style)))
}

fn rows_read(row: &QueryRow) -> String {
    let mean = |rows: Option<&crate::model::subject::RowLoad>| {
        rows.map_or_else(|| "–".to_owned(), |rows| unit::count(rows.mean()))
    };
    let (read, sent) = (&row.load.rows_examined, &row.load.rows_returned);
    format!("{} / {}", mean(read.as_ref()), mean(sent.as_ref()))
}

/// A share as a bar and in words.
fn share(share: f64) -> Element {
    let words = unit::percent(share);
    let bar = el("meter")
        .attr("min", "0")
        .attr("max", "1")
        .attr("value", &format!("{:.4}", share.clamp(0.0, 1.0)))
        .child(words.as_str());
    of_class("td", "share")
        .child(bar)
        .child(el("span").child(words.as_str()))
}

/// Incidents, the newest first.
pub(super) fn incidents(rows: &[Incident], now: Timestamp, style: &Style) -> Element {
    use Align::{Left, Right};
    let lang = style.lang;
    let columns = [
        (lang.pick("State", "상태"), Left),
        (lang.pick("Severity", "심각도"), Left),
        (lang.pick("Incident", "장애"), Left),
        (lang.pick("Service", "서비스"), Left),
        (lang.pick("Since", "시작"), Left),
        (lang.pick("Lasted", "지속 시간"), Right),
    ];
    let rows = rows.iter().map(|incident| {
        let title = link(&facts::incident_path(incident), incident.title.as_str());
        let name = of_class("span", "quiet").child(incident.id.as_str());
        let since = facts::instant(incident.started_at, style);
        el("tr")
            .child(el("td").child(facts::state(incident.state, style)))
            .child(el("td").child(facts::severity(incident.severity, style)))
            .child(el("td").child(title).child(name))
            .child(el("td").child(incident.service.as_str()))
            .child(of_class("td", "when").child(since))
            .child(number(facts::lasted(incident, now)))
    });
    table(lang.pick("Incidents", "장애"), &columns, rows.collect())
}

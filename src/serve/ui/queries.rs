//! `/queries`: statements by cost.

use axum::extract::State;
use serde::Deserialize;

use crate::report::Lang;
use crate::serve::Site;
use crate::serve::api::params::{self, Query};
use crate::serve::api::queries::DEFAULT_INTERVAL;
use crate::serve::archive;
use crate::serve::problem::Problem;
use crate::serve::ui::html::{Element, Path, el, link, of_class};
use crate::serve::ui::page::{Page, Section, Shown};
use crate::serve::ui::table;
use crate::store::view::QueryFilter;

/// Statements a page.
const ROWS: usize = 100;
/// Intervals to choose from: as the parameter has it, in words.
pub(super) const INTERVALS: [(&str, &str, &str); 5] = [
    ("15m", "last 15 minutes", "지난 15분"),
    ("1h", "last hour", "지난 1시간"),
    ("6h", "last 6 hours", "지난 6시간"),
    ("24h", "last day", "지난 하루"),
    ("7d", "last week", "지난 1주"),
];

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(in crate::serve) struct PageParams {
    from: Option<String>,
    text: Option<String>,
    cursor: Option<String>,
}

/// The list.
pub(in crate::serve) async fn page(
    State(site): State<Site>,
    params: Result<Query<PageParams>, Problem>,
) -> Shown {
    let Query(params) = params?;
    let now = site.clock.now();
    let filter = QueryFilter {
        within: params::interval(params.from.as_deref(), None, DEFAULT_INTERVAL, now)?,
        text: params::short("text", params.text.clone())?,
        cursor: params::short("cursor", params.cursor.clone())?,
        limit: ROWS,
        ..QueryFilter::default()
    };
    let found = archive::read(&site.archive, move |a| a.queries(&filter)).await?;
    let lang = site.style.lang;
    let body = el("section")
        .child(el("h1").child(lang.pick("Statements by run time", "실행 시간순 문장")))
        .child(search(&params, lang));
    let body = if found.items.is_empty() {
        body.child(
            of_class("p", "quiet")
                .child(lang.pick("No statement was seen.", "보인 문장이 없습니다.")),
        )
    } else {
        body.child(table::queries(&found.items, &site.style))
    };
    let more = found.next.map(|cursor| {
        let mut path = Path::of(&["queries"]).with("cursor", &cursor);
        if let Some(from) = &params.from {
            path = path.with("from", from);
        }
        if let Some(text) = &params.text {
            path = path.with("text", text);
        }
        el("p").child(link(&path, lang.pick("More", "더 보기")))
    });
    let page = Page {
        title: lang.pick("Queries", "쿼리").to_owned(),
        section: Section::Queries,
        live: false,
        body: body.child(more).into(),
    };
    Ok(page.render(&site))
}

fn search(params: &PageParams, lang: Lang) -> Element {
    let hint = lang.pick("Table or part of the statement", "테이블 또는 문장의 일부");
    let text = el("input")
        .attr("type", "search")
        .attr("name", "text")
        .attr("maxlength", "256")
        .attr("placeholder", hint)
        .attr("aria-label", hint)
        .attr("value", params.text.as_deref().unwrap_or_default());
    el("form")
        .attr("class", "search")
        .attr("action", "/queries")
        .child(text)
        .child(choose_interval(params.from.as_deref(), lang))
        .child(el("button").child(lang.pick("Show", "보기")))
}

/// A choice of intervals, `chosen` or the last hour marked.
pub(super) fn choose_interval(chosen: Option<&str>, lang: Lang) -> Element {
    let chosen = chosen.unwrap_or("1h");
    let options = INTERVALS.iter().map(|(value, english, korean)| {
        let option = el("option")
            .attr("value", value)
            .child(*lang.pick(english, korean));
        if *value == chosen {
            option.attr("selected", "")
        } else {
            option
        }
    });
    el("select")
        .attr("name", "from")
        .attr("aria-label", lang.pick("Interval", "구간"))
        .children(options)
}

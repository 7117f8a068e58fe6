//! `/queries`: statements by cost.

use axum::extract::State;
use serde::Deserialize;

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
pub(super) const INTERVALS: [(&str, &str); 5] = [
    ("15m", "last 15 minutes"),
    ("1h", "last hour"),
    ("6h", "last 6 hours"),
    ("24h", "last day"),
    ("7d", "last week"),
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
    let body = el("section")
        .child(el("h1").child("Statements by run time"))
        .child(search(&params));
    let body = if found.items.is_empty() {
        body.child(of_class("p", "quiet").child("No statement was seen."))
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
        el("p").child(link(&path, "More"))
    });
    let page = Page {
        title: "Queries".to_owned(),
        section: Section::Queries,
        live: false,
        body: body.child(more).into(),
    };
    Ok(page.render(&site))
}

fn search(params: &PageParams) -> Element {
    let text = el("input")
        .attr("type", "search")
        .attr("name", "text")
        .attr("maxlength", "256")
        .attr("placeholder", "Table or part of the statement")
        .attr("aria-label", "Table or part of the statement")
        .attr("value", params.text.as_deref().unwrap_or_default());
    el("form")
        .attr("class", "search")
        .attr("action", "/queries")
        .child(text)
        .child(choose_interval(params.from.as_deref()))
        .child(el("button").child("Show"))
}

/// A choice of intervals, `chosen` or the last hour marked.
pub(super) fn choose_interval(chosen: Option<&str>) -> Element {
    let chosen = chosen.unwrap_or("1h");
    let options = INTERVALS.iter().map(|(value, words)| {
        let option = el("option").attr("value", value).child(*words);
        if *value == chosen {
            option.attr("selected", "")
        } else {
            option
        }
    });
    el("select")
        .attr("name", "from")
        .attr("aria-label", "Interval")
        .children(options)
}

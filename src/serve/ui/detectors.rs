//! `/detectors`: the catalogue, and what each detector says of itself.

use axum::extract::{Path as UrlPath, State};

use crate::serve::Site;
use crate::serve::problem::Problem;
use crate::serve::ui::facts;
use crate::serve::ui::html::{el, of_class};
use crate::serve::ui::markdown;
use crate::serve::ui::page::{Page, Section, Shown};
use crate::serve::ui::table::{self, Align};

/// The catalogue.
pub(in crate::serve) async fn list(State(site): State<Site>) -> Shown {
    let rows = site.detectors.iter().map(|meta| {
        el("tr")
            .child(el("td").child(facts::detector(meta.slug)))
            .child(el("td").child(meta.summary))
            .child(el("td").child(facts::urgency(meta.urgency)))
            .child(el("td").child(meta.needs))
    });
    let columns = [
        ("Detector", Align::Left),
        ("Finds", Align::Left),
        ("Kind", Align::Left),
        ("Needs", Align::Left),
    ];
    let body = el("section")
        .child(el("h1").child("Detectors"))
        .child(
            of_class("p", "quiet")
                .child("Acute detectors may open an incident; advice is shown and never paged."),
        )
        .child(table::table("Detectors", &columns, rows.collect()));
    let page = Page {
        title: "Detectors".to_owned(),
        section: Section::Detectors,
        live: false,
        body: body.into(),
    };
    Ok(page.render(&site))
}

/// One detector.
pub(in crate::serve) async fn page(
    State(site): State<Site>,
    UrlPath(slug): UrlPath<String>,
) -> Shown {
    let meta = site
        .detectors
        .iter()
        .find(|meta| meta.slug == slug)
        .ok_or_else(|| Problem::not_found("there is no detector of this name in this version"))?;
    let about = of_class("p", "badges")
        .child(facts::urgency(meta.urgency))
        .child(
            of_class("span", "quiet").child(format!("needs {}, since {}", meta.needs, meta.since)),
        );
    let body = of_class("section", "prose")
        .child(el("h1").child(meta.slug))
        .child(of_class("p", "lead").child(meta.summary))
        .child(about)
        .child(markdown::render(&meta.markdown()));
    let page = Page {
        title: meta.slug.to_owned(),
        section: Section::Detectors,
        live: false,
        body: body.into(),
    };
    Ok(page.render(&site))
}

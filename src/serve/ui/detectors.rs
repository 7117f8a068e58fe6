//! `/detectors`: the catalogue, and what each detector says of itself.

use axum::extract::State;

use crate::serve::Site;
use crate::serve::api::params::Segment;
use crate::serve::problem::Problem;
use crate::serve::ui::facts;
use crate::serve::ui::html::{el, of_class};
use crate::serve::ui::markdown;
use crate::serve::ui::page::{Page, Section, Shown};
use crate::serve::ui::table::{self, Align};

/// The catalogue.
pub(in crate::serve) async fn list(State(site): State<Site>) -> Shown {
    let lang = site.style.lang;
    let rows = site.detectors.iter().map(|meta| {
        el("tr")
            .child(el("td").child(facts::detector(meta.slug)))
            .child(el("td").child(lang.pick(meta.summary, meta.summary_ko)))
            .child(el("td").child(facts::urgency(meta.urgency, &site.style)))
            .child(el("td").child(meta.needs))
    });
    let title = lang.pick("Detectors", "탐지기");
    let columns = [
        (lang.pick("Detector", "탐지기"), Align::Left),
        (lang.pick("Finds", "찾는 것"), Align::Left),
        (lang.pick("Kind", "종류"), Align::Left),
        (lang.pick("Needs", "필요한 것"), Align::Left),
    ];
    let body = el("section")
        .child(el("h1").child(title))
        .child(of_class("p", "quiet").child(lang.pick(
            "Acute detectors may open an incident; advice is shown and never paged.",
            "긴급 탐지기는 장애를 열 수 있고, 조언은 보여 주기만 합니다.",
        )))
        .child(table::table(title, &columns, rows.collect()));
    let page = Page {
        title: title.to_owned(),
        section: Section::Detectors,
        live: false,
        body: body.into(),
    };
    Ok(page.render(&site))
}

/// One detector.
pub(in crate::serve) async fn page(State(site): State<Site>, Segment(slug): Segment) -> Shown {
    let meta = site
        .detectors
        .iter()
        .find(|meta| meta.slug == slug)
        .ok_or_else(|| Problem::not_found("there is no detector of this name in this version"))?;
    let lang = site.style.lang;
    let about = of_class("p", "badges")
        .child(facts::urgency(meta.urgency, &site.style))
        .child(
            of_class("span", "quiet").child(format!("needs {}, since {}", meta.needs, meta.since)),
        );
    let body = of_class("section", "prose")
        .child(el("h1").child(meta.slug))
        .child(of_class("p", "lead").child(lang.pick(meta.summary, meta.summary_ko)))
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

//! `/incidents`: every incident, the newest first.

use axum::extract::State;

use crate::serve::Site;
use crate::serve::api::incidents::ListParams;
use crate::serve::api::params::Query;
use crate::serve::archive;
use crate::serve::problem::Problem;
use crate::serve::ui::html::{Path, el, link, of_class};
use crate::serve::ui::page::{Page, Section, Shown};
use crate::serve::ui::table;

/// The list.
pub(in crate::serve) async fn page(
    State(site): State<Site>,
    params: Result<Query<ListParams>, Problem>,
) -> Shown {
    let Query(params) = params?;
    let filter = params.filter(&site)?;
    let found = archive::read(&site.archive, move |a| a.incidents(&filter)).await?;
    let lang = site.style.lang;
    let title = lang.pick("Incidents", "장애");
    let body = el("section").child(el("h1").child(title));
    let body = if found.items.is_empty() {
        body.child(of_class("p", "quiet").child(lang.pick("There was none.", "없었습니다.")))
    } else {
        body.child(table::incidents(
            &found.items,
            site.clock.now(),
            &site.style,
        ))
    };
    let older = found.next.map(|cursor| {
        let path = Path::of(&["incidents"]).with("cursor", &cursor);
        el("p").child(link(&path, lang.pick("Older", "이전 기록")))
    });
    let page = Page {
        title: title.to_owned(),
        section: Section::Incidents,
        live: true,
        body: body.child(older).into(),
    };
    Ok(page.render(&site))
}

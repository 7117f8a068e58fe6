//! The frame of every page, and what is shown instead of a page that failed.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::report::{Lang, moment};
use crate::serve::Site;
use crate::serve::problem::Problem;
use crate::serve::ui::html::{Html, Path, el, link, of_class};

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Now,
    Incidents,
    Queries,
    Detectors,
    None,
}

/// Section, its name in English and in Korean, its path.
const NAVIGATION: [(Section, &str, &str, &[&str]); 4] = [
    (Section::Now, "Now", "현황", &[]),
    (Section::Incidents, "Incidents", "장애", &["incidents"]),
    (Section::Queries, "Queries", "쿼리", &["queries"]),
    (Section::Detectors, "Detectors", "탐지기", &["detectors"]),
];

/// A page that is ready to be framed.
#[derive(Debug)]
pub(super) struct Page {
    /// What the tab says.
    pub(super) title: String,
    /// Entry of the navigation.
    pub(super) section: Section,
    /// Whether it refreshes by itself.
    pub(super) live: bool,
    /// Content of `<main>`.
    pub(super) body: Html,
}

/// A page, or what is shown instead.
pub(in crate::serve) type Shown = Result<Response, Failure>;

/// A problem, shown as a page.
#[derive(Debug)]
pub(in crate::serve) struct Failure(Problem);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = of_class("section", "notice")
            .child(el("h1").child(self.0.title()))
            .child(el("p").child(self.0.detail()))
            .child(el("p").child(link(&Path::of(&[]), "Back to Now")));
        let page = Page {
            title: self.0.title().to_owned(),
            section: Section::None,
            live: false,
            body: body.into(),
        };
        respond(self.0.status(), page.frame(&Frame::default()))
    }
}

/// What stands around every page.
#[derive(Debug, Default)]
struct Frame {
    lang: Lang,
    footer: String,
    can_leave: bool,
}

impl Page {
    /// The whole document.
    pub(super) fn render(self, site: &Site) -> Response {
        let (now, zone) = (site.clock.now(), &site.style.zone);
        let (at, named) = (moment::stamp(now, zone), moment::zone_name(now, zone));
        let lang = site.style.lang;
        let frame = Frame {
            lang,
            footer: lang.pick(
                format!("As of {at}. Times are in {named}."),
                format!("{at} 기준. 시각은 {named}."),
            ),
            can_leave: site.auth.is_required(),
        };
        respond(StatusCode::OK, self.frame(&frame))
    }

    fn frame(self, frame: &Frame) -> String {
        let body = el("body")
            .attr("data-live", if self.live { "1" } else { "" })
            .child(
                of_class("a", "skip")
                    .attr("href", "#main")
                    .child(frame.lang.pick("Skip to content", "본문으로")),
            )
            .child(banner(self.section, self.live, frame))
            .child(el("main").attr("id", "main").child(self.body))
            .child(footer(frame));
        let document = el("html")
            .attr("lang", frame.lang.as_str())
            .child(head(&self.title, self.live))
            .child(body);
        format!("<!doctype html>\n{}\n", Html::from(document).into_string())
    }
}

fn head(title: &str, live: bool) -> Html {
    let meta = |name, content| el("meta").attr("name", name).attr("content", content);
    let without_script = el("noscript").child(
        el("meta")
            .attr("http-equiv", "refresh")
            .attr("content", "15"),
    );
    el("head")
        .child(el("meta").attr("charset", "utf-8"))
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .child(el("title").child(format!("{title} · sqleuth")))
        .child(
            el("link")
                .attr("rel", "stylesheet")
                .attr("href", "/assets/style.css"),
        )
        .child(el("link").attr("rel", "icon").attr("href", "data:,"))
        .child(
            el("script")
                .attr("src", "/assets/live.js")
                .attr("defer", ""),
        )
        .child(live.then_some(without_script))
        .into()
}

fn banner(section: Section, live: bool, frame: &Frame) -> Html {
    let lang = frame.lang;
    let entries = NAVIGATION.iter().map(|(entry, english, korean, segments)| {
        let anchor = link(&Path::of(segments), *lang.pick(english, korean));
        if *entry == section {
            anchor.attr("aria-current", "page")
        } else {
            anchor
        }
    });
    let leave = el("form")
        .attr("method", "post")
        .attr("action", "/logout")
        .child(el("button").child(lang.pick("Log out", "로그아웃")));
    let status = of_class("span", "live")
        .attr("id", "live")
        .attr("role", "status");
    of_class("header", "banner")
        .child(link(&Path::of(&[]), "sqleuth").attr("class", "brand"))
        .child(el("nav").attr("aria-label", "Main").children(entries))
        .child(live.then_some(status))
        .child(frame.can_leave.then_some(leave))
        .into()
}

fn footer(frame: &Frame) -> Html {
    el("footer")
        .child(el("span").child(frame.footer.as_str()))
        .child(el("span").child(concat!("sqleuth ", env!("CARGO_PKG_VERSION"))))
        .child(link(&Path::of(&["metrics"]), "Metrics"))
        .child(link(&Path::of(&["api", "v1", "openapi.json"]), "API"))
        .into()
}

fn respond(status: StatusCode, document: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, document).into_response()
}

/// What stands at no known path.
pub(in crate::serve) async fn not_found(uri: Uri) -> Response {
    let problem = Problem::not_found("there is nothing at this path");
    if uri.path().starts_with("/api/") {
        return problem.into_response();
    }
    Failure(problem).into_response()
}

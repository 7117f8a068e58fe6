//! Small pieces that several pages share: badges, instants, statements, evidence.

use crate::model::evidence::Evidence;
use crate::model::finding::{Remedy, Safety, Severity, Urgency};
use crate::model::id::FingerprintId;
use crate::model::incident::{Incident, IncidentState};
use crate::model::time::Timestamp;
use crate::report::{Style, moment, sentence, unit, words};
use crate::serve::ui::html::{Element, Html, Path, el, link, of_class};

/// Longest statement in a table or a legend.
const EXCERPT_CHARS: usize = 160;

/// A severity in words and colour.
pub(super) fn severity(severity: Severity, style: &Style) -> Element {
    of_class("span", &format!("badge {}", severity.as_str()))
        .child(words::severity(severity, style.lang))
}

/// A state in words and colour.
pub(super) fn state(state: IncidentState, style: &Style) -> Element {
    of_class("span", &format!("badge {}", state.as_str())).child(words::state(state, style.lang))
}

/// What kind of detector it is.
pub(super) fn urgency(urgency: Urgency, style: &Style) -> Element {
    let word = match urgency {
        Urgency::Acute => style.lang.pick("acute", "긴급"),
        Urgency::Chronic => style.lang.pick("advice", "조언"),
    };
    of_class("span", "badge").child(word)
}

/// An instant in the configured zone; machines read it in UTC.
pub(super) fn instant(at: Timestamp, style: &Style) -> Element {
    el("time")
        .attr("datetime", &at.to_string())
        .child(moment::stamp(at, &style.zone))
}

/// How long an incident has lasted or did last.
pub(super) fn lasted(incident: &Incident, now: Timestamp) -> String {
    let end = incident.resolved_at.unwrap_or(now);
    unit::duration(end.since(incident.started_at))
}

/// What its first finding says, in words.
pub(super) fn leading(incident: &Incident, style: &Style) -> Option<Element> {
    let lead = &incident.findings.first()?.finding;
    Some(of_class("p", "lead").child(sentence::finding(lead, style)))
}

/// Who takes care of it.
pub(super) fn taken_by(by: &str, style: &Style) -> String {
    style
        .lang
        .pick(format!("Taken by {by}"), format!("담당: {by}"))
}

/// The page of a statement.
pub(super) fn query_path(fingerprint: FingerprintId) -> Path {
    Path::of(&["queries", &fingerprint.to_string()])
}

/// The page of an incident.
pub(super) fn incident_path(incident: &Incident) -> Path {
    Path::of(&["incidents", incident.id.as_str()])
}

/// A detector's name, leading to its documentation.
pub(super) fn detector(slug: &str) -> Element {
    link(&Path::of(&["detectors", slug]), slug).attr("class", "slug")
}

/// The beginning of a statement on one line, leading to its page; all of it as its tip.
pub(super) fn statement(fingerprint: FingerprintId, template: &str) -> Element {
    link(
        &query_path(fingerprint),
        el("code").child(excerpt(template)),
    )
    .attr("class", "statement")
    .attr("title", &clip(template, 1_000))
}

/// White space folded, then cut.
pub(super) fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    clip(&words.join(" "), EXCERPT_CHARS)
}

fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// SQL to read or to copy.
pub(super) fn sql(text: &str) -> Element {
    let copy = el("button")
        .attr("type", "button")
        .attr("data-copy", "1")
        .child("Copy");
    of_class("div", "sql")
        .child(el("pre").child(el("code").child(text)))
        .child(copy)
}

/// Facts as a list of phrases; links where there is something to look at.
pub(super) fn evidence(facts: &[Evidence], style: &Style) -> Html {
    if facts.is_empty() {
        return of_class("p", "quiet")
            .child(style.lang.pick("None.", "없음."))
            .into();
    }
    let items = facts.iter().map(|fact| {
        let item = el("li").child(sentence::evidence(fact, style));
        match fact {
            Evidence::Statement { fingerprint, .. } => item.child(" ").child(link(
                &query_path(*fingerprint),
                style.lang.pick("open", "열기"),
            )),
            _ => item,
        }
    });
    of_class("ul", "facts").children(items).into()
}

/// What may help.
pub(super) fn remedy(remedy: &Remedy, style: &Style) -> Element {
    let why = el("p").child(words::remedy(&remedy.why, style.lang));
    let item = of_class("li", "remedy");
    if remedy.sql.is_empty() {
        return item.child(why);
    }
    let class = match remedy.safety {
        Safety::Safe => "badge safe",
        Safety::NeedsReview => "badge warning",
    };
    let safety = of_class("span", class).child(words::safety(remedy.safety, style.lang));
    item.child(why.child(" ").child(safety))
        .child(sql(&remedy.sql))
}

//! `/incidents/{id}`: one incident's story, in the order in which people ask.

use std::time::Duration;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use crate::model::finding::Severity;
use crate::model::incident::{Cause, Incident, IncidentFinding, IncidentState, TimelineEvent};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, sentence, unit};
use crate::serve::Site;
use crate::serve::api::incidents;
use crate::serve::problem::Problem;
use crate::serve::ui::facts;
use crate::serve::ui::html::{Element, Html, Path, el, link, of_class};
use crate::serve::ui::page::{Page, Section, Shown};

/// The story.
pub(in crate::serve) async fn page(
    State(site): State<Site>,
    UrlPath(id): UrlPath<String>,
) -> Shown {
    let incident = incidents::find(&site, &id).await?;
    let (now, style) = (site.clock.now(), &site.style);
    let sections = [
        Some(headline(&incident, now, style)),
        Some(actions(&incident)),
        ranked_cause(&incident).map(|c| cause(c, &incident, style)),
        chain(&incident, style),
        remedies(&incident, style),
        Some(findings(&incident, style)),
        Some(timeline(&incident, style)),
        Some(alerts(&incident, style)),
    ];
    let page = Page {
        title: format!("{} {}", incident.id, incident.title),
        section: Section::Incidents,
        live: incident.state != IncidentState::Resolved,
        body: sections.into_iter().collect(),
    };
    Ok(page.render(&site))
}

/// What, since when.
fn headline(incident: &Incident, now: Timestamp, style: &Style) -> Element {
    let badges = of_class("p", "badges")
        .child(facts::state(incident.state))
        .child(facts::severity(incident.severity))
        .child(of_class("span", "quiet").child(incident.id.as_str()));
    let when = el("p")
        .child("Since ")
        .child(facts::instant(incident.started_at, style))
        .child(
            incident
                .resolved_at
                .map(|at| el("span").child(" until ").child(facts::instant(at, style))),
        )
        .child(", ")
        .child(el("strong").child(facts::lasted(incident, now)));
    let mut place = el("p")
        .child("Service ")
        .child(el("strong").child(incident.service.as_str()));
    if !incident.databases.is_empty() {
        place = place
            .child(", database ")
            .child(el("strong").child(incident.databases.join(", ")));
    }
    let taken = incident
        .acknowledged_by
        .as_ref()
        .map(|by| el("p").child(format!("Taken by {by}.")));
    of_class("section", &format!("story {}", incident.severity.as_str()))
        .child(badges)
        .child(el("h1").child(incident.title.as_str()))
        .child(facts::leading(incident, style))
        .child(when)
        .child(place)
        .child(taken)
}

fn actions(incident: &Incident) -> Element {
    let postmortem = Path::of(&["api", "v1", "incidents", incident.id.as_str(), "postmortem"]);
    let is_open = incident.state != IncidentState::Resolved;
    let ack = (is_open && incident.acknowledged_by.is_none()).then(|| {
        let action = Path::of(&["incidents", incident.id.as_str(), "ack"]);
        let name = el("input")
            .attr("name", "by")
            .attr("required", "")
            .attr("maxlength", "80")
            .attr("autocomplete", "username")
            .attr("aria-label", "Your name")
            .attr("placeholder", "Your name");
        el("form")
            .attr("method", "post")
            .attr("action", action.as_str())
            .child(name)
            .child(el("button").child("Take it"))
    });
    of_class("section", "actions")
        .child(ack)
        .child(
            link(
                &postmortem.clone().with("lang", "en"),
                "Postmortem (Markdown)",
            )
            .attr("class", "button"),
        )
        .child(
            link(&postmortem.with("lang", "ko"), "한국어")
                .attr("class", "button")
                .attr("lang", "ko"),
        )
}

/// The first of several findings; one alone is its own cause, and nothing is to be said of it.
pub(super) fn ranked_cause(incident: &Incident) -> Option<&Cause> {
    let is_ranked = incident.findings.len() > 1;
    incident.cause.as_ref().filter(|_| is_ranked)
}

/// Because of what, and what speaks against it.
fn cause(cause: &Cause, incident: &Incident, style: &Style) -> Element {
    let finding = incident
        .findings
        .iter()
        .find(|kept| kept.finding.detector == cause.finding);
    let summary = finding.map(|kept| el("p").child(sentence::headline(&kept.finding, style)));
    let confidence = el("p")
        .child(facts::detector(&cause.finding))
        .child(format!(", confidence {}", unit::percent(cause.confidence)));
    let column = |title: &str, facts_of: &[_]| {
        el("div")
            .child(el("h3").child(title))
            .child(facts::evidence(facts_of, style))
    };
    let columns = of_class("div", "columns")
        .child(column("What speaks for it", &cause.evidence))
        .child(column("What speaks against it", &cause.counter_evidence));
    el("section")
        .child(el("h2").child("Most likely cause"))
        .child(summary)
        .child(confidence)
        .child(columns)
}

/// How one led to the next; nothing to say for a single step.
fn chain(incident: &Incident, style: &Style) -> Option<Element> {
    if incident.chain.len() < 2 {
        return None;
    }
    let steps = incident.chain.iter().map(|step| {
        el("li").child(facts::detector(&step.finding)).child(
            of_class("span", "quiet")
                .child("began between ")
                .child(facts::instant(step.onset.from, style))
                .child(" and ")
                .child(facts::instant(step.onset.to, style)),
        )
    });
    Some(
        el("section")
            .child(el("h2").child("In order of onset"))
            .child(of_class("ol", "chain").children(steps)),
    )
}

fn remedies(incident: &Incident, style: &Style) -> Option<Element> {
    if incident.remedies.is_empty() {
        return None;
    }
    let items = incident.remedies.iter().map(|r| facts::remedy(r, style));
    Some(
        el("section")
            .child(el("h2").child("What may help"))
            .child(of_class("ol", "remedies").children(items)),
    )
}

fn findings(incident: &Incident, style: &Style) -> Element {
    let found = incident.findings.iter().map(|kept| finding(kept, style));
    el("section")
        .child(el("h2").child("What was found"))
        .children(found)
}

fn finding(kept: &IncidentFinding, style: &Style) -> Element {
    let finding = &kept.finding;
    let state = if kept.active {
        of_class("span", "badge firing").child("sick now")
    } else {
        of_class("span", "badge").child("over")
    };
    let heading = of_class("p", "badges")
        .child(facts::severity(finding.severity))
        .child(state)
        .child(facts::detector(&finding.detector));
    let template = finding
        .template
        .as_ref()
        .map(|template| facts::sql(template.as_str()));
    let statement = finding.fingerprint.map(|fingerprint| {
        el("p").child(link(
            &facts::query_path(fingerprint).over(around(kept)),
            "This statement over time",
        ))
    });
    let seen = of_class("p", "quiet")
        .child("First seen between ")
        .child(facts::instant(kept.onset.from, style))
        .child(" and ")
        .child(facts::instant(kept.onset.to, style))
        .child(", last seen ")
        .child(facts::instant(kept.last_seen, style));
    of_class("article", &format!("card {}", finding.severity.as_str()))
        .child(heading)
        .child(el("p").child(sentence::headline(finding, style)))
        .child(facts::evidence(&finding.evidence, style))
        .child(template)
        .child(statement)
        .child(seen)
}

/// The time of a finding and half an hour around it, so that its statement is found long after.
fn around(kept: &IncidentFinding) -> Interval {
    const MARGIN: Duration = Duration::from_secs(1_800);
    Interval {
        from: kept.onset.from.minus(MARGIN),
        to: kept.last_seen.plus(MARGIN),
    }
}

fn timeline(incident: &Incident, style: &Style) -> Element {
    let entries = incident.timeline.iter().map(|entry| {
        el("li")
            .child(facts::instant(entry.at, style))
            .child(" ")
            .child(happened(&entry.what))
    });
    el("section")
        .child(el("h2").child("Timeline"))
        .child(of_class("ol", "timeline").children(entries))
}

fn happened(what: &TimelineEvent) -> Html {
    match what {
        TimelineEvent::Opened => "first sign".into(),
        TimelineEvent::Fired => "fired".into(),
        TimelineEvent::FindingJoined { finding, .. } => {
            phrase("joined by", facts::detector(finding))
        }
        TimelineEvent::FindingCleared { finding, .. } => {
            phrase("no longer", facts::detector(finding))
        }
        TimelineEvent::SeverityRaised { to } => raised(*to),
        TimelineEvent::Acknowledged { by } => format!("taken by {by}").into(),
        TimelineEvent::Recovering => "recovering".into(),
        TimelineEvent::Relapsed => "relapsed".into(),
        TimelineEvent::Resolved => "resolved".into(),
        TimelineEvent::Marker { kind, title } => format!("{kind}: {title}").into(),
    }
}

fn raised(to: Severity) -> Html {
    phrase("raised to", facts::severity(to))
}

fn phrase(words: &str, element: Element) -> Html {
    [Html::from(words), Html::from(" "), element.into()]
        .into_iter()
        .collect()
}

fn alerts(incident: &Incident, style: &Style) -> Element {
    let section = el("section").child(el("h2").child("Who was told"));
    if incident.alerts.is_empty() {
        return section.child(of_class("p", "quiet").child("Nobody yet."));
    }
    let items = incident.alerts.iter().map(|alert| {
        el("li")
            .child(facts::instant(alert.at, style))
            .child(format!(" {}: {}", alert.sink, alert.what))
    });
    section.child(of_class("ol", "timeline").children(items))
}

/// The form of the page.
#[derive(Debug, Deserialize)]
pub(in crate::serve) struct TakeForm {
    by: String,
}

/// Takes the incident, then shows it.
pub(in crate::serve) async fn acknowledge(
    State(site): State<Site>,
    UrlPath(id): UrlPath<String>,
    form: Result<Form<TakeForm>, FormRejection>,
) -> Shown {
    let Form(form) = form.map_err(|_| Problem::bad_request("by: a name of 1 to 80 characters"))?;
    let incident = incidents::take(&site, &id, &form.by).await?;
    let path = facts::incident_path(&incident);
    Ok(Redirect::to(path.as_str()).into_response())
}

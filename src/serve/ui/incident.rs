//! `/incidents/{id}`: one incident's story, in the order in which people ask.

use std::time::Duration;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use crate::model::finding::{Severity, Urgency};
use crate::model::incident::{Cause, Incident, IncidentFinding, IncidentState, TimelineEvent};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, sentence, words};
use crate::serve::Site;
use crate::serve::api::incidents;
use crate::serve::api::params::Segment;
use crate::serve::problem::Problem;
use crate::serve::ui::facts;
use crate::serve::ui::html::{Element, Html, Path, el, link, of_class};
use crate::serve::ui::page::{Page, Section, Shown};

/// The story.
pub(in crate::serve) async fn page(State(site): State<Site>, Segment(id): Segment) -> Shown {
    let incident = incidents::find(&site, &id).await?;
    let (now, style) = (site.clock.now(), &site.style);
    let sections = [
        Some(headline(&incident, now, style)),
        Some(actions(&incident, style)),
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
    let lang = style.lang;
    let badges = of_class("p", "badges")
        .child(facts::state(incident.state, style))
        .child(facts::severity(incident.severity, style))
        .child(of_class("span", "quiet").child(incident.id.as_str()));
    let when = el("p")
        .child(lang.pick("Since ", "시작 "))
        .child(facts::instant(incident.started_at, style))
        .child(incident.resolved_at.map(|at| {
            el("span")
                .child(lang.pick(" until ", ", 종료 "))
                .child(facts::instant(at, style))
        }))
        .child(", ")
        .child(el("strong").child(facts::lasted(incident, now)));
    let mut place = el("p")
        .child(lang.pick("Service ", "서비스 "))
        .child(el("strong").child(incident.service.as_str()));
    if !incident.databases.is_empty() {
        place = place
            .child(lang.pick(", database ", ", 데이터베이스 "))
            .child(el("strong").child(incident.databases.join(", ")));
    }
    let taken = incident
        .acknowledged_by
        .as_ref()
        .map(|by| el("p").child(facts::taken_by(by, style)));
    of_class("section", &format!("story {}", incident.severity.as_str()))
        .child(badges)
        .child(el("h1").child(incident.title.as_str()))
        .child(facts::leading(incident, style))
        .child(when)
        .child(place)
        .child(taken)
}

fn actions(incident: &Incident, style: &Style) -> Element {
    let lang = style.lang;
    let postmortem = Path::of(&["api", "v1", "incidents", incident.id.as_str(), "postmortem"]);
    let is_open = incident.state != IncidentState::Resolved;
    let ack = (is_open && incident.acknowledged_by.is_none()).then(|| {
        let action = Path::of(&["incidents", incident.id.as_str(), "ack"]);
        let name = el("input")
            .attr("name", "by")
            .attr("required", "")
            .attr("maxlength", "80")
            .attr("autocomplete", "username")
            .attr("aria-label", lang.pick("Your name", "이름"))
            .attr("placeholder", lang.pick("Your name", "이름"));
        el("form")
            .attr("method", "post")
            .attr("action", action.as_str())
            .child(name)
            .child(el("button").child(lang.pick("Take it", "맡기")))
    });
    of_class("section", "actions")
        .child(ack)
        .child(
            link(
                &postmortem.clone().with("lang", "en"),
                lang.pick("Postmortem (Markdown)", "Postmortem (English)"),
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
    let lang = style.lang;
    let finding = incident
        .findings
        .iter()
        .find(|kept| kept.finding.detector == cause.finding);
    let summary = finding.map(|kept| el("p").child(sentence::headline(&kept.finding, style)));
    let confidence = el("p")
        .child(facts::detector(&cause.finding))
        .child(format!(" ({})", words::confidence(cause.confidence, lang)));
    let column = |title: &str, facts_of: &[_]| {
        el("div")
            .child(el("h3").child(title))
            .child(facts::evidence(facts_of, style))
    };
    let columns = of_class("div", "columns")
        .child(column(
            lang.pick("What speaks for it", "뒷받침하는 근거"),
            &cause.evidence,
        ))
        .child(column(
            lang.pick("What speaks against it", "반대되는 근거"),
            &cause.counter_evidence,
        ));
    el("section")
        .child(el("h2").child(lang.pick("Most likely cause", "가장 유력한 원인")))
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
                .child(style.lang.pick("began between ", "시작 구간 "))
                .child(facts::instant(step.onset.from, style))
                .child(style.lang.pick(" and ", " ~ "))
                .child(facts::instant(step.onset.to, style)),
        )
    });
    Some(
        el("section")
            .child(el("h2").child(style.lang.pick("In order of onset", "시작된 순서")))
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
            .child(el("h2").child(style.lang.pick("What may help", "도움이 될 조치")))
            .child(of_class("ol", "remedies").children(items)),
    )
}

fn findings(incident: &Incident, style: &Style) -> Element {
    let found = incident.findings.iter().map(|kept| finding(kept, style));
    el("section")
        .child(el("h2").child(style.lang.pick("What was found", "발견 사항")))
        .children(found)
}

fn finding(kept: &IncidentFinding, style: &Style) -> Element {
    let finding = &kept.finding;
    let state = if finding.urgency == Urgency::Chronic {
        facts::urgency(finding.urgency, style)
    } else if kept.active {
        of_class("span", "badge firing").child(style.lang.pick("sick now", "지금 나쁨"))
    } else {
        of_class("span", "badge").child(style.lang.pick("over", "끝남"))
    };
    let heading = of_class("p", "badges")
        .child(facts::severity(finding.severity, style))
        .child(state)
        .child(facts::detector(&finding.detector));
    let template = finding
        .template
        .as_ref()
        .map(|template| facts::sql(template.as_str()));
    let statement = finding.fingerprint.map(|fingerprint| {
        el("p").child(link(
            &facts::query_path(fingerprint).over(around(kept)),
            style
                .lang
                .pick("This statement over time", "이 문장의 시간별 변화"),
        ))
    });
    let seen = of_class("p", "quiet")
        .child(style.lang.pick("First seen between ", "처음 보인 구간 "))
        .child(facts::instant(kept.onset.from, style))
        .child(style.lang.pick(" and ", " ~ "))
        .child(facts::instant(kept.onset.to, style))
        .child(style.lang.pick(", last seen ", ", 마지막 "))
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
            .child(happened(&entry.what, style))
    });
    el("section")
        .child(el("h2").child(style.lang.pick("Timeline", "타임라인")))
        .child(of_class("ol", "timeline").children(entries))
}

fn happened(what: &TimelineEvent, style: &Style) -> Html {
    let lang = style.lang;
    match what {
        TimelineEvent::Opened => lang.pick("first sign", "첫 징후").into(),
        TimelineEvent::Fired => lang.pick("fired", "발생").into(),
        TimelineEvent::FindingJoined { finding, .. } => {
            phrase(lang.pick("joined by", "더해짐:"), facts::detector(finding))
        }
        TimelineEvent::FindingCleared { finding, .. } => {
            phrase(lang.pick("no longer", "그침:"), facts::detector(finding))
        }
        TimelineEvent::SeverityRaised { to } => raised(*to, style),
        TimelineEvent::Acknowledged { by } => facts::taken_by(by, style).into(),
        TimelineEvent::Recovering => words::state(IncidentState::Recovering, lang).into(),
        TimelineEvent::Relapsed => lang.pick("relapsed", "재발").into(),
        TimelineEvent::Resolved => words::state(IncidentState::Resolved, lang).into(),
        TimelineEvent::Marker { kind, title } => format!("{kind}: {title}").into(),
    }
}

fn raised(to: Severity, style: &Style) -> Html {
    phrase(
        style.lang.pick("raised to", "심각도 상승:"),
        facts::severity(to, style),
    )
}

fn phrase(words: &str, element: Element) -> Html {
    [Html::from(words), Html::from(" "), element.into()]
        .into_iter()
        .collect()
}

fn alerts(incident: &Incident, style: &Style) -> Element {
    let section = el("section").child(el("h2").child(style.lang.pick("Who was told", "알림 기록")));
    if incident.alerts.is_empty() {
        return section
            .child(of_class("p", "quiet").child(style.lang.pick("Nobody yet.", "아직 없음.")));
    }
    let items = incident.alerts.iter().map(|alert| {
        el("li")
            .child(facts::instant(alert.at, style))
            .child(format!(
                " {}: {}",
                alert.sink,
                words::notice(&alert.what, style.lang)
            ))
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
    Segment(id): Segment,
    form: Result<Form<TakeForm>, FormRejection>,
) -> Shown {
    let Form(form) = form.map_err(|_| Problem::bad_request("by: a name of 1 to 80 characters"))?;
    let incident = incidents::take(&site, &id, &form.by).await?;
    let path = facts::incident_path(&incident);
    Ok(Redirect::to(path.as_str()).into_response())
}

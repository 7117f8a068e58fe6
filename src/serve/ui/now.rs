//! `/`: what is wrong now, where the time goes, what is read.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;

use crate::model::id::FingerprintId;
use crate::model::incident::{Incident, IncidentState};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, unit, words};
use crate::serve::Site;
use crate::serve::api::params;
use crate::serve::archive::{self, Read};
use crate::serve::ui::chart::{Axis, Chart, Series};
use crate::serve::ui::facts;
use crate::serve::ui::html::{Element, Path, el, link, of_class};
use crate::serve::ui::incident::ranked_cause;
use crate::serve::ui::page::{Page, Section, Shown};
use crate::serve::ui::sources::{Logs, Sight};
use crate::serve::ui::table;
use crate::store::view::{IncidentFilter, LoadPoint, Marker, QueryFilter, QueryRow, SourceRow};

/// What the page looks back on.
const SPAN: Duration = Duration::from_secs(3_600);
/// Statements with a colour of their own; the rest is grey.
const COLOURS: usize = 6;
/// Statements in the table.
const ROWS: usize = 12;
/// Incidents that are over and still shown.
const RECENT: usize = 5;
/// Open incidents shown as cards.
const CARDS: usize = 20;

struct Facts {
    within: Interval,
    step: Duration,
    open: Vec<Incident>,
    recent: Vec<Incident>,
    queries: Vec<QueryRow>,
    load: Vec<LoadPoint>,
    markers: Vec<Marker>,
    sources: Vec<SourceRow>,
}

/// The first page.
pub(in crate::serve) async fn page(State(site): State<Site>) -> Shown {
    let now = site.clock.now();
    let facts = archive::read(&site.archive, move |archive| gather(archive, now)).await?;
    let style = &site.style;
    let logs = Logs::of(&facts.sources, &site);
    let firing = facts
        .open
        .iter()
        .filter(|i| i.state == IncidentState::Firing)
        .count();
    let sections = [
        Some(open_incidents(&facts.open, logs.sight(now), now, style)),
        Some(load(&facts, style)),
        Some(queries(&facts.queries, style)),
        recent(&facts.recent, now, style),
        Some(logs.table(now, style)),
    ];
    let page = Page {
        title: if firing > 0 {
            format!("({firing}) {}", style.lang.pick("Now", "현황"))
        } else {
            style.lang.pick("Now", "현황").to_owned()
        },
        section: Section::Now,
        live: true,
        body: sections.into_iter().collect(),
    };
    Ok(page.render(&site))
}

fn gather(archive: &dyn archive::Archive, now: Timestamp) -> Read<Facts> {
    let within = Interval {
        from: now.minus(SPAN),
        to: now,
    };
    let step = params::step_of(within);
    let incidents = |states: &[IncidentState], limit| {
        archive.incidents(&IncidentFilter {
            states: states.to_vec(),
            limit,
            ..IncidentFilter::default()
        })
    };
    let open = [
        IncidentState::Pending,
        IncidentState::Firing,
        IncidentState::Recovering,
    ];
    Ok(Facts {
        within,
        step,
        open: incidents(&open, CARDS)?.items,
        recent: incidents(&[IncidentState::Resolved], RECENT)?.items,
        queries: archive
            .queries(&QueryFilter {
                within,
                limit: ROWS,
                ..QueryFilter::default()
            })?
            .items,
        load: archive.load_series(within, step, COLOURS)?,
        markers: archive.markers(within, 0)?,
        sources: archive.sources()?,
    })
}

fn open_incidents(open: &[Incident], sight: Sight, now: Timestamp, style: &Style) -> Element {
    let (section, lang) = (el("section"), style.lang);
    if open.is_empty() {
        let none = lang.pick("No incident is open", "진행 중인 장애가 없습니다");
        let (class, headline, words) = match sight.doubt(lang) {
            None => (
                "hero ok",
                lang.pick("All quiet", "이상 없음"),
                format!("{none}."),
            ),
            Some(doubt) => ("hero", none, doubt),
        };
        let words = el("div")
            .child(el("h1").child(headline))
            .child(el("p").child(words));
        return section.child(of_class("div", class).child(words));
    }
    let title = match open {
        [_] => lang
            .pick("1 open incident", "진행 중인 장애 1건")
            .to_owned(),
        many => {
            let count = many.len();
            lang.pick(
                format!("{count} open incidents"),
                format!("진행 중인 장애 {count}건"),
            )
        }
    };
    let cards = open.iter().map(|incident| card(incident, now, style));
    section
        .child(el("h1").child(title))
        .child(of_class("div", "cards").children(cards))
}

fn card(incident: &Incident, now: Timestamp, style: &Style) -> Element {
    let heading = el("h2").child(link(
        &facts::incident_path(incident),
        incident.title.as_str(),
    ));
    let badges = of_class("p", "badges")
        .child(facts::state(incident.state, style))
        .child(facts::severity(incident.severity, style))
        .child(of_class("span", "quiet").child(incident.id.as_str()));
    let since = el("p")
        .child(el("strong").child(facts::lasted(incident, now)))
        .child(style.lang.pick(", since ", ", 시작 "))
        .child(facts::instant(incident.started_at, style))
        .child(" · ")
        .child(incident.service.as_str());
    let cause = ranked_cause(incident).map(|cause| {
        el("p")
            .child(style.lang.pick("Most likely cause: ", "가장 유력한 원인: "))
            .child(facts::detector(&cause.finding))
            .child(format!(
                " ({})",
                words::confidence(cause.confidence, style.lang)
            ))
    });
    let statement = incident.findings.iter().find_map(|kept| {
        let finding = &kept.finding;
        finding.fingerprint.zip(finding.template.as_ref())
    });
    let statement =
        statement.map(|(fingerprint, template)| facts::statement(fingerprint, template.as_str()));
    let taken = incident
        .acknowledged_by
        .as_ref()
        .map(|by| of_class("p", "quiet").child(facts::taken_by(by, style)));
    of_class("article", &format!("card {}", incident.severity.as_str()))
        .child(badges)
        .child(heading)
        .child(since)
        .child(facts::leading(incident, style))
        .child(cause)
        .child(statement)
        .child(taken)
}

fn load(facts: &Facts, style: &Style) -> Element {
    let axis = Axis::new(facts.within, facts.step, facts.within.to);
    let stacks = stack(&facts.load, axis);
    let bands: Vec<Interval> = facts
        .open
        .iter()
        .chain(&facts.recent)
        .map(|incident| Interval {
            from: incident.started_at,
            to: incident.resolved_at.unwrap_or(facts.within.to),
        })
        .collect();
    let mut series = Vec::new();
    let mut legend = of_class("ul", "legend");
    for (rank, (fingerprint, values)) in stacks.into_iter().enumerate() {
        let class = if fingerprint.is_some() {
            format!("c{rank}")
        } else {
            "rest".to_owned()
        };
        legend = legend.child(legend_entry(&class, fingerprint, &facts.queries, style));
        series.push(Series { class, values });
    }
    let chart = Chart {
        label: style.lang.pick(
            "Statements running at once over the last hour, by statement",
            "지난 1시간 동시에 실행된 문장 수, 문장별",
        ),
        axis,
        series: &series,
        markers: &facts.markers,
        bands: &bands,
        unit: unit::count,
    };
    el("section")
        .child(el("h2").child(style.lang.pick("Load", "부하")))
        .child(of_class("p", "quiet").child(style.lang.pick(
            "Statements running at once, mean per step, last hour. Incidents are shaded.",
            "동시에 실행된 문장 수(구간 평균), 지난 1시간. 음영은 장애 구간.",
        )))
        .child(chart.render(style))
        .child(legend)
}

/// Mean number of running statements per step, the costliest statement first, the rest last.
fn stack(points: &[LoadPoint], axis: Axis) -> Vec<(Option<FingerprintId>, Vec<f64>)> {
    let mut stacks: BTreeMap<Option<FingerprintId>, (f64, Vec<f64>)> = BTreeMap::new();
    for point in points {
        let Some(index) = axis.index(point.at) else {
            continue;
        };
        let (total, values) = stacks
            .entry(point.fingerprint)
            .or_insert_with(|| (0.0, vec![0.0; axis.steps]));
        *total += point.seconds;
        if let Some(value) = values.get_mut(index) {
            *value += point.seconds / axis.passed(index).as_secs_f64();
        }
    }
    let mut ranked: Vec<_> = stacks.into_iter().collect();
    ranked.sort_by(|(a, (x, _)), (b, (y, _))| a.is_none().cmp(&b.is_none()).then(y.total_cmp(x)));
    ranked
        .into_iter()
        .map(|(fingerprint, (_, values))| (fingerprint, values))
        .collect()
}

fn legend_entry(
    class: &str,
    fingerprint: Option<FingerprintId>,
    rows: &[QueryRow],
    style: &Style,
) -> Element {
    let swatch = of_class("i", class).attr("aria-hidden", "true");
    let Some(fingerprint) = fingerprint else {
        return el("li")
            .child(swatch)
            .child(style.lang.pick("all others", "나머지 전부"));
    };
    let row = rows
        .iter()
        .find(|row| row.statement.fingerprint == fingerprint);
    let name = fingerprint.to_string();
    let text = row.map_or(name.as_str(), |row| row.statement.template.as_str());
    el("li")
        .child(swatch)
        .child(facts::statement(fingerprint, text))
}

fn queries(rows: &[QueryRow], style: &Style) -> Element {
    let section = el("section")
        .child(el("h2").child(style.lang.pick("Where the time goes", "시간이 쓰이는 곳")));
    if rows.is_empty() {
        return section.child(of_class("p", "quiet").child(style.lang.pick(
            "No statement was seen in the last hour.",
            "지난 1시간 동안 보인 문장이 없습니다.",
        )));
    }
    section
        .child(table::queries(rows, style))
        .child(el("p").child(link(
            &Path::of(&["queries"]),
            style.lang.pick("All statements", "모든 문장"),
        )))
}

fn recent(rows: &[Incident], now: Timestamp, style: &Style) -> Option<Element> {
    if rows.is_empty() {
        return None;
    }
    Some(
        el("section")
            .child(el("h2").child(style.lang.pick("Resolved lately", "최근 해소됨")))
            .child(table::incidents(rows, now, style)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_step_of_the_load_is_a_mean_of_what_has_passed_of_it() {
        let at = Timestamp::from_unix_secs;
        let within = Interval {
            from: at(3_600),
            to: at(7_220),
        };
        let axis = Axis::new(within, Duration::from_secs(60), within.to);
        let point = |second, seconds| LoadPoint {
            at: at(second),
            fingerprint: None,
            seconds,
            count: 1,
        };
        let stacks = stack(&[point(7_140, 300.0), point(7_200, 100.0)], axis);
        let (_, values) = &stacks[0];
        let last: Vec<_> = values.iter().rev().take(2).collect();
        assert!(last.iter().all(|v| (*v - 5.0).abs() < 1e-9), "{last:?}");
    }
}

//! `/queries/{fingerprint}`: one statement over time, its numbers and what was found about it.

use std::time::Duration;

use axum::extract::State;

use crate::model::finding::Finding;
use crate::model::subject::{Load, RowLoad};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Lang, Style, sentence, unit};
use crate::serve::Site;
use crate::serve::api::params::{self, Query, Segment};
use crate::serve::api::queries::{self, OneParams};
use crate::serve::archive;
use crate::serve::problem::Problem;
use crate::serve::ui::chart::{Axis, Chart, Series};
use crate::serve::ui::facts;
use crate::serve::ui::html::{Element, Html, el, of_class};
use crate::serve::ui::page::{Page, Section, Shown};
use crate::serve::ui::table::{self, Align, number};
use crate::store::view::{FindingFilter, Marker, QueryDetail, QueryPoint};

/// Findings shown.
const FINDINGS: usize = 20;
/// Over a longer interval the store tells of whole hours.
const FINE: Duration = Duration::from_secs(12 * 3_600);
const HOUR: Duration = Duration::from_secs(3_600);

/// The statement.
pub(in crate::serve) async fn page(
    State(site): State<Site>,
    Segment(fingerprint): Segment,
    params: Result<Query<OneParams>, Problem>,
) -> Shown {
    let Query(params) = params?;
    let within = params.interval(&site)?;
    let detail = queries::find(&site, &fingerprint, within).await?;
    let filter = FindingFilter {
        within: Some(within),
        fingerprint: Some(detail.row.statement.fingerprint),
        limit: FINDINGS,
        ..FindingFilter::default()
    };
    let (found, markers) = archive::read(&site.archive, move |archive| {
        Ok((
            archive.findings(&filter)?.items,
            archive.markers(within, 0)?,
        ))
    })
    .await?;
    let style = &site.style;
    let sections = [
        headline(&detail, &params, style),
        charts(&detail, axis(within, site.clock.now()), &markers, style),
        numbers(&detail.row.load, style.lang),
        findings(&found, style),
    ];
    let page = Page {
        title: format!("Statement {fingerprint}"),
        section: Section::Queries,
        live: false,
        body: sections.into_iter().collect(),
    };
    Ok(page.render(&site))
}

fn headline(detail: &QueryDetail, params: &OneParams, style: &Style) -> Element {
    let lang = style.lang;
    let (row, statement) = (&detail.row, &detail.row.statement);
    let choice = el("form")
        .attr("class", "search")
        .child(super::queries::choose_interval(params.from(), lang))
        .child(el("button").child(lang.pick("Show", "보기")));
    let tables = statement.tables().join(", ");
    let about = format!(
        "{} {} · {}: {} · {}: {}",
        statement.dialect.as_str(),
        statement.kind().as_str(),
        lang.pick("tables", "테이블"),
        or_dash(&tables),
        lang.pick("databases", "데이터베이스"),
        or_dash(&row.databases.join(", ")),
    );
    let share = unit::percent(row.share);
    let seen = el("p")
        .child(lang.pick(
            format!("{share} of all run time. First run "),
            format!("전체 실행 시간의 {share}. 첫 실행 "),
        ))
        .child(facts::instant(row.first_seen, style))
        .child(lang.pick(", last ", ", 마지막 실행 "))
        .child(facts::instant(row.last_seen, style))
        .child(".");
    let cut = statement.truncated.then(|| {
        of_class("p", "quiet").child(lang.pick(
            "The server had cut this text; the end of it is not known.",
            "서버가 이 문장을 잘라 기록했습니다. 끝부분은 알 수 없습니다.",
        ))
    });
    el("section")
        .child(
            el("h1")
                .child(lang.pick("Statement ", "문장 "))
                .child(el("code").child(statement.fingerprint.to_string())),
        )
        .child(facts::sql(statement.template.as_str()))
        .child(cut)
        .child(of_class("p", "quiet").child(about))
        .child(seen)
        .child(choice)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

/// Steps that are no shorter than those of the series.
fn axis(within: Interval, now: Timestamp) -> Axis {
    let step = params::step_of(within);
    let is_fine = within.duration() <= FINE;
    Axis::new(within, if is_fine { step } else { step.max(HOUR) }, now)
}

/// Runs at once: the mean of a step, however many points it has.
fn running(series: &[QueryPoint], axis: Axis) -> Vec<f64> {
    let mut values = vec![0.0; axis.steps];
    for point in series {
        let Some(index) = axis.index(point.at) else {
            continue;
        };
        if let Some(value) = values.get_mut(index) {
            *value += point
                .load
                .elapsed
                .total
                .div_duration_f64(axis.passed(index));
        }
    }
    values
}

/// The worst of a step's points: quantiles cannot be summed.
fn worst_p95(series: &[QueryPoint], axis: Axis) -> Vec<f64> {
    let mut values = vec![0.0; axis.steps];
    for point in series {
        if let Some(value) = axis.index(point.at).and_then(|i| values.get_mut(i)) {
            *value = f64::max(*value, point.load.elapsed.p95.as_secs_f64());
        }
    }
    values
}

fn charts(detail: &QueryDetail, axis: Axis, markers: &[Marker], style: &Style) -> Element {
    let plot = |class: &str, values: fn(&[QueryPoint], Axis) -> Vec<f64>| {
        [Series {
            class: class.to_owned(),
            values: values(&detail.series, axis),
        }]
    };
    let draw = |label: &str, series: &[Series], unit| {
        let chart = Chart {
            label,
            axis,
            series,
            markers,
            bands: &[],
            unit,
        };
        el("div")
            .child(el("h3").child(label))
            .child(chart.render(style))
    };
    of_class("section", "columns")
        .child(draw(
            style
                .lang
                .pick("Running at once, mean per step", "동시 실행 수(구간 평균)"),
            &plot("c0", running),
            unit::count,
        ))
        .child(draw(
            style.lang.pick("95th percentile", "p95"),
            &plot("c1", worst_p95),
            unit::seconds,
        ))
}

fn numbers(load: &Load, lang: Lang) -> Element {
    let latency = &load.elapsed;
    let times = [
        (lang.pick("Total", "합계"), latency.total),
        ("p50", latency.p50),
        ("p95", latency.p95),
        ("p99", latency.p99),
        (lang.pick("Max", "최대"), latency.max),
    ];
    let counts = [
        (lang.pick("Runs", "실행"), load.count),
        (lang.pick("Failed", "실패"), load.errors),
        (lang.pick("Cut off", "중단"), load.cancelled),
        (lang.pick("Full scans", "전체 스캔"), load.full_scans),
    ];
    let tile = |name: &str, value: String| {
        of_class("div", "tile")
            .child(el("dt").child(name))
            .child(el("dd").child(value))
    };
    let tiles = of_class("dl", "tiles")
        .children(counts.map(|(name, count)| tile(name, unit::exact(count))))
        .children(times.map(|(name, time)| tile(name, unit::duration(time))))
        .children(load.lock.map(|lock| {
            tile(
                lang.pick("Waiting for locks", "잠금 대기"),
                unit::duration(lock),
            )
        }));
    el("section")
        .child(el("h2").child(lang.pick("Numbers", "수치")))
        .child(tiles)
        .child(rows(load, lang))
}

fn rows(load: &Load, lang: Lang) -> Element {
    let told = [
        (
            lang.pick("Rows read", "읽은 행"),
            &load.rows_examined,
            unit::count as fn(f64) -> String,
        ),
        (
            lang.pick("Rows sent", "보낸 행"),
            &load.rows_returned,
            unit::count,
        ),
        (
            lang.pick("Rows written", "쓴 행"),
            &load.rows_affected,
            unit::count,
        ),
        (
            lang.pick("Bytes sent", "보낸 바이트"),
            &load.bytes_sent,
            unit::bytes,
        ),
    ];
    let lines: Html = told
        .into_iter()
        .filter_map(|(name, rows, unit)| Some(row(name, rows.as_ref()?, unit)))
        .collect();
    let columns = [
        (lang.pick("Per run", "실행당"), Align::Left),
        (lang.pick("Mean", "평균"), Align::Right),
        ("p95", Align::Right),
        (lang.pick("Max", "최대"), Align::Right),
        (lang.pick("Total", "합계"), Align::Right),
    ];
    table::table(lang.pick("Rows and bytes", "행과 바이트"), &columns, lines)
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn row(name: &str, rows: &RowLoad, unit: fn(f64) -> String) -> Element {
    el("tr")
        .child(el("td").child(name))
        .child(number(unit(rows.mean())))
        .child(number(unit(rows.p95 as f64)))
        .child(number(unit(rows.max as f64)))
        .child(number(unit(rows.total as f64)))
}

fn findings(found: &[Finding], style: &Style) -> Element {
    let section =
        el("section").child(el("h2").child(style.lang.pick("What was found", "발견 사항")));
    if found.is_empty() {
        return section.child(
            of_class("p", "quiet").child(
                style
                    .lang
                    .pick("Nothing, in this interval.", "이 구간에는 없음."),
            ),
        );
    }
    section.children(found.iter().map(|finding| {
        let heading = of_class("p", "badges")
            .child(facts::severity(finding.severity, style))
            .child(facts::urgency(finding.urgency, style))
            .child(facts::detector(&finding.detector))
            .child(facts::instant(finding.at.to, style));
        of_class("article", &format!("card {}", finding.severity.as_str()))
            .child(heading)
            .child(el("p").child(sentence::headline(finding, style)))
            .child(facts::evidence(&finding.evidence, style))
            .child(
                of_class("ol", "remedies")
                    .children(finding.remedies.iter().map(|r| facts::remedy(r, style))),
            )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::subject::Latency;

    #[test]
    fn an_incident_that_has_just_begun_looks_as_big_as_it_is() {
        let at = Timestamp::from_unix_secs;
        let point = |second, total| QueryPoint {
            at: at(second),
            load: Load {
                elapsed: Latency {
                    total: Duration::from_secs(total),
                    ..Latency::default()
                },
                ..Load::default()
            },
        };
        let within = Interval {
            from: at(3_600),
            to: at(7_220),
        };
        // Five at once, all the while; the newest minute has lasted 20 s.
        let series: Vec<_> = (7_140..7_220).step_by(10).map(|s| point(s, 50)).collect();
        let values = running(&series, axis(within, within.to));
        let last: Vec<_> = values.iter().rev().take(2).collect();
        assert!(last.iter().all(|v| (*v - 5.0).abs() < 1e-9), "{last:?}");
    }
}

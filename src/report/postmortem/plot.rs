//! The charts of a postmortem: load by statement, and the run time of the leading statement.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::evidence::Unit;
use crate::model::id::FingerprintId;
use crate::model::time::Timestamp;
use crate::report::chart::{Chart, Kind, MAX_SERIES, Series, render};
use crate::report::postmortem::Draft;
use crate::report::postmortem::ledger::Ref;
use crate::report::sentence;
use crate::store::view::QueryPoint;

/// Longest name of a statement, in characters.
const NAME_CHARS: usize = 32;
/// More steps than this are not drawn.
const MAX_STEPS: u64 = 20_000;

/// A chart as the document shows it.
pub(super) struct Plot {
    /// Path in the postmortem's folder.
    pub(super) path: String,
    /// The picture.
    pub(super) svg: String,
    /// What it shows, in words that are safe in Markdown.
    pub(super) alt: &'static str,
    /// Its data.
    pub(super) proof: Ref,
}

/// Charts for which there is data.
pub(super) fn charts(draft: &Draft<'_>) -> Vec<Plot> {
    [load(draft), latency(draft)]
        .into_iter()
        .flatten()
        .collect()
}

fn path(draft: &Draft<'_>, name: &str) -> String {
    let suffix = draft.lang.pick("", ".ko");
    format!("charts/{name}{suffix}.svg")
}

/// Run time per second, by statement.
fn load(draft: &Draft<'_>) -> Option<Plot> {
    let points = &draft.context.load;
    let lang = draft.lang;
    let grid = Grid::of(draft, points.iter().map(|p| p.at))?;
    let mut totals: BTreeMap<Option<FingerprintId>, f64> = BTreeMap::new();
    for point in points {
        *totals.entry(point.fingerprint).or_default() += point.seconds;
    }
    let mut ranked: Vec<_> = totals
        .iter()
        .filter_map(|(id, s)| Some(((*id)?, *s)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.truncate(MAX_SERIES - 1);
    let shown: Vec<FingerprintId> = ranked.iter().map(|(id, _)| *id).collect();
    let mut layers = vec![vec![None; grid.steps]; shown.len() + 1];
    for point in points {
        let place = point
            .fingerprint
            .and_then(|id| shown.iter().position(|s| *s == id));
        let layer = place.unwrap_or(shown.len());
        if let Some(cell) = grid.index(point.at).and_then(|i| layers[layer].get_mut(i)) {
            *cell = Some(cell.unwrap_or(0.0) + point.seconds / grid.step.as_secs_f64());
        }
    }
    let others = lang.pick("all other statements", "나머지 문장").to_owned();
    let names = shown.iter().map(|id| name(draft, *id)).chain([others]);
    let series: Vec<_> = names
        .zip(layers)
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .map(|(name, values)| Series { name, values })
        .collect();
    let alt = lang.pick("Load by statement", "문장별 부하");
    let svg = render(&Chart {
        description: lang
            .pick(
                "Run time per second of the costliest statements, stacked; the incident is shaded.",
                "비용이 큰 문장들의 초당 실행 시간을 쌓은 그래프; 장애 구간은 음영.",
            )
            .to_owned(),
        axis: lang
            .pick("seconds of run time per second", "초당 실행 시간(초)")
            .to_owned(),
        kind: Kind::Stacked,
        unit: Unit::Count,
        series,
        ..grid.chart(draft, alt)
    });
    Some(Plot {
        path: path(draft, "load"),
        svg,
        alt,
        proof: draft.ledger.load,
    })
}

/// Median and 95th percentile of the leading statement.
fn latency(draft: &Draft<'_>) -> Option<Plot> {
    let points = &draft.context.latency;
    let lang = draft.lang;
    let grid = Grid::of(draft, points.iter().map(|p| p.at))?;
    let line = |name: &str, value: &dyn Fn(&QueryPoint) -> Duration| {
        let mut values = vec![None; grid.steps];
        for point in points.iter().filter(|p| p.load.count > 0) {
            if let Some(cell) = grid.index(point.at).and_then(|i| values.get_mut(i)) {
                *cell = Some(value(point).as_secs_f64());
            }
        }
        Series {
            name: name.to_owned(),
            values,
        }
    };
    let alt = lang.pick("Run time of the leading statement", "주요 문장의 실행 시간");
    let svg = render(&Chart {
        description: lang
            .pick(
                "Median and 95th percentile per step; the incident is shaded.",
                "구간별 중앙값과 p95; 장애 구간은 음영.",
            )
            .to_owned(),
        axis: lang.pick("run time", "실행 시간").to_owned(),
        kind: Kind::Lines,
        unit: Unit::Seconds,
        series: vec![
            line("p95", &|p| p.load.elapsed.p95),
            line(lang.pick("median", "중앙값"), &|p| p.load.elapsed.p50),
        ],
        ..grid.chart(draft, alt)
    });
    Some(Plot {
        path: path(draft, "latency"),
        svg,
        alt,
        proof: draft.ledger.latency,
    })
}

/// The head of a statement's text, or its fingerprint.
fn name(draft: &Draft<'_>, id: FingerprintId) -> String {
    let context = draft.context;
    let mut rows = (context.during.iter())
        .chain(&context.before)
        .chain(&context.after);
    match rows.find(|row| row.statement.fingerprint == id) {
        Some(row) => sentence::shorten(row.statement.template.as_str(), NAME_CHARS),
        None => id.to_string(),
    }
}

/// Steps of a series.
struct Grid {
    from: Timestamp,
    step: Duration,
    steps: usize,
}

impl Grid {
    /// All of the windows in steps; `None` when there are no data.
    fn of(draft: &Draft<'_>, mut at: impl Iterator<Item = Timestamp>) -> Option<Self> {
        at.next()?;
        let over = draft.context.windows.all();
        let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        let step = draft.context.step.max(Duration::from_millis(1));
        let from = over.from.floor(step);
        let steps = nanos(over.to.since(from))
            .div_ceil(nanos(step))
            .min(MAX_STEPS);
        Some(Self {
            from,
            step,
            steps: usize::try_from(steps).ok()?,
        })
    }

    fn index(&self, at: Timestamp) -> Option<usize> {
        if at < self.from {
            return None;
        }
        let steps = at.since(self.from).as_nanos() / self.step.as_nanos().max(1);
        usize::try_from(steps).ok()
    }

    /// What every chart has: time axis, incident, markers.
    fn chart(&self, draft: &Draft<'_>, title: &str) -> Chart {
        let marks = draft.context.markers.iter();
        Chart {
            title: format!("{title} · {}", draft.incident.id),
            description: String::new(),
            kind: Kind::Lines,
            unit: Unit::Count,
            axis: String::new(),
            from: self.from,
            step: self.step,
            series: Vec::new(),
            band: Some((
                draft.context.windows.during,
                draft.lang.pick("incident", "장애").to_owned(),
            )),
            marks: marks
                .map(|m| (m.at, format!("{} {}", m.kind, m.title)))
                .collect(),
            zone: draft.style.zone.clone(),
        }
    }
}

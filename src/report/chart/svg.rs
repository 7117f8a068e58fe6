//! The drawing itself.

use std::time::Duration;

use crate::model::evidence::Unit;
use crate::model::time::{Interval, Timestamp};
use crate::report::chart::{Chart, Kind, MAX_SERIES, axis};
use crate::report::{moment, sentence, unit};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 630.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 308.0;
/// Where the names of series begin.
const LEGEND: f64 = 650.0;
/// More points than pixels tell nothing: neighbours are averaged.
const MAX_POINTS: usize = 558;
const LETTERS: [&str; MAX_SERIES] = ["A", "B", "C", "D", "E", "F", "G"];
/// Longest name of a series, in characters.
const NAME_CHARS: usize = 32;
/// Most instants that are marked.
const MAX_MARKS: usize = 6;

/// Colours that colour-blind readers can tell apart (Okabe and Ito), each legible on both backgrounds.
pub(crate) const STYLE: &str = "\
text{font:13px system-ui,'Noto Sans KR','Noto Sans CJK KR',NanumGothic,sans-serif;fill:#1f2328}\
.bg{fill:#fff}.title{font-size:16px;font-weight:600}.dim{fill:#57606a}.letter{font-weight:700;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px}\
.grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a}.mark{stroke:#1f2328;stroke-dasharray:4 3}\
.band{fill:#cf222e;fill-opacity:.1}.edge{stroke:#cf222e;stroke-width:1.5}.bandname{fill:#a40e26;font-weight:600}\
.area{stroke:#fff;stroke-width:.75}.line{fill:none;stroke-width:2;stroke-linejoin:round}\
.f0{fill:#0072b2}.f1{fill:#e69f00}.f2{fill:#009e73}.f3{fill:#cc79a7}.f4{fill:#56b4e9}.f5{fill:#d55e00}.f6{fill:#8c959f}\
.s0{stroke:#0072b2}.s1{stroke:#b87f00}.s2{stroke:#009e73}.s3{stroke:#cc79a7}.s4{stroke:#2b8cc4}.s5{stroke:#d55e00}.s6{stroke:#6e7781}\
.d1{stroke-dasharray:7 3}.d2{stroke-dasharray:2 3}.d3{stroke-dasharray:9 3 2 3}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bg{fill:#0d1117}.dim{fill:#9198a1}.grid{stroke:#30363d}.axis{stroke:#9198a1}\
.mark{stroke:#e6edf3}.band{fill:#ff7b72;fill-opacity:.16}.edge{stroke:#ff7b72}.bandname{fill:#ff9b93}.area{stroke:#0d1117}.letter{stroke:#0d1117}.s0{stroke:#4aa3df}}";

/// The chart as an SVG document.
pub fn render(chart: &Chart) -> String {
    let plot = Plot::new(chart);
    let mut lines = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"t d\">"
        ),
        format!("<title id=\"t\">{}</title>", escape(&chart.title)),
        format!("<desc id=\"d\">{}</desc>", escape(&chart.description)),
        format!("<style>{STYLE}</style>"),
        format!("<rect class=\"bg\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>"),
        text(16.0, 28.0, "title", &chart.title),
        text(16.0, 50.0, "dim", &chart.axis),
    ];
    lines.extend(plot.grid());
    lines.extend(plot.band());
    lines.extend(match chart.kind {
        Kind::Stacked => plot.areas(),
        Kind::Lines => plot.lines(),
    });
    lines.extend(plot.marks());
    lines.extend(plot.legend());
    lines.push("</svg>\n".to_owned());
    lines.join("\n")
}

/// A chart with its scales.
struct Plot<'a> {
    chart: &'a Chart,
    over: Interval,
    ticks: Vec<f64>,
    values: Vec<Vec<Option<f64>>>,
}

impl<'a> Plot<'a> {
    fn new(chart: &'a Chart) -> Self {
        let steps = chart.steps();
        let series = chart.series.iter().take(MAX_SERIES);
        let values: Vec<_> = series.map(|s| thin(&s.values, steps)).collect();
        let points = values.first().map_or(0, Vec::len);
        let top = match chart.kind {
            Kind::Stacked => (0..points)
                .map(|i| {
                    values
                        .iter()
                        .filter_map(|v| v.get(i).copied().flatten())
                        .sum()
                })
                .fold(0.0, f64::max),
            Kind::Lines => values
                .iter()
                .flatten()
                .flatten()
                .copied()
                .fold(0.0, f64::max),
        };
        Self {
            chart,
            over: Interval {
                from: chart.from,
                to: chart.to(),
            },
            ticks: axis::values(top),
            values,
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let whole = self.over.duration().as_secs_f64().max(1e-3);
        let part = at.since(self.over.from).as_secs_f64() / whole;
        LEFT + (RIGHT - LEFT) * part.clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        let top = self.ticks.last().copied().unwrap_or(1.0);
        let part = (value / top).clamp(0.0, 1.0);
        BOTTOM - (BOTTOM - TOP) * part
    }

    fn grid(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for tick in &self.ticks {
            let y = self.y(*tick);
            lines.push(format!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            ));
            lines.push(format!(
                "<text class=\"dim\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                escape(&tick_name(*tick, self.chart.unit))
            ));
        }
        let (times, step) = axis::times(self.over);
        for at in times {
            let x = self.x(at);
            lines.push(format!(
                "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{BOTTOM}\" y2=\"{:.1}\"/>",
                BOTTOM + 5.0
            ));
            lines.push(format!(
                "<text class=\"dim\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                BOTTOM + 20.0,
                self.time_name(at, step)
            ));
        }
        let zone = &self.chart.zone;
        let day = moment::stamp(self.over.from, zone);
        let name = moment::zone_name(self.over.from, zone);
        let caption = format!("{} {name}", day.split(' ').next().unwrap_or_default());
        lines.push(text(LEFT, BOTTOM + 40.0, "dim", &caption));
        lines
    }

    fn time_name(&self, at: Timestamp, step: Duration) -> String {
        let zone = &self.chart.zone;
        match step.as_secs() {
            0..60 => moment::clock(at, zone),
            60..86_400 => moment::minute(at, zone),
            _ => moment::day(at, zone),
        }
    }

    fn band(&self) -> Vec<String> {
        let Some((span, name)) = &self.chart.band else {
            return Vec::new();
        };
        let (from, to) = (self.x(span.from), self.x(span.to));
        let width = (to - from).max(2.0);
        let edge = |x: f64| {
            format!(
                "<line class=\"edge\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{BOTTOM}\"/>",
                TOP - 6.0
            )
        };
        vec![
            format!(
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                TOP - 6.0,
                BOTTOM - TOP + 6.0
            ),
            edge(from),
            edge(to),
            text(from.min(RIGHT - 160.0), TOP - 26.0, "bandname", name),
        ]
    }

    fn marks(&self) -> Vec<String> {
        let inside = |at: Timestamp| at >= self.over.from && at < self.over.to;
        let marks = self.chart.marks.iter().filter(|(at, _)| inside(*at));
        let mut lines = Vec::new();
        for (at, name) in marks.take(MAX_MARKS) {
            let x = self.x(*at);
            lines.push(format!(
                "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{BOTTOM}\"/>",
                TOP - 6.0
            ));
            let name = sentence::shorten(name, 24);
            let anchor = if x > RIGHT - 140.0 { "end" } else { "start" };
            lines.push(format!(
                "<text class=\"dim\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{:.1}\">▾ {}</text>",
                TOP - 10.0,
                escape(&name)
            ));
        }
        lines
    }

    /// Areas from the bottom up; what is not known counts as nothing.
    fn areas(&self) -> Vec<String> {
        let points = self.values.first().map_or(0, Vec::len);
        let mut floor = vec![0.0; points];
        let mut areas = Vec::new();
        let mut letters = Vec::new();
        for (series, values) in self.values.iter().enumerate() {
            let roof: Vec<f64> = (floor.iter().zip(values))
                .map(|(below, value)| below + value.unwrap_or(0.0))
                .collect();
            let upper = (0..points).map(|i| self.point(i, points, roof[i]));
            let lower = (0..points).rev().map(|i| self.point(i, points, floor[i]));
            let path: Vec<_> = upper.chain(lower).collect();
            areas.push(format!(
                "<polygon class=\"area f{series}\" points=\"{}\"/>",
                path.join(" ")
            ));
            letters.extend(self.letter(series, &floor, &roof));
            floor = roof;
        }
        areas.extend(letters);
        areas
    }

    fn point(&self, index: usize, points: usize, value: f64) -> String {
        format!("{:.1},{:.1}", x_of(index, points), self.y(value))
    }

    /// The letter of a series where its area is highest, if there is room for it.
    fn letter(&self, series: usize, floor: &[f64], roof: &[f64]) -> Option<String> {
        const ROOM: f64 = 16.0;
        let height = |i: usize| self.y(floor[i]) - self.y(roof[i]);
        let widest = (0..roof.len()).max_by(|a, b| height(*a).total_cmp(&height(*b)))?;
        if height(widest) < ROOM {
            return None;
        }
        let middle = f64::midpoint(self.y(floor[widest]), self.y(roof[widest]));
        let x = x_of(widest, roof.len());
        Some(text(x, middle + 5.0, "letter", LETTERS.get(series)?))
    }

    /// Lines with gaps where nothing is known; each has its own dashes.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (series, values) in self.values.iter().enumerate() {
            let points = values.len();
            for run in runs(values) {
                let path: Vec<_> = run
                    .iter()
                    .map(|(i, v)| self.point(*i, points, *v))
                    .collect();
                let dashes = series % 4;
                // A lone point has no length: it is drawn as a dot.
                if let [(i, v)] = run.as_slice() {
                    let (x, y) = (x_of(*i, points), self.y(*v));
                    lines.push(format!(
                        "<circle class=\"f{series}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>"
                    ));
                    continue;
                }
                lines.push(format!(
                    "<polyline class=\"line s{series} d{dashes}\" points=\"{}\"/>",
                    path.join(" ")
                ));
            }
        }
        lines
    }

    fn legend(&self) -> Vec<String> {
        let mut lines = Vec::new();
        // The topmost area is named first, as it is seen.
        let order: Vec<usize> = match self.chart.kind {
            Kind::Stacked => (0..self.values.len()).rev().collect(),
            Kind::Lines => (0..self.values.len()).collect(),
        };
        for (row, series) in order.into_iter().enumerate() {
            let (Some(letter), Some(shown)) = (LETTERS.get(series), self.chart.series.get(series))
            else {
                continue;
            };
            let y = TOP + 10.0 + 28.0 * as_f64(row);
            lines.push(match self.chart.kind {
                Kind::Stacked => format!(
                    "<rect class=\"f{series}\" x=\"{LEGEND}\" y=\"{:.1}\" width=\"14\" height=\"14\" rx=\"2\"/>",
                    y - 11.0
                ),
                Kind::Lines => format!(
                    "<line class=\"line s{series} d{}\" x1=\"{LEGEND}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                    series % 4,
                    LEGEND + 22.0,
                    y - 4.0,
                    y - 4.0
                ),
            });
            let name = sentence::shorten(&shown.name, NAME_CHARS);
            let (x, label) = match self.chart.kind {
                Kind::Stacked => (LEGEND + 20.0, format!("{letter}  {name}")),
                Kind::Lines => (LEGEND + 28.0, name),
            };
            lines.push(text(x, y, "name", &label));
        }
        lines
    }
}

/// The middle of a step.
fn x_of(index: usize, points: usize) -> f64 {
    let part = (as_f64(index) + 0.5) / as_f64(points.max(1));
    LEFT + (RIGHT - LEFT) * part
}

/// Neighbours averaged, so that there are no more points than pixels.
fn thin(values: &[Option<f64>], steps: usize) -> Vec<Option<f64>> {
    let factor = steps.div_ceil(MAX_POINTS).max(1);
    let padded = (0..steps).map(|i| values.get(i).copied().flatten().filter(|v| v.is_finite()));
    // A sum of what is clamped cannot overflow.
    let all: Vec<_> = padded.map(|v| v.map(|v| v.clamp(0.0, 1e15))).collect();
    let average = |cell: &[Option<f64>]| {
        let known: Vec<f64> = cell.iter().copied().flatten().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / as_f64(known.len()))
    };
    all.chunks(factor).map(average).collect()
}

/// Stretches of known values, with their indices.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut last_known = None;
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        match runs.last_mut() {
            Some(run) if last_known.map(|l: usize| l + 1) == Some(index) => {
                run.push((index, *value));
            }
            _ => runs.push(vec![(index, *value)]),
        }
        last_known = Some(index);
    }
    runs
}

fn tick_name(value: f64, unit: Unit) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    unit::quantity(value, unit)
}

fn text(x: f64, y: f64, class: &str, raw: &str) -> String {
    format!(
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escape(raw)
    )
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred points at most")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

/// Text for XML; characters that XML forbids are dropped.
pub(crate) fn escape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

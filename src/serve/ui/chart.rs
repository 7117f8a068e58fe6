//! Column charts as SVG elements: sizes are attributes and colours are classes, as the content policy wants it.
//!
//! The drawing stretches with the page; words stand around it in HTML, so that they never shrink.

use std::time::Duration;

use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, moment};
use crate::serve::ui::html::{Element, Html, el, of_class};
use crate::store::view::Marker;

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 200.0;
/// Least time that a mean is taken over: a window's, which tells nothing finer.
const LEAST: Duration = Duration::from_secs(10);
/// Part of a step's width that its column fills.
const FILL: f64 = 0.86;

/// The time axis: steps of equal length that cover an interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    first: Timestamp,
    step: Duration,
    /// Number of steps.
    pub(super) steps: usize,
    within: Interval,
    /// What comes later has not happened, or was not asked for.
    until: Timestamp,
}

impl Axis {
    pub(super) fn new(within: Interval, step: Duration, now: Timestamp) -> Self {
        let first = within.from.floor(step);
        let nanos = within.to.since(first).as_nanos();
        let steps = nanos.div_ceil(step.as_nanos().max(1));
        Self {
            first,
            step,
            steps: usize::try_from(steps).unwrap_or(usize::MAX).clamp(1, 1_000),
            within,
            until: within.to.min(now),
        }
    }

    /// How much of a step has passed: all of it but for the newest, which a mean must not be spread over as a whole.
    pub(super) fn passed(&self, index: usize) -> Duration {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let start = self.first.plus(self.step.saturating_mul(index));
        self.until.since(start).max(LEAST).min(self.step)
    }

    /// The step that an instant falls in; `None` outside.
    pub(super) fn index(&self, at: Timestamp) -> Option<usize> {
        if at < self.first {
            return None;
        }
        let index = at.since(self.first).as_nanos() / self.step.as_nanos().max(1);
        usize::try_from(index).ok().filter(|i| *i < self.steps)
    }

    fn x(&self, at: Timestamp) -> f64 {
        let whole = self.step.as_secs_f64() * as_float(self.steps);
        at.since(self.first).as_secs_f64() / whole * WIDTH
    }
}

/// One colour of a chart.
#[derive(Debug)]
pub(super) struct Series {
    /// Class of its colour: `c0` to `c6`, or `rest`.
    pub(super) class: String,
    /// One value a step.
    pub(super) values: Vec<f64>,
}

/// A chart and the words around it.
#[derive(Debug)]
pub(super) struct Chart<'a> {
    /// What it shows, for those who do not see it.
    pub(super) label: &'a str,
    /// Time.
    pub(super) axis: Axis,
    /// From the bottom to the top.
    pub(super) series: &'a [Series],
    /// Vertical lines.
    pub(super) markers: &'a [Marker],
    /// Shaded stretches, for example incidents.
    pub(super) bands: &'a [Interval],
    /// How the top of the scale is written.
    pub(super) unit: fn(f64) -> String,
}

impl Chart<'_> {
    pub(super) fn render(&self, style: &Style) -> Element {
        let top = nice_ceiling(self.highest());
        let drawing = el("svg")
            .attr("viewBox", &format!("0 0 {WIDTH} {HEIGHT}"))
            .attr("preserveAspectRatio", "none")
            .attr("role", "img")
            .attr("aria-label", self.label)
            .children(self.bands.iter().map(|band| self.band(*band)))
            .child(grid())
            .child(self.columns(top))
            .children(self.markers.iter().map(|marker| self.marker(marker)));
        let scale = of_class("div", "scale")
            .child(el("span").child((self.unit)(top)))
            .child(el("span").child((self.unit)(top / 2.0)))
            .child(el("span").child("0"));
        let (zone, within) = (&style.zone, self.axis.within);
        let time = of_class("div", "axis")
            .child(el("span").child(moment::stamp(within.from, zone)))
            .child(el("span").child(moment::stamp(within.to, zone)));
        of_class("div", "chart")
            .child(scale)
            .child(drawing)
            .child(time)
    }

    fn highest(&self) -> f64 {
        (0..self.axis.steps)
            .map(|step| self.series.iter().map(|s| value(s, step)).sum())
            .fold(0.0, f64::max)
    }

    fn columns(&self, top: f64) -> Html {
        let slot = WIDTH / as_float(self.axis.steps);
        let mut columns = Html::none();
        for step in 0..self.axis.steps {
            let mut floor = HEIGHT;
            for series in self.series {
                let height = (value(series, step) / top * HEIGHT).min(floor);
                if height <= 0.0 {
                    continue;
                }
                floor -= height;
                let x = as_float(step) * slot + slot * (1.0 - FILL) / 2.0;
                columns.push(rectangle(&series.class, x, floor, slot * FILL, height));
            }
        }
        columns
    }

    fn band(&self, band: Interval) -> Option<Element> {
        let end = self
            .axis
            .first
            .plus(self.axis.step * u32::try_from(self.axis.steps).ok()?);
        let (from, to) = (band.from.max(self.axis.first), band.to.min(end));
        if from >= to {
            return None;
        }
        let (left, right) = (self.axis.x(from), self.axis.x(to));
        Some(rectangle("band", left, 0.0, right - left, HEIGHT))
    }

    fn marker(&self, marker: &Marker) -> Option<Element> {
        self.axis.index(marker.at)?;
        let x = format!("{:.1}", self.axis.x(marker.at));
        let tip = el("title").child(format!("{}: {}", marker.kind, marker.title));
        let line = of_class("line", "marker")
            .attr("x1", &x)
            .attr("x2", &x)
            .attr("y1", "0")
            .attr("y2", &HEIGHT.to_string());
        Some(line.child(tip))
    }
}

fn value(series: &Series, step: usize) -> f64 {
    let value = series.values.get(step).copied().unwrap_or(0.0);
    if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    }
}

fn rectangle(class: &str, x: f64, y: f64, width: f64, height: f64) -> Element {
    of_class("rect", class)
        .attr("x", &format!("{x:.1}"))
        .attr("y", &format!("{y:.1}"))
        .attr("width", &format!("{width:.1}"))
        .attr("height", &format!("{height:.1}"))
}

fn grid() -> Html {
    [0.0, HEIGHT / 2.0, HEIGHT]
        .into_iter()
        .map(|y| {
            let y = y.to_string();
            of_class("line", "grid")
                .attr("x1", "0")
                .attr("x2", &WIDTH.to_string())
                .attr("y1", &y)
                .attr("y2", &y)
        })
        .collect()
}

/// The next 1, 2 or 5 times a power of ten; never zero.
fn nice_ceiling(highest: f64) -> f64 {
    if highest <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(highest.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|top| *top >= highest)
        .unwrap_or(highest)
}

#[expect(clippy::cast_precision_loss, reason = "at most a thousand steps")]
fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (highest, top) in [
            (0.0, 1.0),
            (0.07, 0.1),
            (1.0, 1.0),
            (1.2, 2.0),
            (2_345.0, 5_000.0),
        ] {
            assert!((nice_ceiling(highest) - top).abs() < 1e-9, "{highest}");
        }
    }

    #[test]
    fn an_instant_outside_has_no_step() {
        let at = Timestamp::from_unix_secs;
        let within = Interval {
            from: at(100),
            to: at(200),
        };
        let axis = Axis::new(within, Duration::from_secs(10), at(200));
        assert_eq!(axis.steps, 10);
        assert_eq!(axis.index(at(99)), None);
        assert_eq!(axis.index(at(200)), None);
        assert_eq!(axis.index(at(199)), Some(9));
    }
    #[test]
    fn the_newest_step_counts_as_long_as_it_has_lasted() {
        let at = Timestamp::from_unix_secs;
        let (minute, seconds) = (Duration::from_secs(60), Duration::from_secs);
        let axis = |to, now| {
            let within = Interval {
                from: at(600),
                to: at(to),
            };
            Axis::new(within, minute, at(now))
        };
        assert_eq!(axis(745, 745).passed(1), minute);
        assert_eq!(axis(745, 745).passed(2), seconds(25));
        assert_eq!(axis(722, 722).passed(2), LEAST, "never less than a window");
        assert_eq!(axis(780, 780).passed(2), minute);
        assert_eq!(axis(900, 745).passed(2), seconds(25), "the rest is to come");
    }
}

//! See [`META`].

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::plan::{self, Way};
use crate::detect::basis::trend::{Line, Series};
use crate::detect::basis::weight::{Weight, number, times};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::course::CoursePoint;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::subject::QueryProfile;
use crate::model::time::Timestamp;

declare_detector! {
    /// ## What it sees
    /// A statement whose runs read more rows each day, because the table that they read grows and nothing bounds what a
    /// run reads of it; and the day on which it will be slow if that goes on.
    ///
    /// ## Why it hurts
    /// Nothing was changed, so nobody looks. The statement was fast in the test, fast at the launch and fast last month;
    /// it is a little slower each week, until a timeout or a full pool makes it an outage.
    ///
    /// ## How it decides
    /// By the median run of each day (in UTC; the median, so that one large customer does not speak for all), over at
    /// least `min_days` days and `min_span` from the first to the last, in which
    /// - rows examined per run on the last day >= `min_rows`, and >= `min_growth` times those on the first;
    /// - they rise all the time: Mann's tau (of all pairs of days, the share that rises less the share that falls)
    ///   >= `min_tau`;
    /// - they rise evenly. With the line of Theil and Sen, as parts of the whole rise: the median distance from it
    ///   <= `max_scatter`, and the largest jump from one day to the next, beyond the line's own, <= `max_jump`;
    /// - they still rise: in the last third of the time at least `min_recent_pace` of the mean pace;
    /// - it matters: the median run takes >= `slow` already, or will within `horizon` if the line of the run times goes
    ///   on, or time lost per second, over all of the interval, >= `min_load`.
    ///
    /// Slow already, or within `soon`, is a warning, else it is told for information. The day is given with the bounds
    /// that hold it with a probability of 80 %, if the growth stays what it was.
    ///
    /// The sidecar watches for weeks, across restarts; `digest` needs a log, or several, of some days. Where rows are
    /// not logged (PostgreSQL without `auto_explain`) the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT count(*) FROM events WHERE handled = 0;   -- reads all events, 20,000 more each day
    /// -- Use instead: an index, so that a run reads what is open and not what ever was
    /// CREATE INDEX events_handled ON events (handled);
    /// ```
    ///
    /// ## False alarms
    /// - More runs a day that each read the same: silent, only rows per run count.
    /// - A deployment, another plan or an import makes it read more from one day to the next: silent by `max_jump`;
    ///   see `plan-flip`.
    /// - Each night more than each day: silent, days are compared with days.
    /// - One large customer: silent, as the median run is not theirs; see `parameter-skew`.
    /// - A table that was filled and stays as it is: silent by `min_recent_pace`.
    /// - A table that is purged: silent by `min_tau` from the first purge on that is in the log. Before it, and before
    ///   the turn of the month where a report sums up the month to date, growth is all that can be seen.
    pub static META = {
        slug: "data-growth",
        summary: "a statement reads more rows each day, as its table grows",
        summary_ko: "테이블이 커지면서 날마다 더 많은 행을 읽는 쿼리",
        urgency: Urgency::Chronic,
        severity: Severity::Warning,
        needs: "row counts (MySQL, MariaDB slow log) or plans (auto_explain), over days",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.data-growth]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Days with runs: three can rise by chance.
    pub min_days: u64,
    /// From the first day to the last.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_span: Duration,
    /// Rows examined by the median run of the last day: fewer are read within a millisecond.
    pub min_rows: u64,
    /// Rows examined per run on the last day against the first.
    pub min_growth: f64,
    /// Share of the pairs of days that rise, less the share that falls; 1 when every day is above all before it.
    pub min_tau: f64,
    /// Median distance from the line, as a part of the whole rise.
    pub max_scatter: f64,
    /// Largest jump from one day to the next beyond the line, as a part of the whole rise: a step is 1.
    pub max_jump: f64,
    /// Pace of the last third of the time, as a part of the mean pace.
    pub min_recent_pace: f64,
    /// Seconds of the median run from which on it is slow: people notice.
    pub slow: f64,
    /// Growth that makes it slow later than this is not worth advice yet.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub horizon: Duration,
    /// Slow by then is a warning.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub soon: Duration,
    /// Seconds of run time per second over all of the interval, from which on growth matters however fast a run is.
    pub min_load: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_days: 4,
            min_span: DAY * 3,
            min_rows: 1_000,
            min_growth: 1.5,
            min_tau: 0.8,
            max_scatter: 0.2,
            max_jump: 0.4,
            min_recent_pace: 0.3,
            slow: 1.0,
            horizon: DAY * 90,
            soon: DAY * 30,
            min_load: 0.2,
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Finds statements that read more each day.
#[derive(Debug)]
pub struct DataGrowth(Settings);

impl DataGrowth {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for DataGrowth {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let days = by_day(&profile.course);
        let seen = days.len() as u64;
        let Some(growth) = Growth::of(&days).filter(|growth| {
            let is_long = growth.span() >= self.0.min_span.div_duration_f64(DAY);
            seen >= self.0.min_days && is_long
        }) else {
            return Verdict::Insufficient {
                seen,
                needed: self.0.min_days,
            };
        };
        if !self.is_growth(&growth) {
            return Verdict::Clear;
        }
        let forecast = Forecast::of(&growth, self.0.slow);
        let busy = times(profile.load.elapsed.total, profile.span.duration()) >= self.0.min_load;
        if !forecast.is_within(self.0.horizon) && !busy {
            return Verdict::Clear;
        }
        self.report(profile, &growth, &forecast)
    }
}

impl DataGrowth {
    fn is_growth(&self, growth: &Growth) -> bool {
        let ((_, first), (end, last)) = growth.rows.ends();
        let large = last >= number(self.0.min_rows);
        let more = growth.ratio() >= self.0.min_growth && last > first;
        let steady = growth.rows.tau() >= self.0.min_tau;
        let line = growth.line;
        let rise = last - first;
        let even = growth.rows.scatter(line) <= self.0.max_scatter * rise
            && growth.rows.largest_jump(line) <= self.0.max_jump * rise;
        let pace = growth.rows.pace_since(end * 2.0 / 3.0);
        let goes_on = pace >= self.0.min_recent_pace * rise / end;
        large && more && steady && even && goes_on
    }

    fn report(&self, profile: &QueryProfile, growth: &Growth, forecast: &Forecast) -> Verdict {
        let ratio = Evidence::measure(
            "rows_growth",
            growth.ratio(),
            self.0.min_growth,
            Unit::Ratio,
        );
        let trend = |name: &str, series: &Series, unit: Unit| {
            let ((_, before), (_, now)) = series.ends();
            Evidence::Trend {
                name: Arc::from(name),
                before,
                now,
                unit,
                basis: Arc::from("first day seen"),
            }
        };
        let span = growth.span() * DAY.as_secs_f64();
        let per_day = growth.line.slope;
        let draft = Draft::new(&META, profile, ratio)
            .with(trend("rows_examined_per_run", &growth.rows, Unit::Rows))
            .with(trend("median_run_time", &growth.seconds, Unit::Seconds))
            .with(Evidence::context(
                "rows_growth_per_day",
                per_day,
                Unit::Rows,
            ))
            .with(Evidence::context("growth_seen_for", span, Unit::Seconds))
            .with_all(forecast.evidence(growth.last_day, self.0.slow))
            .costing(Weight::of(profile));
        let draft = if forecast.is_within(self.0.soon) {
            draft
        } else {
            draft.advice()
        };
        let cure = match plan::way(profile) {
            Way::Scan => {
                "find the rows by an index: then a run reads what it returns, and not all that the table holds"
            }
            Way::Index | Way::Untold => {
                "bound what one run reads: a time window, a page, or sums that are kept up to date"
            }
        };
        draft
            .remedy(advise(cure))
            .remedy(advise(
                "move rows that nobody asks for any more out of the table: archive them, or drop partitions by age",
            ))
            .found()
    }
}

/// Rows and run times of the median run, by days since the first.
#[derive(Debug)]
struct Growth {
    rows: Series,
    seconds: Series,
    line: Line,
    last_day: Timestamp,
}

impl Growth {
    fn of(days: &[CoursePoint]) -> Option<Self> {
        let (first, last) = (days.first()?, days.last()?);
        let series = |value: fn(&CoursePoint) -> f64| {
            let time = |day: &CoursePoint| day.at.since(first.at).div_duration_f64(DAY);
            Series::new(days.iter().map(|day| (time(day), value(day))).collect())
        };
        let rows = series(|day| number(day.rows_examined))?;
        Some(Self {
            line: rows.line(),
            rows,
            seconds: series(|day| day.elapsed.as_secs_f64())?,
            last_day: last.at,
        })
    }

    /// Days from the first to the last.
    fn span(&self) -> f64 {
        self.rows.ends().1.0
    }

    /// Rows on the last day against the first.
    fn ratio(&self) -> f64 {
        let ((_, first), (_, last)) = self.rows.ends();
        last / first.max(1.0)
    }
}

/// When the median run will be slow, in days after the last.
#[derive(Debug)]
enum Forecast {
    Already,
    In {
        days: f64,
        from: f64,
        to: Option<f64>,
    },
    /// The run time does not rise, or there is no telling.
    Never,
}

impl Forecast {
    fn of(growth: &Growth, slow: f64) -> Self {
        let now = growth.seconds.line().at(growth.span());
        let (_, (_, last)) = growth.seconds.ends();
        if now.min(last) >= slow {
            return Self::Already;
        }
        let missing = (slow - now).max(0.0);
        let slope = growth.seconds.line().slope;
        let (low, high) = growth.seconds.slope_bounds();
        if slope > 0.0 {
            return Self::In {
                days: missing / slope,
                from: missing / high.max(slope),
                to: (low > 0.0).then(|| missing / low),
            };
        }
        Self::Never
    }

    fn is_within(&self, horizon: Duration) -> bool {
        match self {
            Self::Already => true,
            Self::In { days, .. } => *days <= horizon.div_duration_f64(DAY),
            Self::Never => false,
        }
    }

    fn evidence(&self, last_day: Timestamp, slow: f64) -> Vec<Evidence> {
        let Self::In { days, from, to } = self else {
            return Vec::new();
        };
        let date = |days: f64| date(last_day, days);
        let range = match (date(*from), to.and_then(date)) {
            (Some(from), Some(to)) => format!(" ({from} – {to})"),
            (Some(from), None) => format!(" ({from} –)"),
            _ => String::new(),
        };
        let told = date(*days).map(|day| Evidence::clause("slow_by", &format!("{day}{range}")));
        let seconds = days * DAY.as_secs_f64();
        let wait = Evidence::context("slow_in", seconds, Unit::Seconds);
        let limit = Evidence::context("slow_from", slow, Unit::Seconds);
        told.into_iter().chain([wait, limit]).collect()
    }
}

/// The day so many days later, in UTC; `None` beyond what a calendar holds.
fn date(from: Timestamp, days: f64) -> Option<String> {
    let later = Duration::try_from_secs_f64(days * DAY.as_secs_f64()).ok()?;
    let day = from.plus(later).to_jiff().strftime("%Y-%m-%d").to_string();
    (later < DAY * 36_525).then_some(day)
}

/// Points of one day as one; longer ones stay as they are.
fn by_day(course: &[CoursePoint]) -> Vec<CoursePoint> {
    let mut days: Vec<CoursePoint> = Vec::new();
    for point in course {
        let point = CoursePoint {
            at: point.at.floor(DAY),
            ..*point
        };
        match days.last_mut() {
            Some(day) if day.at == point.at => *day = day.together(point),
            _ => days.push(point),
        }
    }
    days
}

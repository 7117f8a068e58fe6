//! What every list takes: an interval, a limit, a cursor.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::model::time::{Interval, Timestamp};
use crate::serve::problem::Problem;

/// Rows of a page of a list, unless the caller says otherwise.
const DEFAULT_LIMIT: usize = 100;
/// Most rows of a page of a list.
const MAX_LIMIT: usize = 1_000;
/// Longest interval: a year and a month to compare with, longer than the store keeps by default.
const MAX_INTERVAL: Duration = Duration::from_secs(400 * 86_400);
/// Longest text of a parameter.
const MAX_TEXT_CHARS: usize = 256;
/// Steps of a series to choose from: those of the store's ladder and round multiples.
const STEPS: [Duration; 7] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(86_400),
    Duration::from_secs(7 * 86_400),
];
/// Most points of a series: one per pixel column or two of a small chart.
const MAX_POINTS: u128 = 120;

/// `axum::extract::Query` that refuses with a [`Problem`].
#[derive(Debug)]
pub(in crate::serve) struct Query<T>(pub(in crate::serve) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(query.0))
    }
}

/// The segment of the path that stands for a name; refuses what is no text with a [`Problem`].
#[derive(Debug)]
pub(in crate::serve) struct Segment(pub(in crate::serve) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let axum::extract::Path(text) =
            segment.map_err(|refused| Problem::bad_request(refused.body_text()))?;
        Ok(Self(text))
    }
}

/// Reads an interval; what is left out is `default` until now.
pub(in crate::serve) fn interval(
    from: Option<&str>,
    to: Option<&str>,
    default: Duration,
    now: Timestamp,
) -> Result<Interval, Problem> {
    let to = to.map_or(Ok(now), |text| instant("to", text, now))?;
    let from = from.map_or(Ok(to.minus(default)), |text| instant("from", text, now))?;
    if from >= to {
        return Err(Problem::bad_request("from: must be before to"));
    }
    let interval = Interval { from, to };
    if interval.duration() > MAX_INTERVAL {
        return Err(Problem::bad_request("from, to: at most 400 days apart"));
    }
    Ok(interval)
}

/// An interval, if either end of it is given.
pub(in crate::serve) fn optional_interval(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> Result<Option<Interval>, Problem> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    interval(from, to, MAX_INTERVAL, now).map(Some)
}

/// Reads `now`, an instant of RFC 3339, or a time back from now such as `90m` or `7d`.
pub(in crate::serve) fn instant(
    name: &str,
    text: &str,
    now: Timestamp,
) -> Result<Timestamp, Problem> {
    if text == "now" {
        return Ok(now);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from(at));
    }
    text.trim_start_matches('-')
        .parse::<jiff::Span>()
        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|back| Duration::try_from(back).ok())
        .map(|back| now.minus(back))
        .ok_or_else(|| {
            Problem::bad_request(format!(
                "{name}: an instant such as 2026-11-21T10:00:00Z, or a time back from now such as 90m or 7d"
            ))
        })
}

/// Reads a limit.
pub(in crate::serve) fn limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        rows @ 1..=MAX_LIMIT => Ok(rows),
        _ => Err(Problem::bad_request("limit: 1 to 1000")),
    }
}

/// Checks the length of a free text.
pub(in crate::serve) fn short(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.chars().count() > MAX_TEXT_CHARS => Err(Problem::bad_request(format!(
            "{name}: at most {MAX_TEXT_CHARS} characters"
        ))),
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

/// The shortest step that keeps a series of this interval drawable.
pub(in crate::serve) fn step_of(interval: Interval) -> Duration {
    let [first, ..] = STEPS;
    STEPS
        .into_iter()
        .find(|step| interval.duration().as_nanos() / step.as_nanos() <= MAX_POINTS)
        .unwrap_or(first * 60_480)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix_secs(1_800_000_000)
    }

    #[test]
    fn an_instant_is_absolute_or_back_from_now() {
        let hour_ago = now().minus(Duration::from_secs(3_600));
        for text in [
            "1h",
            "-1h",
            "60m",
            "2027-01-15T07:00:00Z",
            "2027-01-15T16:00:00+09:00",
        ] {
            assert_eq!(instant("from", text, now()).unwrap(), hour_ago, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "yesterday", "1", "9999999999999999999d", "\u{0}"] {
            let problem = instant("from", text, now()).unwrap_err();
            assert!(problem.detail().starts_with("from: an instant such as"));
        }
    }

    #[test]
    fn an_interval_must_run_forward_and_be_bounded() {
        let hour = Duration::from_secs(3_600);
        assert!(interval(Some("1h"), Some("2h"), hour, now()).is_err());
        assert!(interval(Some("500d"), None, hour, now()).is_err());
        assert_eq!(interval(None, None, hour, now()).unwrap().duration(), hour);
    }

    #[test]
    fn a_series_has_at_most_so_many_points() {
        for seconds in [1, 600, 3_600, 86_400, 400 * 86_400] {
            let span = Interval {
                from: now().minus(Duration::from_secs(seconds)),
                to: now(),
            };
            assert!(span.duration().as_nanos() / step_of(span).as_nanos() <= MAX_POINTS);
        }
    }
}

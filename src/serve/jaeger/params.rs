//! What a search asks for, in the words of either dialect.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::time::{Interval, Timestamp};
use crate::store::view::TraceFilter;

/// Traces of an answer, unless the caller says otherwise; Jaeger's own number.
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1_000;
/// Longest text of a parameter.
const MAX_CHARS: usize = 1_024;
/// Tags of a search.
const MAX_TAGS: usize = 16;

/// The parameters of a query string, in order; a name may come again.
#[derive(Debug)]
pub(super) struct Asked(Vec<(String, String)>);

/// What is wrong with a parameter.
pub(super) type Wrong = String;

impl Asked {
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first that is told of these names.
    pub(super) fn one(&self, names: &[&str]) -> Option<&str> {
        let told = names.iter().find_map(|name| self.all(name).next());
        told.filter(|value| !value.is_empty())
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let same = self.0.iter().filter(move |(key, _)| key == name);
        same.map(|(_, value)| value.as_str())
    }

    fn short(&self, names: &[&str]) -> Result<Option<String>, Wrong> {
        match self.one(names) {
            Some(text) if text.chars().count() > MAX_CHARS => {
                Err(format!("{}: at most {MAX_CHARS} characters", names[0]))
            }
            text => Ok(text.map(str::to_owned)),
        }
    }
}

/// A search of `/api/traces`.
pub(super) fn v1(asked: &Asked) -> Result<TraceFilter, Wrong> {
    let mut tags = Vec::new();
    for map in asked.all("tags") {
        tags.extend(tag_map("tags", map)?);
    }
    for pair in asked.all("tag") {
        let (key, value) = pair.split_once(':').ok_or("tag: write it as key:value")?;
        tags.push((key.to_owned(), value.to_owned()));
    }
    let micros = |name| match asked.one(&[name]) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(|micros| Some(Timestamp::from_unix_nanos(micros.saturating_mul(1_000))))
            .map_err(|_| format!("{name}: microseconds since 1970")),
    };
    Ok(TraceFilter {
        within: within(micros("start")?, micros("end")?),
        service: asked.short(&["service"])?,
        operation: asked.short(&["operation"])?,
        shortest: duration(asked, &["minDuration"])?,
        longest: duration(asked, &["maxDuration"])?,
        tags: bounded(tags)?,
        limit: limit(asked, &["limit"])?,
    })
}

/// A search of `/api/v3/traces`.
pub(super) fn v3(asked: &Asked) -> Result<TraceFilter, Wrong> {
    let tags = match asked.one(&["query.attributes"]) {
        None => Vec::new(),
        Some(map) => tag_map("query.attributes", map)?,
    };
    let instant = |names: [&str; 2]| match asked.one(&names) {
        None => Ok(None),
        Some(text) => text
            .parse::<jiff::Timestamp>()
            .map(|at| Some(Timestamp::from(at)))
            .map_err(|_| format!("{}: an instant such as 2026-11-21T10:00:00Z", names[0])),
    };
    Ok(TraceFilter {
        within: within(
            instant(["query.startTimeMin", "query.start_time_min"])?,
            instant(["query.startTimeMax", "query.start_time_max"])?,
        ),
        service: asked.short(&["query.serviceName", "query.service_name"])?,
        operation: asked.short(&["query.operationName", "query.operation_name"])?,
        shortest: duration(asked, &["query.durationMin", "query.duration_min"])?,
        longest: duration(asked, &["query.durationMax", "query.duration_max"])?,
        tags: bounded(tags)?,
        limit: limit(
            asked,
            &[
                "query.searchDepth",
                "query.search_depth",
                "query.numTraces",
                "query.num_traces",
            ],
        )?,
    })
}

fn within(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Interval> {
    if from.is_none() && to.is_none() {
        return None;
    }
    Some(Interval {
        from: from.unwrap_or(Timestamp::EPOCH),
        to: to.unwrap_or(Timestamp::from_unix_nanos(u64::MAX)),
    })
}

/// `100ms`, `1.5s`, `250us`.
fn duration(asked: &Asked, names: &[&str]) -> Result<Option<Duration>, Wrong> {
    let Some(text) = asked.one(names) else {
        return Ok(None);
    };
    let told = text.parse::<jiff::SignedDuration>().ok();
    let told = told.and_then(|duration| Duration::try_from(duration).ok());
    told.map(Some)
        .ok_or_else(|| format!("{}: a duration such as 100ms or 1.5s", names[0]))
}

fn limit(asked: &Asked, names: &[&str]) -> Result<usize, Wrong> {
    match asked.one(names).map(str::parse) {
        None => Ok(DEFAULT_LIMIT),
        Some(Ok(limit)) if limit > 0 => Ok(usize::min(limit, MAX_LIMIT)),
        Some(_) => Err(format!("{}: a number from 1 on", names[0])),
    }
}

/// A JSON map of texts, numbers and truths.
fn tag_map(name: &str, json: &str) -> Result<Vec<(String, String)>, Wrong> {
    let wrong = || format!("{name}: a JSON object such as {{\"error\":\"true\"}}");
    let map: HashMap<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|_| wrong())?;
    let pairs = map.into_iter().map(|(key, value)| match value {
        serde_json::Value::String(text) => Ok((key, text)),
        serde_json::Value::Number(number) => Ok((key, number.to_string())),
        serde_json::Value::Bool(so) => Ok((key, so.to_string())),
        _ => Err(wrong()),
    });
    pairs.collect()
}

fn bounded(tags: Vec<(String, String)>) -> Result<Vec<(String, String)>, Wrong> {
    if tags.len() > MAX_TAGS {
        return Err(format!("at most {MAX_TAGS} tags"));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Asked::new(pairs.iter().map(own).collect())
    }

    #[test]
    fn what_grafana_asks_for_is_understood() {
        let filter = v1(&asked(&[
            ("service", "shop"),
            ("operation", "GET /cart"),
            (
                "tags",
                r#"{"error":"true","http.response.status_code":500}"#,
            ),
            ("minDuration", "1.5s"),
            ("maxDuration", "250ms"),
            ("limit", "5"),
            ("start", "1800000000000000"),
            ("end", "1800000001000000"),
        ]))
        .unwrap();
        assert_eq!(filter.service.as_deref(), Some("shop"));
        assert_eq!(filter.shortest, Some(Duration::from_millis(1_500)));
        assert_eq!(filter.longest, Some(Duration::from_millis(250)));
        assert_eq!(
            filter.within.unwrap().from,
            Timestamp::from_unix_secs(1_800_000_000)
        );
        assert_eq!(filter.limit, 5);
        assert_eq!(filter.tags.len(), 2);
    }

    #[test]
    fn what_jaegers_page_asks_for_is_understood_in_both_spellings() {
        for (service, from) in [
            ("query.serviceName", "query.startTimeMin"),
            ("query.service_name", "query.start_time_min"),
        ] {
            let filter = v3(&asked(&[
                (service, "shop"),
                (from, "2027-01-15T08:00:00.000000001Z"),
                ("query.searchDepth", "7"),
                ("query.durationMin", "10ms"),
            ]))
            .unwrap();
            assert_eq!(filter.service.as_deref(), Some("shop"));
            let within = filter.within.unwrap();
            assert_eq!(within.from.as_unix_nanos(), 1_800_000_000_000_000_001);
            assert_eq!(filter.limit, 7);
        }
    }

    #[test]
    fn nonsense_is_refused_by_its_name() {
        for (name, value) in [
            ("limit", "many"),
            ("limit", "0"),
            ("start", "yesterday"),
            ("minDuration", "soon"),
            ("tags", "[1]"),
            ("tag", "error"),
        ] {
            let wrong = v1(&asked(&[(name, value)])).unwrap_err();
            assert!(wrong.starts_with(name), "{wrong}");
        }
        assert!(v3(&asked(&[("query.startTimeMin", "5")])).is_err());
    }

    #[test]
    fn empty_parameters_are_none() {
        let filter = v1(&asked(&[
            ("service", ""),
            ("operation", ""),
            ("minDuration", ""),
        ]))
        .unwrap();
        assert_eq!(filter.service, None);
        assert_eq!(filter.limit, DEFAULT_LIMIT);
    }
}

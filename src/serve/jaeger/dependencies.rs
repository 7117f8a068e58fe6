//! `/api/dependencies`: who asks whom, counted over the kept traces.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use axum::extract::{Query, State};
use serde::Serialize;

use super::params::Asked;
use super::v1::{Refusal, Result, all};
use crate::model::time::{Interval, Timestamp};
use crate::model::trace::{Trace, TraceWork};
use crate::serve::Site;
use crate::serve::archive;
use crate::store::view::TraceFilter;

/// Traces that are counted, at most.
const MAX_TRACES: usize = 1_000;
/// How far to look back, unless the caller says otherwise.
const DEFAULT_LOOKBACK: Duration = Duration::from_secs(24 * 3_600);

/// Calls from one to another.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Link {
    parent: String,
    child: String,
    call_count: u64,
}

pub(super) async fn dependencies(
    State(site): State<Site>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Vec<Link>> {
    let asked = Asked::new(pairs);
    let millis = |name: &'static str| match asked.one(&[name]).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(millis)) => Ok(Some(millis)),
        Some(Err(_)) => Err(Refusal::bad_request(format!("{name}: milliseconds"))),
    };
    let to = millis("endTs")?.map_or_else(|| site.clock.now(), Timestamp::from_unix_millis);
    let lookback = millis("lookback")?.map_or(DEFAULT_LOOKBACK, Duration::from_millis);
    let filter = TraceFilter {
        within: Some(Interval {
            from: to.minus(lookback),
            to,
        }),
        limit: MAX_TRACES,
        ..TraceFilter::default()
    };
    let found = archive::read(&site.archive, move |a| a.traces(&filter)).await?;
    Ok(all(links(&found)))
}

/// A service asks another when a span of it is the parent of one of the other, and a server that answers by no span when
/// a span asks it.
fn links(traces: &[Trace]) -> Vec<Link> {
    let mut calls: BTreeMap<(String, String), u64> = BTreeMap::new();
    for trace in traces {
        let services = trace
            .spans
            .iter()
            .map(|span| (span.id, span.maker.service.as_str()));
        let services: HashMap<u64, &str> = services.collect();
        for span in &trace.spans {
            let own = span.maker.service.as_str();
            let parent = span.parent.and_then(|id| services.get(&id)).copied();
            if let Some(parent) = parent.filter(|parent| *parent != own) {
                *calls
                    .entry((parent.to_owned(), own.to_owned()))
                    .or_default() += 1;
            }
            if let TraceWork::Query { target, .. } = &span.work {
                let name = [&*target.namespace, &*target.server, target.system.as_str()];
                let name = name
                    .into_iter()
                    .find(|name| !name.is_empty())
                    .unwrap_or_default();
                *calls.entry((own.to_owned(), name.to_owned())).or_default() += 1;
            }
        }
    }
    let links = calls.into_iter().map(|((parent, child), call_count)| Link {
        parent,
        child,
        call_count,
    });
    links.collect()
}

//! Who held the connections that others waited for: the statement that ran for longest meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::DbTarget;
use crate::model::id::ServiceName;
use crate::model::operation::{ConnectionWait, Holder, OperationProfile, TraceExemplar};
use crate::model::sql::StatementRef;
use crate::model::subject::QueryProfile;
use crate::model::time::Interval;
use crate::window::table::QueryTable;

/// How long a service ran a statement.
#[derive(Debug, Clone, Copy)]
pub(in crate::window) struct Busy<'r> {
    service: &'r ServiceName,
    statement: &'r StatementRef,
    target: &'r DbTarget,
    /// In which window, where windows are told apart.
    window: Option<Interval>,
    time: Duration,
}

impl<'r> Busy<'r> {
    /// In these windows.
    pub(in crate::window) fn of(
        windows: impl Iterator<Item = &'r (Interval, QueryTable)> + Clone,
    ) -> impl Iterator<Item = Self> + Clone {
        let runs = windows.flat_map(|(window, table)| table.iter().map(move |ran| (window, ran)));
        runs.map(|(window, (key, ran))| Self {
            service: &key.scope.service,
            statement: &ran.statement,
            target: &key.scope.target,
            window: Some(*window),
            time: ran.stats.elapsed(),
        })
    }

    /// As a profile sums it up.
    pub(super) fn in_profile(query: &'r QueryProfile) -> Self {
        Self {
            service: &query.service,
            statement: &query.statement,
            target: &query.target,
            window: None,
            time: query.load.own(),
        }
    }

    fn is_during(&self, request: &TraceExemplar) -> bool {
        let (from, to) = (request.at.minus(request.elapsed), request.at);
        let request = Interval { from, to };
        self.window.is_none_or(|window| window.overlaps(request))
    }
}

/// Names the statement that ran for longest of `all` that ran lately, in the windows in which the slowest requests waited.
/// A trace comes to its end some seconds after its statements did.
pub(in crate::window) fn name_holders<'r>(
    operations: &mut [OperationProfile],
    all: &(impl Iterator<Item = Busy<'r>> + Clone),
) {
    for operation in operations.iter_mut().filter(|o| !o.waits.is_empty()) {
        let service = &operation.service;
        let own = all.clone().filter(|ran| ran.service == service);
        for wait in &mut operation.waits {
            wait.holder = holder(own.clone().filter(|ran| is_meanwhile(wait, ran)));
        }
    }
}

fn is_meanwhile(wait: &ConnectionWait, ran: &Busy<'_>) -> bool {
    let requests = &wait.load.exemplars;
    requests.iter().any(|request| ran.is_during(request))
}

fn holder<'r>(runs: impl Iterator<Item = Busy<'r>>) -> Option<Holder> {
    let mut times: BTreeMap<_, (Duration, &StatementRef)> = BTreeMap::new();
    let mut all = Duration::ZERO;
    for ran in runs {
        let key = (ran.statement.fingerprint, ran.target);
        let (busy, _) = times.entry(key).or_insert((Duration::ZERO, ran.statement));
        *busy = busy.saturating_add(ran.time);
        all = all.saturating_add(ran.time);
    }
    let ((_, target), (busy, statement)) = times.into_iter().max_by_key(|(_, (busy, _))| *busy)?;
    Some(Holder {
        statement: Arc::clone(statement),
        target: target.clone(),
        busy,
        share: if all.is_zero() {
            0.0
        } else {
            busy.as_secs_f64() / all.as_secs_f64()
        },
    })
}

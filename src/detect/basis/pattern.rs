//! How much a pattern of traces matters, and how sure one can be of it.

use std::time::Duration;

use crate::detect::basis::draft::Draft;
use crate::detect::basis::weight::{number, part, times};
use crate::model::evidence::{Evidence, Unit};
use crate::model::operation::{OperationProfile, PatternLoad, StatementLoop, TraceExemplar};
use crate::model::sql::StatementRef;

/// What one request loses to a pattern.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Loss {
    /// Runs in a request.
    pub runs: f64,
    /// Share of the requests' critical path, 0 to 1; `NaN` where there is none.
    pub share: f64,
    /// Seconds of a request that would be saved.
    pub saving: f64,
}

impl Loss {
    pub(in crate::detect) fn of(load: &PatternLoad) -> Self {
        let requests = number(load.requests.max(1));
        Self {
            runs: part(load.runs, load.requests.max(1)),
            share: times(load.critical, load.elapsed),
            saving: load.saving.as_secs_f64() / requests,
        }
    }
}

/// How sure a loop over rows is: that it comes again is half of it, the rest are different values, a read before it that
/// may have told the rows, and a log of the server that shows the same runs.
pub(in crate::detect) fn confidence(found: &StatementLoop) -> f64 {
    let varies = found.told > 0 && part(found.distinct, found.told) >= 0.5;
    let is_sourced = found.sourced > 0 && found.sourced >= found.load.requests / 2;
    let signs = [
        (true, 0.5),
        (varies, 0.25),
        (is_sourced, 0.15),
        (found.logged.is_some(), 0.1),
    ];
    let sure: f64 = signs.iter().filter(|(is, _)| *is).map(|(_, n)| n).sum();
    sure.min(0.95)
}

impl Draft<'_> {
    /// Adds what a loop was told by, and how sure it is.
    pub(in crate::detect) fn told_by(self, found: &StatementLoop) -> Self {
        let load = &found.load;
        let told = found.told > 0;
        let values = part(found.distinct, found.told.max(1));
        let parallel = part(found.parallel, load.requests.max(1));
        let source = found
            .source
            .as_ref()
            .map(|read| statement("loop_source", read));
        let logged = found
            .logged
            .map(|log| Evidence::context("runs_in_the_log", number(log.runs), Unit::Count));
        let rows = found.logged.and_then(|log| log.rows_examined);
        let lock = found.logged.and_then(|log| log.lock);
        let joined = found.logged.map(|log| {
            let by = if log.names_trace {
                "traceparent"
            } else {
                "fingerprint"
            };
            Evidence::clause("joined_with_the_log_by", by)
        });
        self.with_all(source)
            .with_all(told.then(|| Evidence::context("distinct_values", values, Unit::Share)))
            .with_all(
                (parallel > 0.0).then(|| {
                    Evidence::context("requests_with_parallel_runs", parallel, Unit::Share)
                }),
            )
            .with_all(logged)
            .with_all(rows.map(|rows| {
                Evidence::context("rows_examined_in_the_log", number(rows), Unit::Rows)
            }))
            .with_all(lock.map(|lock| {
                Evidence::context("lock_time_in_the_log", lock.as_secs_f64(), Unit::Seconds)
            }))
            .with_all(joined)
            .with(Evidence::context(
                "confidence",
                confidence(found),
                Unit::Share,
            ))
    }

    /// Adds how many requests show it, what it costs them, and the slowest.
    pub(in crate::detect) fn seen_in(self, profile: &OperationProfile, load: &PatternLoad) -> Self {
        let requests = Evidence::context("requests_seen", number(load.requests), Unit::Count);
        self.with(requests)
            .with(cost(profile, load.critical))
            .with_all(load.exemplars.first().map(exemplar))
    }

    /// Signs that came again, since the first request that is known.
    pub(in crate::detect) fn again(self, load: &PatternLoad) -> Self {
        let began = load.exemplars.iter().map(|e| e.at.minus(e.elapsed)).min();
        self.recurring(began)
    }
}

/// Another statement of the same requests.
pub(in crate::detect) fn statement(role: &str, statement: &StatementRef) -> Evidence {
    Evidence::Statement {
        fingerprint: statement.fingerprint,
        template: statement.template.clone(),
        role: role.into(),
    }
}

/// Time of the critical path, against that of all requests of the operation.
pub(in crate::detect) fn cost(profile: &OperationProfile, critical: Duration) -> Evidence {
    let all = profile.load.elapsed.total;
    Evidence::Cost {
        seconds: critical.as_secs_f64(),
        share: (!all.is_zero()).then(|| times(critical, all).min(1.0)),
        over: profile.span,
    }
}

/// A request that shows it.
pub(in crate::detect) fn exemplar(request: &TraceExemplar) -> Evidence {
    Evidence::Exemplar {
        at: request.at,
        seconds: request.elapsed.as_secs_f64(),
        parameters: None,
        trace_id: Some(format!("{:032x}", request.trace).into()),
    }
}

//! Tells what a log and the traces of the same time know of the same runs. Nothing is added to a count by it.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::digest::reading::Read;
use crate::model::event::{DbTarget, Origin};
use crate::model::operation::{LoggedRuns, OperationProfile, TraceExemplar};
use crate::model::sql::StatementRef;
use crate::model::subject::Exemplar;
use crate::model::time::{Interval, Timestamp};
use crate::window::trace::Operation;
use crate::window::{Role, TotalView};

/// How far the clocks of a service and of its database may lie apart for one run to be told by both.
const CLOCKS_APART: Duration = Duration::from_secs(1);

/// Statements among which the one that held connections is looked for.
const HOLDERS: usize = 10_000;

/// Names the statements that held the connections that operations waited for.
pub(super) fn name_holders(all: &mut [Read]) {
    for read in all {
        let waits = |operation: &Operation| !operation.profile.waits.is_empty();
        if !read.operations.iter().any(waits) {
            continue;
        }
        let view = read.totals.view(read.coverage);
        let queries: Vec<_> = view.profiles().take(HOLDERS).collect();
        for operation in &mut read.operations {
            operation.name_holder(&queries);
        }
    }
}

/// Adds to the operations what the logs say of their loops and batches.
pub(super) fn join(all: &mut [Read]) {
    let Some((logs, others)) = all.split_first_mut() else {
        return;
    };
    if logs.origin != Origin::Log {
        return;
    }
    let view = logs.totals.view(logs.coverage);
    for operation in others.iter_mut().flat_map(|read| &mut read.operations) {
        ask(&mut operation.profile, &view);
    }
}

fn ask(operation: &mut OperationProfile, logs: &TotalView<'_>) {
    let span = operation.span;
    for found in &mut operation.loops {
        found.logged = logged(
            (&found.statement, &found.target),
            (span, &found.load.exemplars),
            logs,
        );
    }
    for found in &mut operation.batches {
        found.logged = logged(
            (&found.statement, &found.target),
            (span, &found.load.exemplars),
            logs,
        );
    }
}

/// What the logs say of a statement, where they know it from the same time alone and from the same database.
fn logged(
    (statement, target): (&StatementRef, &DbTarget),
    (span, traces): (Interval, &[TraceExemplar]),
    logs: &TotalView<'_>,
) -> Option<LoggedRuns> {
    let total = logs.get(statement.key())?;
    let stats = &total.sums.stats;
    let is_within =
        |at: Timestamp| span.from.minus(CLOCKS_APART) <= at && at <= span.to.plus(CLOCKS_APART);
    let is_of_time =
        stats.first_seen().is_some_and(is_within) && stats.last_seen().is_some_and(is_within);
    let databases = stats.names(Role::Database);
    let named = |known: &Arc<str>| known.is_empty() || **known == *target.namespace;
    let is_of_database =
        target.namespace.is_empty() || databases.is_empty() || databases.iter().any(named);
    if !is_of_time || !is_of_database {
        return None;
    }
    let load = stats.load();
    let is_named = |run: &Exemplar| {
        let named = run.trace.map(|of| of.trace);
        traces.iter().any(|known| Some(known.trace) == named)
    };
    Some(LoggedRuns {
        runs: load.count,
        rows_examined: load.rows_examined.map(|rows| rows.total),
        lock: load.lock,
        names_trace: stats.exemplars().iter().any(is_named),
    })
}

//! Tells what two sources know of the same runs: a span knows the request, a log of the server the rows.
//!
//! A run that both tell of is in the windows of both, each in its own origin, and shares are formed within one; so a
//! join only adds to what is shown of a run, never to a count.

use crate::model::event::Origin;
use crate::model::id::SourceId;
use crate::model::operation::OperationProfile;
use crate::model::subject::QueryProfile;
use crate::window::Closed;
use crate::window::source::Source;

/// Adds to a closed window what the other sources know of the same runs.
pub(super) fn join<'s>(
    closed: &mut Closed,
    others: impl Iterator<Item = (&'s SourceId, &'s Source)> + Clone,
) {
    let own = closed.key.source.clone();
    let others = others
        .filter(|(id, _)| **id != own)
        .map(|(_, source)| source);
    for operation in &mut closed.operations {
        ask_logs(operation, &others);
    }
    for profile in &mut closed.profiles {
        find_traces(profile, &others);
    }
}

/// What logs say of the loops and batches of an operation.
fn ask_logs<'s>(
    operation: &mut OperationProfile,
    logs: &(impl Iterator<Item = &'s Source> + Clone),
) {
    let from = operation.span.from;
    for found in &mut operation.loops {
        let (id, name) = (found.statement.fingerprint, &found.target.namespace);
        let since = (from, found.load.exemplars.as_slice());
        found.logged = logs.clone().find_map(|log| log.logged(id, name, since));
    }
    for found in &mut operation.batches {
        let (id, name) = (found.statement.fingerprint, &found.target.namespace);
        let since = (from, found.load.exemplars.as_slice());
        found.logged = logs.clone().find_map(|log| log.logged(id, name, since));
    }
}

/// The traces of logged runs whose text does not name one.
fn find_traces<'s>(
    profile: &mut QueryProfile,
    others: &(impl Iterator<Item = &'s Source> + Clone),
) {
    if profile.origin != Origin::Log {
        return;
    }
    let id = profile.statement.fingerprint;
    let name = profile.target.namespace.clone();
    for run in profile
        .exemplars
        .iter_mut()
        .filter(|run| run.trace.is_none())
    {
        run.trace = others
            .clone()
            .find_map(|other| other.trace_of(id, &name, run));
    }
}

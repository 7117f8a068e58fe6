//! What a process that ended without a stop took with it: nobody sends again what was acknowledged.

use crate::config::Config;
use crate::ingest::otlp::{logs_id, source_id};
use crate::model::id::SourceId;
use crate::model::time::{Interval, Timestamp};
use crate::store::Recovered;
use crate::store::view::{GapReason, SourceGap};
use crate::window::PackedWindow;

/// Stretches of time of which something may be missing. A log is read again from where the store stands, and misses
/// nothing.
pub(super) fn gaps(recovered: &Recovered, config: &Config, now: Timestamp) -> Vec<SourceGap> {
    if !recovered.was_cut || config.listen.otlp().next().is_none() {
        return Vec::new();
    }
    let sources = [source_id(), logs_id()].into_iter();
    sources
        .filter_map(|source| gap(source, recovered, now))
        .collect()
}

/// From the first window that was not judged, for its traces were open, too; else from the end of the last one.
fn gap(source: SourceId, recovered: &Recovered, now: Timestamp) -> Option<SourceGap> {
    let own = |window: &&PackedWindow| window.key.source == source;
    let open = recovered.open_windows.iter().filter(own);
    let open = open.map(|window| window.key.start).min();
    let judged = recovered.history.iter().filter(own);
    let judged = judged.map(|window| window.end).max();
    let from = open.or(judged)?;
    (from < now).then_some(SourceGap {
        over: Interval { from, to: now },
        source,
        why: GapReason::Crash,
    })
}

//! Statements that one unit runs again and again: below one span, in a row or at once, or below spans of one kind.
//!
//! Runs are grouped by their statement and the span above them. Groups that are too small go one span up, until they meet
//! others or reach the first span of the unit: an ORM makes a span for every call, and only what all calls are below
//! repeats. What runs between (connects, other statements) breaks nothing.

use std::sync::Arc;

use crate::model::operation::StatementLoop;
use crate::model::sql::{StatementKind, StatementRef};

use super::held::{Asked, Held, Work};
use super::sums::Sums;
use super::unit::{Scratch, Unit};

/// Fewer runs are no loop for anybody: smaller than any threshold that makes sense.
const MIN_RUNS: usize = 3;

/// Spans that a group goes up at most.
const MAX_CLIMB: usize = 32;

/// A run, and the span that it is counted below.
type Anchored = (u32, u64, u32);

/// Whether any statement ran often enough; the runs are sorted by statement.
pub(super) fn any(queries: &[(u64, u64, u32)]) -> bool {
    let ends = queries.iter().zip(queries.iter().skip(MIN_RUNS - 1));
    ends.into_iter().any(|(first, last)| first.0 == last.0)
}

/// Adds the loops of a unit; its critical path is known.
pub(super) fn find(unit: &Unit<'_>, scratch: &Scratch, sums: &mut Sums) {
    let groups = scratch.queries.chunk_by(|a, b| a.0 == b.0);
    for group in groups.filter(|group| group.len() >= MIN_RUNS) {
        let first = group.first().and_then(|&(_, _, at)| unit.span(at)?.asked());
        let Some(asked) = first.filter(|asked| loops(asked.statement.kind())) else {
            continue;
        };
        let runs = anchored(unit, group);
        if runs.len() >= MIN_RUNS
            && let Some(found) = describe(unit, scratch, asked, &runs)
        {
            sums.add_loop(found);
        }
    }
}

/// Kinds that one statement could do for many rows.
fn loops(kind: StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Select
            | StatementKind::Insert
            | StatementKind::Update
            | StatementKind::Delete
            | StatementKind::Replace
            | StatementKind::Merge
            | StatementKind::Call
    )
}

/// Runs that repeat below one span, with that span, sorted by it and by start.
fn anchored(unit: &Unit<'_>, group: &[(u64, u64, u32)]) -> Vec<Anchored> {
    let above = |at: u32| unit.parent_of(at).unwrap_or(unit.root);
    let mut runs: Vec<Anchored> = group
        .iter()
        .map(|&(_, start, at)| (above(at), start, at))
        .collect();
    for _ in 0..MAX_CLIMB {
        runs.sort_unstable();
        let mut has_moved = false;
        for few in runs.chunk_by_mut(|a, b| a.0 == b.0) {
            if few.len() >= MIN_RUNS || few.first().is_none_or(|run| run.0 == unit.root) {
                continue;
            }
            has_moved = true;
            for run in few {
                run.0 = above(run.0);
            }
        }
        if !has_moved {
            break;
        }
    }
    let many = runs
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|few| few.len() >= MIN_RUNS);
    many.flatten().copied().collect()
}

fn describe(
    unit: &Unit<'_>,
    scratch: &Scratch,
    asked: &Asked,
    runs: &[Anchored],
) -> Option<StatementLoop> {
    let held = || runs.iter().filter_map(|&(_, _, at)| unit.span(at));
    let (mut busy, mut critical, mut saving) = (0_u64, 0_u64, 0_u64);
    for below_one in runs.chunk_by(|a, b| a.0 == b.0) {
        let spans = below_one.iter().filter_map(|&(_, _, at)| unit.span(at));
        let once = spans.clone().map(Held::elapsed).min().unwrap_or(0);
        let of_path: u64 = below_one.iter().map(|run| scratch.critical(run.2)).sum();
        let of_path = of_path.saturating_add(queued(unit, scratch, below_one));
        busy = busy.saturating_add(spans.map(Held::elapsed).fold(0, u64::saturating_add));
        critical = critical.saturating_add(of_path);
        // One statement in the place of all takes at least what the cheapest of them took.
        saving = saving.saturating_add(of_path.saturating_sub(once));
    }
    let mut values: Vec<u64> = held()
        .filter_map(|span| Some(span.asked()?.parameters))
        .collect();
    let has_values = asked.statement.template.as_str().contains('?');
    if has_values {
        values.retain(|&value| value != 0);
    }
    let told = values.len();
    values.sort_unstable();
    values.dedup();
    let size = held()
        .filter_map(Held::asked)
        .map(|asked| asked.batch)
        .max();
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(0);
    // A few batches of many rows are chunks; as many spans as rows are no batch.
    if size >= 2 && runs.len() * 2 < size {
        return None;
    }
    let batched = size >= 2 || runs.first().is_some_and(|run| is_in_batch(unit, run.0));
    let source = source(unit, scratch, asked, runs);
    let count = u64::try_from(runs.len()).unwrap_or(u64::MAX);
    Some(StatementLoop {
        statement: Arc::clone(&asked.statement),
        target: asked.scope.target.clone(),
        load: unit.pattern(count, busy, critical, saving),
        same: told == runs.len() && values.len() == 1,
        told: u64::try_from(told).unwrap_or(u64::MAX),
        distinct: u64::try_from(values.len()).unwrap_or(u64::MAX),
        batched: if batched { count } else { 0 },
        parallel: u64::from(overlap(unit, runs)),
        sourced: u64::from(source.is_some()),
        source,
        logged: None,
    })
}

/// Time of the critical path in which runs at once stood in a queue of their own making: for a connection that another of
/// them had.
fn queued(unit: &Unit<'_>, scratch: &Scratch, below_one: &[Anchored]) -> u64 {
    if !overlap(unit, below_one) {
        return 0;
    }
    let spans = || below_one.iter().filter_map(|&(_, _, at)| unit.span(at));
    let begins = spans().map(|span| span.start).min().unwrap_or(0);
    let ends = spans().map(|span| span.end).max().unwrap_or(0);
    let anchor = below_one.first().map(|run| run.0);
    let waits = unit.members().filter(|(at, span)| {
        let is_of_pool = matches!(span.work, Work::Connection { .. });
        let is_beside = unit.parent_of(*at) == anchor;
        is_of_pool && is_beside && begins < span.end && span.end <= ends
    });
    waits.map(|(at, _)| scratch.critical(at)).sum()
}

/// Whether a span above the runs, within the unit, calls itself a batch.
fn is_in_batch(unit: &Unit<'_>, from: u32) -> bool {
    let mut at = Some(from).filter(|&at| at != unit.root);
    for _ in 0..MAX_CLIMB {
        let Some(span) = at.and_then(|at| unit.span(at)) else {
            return false;
        };
        let name = span.name.to_ascii_lowercase();
        if ["batch", "executemany", "bulk"]
            .iter()
            .any(|word| name.contains(word))
        {
            return true;
        }
        at = at
            .and_then(|at| unit.parent_of(at))
            .filter(|&at| at != unit.root);
    }
    false
}

/// Whether some of the runs ran at the same time.
fn overlap(unit: &Unit<'_>, runs: &[Anchored]) -> bool {
    let mut spans: Vec<(u64, u64)> = runs
        .iter()
        .filter_map(|&(_, _, at)| unit.span(at).map(|span| (span.start, span.end)))
        .collect();
    spans.sort_unstable();
    let ends = spans.iter().scan(0, |latest: &mut u64, &(start, end)| {
        let overlaps = start < *latest;
        *latest = end.max(*latest);
        Some(overlaps)
    });
    ends.into_iter().any(|overlaps| overlaps)
}

/// The read that ended last before the loop began: it may have told the rows that the loop runs over.
fn source(
    unit: &Unit<'_>,
    scratch: &Scratch,
    asked: &Asked,
    runs: &[Anchored],
) -> Option<StatementRef> {
    let begins = runs.iter().map(|&(_, start, _)| start).min()?;
    let before = scratch.queries.iter().filter_map(|&(_, _, at)| {
        let span = unit.span(at)?;
        let statement = &span.asked()?.statement;
        let reads = statement.kind() == StatementKind::Select;
        let is_other = statement.fingerprint != asked.statement.fingerprint;
        (reads && is_other && span.end <= begins).then_some((span.end, statement))
    });
    before
        .max_by_key(|&(end, _)| end)
        .map(|(_, statement)| Arc::clone(statement))
}

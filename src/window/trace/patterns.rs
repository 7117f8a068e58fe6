//! What a unit shows beside its loops: whom it waited for, counts beside pages, statements that were cut.

use std::sync::Arc;
use std::time::Duration;

use crate::model::operation::{
    BatchLoad, ConnectionWait, PageCount, PatternLoad, PeerLoad, StatementCut,
};
use crate::model::sql::StatementRef;
use crate::model::subject::Latency;
use crate::window::companions::{is_page, reads};

use super::held::{Asked, Held, Work};
use super::loops;
use super::sums::Sums;
use super::unit::{Scratch, Unit};

/// Parts of a unit's time from which its critical path is worth working out: one in twenty.
const WORTH: u64 = 20;

/// Failed runs that are shorter tell nothing of a limit: they were refused.
const MIN_CUT_NANOS: u64 = 1_000_000;

/// Spans that a span goes up to the one that it is a part of.
const MAX_CLIMB: usize = 8;

/// Pools and peers of one unit.
const MAX_OTHERS: usize = 16;

/// Adds what a unit shows to the sums of its operation.
pub(super) fn find(unit: &Unit<'_>, root: &Held, scratch: &mut Scratch, sums: &mut Sums) {
    scratch.queries.clear();
    scratch.cuts.clear();
    let (mut asked_others, mut has_counts, mut has_batches) = (0_u64, false, false);
    for (at, span) in unit.members() {
        match &span.work {
            Work::Query(asked) => {
                sums.note_statement(span.elapsed());
                let fingerprint = asked.statement.fingerprint.0;
                if asked.ok {
                    scratch.queries.push((fingerprint, span.start, at));
                    has_counts |= counts(asked);
                    has_batches |= asked.batch >= 2;
                } else if span.elapsed() >= MIN_CUT_NANOS && !asked.cancelled {
                    scratch.cuts.push((fingerprint, at));
                }
            }
            Work::Connection { .. } | Work::Peer { .. } => {
                asked_others = asked_others.saturating_add(span.elapsed());
            }
            Work::Entry { .. } | Work::Internal => {}
        }
    }
    scratch.queries.sort_unstable();
    let loops = loops::any(&scratch.queries);
    let waited = asked_others > 0 && asked_others >= root.elapsed() / WORTH;
    if loops || waited || has_counts || has_batches {
        scratch.walk(unit);
    }
    if loops {
        loops::find(unit, scratch, sums);
    }
    if asked_others > 0 {
        find_others(unit, waited.then_some(&*scratch), sums);
    }
    if has_counts {
        find_counts(unit, scratch, sums);
    }
    if has_batches {
        find_batches(unit, scratch, sums);
    }
    if !scratch.cuts.is_empty() {
        find_cuts(unit, scratch, sums);
    }
}

fn counts(asked: &Asked) -> bool {
    asked.statement.shape().is_some_and(|shape| shape.counts)
}

/// Runs of one kind in one unit.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    runs: u64,
    failed: u64,
    busy: u64,
    critical: u64,
}

impl Tally {
    /// Adds a span; one that is inside another of the kind is a part of it.
    fn add(&mut self, span: &Held, is_inside: bool, critical: u64) {
        let counts = u64::from(!is_inside);
        self.runs += counts;
        self.failed += counts * u64::from(span.failed);
        self.busy = self.busy.saturating_add(counts * span.elapsed());
        self.critical = self.critical.saturating_add(critical);
    }

    fn load(self, unit: &Unit<'_>, saving: u64) -> PatternLoad {
        unit.pattern(self.runs, self.busy, self.critical, saving)
    }
}

/// Whom the unit waited for: pools and peers. Without a critical path they are counted all the same.
fn find_others(unit: &Unit<'_>, scratch: Option<&Scratch>, sums: &mut Sums) {
    let mut others: Vec<(&Work, Tally)> = Vec::new();
    for (at, span) in unit.members() {
        if !matches!(span.work, Work::Connection { .. } | Work::Peer { .. }) {
            continue;
        }
        let known = others
            .iter()
            .position(|(work, _)| is_same(work, &span.work));
        let critical = scratch.map_or(0, |scratch| scratch.critical(at));
        if known.is_none() && others.len() < MAX_OTHERS {
            others.push((&span.work, Tally::default()));
        }
        let place = known.unwrap_or(others.len() - 1);
        if let Some((work, tally)) = others.get_mut(place)
            && is_same(work, &span.work)
        {
            tally.add(span, is_inside(unit, at), critical);
        }
    }
    for (work, tally) in others {
        match work {
            Work::Connection { pool } => sums.add_wait(ConnectionWait {
                pool: Arc::clone(pool),
                load: tally.load(unit, tally.critical),
                holder: None,
            }),
            Work::Peer { name, system } => sums.add_peer(PeerLoad {
                name: Arc::clone(name),
                system: Arc::clone(system),
                load: tally.load(unit, 0),
                failed: tally.failed,
                before: None,
            }),
            _ => {}
        }
    }
}

fn is_same(a: &Work, b: &Work) -> bool {
    match (a, b) {
        (Work::Connection { pool: a }, Work::Connection { pool: b }) => a == b,
        (Work::Peer { name: a, system: x }, Work::Peer { name: b, system: y }) => a == b && x == y,
        _ => false,
    }
}

/// Whether a span is part of another that asks the same kind: a pool that opens a connection, a client of a client.
fn is_inside(unit: &Unit<'_>, at: u32) -> bool {
    let kind = |span: &Held| std::mem::discriminant(&span.work);
    let own = unit.span(at).map(kind);
    let mut above = unit.parent_of(at);
    for _ in 0..MAX_CLIMB {
        let Some(span) = above.and_then(|at| unit.span(at)) else {
            return false;
        };
        if Some(kind(span)) == own {
            return true;
        }
        above = above.and_then(|at| unit.parent_of(at));
    }
    false
}

/// Counts of all rows, and a page of the same rows in the same unit.
fn find_counts(unit: &Unit<'_>, scratch: &Scratch, sums: &mut Sums) {
    let alike = scratch.queries.chunk_by(|a, b| a.0 == b.0);
    let runs = |group: &[(u64, u64, u32)]| {
        let mut tally = Tally::default();
        for &(_, _, at) in group {
            if let Some(span) = unit.span(at) {
                tally.add(span, false, scratch.critical(at));
            }
        }
        tally
    };
    let statement = |group: &[(u64, u64, u32)]| {
        let &(_, _, at) = group.first()?;
        unit.span(at)?.asked()
    };
    let (mut pages, mut totals) = (Vec::<(u64, Tally, &StatementRef)>::new(), Vec::new());
    for group in alike {
        let Some(asked) = statement(group) else {
            continue;
        };
        let Some(shape) = asked.statement.shape() else {
            continue;
        };
        if is_page(shape) {
            pages.push((reads(shape), runs(group), &asked.statement));
        } else if shape.counts {
            totals.push((reads(shape), runs(group), asked));
        }
    }
    for (key, tally, asked) in totals {
        let Some((_, beside, page)) = pages.iter().find(|(page, ..)| *page == key) else {
            continue;
        };
        sums.add_count(PageCount {
            count: Arc::clone(&asked.statement),
            target: asked.scope.target.clone(),
            page: Arc::clone(page),
            load: tally.load(unit, tally.critical),
            page_busy: Duration::from_nanos(beside.busy),
        });
    }
}

/// Batches that are one span each.
fn find_batches(unit: &Unit<'_>, scratch: &Scratch, sums: &mut Sums) {
    for group in scratch.queries.chunk_by(|a, b| a.0 == b.0) {
        let (mut tally, mut statements, mut batch) = (Tally::default(), 0_u64, None);
        for &(_, _, at) in group {
            let Some((span, asked)) = unit.span(at).and_then(|s| Some((s, s.asked()?))) else {
                continue;
            };
            if asked.batch >= 2 {
                tally.add(span, false, scratch.critical(at));
                statements += u64::from(asked.batch);
                batch = Some(asked);
            }
        }
        if let Some(asked) = batch {
            sums.add_batch(BatchLoad {
                statement: Arc::clone(&asked.statement),
                target: asked.scope.target.clone(),
                load: tally.load(unit, 0),
                statements,
                logged: None,
            });
        }
    }
}

/// Runs that failed after a time, by statement.
fn find_cuts(unit: &Unit<'_>, scratch: &mut Scratch, sums: &mut Sums) {
    scratch.cuts.sort_unstable();
    for group in scratch.cuts.chunk_by(|a, b| a.0 == b.0) {
        let spans = || group.iter().filter_map(|&(_, at)| unit.span(at));
        let Some(asked) = spans().find_map(Held::asked) else {
            continue;
        };
        let mut tally = Tally::default();
        spans().for_each(|span| tally.add(span, false, 0));
        let cut = StatementCut {
            statement: Arc::clone(&asked.statement),
            target: asked.scope.target.clone(),
            failed: Latency::default(),
            load: tally.load(unit, 0),
        };
        sums.add_cut(cut, spans().map(Held::elapsed));
    }
}

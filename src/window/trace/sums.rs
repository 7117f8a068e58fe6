//! What the requests of one operation showed in one window, or in several.

use std::sync::Arc;
use std::time::Duration;

use crate::model::id::FingerprintId;
use crate::model::operation::{
    BatchLoad, ConnectionWait, DroppedPredicate, OperationLoad, PageCount, PatternLoad, PeerLoad,
    Role, StatementCut, StatementLoop, Submissions, keep_slowest,
};
use crate::window::query::latency;
use crate::window::sketch::Sketch;

/// Patterns of one kind that are kept of an operation, those that cost most.
const MAX_PATTERNS: usize = 16;

/// Sums of one operation.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) role: Role,
    pub(super) language: Arc<str>,
    failed: u64,
    elapsed: Sketch,
    database: Duration,
    statements: u64,
    left_out: u64,
    pub(super) loops: Vec<StatementLoop>,
    pub(super) batches: Vec<BatchLoad>,
    pub(super) waits: Vec<ConnectionWait>,
    pub(super) peers: Vec<PeerLoad>,
    pub(super) counts: Vec<PageCount>,
    pub(super) cuts: Vec<(StatementCut, Sketch)>,
    pub(super) dropped: Vec<DroppedPredicate>,
    pub(super) submissions: Submissions,
}

impl Sums {
    pub(super) fn new(role: Role, language: &Arc<str>) -> Self {
        Self {
            role,
            language: Arc::clone(language),
            failed: 0,
            elapsed: Sketch::default(),
            database: Duration::ZERO,
            statements: 0,
            left_out: 0,
            loops: Vec::new(),
            batches: Vec::new(),
            waits: Vec::new(),
            peers: Vec::new(),
            counts: Vec::new(),
            cuts: Vec::new(),
            dropped: Vec::new(),
            submissions: Submissions::default(),
        }
    }

    /// Counts a request.
    pub(super) fn note(&mut self, nanos: u64, failed: bool, left_out: u64) {
        self.elapsed.record(nanos, 1);
        self.failed += u64::from(failed);
        self.left_out = self.left_out.saturating_add(left_out);
    }

    /// How long its requests took.
    pub(super) fn elapsed(&self) -> &Sketch {
        &self.elapsed
    }

    /// Counts a statement of a request.
    pub(super) fn note_statement(&mut self, nanos: u64) {
        self.statements += 1;
        self.database = self.database.saturating_add(Duration::from_nanos(nanos));
    }

    /// Whether the trace is one of those that are kept as examples.
    pub(super) fn shows(&self, trace: u128) -> bool {
        let loops = self.loops.iter().map(|l| &l.load);
        let waits = self.waits.iter().map(|w| &w.load);
        let peers = self.peers.iter().map(|p| &p.load);
        let counts = self.counts.iter().map(|c| &c.load);
        let cuts = self.cuts.iter().map(|(cut, _)| &cut.load);
        let dropped = self.dropped.iter().map(|d| &d.load);
        let loads = loops.chain(waits).chain(peers).chain(counts);
        let examples = loads.chain(cuts).chain(dropped).flat_map(|l| &l.exemplars);
        let mut examples = examples.chain(&self.submissions.exemplars);
        examples.any(|example| example.trace == trace)
    }

    pub(super) fn load(&self) -> OperationLoad {
        OperationLoad {
            requests: self.elapsed.count(),
            failed: self.failed,
            elapsed: latency(&self.elapsed),
            database: self.database,
            statements: self.statements,
            left_out: self.left_out,
        }
    }

    pub(super) fn add_loop(&mut self, new: StatementLoop) {
        let key = |l: &StatementLoop| (l.statement.fingerprint, l.same);
        let known = self.loops.iter_mut().find(|l| key(l) == key(&new));
        let Some(known) = known else {
            return keep(&mut self.loops, new, |l| &l.load);
        };
        known.load.merge(&new.load);
        known.told += new.told;
        known.distinct += new.distinct;
        known.batched += new.batched;
        known.parallel += new.parallel;
        // What ran before is evidence only while it is always the same.
        let is_same = fingerprint(known.source.as_ref()) == fingerprint(new.source.as_ref());
        if known.source.is_none() || is_same {
            known.sourced += new.sourced;
            known.source = known.source.take().or(new.source);
        }
    }

    pub(super) fn add_batch(&mut self, new: BatchLoad) {
        let id = new.statement.fingerprint;
        match self
            .batches
            .iter_mut()
            .find(|b| b.statement.fingerprint == id)
        {
            Some(known) => {
                known.load.merge(&new.load);
                known.statements = known.statements.saturating_add(new.statements);
            }
            None => keep(&mut self.batches, new, |b| &b.load),
        }
    }

    pub(super) fn add_wait(&mut self, new: ConnectionWait) {
        match self.waits.iter_mut().find(|w| w.pool == new.pool) {
            Some(known) => known.load.merge(&new.load),
            None => keep(&mut self.waits, new, |w| &w.load),
        }
    }

    pub(super) fn add_peer(&mut self, new: PeerLoad) {
        let is_same = |p: &&mut PeerLoad| p.name == new.name && p.system == new.system;
        match self.peers.iter_mut().find(is_same) {
            Some(known) => {
                known.load.merge(&new.load);
                known.failed += new.failed;
            }
            None => keep(&mut self.peers, new, |p| &p.load),
        }
    }

    pub(super) fn add_count(&mut self, new: PageCount) {
        let id = new.count.fingerprint;
        match self.counts.iter_mut().find(|c| c.count.fingerprint == id) {
            Some(known) => {
                known.load.merge(&new.load);
                known.page_busy = known.page_busy.saturating_add(new.page_busy);
            }
            None => keep(&mut self.counts, new, |c| &c.load),
        }
    }

    pub(super) fn add_cut(&mut self, new: StatementCut, failed: impl Iterator<Item = u64>) {
        let mut sketch = Sketch::default();
        failed.for_each(|nanos| sketch.record(nanos, 1));
        self.merge_cut(new, sketch);
    }

    fn merge_cut(&mut self, new: StatementCut, sketch: Sketch) {
        let id = new.statement.fingerprint;
        let known = self.cuts.iter_mut();
        match known
            .into_iter()
            .find(|(c, _)| c.statement.fingerprint == id)
        {
            Some((known, failed)) => {
                known.load.merge(&new.load);
                failed.merge(&sketch);
            }
            None => keep(&mut self.cuts, (new, sketch), |(c, _)| &c.load),
        }
    }

    pub(super) fn add_dropped(&mut self, new: DroppedPredicate) {
        let id = new.now.fingerprint;
        match self.dropped.iter_mut().find(|d| d.now.fingerprint == id) {
            Some(known) => {
                known.load.merge(&new.load);
                known.usual = new.usual;
            }
            None => keep(&mut self.dropped, new, |d| &d.load),
        }
    }

    pub(super) fn add_submissions(&mut self, new: &Submissions) {
        let known = &mut self.submissions;
        known.told += new.told;
        known.repeated += new.repeated;
        known.same_values += new.same_values;
        known.by_address += new.by_address;
        known.callers += new.callers;
        known.most = known.most.max(new.most);
        known.elapsed = known.elapsed.saturating_add(new.elapsed);
        known.gap = match (known.gap, new.gap) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        if known.statement.is_none() {
            known.statement.clone_from(&new.statement);
            known.target = new.target.clone();
        }
        keep_slowest(&mut known.exemplars, &new.exemplars);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.failed += other.failed;
        self.elapsed.merge(&other.elapsed);
        self.database = self.database.saturating_add(other.database);
        self.statements += other.statements;
        self.left_out = self.left_out.saturating_add(other.left_out);
        other.loops.iter().cloned().for_each(|l| self.add_loop(l));
        other
            .batches
            .iter()
            .cloned()
            .for_each(|b| self.add_batch(b));
        other.waits.iter().cloned().for_each(|w| self.add_wait(w));
        other.peers.iter().cloned().for_each(|p| self.add_peer(p));
        other.counts.iter().cloned().for_each(|c| self.add_count(c));
        for (cut, sketch) in other.cuts.iter().cloned() {
            self.merge_cut(cut, sketch);
        }
        let dropped = other.dropped.iter().cloned();
        dropped.for_each(|d| self.add_dropped(d));
        self.add_submissions(&other.submissions);
    }
}

fn fingerprint(statement: Option<&crate::model::sql::StatementRef>) -> Option<FingerprintId> {
    statement.map(|statement| statement.fingerprint)
}

/// Adds a pattern; when there are enough, in the place of the cheapest.
fn keep<P>(kept: &mut Vec<P>, new: P, load: impl Fn(&P) -> &PatternLoad) {
    if kept.len() < MAX_PATTERNS {
        return kept.push(new);
    }
    let cost = |pattern: &P| (load(pattern).critical, load(pattern).busy);
    let cheapest = kept.iter_mut().min_by_key(|pattern| cost(pattern));
    if let Some(cheapest) = cheapest.filter(|cheapest| cost(cheapest) < cost(&new)) {
        *cheapest = new;
    }
}

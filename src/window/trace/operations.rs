//! The operations of a source: sums by window, the last minute, and the hour before.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::model::id::ServiceName;
use crate::model::operation::{OperationProfile, StatementCut};
use crate::model::subject::Horizon;
use crate::model::time::{Interval, Timestamp};
use crate::window::query::latency;

use super::book::Book;
use super::patterns;
use super::ran::Ran;
use super::sums::Sums;
use super::unit::{Scratch, Unit, role};
use super::whole::Operation;

/// What is remembered of the time before the last minute, in steps.
const REMEMBERED: Duration = Duration::from_secs(3_600);
const STEP: Duration = Duration::from_secs(300);

/// Sums of the windows that have not closed yet are kept by second.
const SECOND: Duration = Duration::from_secs(1);

/// Name of the operations for which there was no room.
const OTHERS: &str = "(other operations)";

/// What sums are kept for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) service: ServiceName,
    pub(super) operation: Arc<str>,
}

type Table = BTreeMap<Key, Box<Sums>>;

/// Sums of all operations of one source.
#[derive(Debug)]
pub(in crate::window) struct Operations {
    capacity: usize,
    open: BTreeMap<Timestamp, Table>,
    recent: VecDeque<(Interval, Table)>,
    earlier: VecDeque<(Timestamp, Table)>,
    book: Book,
    /// Of a recording.
    ran: Option<Ran>,
}

impl Operations {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            open: BTreeMap::new(),
            recent: VecDeque::new(),
            earlier: VecDeque::new(),
            book: Book::new(capacity),
            ran: None,
        }
    }

    /// Keeps apart all that an operation runs, from now on.
    pub(super) fn tell_statements(&mut self) {
        self.ran = Some(Ran::default());
    }

    /// Adds a unit of a trace that came to its end at `at`, and says whether it is an example of a pattern.
    pub(super) fn add(&mut self, unit: &Unit<'_>, scratch: &mut Scratch, at: Timestamp) -> bool {
        let Some(root) = unit.operation() else {
            return false;
        };
        let mut key = Key {
            service: root.maker.service.clone(),
            operation: Arc::clone(&root.name),
        };
        let table = self.open.entry(at.floor(SECOND)).or_default();
        if table.len() >= self.capacity && !table.contains_key(&key) {
            key.operation = Arc::from(OTHERS);
        }
        let sums = table
            .entry(key.clone())
            .or_insert_with(|| Box::new(Sums::new(role(root), &root.maker.language)));
        sums.note(root.elapsed(), root.failed, unit.left_out);
        patterns::find(unit, root, scratch, sums);
        if let Some(ran) = &mut self.ran {
            ran.note(&key, unit, scratch);
        }
        self.book.note(key, unit, scratch, sums);
        sums.shows(unit.trace)
    }

    /// Closes a window: profiles of the last minute, of what came to its end in the window.
    pub(in crate::window) fn close(
        &mut self,
        window: Interval,
        recent: Interval,
    ) -> Vec<OperationProfile> {
        self.age(window.to, recent.from);
        let later = self.open.split_off(&window.to);
        let mut closing = Table::new();
        for table in std::mem::replace(&mut self.open, later).into_values() {
            merge(&mut closing, table);
        }
        let keys: Vec<Key> = closing.keys().cloned().collect();
        if !closing.is_empty() {
            self.recent.push_back((window, closing));
        }
        let tables: Vec<&Table> = self.recent.iter().map(|(_, table)| table).collect();
        let profile = |key| self.profile(key, &tables, recent, Horizon::Recent);
        keys.iter().filter_map(profile).collect()
    }

    /// Profiles of the last hour, for advice.
    pub(in crate::window) fn long(&self, span: Interval) -> Vec<OperationProfile> {
        let earlier = self.earlier.iter().map(|(_, table)| table);
        let recent = self.recent.iter().map(|(_, table)| table);
        let tables: Vec<&Table> = earlier.chain(recent).collect();
        let mut keys: Vec<Key> = tables.iter().flat_map(|t| t.keys()).cloned().collect();
        keys.sort();
        keys.dedup();
        keys.truncate(self.capacity);
        let profile = |key| self.profile(key, &tables, span, Horizon::Long);
        keys.iter().filter_map(profile).collect()
    }

    /// All of a recording, by service and name.
    pub(super) fn whole(&mut self, span: Interval) -> Vec<Operation> {
        let mut all = Table::new();
        for table in std::mem::take(&mut self.open).into_values() {
            merge(&mut all, table);
        }
        let profiles = all.keys();
        let profiles = profiles.filter_map(|k| self.profile(k, &[&all], span, Horizon::Whole));
        let profiles: Vec<_> = profiles.collect();
        let mut ran = self.ran.take().unwrap_or_default();
        let of = |profile: OperationProfile| {
            let key = Key::from(&profile);
            let sums = all.get(&key);
            Operation {
                statements: ran.take(&key),
                elapsed: sums.map(|sums| sums.elapsed().clone()).unwrap_or_default(),
                profile,
            }
        };
        profiles.into_iter().map(of).collect()
    }

    fn profile(
        &self,
        key: &Key,
        tables: &[&Table],
        span: Interval,
        horizon: Horizon,
    ) -> Option<OperationProfile> {
        let mut parts = tables.iter().filter_map(|table| table.get(key));
        let mut sums = parts.next()?.clone();
        parts.for_each(|part| sums.merge(part));
        let load = sums.load();
        let mut profile = OperationProfile {
            service: key.service.clone(),
            operation: Arc::clone(&key.operation),
            role: sums.role,
            language: sums.language,
            span,
            horizon,
            load,
            loops: sums.loops,
            batches: sums.batches,
            waits: sums.waits,
            peers: sums.peers,
            counts: sums.counts,
            cuts: sums
                .cuts
                .into_iter()
                .map(|(cut, failed)| StatementCut {
                    failed: latency(&failed),
                    ..cut
                })
                .collect(),
            dropped: sums.dropped,
            submissions: sums.submissions,
        };
        profile
            .loops
            .sort_by_key(|l| std::cmp::Reverse(l.load.critical));
        profile
            .peers
            .sort_by_key(|p| std::cmp::Reverse(p.load.critical));
        if horizon == Horizon::Recent {
            self.compare_peers(key, &mut profile);
        }
        Some(profile)
    }

    /// What its peers took before.
    fn compare_peers(&self, key: &Key, profile: &mut OperationProfile) {
        for peer in &mut profile.peers {
            let earlier = self.earlier.iter().filter_map(|(_, table)| table.get(key));
            let same = earlier
                .flat_map(|sums| &sums.peers)
                .filter(|p| p.name == peer.name && p.system == peer.system);
            let (runs, busy) = same.fold((0_u64, Duration::ZERO), |(runs, busy), p| {
                (runs + p.load.runs, busy.saturating_add(p.load.busy))
            });
            let runs = u32::try_from(runs).unwrap_or(u32::MAX);
            peer.before = busy.checked_div(runs);
        }
    }

    /// Moves what is no longer recent to the time before, and forgets what is too old.
    fn age(&mut self, now: Timestamp, recent_from: Timestamp) {
        let is_old = |(span, _): &(Interval, Table)| span.from < recent_from;
        while self.recent.front().is_some_and(is_old) {
            let Some((span, table)) = self.recent.pop_front() else {
                break;
            };
            let step = span.from.floor(STEP);
            match self.earlier.back_mut().filter(|(from, _)| *from == step) {
                Some((_, known)) => merge(known, table),
                None => self.earlier.push_back((step, table)),
            }
            if let Some((_, last)) = self.earlier.back_mut() {
                while last.len() > self.capacity {
                    last.pop_last();
                }
            }
        }
        let oldest = now.minus(REMEMBERED);
        while self.earlier.front().is_some_and(|(from, _)| *from < oldest) {
            self.earlier.pop_front();
        }
    }
}

fn merge(into: &mut Table, table: Table) {
    for (key, sums) in table {
        match into.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(sums);
            }
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().merge(&sums),
        }
    }
}

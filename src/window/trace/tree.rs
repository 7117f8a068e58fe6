//! How the spans of a trace hang together: parents by index, and the units of work that they belong to.
//!
//! A unit is what one process was asked to do: an entry span, or the root of what nobody asked for, and all below it
//! down to the next entries. Times are compared within a unit only, hence clocks that differ by hours do no harm, and
//! what another process did counts by the time that the asking span took.
//!
//! Parents may be missing, come twice or go in circles: what hangs on nothing belongs to the only request of its
//! service that was under way, or to no unit.

use super::held::{Held, Work};

/// Stands for no span.
pub(super) const NONE: u32 = u32::MAX;

/// Requests that an orphan is held against: one of several is a guess, and hostile traces have thousands.
const MAX_HOSTS: usize = 16;

/// Buffers that are used again for every trace.
#[derive(Debug, Default)]
pub(super) struct Tree {
    ids: Vec<(u64, u32)>,
    /// Index of the parent within the same unit; [`NONE`] for the first of a unit.
    pub(super) parent: Vec<u32>,
    /// Index of the first span of the unit; [`NONE`] for what belongs to none.
    unit: Vec<u32>,
    /// Spans, those of a unit together; the first of each unit is not in front.
    members: Vec<u32>,
    orphans: Vec<u32>,
    trail: Vec<u32>,
}

impl Tree {
    /// Hangs the spans together.
    pub(super) fn hang(&mut self, spans: &[Held]) {
        self.index(spans);
        self.find_parents(spans);
        self.adopt(spans);
        self.find_units();
        let unit = &self.unit;
        let of = |at: u32| unit.get(at as usize).copied().unwrap_or(NONE);
        self.members.clear();
        self.members
            .extend((0..index(spans.len())).filter(|&at| of(at) != NONE));
        self.members.sort_by_key(|&at| of(at));
    }

    /// Whether every parent is there, but those of entries, which may be in a process that nobody watches.
    pub(super) fn is_complete(&mut self, spans: &[Held]) -> bool {
        self.index(spans);
        spans
            .iter()
            .all(|span| span.parent == 0 || is_entry(span) || self.find(span.parent).is_some())
    }

    /// The units: the first span of each, and all its spans.
    pub(super) fn units(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let of = |at: u32| self.unit.get(at as usize).copied().unwrap_or(NONE);
        let units = self.members.chunk_by(move |&a, &b| of(a) == of(b));
        units.filter_map(move |members| Some((of(*members.first()?), members)))
    }

    fn index(&mut self, spans: &[Held]) {
        self.ids.clear();
        let ids = spans.iter().zip(0..);
        self.ids.extend(ids.map(|(span, at)| (span.id, at)));
        self.ids.sort_unstable();
    }

    fn find(&self, id: u64) -> Option<u32> {
        let at = self.ids.partition_point(|&(known, _)| known < id);
        self.ids
            .get(at)
            .filter(|&&(known, _)| known == id)
            .map(|&(_, index)| index)
    }

    fn find_parents(&mut self, spans: &[Held]) {
        let mut parents = std::mem::take(&mut self.parent);
        parents.clear();
        self.orphans.clear();
        for (at, span) in spans.iter().enumerate() {
            let is_root = span.parent == 0 || is_entry(span);
            let parent = if is_root {
                None
            } else {
                self.find(span.parent)
            };
            if parent.is_none() && !is_root {
                self.orphans.push(index(at));
            }
            let is_own = |&parent: &u32| {
                spans
                    .get(parent as usize)
                    .is_some_and(|parent| parent.maker.service == span.maker.service)
            };
            parents.push(parent.filter(is_own).unwrap_or(NONE));
        }
        self.parent = parents;
    }

    /// Hangs what has lost its parent below the only request of its service that was under way.
    fn adopt(&mut self, spans: &[Held]) {
        if self.orphans.is_empty() {
            return;
        }
        let hosts: Vec<(u32, &Held)> = (0..)
            .zip(spans)
            .filter(|(_, span)| is_entry(span))
            .take(MAX_HOSTS + 1)
            .collect();
        if hosts.len() > MAX_HOSTS {
            return;
        }
        for &orphan in &self.orphans {
            let Some(span) = spans.get(orphan as usize) else {
                continue;
            };
            let mut fit = hosts.iter().filter(|(_, host)| {
                host.maker.service == span.maker.service
                    && host.start <= span.start
                    && span.end <= host.end
            });
            if let (Some((host, _)), None) = (fit.next(), fit.next())
                && let Some(parent) = self.parent.get_mut(orphan as usize)
            {
                *parent = *host;
            }
        }
    }

    /// Follows every span up to the first of its unit; a circle has none.
    fn find_units(&mut self) {
        const UNDER_WAY: u32 = NONE - 1;
        const UNKNOWN: u32 = NONE - 2;
        self.unit.clear();
        self.unit.resize(self.parent.len(), UNKNOWN);
        for start in 0..index(self.parent.len()) {
            self.trail.clear();
            let mut at = start;
            let unit = loop {
                let Some(known) = self.unit.get_mut(at as usize) else {
                    break NONE;
                };
                match *known {
                    UNKNOWN => *known = UNDER_WAY,
                    UNDER_WAY => break NONE,
                    unit => break unit,
                }
                self.trail.push(at);
                match self.parent.get(at as usize) {
                    Some(&NONE) | None => break at,
                    Some(&parent) => at = parent,
                }
            };
            for &at in &self.trail {
                if let Some(slot) = self.unit.get_mut(at as usize) {
                    *slot = unit;
                }
            }
        }
    }
}

/// Whether it begins what a process was asked for from outside.
pub(super) fn is_entry(span: &Held) -> bool {
    matches!(span.work, Work::Entry { .. }) || span.kind.is_entry()
}

pub(super) fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

//! One unit of work of a trace: a request or a job within one process, and how much of it each span explains.

use std::time::Duration;

use crate::model::operation::{PatternLoad, Role, TraceExemplar};
use crate::model::span::SpanKind;
use crate::model::time::Timestamp;

use super::critical::{self, Stretch};
use super::held::{Held, Work};
use super::tree::{NONE, index, is_entry};

/// Methods of HTTP: `GET /orders/{id}` is a request, whatever the kind of its span says.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// A unit of a trace that has come to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<'a> {
    pub(super) trace: u128,
    pub(super) spans: &'a [Held],
    pub(super) parent: &'a [u32],
    /// Index of its first span.
    pub(super) root: u32,
    /// Indices of all its spans.
    pub(super) members: &'a [u32],
    /// Spans of the trace that are not kept.
    pub(super) left_out: u64,
}

/// Buffers that are used again for every unit.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Runs that went well: fingerprint, start, index.
    pub(super) queries: Vec<(u64, u64, u32)>,
    /// Runs that failed after a while: fingerprint, index.
    pub(super) cuts: Vec<(u64, u32)>,
    /// Position of a span among the unit's members.
    local: Vec<u32>,
    stretches: Vec<Stretch>,
    /// Of each member, its part of the critical path.
    own: Vec<u64>,
}

impl<'a> Unit<'a> {
    pub(super) fn span(&self, at: u32) -> Option<&'a Held> {
        self.spans.get(at as usize)
    }

    /// Its first span, if that is somebody's work and not a lone query.
    pub(super) fn operation(&self) -> Option<&'a Held> {
        let root = self.span(self.root)?;
        let is_work = root.parent == 0 && matches!(root.work, Work::Internal);
        (is_entry(root) || is_work).then_some(root)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (u32, &'a Held)> + use<'a> {
        let spans = self.spans;
        let held = move |&at: &u32| spans.get(at as usize).map(|span| (at, span));
        self.members.iter().filter_map(held)
    }

    /// The span that a span of it is below, within the unit.
    pub(super) fn parent_of(&self, at: u32) -> Option<u32> {
        self.parent
            .get(at as usize)
            .copied()
            .filter(|&parent| parent != NONE)
    }

    /// What somebody did who showed a pattern in this unit alone.
    pub(super) fn pattern(&self, runs: u64, busy: u64, critical: u64, saving: u64) -> PatternLoad {
        let nanos = Duration::from_nanos;
        let elapsed = nanos(self.span(self.root).map_or(0, Held::elapsed));
        PatternLoad {
            requests: 1,
            elapsed,
            runs,
            most: runs,
            busy: nanos(busy),
            critical: nanos(critical),
            saving: nanos(saving),
            exemplars: vec![self.exemplar(runs)],
        }
    }

    pub(super) fn exemplar(&self, runs: u64) -> TraceExemplar {
        let root = self.span(self.root);
        TraceExemplar {
            trace: self.trace,
            at: root.map_or(Timestamp::EPOCH, Held::ended),
            elapsed: Duration::from_nanos(root.map_or(0, Held::elapsed)),
            runs,
        }
    }
}

/// Whether somebody waits for what a span began.
pub(super) fn role(root: &Held) -> Role {
    let method = root.name.split_once(' ').map(|(method, _)| method);
    let is_http = method.is_some_and(|method| METHODS.contains(&method));
    let is_asked = is_entry(root) && root.kind != SpanKind::Consumer;
    if is_asked || is_http {
        Role::Request
    } else {
        Role::Job
    }
}

impl Scratch {
    /// Works out how much of the waiting each span of the unit explains.
    pub(super) fn walk(&mut self, unit: &Unit<'_>) {
        if self.local.len() < unit.spans.len() {
            self.local.resize(unit.spans.len(), NONE);
        }
        for (position, &at) in unit.members.iter().enumerate() {
            if let Some(slot) = self.local.get_mut(at as usize) {
                *slot = index(position);
            }
        }
        self.stretches.clear();
        for (at, span) in unit.members() {
            let parent = unit.parent_of(at);
            let parent = parent.and_then(|parent| self.local.get(parent as usize).copied());
            self.stretches.push(Stretch {
                start: span.start,
                end: span.end,
                parent: if at == unit.root { None } else { parent },
            });
        }
        self.own = critical::path(&self.stretches);
    }

    /// Nanoseconds of the critical path that a span of the unit explains by itself; after [`Scratch::walk`].
    pub(super) fn critical(&self, at: u32) -> u64 {
        let position = self.local.get(at as usize);
        position
            .and_then(|&position| self.own.get(position as usize))
            .copied()
            .unwrap_or(0)
    }
}

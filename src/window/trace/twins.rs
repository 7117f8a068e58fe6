//! Runs that two instrumentations tell of, as an ORM and the driver below it do: which two spans are one run.
//!
//! ```text
//! driver   d1 d2 d3 d4 …     exporters send the spans of one scope after those of another,
//! ORM      o1 o2 o3 …        each in the order of their ends
//!             ▲ front        what ended before o3 began is the twin of nothing that comes after it
//! ```

use std::sync::Arc;

use crate::model::span::SpanMaker;

use super::held::Held;

/// Runs that are looked at from the front on, and back from the last one: only what runs at the same time lies between
/// two twins, and what only one of the two instrumentations tells.
const NEAR: usize = 32;

/// Services of one trace whose twins are looked for.
const MAX_SERVICES: usize = 16;

/// The runs of a trace, by service: clocks are compared within one.
#[derive(Debug, Default)]
pub(super) struct Twins(Vec<Runs>);

#[derive(Debug)]
struct Runs {
    /// Of the first run.
    maker: Arc<SpanMaker>,
    /// Two instrumentations told of runs.
    is_mixed: bool,
    /// Indices of the spans, in the order in which they came.
    at: Vec<u32>,
    front: usize,
}

impl Twins {
    /// Index of the span that tells of the same run, if one has come.
    pub(super) fn find(&mut self, spans: &[Held], new: &Held) -> Option<usize> {
        let runs = self.0.iter_mut().find(|runs| runs.is_of(new))?;
        if !runs.is_mixed && !runs.is_other_scope(new) {
            return None;
        }
        let held = |at: &u32| spans.get(*at as usize);
        let is_over = |at: &u32| held(at).is_some_and(|span| span.end < new.start);
        while runs.at.get(runs.front).is_some_and(is_over) {
            runs.front += 1;
        }
        let ahead = runs.at.iter().skip(runs.front).take(NEAR);
        let mut near = ahead.chain(runs.at.iter().rev().take(NEAR));
        let twin = near.find(|at| held(at).is_some_and(|span| span.is_same_run(new)))?;
        usize::try_from(*twin).ok()
    }

    /// Takes note of a run that was kept, and says how many bytes that takes.
    pub(super) fn note(&mut self, run: &Held, at: u32) -> usize {
        if let Some(runs) = self.0.iter_mut().find(|runs| runs.is_of(run)) {
            runs.is_mixed |= runs.is_other_scope(run);
            runs.at.push(at);
            return size_of::<u32>();
        }
        if self.0.len() >= MAX_SERVICES {
            return 0;
        }
        self.0.push(Runs {
            maker: Arc::clone(&run.maker),
            is_mixed: false,
            at: vec![at],
            front: 0,
        });
        size_of::<Runs>()
    }
}

impl Runs {
    fn is_of(&self, span: &Held) -> bool {
        Arc::ptr_eq(&self.maker, &span.maker) || self.maker.service == span.maker.service
    }

    fn is_other_scope(&self, span: &Held) -> bool {
        !Arc::ptr_eq(&self.maker, &span.maker) && self.maker.scope != span.maker.scope
    }
}

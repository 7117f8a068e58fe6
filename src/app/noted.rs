//! What is found in traces is noted in them: in the store, for those who look here, and at the backend, for those who
//! look there.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::detect::Judged;
use crate::forward::{Forward, note};
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Slug, Verdict};
use crate::model::id::FingerprintId;
use crate::model::trace::{Trace, TraceNote};
use crate::report::{Lang, Style, sentence};
use crate::store::{Change, StoreHandle};
use crate::window::trace::Shelf;

/// Notes that are remembered, so that a problem that goes on is noted in a trace once.
const MAX_TOLD: usize = 10_000;

/// What was noted where.
type Told = (u128, Slug, Option<FingerprintId>);

/// Notes findings in the traces that show them.
#[derive(Debug)]
pub(super) struct Noted {
    shelf: Shelf,
    style: Style,
    store: StoreHandle,
    forward: Option<Forward>,
    told: BTreeSet<Told>,
    order: VecDeque<Told>,
}

impl Noted {
    /// Notes are in English, as the names of spans are.
    pub(super) fn new(
        shelf: Shelf,
        style: &Style,
        store: StoreHandle,
        forward: Option<Forward>,
    ) -> Self {
        Self {
            shelf,
            style: Style {
                lang: Lang::En,
                ..style.clone()
            },
            store,
            forward,
            told: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Notes what was found in one window; waits while the store has no room.
    pub(super) fn note(&mut self, judged: &Judged, runtime: &Handle) -> anyhow::Result<()> {
        if judged.backlog {
            return Ok(());
        }
        let verdicts = judged.judgements.iter().map(|j| &j.verdict);
        let found = verdicts.filter_map(|verdict| match verdict {
            Verdict::Found(findings) => Some(findings),
            _ => None,
        });
        for finding in found.flatten() {
            for trace in traces_of(finding) {
                self.note_in(trace, finding, runtime)?;
            }
        }
        Ok(())
    }

    fn note_in(&mut self, id: u128, finding: &Finding, runtime: &Handle) -> anyhow::Result<()> {
        let told = (id, Arc::clone(&finding.detector), finding.fingerprint);
        if self.told.contains(&told) {
            return Ok(());
        }
        let Some(trace) = self.shelf.get(id) else {
            return Ok(());
        };
        self.remember(told);
        let mut trace = Trace::clone(&trace);
        let note = TraceNote {
            detector: Arc::clone(&finding.detector),
            severity: finding.severity,
            fingerprint: finding.fingerprint,
            summary: sentence::finding(finding, &self.style),
        };
        trace.note(note.clone());
        self.forward(&trace, &note);
        runtime.block_on(self.store.submit(Change::Trace(Box::new(trace))))?;
        Ok(())
    }

    /// A note that the backend does not take is no loss that anybody was promised not to have.
    fn forward(&self, trace: &Trace, note: &TraceNote) {
        let export = note::export(trace, note);
        if let Some((forward, export)) = self.forward.as_ref().zip(export) {
            forward.pass_later(export);
        }
    }

    fn remember(&mut self, told: Told) {
        self.order.push_back(told.clone());
        self.told.insert(told);
        if self.order.len() > MAX_TOLD
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
    }
}

/// The traces that a finding shows as examples.
fn traces_of(finding: &Finding) -> impl Iterator<Item = u128> {
    finding
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Exemplar { trace_id, .. } => {
                let id = trace_id.as_deref()?;
                u128::from_str_radix(id, 16).ok()
            }
            _ => None,
        })
}

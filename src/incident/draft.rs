//! What a decision is about to change, while it is made.

use std::collections::{BTreeMap, BTreeSet};

use crate::incident::NoticeKind;
use crate::model::finding::ProblemKey;
use crate::model::id::{IncidentId, SourceId};
use crate::model::incident::Incident;
use crate::model::time::{Interval, Timestamp};

/// What a decision is about to change.
pub(super) struct Draft {
    pub(super) span: Interval,
    pub(super) source: SourceId,
    /// Problems that changed or are gone.
    pub(super) problems: BTreeSet<ProblemKey>,
    /// Incidents that may have changed, as they were; `None` for new ones.
    pub(super) before: BTreeMap<IncidentId, Option<Incident>>,
    pub(super) notices: BTreeMap<IncidentId, NoticeKind>,
}

impl Draft {
    pub(super) fn now(&self) -> Timestamp {
        self.span.to
    }

    /// One notice for each incident: who hears that it fires or is over needs not hear that it changed.
    pub(super) fn tell(&mut self, id: &IncidentId, what: NoticeKind) {
        let told = self.notices.entry(id.clone()).or_insert(what);
        if *told == NoticeKind::Updated {
            *told = what;
        }
    }
}

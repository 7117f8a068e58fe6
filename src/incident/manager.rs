//! Keeps the problems and incidents, and decides what follows from each judged window.
//!
//! Pure: the time is the data's, and the same verdicts from the same state give the same decisions. Everything
//! that a decision depends on is in the problems and incidents that `Decisions` hands to the store, so that a
//! restart after any of them goes on as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::detect::Judged;
use crate::incident::causes::Causes;
use crate::incident::draft::Draft;
use crate::incident::verdicts::{self, Health};
use crate::incident::{
    Acknowledged, Decisions, Notice, NoticeKind, Problem, Restored, Settings, state, story,
};
use crate::model::finding::{Finding, ProblemKey};
use crate::model::id::{IncidentId, SourceId};
use crate::model::incident::{Incident, IncidentState, TimelineEvent};
use crate::model::time::Timestamp;

/// Problems in memory; beyond, the pending one that was sick the longest ago goes.
const MAX_PROBLEMS: usize = 4_096;
/// Resolved incidents in memory, the latest; the store restores as many.
pub const MAX_RESOLVED: usize = 64;
/// Letters of the name of somebody who takes an incident.
const MAX_NAME: usize = 100;

/// The stage's state.
#[derive(Debug)]
pub struct Incidents {
    pub(super) settings: Settings,
    causes: Causes,
    pub(super) problems: BTreeMap<ProblemKey, Problem>,
    pub(super) outages: BTreeMap<IncidentId, Incident>,
    pub(super) numbers: BTreeMap<String, u32>,
}

impl Incidents {
    /// Goes on from what the store remembers.
    pub fn new(settings: Settings, restored: Restored) -> Self {
        let problems = restored.problems.into_iter();
        let incidents = restored.incidents.into_iter();
        Self {
            settings,
            causes: Causes::built_in(),
            problems: problems.map(|p| (p.key.clone(), p)).collect(),
            outages: incidents.map(|i| (i.id.clone(), i)).collect(),
            numbers: restored.numbers,
        }
    }

    /// Puts the problems of logs that are no longer followed into the care of the first that is: only the silence of
    /// their own source ends them, and a log that was moved or given up will never be silent again.
    pub fn follow(&mut self, sources: &[SourceId]) {
        let Some(first) = sources.first() else { return };
        for problem in self.problems.values_mut() {
            if !sources.contains(&problem.source) {
                problem.source = first.clone();
            }
        }
    }

    /// New thresholds from now on; what has been decided stands.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// What a restart needs; the same as the store puts together from the decisions.
    pub fn snapshot(&self) -> Restored {
        Restored {
            problems: self.problems.values().cloned().collect(),
            incidents: self.outages.values().cloned().collect(),
            numbers: self.numbers.clone(),
        }
    }

    /// The incident of this name, unless it is over.
    pub fn open(&self, id: &IncidentId) -> Option<&Incident> {
        let incident = self.outages.get(id)?;
        (incident.state != IncidentState::Resolved).then_some(incident)
    }

    /// Decides what follows from one judged window.
    pub fn decide(&mut self, judged: Judged) -> Decisions {
        let mut draft = Draft {
            span: judged.span,
            source: judged.key.source.clone(),
            problems: BTreeSet::new(),
            before: BTreeMap::new(),
            notices: BTreeMap::new(),
        };
        let (health, findings) = verdicts::sort(judged.judgements);
        if !judged.backlog {
            let unknown = self.observe(&mut draft, health);
            self.rest_quiet(&mut draft, &unknown);
            self.fire_ripe(&mut draft);
            self.attach_context(&mut draft, &findings);
            self.step_incidents(&mut draft);
            self.forget_excess(&mut draft);
        }
        self.finish(draft, judged.key, findings)
    }

    /// Somebody takes an incident; `None` when there is nothing to take.
    pub fn acknowledge(
        &mut self,
        id: &IncidentId,
        by: &str,
        at: Timestamp,
    ) -> Option<Acknowledged> {
        let by = story::plain(by, MAX_NAME);
        let incident = self.outages.get_mut(id)?;
        let is_open = incident.state != IncidentState::Resolved;
        let is_news = incident.acknowledged_by.as_ref() != Some(&by);
        if !is_open || !is_news {
            return None;
        }
        incident.acknowledged_by = Some(by.clone());
        story::note(incident, at, TimelineEvent::Acknowledged { by });
        incident.revision += 1;
        let notice = Notice {
            incident: id.clone(),
            revision: incident.revision,
            what: NoticeKind::Updated,
        };
        Some(Acknowledged {
            incident: incident.clone(),
            at,
            notices: vec![notice],
        })
    }

    /// Moves each problem by what was said of it; returns those of which too little was seen: they were judged,
    /// and hence are not quiet.
    fn observe(
        &mut self,
        draft: &mut Draft,
        health: BTreeMap<ProblemKey, Health>,
    ) -> BTreeSet<ProblemKey> {
        let now = draft.now();
        let mut unknown = BTreeSet::new();
        for (key, health) in health {
            match health {
                Health::Sick(finding) => self.sicken(draft, *finding),
                Health::Well => self.rest(draft, &key, now),
                Health::Unknown => {
                    unknown.insert(key);
                }
            }
        }
        unknown
    }

    fn sicken(&mut self, draft: &mut Draft, finding: Finding) {
        let key = finding.key();
        let (source, span) = (draft.source.clone(), draft.span);
        if let Some(known) = self.told_elsewhere(&finding) {
            if let Some(problem) = self.problems.get_mut(&known) {
                problem.confirm(source, span);
            }
            draft.problems.insert(known);
            return;
        }
        if let Some(problem) = self.problems.get_mut(&key) {
            problem.sicken(finding, source, span, self.settings.fire_within);
        } else {
            let problem = Problem::begin(finding, source, span);
            self.problems.insert(key.clone(), problem);
        }
        draft.problems.insert(key);
    }

    /// A problem is well: a pending one is forgotten, a told one begins to recover. Another source's word does
    /// not count.
    fn rest(&mut self, draft: &mut Draft, key: &ProblemKey, since: Timestamp) {
        let Some(problem) = self.problems.get_mut(key) else {
            return;
        };
        if problem.source != draft.source || !problem.is_sick() {
            return;
        }
        if problem.incident.is_none() {
            self.problems.remove(key);
        } else {
            problem.well_since = Some(since);
        }
        draft.problems.insert(key.clone());
    }

    /// Problems that were not sick for long, while their source lives, are well.
    fn rest_quiet(&mut self, draft: &mut Draft, unknown: &BTreeSet<ProblemKey>) {
        let now = draft.now();
        let quiet: Vec<ProblemKey> = self
            .problems
            .values()
            .filter(|problem| now.since(problem.last_sick) >= problem.quiet_after(&self.settings))
            .filter(|problem| problem.is_sick() && problem.source == draft.source)
            .filter(|problem| !unknown.contains(&problem.key))
            .map(|problem| problem.key.clone())
            .collect();
        for key in quiet {
            self.rest(draft, &key, now);
        }
    }

    /// Remembers the incident as it was, before it is changed.
    pub(super) fn touch<'a>(
        &'a mut self,
        draft: &mut Draft,
        id: &IncidentId,
    ) -> Option<&'a mut Incident> {
        let incident = self.outages.get_mut(id)?;
        let before = draft.before.entry(id.clone());
        before.or_insert_with(|| Some(incident.clone()));
        Some(incident)
    }

    /// Brings every incident up to date that this source, or this decision, has a say in.
    fn step_incidents(&mut self, draft: &mut Draft) {
        let mut members: BTreeMap<IncidentId, Vec<ProblemKey>> = BTreeMap::new();
        let mut concerned: BTreeSet<IncidentId> = draft.before.keys().cloned().collect();
        for problem in self.problems.values() {
            let Some(id) = &problem.incident else {
                continue;
            };
            members
                .entry(id.clone())
                .or_default()
                .push(problem.key.clone());
            if problem.source == draft.source {
                concerned.insert(id.clone());
            }
        }
        for id in concerned {
            let members = members.remove(&id).unwrap_or_default();
            self.step_incident(draft, &id, &members);
        }
    }

    fn step_incident(&mut self, draft: &mut Draft, id: &IncidentId, members: &[ProblemKey]) {
        let now = draft.now();
        if self.touch(draft, id).is_none() {
            return;
        }
        let Some(incident) = self.outages.get_mut(id) else {
            return;
        };
        let mut told = Vec::new();
        for problem in members.iter().filter_map(|key| self.problems.get(key)) {
            told.extend(story::tell_problem(incident, problem, now));
        }
        told.extend(story::retell(incident, &self.causes, now));
        let problems = members.iter().filter_map(|key| self.problems.get(key));
        let well_since = all_well_since(problems, now);
        if let Some((next, event)) = state::step(incident, well_since, now, &self.settings) {
            incident.state = next;
            story::note(incident, now, event);
            if next != IncidentState::Firing {
                story::rest_advice(incident);
            }
            if next == IncidentState::Resolved {
                story::close(incident, now);
                told.push(NoticeKind::Resolved);
            }
        }
        let is_over = incident.state == IncidentState::Resolved;
        for what in told {
            draft.tell(id, what);
        }
        if is_over {
            for key in members {
                self.problems.remove(key);
                draft.problems.insert(key.clone());
            }
        }
    }

    /// Keeps memory bounded: what goes can not be missed by a later decision, or is pending.
    fn forget_excess(&mut self, draft: &mut Draft) {
        while self.problems.len() > MAX_PROBLEMS {
            let oldest = self
                .problems
                .values()
                .filter(|problem| problem.incident.is_none())
                .min_by_key(|problem| (problem.last_sick, &problem.key))
                .map(|problem| problem.key.clone());
            let Some(key) = oldest else { break };
            self.problems.remove(&key);
            draft.problems.insert(key);
        }
    }

    /// Gathers what has changed.
    fn finish(
        &mut self,
        draft: Draft,
        judged: crate::window::WindowKey,
        findings: Vec<Finding>,
    ) -> Decisions {
        let mut changed = Vec::new();
        for (id, before) in draft.before {
            let Some(incident) = self.outages.get_mut(&id) else {
                continue;
            };
            if before.as_ref() != Some(&*incident) {
                incident.revision += 1;
                changed.push(incident.clone());
            }
        }
        let revision = |id: &IncidentId| self.outages.get(id).map_or(0, |i| i.revision);
        let notices = draft.notices.into_iter().map(|(incident, what)| Notice {
            revision: revision(&incident),
            incident,
            what,
        });
        let notices = notices.collect();
        let (kept, gone): (Vec<_>, Vec<_>) = draft
            .problems
            .into_iter()
            .partition(|key| self.problems.contains_key(key));
        let problems = kept
            .iter()
            .filter_map(|key| self.problems.get(key).cloned());
        let decisions = Decisions {
            judged,
            at: draft.span.to,
            findings,
            problems: problems.collect(),
            forgotten: gone,
            incidents: changed,
            notices,
        };
        self.forget_resolved();
        decisions
    }

    fn forget_resolved(&mut self) {
        let mut resolved: Vec<(Timestamp, IncidentId)> = self
            .outages
            .values()
            .filter_map(|incident| Some((incident.resolved_at?, incident.id.clone())))
            .collect();
        if resolved.len() <= MAX_RESOLVED {
            return;
        }
        resolved.sort_unstable();
        let excess = resolved.len() - MAX_RESOLVED;
        for (_, id) in resolved.into_iter().take(excess) {
            self.outages.remove(&id);
        }
    }
}

/// Since when all of them are well; `None` while one is sick, `now` when there is none left to be sick.
fn all_well_since<'a>(
    problems: impl Iterator<Item = &'a Problem>,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut latest = None;
    for problem in problems {
        latest = latest.max(Some(problem.well_since?));
    }
    latest.or(Some(now))
}

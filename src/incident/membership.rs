//! Finds the incident that a problem belongs to.

use crate::incident::draft::Draft;
use crate::incident::{Incidents, NoticeKind, Problem, group, story};
use crate::model::finding::{Finding, ProblemKey, Urgency};
use crate::model::id::IncidentId;
use crate::model::incident::{Incident, IncidentState, TimelineEvent};
use crate::model::time::Timestamp;

impl Incidents {
    /// Gives every problem that is sick for long enough its incident.
    pub(super) fn fire_ripe(&mut self, draft: &mut Draft) {
        let now = draft.now();
        let ripe: Vec<Problem> = draft
            .problems
            .iter()
            .filter_map(|key| self.problems.get(key))
            .filter(|problem| problem.is_ripe(&self.settings))
            .cloned()
            .collect();
        for problem in ripe {
            let id = self.incident_for(draft, &problem);
            // At once, so that another problem of this window may be linked with it.
            self.add(draft, id, problem, now);
        }
        self.add_pending(draft, now);
    }

    /// An incident begins with all that is seen by then: two findings on one thing vouch for each other as two windows
    /// do for one, and the first word that people get should have the cause in it.
    fn add_pending(&mut self, draft: &mut Draft, now: Timestamp) {
        let within = self.settings.group_within;
        let opened = draft.before.iter().filter(|(_, before)| before.is_none());
        let opened: Vec<IncidentId> = opened.map(|(id, _)| id.clone()).collect();
        for id in opened {
            let Some(incident) = self.outages.get(&id) else {
                continue;
            };
            let joining: Vec<Problem> = self
                .problems
                .values()
                .filter(|problem| problem.incident.is_none() && problem.is_sick())
                .filter(|p| group::belongs_to(incident, &p.worst, p.onset, within))
                .cloned()
                .collect();
            for problem in joining {
                draft.problems.insert(problem.key.clone());
                self.add(draft, id.clone(), problem, now);
            }
        }
    }

    fn add(&mut self, draft: &mut Draft, id: IncidentId, mut problem: Problem, now: Timestamp) {
        if let Some(incident) = self.outages.get_mut(&id)
            && let Some(what) = story::tell_problem(incident, &problem, now)
        {
            draft.tell(&id, what);
        }
        problem.incident = Some(id);
        self.problems.insert(problem.key.clone(), problem);
    }

    /// The incident that the problem continues or joins, or else a new one.
    fn incident_for(&mut self, draft: &mut Draft, problem: &Problem) -> IncidentId {
        let now = draft.now();
        let continued = self.continued_by(problem).cloned();
        if let Some(id) = continued {
            if let Some(incident) = self.touch(draft, &id)
                && incident.state == IncidentState::Resolved
            {
                incident.state = IncidentState::Firing;
                incident.resolved_at = None;
                story::note(incident, now, TimelineEvent::Relapsed);
                draft.tell(&id, NoticeKind::Fired);
            }
            return id;
        }
        if let Some(id) = self.joined_by(problem).cloned() {
            self.touch(draft, &id);
            return id;
        }
        let id = self.next_id(problem.onset.from);
        draft.before.insert(id.clone(), None);
        draft.tell(&id, NoticeKind::Fired);
        self.outages
            .insert(id.clone(), story::open(id.clone(), problem, now));
        id
    }

    /// The latest incident that had this very problem and is open, or not over for long.
    fn continued_by(&self, problem: &Problem) -> Option<&IncidentId> {
        let is_recent = |incident: &Incident| {
            let over = incident.resolved_at;
            over.is_none_or(|at| at.plus(self.settings.reopen_within) >= problem.onset.from)
        };
        self.outages
            .values()
            .filter(|incident| is_recent(incident))
            .filter(|incident| {
                let mut members = incident.findings.iter();
                members.any(|member| member.finding.key() == problem.key)
            })
            .max_by_key(|incident| (incident.started_at, &incident.id))
            .map(|incident| &incident.id)
    }

    /// The first open incident whose problems the problem is linked with.
    fn joined_by(&self, problem: &Problem) -> Option<&IncidentId> {
        let within = self.settings.group_within;
        self.outages
            .values()
            .filter(|incident| incident.state != IncidentState::Resolved)
            .filter(|incident| group::belongs_to(incident, &problem.worst, problem.onset, within))
            .min_by_key(|incident| (incident.started_at, &incident.id))
            .map(|incident| &incident.id)
    }

    /// The problem that another log tells of already: the same error, in a log of the server and in that of a program.
    pub(super) fn told_elsewhere(&self, finding: &Finding) -> Option<ProblemKey> {
        let key = finding.key();
        if self.problems.contains_key(&key) {
            return None;
        }
        let mut known = self.problems.values();
        let same = known.find(|problem| group::is_same_error(&problem.worst, finding))?;
        Some(same.key.clone())
    }

    fn next_id(&mut self, started: Timestamp) -> IncidentId {
        let day = started.to_jiff().strftime("%Y%m%d").to_string();
        let number = self.numbers.entry(day.clone()).or_default();
        *number += 1;
        IncidentId::new(format!("INC-{day}-{number}"))
    }

    /// Advice on what an open incident is about is shown with it.
    pub(super) fn attach_context(&mut self, draft: &mut Draft, findings: &[Finding]) {
        let advice = findings.iter().filter(|f| f.urgency == Urgency::Chronic);
        for finding in advice {
            let open: Vec<IncidentId> = self
                .outages
                .values()
                .filter(|incident| incident.state != IncidentState::Resolved)
                .filter(|incident| {
                    let mut members = incident.findings.iter();
                    members.any(|member| {
                        member.finding.urgency == Urgency::Acute
                            && group::are_linked(&member.finding, finding)
                    })
                })
                .map(|incident| incident.id.clone())
                .collect();
            for id in open {
                if let Some(incident) = self.touch(draft, &id) {
                    story::tell_context(incident, finding);
                }
            }
        }
    }
}

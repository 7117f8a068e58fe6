//! The state machine of one problem, and the one of an incident that follows from its problems.

use std::time::Duration;

use crate::incident::{Problem, Settings};
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Severity};
use crate::model::id::SourceId;
use crate::model::incident::{Incident, IncidentState, TimelineEvent};
use crate::model::time::{Interval, Timestamp};

/// Relapses beyond this many do not lengthen the wait any more: 2^3 = 8 times.
const MAX_DOUBLINGS: usize = 3;
/// Events that come further apart than this are no longer one problem: rates of them are counted by the hour.
const MAX_PACE: Duration = Duration::from_secs(30 * 60);

impl Problem {
    /// A problem that was sick for the first time.
    pub(super) fn begin(finding: Finding, source: SourceId, span: Interval) -> Self {
        // What comes first is known by when it began, not by when its end was seen: the cause may take the longest.
        let from = finding
            .began
            .map_or(span.from, |began| began.min(span.from));
        Self {
            key: finding.key(),
            sick: 1,
            onset: Interval { from, to: span.to },
            last_sick: span.to,
            well_since: None,
            pace: first_pace(&finding, span),
            worst: finding,
            source,
            incident: None,
        }
    }

    /// One more sick window.
    pub(super) fn sicken(
        &mut self,
        finding: Finding,
        source: SourceId,
        span: Interval,
        within: Duration,
    ) {
        let starts_over = self.incident.is_none() && span.to.since(self.last_sick) > within;
        if starts_over {
            *self = Self::begin(finding, source, span);
            return;
        }
        // What it was like the time before says nothing of this time.
        let is_back = !self.is_sick() && span.to.since(self.last_sick) > within;
        if finding.recurring {
            self.pace = self.pace.max(span.to.since(self.last_sick)).min(MAX_PACE);
        }
        self.sick = self.sick.saturating_add(1);
        self.last_sick = self.last_sick.max(span.to);
        self.well_since = None;
        self.source = source;
        if is_back || weight(&finding) >= weight(&self.worst) {
            self.worst = finding;
        }
    }

    /// One more sick window, by the word of another log.
    pub(super) fn confirm(&mut self, source: SourceId, span: Interval) {
        self.last_sick = self.last_sick.max(span.to);
        self.well_since = None;
        self.source = source;
    }

    /// Whether people should be told, and have not been.
    pub(super) fn is_ripe(&self, settings: &Settings) -> bool {
        let is_certain = self.sick >= settings.fire_after
            || self.worst.severity == Severity::Critical
            || self.worst.recurring;
        self.incident.is_none() && is_certain
    }

    /// How long it must not be seen to count as well: what comes every five minutes is not over after one.
    pub(super) fn quiet_after(&self, settings: &Settings) -> Duration {
        settings.quiet_after.max(self.pace.saturating_mul(2))
    }

    pub(super) fn is_sick(&self) -> bool {
        self.well_since.is_none()
    }
}

/// How far apart the events behind a first finding can be taken to have come: there are two gaps between three.
fn first_pace(finding: &Finding, span: Interval) -> Duration {
    let began = finding.began.filter(|_| finding.recurring);
    let gap = began.map_or(Duration::ZERO, |began| span.to.since(began) / 2);
    gap.min(MAX_PACE)
}

/// What makes a finding worse than another of the same problem; costs are finite and not negative, so that their
/// bits sort as they do.
pub(super) fn weight(finding: &Finding) -> (Severity, u64) {
    (finding.severity, cost_seconds(finding).to_bits())
}

/// Seconds that the problem takes; 0 when not told.
pub(super) fn cost_seconds(finding: &Finding) -> f64 {
    let costs = finding.evidence.iter().filter_map(|fact| match fact {
        Evidence::Cost { seconds, .. } if seconds.is_finite() => Some(seconds.max(0.0)),
        _ => None,
    });
    costs.fold(0.0, f64::max)
}

/// Where an incident goes from its state, if anywhere.
///
/// `well_since` is the instant since which all of its problems are well, or `None` while one is sick.
pub(super) fn step(
    incident: &Incident,
    well_since: Option<Timestamp>,
    now: Timestamp,
    settings: &Settings,
) -> Option<(IncidentState, TimelineEvent)> {
    match (incident.state, well_since) {
        (IncidentState::Firing, Some(_)) => {
            Some((IncidentState::Recovering, TimelineEvent::Recovering))
        }
        (IncidentState::Recovering, None) => Some((IncidentState::Firing, TimelineEvent::Relapsed)),
        (IncidentState::Recovering, Some(since))
            if now.since(since) >= patience(incident, now, settings) =>
        {
            Some((IncidentState::Resolved, TimelineEvent::Resolved))
        }
        _ => None,
    }
}

/// How long it must be well: longer after each relapse of late.
fn patience(incident: &Incident, now: Timestamp, settings: &Settings) -> Duration {
    let since = now.minus(settings.reopen_within);
    let relapses = incident
        .timeline
        .iter()
        .filter(|entry| entry.what == TimelineEvent::Relapsed && entry.at >= since)
        .count()
        .min(MAX_DOUBLINGS);
    settings.resolve_after.saturating_mul(1 << relapses)
}

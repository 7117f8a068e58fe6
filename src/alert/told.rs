//! What a sink has told of an incident, so that the next message edits the first and tells only what is new.

use serde::{Deserialize, Serialize};

use crate::model::finding::Severity;
use crate::model::incident::{Incident, IncidentFinding, IncidentState};

/// Most findings that are remembered as told.
const MAX_FINDINGS: usize = 64;

/// Kept by the store for each incident and sink, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Where the message stands.
    pub place: Place,
    /// State of the incident that the message shows.
    pub state: IncidentState,
    /// Severity that it shows.
    pub severity: Severity,
    /// Findings that were told, as `detector/fingerprint`.
    pub findings: Vec<String>,
    /// Slug of the most likely cause that was told.
    pub cause: Option<String>,
    /// Who took it, as told.
    pub acknowledged_by: Option<String>,
    /// Revision that the message shows.
    pub revision: u64,
    /// Revision that the thread has been told; behind `revision` when a reply is still due.
    pub threaded: u64,
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "in")]
pub enum Place {
    /// A message of its own, which can be edited.
    Message {
        /// Channel id, as Slack answered.
        channel: String,
        /// Timestamp of the message: its id within the channel.
        ts: String,
    },
    /// One line of a digest, which is not edited; news go into its thread.
    Digest {
        /// Channel id, as Slack answered.
        channel: String,
        /// Timestamp of the digest.
        ts: String,
    },
    /// A webhook's message, of which nothing is known but that it was taken.
    Webhook,
}

impl Told {
    /// What is known by readers once `incident` has been told in full at `place`, its thread excepted.
    pub fn of(incident: &Incident, place: Place) -> Self {
        Self {
            place,
            state: incident.state,
            severity: incident.severity,
            findings: (incident.findings.iter())
                .take(MAX_FINDINGS)
                .map(key)
                .collect(),
            cause: incident.cause.as_ref().map(|c| c.finding.to_string()),
            acknowledged_by: incident.acknowledged_by.clone(),
            revision: incident.revision,
            threaded: 0,
        }
    }

    /// Reads what the store kept; what cannot be read counts as never told.
    pub fn parse(remote: Option<&str>) -> Option<Self> {
        serde_json::from_str(remote?).ok()
    }

    /// The JSON that the store keeps.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Findings that were not told yet.
    pub fn new_findings<'a>(&self, incident: &'a Incident) -> Vec<&'a IncidentFinding> {
        (incident.findings.iter())
            .take(MAX_FINDINGS)
            .filter(|f| !self.findings.contains(&key(f)))
            .collect()
    }

    /// It has become worse than what was told.
    pub fn escalated(&self, incident: &Incident) -> bool {
        let reopened = self.state == IncidentState::Resolved && is_open(incident.state);
        incident.severity > self.severity || reopened
    }

    /// Another problem leads than the one that was told, and it is sick now: people act on what they read first.
    pub fn led_anew(&self, incident: &Incident) -> bool {
        let lead = incident.findings.first().filter(|lead| lead.active);
        let is_new = lead.is_some_and(|lead| self.findings.first() != Some(&key(lead)));
        is_new && incident.state == IncidentState::Firing
    }

    /// It is over now, and that was not told.
    pub fn newly_resolved(&self, incident: &Incident) -> bool {
        incident.state == IncidentState::Resolved && self.state != IncidentState::Resolved
    }
}

fn is_open(state: IncidentState) -> bool {
    matches!(state, IncidentState::Firing | IncidentState::Recovering)
}

fn key(found: &IncidentFinding) -> String {
    match found.finding.fingerprint {
        Some(fingerprint) => format!("{}/{fingerprint}", found.finding.detector),
        None => found.finding.detector.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn what_was_told_survives_the_store() {
        let told = Told::of(
            &example::incident(),
            Place::Message {
                channel: "C1".to_owned(),
                ts: "1.2".to_owned(),
            },
        );
        assert_eq!(Told::parse(Some(&told.to_json())), Some(told));
        assert_eq!(Told::parse(Some("{")), None);
    }

    #[test]
    fn only_news_are_new() {
        let mut before = example::incident();
        before.findings.truncate(1);
        before.severity = Severity::Warning;
        let told = Told::of(&before, Place::Webhook);
        let now = example::incident();
        assert_eq!(told.new_findings(&now).len(), 1);
        assert!(told.escalated(&now) && !told.newly_resolved(&now));
        assert!(told.newly_resolved(&example::resolved()));
    }

    #[test]
    fn another_lead_is_a_turn_while_it_is_sick() {
        let before = example::incident();
        let told = Told::of(&before, Place::Webhook);
        assert!(!told.led_anew(&before));
        let mut now = before;
        now.findings.swap(0, 1);
        assert!(told.led_anew(&now));
        now.findings[0].active = false;
        assert!(!told.led_anew(&now));
    }

    #[test]
    fn an_incident_that_reopens_is_told_again() {
        let told = Told::of(&example::resolved(), Place::Webhook);
        assert!(told.escalated(&example::incident()));
    }
}

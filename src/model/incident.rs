//! One outage: findings that belong together, from the first sign to the last.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Remedy, Severity};
use crate::model::id::{IncidentId, ServiceName};
use crate::model::time::{Interval, Timestamp};

/// Where an incident stands; acknowledged is a flag beside it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// Sick, but not for long enough to tell anybody.
    Pending,
    /// Sick; people have been told.
    Firing,
    /// Well, but not for long enough to say so.
    Recovering,
    /// Over.
    Resolved,
}

impl IncidentState {
    /// The lower-case name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
        }
    }
}

/// One outage. Its JSON is a contract: fields may be added, none renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Name.
    pub id: IncidentId,
    /// One line without a literal: the leading finding and its statement's tables.
    pub title: String,
    /// Where it stands.
    pub state: IncidentState,
    /// Who took it.
    pub acknowledged_by: Option<String>,
    /// The worst of what is sick now; once nothing is, the worst that it was.
    pub severity: Severity,
    /// Start of the first window that was sick.
    pub started_at: Timestamp,
    /// When it began to fire.
    pub detected_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Service of the leading finding.
    pub service: ServiceName,
    /// Databases concerned, sorted.
    pub databases: Vec<Arc<str>>,
    /// The most likely cause, never told as a fact.
    pub cause: Option<Cause>,
    /// Findings by onset: how one led to the next.
    pub chain: Vec<Link>,
    /// Every problem that belongs to it, at its worst: first what is sick now, the likeliest cause before the others.
    pub findings: Vec<IncidentFinding>,
    /// What was told, to whom.
    pub alerts: Vec<Alert>,
    /// Remedies of its findings, best first, each once.
    pub remedies: Vec<Remedy>,
    /// What happened to it, oldest first.
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
    /// Raised by every change; sinks coalesce by it.
    #[serde(default)]
    pub revision: u64,
}

/// A problem as the incident keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentFinding {
    /// The finding at its worst; its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub finding: Finding,
    /// When it began, as far as windows can tell.
    pub onset: Interval,
    /// End of the last window in which it was sick.
    pub last_seen: Timestamp,
    /// It is sick now.
    pub active: bool,
    /// It came back within the incident, and this was its worst before: once it is over, the worse of both is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Box<Finding>>,
}

/// The most likely cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cause {
    /// Detector slug of the finding.
    pub finding: Arc<str>,
    /// 0 to 1.
    pub confidence: f64,
    /// Why we think so.
    pub evidence: Vec<Evidence>,
    /// What speaks against it.
    pub counter_evidence: Vec<Evidence>,
}

/// One step of the causal chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Detector slug.
    pub finding: Arc<str>,
    /// When it began; order counts only where intervals are disjoint.
    pub onset: Interval,
}

/// One message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Sink, for example `slack`.
    pub sink: Arc<str>,
    /// When it was accepted.
    pub at: Timestamp,
    /// `fired`, `updated`, `resolved`.
    pub what: Arc<str>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When, by the clock of the data.
    pub at: Timestamp,
    /// What.
    pub what: TimelineEvent,
}

/// What happened to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "event")]
#[expect(
    missing_docs,
    reason = "each variant says what happened; `finding` is a detector slug"
)]
pub enum TimelineEvent {
    Opened,
    Fired,
    FindingJoined {
        finding: Arc<str>,
        fingerprint: Option<crate::model::id::FingerprintId>,
    },
    FindingCleared {
        finding: Arc<str>,
        fingerprint: Option<crate::model::id::FingerprintId>,
    },
    SeverityRaised {
        to: Severity,
    },
    Acknowledged {
        by: String,
    },
    Recovering,
    Relapsed,
    Resolved,
    Marker {
        kind: String,
        title: String,
    },
}

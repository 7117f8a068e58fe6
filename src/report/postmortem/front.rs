//! The front matter: what a machine that collects postmortems reads.

use std::time::Duration;

use crate::model::incident::TimelineEvent;
use crate::model::time::Timestamp;
use crate::report::block::{Marks, machine};
use crate::report::moment;
use crate::report::postmortem::Draft;

/// YAML; `status` stands outside the machine's block, because people set it.
pub(super) fn render(draft: &Draft<'_>, bundle: &str) -> String {
    let incident = draft.incident;
    let times = Times::of(draft);
    let lead = incident.findings.first();
    let databases: Vec<_> = incident.databases.iter().map(|d| quoted(d)).collect();
    let at = |at: Option<Timestamp>| {
        at.map_or_else(
            || "null".to_owned(),
            |at| moment::rfc3339(at, &draft.style.zone),
        )
    };
    let seconds =
        |d: Option<Duration>| d.map_or_else(|| "null".to_owned(), |d| d.as_secs().to_string());
    let lines = [
        format!("id: {}", quoted(incident.id.as_str())),
        format!("kind: {}", quoted(lead.map_or("", |f| &f.finding.detector))),
        format!("severity: {}", incident.severity.as_str()),
        format!("service: {}", quoted(incident.service.as_str())),
        format!("databases: [{}]", databases.join(", ")),
        "times:".to_owned(),
        format!("  impact_start: {}", at(Some(incident.started_at))),
        format!("  detected: {}", at(times.detected)),
        format!("  acknowledged: {}", at(times.acknowledged)),
        format!("  mitigated: {}", at(times.mitigated)),
        format!("  resolved: {}", at(incident.resolved_at)),
        "durations_s: # each from impact_start".to_owned(),
        format!("  ttd: {}", seconds(times.after_start(times.detected))),
        format!("  tta: {}", seconds(times.after_start(times.acknowledged))),
        format!("  ttm: {}", seconds(times.after_start(times.mitigated))),
        format!(
            "  ttr: {}",
            seconds(times.after_start(incident.resolved_at))
        ),
        format!("generator: {}", quoted(&draft.context.generator)),
        format!("evidence_sha256: {bundle}"),
        format!("lang: {}", draft.lang.as_str()),
    ];
    let block = machine(Marks::Yaml, "front", &lines.join("\n"));
    format!("---\nstatus: draft # draft, reviewed, final\n{block}\n---")
}

/// When what happened.
pub(super) struct Times {
    started: Timestamp,
    /// The first alert was due.
    pub(super) detected: Option<Timestamp>,
    /// Somebody took it.
    pub(super) acknowledged: Option<Timestamp>,
    /// It was well from then on.
    pub(super) mitigated: Option<Timestamp>,
}

impl Times {
    pub(super) fn of(draft: &Draft<'_>) -> Self {
        let incident = draft.incident;
        let acknowledged = (incident.timeline.iter())
            .find(|e| matches!(e.what, TimelineEvent::Acknowledged { .. }));
        let well = (incident.timeline.iter().rev())
            .take_while(|e| e.what != TimelineEvent::Relapsed)
            .find(|e| e.what == TimelineEvent::Recovering);
        Self {
            started: incident.started_at,
            detected: incident.detected_at,
            acknowledged: acknowledged.map(|e| e.at),
            mitigated: well.map(|e| e.at).or(incident.resolved_at),
        }
    }

    /// How long after the first sign.
    pub(super) fn after_start(&self, at: Option<Timestamp>) -> Option<Duration> {
        at.map(|at| at.since(self.started))
    }
}

/// A YAML string: JSON's quotes are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

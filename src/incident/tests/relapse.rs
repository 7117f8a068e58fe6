//! What is sick now leads; what is over is told, and does not lead.

use super::*;
use crate::model::finding::{Remedy, Safety};
use crate::model::incident::IncidentFinding;

const UNION: Sick = Sick {
    detector: "union-hotspot",
    statement: 2,
    severity: Severity::Critical,
    seconds: 100.0,
    ..SCAN
};

/// A window in which these were found, each with a remedy that names its detector.
fn cured(n: u64, sick: &[Sick]) -> Judged {
    let said = sick.iter().map(|of| {
        let remedy = Remedy {
            sql: String::new(),
            why: format!("cure {}", of.detector),
            safety: Safety::Safe,
        };
        let found = Finding {
            remedies: vec![remedy],
            ..finding(*of, n)
        };
        judgement(*of, n, Verdict::Found(vec![found]))
    });
    judged("a", n, said.collect())
}

/// An outage of both that is over, and the window after.
fn outage(scan: Sick) -> (Incidents, u64) {
    let mut incidents = fresh();
    for n in 0..10 {
        incidents.decide(cured(n, &[scan, UNION]));
    }
    let end = resolved_in(&mut incidents, 10);
    (incidents, end + 1)
}

fn slugs(incident: &Incident) -> Vec<String> {
    let members = incident.findings.iter();
    members.map(|m| m.finding.detector.to_string()).collect()
}

fn member(incident: &Incident, of: Sick) -> &IncidentFinding {
    let key = finding(of, 0).key();
    let mut members = incident.findings.iter();
    members.find(|m| m.finding.key() == key).unwrap()
}

#[test]
fn a_relapse_is_led_by_what_is_sick_now_and_not_by_what_ended_before() {
    let costly = Sick {
        seconds: 1_000.0,
        severity: Severity::Critical,
        ..SCAN
    };
    let small = Sick {
        severity: Severity::Warning,
        seconds: 3.0,
        ..UNION
    };
    let (mut incidents, from) = outage(costly);
    assert_eq!(only(&incidents).severity, Severity::Critical);
    incidents.decide(cured(from, &[small]));
    let again = incidents.decide(cured(from + 1, &[small]));
    assert_eq!(kinds(&again), [NoticeKind::Fired]);
    let incident = only(&incidents);
    assert_eq!(slugs(&incident), ["union-hotspot", "full-scan"]);
    assert_eq!(incident.title, "union-hotspot on note");
    assert_eq!(incident.severity, Severity::Warning);
    assert_eq!(&*incident.cause.as_ref().unwrap().finding, "union-hotspot");
    let cures: Vec<&str> = incident.remedies.iter().map(|r| &*r.why).collect();
    assert_eq!(cures, ["cure union-hotspot"]);
    assert_eq!(member(&incident, UNION).finding.at, span(from + 1));
    assert!(!member(&incident, SCAN).active);
}

#[test]
fn what_is_over_is_told_as_bad_as_it_was() {
    let small = Sick {
        severity: Severity::Warning,
        seconds: 3.0,
        ..UNION
    };
    let (mut incidents, from) = outage(SCAN);
    for n in from..from + 3 {
        incidents.decide(cured(n, &[small]));
    }
    assert_eq!(only(&incidents).severity, Severity::Warning);
    resolved_in(&mut incidents, from + 3);
    let incident = only(&incidents);
    assert_eq!(incident.severity, Severity::Critical);
    assert_eq!(
        member(&incident, UNION).finding.severity,
        Severity::Critical
    );
}

#[test]
fn a_problem_that_comes_back_while_it_recovers_is_as_bad_as_it_is_this_time() {
    let mut incidents = fresh();
    incidents.decide(cured(0, &[UNION]));
    incidents.decide(clear(1, UNION));
    let small = Sick {
        severity: Severity::Warning,
        seconds: 3.0,
        ..UNION
    };
    // The wait is a minute: the incident is still open.
    incidents.decide(cured(7, &[small]));
    let incident = only(&incidents);
    assert_eq!(incident.state, IncidentState::Firing);
    assert_eq!(incident.severity, Severity::Warning);
    assert_eq!(incident.findings[0].finding.at, span(7));
}

#[test]
fn one_window_of_rest_does_not_change_who_leads() {
    let costly = Sick {
        seconds: 1_000.0,
        ..SCAN
    };
    let mut incidents = fresh();
    for n in 0..4 {
        incidents.decide(found(n, &[costly, UNION]));
    }
    let leader = only(&incidents).title;
    let other = if leader.starts_with("full-scan") {
        UNION
    } else {
        costly
    };
    let led = if leader.starts_with("full-scan") {
        costly
    } else {
        UNION
    };
    let rested = judged(
        "a",
        4,
        vec![
            judgement(led, 4, Verdict::Clear),
            judgement(other, 4, Verdict::Found(vec![finding(other, 4)])),
        ],
    );
    assert!(kinds(&incidents.decide(rested)).is_empty());
    assert_eq!(only(&incidents).title, leader);
}

#[test]
fn a_recovering_incident_has_nothing_that_is_sick() {
    let advice = Sick {
        detector: "load-hog",
        urgency: Urgency::Chronic,
        ..SCAN
    };
    let mut incidents = firing();
    incidents.decide(found(2, &[SCAN, advice]));
    incidents.decide(clear(3, SCAN));
    let incident = only(&incidents);
    assert_eq!(incident.state, IncidentState::Recovering);
    assert!(incident.findings.iter().all(|member| !member.active));
}

#[test]
fn an_incident_began_with_the_first_sign_of_the_cause_that_was_seen_last() {
    let union = Finding {
        began: Some(span(0).from),
        ..finding(UNION, 5)
    };
    let mut incidents = fresh();
    for n in 3..5 {
        incidents.decide(found(n, &[SCAN]));
    }
    let said = judgement(UNION, 5, Verdict::Found(vec![union]));
    incidents.decide(judged("a", 5, vec![said]));
    let incident = only(&incidents);
    assert_eq!(incident.started_at, span(0).from);
    assert_eq!(incident.timeline[0].at, span(0).from);
    assert_eq!(incident.detected_at, Some(span(4).to));
}

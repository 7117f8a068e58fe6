//! The contract of the stage: what opens, what joins, what closes, and that a crash changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Decisions, Incidents, NoticeKind, Restored, Settings};
use crate::detect::{Judged, Judgement};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, ProblemKey, Severity, Urgency, Verdict};
use crate::model::id::{FingerprintId, IncidentId, ServiceName, SourceId};
use crate::model::incident::{Incident, IncidentState};
use crate::model::time::{Interval, Timestamp};
use crate::window::WindowKey;

mod events;
mod groups;
mod relapse;
mod replay;

const START: u64 = 1_795_288_960;

/// The n-th 10-second window.
fn span(n: u64) -> Interval {
    Interval {
        from: Timestamp::from_unix_secs(START + 10 * n),
        to: Timestamp::from_unix_secs(START + 10 * n + 10),
    }
}

#[derive(Clone, Copy)]
struct Sick {
    detector: &'static str,
    statement: u64,
    table: &'static str,
    severity: Severity,
    urgency: Urgency,
    seconds: f64,
}

const SCAN: Sick = Sick {
    detector: "full-scan",
    statement: 1,
    table: "note",
    severity: Severity::Warning,
    urgency: Urgency::Acute,
    seconds: 10.0,
};

fn finding(of: Sick, n: u64) -> Finding {
    Finding {
        detector: Arc::from(of.detector),
        severity: of.severity,
        urgency: of.urgency,
        began: None,
        at: span(n),
        service: ServiceName::new("shop"),
        database: Arc::from("shop"),
        fingerprint: Some(FingerprintId(of.statement)),
        errors: None,
        operation: None,
        template: None,
        tables: vec![Arc::from(of.table)],
        recurring: false,
        evidence: vec![
            Evidence::measure("rows_examined", 2.0, 1.0, Unit::Rows),
            Evidence::Cost {
                seconds: of.seconds,
                share: None,
                over: span(n),
            },
        ],
        remedies: Vec::new(),
    }
}

fn judgement(of: Sick, n: u64, verdict: Verdict) -> Judgement {
    Judgement {
        detector: Arc::from(of.detector),
        problem: finding(of, n).key(),
        verdict,
    }
}

fn judged(source: &str, n: u64, judgements: Vec<Judgement>) -> Judged {
    Judged {
        key: WindowKey {
            source: SourceId::new(source),
            start: span(n).from,
        },
        span: span(n),
        judgements,
        backlog: false,
    }
}

/// The n-th window, in which these were found.
fn found(n: u64, sick: &[Sick]) -> Judged {
    let said = sick.iter().map(|of| {
        let verdict = Verdict::Found(vec![finding(*of, n)]);
        judgement(*of, n, verdict)
    });
    judged("a", n, said.collect())
}

fn clear(n: u64, of: Sick) -> Judged {
    judged("a", n, vec![judgement(of, n, Verdict::Clear)])
}

fn fresh() -> Incidents {
    Incidents::new(Settings::default(), Restored::default())
}

fn kinds(decisions: &Decisions) -> Vec<NoticeKind> {
    decisions.notices.iter().map(|n| n.what).collect()
}

/// An incident that fired in window 1.
fn firing() -> Incidents {
    let mut incidents = fresh();
    assert!(kinds(&incidents.decide(found(0, &[SCAN]))).is_empty());
    let fired = incidents.decide(found(1, &[SCAN]));
    assert_eq!(kinds(&fired), [NoticeKind::Fired]);
    incidents
}

/// The first window from `from` on in which an incident is resolved, when nothing is said any more.
fn resolved_in(incidents: &mut Incidents, from: u64) -> u64 {
    (from..from + 200)
        .find(|n| {
            let decisions = incidents.decide(found(*n, &[]));
            kinds(&decisions).contains(&NoticeKind::Resolved)
        })
        .unwrap()
}

fn only(incidents: &Incidents) -> Incident {
    let mut all = incidents.snapshot().incidents;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn two_sick_windows_fire_and_one_does_not() {
    let incident = only(&firing());
    assert_eq!(incident.id, IncidentId::new("INC-20261121-1"));
    assert_eq!(incident.title, "full-scan on note");
    assert_eq!(incident.started_at, span(0).from);
    assert_eq!(incident.detected_at, Some(span(1).to));
}

#[test]
fn a_critical_finding_fires_at_once() {
    let critical = Sick {
        severity: Severity::Critical,
        ..SCAN
    };
    assert_eq!(
        kinds(&fresh().decide(found(0, &[critical]))),
        [NoticeKind::Fired]
    );
}

#[test]
fn a_well_window_between_two_sick_ones_starts_the_count_anew() {
    let mut incidents = fresh();
    incidents.decide(found(0, &[SCAN]));
    let forgotten = incidents.decide(clear(1, SCAN)).forgotten;
    assert_eq!(forgotten, [finding(SCAN, 0).key()]);
    assert!(kinds(&incidents.decide(found(2, &[SCAN]))).is_empty());
}

#[test]
fn silence_while_the_source_lives_resolves() {
    // Last sick at 20 s; well from 80 s on; over 60 s later, in the window that ends at 140 s.
    assert_eq!(resolved_in(&mut firing(), 2), 13);
}

#[test]
fn a_word_of_well_resolves_sooner_than_silence() {
    let mut incidents = firing();
    incidents.decide(clear(2, SCAN));
    assert_eq!(resolved_in(&mut incidents, 3), 8);
}

#[test]
fn the_silence_of_another_source_does_not_resolve() {
    let mut incidents = firing();
    for n in 2..100 {
        incidents.decide(judged("b", n, Vec::new()));
    }
    assert_eq!(only(&incidents).state, IncidentState::Firing);
}

#[test]
fn too_little_data_neither_opens_nor_closes() {
    let unknown = |n| {
        let verdict = Verdict::Insufficient { seen: 1, needed: 5 };
        judged("a", n, vec![judgement(SCAN, n, verdict)])
    };
    let mut incidents = firing();
    for n in 2..100 {
        incidents.decide(unknown(n));
    }
    assert_eq!(only(&incidents).state, IncidentState::Firing);
    let mut incidents = fresh();
    for n in 0..100 {
        incidents.decide(unknown(n));
    }
    assert_eq!(incidents.snapshot(), Restored::default());
}

#[test]
fn a_relapse_is_the_same_incident_and_waits_longer_the_next_time() {
    let mut incidents = firing();
    incidents.decide(clear(2, SCAN));
    let relapsed = incidents.decide(found(3, &[SCAN]));
    assert!(kinds(&relapsed).is_empty());
    assert_eq!(relapsed.incidents[0].state, IncidentState::Firing);
    incidents.decide(clear(4, SCAN));
    assert_eq!(resolved_in(&mut incidents, 5), 16);
}

#[test]
fn the_same_problem_soon_after_the_end_opens_the_same_incident_again() {
    let mut incidents = firing();
    let end = resolved_in(&mut incidents, 2);
    incidents.decide(found(end + 10, &[SCAN]));
    let again = incidents.decide(found(end + 11, &[SCAN]));
    assert_eq!(kinds(&again), [NoticeKind::Fired]);
    assert_eq!(again.notices[0].incident, IncidentId::new("INC-20261121-1"));
    assert_eq!(again.incidents[0].resolved_at, None);
}

#[test]
fn the_same_problem_long_after_the_end_is_a_new_incident() {
    let mut incidents = firing();
    let end = resolved_in(&mut incidents, 2);
    incidents.decide(found(end + 100, &[SCAN]));
    let again = incidents.decide(found(end + 101, &[SCAN]));
    assert_eq!(again.notices[0].incident, IncidentId::new("INC-20261121-2"));
}

#[test]
fn a_backlog_is_recorded_and_opens_nothing() {
    let mut incidents = fresh();
    for n in 0..5 {
        let mut window = found(n, &[SCAN]);
        window.backlog = true;
        assert_eq!(incidents.decide(window).findings.len(), 1);
    }
    assert_eq!(incidents.snapshot(), Restored::default());
}

#[test]
fn a_severity_that_rises_is_told_once() {
    let critical = Sick {
        severity: Severity::Critical,
        ..SCAN
    };
    let mut incidents = firing();
    let raised = incidents.decide(found(2, &[critical]));
    assert_eq!(kinds(&raised), [NoticeKind::Updated]);
    assert!(kinds(&incidents.decide(found(3, &[critical]))).is_empty());
    assert_eq!(only(&incidents).severity, Severity::Critical);
}

#[test]
fn an_incident_is_taken_once_and_only_while_it_is_open() {
    let mut incidents = firing();
    let id = IncidentId::new("INC-20261121-1");
    let at = span(2).to;
    let taken = incidents.acknowledge(&id, "kim\n", at).unwrap();
    assert_eq!(taken.incident.acknowledged_by.as_deref(), Some("kim"));
    assert!(incidents.acknowledge(&id, "kim", at).is_none());
    assert!(incidents.open(&id).is_some());
    resolved_in(&mut incidents, 2);
    assert!(incidents.acknowledge(&id, "lee", at).is_none());
    assert_eq!(incidents.open(&id), None);
}

#[test]
fn a_problem_of_a_log_that_nobody_follows_any_more_ends_with_the_silence_of_another() {
    let mut incidents = firing();
    incidents.follow(&[SourceId::new("a"), SourceId::new("b")]);
    for n in 2..100 {
        incidents.decide(judged("b", n, Vec::new()));
    }
    assert_eq!(only(&incidents).state, IncidentState::Firing);
    incidents.follow(&[]);
    incidents.follow(&[SourceId::new("b")]);
    for n in 100..120 {
        incidents.decide(judged("b", n, Vec::new()));
    }
    assert_eq!(only(&incidents).state, IncidentState::Resolved);
}

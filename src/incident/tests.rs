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
mod relapse;

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
fn a_linked_problem_joins_and_the_cause_comes_first() {
    let timeout = Sick {
        detector: "query-timeout",
        seconds: 12.0,
        ..SCAN
    };
    let mut incidents = fresh();
    for n in 0..3 {
        incidents.decide(found(n, &[timeout]));
    }
    incidents.decide(found(3, &[timeout, SCAN]));
    let joined = incidents.decide(found(4, &[timeout, SCAN]));
    assert_eq!(kinds(&joined), [NoticeKind::Updated]);
    let incident = only(&incidents);
    assert_eq!(incident.findings.len(), 2);
    assert_eq!(&*incident.chain[0].finding, "query-timeout");
    let cause = incident.cause.unwrap();
    assert_eq!(cause.finding, incident.findings[0].finding.detector);
    assert!(!cause.counter_evidence.is_empty());
}

#[test]
fn a_known_cause_with_the_same_onset_leads() {
    let timeout = Sick {
        detector: "query-timeout",
        ..SCAN
    };
    let mut incidents = fresh();
    for n in 0..2 {
        incidents.decide(found(n, &[timeout, SCAN]));
    }
    let incident = only(&incidents);
    assert_eq!(&*incident.cause.unwrap().finding, "full-scan");
    assert_eq!(incident.title, "full-scan on note");
}

#[test]
fn a_cause_whose_runs_take_long_is_not_thought_later_than_its_effects() {
    let union = |n| {
        let sick = Sick {
            detector: "union-hotspot",
            statement: 2,
            seconds: 30.0,
            ..SCAN
        };
        let found = Finding {
            began: Some(span(0).from),
            ..finding(sick, n)
        };
        judgement(sick, n, Verdict::Found(vec![found]))
    };
    let scan = |n| judgement(SCAN, n, Verdict::Found(vec![finding(SCAN, n)]));
    let mut incidents = fresh();
    incidents.decide(judged("a", 1, vec![scan(1)]));
    for n in 2..5 {
        incidents.decide(judged("a", n, vec![scan(n), union(n)]));
    }
    let incident = only(&incidents);
    assert_eq!(&*incident.cause.unwrap().finding, "union-hotspot");
}

#[test]
fn an_incident_begins_with_what_is_pending_on_the_same_thing() {
    let union = Sick {
        detector: "union-hotspot",
        statement: 2,
        ..SCAN
    };
    let elsewhere = Sick {
        detector: "deep-offset",
        statement: 3,
        table: "invoice",
        ..SCAN
    };
    let critical = Sick {
        severity: Severity::Critical,
        ..SCAN
    };
    for first in [
        vec![union, elsewhere, critical],
        vec![critical, elsewhere, union],
    ] {
        let mut incidents = fresh();
        let fired = incidents.decide(found(0, &first));
        assert_eq!(kinds(&fired), [NoticeKind::Fired]);
        let members: Vec<_> = only(&incidents)
            .findings
            .iter()
            .map(|member| member.finding.detector.to_string())
            .collect();
        assert_eq!(members.len(), 2, "{members:?}");
        assert!(members.contains(&"union-hotspot".to_owned()), "{members:?}");
    }
}

#[test]
fn an_unrelated_problem_is_another_incident() {
    let other = Sick {
        statement: 2,
        table: "chat",
        ..SCAN
    };
    let mut incidents = fresh();
    for n in 0..2 {
        incidents.decide(found(n, &[SCAN, other]));
    }
    assert_eq!(incidents.snapshot().incidents.len(), 2);
}

#[test]
fn advice_never_opens_but_joins_an_open_incident_untold() {
    let advice = Sick {
        detector: "load-hog",
        urgency: Urgency::Chronic,
        ..SCAN
    };
    let mut incidents = fresh();
    let decisions = incidents.decide(found(0, &[advice]));
    assert_eq!(decisions.findings.len(), 1);
    assert_eq!(incidents.snapshot(), Restored::default());

    let mut incidents = firing();
    let decisions = incidents.decide(found(2, &[SCAN, advice]));
    assert!(kinds(&decisions).is_empty());
    let incident = only(&incidents);
    assert_eq!(incident.findings.len(), 2);
    assert_eq!(&*incident.findings[1].finding.detector, "load-hog");
    resolved_in(&mut incidents, 3);
}

#[test]
fn advice_makes_way_for_a_problem() {
    let advice = |statement| Sick {
        statement,
        urgency: Urgency::Chronic,
        ..SCAN
    };
    let critical = Sick {
        statement: 1_000,
        severity: Severity::Critical,
        ..SCAN
    };
    let mut incidents = firing();
    let much: Vec<Sick> = (2..200).map(advice).collect();
    incidents.decide(found(2, &much));
    let joined = incidents.decide(found(3, &[SCAN, critical]));
    assert_eq!(kinds(&joined), [NoticeKind::Updated]);
    assert_eq!(only(&incidents).severity, Severity::Critical);
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

/// What the store makes of the decisions.
#[derive(Default)]
struct Model {
    problems: BTreeMap<ProblemKey, super::Problem>,
    incidents: BTreeMap<IncidentId, Incident>,
}

impl Model {
    fn apply(&mut self, decisions: &Decisions) {
        for key in &decisions.forgotten {
            self.problems.remove(key);
        }
        for problem in &decisions.problems {
            self.problems.insert(problem.key.clone(), problem.clone());
        }
        for incident in &decisions.incidents {
            self.incidents.insert(incident.id.clone(), incident.clone());
        }
    }

    fn restored(&self) -> Restored {
        let mut numbers = BTreeMap::new();
        for id in self.incidents.keys() {
            let mut parts = id.as_str().split('-').skip(1);
            let day = parts.next().unwrap().to_owned();
            let number: u32 = parts.next().unwrap().parse().unwrap();
            let highest = numbers.entry(day).or_insert(0);
            *highest = number.max(*highest);
        }
        Restored {
            problems: self.problems.values().cloned().collect(),
            incidents: self.incidents.values().cloned().collect(),
            numbers,
        }
    }
}

/// For each of four problems: not mentioned, clear, insufficient, warning, critical.
fn windows() -> impl Strategy<Value = Vec<(bool, [u8; 4], u64)>> {
    let window = (
        any::<bool>(),
        [0..5_u8, 0..5_u8, 0..5_u8, 0..5_u8],
        1..12_u64,
    );
    prop::collection::vec(window, 1..60)
}

fn replay(windows: &[(bool, [u8; 4], u64)]) -> Vec<Judged> {
    let subjects = [
        ("full-scan", 1, "note"),
        ("query-timeout", 1, "note"),
        ("sort-spill", 2, "chat"),
        ("plan-flip", 3, "note"),
    ];
    let mut n = 0;
    let mut all = Vec::new();
    for (from_a, said, skip) in windows {
        n += skip;
        let judgements = subjects.iter().zip(said).filter_map(|(subject, said)| {
            let (detector, statement, table) = *subject;
            let severity = if *said == 4 {
                Severity::Critical
            } else {
                Severity::Warning
            };
            let of = Sick {
                detector,
                statement,
                table,
                severity,
                ..SCAN
            };
            let verdict = match said {
                0 => return None,
                1 => Verdict::Clear,
                2 => Verdict::Insufficient { seen: 0, needed: 1 },
                _ => Verdict::Found(vec![finding(of, n)]),
            };
            Some(judgement(of, n, verdict))
        });
        let source = if *from_a { "a" } else { "b" };
        all.push(judged(source, n, judgements.collect()));
    }
    all
}

proptest! {
    #[test]
    fn a_crash_after_any_decision_changes_nothing(windows in windows()) {
        let mut steady = fresh();
        let mut model = Model::default();
        for (window, again) in replay(&windows).into_iter().zip(replay(&windows)) {
            let mut restarted = Incidents::new(Settings::default(), model.restored());
            prop_assert_eq!(&restarted.snapshot(), &steady.snapshot());
            let decisions = steady.decide(window);
            let repeated = restarted.decide(again);
            prop_assert_eq!(format!("{decisions:?}"), format!("{repeated:?}"));
            model.apply(&decisions);
        }
    }

    #[test]
    fn an_incident_never_fires_twice_without_being_over_in_between(windows in windows()) {
        let mut incidents = fresh();
        let mut is_open: BTreeMap<IncidentId, bool> = BTreeMap::new();
        for window in replay(&windows) {
            let decisions = incidents.decide(window);
            for notice in &decisions.notices {
                let open = is_open.entry(notice.incident.clone()).or_default();
                match notice.what {
                    NoticeKind::Fired => prop_assert!(!std::mem::replace(open, true)),
                    NoticeKind::Resolved => prop_assert!(std::mem::replace(open, false)),
                    NoticeKind::Updated => prop_assert!(*open),
                }
            }
        }
    }

    #[test]
    fn a_revision_only_rises_and_a_confidence_is_a_probability(windows in windows()) {
        let mut incidents = fresh();
        let mut last: BTreeMap<IncidentId, u64> = BTreeMap::new();
        for window in replay(&windows) {
            for incident in incidents.decide(window).incidents {
                let before = last.insert(incident.id.clone(), incident.revision);
                prop_assert!(before.is_none_or(|before| before < incident.revision));
                let confidence = incident.cause.map_or(0.0, |cause| cause.confidence);
                prop_assert!((0.0..=1.0).contains(&confidence));
            }
        }
    }
}

#[test]
fn an_error_in_the_logs_of_server_and_program_is_one_finding_until_both_are_silent() {
    let told = |source: &str, database: &str, n: u64| {
        let failed = Finding {
            detector: Arc::from("error-burst"),
            database: Arc::from(database),
            evidence: vec![Evidence::clause("error_code", "1054")],
            ..finding(SCAN, n)
        };
        let said = Judgement {
            detector: Arc::clone(&failed.detector),
            problem: failed.key(),
            verdict: Verdict::Found(vec![failed]),
        };
        judged(source, n, vec![said])
    };
    let mut incidents = fresh();
    for n in 0..3 {
        incidents.decide(told("server", "shop", n));
        incidents.decide(told("program", "", n));
    }
    let incident = only(&incidents);
    assert_eq!(incident.findings.len(), 1);
    assert_eq!(incident.state, IncidentState::Firing);
    for n in 3..40 {
        incidents.decide(judged("server", n, Vec::new()));
        incidents.decide(judged("program", n, Vec::new()));
    }
    assert_eq!(only(&incidents).state, IncidentState::Resolved);
}

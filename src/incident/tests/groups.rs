//! Which problems are one incident, and which of them leads it.

use super::*;

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

/// What traces of an operation show of a statement.
fn traced(of: Sick, operation: &str, n: u64) -> Judgement {
    let found = Finding {
        operation: Some(Arc::from(operation)),
        ..finding(of, n)
    };
    Judgement {
        detector: Arc::from(of.detector),
        problem: found.key(),
        verdict: Verdict::Found(vec![found]),
    }
}

#[test]
fn an_outage_that_traces_and_the_slow_log_show_is_one_and_an_unrelated_loop_another() {
    let (letters, reports) = ("POST /letters", "GET /reports");
    let insert_loop = Sick {
        detector: "insert-loop",
        ..SCAN
    };
    let waits = Sick {
        detector: "lock-wait",
        seconds: 40.0,
        ..SCAN
    };
    let elsewhere = Sick {
        detector: "n-plus-one",
        statement: 9,
        table: "report",
        ..SCAN
    };
    let mut incidents = fresh();
    for n in 0..4 {
        let of_traces = vec![
            traced(insert_loop, letters, n),
            traced(elsewhere, reports, n),
        ];
        incidents.decide(judged("otlp", n, of_traces));
        let of_log = judgement(waits, n, Verdict::Found(vec![finding(waits, n)]));
        incidents.decide(judged("slow_log:a", n, vec![of_log]));
    }
    let all = incidents.snapshot().incidents;
    assert_eq!(all.len(), 2, "{all:#?}");
    let detectors = |incident: &Incident| -> Vec<String> {
        let found = incident.findings.iter();
        found.map(|f| f.finding.detector.to_string()).collect()
    };
    let outage = all.iter().find(|i| i.findings.len() == 2).unwrap();
    assert_eq!(
        detectors(outage),
        ["insert-loop", "lock-wait"],
        "the cause first"
    );
    assert_eq!(&*outage.cause.as_ref().unwrap().finding, "insert-loop");
    let other = all.iter().find(|i| i.findings.len() == 1).unwrap();
    assert_eq!(detectors(other), ["n-plus-one"]);
}

#[test]
fn a_loop_of_reads_and_the_scan_of_each_of_them_are_one_outage() {
    let loop_of_reads = Sick {
        detector: "n-plus-one",
        ..SCAN
    };
    let mut incidents = fresh();
    for n in 0..4 {
        let of_traces = vec![traced(loop_of_reads, "GET /orders", n)];
        incidents.decide(judged("otlp", n, of_traces));
        let of_log = judgement(SCAN, n, Verdict::Found(vec![finding(SCAN, n)]));
        incidents.decide(judged("slow_log:a", n, vec![of_log]));
    }
    assert_eq!(only(&incidents).findings.len(), 2);
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

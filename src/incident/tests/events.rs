//! Problems that are judged by events, each of which is a sign of its own.

use super::*;

const DEADLOCK: Sick = Sick {
    detector: "deadlock",
    ..SCAN
};

/// A window of deadlocks, the first of which came in window `since`.
fn deadlocks(n: u64, since: u64) -> Judged {
    let found = Finding {
        recurring: true,
        began: Some(span(since).from),
        ..finding(DEADLOCK, n)
    };
    let said = judgement(DEADLOCK, n, Verdict::Found(vec![found]));
    judged("a", n, vec![said])
}

#[test]
fn a_burst_within_one_window_is_told() {
    let mut incidents = fresh();
    assert_eq!(
        kinds(&incidents.decide(deadlocks(5, 5))),
        [NoticeKind::Fired]
    );
    // Last seen at 60 s; well from 120 s on; over 60 s later.
    assert_eq!(resolved_in(&mut incidents, 6), 17);
}

#[test]
fn what_comes_every_five_minutes_is_told_once_and_does_not_end_in_between() {
    let mut incidents = fresh();
    let mut told = Vec::new();
    for n in 0..361 {
        let window = match n {
            60.. if n % 30 == 0 => deadlocks(n, 0),
            _ => found(n, &[]),
        };
        told.extend(kinds(&incidents.decide(window)));
    }
    assert_eq!(told, [NoticeKind::Fired]);
    let incident = only(&incidents);
    assert_eq!(incident.state, IncidentState::Firing);
    assert_eq!(incident.started_at, span(0).from);
    // Ten minutes without one, and the minute of an incident.
    let over = resolved_in(&mut incidents, 361);
    assert!((425..=428).contains(&over), "{over}");
}

#[test]
fn an_update_that_scans_leads_to_waits_for_locks_and_a_plain_read_does_not() {
    for (sql, explains) in [
        ("SELECT * FROM note WHERE body = ?", false),
        ("SELECT * FROM note WHERE body = ? FOR UPDATE", true),
        ("UPDATE note SET n = ? WHERE body = ?", true),
    ] {
        let wait = Sick {
            detector: "lock-wait",
            statement: 2,
            seconds: 5.0,
            ..SCAN
        };
        let scan = Finding {
            template: Some(crate::model::sql::Template::new(sql)),
            ..finding(SCAN, 0)
        };
        let mut incidents = fresh();
        for n in 0..2 {
            let said = vec![
                judgement(SCAN, n, Verdict::Found(vec![scan.clone()])),
                judgement(wait, n, Verdict::Found(vec![finding(wait, n)])),
            ];
            incidents.decide(judged("a", n, said));
        }
        let cause = only(&incidents).cause.unwrap();
        let leads_to = Evidence::clause("leads_to", "lock-wait");
        assert_eq!(cause.evidence.contains(&leads_to), explains, "{sql}");
    }
}

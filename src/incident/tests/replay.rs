//! Any run of windows: a crash changes nothing, and what is told is told in order.

use super::*;

/// What the store makes of the decisions.
#[derive(Default)]
struct Model {
    problems: BTreeMap<ProblemKey, crate::incident::Problem>,
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

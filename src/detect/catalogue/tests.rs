use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::model::event::{Coverage, DbTarget, Origin};
use crate::model::id::{FingerprintId, ServiceName, SourceId};
use crate::model::sql::{Dialect, Parsed, Shape, Statement, StatementKind, Template};
use crate::model::subject::{Latency, Load, RowLoad, TotalLoad};
use crate::model::time::{Interval, Timestamp};
use crate::window::WindowKey;

/// A full scan that nobody could miss.
fn scan(horizon: Horizon) -> QueryProfile {
    let rows = |per_run: u64| RowLoad {
        runs: 50,
        total: 50 * per_run,
        min: per_run,
        p95: per_run,
        max: per_run,
    };
    let shape = Shape {
        kind: StatementKind::Select,
        tables: vec!["orders".into()],
        filtered: true,
        ..Shape::default()
    };
    QueryProfile {
        statement: Arc::new(Statement {
            fingerprint: FingerprintId(1),
            loose: FingerprintId(2),
            template: Template::new("SELECT id FROM orders WHERE note LIKE ?"),
            dialect: Dialect::Mysql,
            parsed: Parsed::Shape(Box::new(shape)),
            truncated: false,
        }),
        service: ServiceName::new("shop"),
        target: DbTarget::default(),
        origin: Origin::Log,
        span: span(),
        horizon,
        load: Load {
            count: 50,
            elapsed: Latency {
                total: Duration::from_secs(100),
                p50: Duration::from_secs(2),
                ..Latency::default()
            },
            rows_examined: Some(rows(1_000_000)),
            rows_returned: Some(rows(1)),
            ..Load::default()
        },
        total: TotalLoad::default(),
        baseline: None,
        coverage: Coverage::default(),
        tables: Vec::new(),
        parameters: Vec::new(),
        plan: None,
        exemplars: Vec::new(),
        companions: Vec::new(),
        course: Vec::new(),
    }
}

fn span() -> Interval {
    Interval {
        from: Timestamp::from_unix_secs(0),
        to: Timestamp::from_unix_secs(60),
    }
}

fn judged(profiles: Vec<QueryProfile>, settings: &DetectSettings) -> Judged {
    Catalogue::new(settings).judge(Closed {
        key: WindowKey {
            source: SourceId::new("slow_log:/var/log/slow.log"),
            start: span().from,
        },
        span: span(),
        profiles,
        errors: Vec::new(),
        operations: Vec::new(),
        times: BTreeMap::new(),
        backlog: false,
    })
}

fn found(judged: &Judged) -> Vec<&str> {
    let found = |j: &&Judgement| matches!(j.verdict, Verdict::Found(_));
    judged
        .judgements
        .iter()
        .filter(found)
        .map(|j| &*j.detector)
        .collect()
}

#[test]
fn a_window_is_judged_by_acute_detectors_and_an_hour_by_chronic_ones() {
    let recent = judged(vec![scan(Horizon::Recent)], &DetectSettings::default());
    assert_eq!(found(&recent), ["full-scan"]);
    let long = judged(vec![scan(Horizon::Long)], &DetectSettings::default());
    assert!(found(&long).is_empty());
    let whole = judged(vec![scan(Horizon::Whole)], &DetectSettings::default());
    let of_statements = Catalogue::new(&DetectSettings::default())
        .of_queries()
        .count();
    assert_eq!(whole.judgements.len(), of_statements);
}

#[test]
fn a_disabled_detector_never_runs() {
    let mut settings = DetectSettings::default();
    settings.full_scan.enabled = false;
    let judged = judged(vec![scan(Horizon::Recent)], &settings);
    assert!(
        judged
            .judgements
            .iter()
            .all(|j| &*j.detector != "full-scan")
    );
}

#[test]
fn one_problem_seen_twice_is_judged_once() {
    let twice = vec![scan(Horizon::Recent), scan(Horizon::Recent)];
    let judged = judged(twice, &DetectSettings::default());
    let problems = judged
        .judgements
        .iter()
        .filter(|j| &*j.detector == "full-scan");
    let findings = problems.map(|j| match &j.verdict {
        Verdict::Found(findings) => findings.len(),
        _ => 0,
    });
    assert_eq!(findings.collect::<Vec<_>>(), [1]);
}

#[test]
fn an_idle_window_has_no_judgement() {
    assert!(
        judged(Vec::new(), &DetectSettings::default())
            .judgements
            .is_empty()
    );
}

#[test]
fn what_was_found_outweighs_what_was_too_little() {
    let few = || Verdict::Insufficient { seen: 1, needed: 3 };
    assert_eq!(worse(Verdict::Clear, few()), few());
    assert!(matches!(
        worse(few(), Verdict::Found(Vec::new())),
        Verdict::Found(_)
    ));
}

#[test]
fn a_misspelt_setting_is_refused() {
    let misspelt = toml::from_str::<DetectSettings>("[full-scan]\nmin_row = 5\n");
    assert!(misspelt.is_err());
    let unknown = toml::from_str::<DetectSettings>("[full_scan]\nmin_rows = 5\n");
    assert!(unknown.is_err());
}

#[test]
fn settings_survive_a_round_through_toml() {
    let text = toml::to_string(&DetectSettings::default()).unwrap();
    assert_eq!(
        toml::from_str::<DetectSettings>(&text).unwrap(),
        DetectSettings::default()
    );
}

#[test]
fn every_name_is_explained_and_no_other() {
    assert!(ALL.iter().all(|meta| explain(meta.slug).is_some()));
    assert!(explain("full_scan").is_none());
}

#[test]
fn absurd_numbers_make_no_panic_and_no_infinite_evidence() {
    let most = RowLoad {
        runs: u64::MAX,
        total: u64::MAX,
        min: u64::MAX,
        p95: u64::MAX,
        max: u64::MAX,
    };
    let settings = DetectSettings {
        load_hog: load_hog::Settings {
            min_load: f64::NAN,
            ..load_hog::Settings::default()
        },
        ..DetectSettings::default()
    };
    let catalogue = Catalogue::new(&settings);
    for (rows, time) in [(most, Duration::MAX), (RowLoad::default(), Duration::ZERO)] {
        let mut profile = scan(Horizon::Whole);
        profile.load = Load {
            count: rows.runs,
            cancelled: rows.runs,
            elapsed: Latency {
                total: time,
                max: time,
                ..Latency::default()
            },
            cancelled_elapsed: Some(Latency::default()),
            lock: Some(time),
            rows_examined: Some(rows),
            rows_returned: Some(rows),
            access_known: rows.runs,
            full_scans: rows.runs,
            merge_passes: rows.runs,
            filesorts_on_disk: rows.runs,
            ..Load::default()
        };
        profile.span.to = profile.span.from.plus(time);
        profile.total.elapsed = time;
        for (_, verdict) in catalogue.inspect(&profile) {
            let json = serde_json::to_string(&format!("{verdict:?}")).unwrap();
            assert!(!json.contains("NaN") && !json.contains(" inf"), "{json}");
        }
    }
}

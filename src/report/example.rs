//! One incident with everything in it, for the tests of `report` and `alert`.

use std::sync::Arc;
use std::time::Duration;

use crate::detect::{DetectorMeta, Status};
use crate::model::event::{Coverage, CoverageSource};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Finding, Remedy, Safety, Severity, Urgency};
use crate::model::id::{FingerprintId, IncidentId, ServiceName, SourceId};
use crate::model::incident::{
    Alert, Cause, Incident, IncidentFinding, IncidentState, Link, TimelineEntry, TimelineEvent,
};
use crate::model::sql::{Dialect, Parsed, Statement, TableName, Template};
use crate::model::subject::{Latency, Load, RowLoad};
use crate::model::time::{Interval, Timestamp};
use crate::report::postmortem::{Context, Gap, SourceNote, Windows};
use crate::report::{Lang, Links, Style};
use crate::store::view::{LoadPoint, Marker, QueryPoint, QueryRow};

/// 2026-11-21 14:00:00 in Seoul.
pub(crate) const NOON: u64 = 1_795_237_200;

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_secs(NOON + seconds)
}

pub(crate) fn style(lang: Lang) -> Style {
    Style {
        lang,
        zone: jiff::tz::TimeZone::posix("KST-9").unwrap(),
        links: Links {
            public_url: Some("https://ops.example/sqleuth".to_owned()),
            jaeger_url: Some("https://jaeger.example".to_owned()),
            grafana_url: Some("https://grafana.example".to_owned()),
        },
        lookup,
    }
}

fn lookup(slug: &str) -> Option<&'static DetectorMeta> {
    static FULL_SCAN: DetectorMeta = DetectorMeta {
        slug: "full-scan",
        summary: "a table is read from end to end",
        summary_ko: "테이블을 처음부터 끝까지 읽음",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "slow log",
        about: crate::detect::About::Statement,
        since: "0.1.0",
        status: Status::Stable,
        docs: "",
    };
    static UNION_HOTSPOT: DetectorMeta = DetectorMeta {
        slug: "union-hotspot",
        summary: "a UNION removes duplicates of a large result",
        summary_ko: "UNION이 큰 결과의 중복을 제거함",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "slow log",
        about: crate::detect::About::Statement,
        since: "0.1.0",
        status: Status::Stable,
        docs: "",
    };
    [&FULL_SCAN, &UNION_HOTSPOT]
        .into_iter()
        .find(|meta| meta.slug == slug)
}

fn span(from: u64, to: u64) -> Interval {
    Interval {
        from: at(from),
        to: at(to),
    }
}

fn table(name: &str) -> TableName {
    Arc::from(format!("shop.{name}"))
}

fn full_scan() -> IncidentFinding {
    IncidentFinding {
        finding: Finding {
            detector: Arc::from("full-scan"),
            severity: Severity::Critical,
            urgency: Urgency::Acute,
            began: None,
            at: span(0, 80),
            service: ServiceName::new("backup & restore"),
            database: Arc::from("shop"),
            fingerprint: Some(FingerprintId(0x3f2a_91c4_0d5e_77b1)),
            errors: None,
            operation: None,
            template: Some(Template::new(
                "SELECT id, body FROM note WHERE owner_id = ? AND deleted < ? ORDER BY created_at DESC LIMIT ?",
            )),
            tables: vec![table("note")],
            recurring: false,
            evidence: vec![
                Evidence::measure("rows_examined_per_row_sent", 12_000.0, 100.0, Unit::Ratio),
                Evidence::context("rows_of_table", 1_200_000.0, Unit::Rows),
                Evidence::Cost {
                    seconds: 34.52,
                    share: Some(0.712),
                    over: span(0, 80),
                },
                Evidence::Exemplar {
                    at: at(70),
                    seconds: 3.4,
                    parameters: Some(FingerprintId(0xdef)),
                    trace_id: Some(Arc::from("0af7651916cd43dd8448eb211c80319c")),
                },
            ],
            remedies: vec![index()],
        },
        onset: span(0, 10),
        last_seen: at(300),
        active: true,
        earlier: None,
    }
}

fn index() -> Remedy {
    Remedy {
        sql: "CREATE INDEX note_owner_created ON note (owner_id, created_at)".to_owned(),
        why: "candidate index, unverified: built from the statement's conditions alone; check existing indexes, \
              selectivity and write cost first"
            .to_owned(),
        safety: Safety::Safe,
    }
}

fn union_hotspot() -> IncidentFinding {
    let mut found = full_scan();
    found.finding = Finding {
        detector: Arc::from("union-hotspot"),
        severity: Severity::Warning,
        fingerprint: Some(FingerprintId(0x0b17_55aa_0000_0001)),
        errors: None,
        operation: None,
        template: Some(Template::new(
            "SELECT id FROM note WHERE owner_id = ? UNION SELECT id FROM chat WHERE owner_id = ?",
        )),
        tables: vec![table("chat"), table("note")],
        evidence: vec![Evidence::measure(
            "tmp_table_on_disk_share_of_runs",
            0.92,
            0.5,
            Unit::Share,
        )],
        remedies: Vec::new(),
        ..found.finding
    };
    found.onset = span(40, 50);
    found
}

fn happened(seconds: u64, what: TimelineEvent) -> TimelineEntry {
    TimelineEntry {
        at: at(seconds),
        what,
    }
}

/// It fires.
pub(crate) fn incident() -> Incident {
    Incident {
        id: IncidentId::new("INC-20261121-1"),
        title: "full-scan on shop.note".to_owned(),
        state: IncidentState::Firing,
        acknowledged_by: None,
        severity: Severity::Critical,
        started_at: at(0),
        detected_at: Some(at(20)),
        resolved_at: None,
        service: ServiceName::new("backup & restore"),
        databases: vec![Arc::from("shop")],
        cause: Some(Cause {
            finding: Arc::from("full-scan"),
            confidence: 0.87,
            evidence: vec![Evidence::clause("leads_to", "union-hotspot")],
            counter_evidence: vec![Evidence::clause("order_unknown", "union-hotspot")],
        }),
        chain: vec![
            Link {
                finding: Arc::from("full-scan"),
                onset: span(0, 10),
            },
            Link {
                finding: Arc::from("union-hotspot"),
                onset: span(40, 50),
            },
        ],
        findings: vec![full_scan(), union_hotspot()],
        alerts: vec![Alert {
            sink: Arc::from("slack"),
            at: at(21),
            what: Arc::from("fired"),
        }],
        remedies: vec![index()],
        timeline: vec![
            happened(0, TimelineEvent::Opened),
            happened(20, TimelineEvent::Fired),
            happened(
                50,
                TimelineEvent::FindingJoined {
                    finding: Arc::from("union-hotspot"),
                    fingerprint: Some(FingerprintId(0x0b17_55aa_0000_0001)),
                },
            ),
        ],
        revision: 3,
    }
}

/// It is over.
pub(crate) fn resolved() -> Incident {
    let mut incident = incident();
    incident.state = IncidentState::Resolved;
    incident.resolved_at = Some(at(420));
    incident.acknowledged_by = Some("on-call".to_owned());
    for found in &mut incident.findings {
        found.active = false;
    }
    incident.timeline.extend([
        happened(
            95,
            TimelineEvent::Acknowledged {
                by: "on-call".to_owned(),
            },
        ),
        happened(360, TimelineEvent::Recovering),
        happened(420, TimelineEvent::Resolved),
    ]);
    incident.revision = 6;
    incident
}

/// The step of every series.
const STEP: Duration = Duration::from_secs(30);

fn row(fingerprint: u64, template: &str, (runs, p95, share): (u64, f64, f64)) -> QueryRow {
    let statement = Statement {
        fingerprint: FingerprintId(fingerprint),
        loose: FingerprintId(fingerprint),
        template: Template::new(template),
        dialect: Dialect::Mysql,
        parsed: Parsed::Shape(Box::default()),
        truncated: false,
    };
    QueryRow {
        statement: Arc::new(statement),
        load: load(runs, p95),
        share,
        first_seen: at(0),
        last_seen: at(300),
        databases: vec![Arc::from("shop")],
    }
}

fn load(runs: u64, p95: f64) -> Load {
    Load {
        count: runs,
        elapsed: Latency {
            total: Duration::from_secs_f64(p95) * u32::try_from(runs).unwrap(),
            p50: Duration::from_secs_f64(p95 / 3.0),
            p95: Duration::from_secs_f64(p95),
            ..Latency::default()
        },
        rows_examined: Some(RowLoad {
            runs,
            total: runs * 12_000,
            ..RowLoad::default()
        }),
        ..Load::default()
    }
}

const SCAN: u64 = 0x3f2a_91c4_0d5e_77b1;

fn series(windows: Windows) -> (Vec<LoadPoint>, Vec<QueryPoint>) {
    let mut points = Vec::new();
    let mut latency = Vec::new();
    for step in 0..130_u32 {
        let when = windows.before.from.plus(STEP * step);
        let sick = when >= at(0) && when < at(360);
        let wave = f64::from(step % 7);
        let p95 = if sick {
            3.0 + wave / 5.0
        } else {
            0.1 + wave / 100.0
        };
        for (id, seconds) in [
            (Some(SCAN), if sick { 60.0 + 4.0 * wave } else { 2.0 }),
            (Some(7), 8.0 + wave),
            (None, 5.0),
        ] {
            points.push(LoadPoint {
                at: when,
                fingerprint: id.map(FingerprintId),
                seconds,
                count: 10,
            });
        }
        latency.push(QueryPoint {
            at: when,
            load: load(10, p95),
        });
    }
    (points, latency)
}

/// Everything that a postmortem of [`resolved`] knows.
pub(crate) fn context() -> Context {
    let scan = "SELECT id, body FROM note WHERE owner_id = ? AND deleted < ? ORDER BY created_at DESC LIMIT ?";
    let other = "UPDATE cart SET n = ? WHERE id = ?";
    let windows = Windows::of(&resolved(), at(420 + 1_800));
    let (points, latency) = series(windows);
    let mut earlier = resolved();
    earlier.id = IncidentId::new("INC-20261114-2");
    Context {
        style: style(Lang::En),
        windows,
        before: vec![
            row(7, other, (9_000, 0.02, 0.6)),
            row(SCAN, scan, (300, 0.12, 0.1)),
        ],
        during: vec![
            row(SCAN, scan, (1_240, 3.4, 0.712)),
            row(7, other, (4_000, 0.03, 0.2)),
        ],
        after: vec![row(7, other, (9_100, 0.02, 0.61))],
        step: STEP,
        load: points,
        latency,
        markers: vec![Marker {
            at: windows.before.to.minus(Duration::from_secs(40)),
            kind: "deploy".to_owned(),
            title: "notes 4.2 <canary>".to_owned(),
            service: None,
        }],
        sources: vec![SourceNote {
            source: SourceId::new("slow_log:/var/log/mysql/slow.log"),
            coverage: Coverage {
                slower_than: Some(Duration::from_millis(100)),
                one_in: Some(10),
                known_by: CoverageSource::Stated,
            },
            gaps: vec![Gap {
                over: span(100, 130),
                why: "log truncated, 1,240 bytes lost".to_owned(),
            }],
        }],
        similar: vec![earlier],
        generator: "sqleuth 0.1.0".to_owned(),
    }
}

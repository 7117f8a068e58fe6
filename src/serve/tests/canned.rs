//! An archive that holds one incident and three statements, whatever is asked.

use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{Coverage, CoverageSource};
use crate::model::finding::Finding;
use crate::model::id::{FingerprintId, IncidentId, ServiceName, SourceId};
use crate::model::incident::Incident;
use crate::model::sql::{Dialect, Parsed, Statement, StatementKind, Template};
use crate::model::subject::{Latency, Load, RowLoad};
use crate::model::time::{Interval, Timestamp};
use crate::model::trace::{self, Trace};
use crate::report::{Lang, example};
use crate::serve::archive::{Archive, ArchiveError, Read};
use crate::store::view::{
    FindingFilter, IncidentFilter, LoadPoint, Marker, Operation, Page, QueryDetail, QueryFilter,
    QueryPoint, QueryRow, SourceRow, TraceFilter,
};

/// What an attacker would like to see unescaped.
pub(super) const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'";

/// The one trace that is kept.
const TRACE: u128 = 0xabc;

/// See the module.
#[derive(Debug)]
pub(super) struct Canned {
    incidents: Vec<Incident>,
    queries: Vec<QueryRow>,
}

impl Canned {
    pub(super) fn new() -> Self {
        Self {
            incidents: vec![example::incident(), example::resolved()],
            queries: vec![
                query(
                    0x1,
                    "SELECT n.id, n.body FROM note AS n WHERE n.owner = ? UNION SELECT c.id, c.text FROM chat AS c WHERE c.owner = ? ORDER BY ?",
                    0.71,
                ),
                query(0x2, "SELECT * FROM customer WHERE lower(email) = ?", 0.2),
                query(0x3, "UPDATE cart SET touched_at = ? WHERE id = ?", 0.09),
            ],
        }
    }

    /// The same without an incident.
    pub(super) fn quiet() -> Self {
        Self {
            incidents: Vec::new(),
            ..Self::new()
        }
    }

    /// The same with hostile text wherever text is.
    pub(super) fn hostile() -> Self {
        let mut canned = Self::new();
        for incident in &mut canned.incidents {
            HOSTILE.clone_into(&mut incident.title);
            incident.service = ServiceName::new(HOSTILE);
            incident.databases = vec![Arc::from(HOSTILE)];
            incident.acknowledged_by = Some(HOSTILE.to_owned());
            for kept in &mut incident.findings {
                kept.finding.template = Some(Template::new(HOSTILE));
                kept.finding.tables = vec![Arc::from(HOSTILE)];
                kept.finding.detector = Arc::from(HOSTILE);
            }
            for remedy in &mut incident.remedies {
                HOSTILE.clone_into(&mut remedy.sql);
                HOSTILE.clone_into(&mut remedy.why);
            }
        }
        canned.queries = vec![query(0x1, HOSTILE, 1.0)];
        canned
    }
}

impl Archive for Canned {
    fn incidents(&self, filter: &IncidentFilter) -> Read<Page<Incident>> {
        if filter.cursor.is_some() {
            return Err(ArchiveError::BadCursor);
        }
        let is_asked = |i: &&Incident| filter.states.is_empty() || filter.states.contains(&i.state);
        let items = self.incidents.iter().filter(is_asked);
        Ok(Page {
            items: items.take(filter.limit).cloned().collect(),
            next: None,
        })
    }

    fn incident(&self, id: &IncidentId) -> Read<Option<Incident>> {
        Ok(self.incidents.iter().find(|i| i.id == *id).cloned())
    }

    fn queries(&self, filter: &QueryFilter) -> Read<Page<QueryRow>> {
        Ok(Page {
            items: self.queries.iter().take(filter.limit).cloned().collect(),
            next: Some("a&b".to_owned()),
        })
    }

    fn query(&self, fingerprint: FingerprintId, within: Interval) -> Read<Option<QueryDetail>> {
        // Whatever the example's findings name is the first statement here.
        let known = fingerprint != FingerprintId(0xff);
        let row = self.queries.first().filter(|_| known);
        Ok(row.map(|row| QueryDetail {
            row: row.clone(),
            series: (0..60)
                .map(|minute| QueryPoint {
                    at: within.from.plus(Duration::from_secs(60 * minute)),
                    load: load(wave(minute)),
                })
                .collect(),
        }))
    }

    fn findings(&self, filter: &FindingFilter) -> Read<Page<Finding>> {
        let kept = self.incidents.iter().flat_map(|i| &i.findings);
        Ok(Page {
            items: kept.map(|k| k.finding.clone()).take(filter.limit).collect(),
            next: None,
        })
    }

    fn load_series(&self, within: Interval, _step: Duration, _top: usize) -> Read<Vec<LoadPoint>> {
        let fingerprints = [
            Some(FingerprintId(1)),
            Some(FingerprintId(2)),
            Some(FingerprintId(3)),
            None,
        ];
        let mut points = Vec::new();
        for minute in 0..60 {
            for (rank, fingerprint) in fingerprints.into_iter().enumerate() {
                let part = [1.0, 0.4, 0.25, 0.3][rank];
                points.push(LoadPoint {
                    at: within.from.plus(Duration::from_secs(60 * minute)),
                    fingerprint,
                    seconds: 60.0 * part * wave(minute),
                    count: 10,
                });
            }
        }
        Ok(points)
    }

    fn sources(&self) -> Read<Vec<SourceRow>> {
        Ok(vec![SourceRow {
            source: source(),
            last_seen: Some(now().minus(Duration::from_secs(4))),
            offset: 48_213,
            coverage: Coverage {
                slower_than: Some(Duration::from_millis(500)),
                one_in: Some(10),
                known_by: CoverageSource::Stated,
            },
            gaps: Vec::new(),
        }])
    }

    fn markers(&self, within: Interval, skip: u32) -> Read<Vec<Marker>> {
        let at = now().minus(Duration::from_secs(1_500));
        let deploy = |title: &str| Marker {
            at,
            kind: "deploy".to_owned(),
            title: title.to_owned(),
            service: None,
        };
        // Two at the same instant, as a pipeline writes them.
        let all = [deploy(HOSTILE), deploy("schema")];
        let shown = all.into_iter().filter(|m| within.from <= m.at);
        Ok(shown.skip(usize::try_from(skip).unwrap()).collect())
    }

    fn trace(&self, id: u128) -> Read<Option<Trace>> {
        Ok((id == TRACE).then(|| trace::example::trace(TRACE)))
    }

    fn traces(&self, _filter: &TraceFilter) -> Read<Vec<Trace>> {
        Ok(vec![trace::example::trace(TRACE)])
    }

    fn trace_services(&self) -> Read<Vec<String>> {
        Ok(vec!["proxy".to_owned(), "shop".to_owned()])
    }

    fn trace_operations(&self, _service: &str) -> Read<Vec<Operation>> {
        let named = [("GET /cart", "server"), ("SELECT shop", "client")];
        let operations = named.map(|(name, kind)| Operation {
            name: name.to_owned(),
            kind: kind.to_owned(),
        });
        Ok(operations.to_vec())
    }

    fn postmortem(&self, incident: &Incident, lang: Lang) -> Read<String> {
        Ok(format!("# {} ({})\n", incident.title, lang.as_str()))
    }
}

/// The log that was read until four seconds ago.
pub(super) fn source() -> SourceId {
    SourceId::new("slow_log:/var/log/mysql/slow.log")
}

/// The canned clock.
pub(super) fn now() -> Timestamp {
    example::at(1_200)
}

fn wave(minute: u64) -> f64 {
    if minute > 38 {
        3.4
    } else {
        0.4 + f64::from(u32::try_from(minute % 7).unwrap()) * 0.05
    }
}

fn load(seconds: f64) -> Load {
    let rows = RowLoad {
        runs: 40,
        total: 48_000_000,
        min: 1,
        p95: 1_300_000,
        max: 1_400_000,
    };
    Load {
        count: 40,
        elapsed: Latency {
            total: Duration::from_secs_f64(40.0 * seconds),
            min: Duration::from_secs_f64(seconds * 0.5),
            p50: Duration::from_secs_f64(seconds),
            p95: Duration::from_secs_f64(seconds * 1.8),
            p99: Duration::from_secs_f64(seconds * 2.0),
            max: Duration::from_secs_f64(seconds * 2.4),
        },
        lock: Some(Duration::from_millis(12)),
        rows_examined: Some(rows),
        rows_returned: Some(RowLoad {
            runs: 40,
            total: 800,
            min: 20,
            p95: 20,
            max: 20,
        }),
        full_scans: 40,
        ..Load::default()
    }
}

fn query(fingerprint: u64, template: &str, share: f64) -> QueryRow {
    let statement = Statement {
        fingerprint: FingerprintId(fingerprint),
        loose: FingerprintId(fingerprint),
        template: Template::new(template),
        dialect: Dialect::Mysql,
        parsed: Parsed::Opaque {
            why: "syntax".to_owned(),
            kind: StatementKind::Select,
            tables: vec![Arc::from("note"), Arc::from(HOSTILE)],
        },
        truncated: false,
    };
    QueryRow {
        statement: Arc::new(statement),
        load: load(share * 4.0),
        share,
        first_seen: now().minus(Duration::from_secs(3_000)),
        last_seen: now().minus(Duration::from_secs(4)),
        databases: vec![Arc::from("shop")],
    }
}

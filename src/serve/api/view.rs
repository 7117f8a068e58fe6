//! JSON of the API where it differs from the model: durations in seconds, findings with their sentence.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::finding::{Finding, Remedy, Severity};
use crate::model::id::{FingerprintId, IncidentId, ServiceName};
use crate::model::incident::{
    Alert, Cause, Incident, IncidentFinding, IncidentState, Link, TimelineEntry,
};
use crate::model::sql::{Dialect, StatementKind, Template};
use crate::model::subject::{Latency, Load, RowLoad};
use crate::model::time::{Interval, Timestamp};
use crate::report::{Style, sentence};
use crate::store::view::{QueryDetail, QueryPoint, QueryRow};

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct PageView<T> {
    /// Rows.
    pub(in crate::serve) items: Vec<T>,
    /// Pass it as `cursor` to go on; `null` at the end.
    pub(in crate::serve) next: Option<String>,
}

/// A finding and what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct FindingView {
    /// One sentence.
    pub(in crate::serve) summary: String,
    /// The finding.
    #[serde(flatten)]
    pub(in crate::serve) finding: Finding,
}

impl FindingView {
    pub(in crate::serve) fn new(finding: Finding, style: &Style) -> Self {
        Self {
            summary: sentence::finding(&finding, style),
            finding,
        }
    }
}

/// A problem as the incident keeps it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct IncidentFindingView {
    /// The finding at its worst.
    #[serde(flatten)]
    pub(in crate::serve) finding: FindingView,
    /// When it began, as far as windows can tell.
    pub(in crate::serve) onset: Interval,
    /// End of the last window in which it was sick.
    pub(in crate::serve) last_seen: Timestamp,
    /// It is sick now.
    pub(in crate::serve) active: bool,
}

impl IncidentFindingView {
    fn new(kept: IncidentFinding, style: &Style) -> Self {
        Self {
            finding: FindingView::new(kept.finding, style),
            onset: kept.onset,
            last_seen: kept.last_seen,
            active: kept.active,
        }
    }
}

/// One outage.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct IncidentView {
    /// Name.
    pub(in crate::serve) id: IncidentId,
    /// One line.
    pub(in crate::serve) title: String,
    /// Where it stands.
    pub(in crate::serve) state: IncidentState,
    /// Who took it.
    pub(in crate::serve) acknowledged_by: Option<String>,
    /// The worst of what is sick now; once nothing is, the worst that it was.
    pub(in crate::serve) severity: Severity,
    /// Start of the first window that was sick.
    pub(in crate::serve) started_at: Timestamp,
    /// When it began to fire.
    pub(in crate::serve) detected_at: Option<Timestamp>,
    /// When it was over.
    pub(in crate::serve) resolved_at: Option<Timestamp>,
    /// Service of the leading finding.
    pub(in crate::serve) service: ServiceName,
    /// Databases concerned, sorted.
    pub(in crate::serve) databases: Vec<Arc<str>>,
    /// The most likely cause, never a fact.
    pub(in crate::serve) cause: Option<Cause>,
    /// Findings by onset.
    pub(in crate::serve) chain: Vec<Link>,
    /// Every problem that belongs to it: first what is sick now, the likeliest cause before the others.
    pub(in crate::serve) findings: Vec<IncidentFindingView>,
    /// What was told, to whom.
    pub(in crate::serve) alerts: Vec<Alert>,
    /// What may help, best first; for a person to read before it is run.
    pub(in crate::serve) remedies: Vec<Remedy>,
    /// What happened to it, oldest first.
    pub(in crate::serve) timeline: Vec<TimelineEntry>,
    /// Raised by every change.
    pub(in crate::serve) revision: u64,
}

impl IncidentView {
    pub(in crate::serve) fn new(incident: Incident, style: &Style) -> Self {
        let findings = incident.findings.into_iter();
        Self {
            id: incident.id,
            title: incident.title,
            state: incident.state,
            acknowledged_by: incident.acknowledged_by,
            severity: incident.severity,
            started_at: incident.started_at,
            detected_at: incident.detected_at,
            resolved_at: incident.resolved_at,
            service: incident.service,
            databases: incident.databases,
            cause: incident.cause,
            chain: incident.chain,
            findings: findings
                .map(|f| IncidentFindingView::new(f, style))
                .collect(),
            alerts: incident.alerts,
            remedies: incident.remedies,
            timeline: incident.timeline,
            revision: incident.revision,
        }
    }
}

/// Run times in seconds.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct SecondsView {
    pub(in crate::serve) total: f64,
    pub(in crate::serve) min: f64,
    pub(in crate::serve) mean: f64,
    pub(in crate::serve) p50: f64,
    pub(in crate::serve) p95: f64,
    pub(in crate::serve) p99: f64,
    pub(in crate::serve) max: f64,
}

impl SecondsView {
    fn new(elapsed: &Latency, count: u64) -> Self {
        Self {
            total: elapsed.total.as_secs_f64(),
            min: elapsed.min.as_secs_f64(),
            mean: mean(elapsed.total.as_secs_f64(), count),
            p50: elapsed.p50.as_secs_f64(),
            p95: elapsed.p95.as_secs_f64(),
            p99: elapsed.p99.as_secs_f64(),
            max: elapsed.max.as_secs_f64(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a mean of counts needs no more than 53 bits"
)]
fn mean(total: f64, count: u64) -> f64 {
    if count == 0 {
        0.0
    } else {
        total / count as f64
    }
}

/// Row or byte counts of the runs that told them.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct RowsView {
    pub(in crate::serve) total: u64,
    pub(in crate::serve) mean: f64,
    pub(in crate::serve) p95: u64,
    pub(in crate::serve) max: u64,
}

impl RowsView {
    fn new(rows: &RowLoad) -> Self {
        Self {
            total: rows.total,
            mean: rows.mean(),
            p95: rows.p95,
            max: rows.max,
        }
    }
}

/// What a statement did. What its source does not tell is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct LoadView {
    /// Runs.
    pub(in crate::serve) count: u64,
    /// Runs that failed.
    pub(in crate::serve) errors: u64,
    /// Runs that were cut by a timeout or a kill.
    pub(in crate::serve) cancelled: u64,
    /// Run times.
    pub(in crate::serve) time_s: SecondsView,
    /// Time spent waiting for locks, in seconds.
    pub(in crate::serve) lock_total_s: Option<f64>,
    /// Rows read.
    pub(in crate::serve) rows_examined: Option<RowsView>,
    /// Rows sent.
    pub(in crate::serve) rows_sent: Option<RowsView>,
    /// Rows written.
    pub(in crate::serve) rows_affected: Option<RowsView>,
    /// Bytes sent.
    pub(in crate::serve) bytes_sent: Option<RowsView>,
    /// Runs that read a table from end to end.
    pub(in crate::serve) full_scans: u64,
}

impl LoadView {
    fn new(load: &Load) -> Self {
        Self {
            count: load.count,
            errors: load.errors,
            cancelled: load.cancelled,
            time_s: SecondsView::new(&load.elapsed, load.count.saturating_sub(load.untimed)),
            lock_total_s: load.lock.as_ref().map(Duration::as_secs_f64),
            rows_examined: load.rows_examined.as_ref().map(RowsView::new),
            rows_sent: load.rows_returned.as_ref().map(RowsView::new),
            rows_affected: load.rows_affected.as_ref().map(RowsView::new),
            bytes_sent: load.bytes_sent.as_ref().map(RowsView::new),
            full_scans: load.full_scans,
        }
    }
}

/// One statement over an interval, as in `digest`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct QueryView {
    /// Its identity.
    pub(in crate::serve) fingerprint: FingerprintId,
    /// Its text with `?` for every literal.
    pub(in crate::serve) template: Template,
    /// Dialect it was read in.
    pub(in crate::serve) dialect: Dialect,
    /// What it does.
    pub(in crate::serve) kind: StatementKind,
    /// Sums.
    #[serde(flatten)]
    pub(in crate::serve) load: LoadView,
    /// Share of all run time in the interval, 0 to 1.
    pub(in crate::serve) share: f64,
    /// First run in the interval.
    pub(in crate::serve) first_seen: Timestamp,
    /// Last run in the interval.
    pub(in crate::serve) last_seen: Timestamp,
    /// Databases it ran on.
    pub(in crate::serve) databases: Vec<Arc<str>>,
    /// Tables it names.
    #[schema(value_type = Vec<String>)]
    pub(in crate::serve) tables: Vec<Arc<str>>,
}

impl QueryView {
    pub(in crate::serve) fn new(row: QueryRow) -> Self {
        let statement = &row.statement;
        Self {
            fingerprint: statement.fingerprint,
            template: statement.template.clone(),
            dialect: statement.dialect,
            kind: statement.kind(),
            load: LoadView::new(&row.load),
            share: row.share,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            databases: row.databases,
            tables: statement.tables().to_vec(),
        }
    }
}

/// One step of a series.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct PointView {
    /// Start of the step.
    pub(in crate::serve) at: Timestamp,
    /// Sums.
    #[serde(flatten)]
    pub(in crate::serve) load: LoadView,
}

impl PointView {
    fn new(point: &QueryPoint) -> Self {
        Self {
            at: point.at,
            load: LoadView::new(&point.load),
        }
    }
}

/// One statement in detail.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct QueryDetailView {
    /// Sums over the interval.
    #[serde(flatten)]
    pub(in crate::serve) query: QueryView,
    /// The same per step, oldest first.
    pub(in crate::serve) series: Vec<PointView>,
}

impl QueryDetailView {
    pub(in crate::serve) fn new(detail: QueryDetail) -> Self {
        Self {
            series: detail.series.iter().map(PointView::new).collect(),
            query: QueryView::new(detail.row),
        }
    }
}

//! What pages, API and commands read: the store, and postmortems made from it.

use std::time::Duration;

use crate::clock::Clock;
use crate::model::finding::Finding;
use crate::model::id::{FingerprintId, IncidentId};
use crate::model::incident::Incident;
use crate::model::time::Interval;
use crate::model::trace::Trace;
use crate::report::postmortem::{Context, Gap, Postmortem, SourceNote, Windows, postmortem};
use crate::report::{Lang, Style, words};
use crate::serve::archive::Read;
use crate::serve::{Archive, ArchiveError};
use crate::store::view::{
    FindingFilter, IncidentFilter, LoadPoint, Marker, Operation, Page, QueryDetail, QueryFilter,
    QueryRow, SourceRow, TraceFilter,
};
use crate::store::{Reader, StoreError};

/// Statements of a postmortem's tables and charts.
const TOP: usize = 8;
/// Points of a postmortem's chart.
const POINTS: u32 = 120;
/// Earlier incidents that are compared.
const SIMILAR: usize = 200;

/// The store as the page sees it.
#[derive(Debug, Clone)]
pub struct StoreArchive {
    reader: Reader,
    style: Style,
    clock: Clock,
}

impl StoreArchive {
    /// Reads by `reader`; postmortems are written in `style`, as seen at the clock's time.
    pub fn new(reader: Reader, style: Style, clock: Clock) -> Self {
        Self {
            reader,
            style,
            clock,
        }
    }

    /// The postmortem of an incident, with its charts and evidence.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn write_up(&self, incident: &Incident, lang: Lang) -> Result<Postmortem, StoreError> {
        let windows = Windows::of(incident, self.clock.now());
        let step = (windows.all().duration() / POINTS).max(Duration::from_secs(10));
        let top = |within| -> Result<Vec<QueryRow>, StoreError> {
            let filter = QueryFilter {
                within,
                limit: TOP,
                ..QueryFilter::default()
            };
            Ok(self.reader.queries(&filter)?.items)
        };
        let leading = incident
            .findings
            .first()
            .and_then(|f| f.finding.fingerprint);
        let latency = match leading {
            Some(fingerprint) => self
                .reader
                .query(fingerprint, windows.all())?
                .map_or_else(Vec::new, |d| d.series),
            None => Vec::new(),
        };
        let sources = self.reader.sources()?;
        let context = Context {
            style: self.style.clone(),
            windows,
            before: top(windows.before)?,
            during: top(windows.during)?,
            after: top(windows.after)?,
            step,
            load: self.reader.load_series(windows.all(), step, TOP)?,
            latency,
            markers: self.reader.markers(windows.all(), 0)?,
            sources: sources
                .into_iter()
                .map(|row| note(row, windows.all(), lang))
                .collect(),
            similar: self.similar(incident)?,
            generator: format!("sqleuth {}", env!("CARGO_PKG_VERSION")),
        };
        Ok(postmortem(incident, &context, lang))
    }

    fn similar(&self, incident: &Incident) -> Result<Vec<Incident>, StoreError> {
        let Some(leading) = incident.findings.first().map(|f| f.finding.key()) else {
            return Ok(Vec::new());
        };
        let filter = IncidentFilter {
            limit: SIMILAR,
            ..IncidentFilter::default()
        };
        let all = self.reader.incidents(&filter)?.items;
        let same = |other: &Incident| other.findings.iter().any(|f| f.finding.key() == leading);
        Ok(all
            .into_iter()
            .filter(|other| other.id != incident.id && same(other))
            .collect())
    }
}

fn note(row: SourceRow, within: Interval, lang: Lang) -> SourceNote {
    let gaps = row.gaps.into_iter().filter(|gap| gap.over.overlaps(within));
    SourceNote {
        source: row.source,
        coverage: row.coverage,
        gaps: gaps
            .map(|gap| Gap {
                over: gap.over,
                why: words::gap(gap.why, lang).to_owned(),
            })
            .collect(),
    }
}

impl Archive for StoreArchive {
    fn incidents(&self, filter: &IncidentFilter) -> Read<Page<Incident>> {
        self.reader.incidents(filter).map_err(failed)
    }

    fn incident(&self, id: &IncidentId) -> Read<Option<Incident>> {
        self.reader.incident(id).map_err(failed)
    }

    fn queries(&self, filter: &QueryFilter) -> Read<Page<QueryRow>> {
        self.reader.queries(filter).map_err(failed)
    }

    fn query(&self, fingerprint: FingerprintId, within: Interval) -> Read<Option<QueryDetail>> {
        self.reader.query(fingerprint, within).map_err(failed)
    }

    fn findings(&self, filter: &FindingFilter) -> Read<Page<Finding>> {
        self.reader.findings(filter).map_err(failed)
    }

    fn load_series(&self, within: Interval, step: Duration, top: usize) -> Read<Vec<LoadPoint>> {
        self.reader.load_series(within, step, top).map_err(failed)
    }

    fn sources(&self) -> Read<Vec<SourceRow>> {
        self.reader.sources().map_err(failed)
    }

    fn markers(&self, within: Interval, skip: u32) -> Read<Vec<Marker>> {
        self.reader.markers(within, skip).map_err(failed)
    }

    fn trace(&self, id: u128) -> Read<Option<Trace>> {
        self.reader.trace(id).map_err(failed)
    }

    fn traces(&self, filter: &TraceFilter) -> Read<Vec<Trace>> {
        self.reader.traces(filter).map_err(failed)
    }

    fn trace_services(&self) -> Read<Vec<String>> {
        self.reader.trace_services().map_err(failed)
    }

    fn trace_operations(&self, service: &str) -> Read<Vec<Operation>> {
        self.reader.trace_operations(service).map_err(failed)
    }

    fn postmortem(&self, incident: &Incident, lang: Lang) -> Read<String> {
        self.write_up(incident, lang)
            .map(|p| p.markdown)
            .map_err(failed)
    }
}

fn failed(error: StoreError) -> ArchiveError {
    match error {
        StoreError::Cursor => ArchiveError::BadCursor,
        other => ArchiveError::Failed(Box::new(other)),
    }
}

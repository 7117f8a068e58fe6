//! Evidence, numbered: every sentence of the machine ends with a number that leads here.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::incident::{Incident, TimelineEntry, TimelineEvent};
use crate::model::time::Interval;
use crate::report::postmortem::Context;
use crate::report::{Style, sentence};

/// A number of the ledger, written `[E7]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ref(usize);

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[E{}]", self.0)
    }
}

/// One entry, as it stands in `evidence.json`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    /// `E7`.
    pub(crate) id: String,
    /// Where it comes from: a detector, the store's windows, the incident's record.
    pub(crate) source: String,
    /// The interval it speaks of.
    pub(crate) over: Option<Interval>,
    /// In words, for the appendix; in English.
    #[serde(skip)]
    pub(crate) words: String,
    /// The data.
    pub(crate) data: Value,
}

/// All evidence of one postmortem. The order depends on the incident and its context alone, so that the same
/// input gives the same numbers.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<Entry>,
    /// The incident's own record.
    pub(crate) record: Ref,
    /// Evidence of each finding, in its order.
    pub(crate) findings: Vec<Vec<Ref>>,
    /// Evidence for the cause, and against it.
    pub(crate) cause: [Vec<Ref>; 2],
    /// Statements before, during, after.
    pub(crate) phases: [Ref; 3],
    /// Load over time.
    pub(crate) load: Ref,
    /// Run time of the leading statement over time.
    pub(crate) latency: Ref,
    /// Markers.
    pub(crate) markers: Vec<Ref>,
    /// Sources.
    pub(crate) sources: Vec<Ref>,
    /// Similar incidents.
    pub(crate) similar: Vec<Ref>,
}

impl Ledger {
    /// Numbers everything that is known.
    pub(crate) fn new(incident: &Incident, context: &Context) -> Self {
        let mut book = Book::default();
        let windows = context.windows;
        let style = &context.style;
        let record = book.add(
            "incident record",
            None,
            record_words(incident),
            record_of(incident),
        );
        let findings = book.findings(incident, style);
        let cause = book.cause(incident, style);
        let phases = [
            ("before", windows.before, &context.before),
            ("during", windows.during, &context.during),
            ("after", windows.after, &context.after),
        ]
        .map(|(name, span, rows)| {
            let words = format!("statements {name}: {} shown", rows.len());
            book.add("stored windows", Some(span), words, rows)
        });
        let all = windows.all();
        let load = book.add(
            "stored windows",
            Some(all),
            "load over time".into(),
            &context.load,
        );
        let latency = book.add(
            "stored windows",
            Some(all),
            "run time of the leading statement over time".into(),
            &context.latency,
        );
        let markers = (context.markers.iter())
            .map(|m| book.add("marker", None, format!("{}: {}", m.kind, m.title), m))
            .collect();
        let sources = (context.sources.iter())
            .map(|s| book.add("source", None, s.source.to_string(), s))
            .collect();
        let similar = (context.similar.iter())
            .map(|i| book.add("incident record", None, record_words(i), record_of(i)))
            .collect();
        Self {
            record,
            findings,
            cause,
            phases,
            load,
            latency,
            markers,
            sources,
            similar,
            entries: book.0,
        }
    }

    /// `evidence.json`: the same bytes for the same input, whatever the language.
    pub(crate) fn to_json(&self, incident: &Incident, context: &Context) -> Vec<u8> {
        let bundle = json!({
            "incident": incident.id,
            "revision": incident.revision,
            "generator": context.generator,
            "evidence": self.entries,
        });
        let mut bytes = serde_json::to_vec_pretty(&bundle).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

#[derive(Default)]
struct Book(Vec<Entry>);

impl Book {
    fn findings(&mut self, incident: &Incident, style: &Style) -> Vec<Vec<Ref>> {
        let mut all = Vec::new();
        for found in &incident.findings {
            let finding = &found.finding;
            let refs = finding.evidence.iter().map(|evidence| {
                let words = sentence::evidence(evidence, style);
                self.add(&finding.detector, Some(finding.at), words, evidence)
            });
            all.push(refs.collect());
        }
        all
    }

    fn cause(&mut self, incident: &Incident, style: &Style) -> [Vec<Ref>; 2] {
        let Some(cause) = &incident.cause else {
            return [Vec::new(), Vec::new()];
        };
        let sides = [
            ("cause ranking, for", &cause.evidence),
            ("cause ranking, against", &cause.counter_evidence),
        ];
        sides.map(|(source, facts)| {
            let refs = facts.iter();
            refs.map(|e| self.add(source, None, sentence::evidence(e, style), e))
                .collect()
        })
    }

    fn add(
        &mut self,
        source: &str,
        over: Option<Interval>,
        words: String,
        data: impl Serialize,
    ) -> Ref {
        let number = self.0.len() + 1;
        self.0.push(Entry {
            id: format!("E{number}"),
            source: source.to_owned(),
            over,
            words,
            data: serde_json::to_value(data).unwrap_or(Value::Null),
        });
        Ref(number)
    }
}

fn record_words(incident: &Incident) -> String {
    format!("{}, {}", incident.id, incident.state.as_str())
}

/// What the record says, the findings excepted, which have numbers of their own.
fn record_of(incident: &Incident) -> Value {
    json!({
        "id": incident.id,
        "title": incident.title,
        "state": incident.state,
        "severity": incident.severity,
        "started_at": incident.started_at,
        "detected_at": incident.detected_at,
        "resolved_at": incident.resolved_at,
        "timeline": incident.timeline.iter().map(nameless).collect::<Vec<_>>(),
        "chain": incident.chain,
        "alerts": incident.alerts,
    })
}

/// People are told as roles.
fn nameless(entry: &TimelineEntry) -> TimelineEntry {
    let mut entry = entry.clone();
    if let TimelineEvent::Acknowledged { by } = &mut entry.what {
        "responder".clone_into(by);
    }
    entry
}

//! A postmortem that an engineer only has to edit: what is known is filled in, what only people know is asked.
//!
//! Rules, each with a test: every sentence of the machine ends with a number of the evidence; the machine names no
//! cause, only what was seen together, in which order, and what speaks against it; no names of people; the same
//! input gives the same bytes; what people wrote is never touched ([`crate::report::block`]).

mod appendix;
mod database;
mod front;
mod ledger;
mod overview;
mod people;
mod plot;
#[cfg(test)]
mod tests;
mod timeline;

use std::time::Duration;

use serde::Serialize;

use crate::model::event::Coverage;
use crate::model::id::SourceId;
use crate::model::incident::Incident;
use crate::model::time::{Interval, Timestamp};
use crate::report::block::{Marks, machine, sha256};
use crate::report::{Lang, Style, markdown};
use crate::store::view::{LoadPoint, Marker, QueryPoint, QueryRow};

use self::ledger::Ledger;

/// How much is shown before and after: a timeline starts before the incident.
const MARGIN: Duration = Duration::from_secs(30 * 60);

/// The three intervals that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Half an hour before.
    pub before: Interval,
    /// From the first sign to the end, or to now.
    pub during: Interval,
    /// Half an hour after, as far as it has passed.
    pub after: Interval,
}

impl Windows {
    /// The intervals of an incident as seen at `now`.
    pub fn of(incident: &Incident, now: Timestamp) -> Self {
        let from = incident.started_at;
        let to = incident.resolved_at.unwrap_or(now).max(from);
        let end = to.plus(MARGIN).min(now).max(to);
        Self {
            before: Interval {
                from: from.minus(MARGIN),
                to: from,
            },
            during: Interval { from, to },
            after: Interval { from: to, to: end },
        }
    }

    /// All of them.
    pub fn all(self) -> Interval {
        self.before.hull(self.after)
    }
}

/// What a postmortem needs to know beside the incident; all of it read from the store.
#[derive(Debug, Clone)]
pub struct Context {
    /// Zone, links, detectors' phrases; the language is given apart.
    pub style: Style,
    /// The intervals that are compared.
    pub windows: Windows,
    /// Costliest statements before, the costliest first.
    pub before: Vec<QueryRow>,
    /// Costliest statements during.
    pub during: Vec<QueryRow>,
    /// Costliest statements after.
    pub after: Vec<QueryRow>,
    /// Step of the series.
    pub step: Duration,
    /// Load per statement over [`Windows::all`].
    pub load: Vec<LoadPoint>,
    /// The leading statement over [`Windows::all`].
    pub latency: Vec<QueryPoint>,
    /// Deploys and the like in [`Windows::all`], oldest first.
    pub markers: Vec<Marker>,
    /// Where the data come from, and where they are missing.
    pub sources: Vec<SourceNote>,
    /// Earlier incidents with the same leading finding, the newest first.
    pub similar: Vec<Incident>,
    /// Program and version, for example `sqleuth 0.1.0`.
    pub generator: String,
}

/// One source, and how complete it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceNote {
    /// Source.
    pub source: SourceId,
    /// How much of what ran it shows.
    pub coverage: Coverage,
    /// What is missing, in one line each, for example `dropped 1,240 spans`.
    pub gaps: Vec<Gap>,
}

/// A stretch of time without data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When.
    pub over: Interval,
    /// Why, in one line.
    pub why: String,
}

/// A postmortem in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmortem {
    /// Folder it belongs in: the incident's id.
    pub folder: String,
    /// Name of the document in the folder: `README.md`, `README.ko.md`.
    pub name: &'static str,
    /// The document.
    pub markdown: String,
    /// Charts and evidence, as path in the folder and content.
    pub files: Vec<(String, Vec<u8>)>,
}

/// What the sections share.
struct Draft<'a> {
    incident: &'a Incident,
    context: &'a Context,
    style: Style,
    lang: Lang,
    ledger: Ledger,
}

/// Writes the postmortem of an incident.
pub fn postmortem(incident: &Incident, context: &Context, lang: Lang) -> Postmortem {
    let style = context.style.in_lang(lang);
    let context = &Context {
        style: style.clone(),
        ..context.clone()
    };
    let ledger = Ledger::new(incident, context);
    let evidence = ledger.to_json(incident, context);
    let draft = Draft {
        incident,
        context,
        style,
        lang,
        ledger,
    };
    let charts = plot::charts(&draft);
    let markdown = draft.document(&sha256(&evidence), &charts);
    let mut files: Vec<(String, Vec<u8>)> = (charts.into_iter())
        .map(|chart| (chart.path, chart.svg.into_bytes()))
        .collect();
    files.push(("evidence.json".to_owned(), evidence));
    Postmortem {
        folder: incident.id.to_string(),
        name: lang.pick("README.md", "README.ko.md"),
        markdown,
        files,
    }
}

impl Draft<'_> {
    /// All sections, in the order in which they are read.
    fn document(&self, bundle: &str, charts: &[plot::Plot]) -> String {
        let title = markdown::inline(&self.incident.title);
        let lang = self.lang;
        let sections = [
            front::render(self, bundle),
            format!("# {} {title}", self.incident.id),
            heading(1, lang.pick("Summary", "요약")),
            block("summary", &overview::summary(self)),
            heading(2, lang.pick("Impact", "영향")),
            block("impact", &overview::impact(self)),
            people::impact(lang),
            heading(3, lang.pick("Timeline", "타임라인")),
            block("timeline", &timeline::render(self)),
            people::timeline(lang),
            heading(4, lang.pick("Detection and response", "탐지와 대응")),
            block("detection", &overview::detection(self)),
            people::detection(lang),
            heading(
                5,
                lang.pick("What the database was doing", "데이터베이스 상태"),
            ),
            block("database", &database::render(self, charts)),
            heading(6, lang.pick("Contributing factors", "기여 요인")),
            block("factors", &database::candidates(self)),
            people::factors(lang),
            heading(7, lang.pick("Trigger and mitigation", "촉발 요인과 완화")),
            block("mitigation", &overview::mitigation(self)),
            people::mitigation(lang),
            people::lessons(lang),
            heading(9, lang.pick("Action items", "재발 방지 대책")),
            block("actions", &database::actions(self)),
            people::actions(lang),
            heading(10, lang.pick("Similar incidents", "유사 장애")),
            block("similar", &overview::similar(self)),
            heading(11, lang.pick("Open questions", "남은 질문")),
            people::questions(lang),
            appendix::render(self),
        ];
        let mut text = sections.join("\n\n");
        text.push('\n');
        text
    }
}

fn heading(number: u8, title: &str) -> String {
    format!("## {number}. {title}")
}

fn block(name: &str, body: &str) -> String {
    machine(Marks::Markdown, name, body)
}

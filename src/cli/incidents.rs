//! `sqleuth incidents`: what the store has kept.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use crate::cli::{Incidents, Output, load, print};
use crate::model::incident::Incident;
use crate::report::{Style, moment, words};
use crate::store::Reader;
use crate::store::view::IncidentFilter;

/// Prints the newest incidents.
pub(super) fn incidents(options: &Incidents) -> anyhow::Result<ExitCode> {
    let config = load(options.config.config.as_deref())?;
    let style = config.style();
    let reader = open(&config.store.path)?;
    let filter = IncidentFilter {
        limit: options.limit.get(),
        ..IncidentFilter::default()
    };
    let found = reader.incidents(&filter)?.items;
    match options.format {
        Output::Json => print(&format!("{}\n", serde_json::to_string_pretty(&found)?))?,
        Output::Text if found.is_empty() => print("no incident yet\n")?,
        Output::Text => print(&table(&found, &style)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens an existing store for reading; a missing one is not created.
pub(super) fn open(path: &Path) -> anyhow::Result<Reader> {
    if !path.exists() {
        bail!(
            "there is no store at {}; name the daemon's configuration with --config",
            path.display()
        );
    }
    Ok(Reader::open(path)?)
}

fn table(incidents: &[Incident], style: &Style) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for incident in incidents {
        writeln!(
            text,
            "{:<18} {:<10} {:<8} {}  {}",
            incident.id.as_str(),
            words::state(incident.state, style.lang),
            words::severity(incident.severity, style.lang),
            moment::stamp(incident.started_at, &style.zone),
            incident.title
        )?;
    }
    Ok(text)
}

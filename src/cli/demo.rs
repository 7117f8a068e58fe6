//! `sqleuth demo`: plays recordings and tells of the incidents as they arise.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::app::App;
use crate::app::demo::{CASES, Case, Programme};
use crate::cli::run::runtime;
use crate::cli::{Demo, print};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::finding::Severity;
use crate::model::incident::{Incident, IncidentState, TimelineEvent};
use crate::model::time::Timestamp;
use crate::report::{Style, moment, sentence, sql, unit, words};
use crate::store::Reader;
use crate::store::view::IncidentFilter;
use crate::telemetry;

/// Lines of the leading statement.
const SQL_LINES: usize = 4;

/// How often incidents are looked at while recordings are played.
const LOOK: Duration = Duration::from_millis(300);

/// Plays, tells, and serves the page until Ctrl-C; with `--once`, ends by itself.
pub(super) fn demo(options: &Demo) -> anyhow::Result<ExitCode> {
    let cases = chosen(&options.cases)?;
    let runtime = runtime()?;
    let result = runtime.block_on(play(options, &cases));
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Case>> {
    for name in names {
        if !CASES.iter().any(|case| case.name == name) {
            let known: Vec<_> = CASES.iter().map(|case| case.name).collect();
            bail!(
                "no recording is called {name}; there are {}",
                known.join(", ")
            );
        }
    }
    Ok(CASES
        .iter()
        .filter(|case| names.is_empty() || names.iter().any(|n| n == case.name))
        .collect())
}

async fn play(options: &Demo, cases: &[&'static Case]) -> anyhow::Result<()> {
    let folder = TempDir::new().context("no temporary directory for the demo's store")?;
    let config = config(options, &folder);
    let _spans = telemetry::install(&config.telemetry)?;
    let programme = Programme::new(cases, Clock::system().now(), options.once)?;
    let style = config.style();
    let app = App::build(config, programme.clock()).await?;
    for case in cases {
        print(&format!("{:<16} {}\n", case.name, case.story))?;
    }
    if !options.once {
        print(&format!(
            "\nPage: http://{}/  (Ctrl-C ends the demo)\n",
            app.address()
        ))?;
    }
    print("\n")?;
    let mut teller = Teller {
        reader: app.reader(),
        style,
        once: options.once,
        told: Vec::new(),
        rises: BTreeMap::new(),
    };
    let played = Arc::new(Notify::new());
    let done = Arc::clone(&played);
    let mut failed = None;
    let end = async {
        let teller = teller.run(&played);
        tokio::select! {
            result = teller => failed = result.err(),
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    app.run_with(
        move |topology, intake, sources| {
            programme.play(topology, intake, sources, move || done.notify_one());
            Ok(())
        },
        end,
    )
    .await?;
    failed.map_or(Ok(()), Err)?;
    // The stages have drained: what they decided last is stored.
    teller.once = false;
    teller.look()
}

fn config(options: &Demo, folder: &TempDir) -> Config {
    let mut config = Config::default();
    let port = if options.once { 0 } else { options.port };
    config.listen.http = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    (config.listen.otlp_grpc, config.listen.otlp_http) = (None, None);
    config.store.path = folder.path().join("demo.db");
    "warn".clone_into(&mut config.telemetry.log);
    config
}

/// Prints what changes.
struct Teller {
    reader: Reader,
    style: Style,
    /// Tells of an incident when it is over, so that what is told does not depend on the instant of the look, and ends
    /// when everything has been played.
    once: bool,
    told: Vec<(String, IncidentState)>,
    /// How often each was told to have become worse.
    rises: BTreeMap<String, usize>,
}

impl Teller {
    /// Looks again and again.
    async fn run(&mut self, played: &Notify) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = played.notified() => break,
                () = tokio::time::sleep(LOOK) => self.look()?,
            }
        }
        // What has been played is still on its way through the stages.
        loop {
            let before = self.told.len();
            tokio::time::sleep(LOOK * 3).await;
            self.look()?;
            let is_settled = self.told.len() == before && self.is_over()?;
            if self.once && is_settled {
                return Ok(());
            }
        }
    }

    fn incidents(&self) -> anyhow::Result<Vec<Incident>> {
        let filter = IncidentFilter {
            limit: 100,
            ..IncidentFilter::default()
        };
        Ok(self.reader.incidents(&filter)?.items)
    }

    fn is_over(&self) -> anyhow::Result<bool> {
        Ok(self
            .incidents()?
            .iter()
            .all(|i| i.state == IncidentState::Resolved))
    }

    fn look(&mut self) -> anyhow::Result<()> {
        for incident in self.incidents()?.into_iter().rev() {
            let is_over = incident.resolved_at.is_some();
            if incident.state == IncidentState::Pending || (self.once && !is_over) {
                continue;
            }
            let is_new = self.tell_once(&incident, IncidentState::Firing);
            if is_new {
                print(&self.headline(&incident))?;
            }
            // looked at when it is over, what is known is the worst of it, and not what was known at first
            if is_new && !self.once {
                print(&self.story(&incident, ""))?;
            }
            self.tell_rises(&incident)?;
            if is_new && self.once {
                print(&self.story(&incident, "at its worst: "))?;
            }
            if is_over && self.tell_once(&incident, IncidentState::Resolved) {
                print(&self.end(&incident))?;
            }
        }
        Ok(())
    }

    /// Whether this is news.
    fn tell_once(&mut self, incident: &Incident, state: IncidentState) -> bool {
        let news = (incident.id.to_string(), state);
        let is_news = !self.told.contains(&news);
        if is_news {
            self.told.push(news);
        }
        is_news
    }

    /// Tells how it became worse, each time once.
    fn tell_rises(&mut self, incident: &Incident) -> anyhow::Result<()> {
        let told = self.rises.entry(incident.id.to_string()).or_default();
        for (at, to) in rises(incident).skip(*told) {
            *told += 1;
            print(&format!(
                "{}  {}  became {}\n",
                moment::stamp(at, &self.style.zone),
                incident.id,
                words::severity(to, self.style.lang)
            ))?;
        }
        Ok(())
    }

    fn headline(&self, incident: &Incident) -> String {
        let style = &self.style;
        format!(
            "{}  {}  {}: {}\n",
            moment::stamp(
                incident.detected_at.unwrap_or(incident.started_at),
                &style.zone
            ),
            incident.id,
            words::severity(at_first(incident), style.lang),
            incident.title
        )
    }

    fn story(&self, incident: &Incident, when: &str) -> String {
        let style = &self.style;
        let mut text = String::new();
        for found in &incident.findings {
            text.push_str("    ");
            text.push_str(when);
            text.push_str(&sentence::finding(&found.finding, style));
            text.push('\n');
        }
        if let Some(template) = incident
            .findings
            .first()
            .and_then(|f| f.finding.template.as_ref())
        {
            for line in sql::lines(template.as_str(), SQL_LINES) {
                text.push_str("      ");
                text.push_str(&line);
                text.push('\n');
            }
        }
        if let Some(remedy) = incident.remedies.first() {
            text.push_str("    try: ");
            text.push_str(&words::remedy(&remedy.why, style.lang));
            text.push('\n');
        }
        text
    }

    fn end(&self, incident: &Incident) -> String {
        let over = incident.resolved_at.unwrap_or(incident.started_at);
        format!(
            "{}  {}  resolved after {}\n\n",
            moment::stamp(over, &self.style.zone),
            incident.id,
            unit::duration(over.since(incident.started_at))
        )
    }
}

/// When it became worse, and how bad.
fn rises(incident: &Incident) -> impl Iterator<Item = (Timestamp, Severity)> {
    let entries = incident.timeline.iter();
    entries.filter_map(|entry| match entry.what {
        TimelineEvent::SeverityRaised { to } => Some((entry.at, to)),
        _ => None,
    })
}

/// How bad it was when it was detected: what rises to critical was a warning.
fn at_first(incident: &Incident) -> Severity {
    match rises(incident).next() {
        Some((_, Severity::Critical)) => Severity::Warning,
        Some(_) => Severity::Info,
        None => incident.severity,
    }
}

//! Runs the scenarios of `tests/scenarios/*.md`; `BLESS=1` writes what comes out as what must come out.

#[path = "scenario/document.rs"]
mod document;
#[path = "scenario/errors.rs"]
mod errors;
#[path = "scenario/operation.rs"]
mod operation;
#[path = "scenario/profile.rs"]
mod profile;

use document::{Document, Scenario};
use sqleuth::detect::catalogue::ALL;
use sqleuth::detect::{Catalogue, DetectSettings};
use sqleuth::model::evidence::Evidence;
use sqleuth::model::finding::{Finding, Urgency, Verdict};
use sqleuth::model::subject::Horizon;

#[test]
fn every_scenario_ends_as_it_says() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for document in document::all() {
        let verdicts: Vec<_> = document
            .scenarios
            .iter()
            .map(|s| run(&document, s))
            .collect();
        if bless {
            document.bless(&verdicts);
            continue;
        }
        for (scenario, verdict) in document.scenarios.iter().zip(&verdicts) {
            if scenario.verdict != *verdict {
                let (slug, title) = (document.slug(), &scenario.title);
                wrong.push(format!(
                    "{slug}: {title}\n--- expected\n{}\n--- came out\n{verdict}\n",
                    scenario.verdict
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(document: &Document, scenario: &Scenario) -> String {
    let slug = document.slug();
    let meta = ALL
        .iter()
        .find(|meta| meta.slug == slug)
        .expect("a scenario file is named as a detector");
    let horizon = match meta.urgency {
        Urgency::Acute => Horizon::Recent,
        Urgency::Chronic => Horizon::Long,
    };
    let settings: DetectSettings =
        toml::from_str(&scenario.toml).expect("settings of a scenario are valid");
    let catalogue = Catalogue::new(&settings);
    let (base, own) = (&document.base, &scenario.profile);
    let verdicts = if errors::is_told(base, own) {
        catalogue.inspect_errors(&errors::build(base, own))
    } else if operation::is_told(base, own) {
        catalogue.inspect_operation(&operation::build(base, own, horizon))
    } else {
        catalogue.inspect(&profile::build(base, own, horizon))
    };
    let verdict = verdicts.into_iter().find(|(meta, _)| meta.slug == slug);
    verdict.map_or_else(|| "off".to_owned(), |(_, verdict)| render(&verdict))
}

fn render(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Clear => "clear".to_owned(),
        Verdict::Insufficient { seen, needed } => format!("insufficient {seen} of {needed}"),
        Verdict::Found(findings) => {
            let findings: Vec<_> = findings.iter().map(render_finding).collect();
            findings.join("\n")
        }
    }
}

fn render_finding(finding: &Finding) -> String {
    let urgency = match finding.urgency {
        Urgency::Acute => "acute",
        Urgency::Chronic => "chronic",
    };
    let again = if finding.recurring { " again" } else { "" };
    let mut lines = vec![format!(
        "found {} {urgency}{again}",
        finding.severity.as_str()
    )];
    lines.push(measure(&finding.evidence[0]));
    let more = finding.evidence.iter().skip(1);
    lines.extend(more.map(|fact| format!("also {}", render_evidence(fact))));
    lines.push(format!("tables {}", finding.tables.join(", ")));
    let remedies = finding.remedies.iter();
    lines.extend(remedies.map(|remedy| match &*remedy.sql {
        "" => format!("advice {}", remedy.why),
        sql => format!("remedy {sql}"),
    }));
    lines.join("\n")
}

/// What crossed the line is a number, and has a line.
fn measure(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Measure {
            threshold: Some(_), ..
        } => render_evidence(evidence),
        _ => format!("not a measure: {evidence:?}"),
    }
}

fn render_evidence(evidence: &Evidence) -> String {
    let round = |number: f64| (number * 1000.0).round() / 1000.0;
    match evidence {
        Evidence::Measure {
            name,
            observed,
            threshold,
            ..
        } => match threshold {
            Some(threshold) => format!("{name} {} of {}", round(*observed), round(*threshold)),
            None => format!("{name} {}", round(*observed)),
        },
        Evidence::Statement { role, template, .. } => format!("{role}: {}", template.as_str()),
        Evidence::Clause { role, text } => format!("{role}: {text}"),
        Evidence::Cost { seconds, share, .. } => {
            let share = share.map_or_else(|| "untold".to_owned(), |s| round(s).to_string());
            format!("cost {} s, share {share}", round(*seconds))
        }
        Evidence::Trend {
            name,
            before,
            now,
            basis,
            ..
        } => format!("{name} {} after {} ({basis})", round(*now), round(*before)),
        Evidence::Exemplar { seconds, .. } => format!("a run of {} s", round(*seconds)),
        Evidence::PlanNode { row } => {
            format!("plan {} {} {} {}", row.step, row.table, row.access, row.key)
                .trim_end()
                .to_owned()
        }
    }
}

#[test]
fn every_detector_has_scenarios_in_which_it_fires_and_rests() {
    let documents = document::all();
    let slugs: Vec<_> = documents.iter().map(Document::slug).collect();
    let known: Vec<_> = ALL.iter().map(|meta| meta.slug).collect();
    assert_eq!(slugs, known);
    for document in &documents {
        let ends = |how: &str| {
            document
                .scenarios
                .iter()
                .any(|s| s.verdict.starts_with(how))
        };
        let slug = document.slug();
        assert!(ends("found"), "{slug} never fires");
        assert!(ends("clear"), "{slug} never rests");
        assert!(ends("insufficient"), "{slug} never sees too little");
    }
}

#[test]
fn every_setting_is_set_by_a_scenario_of_its_detector() {
    let defaults = toml::Table::try_from(DetectSettings::default()).expect("settings are a table");
    let documents = document::all();
    for (slug, settings) in &defaults {
        let document = documents
            .iter()
            .find(|d| d.slug() == *slug)
            .expect("every detector has scenarios");
        let set: Vec<toml::Table> = document
            .scenarios
            .iter()
            .map(|s| s.toml.parse().expect("TOML"))
            .collect();
        let keys = settings.as_table().expect("a detector has a table").keys();
        let is_set = |key: &str| {
            let in_detector = |table: &toml::Table| table.get(slug)?.get(key).cloned();
            set.iter().any(|table| in_detector(table).is_some())
        };
        let unset: Vec<_> = keys.filter(|key| !is_set(key)).collect();
        assert!(unset.is_empty(), "{slug}: no scenario sets {unset:?}");
    }
}

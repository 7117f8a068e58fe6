//! Postmortems as people get them, and the rules that every one keeps.

use std::sync::Arc;

use super::*;
use crate::model::evidence::Evidence;
use crate::model::sql::Template;
use crate::report::{block, example};

#[test]
fn a_postmortem_in_english() {
    let document = postmortem(&example::resolved(), &example::context(), Lang::En);
    insta::assert_snapshot!(document.markdown);
}

#[test]
fn a_postmortem_in_korean() {
    let document = postmortem(&example::resolved(), &example::context(), Lang::Ko);
    insta::assert_snapshot!(document.markdown);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let write = || postmortem(&example::resolved(), &example::context(), Lang::Ko);
    assert_eq!(write(), write());
}

#[test]
fn the_evidence_is_the_same_in_every_language() {
    let files = [Lang::En, Lang::Ko].map(|lang| {
        let document = postmortem(&example::resolved(), &example::context(), lang);
        document.files.last().cloned()
    });
    assert_eq!(files[0], files[1]);
}

/// Lines of the machine that say something, tables' heads and fences left out.
fn machine_lines(markdown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.starts_with("<!-- sqleuth:begin") {
            let own = ["statements", "glossary", "evidence"];
            inside = !own
                .iter()
                .any(|name| line.contains(&format!("begin {name} ")));
        } else if line.starts_with("<!-- sqleuth:end") {
            inside = false;
        } else if inside {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[test]
fn every_sentence_of_the_machine_ends_with_evidence() {
    for lang in [Lang::En, Lang::Ko] {
        let document = postmortem(&example::resolved(), &example::context(), lang);
        let lines = machine_lines(&document.markdown);
        let says = |line: &&String| {
            let line = line.trim();
            let is_head =
                line.contains("--- |") || line.contains("evidence |") || line.contains("근거 |");
            !(line.is_empty()
                || is_head
                || line.starts_with(['#', '!'])
                || line.starts_with("- **"))
        };
        let said: Vec<_> = lines.iter().filter(says).collect();
        assert!(said.len() > 40);
        for line in said {
            let end = line.trim_end_matches([' ', '|']);
            assert!(end.ends_with(']') && end.contains("[E"), "{line}");
        }
    }
}

#[test]
fn every_number_leads_to_evidence() {
    let context = example::context();
    let document = postmortem(&example::resolved(), &context, Lang::En);
    let bundle: serde_json::Value =
        serde_json::from_slice(&document.files.last().unwrap().1).unwrap();
    let known = bundle["evidence"].as_array().unwrap().len();
    let numbers = document.markdown.split("[E").skip(1);
    for number in numbers.filter_map(|rest| rest.split_once(']')?.0.parse::<usize>().ok()) {
        assert!((1..=known).contains(&number));
    }
}

#[test]
fn the_machine_names_no_cause_and_no_person() {
    for lang in [Lang::En, Lang::Ko] {
        let mut incident = example::resolved();
        incident.acknowledged_by = Some("jane.doe".to_owned());
        let document = postmortem(&incident, &example::context(), lang);
        let text = document.markdown.to_lowercase();
        for word in [
            "because",
            "caused",
            "due to",
            "root cause",
            "때문",
            "원인",
            "jane",
        ] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[test]
fn hostile_text_cannot_end_a_block_or_become_markup() {
    let hostile = "x\n<!-- sqleuth:end -->\n<img src=x onerror=alert(1)> ``` | [a](javascript:b)";
    let mut incident = example::resolved();
    incident.title = hostile.to_owned();
    for found in &mut incident.findings {
        found.finding.template = Some(Template::new(hostile));
        found.finding.tables = vec![Arc::from(hostile)];
        found
            .finding
            .evidence
            .push(Evidence::clause("table", hostile));
    }
    incident.remedies[0].sql = hostile.to_owned();
    let document = postmortem(&incident, &example::context(), Lang::En);
    let clean = postmortem(&example::resolved(), &example::context(), Lang::En);
    let ends = |text: &str| text.matches("<!-- sqleuth:end -->").count();
    assert_eq!(ends(&document.markdown), ends(&clean.markdown));
    for line in machine_lines(&document.markdown) {
        if let Some((before, _)) = line.split_once("<img") {
            let ticks = before.replace("\\`", "").matches('`').count();
            assert_eq!(ticks % 2, 1, "markup outside code: {line}");
        }
    }
    let merged = block::merge(&document.markdown, &clean.markdown);
    assert!(merged.kept.is_empty(), "every block is whole");
}

#[test]
fn an_incident_of_which_nothing_is_stored_still_has_a_postmortem() {
    let mut incident = example::incident();
    incident.findings.clear();
    incident.cause = None;
    incident.remedies.clear();
    incident.chain.clear();
    let context = Context {
        before: Vec::new(),
        during: Vec::new(),
        after: Vec::new(),
        load: Vec::new(),
        latency: Vec::new(),
        markers: Vec::new(),
        sources: Vec::new(),
        similar: Vec::new(),
        ..example::context()
    };
    let document = postmortem(&incident, &context, Lang::Ko);
    assert_eq!(document.files.len(), 1, "evidence.json and no chart");
}

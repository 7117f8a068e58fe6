//! Messages as Slack gets them, in both languages.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::alert::blocks::{FALLBACK_CHARS, HEADER_CHARS, MAX_BLOCKS, MAX_CHARS, MAX_FIELDS, Text};
use crate::alert::news;
use crate::alert::told::Place;
use crate::alert::told::Told;
use crate::model::sql::Template;
use crate::report::{Lang, Links, example};

fn json(message: &Message) -> String {
    serde_json::to_string_pretty(message).unwrap()
}

#[test]
fn a_firing_incident_in_english() {
    let message = parent(&example::incident(), &example::style(Lang::En));
    insta::assert_snapshot!(json(&message));
}

#[test]
fn a_firing_incident_in_korean() {
    let message = parent(&example::incident(), &example::style(Lang::Ko));
    insta::assert_snapshot!(json(&message));
}

#[test]
fn what_is_over_while_others_are_not_is_told_with_its_end() {
    let mut incident = example::incident();
    let reasons_en = |incident: &Incident| reasons(incident, &example::style(Lang::En));
    assert!(!reasons_en(&incident).contains("Over, last seen"));
    incident.findings[1].active = false;
    assert!(reasons_en(&incident).contains("• Over, last seen 2026-11-21"));
    assert!(reasons(&incident, &example::style(Lang::Ko)).contains("• 끝남, 마지막 2026-11-21"));
    assert!(!reasons_en(&example::resolved()).contains("Over, last seen"));
}

#[test]
fn a_resolved_incident_in_english() {
    let message = parent(&example::resolved(), &example::style(Lang::En));
    insta::assert_snapshot!(json(&message));
}

#[test]
fn the_thread_is_told_the_evidence_and_then_the_news() {
    let style = example::style(Lang::Ko);
    let mut before = example::incident();
    before.findings.truncate(1);
    let told = Told::of(&before, Place::Webhook);
    let thread = [
        news::evidence(&before, &style),
        news::update(&example::incident(), &told, &style).unwrap(),
        news::update(&example::resolved(), &told, &style).unwrap(),
        news::digest([&before, &example::resolved()].into_iter(), &style),
    ];
    insta::assert_snapshot!(thread.map(|m| json(&m)).join("\n"));
}

#[test]
fn what_was_told_is_no_news() {
    let incident = example::incident();
    let told = Told::of(&incident, Place::Webhook);
    assert_eq!(
        news::update(&incident, &told, &example::style(Lang::En)),
        None
    );
}

#[test]
fn without_links_there_are_no_buttons() {
    let mut style = example::style(Lang::En);
    style.links = Links::default();
    let message = parent(&example::incident(), &style);
    assert!(
        !(message.blocks.iter()).any(|block| matches!(block, Block::Actions { .. })),
        "{message:?}"
    );
}

/// Fails with the limit that a message breaks.
fn check_limits(message: &Message) -> Result<(), TestCaseError> {
    let chars = |text: &Text| text.chars();
    prop_assert!(!message.text.trim().is_empty());
    prop_assert!(message.text.chars().count() <= FALLBACK_CHARS);
    prop_assert!(message.blocks.len() <= MAX_BLOCKS);
    prop_assert!(message.blocks.iter().map(Block::chars).sum::<usize>() <= MAX_CHARS);
    for block in &message.blocks {
        match block {
            Block::Header { text } => {
                prop_assert!((1..=HEADER_CHARS).contains(&chars(text)));
            }
            Block::Section { text, fields } => {
                prop_assert!(text.is_some() || !fields.is_empty());
                prop_assert!(text.iter().all(|t| (1..=SECTION_CHARS).contains(&chars(t))));
                prop_assert!(fields.len() <= MAX_FIELDS);
                prop_assert!(fields.iter().all(|t| (1..=2_000).contains(&chars(t))));
            }
            Block::Context { elements } => prop_assert!((1..=10).contains(&elements.len())),
            Block::Actions { elements } => prop_assert!((1..=25).contains(&elements.len())),
            Block::Divider => {}
        }
    }
    let json = json(message);
    prop_assert!(!json.contains("<!channel>"), "{}", json);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_incident_keeps_every_limit(
        part in "([가-힣]|😀|&|<!channel>|`|[a-z ]|\n){0,40}",
        times in 0_usize..300,
        findings in 0_usize..30,
        korean in any::<bool>(),
    ) {
        let long = part.repeat(times);
        let style = example::style(if korean { Lang::Ko } else { Lang::En });
        let mut incident = example::resolved();
        incident.state = IncidentState::Firing;
        incident.title.clone_from(&long);
        incident.service = crate::model::id::ServiceName::new(long.clone());
        incident.acknowledged_by = Some(long.clone());
        incident.databases = vec![Arc::from(long.as_str()); 3];
        for found in &mut incident.findings {
            found.finding.template = Some(Template::new(long.as_str()));
            found.finding.tables = vec![Arc::from(long.as_str()); 5];
            found.finding.evidence = vec![Evidence::clause(&long, &long); 20];
        }
        for remedy in &mut incident.remedies {
            remedy.sql.clone_from(&long);
            remedy.why.clone_from(&long);
        }
        let some = incident.findings[0].clone();
        incident.findings.resize(findings, some);
        let told = Told::of(&example::resolved(), Place::Webhook);
        check_limits(&parent(&incident, &style))?;
        check_limits(&news::evidence(&incident, &style))?;
        check_limits(&news::digest(std::iter::repeat_n(&incident, 300), &style))?;
        if let Some(update) = news::update(&incident, &told, &style) {
            check_limits(&update)?;
        }
    }
}

//! The specification of the fingerprint: families of texts that are, or are not, the same statement.
//!
//! The tables beside this file have one family under each heading: lines with `=` are one statement, and each
//! line with `!` is another one than those and than every other line with `!`. `⏎` is a line break, `⇥` a tab.

use std::collections::HashMap;
use std::fmt::Write;

use super::known;
use crate::model::sql::Dialect::{self, Generic, Mysql, Postgres};

/// Texts under one heading; the first is a member.
struct Family {
    name: String,
    members: Vec<String>,
    strangers: Vec<String>,
}

fn families(table: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty()) {
        let (mark, text) = line.split_once(' ').unwrap();
        let text = text.replace('⏎', "\n").replace('⇥', "\t");
        if mark == "#" {
            families.push(Family {
                name: text,
                members: Vec::new(),
                strangers: Vec::new(),
            });
            continue;
        }
        let family = families.last_mut().unwrap();
        match mark {
            "=" => family.members.push(text),
            "!" => family.strangers.push(text),
            _ => panic!("unknown mark in {line}"),
        }
    }
    families
}

/// What is wrong with a family in one dialect.
fn faults(family: &Family, dialect: Dialect) -> Vec<String> {
    let identify = |sql: &str| {
        let statement = known(sql, dialect).statement;
        (statement.fingerprint, statement.template.clone())
    };
    let mut wrong = Vec::new();
    let first = identify(&family.members[0]);
    for member in &family.members[1..] {
        let (id, template) = identify(member);
        if id != first.0 {
            let (name, wanted) = (&family.name, first.1.as_str());
            let template = template.as_str();
            wrong.push(format!(
                "{name}: should be one, {dialect:?}:\n  {wanted}\n  {template}"
            ));
        }
    }
    let mut seen = HashMap::from([(first.0, &family.members[0])]);
    for stranger in &family.strangers {
        if let Some(other) = seen.insert(identify(stranger).0, stranger) {
            let name = &family.name;
            wrong.push(format!(
                "{name}: should differ, {dialect:?}:\n  {other}\n  {stranger}"
            ));
        }
    }
    wrong
}

fn check(table: &str, dialects: &[Dialect]) {
    let families = families(table);
    let wrong: Vec<String> = dialects
        .iter()
        .flat_map(|&dialect| {
            families
                .iter()
                .flat_map(move |family| faults(family, dialect))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn texts_are_told_apart_and_grouped_in_every_dialect() {
    check(include_str!("pairs/every.txt"), &[Mysql, Postgres, Generic]);
}

#[test]
fn texts_of_mysql_are_told_apart_and_grouped() {
    check(include_str!("pairs/mysql.txt"), &[Mysql]);
}

#[test]
fn texts_of_postgres_are_told_apart_and_grouped() {
    check(include_str!("pairs/postgres.txt"), &[Postgres]);
}

#[test]
fn texts_of_other_servers_are_told_apart_and_grouped() {
    check(include_str!("pairs/generic.txt"), &[Generic]);
}

#[test]
fn a_template_is_a_run_of_its_own_statement() {
    let every = include_str!("pairs/every.txt");
    let mut wrong = Vec::new();
    for (table, dialect) in [
        (every, Mysql),
        (every, Postgres),
        (every, Generic),
        (include_str!("pairs/mysql.txt"), Mysql),
        (include_str!("pairs/postgres.txt"), Postgres),
        (include_str!("pairs/generic.txt"), Generic),
    ] {
        for family in families(table) {
            for text in family.members.iter().chain(&family.strangers) {
                let told = known(text, dialect).statement;
                let again = known(told.template.as_str(), dialect).statement;
                if again.fingerprint != told.fingerprint {
                    wrong.push(format!("{dialect:?} {text}\n  {}", told.template.as_str()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the loose identities of a family in one dialect: members differ in the strict one alone.
fn loose_faults(family: &Family, dialect: Dialect) -> Vec<String> {
    let identify = |sql: &String| known(sql, dialect).statement;
    let name = &family.name;
    let mut wrong = Vec::new();
    let loose = identify(&family.members[0]).loose;
    let mut strict = HashMap::new();
    for member in &family.members {
        let statement = identify(member);
        if statement.loose != loose {
            wrong.push(format!("{name}: should be one, {dialect:?}:\n  {member}"));
        }
        if let Some(other) = strict.insert(statement.fingerprint, member) {
            wrong.push(format!(
                "{name}: are no loss, {dialect:?}:\n  {other}\n  {member}"
            ));
        }
    }
    let mut seen = HashMap::from([(loose, &family.members[0])]);
    for stranger in &family.strangers {
        if let Some(other) = seen.insert(identify(stranger).loose, stranger) {
            wrong.push(format!(
                "{name}: should differ, {dialect:?}:\n  {other}\n  {stranger}"
            ));
        }
    }
    wrong
}

#[test]
fn a_lost_predicate_keeps_the_loose_identity_and_nothing_else_does() {
    let families = families(include_str!("pairs/loose.txt"));
    let wrong: Vec<String> = [Mysql, Postgres, Generic]
        .iter()
        .flat_map(|&dialect| families.iter().flat_map(move |f| loose_faults(f, dialect)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first member of each family under its identity, and where each one stands.
fn frozen() -> String {
    let mut lines = String::new();
    for (name, table, dialect) in [
        ("every", include_str!("pairs/every.txt"), Mysql),
        ("mysql", include_str!("pairs/mysql.txt"), Mysql),
        ("postgres", include_str!("pairs/postgres.txt"), Postgres),
        ("generic", include_str!("pairs/generic.txt"), Generic),
    ] {
        for family in families(table) {
            let fingerprint = known(&family.members[0], dialect).statement.fingerprint;
            writeln!(lines, "{fingerprint} {name}: {}", family.name).unwrap();
        }
    }
    lines
}

/// A change here needs a new `FINGERPRINT_VERSION`; a family more needs `BLESS=1 cargo test --lib families_keep`.
#[test]
fn families_keep_their_identity() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/normalise/tests/families.txt"
    );
    let found = frozen();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap();
    let wrong: Vec<(&str, &str)> = stored
        .lines()
        .zip(found.lines())
        .filter(|(a, b)| a != b)
        .collect();
    assert_eq!(wrong.first(), None);
    assert_eq!(stored.lines().count(), found.lines().count());
}

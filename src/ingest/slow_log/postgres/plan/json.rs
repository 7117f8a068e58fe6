//! Plans of `auto_explain.log_format = json`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::lines;
use super::{Counted, Explained, Place, Step, Steps, rounded};

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(rename = "Query Text", borrow)]
    query: Cow<'a, str>,
    #[serde(rename = "Plan", borrow)]
    plan: Node<'a>,
}

/// A step.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Node<'a> {
    #[serde(rename = "Node Type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(rename = "Operation", borrow, default)]
    pub(super) operation: Cow<'a, str>,
    #[serde(rename = "Parent Relationship", borrow, default)]
    pub(super) relationship: Cow<'a, str>,
    #[serde(rename = "Relation Name", borrow, default)]
    pub(super) table: Cow<'a, str>,
    #[serde(rename = "Index Name", borrow, default)]
    pub(super) index: Cow<'a, str>,
    #[serde(rename = "Plan Rows", default)]
    pub(super) rows: Option<f64>,
    #[serde(rename = "Actual Rows", default)]
    pub(super) given: Option<f64>,
    #[serde(rename = "Actual Loops", default)]
    pub(super) loops: Option<f64>,
    #[serde(rename = "Rows Removed by Filter", default)]
    pub(super) filtered: f64,
    #[serde(rename = "Rows Removed by Join Filter", default)]
    pub(super) join_filtered: f64,
    #[serde(rename = "Rows Removed by Index Recheck", default)]
    pub(super) rechecked: f64,
    #[serde(rename = "Conflict Resolution", borrow, default)]
    pub(super) conflict: Cow<'a, str>,
    #[serde(rename = "Sort Space Type", borrow, default)]
    pub(super) sort_space: Option<Cow<'a, str>>,
    #[serde(rename = "Plans", borrow, default)]
    pub(super) children: Vec<Node<'a>>,
}

pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    lines::read(text).or_else(|| of_any_layout(text))
}

/// The same by the JSON reader.
pub(super) fn of_any_layout(text: &[u8]) -> Option<Explained<'_>> {
    let report: Report<'_> = serde_json::from_slice(text).ok()?;
    let mut steps = Steps::default();
    // the depth is bounded by the JSON reader
    let mut open = vec![(report.plan, Place::Root)];
    while let Some((mut node, place)) = open.pop() {
        if let Some(space) = &node.sort_space {
            steps.sort_on(space == "Disk");
        }
        let children = std::mem::take(&mut node.children);
        steps.push(step(node, place));
        for child in children.into_iter().rev() {
            let place = below(place, &child);
            open.push((child, place));
        }
    }
    let sql = match report.query {
        Cow::Borrowed(sql) => sql.as_bytes().into(),
        Cow::Owned(sql) => sql.into_bytes().into(),
    };
    Some(steps.explain(sql))
}

/// Where a child of a step at `place` stands.
pub(super) fn below(place: Place, child: &Node<'_>) -> Place {
    let gives_its_rows = matches!(&*child.relationship, "Outer" | "Member");
    if place == Place::Root && gives_its_rows {
        Place::UnderRoot
    } else {
        Place::Deeper
    }
}

pub(super) fn step(node: Node<'_>, place: Place) -> Step {
    // as the text calls it
    let kind = if node.kind == "ModifyTable" {
        node.operation
    } else {
        node.kind
    };
    let counted = node.given.map(|given| Counted {
        given,
        removed: node.filtered + node.join_filtered + node.rechecked,
        loops: node.loops.unwrap_or(1.0),
    });
    Step {
        place,
        kind: named(kind),
        table: named(node.table),
        index: named(node.index),
        rows: node.rows.map(rounded),
        counted,
        may_conflict: !node.conflict.is_empty(),
    }
}

/// Most steps have no table or no index, which take no room.
fn named(name: Cow<'_, str>) -> Arc<str> {
    if name.is_empty() {
        return Arc::default();
    }
    Arc::from(name)
}

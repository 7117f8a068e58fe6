//! Plans of `auto_explain.log_format = json`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::{Counted, Explained, Place, Step, Steps, rounded};

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(rename = "Query Text", borrow)]
    query: Cow<'a, str>,
    #[serde(rename = "Plan", borrow)]
    plan: Node<'a>,
}

#[derive(Deserialize)]
struct Node<'a> {
    #[serde(rename = "Node Type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "Operation", borrow, default)]
    operation: Cow<'a, str>,
    #[serde(rename = "Parent Relationship", borrow, default)]
    relationship: Cow<'a, str>,
    #[serde(rename = "Relation Name", borrow, default)]
    table: Cow<'a, str>,
    #[serde(rename = "Index Name", borrow, default)]
    index: Cow<'a, str>,
    #[serde(rename = "Plan Rows", default)]
    rows: Option<f64>,
    #[serde(rename = "Actual Rows", default)]
    given: Option<f64>,
    #[serde(rename = "Actual Loops", default)]
    loops: Option<f64>,
    #[serde(rename = "Rows Removed by Filter", default)]
    filtered: f64,
    #[serde(rename = "Rows Removed by Join Filter", default)]
    join_filtered: f64,
    #[serde(rename = "Rows Removed by Index Recheck", default)]
    rechecked: f64,
    #[serde(rename = "Conflict Resolution", borrow, default)]
    conflict: Cow<'a, str>,
    #[serde(rename = "Sort Space Type", borrow, default)]
    sort_space: Option<Cow<'a, str>>,
    #[serde(rename = "Plans", borrow, default)]
    children: Vec<Node<'a>>,
}

pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
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
fn below(place: Place, child: &Node<'_>) -> Place {
    let gives_its_rows = matches!(&*child.relationship, "Outer" | "Member");
    if place == Place::Root && gives_its_rows {
        Place::UnderRoot
    } else {
        Place::Deeper
    }
}

fn step(node: Node<'_>, place: Place) -> Step {
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
        kind: Arc::from(kind),
        table: Arc::from(node.table),
        index: Arc::from(node.index),
        rows: node.rows.map(rounded),
        counted,
        may_conflict: !node.conflict.is_empty(),
    }
}

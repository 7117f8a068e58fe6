//! Reads the plans that `auto_explain` writes, as text or JSON. Conditions hold literals and are left out.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::ingest::slow_log::scan;
use crate::model::event::{Access, PlanRow};

/// Steps kept of one plan.
const MAX_ROWS: usize = 64;

/// A plan and the statement it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Explained<'a> {
    pub(super) sql: Cow<'a, [u8]>,
    pub(super) access: Access,
}

/// Reads what stands behind `plan:`; `None` when it is in a format that is not known.
pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    let text = text.trim_ascii_start();
    if text.starts_with(b"{") {
        return from_json(text);
    }
    from_text(text.strip_prefix(b"Query Text: ")?)
}

/// What is told of each step.
#[derive(Default)]
struct Steps {
    rows: Vec<PlanRow>,
    sorts: bool,
    /// Some sort told where it ran.
    sort_told: bool,
    sorts_on_disk: bool,
}

impl Steps {
    fn push(&mut self, row: PlanRow) {
        self.sorts |= &*row.step == "Sort" || &*row.step == "Incremental Sort";
        if self.rows.len() < MAX_ROWS {
            self.rows.push(row);
        }
    }

    fn sort_on(&mut self, disk: bool) {
        self.sort_told = true;
        self.sorts_on_disk |= disk;
    }

    fn access(self) -> Access {
        Access {
            full_scan: Some(self.rows.iter().any(|row| &*row.access == "Seq Scan")),
            filesort: Some(self.sorts),
            filesort_on_disk: self.sort_told.then_some(self.sorts_on_disk),
            plan: Some(Arc::from(self.rows)).filter(|plan: &Arc<[PlanRow]>| !plan.is_empty()),
            ..Access::default()
        }
    }
}

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
    #[serde(rename = "Relation Name", borrow, default)]
    table: Cow<'a, str>,
    #[serde(rename = "Index Name", borrow, default)]
    index: Cow<'a, str>,
    #[serde(rename = "Plan Rows", default)]
    rows: Option<f64>,
    #[serde(rename = "Actual Rows", default)]
    actual_rows: Option<f64>,
    #[serde(rename = "Sort Space Type", borrow, default)]
    sort_space: Option<Cow<'a, str>>,
    #[serde(rename = "Plans", borrow, default)]
    children: Vec<Node<'a>>,
}

fn from_json(text: &[u8]) -> Option<Explained<'_>> {
    let report: Report<'_> = serde_json::from_slice(text).ok()?;
    let mut steps = Steps::default();
    // the depth is bounded by the JSON reader
    let mut open = vec![report.plan];
    while let Some(node) = open.pop() {
        if let Some(space) = node.sort_space {
            steps.sort_on(space == "Disk");
        }
        let step: Arc<str> = Arc::from(node.kind);
        steps.push(PlanRow {
            step: step.clone(),
            table: Arc::from(node.table),
            access: step,
            key: Arc::from(node.index),
            rows: node.rows.map(rounded),
            actual_rows: node.actual_rows.map(rounded),
            extra: Arc::from(""),
        });
        open.extend(node.children.into_iter().rev());
    }
    let sql = match report.query {
        Cow::Borrowed(sql) => sql.as_bytes().into(),
        Cow::Owned(sql) => sql.into_bytes().into(),
    };
    Some(Explained {
        sql,
        access: steps.access(),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is clamped to what fits, and a negative one to 0"
)]
fn rounded(rows: f64) -> u64 {
    rows.round() as u64
}

/// The statement goes up to the first line with a cost.
fn from_text(text: &[u8]) -> Option<Explained<'_>> {
    let cost = memchr::memmem::find(text, b"  (cost=")?;
    let end = memchr::memrchr(b'\n', &text[..cost])?;
    let mut steps = Steps::default();
    for line in text[end..].split(|b| *b == b'\n') {
        if let Some(row) = step(line) {
            steps.push(row);
        }
        if let Some(method) = line.trim_ascii_start().strip_prefix(b"Sort Method: ") {
            steps.sort_on(method.starts_with(b"external"));
        }
    }
    Some(Explained {
        sql: text[..end].into(),
        access: steps.access(),
    })
}

/// `  ->  Index Scan using pk on public.t x  (cost=0.29..8.30 rows=1 width=97) (actual time=... rows=1 loops=1)`
fn step(line: &[u8]) -> Option<PlanRow> {
    let cost = memchr::memmem::find(line, b"  (cost=")?;
    let head = line[..cost].trim_ascii_start();
    let head = head.strip_prefix(b"->").unwrap_or(head).trim_ascii_start();
    let head = head.strip_prefix(b"Parallel ").unwrap_or(head);
    let head = scan::name(head);
    let (head, table) = head.split_once(" on ").unwrap_or((&head, ""));
    let (node, index) = head.split_once(" using ").unwrap_or((head, ""));
    let name = table.split(' ').next().unwrap_or_default();
    // the name behind the `on` of this step is its index
    let (table, index) = if node == "Bitmap Index Scan" {
        ("", name)
    } else {
        (name, index)
    };
    let mut counts = memchr::memmem::find_iter(line, b" rows=")
        .map(|at| scan::leading_whole(&line[at + 6..]).map(|(rows, _)| rows));
    let step: Arc<str> = Arc::from(node);
    Some(PlanRow {
        step: step.clone(),
        table: Arc::from(table),
        access: step,
        key: Arc::from(index),
        rows: counts.next().flatten(),
        actual_rows: counts.next().flatten(),
        extra: Arc::from(""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\nQuery Text: SELECT *\nFROM t WHERE a = 'secret' ORDER BY b\n\
        Sort  (cost=1.0..2.0 rows=5 width=4) (actual time=0.1..0.2 rows=7 loops=1)\n\
        \x20 Sort Key: b\n  Sort Method: external merge  Disk: 120kB\n\
        \x20 ->  Parallel Seq Scan on public.t x  (cost=0.0..1.0 rows=5 width=4) (actual time=0.1..0.2 rows=7 loops=1)\n\
        \x20       Filter: (a = 'secret'::text)\n";

    #[test]
    fn a_plan_in_text_gives_its_statement_and_steps() {
        let explained = read(TEXT.as_bytes()).unwrap();
        assert_eq!(
            &*explained.sql,
            b"SELECT *\nFROM t WHERE a = 'secret' ORDER BY b"
        );
        let access = explained.access;
        assert_eq!(access.full_scan, Some(true));
        assert_eq!(access.filesort_on_disk, Some(true));
        let plan = access.plan.unwrap();
        assert_eq!(&*plan[1].table, "public.t");
        assert_eq!((plan[1].rows, plan[1].actual_rows), (Some(5), Some(7)));
    }

    #[test]
    fn no_literal_is_left_in_a_plan() {
        let plan = read(TEXT.as_bytes()).unwrap().access.plan;
        assert!(!format!("{plan:?}").contains("secret"));
    }

    #[test]
    fn a_plan_in_json_gives_its_statement_and_steps() {
        let text = br#"
{ "Query Text": "SELECT 1;", "Plan": { "Node Type": "Limit", "Plan Rows": 1, "Plans": [
  { "Node Type": "Index Scan", "Relation Name": "t", "Index Name": "pk", "Plan Rows": 9, "Actual Rows": 2.00 } ] } }"#;
        let explained = read(text).unwrap();
        assert_eq!(&*explained.sql, b"SELECT 1;");
        let plan = explained.access.plan.unwrap();
        assert_eq!((&*plan[1].table, &*plan[1].key), ("t", "pk"));
        assert_eq!(plan[1].actual_rows, Some(2));
        assert_eq!(explained.access.full_scan, Some(false));
    }
}

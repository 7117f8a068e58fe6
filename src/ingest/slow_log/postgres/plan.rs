//! Reads the plans that `auto_explain` writes, as text or JSON; of those in XML or YAML the statement alone. Conditions hold
//! literals and are left out.
//!
//! What `log_analyze` counted gives the rows of the run: the scans of tables read the rows *examined*, the first
//! step gives the rows *returned*, and what stands below an `Update`, `Delete` or `Insert` the rows *affected*.
//! PostgreSQL tells rows per loop, rounded, and rows that a condition removed apart from those that are left.

mod json;
mod lines;
mod text;
mod unread;

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::event::{Access, PlanRow, RowCounts};

/// Steps kept of one plan.
const MAX_ROWS: usize = 64;

/// Steps that read rows of a table; what other scans read was made by a step below, or by a function.
const TABLE_SCANS: [&str; 9] = [
    "Seq Scan",
    "Sample Scan",
    "Index Scan",
    "Index Only Scan",
    "Bitmap Heap Scan",
    "Tid Scan",
    "Tid Range Scan",
    "Foreign Scan",
    "Custom Scan",
];

/// Steps that change the rows they are given.
const CHANGES: [&str; 3] = ["Update", "Delete", "Insert"];

/// A plan and the statement it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Explained<'a> {
    pub(super) sql: Cow<'a, [u8]>,
    pub(super) access: Box<Access>,
    /// Rows of the run, where they were counted.
    pub(super) rows: RowCounts,
}

/// Reads what stands behind `plan:`; `None` when it is in a format that is not known.
pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    let text = text.trim_ascii_start();
    if text.starts_with(b"{") {
        return json::read(text);
    }
    if unread::is_xml(text) {
        return unread::of_xml(text);
    }
    if unread::is_yaml(text) {
        return unread::of_yaml(text);
    }
    text::read(text.strip_prefix(b"Query Text: ")?)
}

/// Whether a plan is in a format of which the statement alone is read.
pub(super) fn is_unread(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    unread::is_xml(text) || unread::is_yaml(text)
}

/// Reads a plan in JSON that `text` starts with, as it stands in the log of stderr, and says how long it is with the
/// line end behind it; `None` for one that [`read`] must look at.
pub(super) fn logged(text: &[u8]) -> Option<(Explained<'_>, usize)> {
    lines::logged(text)
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The first.
    Root,
    /// Right below the first, which takes its rows.
    UnderRoot,
    Deeper,
}

/// What one step tells.
#[derive(Debug)]
struct Step {
    place: Place,
    kind: Arc<str>,
    table: Arc<str>,
    index: Arc<str>,
    /// Estimated rows.
    rows: Option<u64>,
    counted: Option<Counted>,
    /// Rows that conflict with others are not inserted.
    may_conflict: bool,
}

/// What was counted, per loop.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    given: f64,
    removed: f64,
    loops: f64,
}

impl Counted {
    fn read(self) -> f64 {
        self.given + self.removed
    }
}

/// What is told of all steps.
#[derive(Debug, Default)]
struct Steps {
    rows: Vec<PlanRow>,
    sorts: bool,
    /// Some sort told where it ran.
    sort_told: bool,
    sorts_on_disk: bool,
    /// Rows given by the first step; `None` when nothing was counted.
    returned: Option<f64>,
    examined: f64,
    /// Rows given to the first step, when that changes them.
    affected: Option<f64>,
}

impl Steps {
    fn push(&mut self, step: Step) {
        self.sorts |= matches!(&*step.kind, "Sort" | "Incremental Sort");
        if let Some(counted) = step.counted {
            self.count(&step, counted);
        }
        if self.rows.len() < MAX_ROWS {
            self.rows.push(PlanRow {
                step: step.kind.clone(),
                table: step.table,
                access: step.kind,
                key: step.index,
                rows: step.rows,
                actual_rows: step.counted.map(|counted| rounded(counted.read())),
                extra: Arc::default(),
            });
        }
    }

    fn count(&mut self, step: &Step, counted: Counted) {
        let kind = step.kind.split(" (").next().unwrap_or_default();
        if TABLE_SCANS.contains(&kind) && !step.table.is_empty() {
            self.examined += counted.read() * counted.loops;
        }
        match step.place {
            Place::Root => {
                self.returned = Some(counted.given * counted.loops);
                let changes = CHANGES.contains(&kind) && !step.may_conflict;
                self.affected = changes.then_some(0.0);
            }
            Place::UnderRoot => {
                if let Some(affected) = &mut self.affected {
                    *affected += counted.given * counted.loops;
                }
            }
            Place::Deeper => {}
        }
    }

    fn sort_on(&mut self, disk: bool) {
        self.sort_told = true;
        self.sorts_on_disk |= disk;
    }

    fn explain(self, sql: Cow<'_, [u8]>) -> Explained<'_> {
        let known = !self.rows.is_empty();
        Explained {
            sql,
            rows: RowCounts {
                examined: self.returned.map(|_| rounded(self.examined)),
                returned: self.returned.map(rounded),
                affected: self.affected.map(rounded),
            },
            access: Box::new(Access {
                full_scan: known.then(|| self.rows.iter().any(|row| &*row.access == "Seq Scan")),
                filesort: known.then_some(self.sorts),
                filesort_on_disk: self.sort_told.then_some(self.sorts_on_disk),
                plan: known.then(|| Arc::from(self.rows)),
                ..Access::default()
            }),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is clamped to what fits, and a negative one to 0"
)]
fn rounded(rows: f64) -> u64 {
    rows.round() as u64
}

#[cfg(test)]
mod tests;

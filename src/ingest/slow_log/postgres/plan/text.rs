//! Plans of `auto_explain.log_format = text`.
//!
//! Nothing separates the statement from its plan, and a literal, in either of them, may hold lines that look like
//! steps. Hence lines that start inside a quotation are no steps; a literal never becomes the name of a table.

use std::sync::Arc;

use super::{Counted, Explained, Place, Step, Steps};
use crate::ingest::slow_log::scan;

/// Stands behind the name of each step.
const COST: &[u8] = b"  (cost=";

/// Indentation of the arrow of a step right below the first.
const FIRST_INDENT: usize = 2;

pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    let (end, certain) = statement_end(text)?;
    let mut reader = Reader::default();
    if certain {
        let mut quotation = Quotation::default();
        for line in text[end..].split(|b| *b == b'\n') {
            if quotation.is_closed() {
                reader.line(line);
            }
            quotation.pass(line);
        }
        reader.close();
        if !quotation.is_closed() {
            // some lines were not seen
            reader.steps.returned = None;
            reader.steps.affected = None;
        }
    }
    Some(
        reader
            .steps
            .explain(without_parameters(&text[..end]).into()),
    )
}

/// The statement ends before the first line, not indented, that has a cost and is outside of quotations. A comment
/// with an apostrophe hides that line: then any line with a cost is taken, and the plan is not read.
fn statement_end(text: &[u8]) -> Option<(usize, bool)> {
    let mut quotation = Quotation::default();
    let mut uncertain = None;
    let mut at = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let is_step = at > 0 && !line.starts_with(b" ") && find(line, COST).is_some();
        if is_step && quotation.is_closed() {
            return Some((at - 1, true));
        }
        if is_step {
            uncertain.get_or_insert(at - 1);
        }
        quotation.pass(line);
        at += line.len();
    }
    uncertain.map(|end| (end, false))
}

/// Version 16 writes the parameters, which are literals, behind the statement.
fn without_parameters(sql: &[u8]) -> &[u8] {
    let last = memchr::memmem::rfind(sql, b"\nQuery Parameters: ");
    last.map_or(sql, |end| &sql[..end])
}

/// Whether a quotation is open, of a literal or a name.
#[derive(Debug, Default)]
struct Quotation(Option<u8>);

impl Quotation {
    fn is_closed(&self) -> bool {
        self.0.is_none()
    }

    fn pass(&mut self, line: &[u8]) {
        for at in memchr::memchr2_iter(b'\'', b'"', line) {
            self.0 = match self.0 {
                None => Some(line[at]),
                Some(open) if open == line[at] => None,
                open => open,
            };
        }
    }
}

/// Takes the lines of a plan.
#[derive(Debug, Default)]
struct Reader {
    steps: Steps,
    /// The step whose details follow.
    open: Option<Step>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) {
        if let Some(cost) = find(line, COST) {
            self.close();
            self.open = step(&line[..cost], &line[cost..]);
            return;
        }
        let line = line.trim_ascii_start();
        if let Some(method) = line.strip_prefix(b"Sort Method: ") {
            self.steps.sort_on(method.starts_with(b"external"));
        }
        let Some(open) = &mut self.open else { return };
        open.may_conflict |= line.starts_with(b"Conflict Resolution: ");
        let removed = line
            .strip_prefix(b"Rows Removed by ")
            .and_then(|removed| Some(&removed[find(removed, b": ")? + 2..]))
            .and_then(number);
        if let (Some(counted), Some(removed)) = (&mut open.counted, removed) {
            counted.removed += removed;
        }
    }

    fn close(&mut self) {
        if let Some(step) = self.open.take() {
            self.steps.push(step);
        }
    }
}

/// `  ->  Index Scan using pk on public.t x` and `  (cost=0.29..8.30 rows=1 width=97) (actual rows=1 loops=1)`
fn step(head: &[u8], numbers: &[u8]) -> Option<Step> {
    let indent = head.iter().take_while(|b| **b == b' ').count();
    let head = head.trim_ascii_start();
    let (head, place) = match head.strip_prefix(b"->") {
        Some(head) if indent == FIRST_INDENT => (head.trim_ascii_start(), Place::UnderRoot),
        Some(head) => (head.trim_ascii_start(), Place::Deeper),
        None if indent == 0 => (head, Place::Root),
        None => return None,
    };
    let head = head.strip_prefix(b"Parallel ").unwrap_or(head);
    let head = scan::name(head);
    let (head, table) = head.split_once(" on ").unwrap_or((&head, ""));
    let (node, index) = head.split_once(" using ").unwrap_or((head, ""));
    let node = node.strip_suffix(" Backward").unwrap_or(node);
    let name = match table.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => table.split(' ').next().unwrap_or_default(),
    };
    // the name behind the `on` of this step is its index
    let (table, index) = if node == "Bitmap Index Scan" {
        ("", name)
    } else {
        (name, index)
    };
    Some(Step {
        place,
        kind: Arc::from(node),
        table: Arc::from(table),
        index: Arc::from(index),
        rows: behind(numbers, b" rows=").map(super::rounded),
        counted: counted(numbers),
        may_conflict: false,
    })
}

fn counted(numbers: &[u8]) -> Option<Counted> {
    if find(numbers, b"(never executed)").is_some() {
        return Some(Counted::default());
    }
    let actual = &numbers[find(numbers, b"(actual ")?..];
    Some(Counted {
        given: behind(actual, b" rows=")?,
        removed: 0.0,
        loops: behind(actual, b" loops=")?,
    })
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

/// The number behind a mark.
fn behind(text: &[u8], mark: &[u8]) -> Option<f64> {
    number(&text[find(text, mark)? + mark.len()..])
}

/// The number that `text` starts with; version 18 tells fractions of rows.
fn number(text: &[u8]) -> Option<f64> {
    let length = text
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    std::str::from_utf8(&text[..length]).ok()?.parse().ok()
}

//! Tables of figures before and after, for a terminal and for a ticket.

use crate::report::digest::text::fit::{columns, left, printable, right};
use crate::report::markdown;

/// A table: figures, and a text at the end of each row.
#[derive(Debug)]
pub(super) struct Table {
    /// Heads of the figures, and that of the text.
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) figures: Vec<String>,
    /// Redacted SQL, or a name.
    pub(super) text: String,
    /// What identifies it, at the right margin; empty for none.
    pub(super) id: String,
}

impl Table {
    /// For a terminal.
    pub(super) fn text(&self, width: usize) -> String {
        let Some((last, heads)) = self.head.split_last() else {
            return String::new();
        };
        let widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(at, head)| {
                let cells = self.rows.iter().filter_map(|row| row.figures.get(at));
                let widest = cells.map(|cell| columns(cell)).max();
                widest.unwrap_or(0).max(columns(head)) + 2
            })
            .collect();
        let line = |cells: &[String]| -> String {
            let cells = cells.iter().zip(&widths);
            cells.map(|(cell, width)| right(cell, *width)).collect()
        };
        let mut lines = vec![format!("{}  {last}", line(heads))];
        for row in &self.rows {
            let figures = line(&row.figures);
            let room = width.saturating_sub(columns(&figures) + columns(&row.id) + 4);
            let text = left(&printable(&row.text), room);
            lines.push(
                format!("{figures}  {text}  {}", row.id)
                    .trim_end()
                    .to_owned(),
            );
        }
        lines.join("\n")
    }

    /// For a ticket.
    pub(super) fn markdown(&self) -> String {
        let heads: Vec<&str> = self.head.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| {
                let cells = row.figures.iter().map(|cell| markdown::inline(cell));
                cells.chain([markdown::code(&row.text)]).collect()
            })
            .collect();
        markdown::table(&heads, &rows)
    }
}

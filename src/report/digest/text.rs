//! The report for a terminal, 80 to 120 columns wide: what to fix first, then what cost most, then each in full.

pub(in crate::report) mod fit;

use std::fmt::{self, Write};

use crate::report::digest::page::{
    Advice, Ailment, Detail, Failure, Line, OperationRow, Page, RanRow, Section, Try,
    columns as headings, operation_columns, server_columns, statistics,
};
use crate::report::{Lang, words};

pub(super) use fit::columns;
use fit::{bar, left, printable, right, wrapped};

/// Columns that are used of a narrow and of a wide terminal.
const WIDTH: (usize, usize) = (80, 120);
/// Columns of text that stands below a number.
const INDENT: usize = 4;
/// Columns of a bar that is full.
const BAR: usize = 10;
/// Columns from which on a statement of the table is named by all of its fingerprint, and digits that stand for it in
/// fewer.
const ROOM_FOR_ID: usize = 40;
const SHORT_ID: usize = 8;
/// A page from here on has room for the rows of each run.
const WIDE: usize = 96;

/// Renders the report.
pub(super) fn render(page: &Page, width: usize) -> String {
    let mut sheet = Sheet {
        text: String::new(),
        width: width.clamp(WIDTH.0, WIDTH.1),
        lang: page.lang,
    };
    match sheet.page(page) {
        Ok(()) => sheet.text,
        Err(fmt::Error) => sheet.text, // writing to a String cannot fail
    }
}

struct Sheet {
    text: String,
    width: usize,
    lang: Lang,
}

impl Sheet {
    fn page(&mut self, page: &Page) -> fmt::Result {
        writeln!(self.text, "{}", printable(&page.files))?;
        for sentence in &page.summary {
            self.paragraph(0, "", sentence)?;
        }
        page.sections().try_for_each(|s| self.section(page, s))
    }

    fn section(&mut self, page: &Page, section: Section) -> fmt::Result {
        self.heading(section.title(self.lang))?;
        let below = match section {
            Section::Advice => {
                (1..)
                    .zip(&page.advice)
                    .try_for_each(|(rank, a)| self.fix(rank, a))?;
                &page.advice_note
            }
            Section::Operations => {
                self.operations(page)?;
                &page.operations_note
            }
            Section::Profile => {
                self.profile(page)?;
                &page.rest
            }
            Section::Details => {
                page.details.iter().try_for_each(|d| self.detail(d))?;
                &None
            }
            Section::Errors => {
                (1..)
                    .zip(&page.errors)
                    .try_for_each(|(rank, e)| self.failure(rank, e))?;
                &page.errors_note
            }
            Section::Server => {
                self.server(page)?;
                &None
            }
            Section::Notes => {
                let mut notes = page.notes.iter();
                notes.try_for_each(|n| self.paragraph(0, "- ", n))?;
                &None
            }
        };
        below
            .iter()
            .try_for_each(|note| self.paragraph(0, "", note))
    }

    fn heading(&mut self, text: &str) -> fmt::Result {
        let rule = "─".repeat(self.width.saturating_sub(columns(text) + 4));
        writeln!(self.text, "\n── {text} {rule}")
    }

    fn fix(&mut self, rank: usize, advice: &Advice) -> fmt::Result {
        let severity = words::severity(advice.severity, self.lang).to_uppercase();
        let mut head = format!("{rank:>2}. {severity}");
        if !advice.share.is_empty() {
            head = format!("{head}  {}: {}", advice.share, advice.name);
        }
        self.line(&head, &advice.fingerprint)?;
        self.paragraph(INDENT, "", &advice.what)?;
        if let Some(also) = advice.also(self.lang) {
            self.paragraph(INDENT, "", &also)?;
        }
        match &advice.remedy {
            Some(remedy) if remedy.sql.is_empty() => self.paragraph(INDENT, "-> ", &remedy.why),
            Some(remedy) => {
                let safety = words::safety(remedy.safety, self.lang);
                self.paragraph(INDENT, "-> ", &format!("{} ({safety})", remedy.sql))
            }
            None => Ok(()),
        }
    }

    /// Text with something at the right margin; the text gives way.
    fn line(&mut self, text: &str, at_the_right: &str) -> fmt::Result {
        let room = self.width - columns(at_the_right) - 2;
        let text = left(text, room);
        let line = format!("{text}  {at_the_right}");
        writeln!(self.text, "{}", line.trim_end())
    }

    fn profile(&mut self, page: &Page) -> fmt::Result {
        let [share, total, runs, median, p95, rows, statement] = headings(self.lang);
        let mut line = format!("    {}", left(share, BAR + 8));
        line.push_str(&right(total, 10));
        for cell in [runs, median, p95] {
            line.push_str(&right(cell, 9));
        }
        if self.width >= WIDE {
            line.push_str(&right(rows, 10));
        }
        writeln!(self.text, "{line}  {statement}")?;
        (1..)
            .zip(&page.profile)
            .try_for_each(|(rank, line)| self.row(rank, line))
    }

    fn operations(&mut self, page: &Page) -> fmt::Result {
        let [figures @ .., name] = operation_columns(self.lang);
        let figures = figures.map(|head| right(head, 9)).concat();
        writeln!(self.text, "    {figures}  {name}")?;
        page.operations.iter().try_for_each(|o| self.operation(o))
    }

    fn operation(&mut self, row: &OperationRow) -> fmt::Result {
        let figures = row.cells.each_ref().map(|cell| right(cell, 9)).concat();
        let line = format!("    {figures}  {}", printable(&row.name));
        let room = self.width;
        writeln!(self.text, "{}", left(&line, room).trim_end())?;
        for RanRow {
            what,
            template,
            fingerprint,
        } in &row.statements
        {
            let line = format!("{:8}{what} {}", "", printable(template));
            self.line(&line, fingerprint)?;
        }
        Ok(())
    }

    fn row(&mut self, rank: usize, row: &Line) -> fmt::Result {
        let mark = if row.worst.is_some() { '!' } else { ' ' };
        let share = format!(
            "{}{}",
            left(&bar(row.share, BAR), BAR),
            right(&row.percent, 8)
        );
        let mut line = format!("{rank:>3}{mark}{share}");
        line.push_str(&right(&row.total, 10));
        for cell in [&row.runs, &row.median, &row.p95] {
            line.push_str(&right(cell, 9));
        }
        if self.width >= WIDE {
            line.push_str(&right(&row.rows, 10));
        }
        let room = self.width - columns(&line) - 2;
        let whole = printable(&row.template);
        if columns(&whole) <= room {
            return writeln!(self.text, "{line}  {}", whole.trim_end());
        }
        // what is told of its kind and tables alone may be several statements
        let id = if room >= ROOM_FOR_ID {
            &row.fingerprint
        } else {
            row.fingerprint.get(..SHORT_ID).unwrap_or(&row.fingerprint)
        };
        let name = left(&printable(&row.name), room.saturating_sub(columns(id) + 2));
        writeln!(self.text, "{line}  {id}  {}", name.trim_end())
    }

    fn detail(&mut self, detail: &Detail) -> fmt::Result {
        let (rank, share, name) = (&detail.rank, &detail.share, &detail.name);
        writeln!(self.text)?;
        let head = format!("{rank:>3} {share}: {name}");
        self.line(&head, &detail.fingerprint)?;
        for line in &detail.sql {
            self.paragraph(INDENT, "", line)?;
        }
        if !detail.measures.is_empty() {
            let head = statistics(self.lang).map(|s| right(s, 9)).concat();
            writeln!(self.text, "{:INDENT$}{}{head}", "", left("", 12))?;
        }
        for (label, cells) in &detail.measures {
            let cells = cells.each_ref().map(|c| right(c, 9)).concat();
            let line = format!("{:INDENT$}{}{cells}", "", left(label, 12));
            writeln!(self.text, "{}", line.trim_end())?;
        }
        self.paragraph(INDENT, "", &detail.facts.join(" · "))?;
        for ailment in &detail.findings {
            self.ailment(ailment)?;
        }
        detail.remedies.iter().try_for_each(|r| self.remedy(r))
    }

    fn failure(&mut self, rank: usize, failure: &Failure) -> fmt::Result {
        let head = format!("{rank:>2}. {}", failure.what);
        self.line(&head, &failure.fingerprint)?;
        let told = [Some(&failure.message), failure.statement.as_ref()];
        let mut told = told.into_iter().flatten().filter(|text| !text.is_empty());
        told.try_for_each(|text| self.paragraph(INDENT, "", text))
    }

    fn server(&mut self, page: &Page) -> fmt::Result {
        let head = server_columns(self.lang).map(str::to_owned);
        let mut rows = std::iter::once(&head).chain(&page.server);
        rows.try_for_each(|[what, times, total, longest, remark]| {
            let figures = [times, total, longest].map(|cell| right(cell, 10)).concat();
            let line = format!("    {}{figures}  {}", left(what, 14), printable(remark));
            let room = self.width;
            writeln!(self.text, "{}", left(&line, room).trim_end())
        })
    }

    fn ailment(&mut self, ailment: &Ailment) -> fmt::Result {
        let severity = words::severity(ailment.severity, self.lang);
        let (detector, summary) = (&ailment.detector, &ailment.summary);
        let said = format!("{detector} ({severity}): {summary}");
        self.paragraph(INDENT, "! ", &said)?;
        if ailment.evidence.is_empty() {
            return Ok(());
        }
        self.paragraph(INDENT + 2, "", &ailment.evidence.join("; "))
    }

    fn remedy(&mut self, remedy: &Try) -> fmt::Result {
        if remedy.sql.is_empty() {
            return self.paragraph(INDENT, "-> ", &remedy.why);
        }
        let safety = words::safety(remedy.safety, self.lang);
        self.paragraph(INDENT, "-> ", &remedy.sql)?;
        self.paragraph(INDENT + 3, "", &format!("({safety}: {})", remedy.why))
    }

    /// Writes a paragraph, with `mark` before its first line.
    fn paragraph(&mut self, indent: usize, mark: &str, text: &str) -> fmt::Result {
        let mark_width = columns(mark);
        let mut lead = mark.to_owned();
        for line in wrapped(&printable(text), self.width - indent - mark_width) {
            writeln!(self.text, "{:indent$}{lead}{line}", "")?;
            lead = " ".repeat(mark_width);
        }
        Ok(())
    }
}

//! Prints what was found, in the form that was asked for.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;

use terminal_size::{Width, terminal_size_of};

use crate::cli::digest::judging::Judging;
use crate::cli::{Digest as Options, ReportFormat};
use crate::report::Style;
use crate::report::digest::{Form, render, write_json};

/// Columns where nobody says how wide the page is: a terminal beside another one, a ticket, a mail.
const WIDTH: usize = 100;

/// Writes the report.
pub(super) fn show(
    judging: &Judging<'_>,
    options: &Options,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let form = match options.format {
        ReportFormat::Json => return show_json(judging, options, style, out),
        ReportFormat::Text => Form::Text { width: width() },
        ReportFormat::Md => Form::Markdown,
        ReportFormat::Html => Form::Html,
    };
    let top = options.top.map(NonZeroUsize::get);
    let digest = judging.digest(top, style);
    out.write_all(render(&digest, style, form, top).as_bytes())?;
    Ok(out.flush()?)
}

/// A document for programs is written as it is made: it may be large.
fn show_json(
    judging: &Judging<'_>,
    options: &Options,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(out);
    let top = options.top.map_or(usize::MAX, NonZeroUsize::get);
    let queries = judging.queries().take(top);
    let (findings, errors) = (judging.findings(style), judging.errors());
    write_json(&mut out, judging.source(), queries, findings, &errors)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

fn width() -> usize {
    let out = io::stdout();
    let columns = out.is_terminal().then(|| terminal_size_of(&out)).flatten();
    columns.map_or(WIDTH, |(Width(columns), _)| usize::from(columns))
}

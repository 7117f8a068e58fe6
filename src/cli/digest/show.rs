//! Prints what was found, in the form that was asked for.

use std::io::{self, IsTerminal, Write};
use std::iter::Peekable;
use std::num::NonZeroUsize;

use terminal_size::{Width, terminal_size_of};

use crate::cli::digest::judging::Judging;
use crate::cli::{Digest as Options, ReportFormat};
use crate::report::Style;
use crate::report::digest::{Body, Form, Query, Source, render, write_json};

/// Columns where nobody says how wide the page is: a terminal beside another one, a ticket, a mail.
const WIDTH: usize = 100;

/// Writes the report.
pub(super) fn show(
    judged: &[Judging<'_>],
    options: &Options,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let form = match options.format {
        ReportFormat::Json => return show_json(judged, options, style, out),
        ReportFormat::Text => Form::Text { width: width() },
        ReportFormat::Md => Form::Markdown,
        ReportFormat::Html => Form::Html,
    };
    let top = options.top.map(NonZeroUsize::get);
    let digests: Vec<_> = judged.iter().map(|j| j.digest(top, style)).collect();
    out.write_all(render(&digests, style, form, top).as_bytes())?;
    Ok(out.flush()?)
}

/// A document for programs is written as it is made: it may be large.
fn show_json(
    judged: &[Judging<'_>],
    options: &Options,
    style: &Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(out);
    let top = options.top.map_or(usize::MAX, NonZeroUsize::get);
    let mut source = Source::default();
    for (at, judging) in judged.iter().enumerate() {
        if at == 0 {
            source = judging.source().clone();
        } else {
            source.add(judging.source());
        }
    }
    let queries = costliest(judged.iter().map(Judging::queries).collect());
    let body = Body {
        queries: queries.take(top),
        findings: judged.iter().flat_map(|judging| judging.findings(style)),
        errors: judged.iter().flat_map(Judging::errors).collect(),
        operations: judged.iter().flat_map(Judging::operations).collect(),
    };
    write_json(&mut out, &source, body)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Of several lists, each with the costliest first, one.
fn costliest<I: Iterator<Item = Query>>(lists: Vec<I>) -> impl Iterator<Item = Query> {
    let mut lists: Vec<_> = lists.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let cost = |list: &mut Peekable<I>| list.peek().map(|query| query.time_s.total.0);
        let costs = lists.iter_mut().map(cost).enumerate();
        // of two that cost the same, the first
        let (at, _) = costs
            .rev()
            .filter(|(_, cost)| cost.is_some())
            .max_by_key(|(_, cost)| *cost)?;
        lists.get_mut(at)?.next()
    })
}

fn width() -> usize {
    let out = io::stdout();
    let columns = out.is_terminal().then(|| terminal_size_of(&out)).flatten();
    columns.map_or(WIDTH, |(Width(columns), _)| usize::from(columns))
}

//! The report as a page of text: what to fix first, then what cost most.

use std::fmt::{self, Write};

use super::{Digest, Found, Query, Source};
use crate::report::{Lang, sql, unit, words};

/// Statements shown when nobody asks for another number.
const SHOWN: usize = 15;
/// Findings shown.
const FINDINGS: usize = 10;
/// Lines of one statement.
const SQL_LINES: usize = 4;

/// Renders the report; `top` is how many statements are shown.
pub fn render(digest: &Digest, top: Option<usize>) -> String {
    let mut page = String::new();
    match write_page(&mut page, digest, top.unwrap_or(SHOWN)) {
        Ok(()) => page,
        Err(fmt::Error) => page, // writing to a String cannot fail
    }
}

fn write_page(page: &mut String, digest: &Digest, top: usize) -> fmt::Result {
    source(page, &digest.source)?;
    if digest.queries.is_empty() {
        return writeln!(page, "\nNo statement was found.");
    }
    findings(page, digest)?;
    writeln!(page, "\nStatements by total time")?;
    writeln!(
        page,
        "{:>3}  {:>6}  {:>9}  {:>9}  {:>9}  {:>9}  {:>11}  {:<16}",
        "#", "share", "total", "runs", "p50", "p95", "rows / run", "fingerprint"
    )?;
    for (rank, query) in digest.queries.iter().take(top).enumerate() {
        row(page, rank + 1, query)?;
    }
    let left_out = digest.queries.len().saturating_sub(top);
    if left_out > 0 {
        let share: f64 = digest.queries.iter().skip(top).map(|q| q.share).sum();
        writeln!(
            page,
            "\n{left_out} more statements take {} of the time; --top shows more.",
            unit::percent(share)
        )?;
    }
    Ok(())
}

fn source(page: &mut String, source: &Source) -> fmt::Result {
    writeln!(page, "{}", source.files.join(", "))?;
    let format = if source.format.is_empty() {
        "empty"
    } else {
        source.format.as_str()
    };
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let size = unit::bytes(source.bytes as f64);
    writeln!(
        page,
        "{format}, {size}, {} runs",
        unit::exact(source.statements)
    )?;
    if let (Some(from), Some(to)) = (source.from, source.to) {
        writeln!(page, "{from} to {to} ({})", unit::duration(to.since(from)))?;
    }
    match source.slower_than_s {
        Some(limit) if limit.0.as_millis() > 1 => {
            writeln!(
                page,
                "Only runs slower than {} are in the log.",
                unit::duration(limit.0)
            )?;
        }
        Some(_) => writeln!(page, "Nearly every run is in the log.")?,
        None => writeln!(page, "How much of the load is in the log is not known.")?,
    }
    if source.unparsed_entries > 0 {
        writeln!(
            page,
            "{} entries could not be read.",
            unit::exact(source.unparsed_entries)
        )?;
    }
    Ok(())
}

fn findings(page: &mut String, digest: &Digest) -> fmt::Result {
    if digest.findings.is_empty() {
        return writeln!(page, "\nNo detector found anything to fix.");
    }
    writeln!(page, "\nFix first")?;
    for found in digest.findings.iter().take(FINDINGS) {
        finding(page, found)?;
    }
    let left_out = digest.findings.len().saturating_sub(FINDINGS);
    if left_out > 0 {
        writeln!(page, "  {left_out} more findings are in --format json.")?;
    }
    Ok(())
}

fn finding(page: &mut String, found: &Found) -> fmt::Result {
    let mark = found
        .fingerprint
        .map(|f| format!(" [{f}]"))
        .unwrap_or_default();
    writeln!(
        page,
        "  {:<8} {}: {}{mark}",
        found.severity.as_str(),
        found.detector,
        found.summary
    )?;
    if let Some(remedy) = found.remedies.first() {
        let safety = words::safety(remedy.safety, Lang::En);
        writeln!(
            page,
            "           try: {} ({safety})",
            words::remedy(&remedy.why, Lang::En)
        )?;
        if !remedy.sql.is_empty() {
            writeln!(page, "                {}", remedy.sql)?;
        }
    }
    Ok(())
}

fn row(page: &mut String, rank: usize, query: &Query) -> fmt::Result {
    let seconds = |time: super::Seconds| unit::seconds(time.0.as_secs_f64());
    let rows = query
        .rows_examined
        .map_or_else(|| "not told".to_owned(), |rows| unit::count(rows.mean));
    let marks = if query.findings.is_empty() {
        String::new()
    } else {
        format!("  {}", query.findings.join(", "))
    };
    writeln!(
        page,
        "{rank:>3}  {:>6}  {:>9}  {:>9}  {:>9}  {:>9}  {rows:>11}  {}{marks}",
        unit::percent(query.share),
        seconds(query.time_s.total),
        unit::exact(query.count),
        seconds(query.time_s.p50),
        seconds(query.time_s.p95),
        query.fingerprint,
    )?;
    for line in sql::lines(query.template.as_str(), SQL_LINES) {
        writeln!(page, "       {line}")?;
    }
    Ok(())
}

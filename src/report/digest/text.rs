//! The report as a page of text, at most 100 columns wide: what to fix first, then what cost most.

use std::fmt::{self, Write};

use jiff::tz::TimeZone;

use super::errors::errors;
use super::{Digest, Found, Query, Source};
use crate::model::finding::{Remedy, Severity};
use crate::model::time::Timestamp;
use crate::report::{Lang, moment, sentence, unit, words};

/// Statements shown when nobody asks for another number.
const SHOWN: usize = 15;
/// Sick statements shown.
const SICK: usize = 10;
/// Remedies shown for one statement.
const REMEDIES: usize = 3;
/// Columns of a page: a terminal beside another one, a ticket, a mail.
const WIDTH: usize = 100;
/// Columns of text that stands below a number.
const INDENT: usize = 5;
/// Columns of a bar that is full.
const BAR: f64 = 10.0;

/// Renders the report; `top` is how many statements are shown.
pub fn render(digest: &Digest, top: Option<usize>) -> String {
    let mut page = String::new();
    match write_page(&mut page, digest, top.unwrap_or(SHOWN)) {
        Ok(()) => page,
        Err(fmt::Error) => page, // writing to a String cannot fail
    }
}

fn write_page(page: &mut String, digest: &Digest, top: usize) -> fmt::Result {
    source(page, digest)?;
    if digest.queries.is_empty() {
        writeln!(page, "\nNo statement was found.")?;
        return errors(page, &digest.errors);
    }
    fix_first(page, digest)?;
    writeln!(page, "\nStatements by total time\n")?;
    writeln!(
        page,
        "{:>3}  {:<18}  {:>9}  {:>9}  {:>8}  {:>8}  {:>8}  fingerprint",
        "#", "share of time", "total", "runs", "median", "p95", "rows/run"
    )?;
    for (rank, query) in digest.queries.iter().take(top).enumerate() {
        row(page, rank + 1, query)?;
    }
    let left_out = digest.queries.len().saturating_sub(top) + digest.left_out.queries;
    if left_out > 0 {
        let share: f64 = digest.queries.iter().skip(top).map(|q| q.share).sum();
        let share = share + digest.left_out.share;
        let statements = counted(left_out, "more statement takes", "more statements take");
        let share = unit::percent(share);
        writeln!(
            page,
            "\n{statements} {share} of the time; --top shows more."
        )?;
    }
    errors(page, &digest.errors)
}

fn source(page: &mut String, digest: &Digest) -> fmt::Result {
    let source = &digest.source;
    for file in &source.files {
        writeln!(page, "{}", printable(file))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let size = unit::bytes(source.bytes as f64);
    if source.partial {
        writeln!(page, "Partial: not all of the input was read.")?;
    }
    if source.format.is_empty() {
        return writeln!(page, "empty");
    }
    writeln!(
        page,
        "{}, {size}, {} of {}",
        source.format,
        counted(source.statements, "run", "runs"),
        counted(
            digest.queries.len() + digest.left_out.queries,
            "statement",
            "statements"
        ),
    )?;
    if let (Some(from), Some(to)) = (source.from, source.to) {
        writeln!(page, "{}", period(from, to))?;
    }
    writeln!(page, "{}", coverage(source))?;
    for blind in &source.not_judged {
        writeln!(
            page,
            "Not judged: {} (needs {}).",
            blind.detector, blind.needs
        )?;
    }
    if source.unparsed_entries > 0 {
        let entries = counted(source.unparsed_entries, "entry", "entries");
        writeln!(page, "{entries} could not be read.")?;
    }
    if source.opaque_statements > 0 {
        let runs = counted(source.opaque_statements, "run", "runs");
        writeln!(
            page,
            "{runs} of SQL that the parser does not know; grouped by text."
        )?;
    }
    Ok(())
}

/// From when to when; the logs of some servers have whole seconds.
fn period(from: Timestamp, to: Timestamp) -> String {
    let stamp = |at| moment::stamp(at, &TimeZone::UTC);
    let length = to.since(from);
    if length.as_secs() == 0 {
        return format!("{} UTC, within a second", stamp(from));
    }
    let length = unit::duration(length);
    format!("{} to {} UTC, {length}", stamp(from), stamp(to))
}

fn coverage(source: &Source) -> String {
    match source.slower_than_s {
        Some(limit) if limit.0.as_millis() > 1 => {
            let limit = unit::duration(limit.0);
            format!("Only runs slower than {limit} are in the log.")
        }
        Some(_) => "Nearly every run is in the log.".to_owned(),
        None => "How much of the load is in the log is not known.".to_owned(),
    }
}

/// What was found about one statement.
struct Sick<'a> {
    query: Option<&'a Query>,
    found: Vec<&'a Found>,
}

fn fix_first(page: &mut String, digest: &Digest) -> fmt::Result {
    if digest.findings.is_empty() {
        return writeln!(page, "\nNo detector found anything to fix.");
    }
    writeln!(page, "\nFix first")?;
    let sick = by_statement(digest);
    for (rank, sick) in sick.iter().take(SICK).enumerate() {
        ailment(page, rank + 1, sick)?;
    }
    let left_out = sick.len().saturating_sub(SICK) + digest.left_out.sick;
    if left_out > 0 {
        let statements = counted(left_out, "more statement", "more statements");
        writeln!(page, "\n{statements} with findings: see --format json.")?;
    }
    Ok(())
}

/// Findings of one statement stand together, in the order of the worst of each.
fn by_statement(digest: &Digest) -> Vec<Sick<'_>> {
    let mut sick: Vec<Sick<'_>> = Vec::new();
    for found in &digest.findings {
        let same = |s: &&mut Sick<'_>| {
            let first = s.found.first().and_then(|f| f.fingerprint);
            first.is_some() && first == found.fingerprint
        };
        if let Some(known) = sick.iter_mut().find(same) {
            known.found.push(found);
            continue;
        }
        let is_its = |q: &&Query| Some(q.fingerprint) == found.fingerprint;
        sick.push(Sick {
            query: digest.queries.iter().find(is_its),
            found: vec![found],
        });
    }
    sick
}

fn ailment(page: &mut String, rank: usize, sick: &Sick<'_>) -> fmt::Result {
    let worst = sick.found.iter().map(|f| f.severity).max();
    let severity = worst.map_or("", Severity::as_str).to_uppercase();
    let detectors: Vec<_> = sick.found.iter().map(|f| &*f.detector).collect();
    write!(page, "\n{rank:>3}. {severity}  {}", detectors.join(", "))?;
    if let Some(query) = sick.query {
        let share = unit::percent(query.share);
        writeln!(page, "  ({share} of the time, {})", query.fingerprint)?;
        indented(
            page,
            "",
            &sentence::shorten(query.template.as_str(), 2 * WIDTH),
        )?;
    } else {
        writeln!(page)?;
    }
    for found in &sick.found {
        indented(page, "", &found.summary)?;
    }
    let mut remedies: Vec<&Remedy> = Vec::new();
    for remedy in sick.found.iter().flat_map(|f| &f.remedies) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    // What can be pasted comes first.
    remedies.sort_by_key(|r| r.sql.is_empty());
    remedies
        .iter()
        .take(REMEDIES)
        .try_for_each(|r| try_this(page, r))
}

fn try_this(page: &mut String, remedy: &Remedy) -> fmt::Result {
    let why = words::remedy(&remedy.why, Lang::En);
    if remedy.sql.is_empty() {
        return indented(page, "-> ", &sentence::capitalise(&why));
    }
    let safety = words::safety(remedy.safety, Lang::En);
    indented(page, "-> ", &remedy.sql)?;
    indented(page, "   ", &format!("({safety}: {why})"))
}

fn row(page: &mut String, rank: usize, query: &Query) -> fmt::Result {
    let seconds = |time: super::Seconds| unit::seconds(time.0.as_secs_f64());
    let rows = query.rows_examined;
    let rows = rows.map_or_else(|| "-".to_owned(), |rows| unit::count(rows.mean));
    writeln!(
        page,
        "{rank:>3}  {:<10} {:>7}  {:>9}  {:>9}  {:>8}  {:>8}  {rows:>8}  {}",
        bar(query.share),
        unit::percent(query.share),
        seconds(query.time_s.total),
        unit::exact(query.count),
        seconds(query.time_s.p50),
        seconds(query.time_s.p95),
        query.fingerprint,
    )?;
    let template = sentence::shorten(query.template.as_str(), WIDTH - INDENT);
    indented(page, "", &template)?;
    let mut notes: Vec<String> = Vec::new();
    if query.errors > 0 {
        notes.push(format!("{} failed or cut", unit::exact(query.errors)));
    }
    notes.extend(query.findings.iter().map(ToString::to_string));
    if notes.is_empty() {
        return Ok(());
    }
    indented(page, "! ", &notes.join(", "))
}

/// A share as a bar, an eighth of a column at a time.
fn bar(share: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 80"
    )]
    let eighths = (share.clamp(0.0, 1.0) * BAR * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Writes a paragraph below a number, with `mark` before its first line.
pub(super) fn indented(page: &mut String, mark: &str, text: &str) -> fmt::Result {
    let mark_width = mark.chars().count();
    let mut lead = mark;
    for line in wrapped(&printable(text), WIDTH - INDENT - mark_width) {
        writeln!(page, "{:INDENT$}{lead:mark_width$}{line}", "")?;
        lead = "";
    }
    Ok(())
}

/// Lines of at most `width` characters, broken at spaces; a longer word is broken anywhere.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words_of(text) {
        let mut chars = word.chars().peekable();
        while chars.peek().is_some() {
            let part: String = chars.by_ref().take(width).collect();
            let length = part.chars().count();
            if used > 0 && used + 1 + length > width {
                lines.push(String::new());
                used = 0;
            }
            let Some(line) = lines.last_mut() else { break };
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&part);
            used += length;
        }
    }
    lines
}

/// Words, a number with its unit as one.
fn words_of(text: &str) -> Vec<String> {
    const UNIT_CHARS: usize = 3;
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let unit = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        let is_short = unit.chars().count() <= UNIT_CHARS && !unit.contains(char::is_numeric);
        match words.last_mut() {
            Some(number) if is_short && number.ends_with(|c: char| c.is_ascii_digit()) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Names come from strangers: nothing that a terminal would obey.
fn printable(text: &str) -> String {
    let safe = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    text.chars().map(safe).collect()
}

pub(super) fn counted<N: Copy + PartialEq + TryInto<u64>>(
    count: N,
    one: &str,
    many: &str,
) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", unit::exact(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_keeps_its_width_even_for_a_word_without_end() {
        let text = format!("one two {} three", "x".repeat(50));
        let lines = wrapped(&text, 20);
        assert!(lines.iter().all(|l| l.chars().count() <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn a_number_is_not_torn_from_its_unit() {
        assert_eq!(
            wrapped("per row sent: 76.2 k (more)", 17),
            ["per row sent:", "76.2 k (more)"]
        );
    }

    #[test]
    fn a_bar_grows_with_the_share() {
        assert_eq!(
            [0.0, 0.0125, 0.5, 1.0].map(bar),
            ["", "▏", "█████", "██████████"]
        );
        assert_eq!(bar(f64::NAN), "");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\u{FFFD}[2Jb\u{FFFD}c");
    }
}

//! Finds where a statement ends: at the next header that is not part of its own text.
//!
//! A statement may hold text that looks like a header, in a string; and a string may be left open by a crash, or
//! may only look open to us. Hence a header inside an open string is passed over when the string closes before one of
//! the next headers, unless what stands between the headers closes its own strings: then they are entries behind a
//! quote that never closes, and to take them for one would turn their literals inside out. The same holds for a string
//! that is open at every header. What may be either is judged by `doubt`, and not shown.

use super::doubt::{Doubt, judge};
use super::literal::Literal;
use crate::ingest::slow_log::{Next, scan};

/// Bytes behind the first header in a string, and headers in them, before it is taken for one that never closes: a live
/// log is not told until then. A piece of a log in a literal is smaller.
const MAX_STRING_BYTES: usize = 64 << 10;
const MIN_HEADERS: usize = 4;

/// `#` lines that are looked through for the `# Query_time:` which proves a header.
const MAX_HEADER_LINES: usize = 12;

/// Where a statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The next header starts here.
    At(usize),
    /// The next header starts here, and a string is open.
    Cut(usize),
    /// The text is code up to the first place, where a header stands in a string; whether it is one up to the second,
    /// behind which there is no doubt, or this text and those behind it were cut, cannot be told.
    Doubt(Doubt, usize, usize),
    /// No header was found.
    Nowhere,
    /// It depends on bytes that are yet to come.
    Unknown,
}

/// What a line that starts with `#` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The header of an entry.
    Header,
    /// SQL, or junk.
    Other,
    /// It depends on bytes that are yet to come.
    Unknown,
}

/// Finds the end of the statement that `body` starts with.
pub(super) fn find(body: &[u8], next: Next) -> End {
    let more = next == Next::More;
    let mut literal = Literal::default();
    let mut in_string = None;
    let mut headers = 0;
    for at in starts(body) {
        match line(&body[at..], more) {
            Line::Other => continue,
            Line::Unknown => return End::Unknown,
            Line::Header => {}
        }
        if !literal.holds(body, at) {
            return in_string.map_or(End::At(at), |first| closed(body, first, at));
        }
        match proof(&body[at..], more) {
            Line::Other => continue,
            Line::Unknown => return End::Unknown,
            Line::Header => {}
        }
        headers += 1;
        let first = *in_string.get_or_insert(at);
        if headers >= MIN_HEADERS && at - first > MAX_STRING_BYTES {
            return End::Cut(first);
        }
    }
    match in_string {
        Some(_) if more => End::Unknown,
        Some(first) if are_entries(&body[first..]) => End::Cut(first),
        Some(_) if next == Next::Quiet => End::Unknown,
        Some(first) => End::Doubt(Doubt::Entries, first, body.len()),
        None => End::Nowhere,
    }
}

/// The end of a statement with a string that is open at the header `first` and closes before the one at `end`.
fn closed(body: &[u8], first: usize, end: usize) -> End {
    if are_entries(&body[first..end]) {
        return End::Cut(first);
    }
    match judge(body, first, end) {
        Doubt::Harmless => End::At(end),
        doubt => End::Doubt(doubt, first, end),
    }
}

/// Whether statements stand behind the headers of `text`, which starts with one, and each closes its own strings.
fn are_entries(text: &[u8]) -> bool {
    let heads = starts(text).filter(|at| line(&text[*at..], false) == Line::Header);
    let mut heads = heads.peekable();
    let mut any = false;
    while let Some(head) = heads.next() {
        let entry = &text[head..heads.peek().map_or(text.len(), |next| *next)];
        let Some(length) = scan::line_length(entry) else {
            return false;
        };
        let statement = &entry[length..];
        if Literal::default().holds(statement, statement.len()) {
            return false;
        }
        any |= !statement.is_empty();
    }
    any
}

/// Finds the next header that is beyond doubt, whatever stands before it.
pub(super) fn find_proven(text: &[u8], next: Next) -> End {
    let more = next == Next::More;
    for at in starts(text) {
        if line(&text[at..], more) == Line::Other {
            continue;
        }
        match proof(&text[at..], more) {
            Line::Header => return End::At(at),
            Line::Other => {}
            Line::Unknown => return End::Unknown,
        }
    }
    End::Nowhere
}

/// Judges the line that `text` starts with.
pub(super) fn first_line(text: &[u8], next: Next) -> Line {
    let more = next == Next::More;
    if !text.starts_with(b"#") {
        return Line::Other;
    }
    line(text, more)
}

/// Where a header may start: at `# ` behind a line end, or behind a hole that copytruncate left.
fn starts(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'#', text).filter(|&at| {
        text.get(at + 1) == Some(&b' ') && (at == 0 || matches!(text[at - 1], b'\n' | 0))
    })
}

/// Judges a line by its first word.
fn line(text: &[u8], more: bool) -> Line {
    const LONGEST: usize = b"# administrator command:".len();
    let text = text.get(2..).unwrap_or_default().trim_ascii_start();
    let starts: [(&[u8], bool); 5] = [
        (b"User@Host:", false),
        (b"Time: ", true),
        (b"Query_time: ", true),
        (b"Thread_id: ", true),
        (b"Time:\t", true),
    ];
    for (word, needs_digit) in starts {
        if let Some(rest) = text.strip_prefix(word) {
            let digit = rest.trim_ascii_start().first();
            return match digit {
                _ if !needs_digit => Line::Header,
                Some(byte) if byte.is_ascii_digit() => Line::Header,
                None if more => Line::Unknown,
                // a garbled time is a header all the same when a user follows it
                _ => proof_behind(rest, more),
            };
        }
    }
    if more && text.len() < LONGEST && !text.contains(&b'\n') {
        return Line::Unknown;
    }
    Line::Other
}

fn proof_behind(text: &[u8], more: bool) -> Line {
    match scan::line_length(text) {
        Some(length) if text[length..].starts_with(b"# User@Host:") => Line::Header,
        Some(length) if more && text.len() < length + 12 => Line::Unknown,
        None if more => Line::Unknown,
        _ => Line::Other,
    }
}

/// Whether the `#` lines that `text` starts with tell a `Query_time`.
fn proof(text: &[u8], more: bool) -> Line {
    let mut rest = text;
    for _ in 0..MAX_HEADER_LINES {
        if rest.first().is_some_and(|byte| *byte != b'#') {
            return Line::Other;
        }
        let Some(length) = scan::line_length(rest) else {
            return if more { Line::Unknown } else { Line::Other };
        };
        if rest.starts_with(b"# Query_time: ") {
            return Line::Header;
        }
        rest = &rest[length..];
    }
    Line::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0.0\n";

    #[test]
    fn a_header_in_a_string_is_passed_over() {
        let body = format!("INSERT INTO t VALUES ('x;\n{HEADER}');\n{HEADER}SELECT 1;\n");
        let real = body.rfind("# User@Host").unwrap();
        assert_eq!(find(body.as_bytes(), Next::End), End::At(real));
    }

    #[test]
    fn a_string_that_never_closes_ends_at_the_first_header() {
        let entry = format!("{HEADER}SELECT 1;\n");
        let body = format!("SELECT 'cut\n{}", entry.repeat(2000));
        assert_eq!(find(body.as_bytes(), Next::More), End::Cut(12));
        let short = format!("SELECT 'cut\n{entry}");
        assert_eq!(find(short.as_bytes(), Next::More), End::Unknown);
        assert_eq!(find(short.as_bytes(), Next::Quiet), End::Cut(12));
    }

    #[test]
    fn entries_behind_a_cut_text_are_not_taken_for_its_string() {
        let entry = |sql: &str| format!("{HEADER}{sql};\n");
        let body = [
            "SELECT 'cut;\n".to_owned(),
            entry("INSERT INTO t VALUES ('\\'secret')"),
            entry("SELECT 'other'"),
        ]
        .concat();
        for next in [Next::More, Next::Quiet, Next::End] {
            assert_eq!(find(body.as_bytes(), next), End::Cut(13), "{next:?}");
        }
    }

    #[test]
    fn two_cut_texts_in_a_row_are_in_doubt_up_to_the_next_header() {
        let first = "SELECT 'cut;\n";
        let second = format!("{HEADER}SELECT a FROM t WHERE b = 'secret;\n");
        let body = format!("{first}{second}{HEADER}SELECT 'other';\n");
        let (from, to) = (first.len(), first.len() + second.len());
        let doubt = End::Doubt(Doubt::Entries, from, to);
        for next in [Next::More, Next::Quiet, Next::End] {
            assert_eq!(find(body.as_bytes(), next), doubt, "{next:?}");
        }
    }

    #[test]
    fn a_cut_text_behind_another_waits_for_what_follows() {
        let body = format!("SELECT 'cut;\n{HEADER}SELECT \"secret;\n");
        assert_eq!(find(body.as_bytes(), Next::More), End::Unknown);
        assert_eq!(find(body.as_bytes(), Next::Quiet), End::Unknown);
        let doubt = End::Doubt(Doubt::Entries, 13, body.len());
        assert_eq!(find(body.as_bytes(), Next::End), doubt);
    }

    #[test]
    fn comments_that_look_like_headers_are_sql() {
        let body = b"SELECT 1; \n### Channels ###\n# Time: is money\n# key: value\nFROM t;\n";
        assert_eq!(find(body, Next::End), End::Nowhere);
    }

    #[test]
    fn a_header_behind_a_hole_is_found() {
        assert_eq!(
            find(b"SELECT 1;\n\0\0\0# Time: 261121 19:22:52\n", Next::More),
            End::At(13)
        );
    }

    #[test]
    fn a_header_that_is_cut_by_the_buffer_waits() {
        assert_eq!(find(b"SELECT 1;\n# Ti", Next::More), End::Unknown);
    }
}

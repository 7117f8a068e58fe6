//! Tells the header of an entry from SQL and comments that look like one.
//!
//! A line of SQL may begin like a header: `# Time: 5 minutes at most`. What begins an entry stands behind the end of
//! another one and says who asked and how long it took, as all headers of the log do.

use super::body::is_banner;
use crate::ingest::slow_log::{Next, scan};

/// `#` lines that are looked through for the `# Query_time:` which proves a header.
const MAX_HEADER_LINES: usize = 12;

const USER: &[u8] = b"User@Host:";

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

/// Judges the line that `text` starts with.
pub(super) fn first_line(text: &[u8], next: Next) -> Line {
    if !text.starts_with(b"#") {
        return Line::Other;
    }
    line(text, next == Next::More)
}

/// Where a header may start, from `from` on: at `# ` behind a line end, or behind a hole that copytruncate left.
pub(super) fn next_start(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'#', &text[from..])
        .map(|at| from + at)
        .find(|&at| may_start(text, at))
}

/// The last such place.
pub(super) fn last_start(text: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'#', text).find(|&at| may_start(text, at))
}

/// Whether a header may start at the `#` at `at`.
pub(super) fn may_start(text: &[u8], at: usize) -> bool {
    text.get(at + 1) == Some(&b' ') && (at == 0 || matches!(text[at - 1], b'\n' | 0))
}

/// Judges a line by its first word.
pub(super) fn line(text: &[u8], more: bool) -> Line {
    const LONGEST: usize = b"# administrator command:".len();
    // nearly every one
    if text.starts_with(b"# User@Host:") {
        return Line::Header;
    }
    let text = text.get(2..).unwrap_or_default().trim_ascii_start();
    let starts: [(&[u8], bool); 5] = [
        (USER, false),
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

/// Judges a line outside of literals, which [`line()`] takes for a header: whether it is one where it stands, in a log
/// whose headers tell the user or not.
pub(super) fn head(body: &[u8], at: usize, more: bool, users: bool) -> Line {
    let text = &body[at..];
    // nearly every one
    if text.starts_with(b"# User@Host:") && body[..at].ends_with(b";\n") {
        return Line::Header;
    }
    let is_enough = match before(&body[..at]) {
        Before::Code => return proof(text, more, users),
        Before::Statement => !users,
        Before::Server => true,
    };
    let word = text.get(2..).unwrap_or_default().trim_ascii_start();
    if word.starts_with(USER) {
        return Line::Header;
    }
    match word.strip_prefix(b"Time:") {
        Some(rest) => dated(rest, more),
        None if is_enough => Line::Header,
        None => proof(text, more, users),
    }
}

/// What stands before a line that may be a header.
enum Before {
    /// A statement that has not ended.
    Code,
    /// A semicolon, which may stand within a statement, too.
    Statement,
    /// A hole, or the lines of a starting server, whose headers may be others.
    Server,
}

fn before(text: &[u8]) -> Before {
    let Some(last) = text.iter().rposition(|b| !b.is_ascii_whitespace()) else {
        return Before::Statement;
    };
    match text[last] {
        b';' => Before::Statement,
        0 => Before::Server,
        _ => {
            let start = memchr::memrchr(b'\n', &text[..last]).map_or(0, |end| end + 1);
            if is_banner(&text[start..=last]) {
                Before::Server
            } else {
                Before::Code
            }
        }
    }
}

/// `2026-11-21T19:26:58` or `081127  8:51:20`; or a garbled time above a user.
fn dated(text: &[u8], more: bool) -> Line {
    const LENGTH: usize = 7;
    let date = text.trim_ascii_start();
    let Some(date) = date.first_chunk::<LENGTH>() else {
        return proof_behind(text, more);
    };
    let digits = date.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_date = matches!(
        (digits, date[digits.min(LENGTH - 1)]),
        (4, b'-') | (6, b' ')
    );
    if is_date {
        return Line::Header;
    }
    proof_behind(text, more)
}

/// Whether the `#` lines that `text` starts with tell a `Query_time`, and who asked when `users` do.
pub(super) fn proof(text: &[u8], more: bool, users: bool) -> Line {
    let mut rest = text;
    let mut needs_user = users;
    for _ in 0..MAX_HEADER_LINES {
        if rest.first().is_some_and(|byte| *byte != b'#') {
            return Line::Other;
        }
        let Some(length) = scan::line_length(rest) else {
            return if more { Line::Unknown } else { Line::Other };
        };
        let line = &rest[..length];
        needs_user = needs_user && memchr::memmem::find(line, USER).is_none();
        if line.starts_with(b"# Query_time: ") && !needs_user {
            return Line::Header;
        }
        rest = &rest[length..];
    }
    Line::Other
}

/// Finds the next header that is beyond doubt, whatever stands before it.
pub(super) fn find_proven(text: &[u8], next: Next, users: bool) -> Result<Option<usize>, Unknown> {
    let more = next == Next::More;
    let mut from = 0;
    while let Some(at) = next_start(text, from) {
        from = at + 1;
        if line(&text[at..], more) == Line::Other {
            continue;
        }
        match proof(&text[at..], more, users) {
            Line::Header => return Ok(Some(at)),
            Line::Other => {}
            Line::Unknown => return Err(Unknown),
        }
    }
    Ok(None)
}

/// It depends on bytes that are yet to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_head(before: &str, text: &str, users: bool) -> bool {
        let body = format!("{before}{text}");
        head(body.as_bytes(), before.len(), false, users) == Line::Header
    }

    #[test]
    fn a_comment_is_no_header_where_headers_name_their_user() {
        for comment in [
            "# Query_time: 99999\nFROM t;\n",
            "# Thread_id: 7\nFROM t;\n",
            "# Time: 5 minutes at most\nFROM t;\n",
        ] {
            assert!(!is_head("SELECT 1\n", comment, true), "{comment}");
            assert!(!is_head("BEGIN SELECT 1;\n", comment, true), "{comment}");
        }
        assert!(!is_head(
            "SELECT 1\n",
            "# Time: 2026-11-21T10:00:00Z\nFROM t;\n",
            true
        ));
        assert!(!is_head(
            "SELECT 1\n",
            "# User@Host: a comment\nFROM t;\n",
            true
        ));
    }

    #[test]
    fn a_header_is_one_behind_the_end_of_an_entry() {
        let short = "# Query_time: 1.0  Lock_time: 0\nSELECT 2;\n";
        assert!(is_head("SELECT 1;\n", short, false));
        assert!(is_head("SELECT 1;\n", "# Time: 081127  8:51:20\n", true));
        assert!(is_head(
            "SELECT 1;\n\0\0",
            "# Time: 2026-11-21T10:00:00Z\n",
            true
        ));
        assert!(is_head(
            "Tcp port: 1  Unix socket: x\n",
            "# User@Host: a[a] @ h []\n",
            true
        ));
        assert!(is_head(
            "SELECT 1;\n",
            "# Time: garbled\n# User@Host: a[a] @ h []\n",
            true
        ));
    }

    #[test]
    fn a_whole_header_is_one_behind_a_statement_that_was_cut() {
        let header = "# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0\n";
        assert!(is_head("SELECT a FR\n", header, true));
    }
}

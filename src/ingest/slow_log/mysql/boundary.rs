//! Finds where a statement ends: at the next header that is not part of its own text.
//!
//! A statement may hold text that looks like a header, in a string; and a string may be left open by a crash, or
//! may only look open to us. Hence a header inside an open string is passed over when the string closes before one of
//! the next headers, unless what stands between the headers closes its own strings: then they are entries behind a
//! quote that never closes, and to take them for one would turn their literals inside out. The same holds for a string
//! that is open at every header. What may be either is judged by `doubt`, and not shown.

use super::ahead::Ahead;
use super::doubt::{Doubt, judge};
use super::head::{Line, head, line, may_start, next_start, proof};
use super::literal::{Literal, closes_its_quotes};
use crate::ingest::slow_log::{Next, scan};

/// Bytes behind the first header in a string, and headers in them, before it is taken for one that never closes: a live
/// log is not told until then. A piece of a log in a literal is smaller.
const MAX_STRING_BYTES: usize = 64 << 10;
const MIN_HEADERS: usize = 4;

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

/// What is known of the log beside the text.
pub(super) struct Known<'a> {
    /// Headers tell the user.
    pub(super) users: bool,
    /// Where the text stands in the log.
    pub(super) at: u64,
    /// What was found ahead for the entries before.
    pub(super) ahead: &'a mut Ahead,
    /// The text goes on, and no more of it can be seen: what it is must be decided by this.
    pub(super) is_full: bool,
}

/// Finds the end of the statement that `body` starts with.
pub(super) fn find(body: &[u8], next: Next, known: Known<'_>) -> End {
    let more = next == Next::More;
    usual(body, more, known.users).map_or_else(|| find_any(body, next, known), End::At)
}

/// Where nearly every statement ends: at the first `#`, where no quotes are open and no comment.
fn usual(body: &[u8], more: bool, users: bool) -> Option<usize> {
    let at = memchr::memchr(b'#', body)?;
    let is_header = may_start(body, at)
        && line(&body[at..], more) == Line::Header
        && head(body, at, more, users) == Line::Header;
    (is_header && closes_its_quotes(&body[..at])).then_some(at)
}

fn find_any(body: &[u8], next: Next, known: Known<'_>) -> End {
    let more = next == Next::More;
    let mut literal = Literal::default();
    while let Some(at) = literal.next_start(body) {
        match line(&body[at..], more) {
            Line::Other => {
                literal.pass_start(body);
                continue;
            }
            Line::Unknown => return End::Unknown,
            Line::Header => {}
        }
        if literal.is_held() {
            let search = Search {
                body,
                next,
                known,
                literal,
                first: None,
            };
            return search.run(at);
        }
        match head(body, at, more, known.users) {
            Line::Header => return End::At(at),
            Line::Unknown => return End::Unknown,
            Line::Other => literal.pass_start(body),
        }
    }
    End::Nowhere
}

/// The search for the end of a statement from a header on that stands in a string.
struct Search<'a> {
    body: &'a [u8],
    next: Next,
    known: Known<'a>,
    literal: Literal,
    /// The first header in a string that is beyond doubt.
    first: Option<usize>,
}

impl Search<'_> {
    fn run(mut self, start: usize) -> End {
        let more = self.next == Next::More;
        self.known.ahead.begin(self.known.at);
        let mut candidate = Some(start);
        while let Some(mut at) = candidate {
            match line(&self.body[at..], more) {
                Line::Header => {
                    if let Some(end) = self.look(&mut at, more) {
                        return end;
                    }
                }
                Line::Other => {}
                Line::Unknown => break,
            }
            candidate = next_start(self.body, at + 1);
        }
        if candidate.is_some() && !self.known.is_full {
            return End::Unknown;
        }
        self.at_the_end()
    }

    /// Looks at the header at `at`, and goes on to the farthest that is known to be in the same string.
    fn look(&mut self, at: &mut usize, more: bool) -> Option<End> {
        let body = self.body;
        if !self.literal.holds(body, *at) {
            return match head(body, *at, more, self.known.users) {
                Line::Header => Some(self.first.map_or(End::At(*at), |f| closed(body, f, *at))),
                Line::Unknown => self.undecided(),
                Line::Other => None,
            };
        }
        match proof(&body[*at..], more, false) {
            Line::Other => return None,
            Line::Unknown => return self.undecided(),
            Line::Header => {}
        }
        let ahead = &mut *self.known.ahead;
        let base = self.known.at;
        let first = *self.first.get_or_insert(*at);
        let inside = self.literal.inside();
        let (far, inside) = ahead.reach(base + *at as u64, inside);
        *at = usize::try_from(far - base).unwrap_or(*at);
        self.literal = Literal::resumed(inside, *at);
        let headers = ahead.count(base + first as u64, far);
        if headers >= MIN_HEADERS && *at - first > MAX_STRING_BYTES {
            ahead.keep();
            return Some(End::Cut(first));
        }
        None
    }

    /// What a line is whose end cannot be seen: of no account when no more can be seen.
    fn undecided(&self) -> Option<End> {
        (!self.known.is_full).then_some(End::Unknown)
    }

    /// No header is left, and a string is open or was at one.
    fn at_the_end(self) -> End {
        let Self {
            body,
            next,
            first,
            known,
            ..
        } = self;
        let Some(first) = first else {
            return End::Nowhere;
        };
        if known.is_full {
            known.ahead.keep();
        }
        match next {
            Next::More if !known.is_full => End::Unknown,
            _ if are_entries(&body[first..], known.is_full) => End::Cut(first),
            Next::Quiet if !known.is_full => End::Unknown,
            _ => End::Doubt(Doubt::Entries, first, body.len()),
        }
    }
}

/// The end of a statement with a string that is open at the header `first` and closes before the one at `end`.
fn closed(body: &[u8], first: usize, end: usize) -> End {
    if are_entries(&body[first..end], false) {
        return End::Cut(first);
    }
    match judge(body, first, end) {
        Doubt::Harmless => End::At(end),
        doubt => End::Doubt(doubt, first, end),
    }
}

/// Whether statements stand behind the headers of `text`, which starts with one, and each closes its own strings; the
/// last of them says nothing if it `goes_on`.
fn are_entries(text: &[u8], goes_on: bool) -> bool {
    let mut start = next_header(text, 0);
    let mut any = false;
    while let Some(head) = start {
        start = next_header(text, head + 1);
        if goes_on && start.is_none() {
            break;
        }
        let entry = &text[head..start.unwrap_or(text.len())];
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

fn next_header(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = next_start(text, from)?;
        if line(&text[at..], false) == Line::Header {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARTS: [&str; 21] = [
        "SELECT 1",
        "'",
        "''",
        "\"",
        "`",
        "\\",
        "-",
        "--",
        "/",
        "*",
        "/*",
        "*/",
        "#",
        "\n",
        ";\n",
        ";\n# User@Host: a[a] @ h []\n",
        ";\n# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0.0\nSELECT 2;\n",
        "# Time: 1\n",
        ";\n# Time: 2026-11-21T19:26:58.608Z\n# User@Host: a[a] @ h []\n",
        "INSERT INTO t VALUES (7, 'x')",
        "\0",
    ];

    fn find(body: &[u8], next: Next) -> End {
        let ahead = &mut Ahead::default();
        let known = Known {
            users: true,
            at: 0,
            ahead,
            is_full: false,
        };
        super::find(body, next, known)
    }

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

    proptest! {
        #[test]
        fn the_usual_end_is_the_one_that_any_search_finds(
            parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..12),
            is_cut in any::<bool>(),
            length in any::<prop::sample::Index>(),
            users in any::<bool>(),
        ) {
            let mut body = parts.concat().into_bytes();
            if is_cut {
                body.truncate(length.index(body.len() + 1));
            }
            for next in [Next::More, Next::Quiet, Next::End] {
                let known = Known { users, at: 0, ahead: &mut Ahead::default(), is_full: false };
                let found = find_any(&body, next, known);
                prop_assert!(usual(&body, next == Next::More, users).is_none_or(|at| found == End::At(at)), "{:?}", found);
            }
        }
    }

    #[test]
    fn nearly_every_end_is_a_usual_one() {
        for sql in [
            "SELECT 1",
            "SELECT 'a', 'it''s' - 1 / 2",
            "SELECT `a` FROM `t`",
            "SELECT \"#\"",
        ] {
            let body = format!("SET timestamp=1;\n{sql};\n{HEADER}");
            let is_usual = usual(body.as_bytes(), true, true).is_some();
            assert_eq!(is_usual, !sql.contains('#'), "{sql}");
        }
    }

    #[test]
    fn a_header_that_is_cut_by_the_buffer_waits() {
        assert_eq!(find(b"SELECT 1;\n# Ti", Next::More), End::Unknown);
    }
}

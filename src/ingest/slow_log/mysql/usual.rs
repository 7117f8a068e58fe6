//! Reads the lines that nearly every header has where they are written as servers of today do, key by key in their order.
//!
//! It searches for no line end and no key, and takes a line whole or not at all: what it does not take is left to
//! [`Header::line`], which comes to the same.

use super::header::{Header, Known};
use crate::ingest::slow_log::scan;

/// A value, and what stands behind it.
type Told<'a, T> = Option<(T, &'a [u8])>;

impl<'a> Header<'a> {
    /// Takes the usual lines that `text` starts with, and gives back what stands behind them.
    pub(super) fn usual_lines(&mut self, text: &'a [u8], known: &mut Known) -> &'a [u8] {
        let mut rest = text;
        if self.elapsed.is_none() {
            rest = self.last_asker(rest, known).unwrap_or(rest);
        }
        rest = self.session(rest, known).unwrap_or(rest);
        rest = self.times(rest, known).unwrap_or(rest);
        rest = self.traffic(rest, known).unwrap_or(rest);
        if rest.starts_with(b"# Full_scan: ") {
            rest = self.scans(rest, known).unwrap_or(rest);
            rest = self.sorts(rest, known).unwrap_or(rest);
        }
        rest
    }

    /// `# User@Host: root[root] @ localhost [127.0.0.1]`, when it asked before.
    fn last_asker(&mut self, line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
        let text = line.strip_prefix(b"# User@Host:")?;
        let (told, rest) = known.asker.again(text)?;
        let end = line_end(rest)?;
        self.has_user = true;
        self.user = told.user;
        self.client = told.client;
        Some(self.rest_of_line(rest, end, known))
    }

    /// `# Thread_id: 13  Schema: shop  QC_hit: No`
    fn session(&mut self, line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
        let (_, rest) = scan::usual_whole(line.strip_prefix(b"# Thread_id: ")?)?;
        let (schema, rest) = word(behind(rest, b"  Schema: ")?)?;
        let rest = rest.strip_prefix(b"  QC_hit: No").unwrap_or(rest);
        let end = line_end(rest)?;
        self.schema = Some(schema);
        Some(self.rest_of_line(rest, end, known))
    }

    /// `# Query_time: 0.000126  Lock_time: 0.000002  Rows_sent: 1  Rows_examined: 1`
    fn times(&mut self, line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
        let (elapsed, rest) = scan::usual_seconds(line.strip_prefix(b"# Query_time: ")?)?;
        let (lock, rest) = scan::usual_seconds(behind(rest, b"  Lock_time: ")?)?;
        let (returned, rest) = scan::usual_whole(behind(rest, b"  Rows_sent: ")?)?;
        let (examined, rest) = scan::usual_whole(behind(rest, b"  Rows_examined: ")?)?;
        let end = line_end(rest)?;
        self.elapsed = Some(elapsed);
        self.lock = Some(lock);
        self.rows.returned = Some(returned);
        self.rows.examined = Some(examined);
        Some(self.rest_of_line(rest, end, known))
    }

    /// `# Rows_affected: 0  Bytes_sent: 66`
    fn traffic(&mut self, line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
        let (affected, rest) = scan::usual_whole(line.strip_prefix(b"# Rows_affected: ")?)?;
        let (sent, rest) = scan::usual_whole(behind(rest, b"  Bytes_sent: ")?)?;
        let end = line_end(rest)?;
        self.rows.affected = Some(affected);
        self.bytes_sent = Some(sent);
        Some(self.rest_of_line(rest, end, known))
    }

    /// `# Full_scan: No  Full_join: No  Tmp_table: Yes  Tmp_table_on_disk: No`
    fn scans(&mut self, line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
        let (full_scan, rest) = yes(line.strip_prefix(b"# Full_scan: ")?)?;
        let (full_join, rest) = yes(behind(rest, b"  Full_join: ")?)?;
        let (tmp_table, rest) = yes(behind(rest, b"  Tmp_table: ")?)?;
        let (on_disk, rest) = yes(behind(rest, b"  Tmp_table_on_disk: ")?)?;
        let end = line_end(rest)?;
        let access = &mut self.access;
        access.full_scan = Some(full_scan);
        access.full_join = Some(full_join);
        access.tmp_table = Some(tmp_table);
        access.tmp_table_on_disk = Some(on_disk);
        self.access_told = true;
        Some(self.rest_of_line(rest, end, known))
    }

    /// `# Filesort: Yes  Filesort_on_disk: No  Merge_passes: 0  Priority_queue: No`
    fn sorts(&mut self, line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
        let (filesort, rest) = yes(line.strip_prefix(b"# Filesort: ")?)?;
        let (on_disk, rest) = yes(behind(rest, b"  Filesort_on_disk: ")?)?;
        let (passes, rest) = scan::usual_whole(behind(rest, b"  Merge_passes: ")?)?;
        let rest = rest.strip_prefix(b"  Priority_queue: No").unwrap_or(rest);
        let end = line_end(rest)?;
        let access = &mut self.access;
        access.filesort = Some(filesort);
        access.filesort_on_disk = Some(on_disk);
        access.merge_passes = Some(passes);
        self.access_told = true;
        Some(self.rest_of_line(rest, end, known))
    }

    /// Takes what else the line tells, which is `end` bytes long, and gives back the next one.
    #[inline]
    fn rest_of_line(&mut self, rest: &'a [u8], end: usize, known: &mut Known) -> &'a [u8] {
        let (told, next) = rest.split_at(end);
        if end > 1 {
            self.fields(told.trim_ascii_end(), &mut known.calendar);
        }
        next
    }
}

/// How many bytes are left of the line, its end included; `None` where it does not end, and nothing of it is taken.
#[inline]
fn line_end(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\n', ..] => Some(1),
        _ => scan::line_length(rest),
    }
}

/// What stands behind `key`, before which servers write two blanks or one.
#[inline]
fn behind<'t, const N: usize>(text: &'t [u8], key: &[u8; N]) -> Option<&'t [u8]> {
    let rest = text.strip_prefix(key);
    rest.or_else(|| text.strip_prefix(&key[1..]))
}

/// The word that `text` starts with and that a blank or a line end follows; `None` where the next key stands.
#[inline]
fn word(text: &[u8]) -> Told<'_, &[u8]> {
    let end = text.iter().position(|byte| *byte <= b' ')?;
    let (word, rest) = text.split_at(end);
    let is_whole = matches!(rest[0], b' ' | b'\t' | b'\n');
    (is_whole && !word.is_empty() && !word.ends_with(b":")).then_some((word, rest))
}

/// `Yes` or `No`.
#[inline]
fn yes(text: &[u8]) -> Told<'_, bool> {
    let (is_so, rest) = match text {
        [b'N', b'o', rest @ ..] => (false, rest),
        [b'Y', b'e', b's', rest @ ..] => (true, rest),
        _ => return None,
    };
    let ends = matches!(rest.first(), Some(b' ' | b'\t' | b'\n'));
    ends.then_some((is_so, rest))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::slow_log::zone::Calendar;

    const LINES: [&str; 8] = [
        "# User@Host: a[a] @ web1 [10.0.0.1]\n",
        "# Thread_id: 8  Schema: shop  QC_hit: No\n",
        "# Thread_id: 8  Schema:   QC_hit: No\n",
        "# Query_time: 1.500000  Lock_time: 0.000002  Rows_sent: 20  Rows_examined: 5525\n",
        "# Query_time: 1.5  Lock_time: 0.1 Rows_sent: 2  Rows_examined: 3 Errno: 1064 Killed: 0\n",
        "# Rows_affected: 4  Bytes_sent: 5\n",
        "# Full_scan: No  Full_join: Yes  Tmp_table: No  Tmp_table_on_disk: Yes\n",
        "# Filesort: Yes  Filesort_on_disk: No  Merge_passes: 7  Priority_queue: Yes\n",
    ];

    fn known() -> Known {
        let mut known = Known::new(Calendar::new(TimeZone::UTC));
        Header::default().line(LINES[0].trim_end().as_bytes(), &mut known);
        known
    }

    /// What the lines of `text` tell, and how many bytes were taken of it, by `usual_lines` first or without it.
    fn read(text: &str, by_usual: bool) -> (String, usize) {
        let mut header = Header::default();
        let mut rest = text.as_bytes();
        let mut known = known();
        while let Some(length) = scan::line_length(rest) {
            if by_usual {
                let behind = header.usual_lines(rest, &mut known);
                if behind.len() < rest.len() {
                    rest = behind;
                    continue;
                }
            }
            let line = rest[..length].trim_ascii_end();
            if line.starts_with(b"#") {
                header.line(line, &mut known);
            }
            rest = &rest[length..];
        }
        (format!("{header:?}"), text.len() - rest.len())
    }

    fn assert_same(text: &str) {
        assert_eq!(read(text, true), read(text, false), "{text}");
    }

    #[test]
    fn all_usual_lines_are_taken_at_once() {
        let text = format!("{}{}{}{}", LINES[0], LINES[1], LINES[3], LINES[5]);
        let mut header = Header::default();
        assert_eq!(header.usual_lines(text.as_bytes(), &mut known()), b"");
        assert_eq!(header.user, b"a");
        assert_eq!(header.schema, Some(b"shop".as_slice()));
        assert_eq!(header.rows.examined, Some(5525));
        assert_eq!(header.bytes_sent, Some(5));
    }

    #[test]
    fn a_line_in_the_usual_order_is_read_as_any_other() {
        for line in [
            "Query_time:   1.5  Lock_time: 0.1  Rows_sent: 2  Rows_examined: 3",
            "Query_time: 1.5  Lock_time: 0.1  Rows_sent:   Rows_examined: 3",
            "Query_time: 1.5  Lock_time: 0.1  Rows_sent: 2  Rows_affected: 7  Rows_examined: 3",
            "Query_time: 1.1234567891  Lock_time: 0.1  Rows_sent: 2  Rows_examined: 3",
            "Query_time: 1  Lock_time: 0.  Rows_sent: 2  Rows_examined: 3",
            "Query_time: 18446744073709.55  Lock_time: 0.1  Rows_sent: 2  Rows_examined: 3",
            "Query_time: 1.5  Lock_time: 0.1  Rows_sent: 2  Rows_examined: 18446744073709551615",
            "Query_time: 1.5s  Lock_time: 0.1  Rows_sent: 2  Rows_examined: 3\r",
            "Rows_affected: 4  Rows_examined: 5",
            "Thread_id: 8  Schema: shop  QC_hit: Yes  Last_errno: 1064",
            "Thread_id: 8\tSchema: shop",
            "Thread_id: 8  Schema: shop\r",
            "Full_scan: No  Full_join: Nope",
            "User@Host: a[a] @ web1 [10.0.0.1]  Id:     8",
        ] {
            assert_same(&format!("# {line}\n{}", LINES.concat()));
        }
    }

    #[test]
    fn nothing_is_taken_of_a_line_that_does_not_end() {
        for line in LINES {
            assert_same(line.trim_end());
            assert_same(&format!("{} ", line.trim_end()));
        }
    }

    proptest! {
        #[test]
        fn usual_lines_tell_what_any_lines_do(
            lines in proptest::collection::vec(0..LINES.len(), 1..6),
            place in any::<prop::sample::Index>(),
            change in prop::option::of("[ \t\r\n:#.0-9aNY\u{e9}]{0,3}"),
            taken in 0..3_usize,
        ) {
            let mut text: String = lines.into_iter().map(|line| LINES[line]).collect();
            if let Some(change) = change {
                let at = place.index(text.len());
                let end = (at + taken).min(text.len());
                text.replace_range(at..end, &change);
            }
            assert_same(&text);
        }
    }
}

//! How many rows a text skips: the number behind `OFFSET`, or the first of two behind `LIMIT`.
//!
//! The number is data. Kept is its first digit and how many follow, which tells a page far behind from the first one.

use super::stream::{LITERAL, SIGN, Stream};

/// Longer numbers count as this: no table has so many rows.
const MAX_OFFSET: u64 = 1_000_000_000_000_000_000;

/// What was read of LIMIT and OFFSET.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paging {
    /// A number may follow that belongs to one of them.
    pub(super) expects: bool,
    /// The number behind LIMIT, which a comma makes an offset.
    first: Option<u64>,
    /// The largest offset.
    pub(super) offset: Option<u64>,
}

/// What a whole number is to LIMIT and OFFSET.
#[derive(Debug, Clone, Copy)]
pub(super) enum Page {
    /// It stands behind LIMIT.
    Limit,
    /// It stands behind OFFSET.
    Offset,
    /// It stands behind a comma, and makes the number before it an offset.
    Second,
    /// It is none of these.
    Other,
}

impl Paging {
    /// LIMIT or OFFSET.
    #[inline]
    pub(super) fn begin(&mut self) {
        (self.expects, self.first) = (true, None);
    }

    /// Takes a whole number.
    pub(super) fn take(&mut self, page: Page, digits: &[u8]) {
        let offset = match page {
            Page::Limit => {
                self.first = Some(rounded(digits));
                return;
            }
            Page::Offset => Some(rounded(digits)),
            Page::Second => self.first,
            Page::Other => None,
        };
        self.expects = false;
        self.offset = self.offset.max(offset);
    }

    /// Comes to where other texts were before, with the numbers of this one.
    #[inline]
    pub(super) fn reach(&mut self, known: Self) {
        self.expects = known.expects;
        self.first = self.first.filter(|_| known.first.is_some());
    }
}

impl Stream {
    /// What a whole number would be here.
    pub(super) fn next_page(&self) -> Page {
        if self.out.ends_with(b"\x01offset") {
            Page::Offset
        } else if self.out.ends_with(b"\x01limit") {
            Page::Limit
        } else if self.out.ends_with(&[LITERAL, SIGN, b',']) {
            Page::Second
        } else {
            Page::Other
        }
    }

    /// A whole number somewhere behind LIMIT or OFFSET.
    #[cold]
    pub(super) fn page(&mut self, digits: &[u8]) {
        self.paging.take(self.next_page(), digits);
    }
}

/// The number with zeros behind its first digit.
fn rounded(digits: &[u8]) -> u64 {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let [first, rest @ ..] = &digits[zeros..] else {
        return 0;
    };
    let power = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let first = u64::from(first.saturating_sub(b'0'));
    let number = 10_u64.checked_pow(power).and_then(|p| p.checked_mul(first));
    number.map_or(MAX_OFFSET, |number| number.min(MAX_OFFSET))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sql::Dialect;
    use crate::normalise::{Normaliser, Settings};

    fn offset(sql: &str) -> Option<u64> {
        let mut normaliser = Normaliser::new(&Settings::default(), 0);
        let known = normaliser.statement(sql.as_bytes(), Dialect::Mysql, false);
        known.attributes.offset
    }

    #[test]
    fn an_offset_is_known_by_its_first_digit_however_it_is_written() {
        for (sql, known) in [
            ("SELECT a FROM t LIMIT 20 OFFSET 123456", 100_000),
            ("SELECT a FROM t OFFSET 98765 LIMIT 20", 90_000),
            ("SELECT a FROM t LIMIT 5432, 20", 5_000),
            ("SELECT a FROM t LIMIT 5432,?", 0),
            (
                "SELECT a FROM t OFFSET 00100 ROWS FETCH NEXT 20 ROWS ONLY",
                100,
            ),
            ("SELECT a FROM t LIMIT 20 OFFSET 0", 0),
            (
                "SELECT a FROM (SELECT a FROM t LIMIT 300000, 20) x LIMIT 20 OFFSET 7",
                300_000,
            ),
            (
                "SELECT a FROM t LIMIT 1 OFFSET 99999999999999999999999",
                MAX_OFFSET,
            ),
        ] {
            let expected = Some(known).filter(|_| !sql.ends_with('?'));
            assert_eq!(offset(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_no_offset_is_none() {
        for sql in [
            "SELECT a FROM t LIMIT 100000",
            "SELECT a FROM t LIMIT ? OFFSET ?",
            "SELECT a FROM t LIMIT ?, 100000",
            "SELECT offset, 100000 FROM t WHERE `limit` = 7",
            "SELECT a FROM t WHERE offset > 100000 AND limit IN (5, 100000)",
            "SELECT a FROM (SELECT a FROM t LIMIT 100000) x WHERE b IN (3, 4)",
            "INSERT INTO t (limit, offset) VALUES (100000, 200000)",
        ] {
            assert_eq!(offset(sql), None, "{sql}");
        }
    }
}

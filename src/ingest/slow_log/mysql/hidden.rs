//! Entries that may be what a string holds: counted, and nothing of them is shown.

use super::body::Body;
use super::head::find_proven;
use super::header::Header;
use super::{Lines, Mysql, Place, Step};
use crate::ingest::slow_log::{Entry, Next};

/// The text of an entry that cannot be told from a literal.
const HIDDEN: &[u8] = b"?";

impl Mysql {
    /// Counts one entry that may be what a string holds: with its times and rows, without a word.
    pub(super) fn doubtful(
        &mut self,
        rest: &[u8],
        next: Next,
        tell: &mut dyn FnMut(Entry<'_>),
    ) -> Step {
        if rest.len() <= self.state.doubtful && next != Next::End {
            return Step::Wait;
        }
        let (region, behind) = rest.split_at(rest.len().min(self.state.doubtful));
        let mut header = Header::default();
        let start = match self.header(region, Next::End, &mut header) {
            Lines::Header(start) => start,
            Lines::Cut(length) => {
                self.lose();
                return Step::Took(length.max(1));
            }
            Lines::Wait => region.len(),
        };
        let took = match find_proven(&region[start..], Next::End, false) {
            Ok(Some(end)) => start + end,
            _ => region.len(),
        };
        self.state.lost = false;
        // the window ended within a statement
        if took == region.len() && !behind.is_empty() && !behind.starts_with(b"#") {
            self.state.place = Place::Rest;
        }
        let body = Body::read(&region[start..took]);
        if body.sql.is_empty() {
            self.unparsed += 1;
        } else {
            let elapsed = header.elapsed.unwrap_or_default();
            tell(Entry {
                sql: HIDDEN.into(),
                truncated: true,
                end: self.end(&header, &body, elapsed),
                elapsed,
                rows: header.rows,
                weight: 1,
                ..Entry::default()
            });
        }
        Step::Took(took)
    }
}

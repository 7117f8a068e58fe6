//! Reads parts of a log without what stands before them.
//!
//! An entry hands on to the next: where the parser is, what headers look like and tell, the database of `use`, the time
//! of `# Time:`, and what was seen of the threshold. A part guesses the first two and is held to it; the others are
//! filled in when they are known.

use super::head::{self, Line};
use super::header::Known;
use super::server::Server;
use super::told::LastNames;
use super::{Ahead, Mysql, Place, Plans, State, Step};
use crate::ingest::slow_log::parts::{Guess, Inherited};
use crate::ingest::slow_log::{Entry, LOG_TIMES, Next, Progress};

/// Where in `text` the last entry starts, most likely: what is behind it is copied.
pub(in crate::ingest::slow_log) fn seam(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    while let Some(at) = head::last_start(&text[..end]).filter(|at| *at > 0) {
        end = at;
        let is_header = head::line(&text[at..], true) == Line::Header
            && head::proof(&text[at..], true, false) == Line::Header;
        if is_header && !follows_header_line(&text[..at]) {
            return Some(at);
        }
    }
    None
}

/// Whether the last line of `before` is another line of the same header.
fn follows_header_line(before: &[u8]) -> bool {
    let line = before.strip_suffix(b"\n").unwrap_or(before);
    let start = memchr::memrchr(b'\n', line).map_or(0, |end| end + 1);
    line[start..].starts_with(b"#")
}

impl Mysql {
    /// Another parser of the same log, at its beginning.
    pub(in crate::ingest::slow_log) fn fork(&self) -> Self {
        Self {
            known: Known::new(self.known.calendar.clone()),
            database: self.database.clone(),
            rate_limit: self.rate_limit,
            state: State::default(),
            plans: Plans::default(),
            names: LastNames::default(),
            offset: 0,
            ahead: Ahead::default(),
            unparsed: 0,
        }
    }

    /// Goes to the beginning of a part.
    pub(in crate::ingest::slow_log) fn begin(&mut self, guess: Guess) {
        self.offset = 0;
        self.ahead = Ahead::default();
        self.state = State {
            users: guess.users,
            is_modern: guess.is_modern,
            server: Server::who_tells_access(guess.tells_access),
            ..State::default()
        };
    }

    /// What a part that starts here would have to guess; `None` where no part may start.
    pub(in crate::ingest::slow_log) fn guess(&self) -> Option<Guess> {
        let state = &self.state;
        let is_between = state.place == Place::Between && !state.lost && state.doubtful == 0;
        is_between.then_some(Guess {
            users: state.users,
            is_modern: state.is_modern,
            tells_access: state.server.tells_access(),
        })
    }

    /// What a part that starts here is told later.
    pub(in crate::ingest::slow_log) fn inherited(&self) -> Inherited {
        let database = self.state.database.as_deref().unwrap_or(&self.database);
        Inherited {
            database: database.into(),
            time: self.state.time.filter(|time| LOG_TIMES.contains(time)),
        }
    }

    pub(in crate::ingest::slow_log) fn state(&self) -> State {
        self.state.clone()
    }

    /// Goes on behind a part of so many bytes that was read elsewhere.
    pub(in crate::ingest::slow_log) fn go_on(&mut self, length: usize, state: State) {
        self.offset += length as u64;
        let before = std::mem::replace(&mut self.state, state);
        let state = &mut self.state;
        state.database = state.database.take().or(before.database);
        state.time = state.time.or(before.time);
        state.server = before.server.then(&state.server);
    }

    /// Tells every entry that `buffer` completes and that starts before `limit`.
    pub(in crate::ingest::slow_log) fn parse_until(
        &mut self,
        buffer: &[u8],
        limit: usize,
        next: Next,
        tell: &mut dyn FnMut(Entry<'_>),
    ) -> Progress {
        let mut at = 0;
        while at < limit {
            let rest = &buffer[at..];
            let step = match self.state.place {
                Place::Between => self.between(rest, next, tell),
                Place::Line => self.line(rest),
                Place::Rest => self.rest(rest, next),
            };
            match step {
                Step::Took(length) => {
                    at += length;
                    self.offset += length as u64;
                    self.state.doubtful = self.state.doubtful.saturating_sub(length);
                }
                Step::Wait => break,
            }
        }
        Progress {
            consumed: at,
            held: 0,
            unparsed: std::mem::take(&mut self.unparsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "# User@Host: a[a] @ h []\n# Thread_id: 7  Schema: s  QC_hit: No\n\
                         # Query_time: 1.0  Lock_time: 0.0\nSELECT 1;\n";

    #[test]
    fn a_seam_is_at_the_first_line_of_a_header() {
        let log = ENTRY.repeat(400);
        for cut in 0..ENTRY.len() {
            let text = &log.as_bytes()[cut..];
            let at = seam(text).unwrap();
            assert_eq!((at + cut) % ENTRY.len(), 0, "{cut}");
            assert!(text.len() - at < 2 * ENTRY.len());
        }
    }

    #[test]
    fn what_has_no_header_in_sight_has_no_seam() {
        assert_eq!(seam(b"SELECT 1;\n".repeat(10_000).as_slice()), None);
        assert_eq!(seam(ENTRY.as_bytes()), None);
        assert_eq!(seam(b""), None);
    }
}

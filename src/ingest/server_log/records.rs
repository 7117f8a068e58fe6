//! Joins the lines that belong together: a record is its first line and those that go on with it.
//!
//! ```text
//!            first line                          line that does not go on, or silence
//! Between ─────────────────► record in the buffer ─────────────────────────────────► tell, Between
//!    ▲                           │ too large: told as far as it goes
//!    └── line that begins one ── Rest ◄── line end ── Line
//! ```
//!
//! A record is consumed as a whole, so that nothing is ever held back.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ingest::slow_log::{Entry, Next, Parser, Progress, scan};
use crate::model::event::Coverage;
use crate::model::sql::Dialect;

/// A record is looked at up to here: a stack trace or a dump of locks has some KiB.
pub(super) const MAX_RECORD_BYTES: usize = 256 << 10;

/// What a line means that follows no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// It tells nothing, and neither does what follows it.
    Skip,
    /// It begins a record.
    Begins,
}

/// What a kind of log looks like.
pub(super) trait Grammar: Send {
    /// What must be known to go on from a checkpoint; never any text of the log.
    type State: Default + Serialize + DeserializeOwned + Send;

    /// The state now.
    fn state(&self) -> &Self::State;

    /// Goes on from a state.
    fn restore(&mut self, state: Self::State);

    /// Looks at a line that follows no record.
    fn first(&mut self, line: &[u8]) -> First;

    /// Whether the line belongs to the record that was begun last; called for each of its lines in order.
    fn goes_on(&mut self, line: &[u8]) -> bool;

    /// Whether a line ends whatever was before it.
    fn is_header(&mut self, line: &[u8]) -> bool;

    /// The record that was begun last lacks its end: silence does not complete it.
    fn is_open(&self) -> bool;

    /// Tells what a record holds.
    fn tell(&mut self, record: &[u8], tell: &mut dyn FnMut(Entry<'_>));

    /// Dialect of the server, as far as it is known.
    fn dialect(&self) -> Dialect;
}

/// Where in the file the parser is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// At the start of a line.
    #[default]
    Between,
    /// Inside a line of a record that was too large.
    Line,
    /// At the start of a line of a record that was too large.
    Rest,
}

/// A parser of records.
#[derive(Debug)]
pub(super) struct Records<G> {
    grammar: G,
    place: Place,
    /// What came before the first header was counted, or the header came.
    begun: Begun,
    unparsed: u64,
}

/// Whether a header came by now: what stands before it is the rest of a record, or no log of this kind at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Begun {
    #[default]
    No,
    /// No, and that was counted.
    Counted,
    Yes,
}

/// What one look at the buffer came to.
enum Step {
    /// So many bytes are done with.
    Took(usize),
    /// More bytes are needed.
    Wait,
}

/// Where a record ends.
enum End {
    /// Behind so many bytes.
    At(usize),
    /// Beyond what is looked at, in the middle of a line or not.
    Beyond { in_line: bool },
    /// More bytes are needed.
    Unknown,
}

impl<G: Grammar> Records<G> {
    pub(super) fn new(grammar: G) -> Self {
        Self {
            grammar,
            place: Place::default(),
            begun: Begun::default(),
            unparsed: 0,
        }
    }

    /// Counts what stands before the first header, once.
    fn begin(&mut self, line: &[u8]) {
        if self.begun == Begun::Yes || line.iter().all(|b| *b == 0) {
            return;
        }
        if self.grammar.is_header(line) {
            self.begun = Begun::Yes;
        } else if self.begun == Begun::No {
            self.begun = Begun::Counted;
            self.unparsed += 1;
        }
    }

    fn between(&mut self, rest: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Step {
        let window = &rest[..rest.len().min(MAX_RECORD_BYTES)];
        let full = rest.len() >= MAX_RECORD_BYTES;
        let Some(length) = scan::line_length(window).or_else(|| {
            let is_whole = next == Next::End || full;
            is_whole.then_some(window.len())
        }) else {
            return Step::Wait;
        };
        let is_cut = full && length == window.len() && !window.ends_with(b"\n");
        let first = self.grammar.first(line(&window[..length]));
        if first == First::Begins {
            self.begun = Begun::Yes;
        } else {
            self.begin(line(&window[..length]));
        }
        if first == First::Skip {
            if is_cut {
                self.place = Place::Line;
            }
            return Step::Took(length);
        }
        let end = if is_cut {
            End::Beyond { in_line: true }
        } else {
            self.end(window, length, next, full)
        };
        let took = match end {
            End::At(end) => end,
            End::Beyond { in_line } => {
                self.place = if in_line { Place::Line } else { Place::Rest };
                window.len()
            }
            End::Unknown => return Step::Wait,
        };
        self.grammar.tell(&window[..took], tell);
        Step::Took(took)
    }

    /// Finds the end of the record whose first line ends at `at`.
    fn end(&mut self, window: &[u8], mut at: usize, next: Next, full: bool) -> End {
        while at < window.len() {
            let rest = &window[at..];
            let (length, is_whole) = match scan::line_length(rest) {
                Some(length) => (length, true),
                None if next == Next::End || full => (rest.len(), false),
                None => return End::Unknown,
            };
            if !self.grammar.goes_on(line(&rest[..length])) {
                return End::At(at);
            }
            if !is_whole && full {
                return End::Beyond { in_line: true };
            }
            at += length;
        }
        match next {
            _ if full => End::Beyond { in_line: false },
            Next::End => End::At(at),
            Next::Quiet if !self.grammar.is_open() => End::At(at),
            Next::Quiet | Next::More => End::Unknown,
        }
    }

    /// Skips the lines of a record that was too large.
    fn rest(&mut self, rest: &[u8], next: Next) -> Step {
        match scan::line_length(rest) {
            Some(length) if self.grammar.is_header(line(&rest[..length])) => {
                self.place = Place::Between;
                Step::Took(0)
            }
            Some(length) => Step::Took(length),
            None if next == Next::End => {
                self.place = Place::Between;
                Step::Took(rest.len())
            }
            None if rest.len() >= MAX_RECORD_BYTES => {
                self.place = Place::Line;
                Step::Took(0)
            }
            None => Step::Wait,
        }
    }

    /// Skips the rest of a line.
    fn line(&mut self, rest: &[u8]) -> Step {
        let Some(length) = scan::line_length(rest) else {
            return Step::Took(rest.len());
        };
        self.place = Place::Rest;
        Step::Took(length)
    }
}

fn line(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

impl<G: Grammar> Parser for Records<G> {
    fn parse(&mut self, buffer: &[u8], next: Next, tell: &mut dyn FnMut(Entry<'_>)) -> Progress {
        let mut at = 0;
        while at < buffer.len() {
            let rest = &buffer[at..];
            let step = match self.place {
                Place::Between => self.between(rest, next, tell),
                Place::Line => self.line(rest),
                Place::Rest => self.rest(rest, next),
            };
            match step {
                Step::Took(length) => at += length,
                Step::Wait => break,
            }
        }
        Progress {
            consumed: at,
            held: 0,
            unparsed: std::mem::take(&mut self.unparsed),
        }
    }

    fn dialect(&self) -> Dialect {
        self.grammar.dialect()
    }

    fn coverage(&self) -> Coverage {
        Coverage::default()
    }

    fn context(&self) -> String {
        serde_json::to_string(&(self.place, self.begun, self.grammar.state())).unwrap_or_default()
    }

    fn restore(&mut self, context: &str) {
        if let Ok((place, begun, state)) = serde_json::from_str(context) {
            self.place = place;
            self.begun = begun;
            self.grammar.restore(state);
        }
    }
}

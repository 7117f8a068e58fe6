//! What was read, as the document has it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::event::CoverageSource;
use crate::model::sql::{Dialect, Statement};
use crate::model::subject::Load;
use crate::model::time::Timestamp;
use crate::report::digest::{LoadCurve, Seconds, Server};

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Source {
    /// Files, as they were named.
    pub files: Vec<String>,
    /// Format, or `mixed`; empty for an empty log.
    pub format: String,
    /// Not all of the input was read: some of it could not be, or Ctrl-C came before.
    pub partial: bool,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Entries in the log.
    pub entries: u64,
    /// Runs that they stand for.
    pub statements: u64,
    /// Those of them that ran inside others, as the statements of a function; their time is counted once.
    pub nested_statements: u64,
    /// Entries that could not be read.
    pub unparsed_entries: u64,
    /// Runs of statements that the parser could not read; they are grouped all the same.
    pub opaque_statements: u64,
    /// The interval that was asked for.
    #[serde(flatten)]
    pub asked: Asked,
    /// Runs outside the interval that was asked for; they count nowhere else.
    pub outside: u64,
    /// Runs that failed or were cut.
    pub errors: u64,
    /// How often PostgreSQL said that checkpoints come too often.
    pub frequent_checkpoints: u64,
    /// Plans of `auto_explain` in a format that is not read.
    pub unread_plans: u64,
    /// What the log tells of the server itself.
    pub server: Option<Server>,
    /// Runs by dialect.
    pub dialects: BTreeMap<Dialect, Readable>,
    /// Run time over time; `None` when no run tells its time.
    pub load: Option<LoadCurve>,
    /// Runs faster than this are not in the log, in seconds, where that is known.
    pub slower_than_s: Option<Seconds>,
    /// How that is known.
    pub slower_than_known_by: CoverageSource,
    /// One run in so many is in the log, where that is known.
    pub one_in: Option<u32>,
    /// Detectors for which the log told too little of much of the run time, with what they need.
    pub not_judged: Vec<NotJudged>,
    /// Statements of which nothing was found because they ran too seldom, where they took much of the run time.
    pub too_seldom: Option<Seldom>,
    /// End of the first run.
    pub from: Option<Timestamp>,
    /// End of the last run.
    pub to: Option<Timestamp>,
}

/// The interval that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Runs that ended from here on.
    pub since: Option<Timestamp>,
    /// Runs that ended before.
    pub until: Option<Timestamp>,
}

impl Asked {
    /// Whether a run that ended then is in it.
    pub fn has(self, end: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= end) && self.until.is_none_or(|until| end < until)
    }
}

/// How much of a dialect the parser knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Readable {
    /// Runs.
    pub statements: u64,
    /// Runs of statements that the parser could not read.
    pub opaque_statements: u64,
}

impl Source {
    /// Takes note of the format of one more file.
    pub fn be_of(&mut self, format: &str) {
        let is_other = !self.format.is_empty() && self.format != format;
        let format = if is_other { "mixed" } else { format };
        format.clone_into(&mut self.format);
    }

    /// Counts of what was read by another way, beside these; a share is of one of both, and is told there.
    pub fn add(&mut self, other: &Self) {
        for file in &other.files {
            if !self.files.contains(file) {
                self.files.push(file.clone());
            }
        }
        self.be_of(&other.format);
        self.partial |= other.partial;
        self.bytes += other.bytes;
        self.entries += other.entries;
        self.statements += other.statements;
        self.nested_statements += other.nested_statements;
        self.unparsed_entries += other.unparsed_entries;
        self.opaque_statements += other.opaque_statements;
        self.outside += other.outside;
        self.errors += other.errors;
        for (dialect, readable) in &other.dialects {
            let known = self.dialects.entry(*dialect).or_default();
            known.statements += readable.statements;
            known.opaque_statements += readable.opaque_statements;
        }
        self.from = earlier(self.from, other.from);
        self.to = self.to.max(other.to);
    }

    /// Adds the runs of one statement to what is told of all.
    pub fn count(&mut self, statement: &Statement, load: &Load) {
        self.errors += load.errors + load.cancelled;
        let readable = self.dialects.entry(statement.dialect).or_default();
        readable.statements += load.count;
        if statement.shape().is_none() {
            readable.opaque_statements += load.count;
        }
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// Statements that ran too seldom to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Seldom {
    /// How many.
    pub statements: u64,
    /// Share of all run time that they took, 0 to 1.
    pub share: f64,
}

/// A detector that was blind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotJudged {
    /// Which.
    pub detector: &'static str,
    /// What it needs to see.
    pub needs: &'static str,
    /// Share of all run time that it could not judge, 0 to 1.
    pub share: f64,
}

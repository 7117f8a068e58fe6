//! Decides which subjects are sick: one file per detector, each a pure function of one complete subject.
//!
//! A detector sees no clock, no file, no network and no parser; what it needs of the past is in the subject.
//! [`catalogue`] lists them all; `basis` holds what several of them measure by.
//!
//! ```text
//! window::Closed { profiles, errors, operations } ─► Catalogue::judge ─► Judged { one Judgement per detector and problem }
//! ```

use crate::model::finding::{ProblemKey, Severity, Slug, Urgency, Verdict};
use crate::model::id::SourceId;
use crate::model::time::{Interval, Timestamp};
use crate::window::{Flush, WindowKey};

/// Declares a detector's `META`; its doc comment is also what `sqleuth explain` prints.
macro_rules! declare_detector {
    (
        $(#[doc = $line:literal])+
        pub static META = {
            slug: $slug:literal,
            summary: $summary:literal,
            summary_ko: $summary_ko:literal,
            urgency: $urgency:expr,
            severity: $severity:expr,
            needs: $needs:literal,
            about: $about:expr,
            since: $since:literal,
            status: $status:expr $(,)?
        }
    ) => {
        $(#[doc = $line])+
        pub static META: $crate::detect::DetectorMeta = $crate::detect::DetectorMeta {
            slug: $slug,
            summary: $summary,
            summary_ko: $summary_ko,
            urgency: $urgency,
            severity: $severity,
            needs: $needs,
            about: $about,
            since: $since,
            status: $status,
            docs: concat!($($line, "\n"),+),
        };
    };
}

pub mod catalogue;

mod basis;

pub mod alias_in_where;
pub mod batch_not_effective;
pub mod cacheable_read;
pub mod connection_refusal;
pub mod connection_wait;
pub mod data_growth;
pub mod deadlock;
pub mod deep_offset;
pub mod error_burst;
pub mod full_scan;
pub mod heavy_column;
pub mod implicit_cast;
pub mod insert_loop;
pub mod load_hog;
pub mod lock_wait;
pub mod missing_index;
pub mod missing_where;
pub mod n_plus_one;
pub mod needless_count;
pub mod non_sargable;
pub mod parameter_skew;
pub mod plan_flip;
pub mod predicate_dropped;
pub mod query_timeout;
pub mod random_order;
pub mod repeated_submission;
pub mod server_crash;
pub mod slow_dependency;
pub mod sort_spill;
pub mod unbounded_aggregate;
pub mod union_hotspot;

pub use catalogue::{Catalogue, DetectSettings, explain};

/// Decides whether one subject of kind `S` is sick.
pub trait Detector<S>: Send + Sync {
    /// What the world knows of it.
    fn meta(&self) -> &'static DetectorMeta;
    /// Judges one subject.
    fn inspect(&self, subject: &S) -> Verdict;
}

/// What the world knows of a detector.
#[derive(Debug)]
pub struct DetectorMeta {
    /// Name: the symptom, not the cure.
    pub slug: &'static str,
    /// One phrase, English.
    pub summary: &'static str,
    /// The same in Korean.
    pub summary_ko: &'static str,
    /// Whether it may open an incident; a single finding may ask for less.
    pub urgency: Urgency,
    /// The worst it says.
    pub severity: Severity,
    /// What it needs to see, for the catalogue table: `slow log`, `traces` ...
    pub needs: &'static str,
    /// First version that had it.
    pub since: &'static str,
    /// What its problems concern.
    pub about: About,
    /// Where it stands in its life.
    pub status: Status,
    /// Doc comment of the detector, each line with the blank that follows `///`; read [`DetectorMeta::markdown`].
    pub docs: &'static str,
}

/// What a problem concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A statement and its tables.
    Statement,
    /// All of a server, where no statement is told: whatever else happens to its databases then belongs to it.
    Server,
}

/// Where a detector stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Runs in shadow: its findings are counted, never told.
    Preview,
    /// Its findings are told.
    Stable,
    /// Told, but soon to go.
    Deprecated {
        /// First version in which it should not be used any more.
        since: &'static str,
    },
}

impl DetectorMeta {
    /// Markdown with the headings [`DetectorMeta::HEADINGS`], in that order.
    pub fn markdown(&self) -> String {
        let unindent = |line: &'static str| line.strip_prefix(' ').unwrap_or(line);
        let mut text = String::with_capacity(self.docs.len());
        for line in self.docs.lines() {
            text.push_str(unindent(line));
            text.push('\n');
        }
        text
    }

    /// Headings of every detector's docs.
    pub const HEADINGS: [&'static str; 5] = [
        "## What it sees",
        "## Why it hurts",
        "## How it decides",
        "## Example",
        "## False alarms",
    ];
}

/// One verdict on one problem.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Detector.
    pub detector: Slug,
    /// Problem the verdict is about.
    pub problem: ProblemKey,
    /// Verdict.
    pub verdict: Verdict,
}

/// Everything that was judged when one window closed.
#[derive(Debug)]
pub struct Judged {
    /// The window.
    pub key: WindowKey,
    /// Its interval.
    pub span: Interval,
    /// Verdicts; problems that are not mentioned were quiet, while the source lived.
    pub judgements: Vec<Judgement>,
    /// Recorded only: nothing here may open an incident.
    pub backlog: bool,
}

impl Judged {
    /// The source that lives.
    pub fn source(&self) -> &SourceId {
        &self.key.source
    }

    /// The data's clock after this window.
    pub fn now(&self) -> Timestamp {
        self.span.to
    }
}

/// What leaves this stage, in order.
#[derive(Debug)]
pub enum Output {
    /// Passed through from `window`.
    Flush(Flush),
    /// Verdicts.
    Judged(Box<Judged>),
}

//! Decides which subjects are sick: one file per detector, each a pure function of one complete subject.
//!
//! A detector sees no clock, no file, no network and no parser; what it needs of the past is in the subject.

use crate::model::finding::{ProblemKey, Slug, Urgency, Verdict};
use crate::model::id::SourceId;
use crate::model::time::{Interval, Timestamp};
use crate::window::{Flush, WindowKey};

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
    /// Whether it may open an incident.
    pub urgency: Urgency,
    /// What it needs to see, for the catalogue table: `slow log`, `traces` ...
    pub needs: &'static str,
    /// First version that had it.
    pub since: &'static str,
    /// Markdown: `## What it sees`, `## Why it hurts`, `## How it decides`, `## Example`, `## False alarms`.
    pub docs: &'static str,
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

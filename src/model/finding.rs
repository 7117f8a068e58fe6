//! A problem that a detector has found, and what to do about it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::evidence::Evidence;
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::{TableName, Template};
use crate::model::time::{Interval, Timestamp};

/// How bad it is; ordered, the worst last.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Advice.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// The lower-case name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Whether a finding may open an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// May open an incident.
    Acute,
    /// Advice: shown and digested, never paged.
    Chronic,
}

/// A detector's name: `full-scan`. A key in the store; renames go to a redirect table.
pub type Slug = Arc<str>;

/// One problem, seen over one interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Who found it.
    #[schema(value_type = String)]
    pub detector: Slug,
    /// How bad.
    pub severity: Severity,
    /// Whether it may page.
    pub urgency: Urgency,
    /// The interval that was judged.
    pub at: Interval,
    /// When the first of the runs behind it began, where it tells of runs: one that takes long has been under way for
    /// long when its end is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// Whose statement.
    pub service: ServiceName,
    /// Database or schema; empty when not told.
    pub database: Arc<str>,
    /// The statement, for problems of one statement.
    pub fingerprint: Option<FingerprintId>,
    /// The family of errors, for problems of errors that the statement alone does not tell apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<FingerprintId>,
    /// The operation of the service, for problems that its traces show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Arc<str>>,
    /// Its redacted text.
    pub template: Option<Template>,
    /// Tables concerned, sorted.
    #[schema(value_type = Vec<String>)]
    pub tables: Vec<TableName>,
    /// It was judged by events that are signs each, and that came again: one window with it is enough to tell of it, and
    /// it is over when they stay away for longer than they used to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recurring: bool,
    /// Facts, the one that crossed the line first; never empty.
    pub evidence: Vec<Evidence>,
    /// What may help, best first.
    pub remedies: Vec<Remedy>,
}

impl Finding {
    /// What makes two findings the same problem.
    pub fn key(&self) -> ProblemKey {
        ProblemKey {
            detector: self.detector.clone(),
            service: self.service.clone(),
            database: self.database.clone(),
            fingerprint: self.fingerprint,
            errors: self.errors,
            operation: self.operation.clone(),
        }
    }
}

/// What makes two findings the same problem; `incident::correlate` then joins problems into one incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProblemKey {
    /// Detector.
    pub detector: Slug,
    /// Service.
    pub service: ServiceName,
    /// Database or schema.
    pub database: Arc<str>,
    /// Statement.
    pub fingerprint: Option<FingerprintId>,
    /// Family of errors, where the statement alone does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<FingerprintId>,
    /// Operation of the service, where the statement alone does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Arc<str>>,
}

/// A change that may help, always for a person to read before it is run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Remedy {
    /// Statement or setting to apply; empty when only the words help.
    pub sql: String,
    /// What it does, in English; `report` knows the same in other languages.
    pub why: String,
    /// Whether it keeps the meaning.
    pub safety: Safety,
}

/// Whether a remedy keeps the meaning of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Results stay the same.
    Safe,
    /// Results may change, or the cost must be weighed.
    NeedsReview,
}

/// What a detector says of one subject.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Enough was seen, and it is well.
    Clear,
    /// Too little was seen: may neither open nor close an incident.
    Insufficient {
        /// How much was seen.
        seen: u64,
        /// How much is needed.
        needed: u64,
    },
    /// One for each distinct cause; never empty.
    Found(Vec<Finding>),
}

//! Operations of services, as their traces show them, in the document.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::model::finding::Slug;
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::operation::{OperationLoad, OperationProfile, Role};
use crate::model::sql::{StatementKind, Template};
use crate::report::digest::{Seconds, Times};
use crate::report::sentence::as_number;
use crate::window::trace::OperationStatement;

/// One operation.
#[derive(Debug, Clone, Serialize)]
pub struct OperationTold {
    /// Whose.
    pub service: ServiceName,
    /// Method and route, or the name of what is handled.
    pub operation: Arc<str>,
    /// Whether somebody waits for it.
    pub role: Role,
    /// `telemetry.sdk.language`; empty when not told.
    pub language: Arc<str>,
    /// Requests in the traces.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// How long they took.
    pub time_s: Times,
    /// Statements in a request, on average.
    pub statements_per_request: f64,
    /// Share of the requests' time that is waited for statements, 0 to 1.
    pub database_share: f64,
    /// Spans that were not kept, of traces with more than can be.
    pub left_out_spans: u64,
    /// What it ran, what it waited longest for first; at most 256.
    pub statements: Vec<Ran>,
    /// Detectors that found something.
    pub findings: Vec<Slug>,
}

/// What the requests of an operation ran of one statement.
#[derive(Debug, Clone, Serialize)]
pub struct Ran {
    /// Identity.
    pub fingerprint: FingerprintId,
    /// Redacted text.
    pub template: Template,
    /// What it does.
    pub kind: StatementKind,
    /// Requests that ran it.
    pub requests: u64,
    /// Runs in all of them.
    pub runs: u64,
    /// Runs in a request, on average over all requests of the operation.
    pub runs_per_request: f64,
    /// Runs in the request that had most of them.
    pub most: u64,
    /// Runs that failed.
    pub errors: u64,
    /// Time of the runs, as if one after the other.
    pub time_s: Seconds,
    /// Share of the operation's time that is waited for it and nothing else, 0 to 1.
    pub share: f64,
}

impl OperationTold {
    /// What is told of an operation.
    pub fn new(profile: &OperationProfile, statements: Vec<Ran>, findings: Vec<Slug>) -> Self {
        let load = &profile.load;
        Self {
            service: profile.service.clone(),
            operation: Arc::clone(&profile.operation),
            role: profile.role,
            language: Arc::clone(&profile.language),
            requests: load.requests,
            failed: load.failed,
            time_s: Times::of(&load.elapsed, load.requests),
            statements_per_request: per(load.statements, load.requests),
            database_share: statements.iter().map(|ran| ran.share).sum::<f64>().min(1.0),
            left_out_spans: load.left_out,
            statements,
            findings,
        }
    }

    /// Whose it is, and its name.
    pub fn name(&self) -> String {
        format!("{} {}", self.service, self.operation)
    }
}

impl Ran {
    /// What an operation with that load ran.
    pub fn new(ran: &OperationStatement, load: &OperationLoad) -> Self {
        Self {
            fingerprint: ran.statement.fingerprint,
            template: ran.statement.template.clone(),
            kind: ran.statement.kind(),
            requests: ran.requests,
            runs: ran.runs,
            runs_per_request: per(ran.runs, load.requests),
            most: ran.most,
            errors: ran.failed,
            time_s: Seconds(ran.busy),
            share: share(ran.critical, load.elapsed.total),
        }
    }
}

pub(in crate::report) fn per(count: u64, of: u64) -> f64 {
    as_number(count) / as_number(of.max(1))
}

pub(in crate::report) fn share(part: Duration, all: Duration) -> f64 {
    let share = part.as_secs_f64() / all.as_secs_f64();
    if share.is_finite() {
        share.min(1.0)
    } else {
        0.0
    }
}

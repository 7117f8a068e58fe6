//! A finding while it is written: who, what and where are taken from the subject.

use std::sync::Arc;

use crate::detect::DetectorMeta;
use crate::detect::basis::weight::Weight;
use crate::model::event::DbTarget;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Remedy, Safety, Severity, Urgency, Verdict};
use crate::model::operation::OperationProfile;
use crate::model::sql::{StatementRef, TableName};
use crate::model::subject::{ErrorProfile, Exemplar, QueryProfile};
use crate::model::time::Timestamp;

/// A finding while it is written.
#[derive(Debug)]
pub(in crate::detect) struct Draft<'a> {
    /// The statement that costs; `None` for a finding about errors.
    profile: Option<&'a QueryProfile>,
    finding: Finding,
}

impl<'a> Draft<'a> {
    /// Starts with the fact that crossed the line.
    pub(in crate::detect) fn new(
        meta: &DetectorMeta,
        profile: &'a QueryProfile,
        crossed: Evidence,
    ) -> Self {
        let finding = Finding {
            detector: Arc::from(meta.slug),
            severity: Severity::Warning,
            urgency: meta.urgency,
            at: profile.span,
            began: profile.exemplars.iter().map(Exemplar::start).min(),
            service: profile.service.clone(),
            database: Arc::clone(&profile.target.namespace),
            fingerprint: Some(profile.statement.fingerprint),
            errors: None,
            operation: None,
            template: Some(profile.statement.template.clone()),
            tables: profile.statement.tables().to_vec(),
            recurring: false,
            evidence: vec![crossed],
            remedies: Vec::new(),
        };
        Self {
            profile: Some(profile),
            finding,
        }
    }

    /// Starts with the fact that crossed the line, of a family of errors.
    pub(in crate::detect) fn of_errors(
        meta: &DetectorMeta,
        profile: &ErrorProfile,
        crossed: Evidence,
    ) -> Self {
        let statement = profile.family.statement.as_ref();
        let finding = Finding {
            detector: Arc::from(meta.slug),
            severity: Severity::Warning,
            urgency: meta.urgency,
            at: profile.span,
            began: None,
            service: profile.service.clone(),
            database: Arc::clone(&profile.target.namespace),
            fingerprint: statement.map(|s| s.fingerprint),
            errors: profile.family.apart(),
            operation: None,
            template: statement.map(|s| s.template.clone()),
            tables: statement.map_or_else(Vec::new, |s| s.tables().to_vec()),
            recurring: false,
            evidence: vec![crossed],
            remedies: Vec::new(),
        };
        let draft = Self {
            profile: None,
            finding,
        };
        let family = &profile.family;
        let code = (!family.code.is_empty()).then(|| Evidence::clause("error_code", &family.code));
        let message = family.message.as_str();
        let message = (!message.is_empty()).then(|| Evidence::clause("message", message));
        draft.with_all(code).with_all(message)
    }

    /// Starts with the fact that crossed the line, of an operation.
    pub(in crate::detect) fn of_operation(
        meta: &DetectorMeta,
        profile: &OperationProfile,
        crossed: Evidence,
    ) -> Self {
        let finding = Finding {
            detector: Arc::from(meta.slug),
            severity: Severity::Warning,
            urgency: meta.urgency,
            at: profile.span,
            began: None,
            service: profile.service.clone(),
            database: Arc::from(""),
            fingerprint: None,
            errors: None,
            operation: Some(Arc::clone(&profile.operation)),
            template: None,
            tables: Vec::new(),
            recurring: false,
            evidence: vec![crossed],
            remedies: Vec::new(),
        };
        let draft = Self {
            profile: None,
            finding,
        };
        draft.with(Evidence::clause("operation", &profile.operation))
    }

    /// Names the statement that it is about.
    pub(in crate::detect) fn about(mut self, statement: &StatementRef, target: &DbTarget) -> Self {
        self.finding.database = Arc::clone(&target.namespace);
        self.finding.fingerprint = Some(statement.fingerprint);
        self.finding.template = Some(statement.template.clone());
        self.finding.tables = statement.tables().to_vec();
        self
    }

    /// How bad it is.
    pub(in crate::detect) fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    /// Judged by events that came again, since the first of them.
    pub(in crate::detect) fn recurring(mut self, since: Option<Timestamp>) -> Self {
        self.finding.recurring = true;
        self.finding.began = since;
        self
    }

    /// The same, if it came before.
    pub(in crate::detect) fn recurring_if(self, before: Option<Timestamp>) -> Self {
        if before.is_some() {
            self.recurring(before)
        } else {
            self
        }
    }

    /// Advice only, whatever the detector usually says.
    pub(in crate::detect) fn advice(mut self) -> Self {
        self.finding.severity = Severity::Info;
        self.finding.urgency = Urgency::Chronic;
        self
    }

    /// Advice only, if it runs too seldom to call somebody.
    pub(in crate::detect) fn advice_if(self, is_rare: bool) -> Self {
        if is_rare { self.advice() } else { self }
    }

    /// Names the tables concerned instead of all of the statement's; an empty list changes nothing.
    pub(in crate::detect) fn tables(mut self, mut tables: Vec<TableName>) -> Self {
        tables.sort();
        tables.dedup();
        if !tables.is_empty() {
            self.finding.tables = tables;
        }
        self
    }

    /// Speaks of the tables as such and not of this statement.
    pub(in crate::detect) fn of_tables_alone(mut self) -> Self {
        self.finding.fingerprint = None;
        self.finding.template = None;
        self
    }

    /// Adds a fact.
    pub(in crate::detect) fn with(mut self, fact: Evidence) -> Self {
        self.finding.evidence.push(fact);
        self
    }

    /// Adds facts.
    pub(in crate::detect) fn with_all(mut self, facts: impl IntoIterator<Item = Evidence>) -> Self {
        self.finding.evidence.extend(facts);
        self
    }

    /// Adds the cost and the slowest run.
    pub(in crate::detect) fn costing(self, weight: Weight) -> Self {
        let Some(profile) = self.profile else {
            return self;
        };
        let slowest = profile.exemplars.first().map(|run| Evidence::Exemplar {
            at: run.end,
            seconds: run.elapsed.as_secs_f64(),
            parameters: Some(run.parameters),
            trace_id: run.trace.map(|t| Arc::from(format!("{:032x}", t.trace))),
        });
        let cost = weight.evidence(profile);
        self.with(cost).with_all(slowest)
    }

    /// Adds a remedy, if there is one.
    pub(in crate::detect) fn remedy(mut self, remedy: impl Into<Option<Remedy>>) -> Self {
        self.finding.remedies.extend(remedy.into());
        self
    }

    /// The finding alone.
    pub(in crate::detect) fn finish(self) -> Finding {
        self.finding
    }

    /// The verdict that this one finding makes.
    pub(in crate::detect) fn found(self) -> Verdict {
        Verdict::Found(vec![self.finish()])
    }
}

/// Advice in words, for a person to weigh.
pub(in crate::detect) fn advise(why: &str) -> Remedy {
    Remedy {
        sql: String::new(),
        why: why.to_owned(),
        safety: Safety::NeedsReview,
    }
}

/// A statement that changes no result.
pub(in crate::detect) fn safe(sql: String, why: &str) -> Remedy {
    Remedy {
        sql,
        why: why.to_owned(),
        safety: Safety::Safe,
    }
}

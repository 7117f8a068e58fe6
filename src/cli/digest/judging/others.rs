//! What is judged beside statements: errors, and the operations of traces.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::{Ailment, Judging, Place};
use crate::detect::DetectorMeta;
use crate::incident::Causes;
use crate::model::finding::{Finding, Slug, Verdict};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, StatementKey};
use crate::model::time::Interval;
use crate::report::digest::{OperationTold, Ran};
use crate::window::trace::Operation;

/// How much a finding matters, beside its severity.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    /// Errors in the worst minute; none for what is slow.
    errors: u64,
    /// Time that it costs where no statement tells it.
    cost: Duration,
}

/// What is known before.
struct Known<'a> {
    /// Which detector found something about which statement by its runs.
    by_runs: BTreeSet<(StatementKey, &'static str)>,
    causes: &'a Causes,
}

impl Judging<'_> {
    /// Shows every family of errors to every detector of errors.
    pub(super) fn judge_errors(&mut self, span: Interval, causes: &Causes) {
        let known = Known {
            by_runs: self.by_runs(),
            causes,
        };
        let mut found = Vec::new();
        for profile in self.errors.profiles(&self.view, span) {
            let statement = profile.family.statement.as_ref().map(|s| s.key());
            let weight = Weight {
                errors: profile.load.busiest_minute.max(1),
                cost: Duration::ZERO,
            };
            for (meta, verdict) in self.catalogue.inspect_errors(&profile) {
                found.push((meta, verdict, statement, weight));
            }
        }
        for (meta, verdict, statement, weight) in found {
            for finding in findings(verdict) {
                let about = statement.filter(|s| Some(s.fingerprint) == finding.fingerprint);
                self.add(meta, (finding, about), weight, &known);
            }
        }
    }

    /// Shows every operation to every detector of operations.
    pub(super) fn judge_operations(&mut self, causes: &Causes) {
        let known = Known {
            by_runs: self.by_runs(),
            causes,
        };
        for operation in self.operations {
            let weight = Weight {
                errors: 0,
                cost: operation.profile.load.elapsed.total,
            };
            for (meta, verdict) in self.catalogue.inspect_operation(&operation.profile) {
                for finding in findings(verdict) {
                    let about = finding.fingerprint.and_then(|id| self.named(id));
                    self.add(meta, (finding, about), weight, &known);
                }
            }
        }
    }

    /// Which detector found something about which statement by its runs.
    fn by_runs(&self) -> BTreeSet<(StatementKey, &'static str)> {
        let known = self.by_statement.iter();
        known.map(|(id, _, slug)| (*id, *slug)).collect()
    }

    /// The statement with this identity, of whatever dialect.
    fn named(&self, fingerprint: FingerprintId) -> Option<StatementKey> {
        let dialects = [Dialect::Mysql, Dialect::Postgres, Dialect::Generic];
        let keys = dialects.map(|dialect| StatementKey {
            fingerprint,
            dialect,
        });
        keys.into_iter()
            .find(|key| self.view.elapsed(*key).is_some())
    }

    fn add(
        &mut self,
        meta: &'static DetectorMeta,
        (finding, about): (Finding, Option<StatementKey>),
        weight: Weight,
        known: &Known<'_>,
    ) {
        // the runs told the same problem, and more of it
        if about.is_some_and(|about| known.by_runs.contains(&(about, meta.slug))) {
            return;
        }
        let place = Place::Other(about, self.others.len());
        let cost = about.and_then(|id| self.view.elapsed(id));
        self.ailments.push(Ailment {
            severity: Reverse(finding.severity),
            errors: Reverse(weight.errors),
            cost: Reverse(cost.unwrap_or(weight.cost)),
            reach: Reverse(known.causes.reach(meta.slug)),
            detector: meta.slug,
            place,
        });
        self.by_statement
            .extend(about.map(|id| (id, place, meta.slug)));
        self.others.push(finding);
    }

    /// Every operation, the one that took most time first.
    pub(in crate::cli) fn operations(&self) -> Vec<OperationTold> {
        let mut told: Vec<_> = self.operations.iter().map(|o| self.operation(o)).collect();
        told.sort_by(|a, b| {
            let name = |o: &OperationTold| (o.service.clone(), o.operation.clone());
            b.time_s
                .total
                .0
                .cmp(&a.time_s.total.0)
                .then_with(|| name(a).cmp(&name(b)))
        });
        told
    }

    fn operation(&self, operation: &Operation) -> OperationTold {
        let profile = &operation.profile;
        let mut slugs: Vec<Slug> = Vec::new();
        for found in &self.others {
            let is_its = found.operation.as_ref() == Some(&profile.operation)
                && found.service == profile.service;
            if is_its && !slugs.contains(&found.detector) {
                slugs.push(found.detector.clone());
            }
        }
        let statements = operation.statements.iter();
        let statements = statements.map(|ran| Ran::new(ran, &profile.load)).collect();
        OperationTold::new(profile, statements, slugs)
    }
}

fn findings(verdict: Verdict) -> Vec<Finding> {
    match verdict {
        Verdict::Found(found) => found,
        Verdict::Clear | Verdict::Insufficient { .. } => Vec::new(),
    }
}

//! Judges what was summed up, and tells it: one statement at a time, for there may be 100,000.

mod blind;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cli::digest::reading::Read;
use crate::config::Config;
use crate::detect::catalogue::Catalogue;
use crate::incident::Causes;
use crate::ingest::slow_log::Format;
use crate::model::finding::{Finding, Severity, Slug, Verdict};
use crate::model::schema::Schema;
use crate::model::sql::StatementKey;
use crate::model::subject::QueryProfile;
use crate::model::time::Interval;
use crate::report::Style;
use crate::report::digest::{
    Attributes, Digest, Failed, Found, LeftOut, Query, Seconds, Source, Summed,
};
use crate::window::{ErrorTotals, Role, Total, TotalView};

use self::blind::{Sight, TooSeldom};

/// Statements of a report for people: nobody reads more.
const SHOWN: usize = 1_000;

/// Whose names are told, in this order.
const ROLES: [Role; 3] = [Role::Database, Role::User, Role::Client];

/// What the detectors say of a log.
pub(super) struct Judging<'a> {
    view: TotalView<'a>,
    errors: &'a ErrorTotals,
    /// Findings about errors: they are few.
    failing: Vec<Finding>,
    catalogue: Catalogue,
    source: Source,
    /// The worst first.
    ailments: Vec<Ailment>,
    /// Which detector found something about which statement, sorted.
    by_statement: Vec<(StatementKey, Place, &'static str)>,
}

/// Where a finding is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Statement, and its number among the findings of that.
    Statement(StatementKey, u32),
    /// The statement that fails, where one is told, and its number among the findings about errors.
    Error(Option<StatementKey>, usize),
}

impl Place {
    fn statement(self) -> Option<StatementKey> {
        match self {
            Self::Statement(statement, _) => Some(statement),
            Self::Error(statement, _) => statement,
        }
    }
}

/// A finding without its evidence. Sorted as a report has them: the worst first, of these what fails before what is
/// slow, the most frequent and the costliest first; of one statement, what explains the others first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ailment {
    severity: Reverse<Severity>,
    /// In the worst minute; none for what is slow. An error takes no run time that could tell how much it matters.
    errors: Reverse<u64>,
    cost: Reverse<Duration>,
    /// Kinds of problem that it may lead to.
    reach: Reverse<usize>,
    detector: &'static str,
    place: Place,
}

impl<'a> Judging<'a> {
    pub(super) fn new(read: &'a Read, schema: &'a Schema, config: &Config) -> Self {
        let mut judging = Self {
            view: read.totals.view(read.coverage).declared_by(schema),
            errors: &read.totals.errors,
            failing: Vec::new(),
            catalogue: Catalogue::new(&config.detect),
            source: read.source.clone(),
            ailments: Vec::new(),
            by_statement: Vec::new(),
        };
        let causes = Causes::built_in();
        judging.judge(&causes);
        judging.judge_errors(read.totals.seen().unwrap_or_default(), &causes);
        judging.tell_blind();
        judging.source.slower_than_s = read.coverage.slower_than.map(Seconds);
        judging.source.slower_than_known_by = read.coverage.known_by;
        judging.source.one_in = read.coverage.one_in;
        judging.ailments.sort_unstable();
        judging.by_statement.sort_unstable();
        judging
    }

    /// What was read.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Every statement, the costliest first.
    pub(super) fn queries(&self) -> impl Iterator<Item = Query> {
        self.view.ranked().map(|total| self.query(total))
    }

    /// Every finding, the worst first.
    pub(super) fn findings(&self, style: &Style) -> impl Iterator<Item = Found> {
        self.ailments.iter().filter_map(|ailment| {
            let finding = match ailment.place {
                Place::Statement(statement, number) => {
                    let profile = self.view.profile(statement)?;
                    findings(&self.catalogue, &profile).nth(number as usize)
                }
                Place::Error(_, number) => self.failing.get(number).cloned(),
            };
            let dialect = ailment.place.statement().map(|about| about.dialect);
            Some(Found::new(finding?, dialect, style))
        })
    }

    /// Families of errors, the most frequent first; the sums keep a bounded number of them apart.
    pub(super) fn errors(&self) -> Vec<Failed> {
        let families = self.errors.families().into_iter();
        families
            .map(|(family, load)| Failed::new(family, load))
            .collect()
    }

    /// The report for people.
    pub(super) fn digest(&self, top: Option<usize>, style: &Style) -> Digest {
        let shown = top.unwrap_or_default().max(SHOWN);
        let mut queries: Vec<Query> = self.queries().take(shown).collect();
        let ranked = queries.len();
        let mut known: BTreeSet<_> = queries.iter().map(Query::key).collect();
        let sick = self.sick();
        for statement in sick.iter().take(SHOWN) {
            if known.insert(*statement) {
                queries.extend(self.view.get(*statement).map(|total| self.query(total)));
            }
        }
        let told: BTreeSet<_> = sick.iter().take(SHOWN).collect();
        let is_told = |found: &Found| found.about().is_none_or(|about| told.contains(&about));
        let share: f64 = queries.iter().map(|query| query.share).sum();
        let left_out = self.view.len().saturating_sub(queries.len());
        let elapsed = self.view.load().elapsed;
        Digest {
            source: self.source.clone(),
            elapsed,
            ranked,
            findings: self.findings(style).filter(is_told).collect(),
            errors: self.errors(),
            left_out: LeftOut {
                queries: left_out,
                share: if left_out > 0 {
                    (1.0 - share).max(0.0)
                } else {
                    0.0
                },
                sick: sick.len().saturating_sub(SHOWN),
            },
            queries,
        }
    }

    /// Statements with findings, the worst first.
    fn sick(&self) -> Vec<StatementKey> {
        let mut seen = BTreeSet::new();
        let statements = self.ailments.iter().filter_map(|a| a.place.statement());
        statements.filter(|id| seen.insert(*id)).collect()
    }

    fn query(&self, total: Total<'_>) -> Query {
        let slugs = self.detectors_of(total.statement.key());
        Query::new(summed(total), self.view.load().elapsed, slugs)
    }

    /// Detectors that found something about a statement.
    fn detectors_of(&self, statement: StatementKey) -> Vec<Slug> {
        let from = self
            .by_statement
            .partition_point(|(id, ..)| *id < statement);
        let its = self.by_statement[from..].iter();
        let mut slugs: Vec<Slug> = Vec::new();
        for (_, _, slug) in its.take_while(|(id, ..)| *id == statement) {
            if !slugs.iter().any(|known| **known == **slug) {
                slugs.push(Slug::from(*slug));
            }
        }
        slugs
    }

    /// Shows every family of errors to every detector of errors.
    fn judge_errors(&mut self, span: Interval, causes: &Causes) {
        let by_runs: BTreeSet<_> = self
            .by_statement
            .iter()
            .map(|(id, _, slug)| (*id, *slug))
            .collect();
        for profile in self.errors.profiles(&self.view, span) {
            for (meta, verdict) in self.catalogue.inspect_errors(&profile) {
                let Verdict::Found(found) = verdict else {
                    continue;
                };
                for finding in found {
                    let statement = profile.family.statement.as_ref().map(|s| s.key());
                    let about = statement.filter(|s| Some(s.fingerprint) == finding.fingerprint);
                    // the runs told the same problem, and more of it
                    if about.is_some_and(|about| by_runs.contains(&(about, meta.slug))) {
                        continue;
                    }
                    let place = Place::Error(about, self.failing.len());
                    let cost = about.and_then(|id| self.view.elapsed(id));
                    self.ailments.push(Ailment {
                        severity: Reverse(finding.severity),
                        errors: Reverse(profile.load.busiest_minute.max(1)),
                        cost: Reverse(cost.unwrap_or_default()),
                        reach: Reverse(causes.reach(meta.slug)),
                        detector: meta.slug,
                        place,
                    });
                    self.by_statement
                        .extend(about.map(|id| (id, place, meta.slug)));
                    self.failing.push(finding);
                }
            }
        }
    }

    /// Shows every statement to every detector.
    fn judge(&mut self, causes: &Causes) {
        let mut sight: BTreeMap<&'static str, Sight> = BTreeMap::new();
        let mut seldom = TooSeldom::default();
        for profile in self.view.profiles() {
            self.source.count(&profile.statement, &profile.load);
            let mut number = 0;
            let known = self.ailments.len();
            let verdicts = self.catalogue.inspect(&profile);
            seldom.note(&profile.load, &verdicts);
            for (meta, verdict) in verdicts {
                let seen = sight.entry(meta.slug).or_insert(Sight::of(meta));
                seen.note(&verdict, profile.load.elapsed.total);
                let Verdict::Found(found) = verdict else {
                    continue;
                };
                for finding in found {
                    let about = profile.statement.key();
                    let place = Place::Statement(about, number);
                    number += 1;
                    self.ailments.push(Ailment {
                        severity: Reverse(finding.severity),
                        errors: Reverse(0),
                        cost: Reverse(profile.load.elapsed.total),
                        reach: Reverse(causes.reach(meta.slug)),
                        detector: meta.slug,
                        place,
                    });
                    self.by_statement.push((about, place, meta.slug));
                }
            }
            raise_causes(&mut self.ailments[known..], causes);
        }
        let all = self.view.load().elapsed;
        self.source.not_judged = blind::not_judged(sight, all);
        self.source.too_seldom = seldom.told(all);
    }

    /// Detectors of errors are blind for a log that has none; who found something was not.
    fn tell_blind(&mut self) {
        let found: BTreeSet<_> = self.ailments.iter().map(|a| a.detector).collect();
        let not_judged = &mut self.source.not_judged;
        let tells_errors = self.view.is_empty()
            || self.source.format != Format::MysqlSlow.as_str()
            || !self.errors.families().is_empty();
        if !tells_errors {
            not_judged.extend(blind::of_errors(&self.catalogue));
        }
        not_judged.retain(|blind| !found.contains(blind.detector));
        not_judged.sort_by_key(|blind| blind.detector);
    }
}

/// What may have led to another problem of the same statement is as bad as that.
fn raise_causes(of_one: &mut [Ailment], causes: &Causes) {
    for at in 0..of_one.len() {
        let slug = of_one[at].detector;
        let effects = of_one.iter();
        let effects = effects.filter(|a| causes.strength(slug, a.detector) > 0.0);
        // `Reverse`: the least is the worst
        let worst = effects.map(|a| a.severity).min();
        of_one[at].severity = worst
            .unwrap_or(of_one[at].severity)
            .min(of_one[at].severity);
    }
}

/// What the detectors find about a statement, in their order.
fn findings(catalogue: &Catalogue, profile: &QueryProfile) -> impl Iterator<Item = Finding> {
    let verdicts = catalogue.inspect(profile).into_iter();
    verdicts.flat_map(|(_, verdict)| match verdict {
        Verdict::Found(found) => found,
        Verdict::Clear | Verdict::Insufficient { .. } => Vec::new(),
    })
}

fn summed(total: Total<'_>) -> Summed {
    let Total {
        statement,
        sums,
        attributes,
    } = total;
    let stats = &sums.stats;
    let seen = stats.first_seen().zip(stats.last_seen());
    Summed {
        statement,
        load: stats.load(),
        lock: sums.lock(),
        seen: seen.map(|(from, to)| Interval { from, to }),
        attributes: attributes.map(Attributes::of),
        names: ROLES.map(|role| stats.names(role)),
        more: ROLES.map(|role| stats.has_more_names(role)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::FingerprintId;
    use crate::model::sql::Dialect;

    fn ailment(detector: &'static str, severity: Severity, number: u32) -> Ailment {
        Ailment {
            severity: Reverse(severity),
            errors: Reverse(0),
            cost: Reverse(Duration::from_secs(1)),
            reach: Reverse(Causes::built_in().reach(detector)),
            detector,
            place: Place::Statement(
                StatementKey {
                    fingerprint: FingerprintId(1),
                    dialect: Dialect::Mysql,
                },
                number,
            ),
        }
    }

    #[test]
    fn what_explains_the_others_comes_first() {
        let mut of_one = [
            ailment("full-scan", Severity::Critical, 0),
            ailment("load-hog", Severity::Critical, 1),
            ailment("missing-index", Severity::Warning, 2),
            ailment("non-sargable", Severity::Warning, 3),
            ailment("cacheable-read", Severity::Info, 4),
        ];
        raise_causes(&mut of_one, &Causes::built_in());
        of_one.sort_unstable();
        let order = of_one.map(|a| a.detector);
        assert_eq!(
            order,
            [
                "non-sargable",
                "missing-index",
                "full-scan",
                "load-hog",
                "cacheable-read"
            ]
        );
    }
}

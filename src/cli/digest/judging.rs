//! Judges what was summed up, and tells it: one statement at a time, for there may be 100,000.

mod ailment;
mod blind;
mod others;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::cli::digest::reading::Read;
use crate::config::Config;
use crate::detect::catalogue::Catalogue;
use crate::incident::Causes;
use crate::ingest::slow_log::Format;
use crate::model::event::Origin;
use crate::model::finding::{Finding, Slug, Verdict};
use crate::model::schema::Schema;
use crate::model::sql::StatementKey;
use crate::model::subject::QueryProfile;
use crate::model::time::Interval;
use crate::report::Style;
use crate::report::digest::{
    Attributes, Digest, Failed, Found, LeftOut, Query, Seconds, Source, Summed,
};
use crate::window::sketch::Sketch;
use crate::window::trace::Operation;
use crate::window::{ErrorTotals, Role, Total, TotalView};

use self::ailment::{Ailment, Place, raise_causes};
use self::blind::{Sight, TooSeldom};

/// Statements of a report for people: nobody reads more.
const SHOWN: usize = 1_000;

/// Whose names are told, in this order.
const ROLES: [Role; 3] = [Role::Database, Role::User, Role::Client];

/// What the detectors say of a log.
pub(in crate::cli) struct Judging<'a> {
    view: TotalView<'a>,
    errors: &'a ErrorTotals,
    operations: &'a [Operation],
    origin: Origin,
    /// Findings about errors and operations: they are few.
    others: Vec<Finding>,
    catalogue: Catalogue,
    source: Source,
    /// The worst first.
    ailments: Vec<Ailment>,
    /// Which detector found something about which statement, sorted.
    by_statement: Vec<(StatementKey, Place, &'static str)>,
}

impl<'a> Judging<'a> {
    pub(in crate::cli) fn new(read: &'a Read, schema: &'a Schema, config: &Config) -> Self {
        let mut judging = Self {
            view: read.totals.view(read.coverage).declared_by(schema),
            errors: &read.totals.errors,
            operations: &read.operations,
            origin: read.origin,
            others: Vec::new(),
            catalogue: Catalogue::new(&config.detect),
            source: read.source.clone(),
            ailments: Vec::new(),
            by_statement: Vec::new(),
        };
        let causes = Causes::built_in();
        judging.judge(&causes);
        judging.judge_errors(read.totals.seen().unwrap_or_default(), &causes);
        judging.judge_operations(&causes);
        judging.tell_blind();
        judging.source.slower_than_s = read.coverage.slower_than.map(Seconds);
        judging.source.slower_than_known_by = read.coverage.known_by;
        judging.source.one_in = read.coverage.one_in;
        judging.ailments.sort_unstable();
        judging.by_statement.sort_unstable();
        judging
    }

    /// One statement.
    pub(in crate::cli) fn statement(&self, key: StatementKey) -> Option<Query> {
        self.view.get(key).map(|total| self.query(total))
    }

    /// How long the runs of a statement took, in nanoseconds.
    pub(in crate::cli) fn times(&self, key: StatementKey) -> Option<Sketch> {
        self.view
            .get(key)
            .map(|total| total.sums.stats.times().clone())
    }

    /// What was read.
    pub(in crate::cli) fn source(&self) -> &Source {
        &self.source
    }

    /// Every statement, the costliest first.
    pub(in crate::cli) fn queries(&self) -> impl Iterator<Item = Query> {
        self.view.ranked().map(|total| self.query(total))
    }

    /// Every finding, the worst first.
    pub(in crate::cli) fn findings(&self, style: &Style) -> impl Iterator<Item = Found> {
        self.ailments.iter().filter_map(|ailment| {
            let finding = match ailment.place {
                Place::Statement(statement, number) => {
                    let profile = self.view.profile(statement)?;
                    findings(&self.catalogue, &profile).nth(number as usize)
                }
                Place::Other(_, number) => self.others.get(number).cloned(),
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
            origin: self.origin,
            operations: self.operations(),
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
        Query::new(summed(total, self.origin), self.view.load().elapsed, slugs)
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
            || self.origin == Origin::Span
            || self.source.format != Format::MysqlSlow.as_str()
            || !self.errors.families().is_empty();
        if !tells_errors {
            not_judged.extend(blind::of_errors(&self.catalogue));
        }
        not_judged.retain(|blind| !found.contains(blind.detector));
        not_judged.sort_by_key(|blind| blind.detector);
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

fn summed(total: Total<'_>, origin: Origin) -> Summed {
    let Total {
        statement,
        sums,
        attributes,
    } = total;
    let stats = &sums.stats;
    let seen = stats.first_seen().zip(stats.last_seen());
    Summed {
        origin,
        statement,
        load: stats.load(),
        lock: sums.lock(),
        seen: seen.map(|(from, to)| Interval { from, to }),
        attributes: attributes.map(Attributes::of),
        names: ROLES.map(|role| stats.names(role)),
        more: ROLES.map(|role| stats.has_more_names(role)),
    }
}

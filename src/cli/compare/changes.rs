//! What became of each statement, operation and finding.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::side::{Side, seconds};
use crate::model::event::Origin;
use crate::model::finding::Slug;
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::sql::StatementKey;
use crate::report::Style;
use crate::report::compare::{
    Comparison, FindingChanges, JudgedBy, OperationChange, OperationSide, RanChange, RanSide,
    Sides, StatementChange, StatementSide,
};
use crate::report::digest::{Found, OperationTold, Query};
use crate::window::sketch::{Contest, Sketch};

/// What became of all that either side tells of.
pub(super) fn held_against(sides: &[Side<'_>; 2], style: &Style) -> Comparison {
    let [before, after] = sides;
    let mut comparison = Comparison::new(before.source(), after.source());
    comparison.operations = operations(sides);
    for origin in [Origin::Log, Origin::Span] {
        comparison.statements.extend(statements(sides, origin));
    }
    let total = |change: &StatementChange| {
        let totals = [&change.sides.before, &change.sides.after];
        totals
            .map(|side| side.map(|side| side.total_s.0))
            .into_iter()
            .max()
    };
    comparison
        .statements
        .sort_by_key(|change| std::cmp::Reverse(total(change)));
    comparison.findings = findings(sides, style);
    comparison
}

fn statements(sides: &[Side<'_>; 2], origin: Origin) -> Vec<StatementChange> {
    let mut known = BTreeSet::new();
    let mut changes = Vec::new();
    for side in sides {
        for query in side.of(origin).flat_map(|(_, judging)| judging.queries()) {
            if known.insert(query.key()) {
                changes.push(statement(sides, origin, &query));
            }
        }
    }
    changes
}

fn statement(sides: &[Side<'_>; 2], origin: Origin, query: &Query) -> StatementChange {
    let key = query.key();
    let [before, after] = sides.each_ref().map(|side| {
        let told = side.statement(origin, key);
        told.map(|(query, seconds)| StatementSide::new(&query, seconds))
    });
    let told = Sides { before, after };
    let requests = sides.each_ref().map(|side| {
        let of_spans = origin == Origin::Span;
        side.per_request.get(&key).filter(|_| of_spans)
    });
    let (judged_by, change) = match requests {
        [Some(before), Some(after)] => {
            let change = told.change(|| before.against(after, [1, 1]));
            (JudgedBy::Request, change)
        }
        _ => (JudgedBy::Run, told.change(|| by_runs(sides, origin, key))),
    };
    StatementChange {
        fingerprint: query.fingerprint,
        template: query.template.clone(),
        dialect: query.dialect,
        kind: query.kind,
        origin,
        change,
        judged_by,
        sides: told,
    }
}

fn by_runs(sides: &[Side<'_>; 2], origin: Origin, key: StatementKey) -> Contest {
    let one_in = sides.each_ref().map(|side| side.one_in(origin));
    let times = sides
        .each_ref()
        .map(|side| side.times(origin, key).unwrap_or_default());
    times[0].against(&times[1], one_in)
}

/// Whose operation, and its name.
type Name = (ServiceName, Arc<str>);

fn operations(sides: &[Side<'_>; 2]) -> Vec<OperationChange> {
    let told = sides.each_ref().map(|side| {
        let all = side.of(Origin::Span).flat_map(|(read, judging)| {
            let seconds = seconds(&read.source);
            let told = judging.operations().into_iter();
            told.map(move |told| {
                let name = (told.service.clone(), Arc::clone(&told.operation));
                (name, (told, seconds))
            })
        });
        all.collect::<BTreeMap<Name, (OperationTold, f64)>>()
    });
    let elapsed = sides.each_ref().map(|side| {
        let all = side.of(Origin::Span).flat_map(|(read, _)| &read.operations);
        let named = all.map(|operation| {
            let profile = &operation.profile;
            let name = (profile.service.clone(), Arc::clone(&profile.operation));
            (name, &operation.elapsed)
        });
        named.collect::<BTreeMap<Name, &Sketch>>()
    });
    let names: BTreeSet<&Name> = told.iter().flat_map(BTreeMap::keys).collect();
    let mut changes: Vec<_> = names
        .into_iter()
        .map(|name| {
            operation(name, [told[0].get(name), told[1].get(name)], || {
                match (elapsed[0].get(name), elapsed[1].get(name)) {
                    (Some(before), Some(after)) => before.against(after, [1, 1]),
                    _ => Contest::Unclear,
                }
            })
        })
        .collect();
    let total = |change: &OperationChange| {
        let totals = [&change.sides.before, &change.sides.after];
        totals
            .map(|side| side.map(|side| side.total_s.0))
            .into_iter()
            .max()
    };
    changes.sort_by_key(|change| std::cmp::Reverse(total(change)));
    changes
}

fn operation(
    (service, operation): &Name,
    told: [Option<&(OperationTold, f64)>; 2],
    contest: impl FnOnce() -> Contest,
) -> OperationChange {
    let [before, after] =
        told.map(|side| side.map(|(told, seconds)| OperationSide::new(told, *seconds)));
    let sides = Sides { before, after };
    OperationChange {
        service: service.clone(),
        operation: Arc::clone(operation),
        change: sides.change(contest),
        sides,
        statements: ran(told.map(|side| side.map(|(told, _)| told))),
    }
}

/// Statements of an operation, those that take or took most of its time first.
fn ran(told: [Option<&OperationTold>; 2]) -> Vec<RanChange> {
    let mut changes: BTreeMap<FingerprintId, RanChange> = BTreeMap::new();
    for (at, told) in told.into_iter().enumerate() {
        let Some(told) = told else { continue };
        for ran in &told.statements {
            let change = changes.entry(ran.fingerprint).or_insert_with(|| RanChange {
                fingerprint: ran.fingerprint,
                template: ran.template.clone(),
                kind: ran.kind,
                sides: Sides {
                    before: None,
                    after: None,
                },
            });
            let side = if at == 0 {
                &mut change.sides.before
            } else {
                &mut change.sides.after
            };
            *side = Some(RanSide::new(ran, told.requests));
        }
    }
    let mut changes: Vec<_> = changes.into_values().collect();
    let share = |change: &RanChange| {
        let shares = [change.sides.before, change.sides.after];
        shares
            .into_iter()
            .flatten()
            .map(|side| side.share)
            .fold(0.0, f64::max)
    };
    changes.sort_by(|a, b| share(b).total_cmp(&share(a)));
    changes
}

/// What makes two findings the same.
type FindingName = (Slug, Option<FingerprintId>, Option<Arc<str>>);

fn findings(sides: &[Side<'_>; 2], style: &Style) -> FindingChanges {
    let name = |found: &Found| -> FindingName {
        (
            found.detector.clone(),
            found.fingerprint,
            found.operation.clone(),
        )
    };
    let [before, after] = sides.each_ref().map(|side| {
        let all = side.all.iter();
        all.flat_map(|(_, judging)| judging.findings(style))
            .collect::<Vec<_>>()
    });
    let [was, is] = [&before, &after].map(|all| all.iter().map(name).collect::<BTreeSet<_>>());
    let (still, new) = after
        .into_iter()
        .partition(|found| was.contains(&name(found)));
    FindingChanges {
        gone: before
            .into_iter()
            .filter(|found| !is.contains(&name(found)))
            .collect(),
        new,
        still,
    }
}

//! What is remembered of operations beyond one request: the statements that each of them usually runs, and what was
//! submitted a moment ago.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::model::operation::{DroppedPredicate, Role, Submissions};
use crate::model::span::Caller;
use crate::model::sql::{StatementKind, StatementRef};
use crate::model::time::Timestamp;

use super::callers::Callers;
use super::held::{Held, Work};
use super::operations::Key;
use super::sums::Sums;
use super::unit::{Scratch, Unit};

/// Statements that are remembered of one operation, the first ones: those it runs always come early.
const MAX_STATEMENTS: usize = 64;

/// Requests that must have run a statement before another one can be that one without a condition.
const MIN_KNOWN: u64 = 20;

/// The same values written again count for so long: who sees no answer looks elsewhere, and comes back.
const SAME_VALUES_WITHIN: Duration = Duration::from_secs(300);

/// The same caller counts for so long where values are not told, or nothing new was written.
const SAME_CALLER_WITHIN: Duration = Duration::from_secs(10);

/// The same browser counts for so long where values are not told: a button that is pressed twice.
const SAME_BROWSER_WITHIN: Duration = Duration::from_secs(2);

/// Submissions that are remembered.
const MAX_SUBMITTED: usize = 20_000;

/// Methods that change something.
const CHANGING: [&str; 4] = ["POST ", "PUT ", "PATCH ", "DELETE "];

/// What is remembered of a source's operations.
#[derive(Debug)]
pub(super) struct Book {
    capacity: usize,
    usual: BTreeMap<Key, Vec<Usual>>,
    callers: Callers,
    submitted: HashMap<u64, Submitted>,
    /// Oldest first.
    order: VecDeque<u64>,
}

/// A statement of an operation.
#[derive(Debug)]
struct Usual {
    statement: StatementRef,
    requests: u64,
    runs: u64,
    busy: u64,
    first_seen: Timestamp,
    /// Position of the statement that it is without a condition, and the requests that had run that one before.
    instead_of: Option<(usize, u64)>,
}

/// A submission that may come again.
#[derive(Debug, Clone, Copy)]
struct Submitted {
    start: u64,
    repeats: u64,
    failed: bool,
}

impl Book {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            usual: BTreeMap::new(),
            callers: Callers::default(),
            submitted: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Takes note of a unit, the runs of which are sorted by statement, and says in `sums` what is strange about it.
    pub(super) fn note(&mut self, key: Key, unit: &Unit<'_>, scratch: &Scratch, sums: &mut Sums) {
        if sums.role == Role::Request {
            self.note_submission(&key, unit, scratch, sums);
        }
        if scratch.queries.is_empty() {
            return;
        }
        if self.usual.len() >= self.capacity && !self.usual.contains_key(&key) {
            // Operations come and go with deploys, or have ids in their names: those that still run come back.
            self.usual.clear();
        }
        let usual = self.usual.entry(key).or_default();
        for group in scratch.queries.chunk_by(|a, b| a.0 == b.0) {
            note_statement(usual, unit, group, sums);
        }
    }

    fn note_submission(&mut self, key: &Key, unit: &Unit<'_>, scratch: &Scratch, sums: &mut Sums) {
        let Some(root) = unit.operation() else {
            return;
        };
        let caller = match root.work {
            Work::Entry { caller } => caller,
            _ => Caller::Unknown,
        };
        if let Caller::Browser { address, .. } | Caller::Program(address) = caller {
            self.callers.note(&key.service, address);
        }
        let written = Written::of(unit, scratch);
        let changes = CHANGING.iter().any(|method| root.name.starts_with(method));
        if !changes && written.statement.is_none() {
            return;
        }
        let is_told = caller != Caller::Unknown;
        let same_values = written.is_told && (written.inserts || is_told);
        let Some(within) = self.patience(key, caller, same_values.then_some(&written)) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        (&key.service.as_str(), &key.operation, caller).hash(&mut hasher);
        if same_values {
            written.values.hash(&mut hasher);
        }
        let mut seen = Submissions {
            told: 1,
            ..Submissions::default()
        };
        if let Some((gap, repeats)) = self.again(hasher.finish(), root, within) {
            seen.repeated = 1;
            seen.same_values = u64::from(same_values);
            let is_browser = matches!(caller, Caller::Browser { .. });
            seen.by_address = u64::from(is_browser && !same_values);
            seen.callers = u64::from(repeats == 1);
            seen.most = repeats;
            seen.gap = Some((gap, gap));
            seen.elapsed = Duration::from_nanos(root.elapsed());
            seen.exemplars.push(unit.exemplar(repeats));
            if let Some(held) = written.statement.and_then(Held::asked) {
                seen.statement = Some(Arc::clone(&held.statement));
                seen.target = held.scope.target.clone();
            }
        }
        sums.add_submissions(&seen);
    }

    /// How long the next request of the caller counts as this one again, where `same` values are written or none are
    /// told; `None` if nobody can tell.
    fn patience(&self, key: &Key, caller: Caller, same: Option<&Written<'_>>) -> Option<Duration> {
        match (same, caller) {
            (Some(written), _) if written.inserts => Some(SAME_VALUES_WITHIN),
            (Some(_), _) | (None, Caller::Named(_)) => Some(SAME_CALLER_WITHIN),
            (None, Caller::Browser { address, .. }) => {
                let is_one = self.callers.is_one(&key.service, address);
                is_one.then_some(SAME_BROWSER_WITHIN)
            }
            (None, Caller::Program(_) | Caller::Unknown) => None,
        }
    }

    /// How long ago the same was submitted, and how often it came again by now; unless that failed, when to try again is
    /// what one does.
    fn again(&mut self, id: u64, root: &Held, within: Duration) -> Option<(Duration, u64)> {
        let mut new = Submitted {
            start: root.start,
            repeats: 0,
            failed: root.failed,
        };
        let Some(known) = self.submitted.get_mut(&id) else {
            self.order.push_back(id);
            self.submitted.insert(id, new);
            if self.order.len() > MAX_SUBMITTED
                && let Some(oldest) = self.order.pop_front()
            {
                self.submitted.remove(&oldest);
            }
            return None;
        };
        let gap = Duration::from_nanos(known.start.abs_diff(root.start));
        let is_again = gap <= within && !known.failed;
        new.start = known.start.max(root.start);
        new.repeats = if is_again { known.repeats + 1 } else { 0 };
        *known = new;
        is_again.then_some((gap, new.repeats))
    }
}

/// What a unit wrote.
struct Written<'a> {
    /// Hash of the statements and their values.
    values: u64,
    /// The values of every write are told.
    is_told: bool,
    inserts: bool,
    /// The first write.
    statement: Option<&'a Held>,
}

impl<'a> Written<'a> {
    fn of(unit: &Unit<'a>, scratch: &Scratch) -> Self {
        let mut hasher = DefaultHasher::new();
        let mut written = Self {
            values: 0,
            is_told: true,
            inserts: false,
            statement: None,
        };
        for &(fingerprint, _, at) in &scratch.queries {
            let Some((span, asked)) = unit.span(at).and_then(|s| Some((s, s.asked()?))) else {
                continue;
            };
            let inserts = match asked.statement.kind() {
                StatementKind::Insert | StatementKind::Replace => true,
                StatementKind::Update | StatementKind::Delete | StatementKind::Merge => false,
                _ => continue,
            };
            written.inserts |= inserts;
            written.is_told &= asked.parameters != 0;
            (fingerprint, asked.parameters).hash(&mut hasher);
            let is_first = written
                .statement
                .is_none_or(|first| first.start > span.start && (inserts || !written.inserts));
            if is_first {
                written.statement = Some(span);
            }
        }
        written.is_told &= written.statement.is_some();
        written.values = hasher.finish();
        written
    }
}

/// Counts the runs of one statement in one request.
fn note_statement(
    usual: &mut Vec<Usual>,
    unit: &Unit<'_>,
    group: &[(u64, u64, u32)],
    sums: &mut Sums,
) {
    let first = group.first().and_then(|&(_, _, at)| unit.span(at));
    let Some((span, asked)) = first.and_then(|span| Some((span, span.asked()?))) else {
        return;
    };
    let spans = group.iter().filter_map(|&(_, _, at)| unit.span(at));
    let busy = spans.map(Held::elapsed).fold(0, u64::saturating_add);
    let runs = u64::try_from(group.len()).unwrap_or(u64::MAX);
    let id = asked.statement.fingerprint;
    let position = usual
        .iter()
        .position(|known| known.statement.fingerprint == id);
    let position = match position {
        Some(position) => position,
        None if usual.len() < MAX_STATEMENTS && has_conditions(asked.statement.kind()) => {
            usual.push(Usual {
                instead_of: instead_of(usual, &asked.statement),
                statement: Arc::clone(&asked.statement),
                requests: 0,
                runs: 0,
                busy: 0,
                first_seen: Timestamp::from_unix_nanos(span.start),
            });
            usual.len() - 1
        }
        None => return,
    };
    let Some(known) = usual.get_mut(position) else {
        return;
    };
    known.requests += 1;
    known.runs = known.runs.saturating_add(runs);
    known.busy = known.busy.saturating_add(busy);
    let (first_seen, Some((before, known_by))) = (known.first_seen, known.instead_of) else {
        return;
    };
    let Some(before) = usual.get(before) else {
        return;
    };
    sums.add_dropped(DroppedPredicate {
        now: Arc::clone(&asked.statement),
        target: asked.scope.target.clone(),
        before: Arc::clone(&before.statement),
        load: unit.pattern(runs, busy, 0, 0),
        first_seen,
        known_by,
        usual: Duration::from_nanos(before.busy / before.runs.max(1)),
    });
}

fn has_conditions(kind: StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Select | StatementKind::Update | StatementKind::Delete
    )
}

/// The statement of the same operation that the new one is without some of its conditions.
fn instead_of(usual: &[Usual], new: &StatementRef) -> Option<(usize, u64)> {
    let kept = &new.shape()?.predicates;
    let is_more = |known: &Usual| {
        let shape = known.statement.shape();
        shape.is_some_and(|shape| {
            shape.predicates.len() > kept.len()
                && kept
                    .iter()
                    .all(|predicate| shape.predicates.contains(predicate))
        })
    };
    let mut candidates = usual.iter().enumerate().filter(|(_, known)| {
        known.statement.loose == new.loose && known.requests >= MIN_KNOWN && is_more(known)
    });
    candidates
        .next()
        .map(|(position, known)| (position, known.requests))
}
